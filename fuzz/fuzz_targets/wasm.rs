//! `cargo fuzz run wasm`.

#![cfg_attr(fuzzing, no_main)]

multi_out_fuzz::target!(multi_out_fuzz::judges::wasm::Wasm);

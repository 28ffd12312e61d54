//! `cargo fuzz run compile-all`.

#![cfg_attr(fuzzing, no_main)]

multi_out_fuzz::target!(multi_out_fuzz::judges::compile_all::CompileAll);

//! `cargo fuzz run compile-all`.

#![cfg_attr(fuzzing, no_main)]

multi_out_fuzz::target!(multi_out_fuzz::oracles::compile_all::CompileAll);

//! `cargo fuzz run layout`.

#![cfg_attr(fuzzing, no_main)]

multi_out_fuzz::target!(multi_out_fuzz::judges::layout::Layout);

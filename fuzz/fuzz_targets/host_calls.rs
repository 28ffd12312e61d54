//! `cargo fuzz run host-calls`.

#![cfg_attr(fuzzing, no_main)]

multi_out_fuzz::target!(multi_out_fuzz::oracles::host_calls::HostCalls);

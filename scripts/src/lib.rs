//! `cargo xtask`: makes and keeps the fork of Cranelift in `cranelift/`, and runs the project's tests and checks.

pub mod bench;
pub mod c_abi;
pub mod check;
pub mod checkout;
pub mod ci;
pub mod clif_util;
pub mod coverage;
pub mod fork;
pub mod fuzz;
pub mod git;
pub mod load;
pub mod mutants;
pub mod outside;
pub mod patch;
pub mod pin;
pub mod queue;
pub mod repo;
pub mod seed;
pub mod setup;
pub mod status;
pub mod steps;
pub mod test;
pub mod tidy;
pub mod unchanged;
pub mod upstream;
pub mod workflows;

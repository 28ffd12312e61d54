//! `cargo xtask`: makes and keeps the fork of Cranelift in `cranelift/`, and runs the project's tests and checks.

pub mod bench;
pub mod campaign;
pub mod check;
pub mod checkout;
pub mod circles;
pub mod clif_util;
pub mod fork;
pub mod fuzz;
pub mod git;
pub mod layers;
pub mod outside;
pub mod patch;
pub mod pin;
pub mod programs;
pub mod queue;
pub mod repo;
pub mod seed;
pub mod setup;
pub mod steps;
pub mod test;
pub mod tidy;
pub mod workflows;

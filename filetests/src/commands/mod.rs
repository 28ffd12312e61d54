//! The test commands, one file each.

pub mod alias_analysis;
pub mod c_abi;
pub mod cat;
pub mod compile;
pub mod domtree;
pub mod inline;
pub mod interpret;
pub mod optimize;
pub mod print_cfg;
pub mod run;
pub mod safepoint;
pub mod unwind;
pub mod verifier;

//! Modules of WebAssembly at random, and two runtimes that run them.

pub mod imports;
pub mod module;
pub mod runtimes;
pub mod table;

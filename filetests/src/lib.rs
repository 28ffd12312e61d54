//! Runs Cranelift filetests: `.clif` files that say what is to be tested and what must come out.
//!
//! [`run_files`] runs all test files under some paths; the program `clif-util` is a thin layer
//! over it. A file goes through these modules, in this order:
//!
//! - [`collect`] finds it, [`workers`] runs it beside others, [`runner`] reports it in order;
//! - [`parse`] reads it, [`mod@file`] expands it into jobs (a test command on a target), and runs them;
//! - [`job`] is what a command is given, [`command`] lists the commands, [`commands`] has one file for each;
//! - [`check`] compares texts, [`bless`] rewrites expectations, [`directives`] reads `run` lines;
//! - [`host`] decides what can run here, [`execute`] runs it, [`disassemble`] and
//!   [`unwind_dump`] show it;
//! - [`object`] writes object files; [`reduce`] shrinks functions;
//!   [`timings`] adds up the time that compiler passes take;
//! - [`abi`] tells where the values of a signature go, and writes it for C and Rust;
//! - [`errors`] describes what the compiler says, [`outcome`] holds the results, [`report`] prints
//!   them, and [`printing`] ends who cannot print.
//!
//! A test must not be able to end the run: [`panics`] contains panics, [`workers`] contains
//! crashes and endless loops, and [`activity`] tells where they happened.

pub mod abi;
pub mod activity;
pub mod bless;
pub mod check;
pub mod collect;
pub mod command;
pub mod commands;
pub mod directives;
pub mod disassemble;
pub mod errors;
pub mod execute;
pub mod file;
mod fillers;
pub mod host;
pub mod job;
pub mod object;
pub mod outcome;
pub mod panics;
pub mod parse;
pub mod printing;
pub mod reduce;
pub mod report;
pub mod runner;
pub mod source;
pub mod timings;
pub mod unwind_dump;
pub mod workers;

pub use command::TestCommand;
pub use job::{Job, JobOptions};
pub use outcome::{Failure, FileOutcome, FileReport, Verdict};
pub use runner::{Observer, RunOptions, Summary, run_files};

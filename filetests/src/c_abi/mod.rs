//! Compiled code and C call each other: the other side of `test c-abi` and of the campaign. [`oracles`] has
//! the compilers.
//!
//! - [`driver`] reads the C program of a filetest;
//! - [`case`] makes compiled functions for a signature, [`cases_c`] and [`cases_rust`] write the other
//!   side of many, with `runtime.c`;
//! - [`campaign`] compares random signatures, and [`standalone`] writes one as a filetest.
//!
//! C is the judge of layout and calls: offsets and sizes are `offsetof` and `sizeof`. What the
//! declarations assert of our own layout only makes a program fail to compile.

pub mod campaign;
pub mod case;
pub mod cases_c;
pub mod cases_rust;
pub mod driver;
pub mod standalone;

//! Compiled code and C call each other: the other side of `test c-abi` and of the campaign.
//!
//! - [`toolchain`] has compilers, linkers and emulators, and what C compilers disagree about;
//! - [`workshop`] makes programs and runs them;
//! - [`driver`] reads the C program of a filetest.

pub mod driver;
pub mod toolchain;
pub mod workshop;

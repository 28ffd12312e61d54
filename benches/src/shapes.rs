//! What is measured: signatures with a number of results of one type, and the work on both sides of a call.
//!
//! The side that is called computes a chain, `v0 = x + c0`, `v1 = v0 ^ c1`, `v2 = v1 + c2` and so on, and results are all its
//! links. The caller folds them in the same manner, `((r0 ^ r1) + r2) ^ …`. Sum and exclusive or alternate so that no compiler may
//! reassociate them into vectors: what is compared are calls, not vectorizers.

use std::fmt;

/// The type of all results and of the one parameter beside `vmctx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Lane {
    I32,
    I64,
}

impl Lane {
    /// In CLIF, and in tables.
    pub fn clif(self) -> &'static str {
        match self {
            Lane::I32 => "i32",
            Lane::I64 => "i64",
        }
    }

    /// In C: unsigned, so that overflow is defined.
    pub fn c(self) -> &'static str {
        match self {
            Lane::I32 => "uint32_t",
            Lane::I64 => "uint64_t",
        }
    }

    /// Size in bytes, and alignment.
    pub const fn bytes(self) -> usize {
        match self {
            Lane::I32 => 4,
            Lane::I64 => 8,
        }
    }
}

/// A signature: `(i64 vmctx, T) -> T, T, …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// `T`.
    pub lane: Lane,
    /// The number of results.
    pub count: usize,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", self.count, self.lane.clif())
    }
}

/// The numbers of results that goals are about.
pub const COUNTS: [usize; 5] = [2, 4, 8, 16, 100];

/// The numbers of results of the scaling plot.
pub const SCALING: [usize; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

impl Shape {
    /// The shapes that goals are about.
    pub fn all() -> impl Iterator<Item = Shape> {
        let of = |lane| COUNTS.map(move |count| Shape { lane, count });
        of(Lane::I64).into_iter().chain(of(Lane::I32))
    }

    /// The constant of a link of the chain: small enough for an immediate operand anywhere.
    pub fn constant(link: usize) -> u64 {
        (3 * link as u64 + 1) % 512
    }
}

/// What a step of a chain or a fold does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Step {
    Add,
    Xor,
}

impl Step {
    /// The operation of a step.
    pub fn at(index: usize) -> Step {
        if index.is_multiple_of(2) {
            Step::Add
        } else {
            Step::Xor
        }
    }

    /// In CLIF.
    pub fn clif(self) -> &'static str {
        match self {
            Step::Add => "iadd",
            Step::Xor => "bxor",
        }
    }

    /// In C.
    pub fn c(self) -> &'static str {
        match self {
            Step::Add => "+",
            Step::Xor => "^",
        }
    }

    /// Of values; a 32-bit lane takes the low half.
    pub fn of(self, a: u64, b: u64) -> u64 {
        match self {
            Step::Add => a.wrapping_add(b),
            Step::Xor => a ^ b,
        }
    }
}

/// How the calls of a loop depend on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Pattern {
    /// The argument of a call is the fold of the previous call's results: the time is latency.
    Dependent,
    /// The argument is the loop's counter and folds are added up: the time is throughput.
    Independent,
}

impl Pattern {
    /// Both.
    pub const ALL: [Pattern; 2] = [Pattern::Dependent, Pattern::Independent];

    /// In tables.
    pub fn name(self) -> &'static str {
        match self {
            Pattern::Dependent => "dependent",
            Pattern::Independent => "independent",
        }
    }
}

/// Calls in one iteration of a caller's loop, so that what compilers make of loops matters less.
pub const CALLS: usize = 4;

/// What a loop with so many calls in an iteration has to return, computed without any call. Iterations count down to 1.
pub fn expected(shape: Shape, pattern: Pattern, calls: usize, iterations: u64, seed: u64) -> u64 {
    let truncate = |v: u64| match shape.lane {
        Lane::I32 => v & 0xffff_ffff,
        Lane::I64 => v,
    };
    let call = |x: u64| {
        let mut link = x;
        let mut fold = 0;
        for index in 0..shape.count {
            link = truncate(Step::at(index).of(link, Shape::constant(index)));
            fold = match index {
                0 => link,
                _ => truncate(Step::at(index).of(fold, link)),
            };
        }
        fold
    };
    (1..=iterations)
        .rev()
        .flat_map(|counter| std::iter::repeat_n(counter, calls))
        .fold(seed, |state, counter| match pattern {
            Pattern::Dependent => call(state),
            Pattern::Independent => truncate(state.wrapping_add(call(truncate(counter)))),
        })
}

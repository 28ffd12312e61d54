//! The frame of a target file.
//!
//! Under cargo-fuzz a target is a libFuzzer program. Built without it, on any toolchain, the same
//! program replays the files that it is given, so a finding needs no fuzzer to be looked into:
//!
//! ```text
//! cargo run -p multi-out-fuzz --bin layout -- [--show] FILE…
//! cargo run -p multi-out-fuzz --bin layout -- --random SECONDS
//! ```

use crate::{Oracle, Verdict, random, tally};
use arbitrary::{Arbitrary, Unstructured};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Defines the program of an oracle's target.
#[macro_export]
macro_rules! target {
    ($oracle:ty) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(
            |case: <$oracle as $crate::Oracle>::Case| -> libfuzzer_sys::Corpus {
                match $crate::target::run::<$oracle>(&case) {
                    $crate::Verdict::Passed => libfuzzer_sys::Corpus::Keep,
                    $crate::Verdict::Rejected => libfuzzer_sys::Corpus::Reject,
                }
            }
        );

        #[cfg(not(fuzzing))]
        fn main() -> std::process::ExitCode {
            $crate::target::replay::<$oracle>(std::env::args_os().skip(1))
        }
    };
}

/// Judges a case and counts it.
pub fn run<O: Oracle>(case: &O::Case) -> Verdict {
    let verdict = O::check(case);
    tally::count(O::NAME, verdict);
    verdict
}

/// Judges the cases in files, and shows them if the first argument is `--show`; or judges random ones
/// for some seconds.
pub fn replay<O: Oracle>(mut args: impl Iterator<Item = std::ffi::OsString>) -> ExitCode {
    let mut shows = false;
    let mut is_complete = true;
    while let Some(arg) = args.next() {
        if arg == "--random" {
            let seconds = args.next().and_then(|arg| arg.to_str()?.parse().ok());
            let Some(seconds) = seconds.map(Duration::from_secs) else {
                eprintln!("--random needs a number of seconds");
                return ExitCode::FAILURE;
            };
            let start = Instant::now();
            for case in random::cases::<O::Case>(1).take_while(|_| start.elapsed() < seconds) {
                let shown = ShownOnPanic(&case);
                run::<O>(&case);
                drop(shown);
            }
            continue;
        }
        if arg == "--show" {
            shows = true;
            continue;
        }
        let case = std::fs::read(&arg).map(|bytes| {
            O::Case::arbitrary_take_rest(Unstructured::new(&bytes)).map_err(|e| e.to_string())
        });
        match case {
            Ok(Ok(case)) if shows => println!("{case:?}"),
            Ok(Ok(case)) => println!("{}: {:?}", arg.display(), run::<O>(&case)),
            Ok(Err(error)) => println!("{}: {error}", arg.display()),
            Err(error) => {
                eprintln!("{}: {error}", arg.display());
                is_complete = false;
            }
        }
    }
    if is_complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Prints a case if judging it panics: nobody has it in a file.
struct ShownOnPanic<'a, C: std::fmt::Debug>(&'a C);

impl<C: std::fmt::Debug> Drop for ShownOnPanic<'_, C> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{:?}", self.0);
        }
    }
}

//! The frame of a target file.
//!
//! Under cargo-fuzz a target is a libFuzzer program. Built without it, on any toolchain, the same
//! program replays the files that it is given, so a finding needs no fuzzer to be looked into:
//!
//! ```text
//! cargo run -p multi-out-fuzz --bin layout -- [--show] FILE…
//! cargo run -p multi-out-fuzz --bin layout -- --random SECONDS [--seed N]
//! ```

use crate::{Oracle, Verdict, random, tally};
use arbitrary::{Arbitrary, Unstructured};
use clap::{CommandFactory, FromArgMatches, Parser};
use oracles::signatures::Seed;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
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
            $crate::target::replay::<$oracle>(std::env::args_os())
        }
    };
}

/// Judges a case and counts it.
pub fn run<O: Oracle>(case: &O::Case) -> Verdict {
    let verdict = O::check(case);
    tally::count(O::NAME, verdict);
    verdict
}

/// Judge inputs of a fuzz target again, without a fuzzer; a panic is a finding
#[derive(Parser)]
#[command(
    arg_required_else_help = true,
    after_help = "Example:\n  cargo run -p multi-out-fuzz --bin interpret -- --show fuzz/artifacts/interpret/crash-1"
)]
struct Options {
    /// Print the cases, and judge none
    #[arg(long, conflicts_with = "random")]
    show: bool,
    /// Judge random cases for so many seconds
    #[arg(long, value_name = "SECONDS")]
    random: Option<u64>,
    /// Makes the same random cases again [default: a new one, which is printed]
    #[arg(long, value_name = "N", requires = "random", conflicts_with = "files")]
    seed: Option<u64>,
    /// Inputs, as the fuzzer writes them
    #[arg(
        value_name = "FILE",
        required_unless_present = "random",
        conflicts_with = "random"
    )]
    files: Vec<PathBuf>,
}

impl Options {
    /// Those in the arguments of a target's program.
    fn read<O: Oracle>(args: impl Iterator<Item = OsString>) -> clap::error::Result<Self> {
        let command = Options::command().name(O::NAME);
        Options::from_arg_matches(&command.try_get_matches_from(args)?)
    }
}

/// Judges or shows the cases in files, or judges random ones, as the arguments of the program ask for.
pub fn replay<O: Oracle>(args: impl Iterator<Item = OsString>) -> ExitCode {
    let options = match Options::read::<O>(args) {
        Ok(options) => options,
        Err(error) => error.exit(),
    };
    if let Some(seconds) = options.random {
        let name = format!("{}-case-{}", O::NAME, std::process::id());
        let path = std::env::temp_dir().join(name);
        let seed = options.seed.unwrap_or_else(Seed::draw);
        println!("seed {seed}");
        return match judge_random::<O>(seed, Duration::from_secs(seconds), &path) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                ExitCode::FAILURE
            }
        };
    }
    let mut is_complete = true;
    for path in &options.files {
        match fs::read(path).map(|bytes| case::<O>(&bytes)) {
            Ok(Ok(case)) if options.show => println!("{case:?}"),
            Ok(Ok(case)) => println!("{}: {:?}", path.display(), run::<O>(&case)),
            Ok(Err(error)) => println!("{}: {error}", path.display()),
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                is_complete = false;
            }
        }
    }
    match is_complete {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn case<O: Oracle>(bytes: &[u8]) -> arbitrary::Result<O::Case> {
    O::Case::arbitrary_take_rest(Unstructured::new(bytes))
}

/// Judges random cases. The file has the bytes of the one that is being judged, which are lost otherwise if
/// it ends the process by a signal, or does not end. It is removed if all is well.
fn judge_random<O: Oracle>(seed: u64, time: Duration, path: &Path) -> io::Result<()> {
    let file = File::create(path)?;
    eprintln!("{}: {} has the case being judged", O::NAME, path.display());
    let start = Instant::now();
    for number in 0.. {
        if start.elapsed() >= time {
            break;
        }
        let bytes = random::bytes(seed, number);
        let Ok(case) = case::<O>(&bytes) else {
            continue;
        };
        file.write_all_at(&bytes, 0)?;
        file.set_len(bytes.len() as u64)?;
        let shown = ShownOnPanic(&case);
        run::<O>(&case);
        drop(shown);
    }
    fs::remove_file(path)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judges::layout::Layout;
    use filetests::panics::contain;

    #[test]
    fn misuse_is_told() {
        let read = |args: &[&str]| {
            let args = ["layout"].iter().chain(args).map(OsString::from);
            Options::read::<Layout>(args).map_err(|error| error.exit_code())
        };
        assert!(read(&["--show", "a", "b"]).is_ok_and(|options| options.files.len() == 2));
        assert!(read(&["--random", "3"]).is_ok_and(|options| options.random == Some(3)));
        assert!(read(&["--random", "3", "--seed", "7"]).is_ok_and(|o| o.seed == Some(7)));
        assert_eq!(read(&["--help"]).err(), Some(0));
        for wrong in [
            &[][..],
            &["--show"],
            &["--random"],
            &["--random", "x"],
            &["--random", "3", "a"],
            &["--seed", "7", "a"],
            &["--unknown", "a"],
        ] {
            assert_eq!(read(wrong).err(), Some(2), "{wrong:?}");
        }
    }

    /// Dislikes bytes that begin with 7.
    struct Picky;

    impl Oracle for Picky {
        const NAME: &'static str = "picky";
        type Case = Vec<u8>;

        fn check(case: &Vec<u8>) -> Verdict {
            assert_ne!(case.first(), Some(&7));
            Verdict::Passed
        }
    }

    #[test]
    fn a_random_case_is_in_a_file_while_it_is_judged() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("case");
        let found = contain(|| judge_random::<Picky>(1, Duration::MAX, &path));
        found.expect_err("a case that begins with 7");
        let bytes = fs::read(&path).expect("the case");
        let case = case::<Picky>(&bytes).expect("a case");
        contain(|| Picky::check(&case)).expect_err("the same case");

        judge_random::<Picky>(1, Duration::ZERO, &path).expect("no case");
        assert!(!path.exists());
    }
}

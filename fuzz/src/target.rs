//! The frame of a target file.
//!
//! Under cargo-fuzz a target is a libFuzzer program. Built without it, on any toolchain, the same
//! program replays the files that it is given, so a finding needs no fuzzer to be looked into:
//!
//! ```text
//! cargo run -p multi-out-fuzz --bin layout -- [--show | --reduce] FILE…
//! cargo run -p multi-out-fuzz --bin layout -- --random SECONDS [--seed N]
//! ```
//!
//! A random case that is a finding is reduced at once.

use crate::child::{self, End};
use crate::reduce::{self, reduce};
use crate::{Oracle, Verdict, random, tally};
use clap::{CommandFactory, FromArgMatches, Parser};
use filetests::printing::end_if_printing_fails;
use oracles::seed::Seed;
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
                    $crate::Verdict::Rejected if !<$oracle as $crate::Oracle>::KEEPS_REJECTED => {
                        libfuzzer_sys::Corpus::Reject
                    }
                    _ => libfuzzer_sys::Corpus::Keep,
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
    /// Make each finding smaller, for a minute at most, and print it; the bytes go to FILE.reduced
    #[arg(long, conflicts_with_all = ["random", "show"])]
    reduce: bool,
    /// Judge random cases for so many seconds, and reduce the first finding
    #[arg(long, value_name = "SECONDS")]
    random: Option<u64>,
    /// Leave a random finding as large as it is
    #[arg(long, requires = "random")]
    as_found: bool,
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
    end_if_printing_fails();
    let options = match Options::read::<O>(args) {
        Ok(options) => options,
        Err(error) => error.exit(),
    };
    if let Some(seconds) = options.random {
        let name = format!("{}-case-{}", O::NAME, std::process::id());
        let path = std::env::temp_dir().join(name);
        let seed = options.seed.unwrap_or_else(Seed::draw);
        println!("seed {seed}");
        let found = judge_random::<O>(seed, Duration::from_secs(seconds), &path);
        return exit(match found {
            Ok(None) => Ok(()),
            Ok(Some(end)) => {
                println!("FINDING {end}, seed {seed}");
                let reduced = match options.as_found {
                    true => Ok(()),
                    false => show_reduced::<O>(&path),
                };
                reduced.and_then(|()| Err(format!("{} has a finding", path.display())))
            }
            Err(error) => Err(format!("{}: {error}", path.display())),
        });
    }
    let mut is_complete = true;
    for path in options.files.iter().filter(|_| options.reduce) {
        is_complete &= exit(show_reduced::<O>(path)) == ExitCode::SUCCESS;
    }
    for path in options.files.iter().filter(|_| !options.reduce) {
        match fs::read(path).map(|bytes| O::case(&bytes)) {
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

fn exit(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How long a random case may take, on a busy machine too.
const SECONDS: u32 = 60;

/// Judges random cases in a process of its own, as a finding may end that; says how. The file has the bytes of
/// the one that is being judged; it is removed if all is well.
fn judge_random<O: Oracle>(seed: u64, time: Duration, path: &Path) -> io::Result<Option<End>> {
    let file = File::create(path)?;
    eprintln!("{}: {} has the case being judged", O::NAME, path.display());
    let start = Instant::now();
    let end = child::run_aloud(SECONDS, || {
        for number in (0..).take_while(|_| start.elapsed() < time) {
            let bytes = random::bytes(seed, number);
            let Ok(case) = O::case(&bytes) else {
                continue;
            };
            let written = file.write_all_at(&bytes, 0);
            let written = written.and_then(|()| file.set_len(bytes.len() as u64));
            written.expect("a file that can be written");
            // SAFETY: the call has no pointers, and this process no other alarm.
            unsafe { libc::alarm(SECONDS) };
            run::<O>(&case);
        }
    });
    if end != End::Returned {
        return Ok(Some(end));
    }
    fs::remove_file(path).map(|()| None)
}

/// How long a finding is reduced.
const REDUCING: Duration = Duration::from_secs(50);

/// Reduces the finding in a file, writes it beside that, and prints it with what is wrong.
fn show_reduced<O: Oracle>(path: &Path) -> Result<(), String> {
    let in_file = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let bytes = fs::read(path).map_err(|error| in_file(path, error))?;
    eprintln!("{}: reducing {} bytes", path.display(), bytes.len());
    let Some(less) = reduce::<O>(&bytes, REDUCING) else {
        return Err(format!(
            "{}: no finding in this build; `cargo fuzz run {} {0}` judges it as the fuzzer did",
            path.display(),
            O::NAME
        ));
    };
    let mut reduced = path.as_os_str().to_owned();
    reduced.push(".reduced");
    let reduced = Path::new(&reduced);
    fs::write(reduced, &less).map_err(|error| in_file(reduced, error))?;
    println!("{}: {} bytes", reduced.display(), less.len());
    let case = O::case(&less).map_err(|error| error.to_string())?;
    // That may panic too.
    let ended = child::run_aloud(reduce::SECONDS, || {
        println!("{case:?}");
        O::check(&case);
    });
    println!("{}: {ended}", O::NAME);
    if let Some(whose) = O::blame(&case) {
        println!("{whose}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judges::layout::Layout;

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
    fn a_random_finding_is_reduced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("case");
        let end = judge_random::<Picky>(1, Duration::MAX, &path).expect("a file");
        assert!(matches!(end, Some(End::Panicked(_))));
        let read = |name| fs::read(folder.path().join(name)).expect("a file");
        show_reduced::<Picky>(&path).expect("a finding");
        assert!(read("case.reduced").len() < read("case").len());
        assert_eq!(Picky::case(&read("case.reduced")), Ok(vec![7]));

        let end = judge_random::<Picky>(1, Duration::ZERO, &path).expect("a file");
        assert_eq!(end, None);
        assert!(!path.exists());
        fs::write(&path, [1]).expect("a file");
        let error = show_reduced::<Picky>(&path).expect_err("no finding");
        assert!(error.contains("no finding in this build"), "{error}");
    }
}

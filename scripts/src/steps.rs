//! Running the parts of `test`, `check` and the campaigns: each is announced with its command, and counted.

use anyhow::Result;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// What became of the tests of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed, or 1 for a step that could not run.
    pub failed: usize,
    /// Tests that were left out.
    pub skipped: usize,
    /// Why, one sentence each.
    pub reasons: Vec<String>,
}

impl Counts {
    /// One test.
    pub fn one(passed: bool) -> Counts {
        Counts {
            passed: passed.into(),
            failed: (!passed).into(),
            ..Counts::default()
        }
    }

    /// One test that was left out.
    pub fn skip(reason: String) -> Counts {
        Counts {
            skipped: 1,
            reasons: vec![reason],
            ..Counts::default()
        }
    }

    /// Both together.
    pub fn and(mut self, other: Counts) -> Counts {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.reasons.extend(other.reasons);
        self
    }

    /// Reads one line of a test program's output.
    fn line(&mut self, line: &str) {
        let plain = without_colours(line);
        if let Some(reason) = plain.trim_start().strip_prefix("skipped: ") {
            self.reasons.push(reason.into());
        }
        let starts = |c: char| c.is_ascii_digit();
        let Some(result) = plain
            .strip_prefix("test result: ")
            .or_else(|| plain.starts_with(starts).then_some(&plain))
        else {
            return;
        };
        let number = |word: &str| -> Option<usize> {
            let before = result[..result.find(word)?].trim_end();
            before.rsplit(' ').next()?.parse().ok()
        };
        if let (Some(passed), Some(failed)) = (number(" passed"), number(" failed")) {
            self.passed += passed;
            self.failed += failed;
            self.skipped += number(" skipped").or(number(" ignored")).unwrap_or(0);
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// Runs a command that tests many things, and adds up what it prints.
pub fn run_tests(command: &mut Command) -> Counts {
    run_tests_and(command, |_| ())
}

/// The same, and hands on each line that the command prints.
pub fn run_tests_and(command: &mut Command, mut see: impl FnMut(&str)) -> Counts {
    announce(command);
    let mut counts = Counts::default();
    let succeeded = || -> Result<bool> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).split(b'\n') {
                let line = String::from_utf8_lossy(&line?).into_owned();
                println!("{line}");
                counts.line(&line);
                see(&line);
            }
        }
        Ok(child.wait()?.success())
    }();
    settle(command, succeeded, counts)
}

/// Runs a command that is one test.
pub fn run_check(command: &mut Command) -> Counts {
    announce(command);
    match command.stdin(Stdio::null()).status() {
        Ok(status) => Counts::one(status.success()),
        Err(error) => settle(command, Err(error.into()), Counts::default()),
    }
}

/// Runs a check that is a function. Its error is the failure's text.
pub fn run_function(name: &str, check: impl FnOnce() -> Result<()>) -> Counts {
    println!("\n==> {name}");
    let result = check();
    if let Err(error) = &result {
        println!("{error:#}");
    }
    Counts::one(result.is_ok())
}

/// Rows in columns of equal width.
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let line = |row: &[String; N]| {
        let cells = row.iter().enumerate();
        let line: String = cells
            .map(|(column, cell)| format!("{cell:<0$}  ", width(column)))
            .collect();
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

/// A command failed if its tests did, or if it failed without saying which test.
fn settle(command: &Command, succeeded: Result<bool>, mut counts: Counts) -> Counts {
    match succeeded {
        Ok(true) => {}
        Ok(false) if counts.failed > 0 => {}
        Ok(false) => {
            println!("{} failed", show(command));
            counts.failed += 1;
        }
        Err(error) => {
            println!("{} cannot run: {error}", show(command));
            counts.failed += 1;
        }
    }
    counts
}

fn announce(command: &Command) {
    println!("\n==> {}", show(command));
}

/// The command as one would type it.
fn show(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(key, value)| {
        Some(format!(
            "{}={}",
            key.to_string_lossy(),
            value?.to_string_lossy()
        ))
    });
    let program = std::path::Path::new(command.get_program());
    let program = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let args = command
        .get_args()
        .map(|arg| arg.to_string_lossy().into_owned());
    variables
        .chain([program])
        .chain(args)
        .collect::<Vec<_>>()
        .join(" ")
}

fn without_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(lines: &[&str]) -> (usize, usize, usize, usize) {
        let mut counts = Counts::default();
        lines.iter().for_each(|line| counts.line(line));
        (
            counts.passed,
            counts.failed,
            counts.skipped,
            counts.reasons.len(),
        )
    }

    #[test]
    fn results_of_libtest_and_of_our_own_programs_add_up() {
        let libtest =
            "test result: FAILED. 9 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out";
        let ours = "\u{1b}[32m12 passed, 0 failed, 3 skipped\u{1b}[0m (40 jobs ran)";
        let reason = "  skipped: the host is not aarch64: 3 jobs";
        assert_eq!(
            counts(&[libtest, ours, reason, "text about 4 passed tests"]),
            (21, 1, 5, 1)
        );
    }

    #[test]
    fn a_command_that_fails_without_a_count_is_a_failure() {
        assert_eq!(run_tests(&mut Command::new("false")), Counts::one(false));
        assert_eq!(
            run_tests(&mut Command::new("no-such-program-of-ours")),
            Counts::one(false)
        );
        assert_eq!(
            run_check(&mut Command::new("no-such-program-of-ours")),
            Counts::one(false)
        );
        let mut one = Command::new("echo");
        assert_eq!(
            run_tests(one.arg("1 passed, 0 failed, 0 skipped")),
            Counts::one(true)
        );
        let mut two = Command::new("sh");
        two.args(["-c", "echo '3 passed, 2 failed, 0 skipped'; exit 1"]);
        assert_eq!(run_tests(&mut two).failed, 2);
    }
}

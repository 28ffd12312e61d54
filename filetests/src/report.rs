//! Text of reports, for a terminal or a pipe.

use crate::bless::VARIABLE as BLESS_VARIABLE;
use crate::outcome::{Diff, Failure, FileOutcome, FileReport};
use crate::runner::Summary;
use similar::{ChangeTag, TextDiff};
use std::fmt::Write;
use std::path::Path;

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Use colours.
    pub colour: bool,
    /// Also print files that passed, with their running time.
    pub verbose: bool,
    /// The command that is running, for hints how to repeat it.
    pub command: Repeat,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            colour: false,
            verbose: false,
            command: Repeat::Test,
        }
    }
}

/// The command that repeats a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// `clif-util test`, which can also bless.
    Test,
    /// `clif-util` with this subcommand, which takes the path and nothing else.
    Subcommand(&'static str),
    /// No simple one.
    Unknown,
}

/// The text for one file; empty if there is nothing to say.
pub fn render_file(report: &FileReport, style: Style) -> String {
    let mut text = String::new();
    for line in &report.printed {
        let _ = writeln!(text, "{line}");
    }
    match &report.outcome {
        FileOutcome::Failed(failure) => render_failure(&mut text, &report.path, failure, style),
        FileOutcome::Unreadable(error) => {
            let fail = paint("FAIL", RED, style);
            let _ = writeln!(text, "{fail} {}: {error}", report.path.display());
        }
        FileOutcome::Passed | FileOutcome::Skipped if style.verbose => {
            let _ = writeln!(
                text,
                "{:.3} {}{}",
                report.elapsed.as_secs_f64(),
                report.path.display(),
                if report.outcome == FileOutcome::Skipped {
                    format!(" (skipped: {})", unique(&report.skips).join("; "))
                } else {
                    String::new()
                }
            );
        }
        FileOutcome::Passed | FileOutcome::Skipped | FileOutcome::NotSelected => {}
    }
    if report.blessed > 0 {
        let _ = writeln!(
            text,
            "blessed {} in {}",
            count(report.blessed, "function"),
            report.path.display()
        );
    }
    text
}

/// The closing lines: what passed, failed and was skipped, with the reasons.
pub fn render_summary(summary: &Summary, style: Style) -> String {
    let failed = summary.failed + summary.unreadable;
    let colour = if failed > 0 { RED } else { GREEN };
    let skipped_jobs: usize = summary.skip_reasons.values().sum();
    let mut text = paint(
        &format!(
            "{} passed, {failed} failed, {} skipped",
            summary.passed, summary.skipped
        ),
        colour,
        style,
    );
    let _ = writeln!(
        text,
        " ({} ran, {} skipped)",
        count(summary.jobs_passed, "job"),
        skipped_jobs
    );
    for (reason, jobs) in &summary.skip_reasons {
        let _ = writeln!(text, "  skipped: {reason}: {}", count(*jobs, "job"));
    }
    if summary.blessed > 0 {
        let _ = writeln!(
            text,
            "  blessed: {}; read the changes before you keep them",
            count(summary.blessed, "function")
        );
    }
    text
}

const RED: &str = "31";
const GREEN: &str = "32";
const CYAN: &str = "36";

fn render_failure(text: &mut String, path: &Path, failure: &Failure, style: Style) {
    let fail = paint("FAIL", RED, style);
    let _ = writeln!(text, "{fail} {}", located(path, failure));
    if let Some(diff) = &failure.diff {
        render_diff(text, diff, style);
    }
    let path = shell_word(&path.display().to_string());
    match style.command {
        Repeat::Unknown => {}
        Repeat::Subcommand(name) => {
            let _ = writeln!(text, "  repeat: cargo clif-util {name} {path}");
        }
        Repeat::Test => {
            let mut command = "cargo clif-util test".to_owned();
            if let Some(target) = &failure.target {
                let _ = write!(command, " --target {}", shell_word(target));
            }
            let _ = writeln!(text, "  repeat: {command} {path}");
            if failure.diff.is_some() {
                // For all targets: the file has one set of expectations.
                let _ = writeln!(
                    text,
                    "  bless:  cargo clif-util test --bless {path}  # or with {BLESS_VARIABLE}=1"
                );
            }
        }
    }
}

/// A failure with its place: `FILE:LINE: COMMAND (TARGET): what is wrong`, and the functions if that
/// does not name them.
pub fn located(path: &Path, failure: &Failure) -> String {
    let mut text = format!("{}:{}:", path.display(), failure.line);
    if let Some(column) = failure.column {
        let _ = write!(text, "{column}:");
    }
    if let Some(job) = &failure.job {
        let _ = write!(text, " {job}");
        if let Some(target) = &failure.target {
            let _ = write!(text, " ({target})");
        }
        text.push(':');
    }
    if let Some(functions) = &failure.functions {
        let _ = write!(text, " {functions}:");
    }
    let _ = write!(text, " {}", failure.message.trim_end());
    text
}

/// A unified diff, from what is expected to what was produced.
fn render_diff(text: &mut String, diff: &Diff, style: Style) {
    let expected = joined(&diff.expected);
    let actual = joined(&diff.actual);
    let changes = TextDiff::from_lines(&expected, &actual);
    let _ = writeln!(text, "{}", paint("--- expected", RED, style));
    let _ = writeln!(text, "{}", paint("+++ actual", GREEN, style));
    for hunk in changes.unified_diff().context_radius(3).iter_hunks() {
        let _ = writeln!(text, "{}", paint(&hunk.header().to_string(), CYAN, style));
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches('\n');
            let line = match change.tag() {
                ChangeTag::Delete => paint(&format!("-{line}"), RED, style),
                ChangeTag::Insert => paint(&format!("+{line}"), GREEN, style),
                ChangeTag::Equal => format!(" {line}"),
            };
            let _ = writeln!(text, "{line}");
        }
    }
}

fn joined(lines: &[String]) -> String {
    lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect()
}

fn paint(text: &str, colour: &str, style: Style) -> String {
    if style.colour {
        format!("\x1b[{colour}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

fn unique(reasons: &[String]) -> Vec<&str> {
    let mut unique: Vec<&str> = Vec::new();
    for reason in reasons {
        if !unique.contains(&reason.as_str()) {
            unique.push(reason);
        }
    }
    unique
}

/// Quotes a path for a shell, if it needs quoting.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

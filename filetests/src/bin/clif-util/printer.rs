//! Printing of reports as they come in, with a progress bar on a terminal.

use filetests::report::{Repeat, Style, render_file, render_summary};
use filetests::{FileReport, Observer, Summary};
use indicatif::{ProgressBar, ProgressStyle};
use std::env;
use std::io::{IsTerminal, Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

/// Prints what an observer is told.
pub struct Printer {
    style: Style,
    bar: ProgressBar,
    /// The running times of all files, for [`Printer::slowest`].
    times: Vec<(Duration, String)>,
}

impl Printer {
    /// With `verbose`, files that pass are listed too.
    pub fn new(verbose: bool, command: Repeat) -> Self {
        let terminal = stdout().is_terminal();
        let bar = if terminal {
            let bar = ProgressBar::no_length();
            if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} files {elapsed}")
            {
                bar.set_style(style);
            }
            bar
        } else {
            ProgressBar::hidden()
        };
        let colour = terminal && env::var_os("NO_COLOR").is_none();
        Printer {
            style: Style {
                colour,
                verbose,
                command,
            },
            bar,
            times: Vec::new(),
        }
    }

    /// Prints the summary, and gives the exit status that goes with it.
    pub fn finish(&self, summary: &Summary) -> ExitCode {
        self.bar.finish_and_clear();
        // Other subcommands are silent unless there is something to tell.
        let always = self.style.command == Repeat::Test;
        if always || self.style.verbose || !summary.is_success() {
            print!("{}", render_summary(summary, self.style));
        }
        if summary.unreadable > 0 {
            ExitCode::from(2)
        } else {
            ExitCode::from(u8::from(summary.failed > 0))
        }
    }

    /// The slowest files, a line for each.
    pub fn slowest(&mut self, count: usize) -> String {
        self.times.sort_by(|a, b| b.cmp(a));
        self.times
            .iter()
            .take(count)
            .map(|(time, path)| format!("slow: {:.3} {path}\n", time.as_secs_f64()))
            .collect()
    }
}

impl Observer for Printer {
    fn progress(&mut self, done: usize, total: usize) {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
    }

    fn report(&mut self, report: &FileReport) {
        self.times
            .push((report.elapsed, report.path.display().to_string()));
        let text = render_file(report, self.style);
        if !text.is_empty() {
            self.bar.suspend(|| {
                // A reader that went away is no reason to stop testing.
                let _ = stdout().lock().write_all(text.as_bytes());
            });
        }
    }
}

//! What came of running a target: from what libFuzzer prints, and what the target has counted.

/// What a target did.
#[derive(Debug, Default, PartialEq)]
pub struct Run {
    target: String,
    /// How long it ran.
    pub seconds: f64,
    /// Inputs that were judged.
    pub executions: u64,
    /// Edges of the program that were reached.
    pub edges: u64,
    /// Cases, and how many of them were rejected.
    pub cases: (u64, u64),
    /// The file of the input.
    pub finding: Option<String>,
}

impl Run {
    /// A run that has done nothing yet.
    pub fn new(target: &str) -> Self {
        Run {
            target: target.into(),
            ..Run::default()
        }
    }

    /// A run that has judged hardly anything is no good one.
    pub fn check(&mut self) {
        let (cases, rejected) = self.cases;
        let makes_programs =
            ["interpret", "convention", "compile-all", "wasm"].contains(&&*self.target);
        let problem = match cases {
            0 => "it has judged nothing",
            _ if makes_programs && rejected * 20 >= cases => "5 % or more are rejected",
            _ => return,
        };
        self.finding.get_or_insert_with(|| problem.into());
    }

    /// Reads a line of libFuzzer.
    pub fn line(&mut self, line: &str) {
        let number = |text: &str| {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u64>().ok()
        };
        let after = |key: &str| number(line.split_once(key)?.1.trim_start());
        if let Some(count) = line.strip_prefix('#').and_then(number) {
            self.executions = self.executions.max(count);
        }
        if let Some(count) = after("stat::number_of_executed_units:") {
            self.executions = count;
        }
        if let Some(edges) = after(" cov: ") {
            self.edges = edges;
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.finding = Some(path.into());
        }
    }
}

/// The sum of what the processes of a target have counted: cases, and how many of them were rejected.
pub fn cases(tally: &str) -> (u64, u64) {
    let lines = tally.lines().filter_map(|line| {
        let (cases, rejected) = line.split_once(' ')?;
        Some((cases.parse::<u64>().ok()?, rejected.parse::<u64>().ok()?))
    });
    lines.fold((0, 0), |sum, line| (sum.0 + line.0, sum.1 + line.1))
}

/// A row for each run.
pub fn table(runs: &[Run]) -> String {
    let mut text = format!(
        "{:<12} {:>10} {:>9} {:>10} {:>8}  findings\n",
        "target", "executions", "a second", "rejected %", "edges"
    );
    for run in runs {
        let rejected = match run.cases {
            (0, _) => "-".into(),
            (cases, rejected) => format!("{:.2}", 100.0 * rejected as f64 / cases as f64),
        };
        text += &format!(
            "{:<12} {:>10} {:>9.1} {rejected:>10} {:>8}  {}\n",
            run.target,
            run.executions,
            run.executions as f64 / run.seconds.max(0.001),
            run.edges,
            run.finding.as_deref().unwrap_or("none")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_libfuzzer_and_of_tallies_are_read() {
        let mut run = Run::new("layout");
        for line in [
            "#4096\tpulse  cov: 210 ft: 405 corp: 20/200b lim: 43 exec/s: 2048 rss: 60Mb",
            "#8192: cov: 230 ft: 405 corp: 20 exec/s: 2048 oom/timeout/crash: 0/0/0 time: 5s",
            "stat::number_of_executed_units: 9000",
        ] {
            run.line(line);
        }
        run.cases = cases("4000 10\n96 2\n");
        let want = Run {
            executions: 9000,
            edges: 230,
            cases: (4096, 12),
            ..Run::new("layout")
        };
        assert_eq!(run, want);
        run.line("artifact_prefix='x'; Test unit written to fuzz/artifacts/layout/crash-1");
        assert_eq!(
            run.finding.as_deref(),
            Some("fuzz/artifacts/layout/crash-1")
        );
        assert!(table(&[run]).contains("0.29"));

        let checked = |target, cases| {
            let mut run = Run {
                cases,
                ..Run::new(target)
            };
            run.check();
            run.finding
        };
        assert_eq!(checked("text", (100, 90)), None);
        assert_eq!(checked("interpret", (100, 4)), None);
        assert!(checked("interpret", (100, 5)).is_some());
        assert!(checked("text", (0, 0)).is_some());
    }
}

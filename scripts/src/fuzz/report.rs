//! What came of running a target: from what libFuzzer prints, and what the target has counted.

/// What a target did.
#[derive(Debug, Default, PartialEq)]
pub struct Run {
    target: String,
    /// How long it ran.
    pub seconds: f64,
    /// Inputs that were tried.
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

    /// Cases that were not rejected.
    pub fn judged(&self) -> u64 {
        self.cases.0 - self.cases.1
    }

    /// A run that has judged hardly anything is no good one.
    pub fn check(&mut self) {
        let (cases, rejected) = self.cases;
        let makes_programs =
            ["interpret", "convention", "compile-all", "wasm"].contains(&&*self.target);
        let problem = match self.judged() {
            0 => "it has judged nothing",
            _ if makes_programs && rejected > (cases / 200).max(1) => {
                "more than 1 in 200 are rejected"
            }
            _ => return,
        };
        self.finding.get_or_insert_with(|| problem.into());
    }

    /// Reads a line of libFuzzer or of the target.
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
        let counted = line.strip_prefix(&*self.target).and_then(|rest| {
            let (cases, rejected) = rest.strip_prefix(": ")?.split_once(" cases, ")?;
            Some((number(cases)?, number(rejected)?))
        });
        self.cases = counted.unwrap_or(self.cases);
    }

    /// Adds up what the processes of a target have written at their end: cases, and how many of them were rejected. A process that
    /// libFuzzer ends with a finding writes nothing; what it has printed then counts.
    pub fn tally(&mut self, tally: &str) {
        let lines = tally.lines().filter_map(|line| {
            let (cases, rejected) = line.split_once(' ')?;
            Some((cases.parse::<u64>().ok()?, rejected.parse::<u64>().ok()?))
        });
        let sum = lines.reduce(|sum, line| (sum.0 + line.0, sum.1 + line.1));
        self.cases = sum.unwrap_or(self.cases);
    }
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
            "layout: 2048 cases, 7 rejected (0.34 %)",
        ] {
            run.line(line);
        }
        run.tally("");
        assert_eq!((run.cases, run.judged()), ((2048, 7), 2041));
        run.tally("4000 10\n96 2\n");
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
        assert_eq!(checked("interpret", (400, 2)), None);
        assert!(checked("interpret", (400, 3)).is_some());
        assert!(checked("text", (0, 0)).is_some());
        assert!(checked("text", (100, 100)).is_some());
    }
}

//! Random signatures compared with compilers: a run of the program, and the tables that it prints.

use crate::fork::make::prepare;
use crate::programs::{Build, SIGNATURES, run_program};
use crate::repo::Repo;
use crate::seed;
use crate::steps::{Counts, run_tests_and};
use anyhow::Result;

/// What continuous integration runs: minutes, and always the same signatures. Also what it prints.
pub fn ci_campaign(repo: &Repo) -> Result<(Counts, String)> {
    compare(repo, Build::Debug, seed::FIXED, 2000)
}

/// So many signatures for each target, compiler and direction; also what it prints.
pub fn compare(repo: &Repo, build: Build, seed: u32, count: usize) -> Result<(Counts, String)> {
    prepare(repo)?;
    let mut command = run_program(repo, &repo.path(""), build, SIGNATURES);
    let (seed, count) = (seed.to_string(), count.to_string());
    command.args(["--seed", &seed, "--count", &count]);
    let mut output = String::new();
    let counts = run_tests_and(&mut command, |line| {
        output.push_str(line);
        output.push('\n');
    });
    Ok((counts, output))
}

/// A row of the table at the end of a campaign.
#[derive(Debug, PartialEq, Eq)]
pub struct Cell {
    /// Target, compiler and direction.
    pub who: [String; 3],
    /// Signatures that were compared.
    pub checked: usize,
    /// Those that did not agree.
    pub mismatched: usize,
    /// Those that were not compared.
    pub refused: usize,
}

/// The rows in what a campaign prints.
pub fn read_cells(output: &str) -> Vec<Cell> {
    let rows = rows_below("target ", output).skip(1);
    rows.map_while(|row| {
        let [target, compiler, direction, checked, mismatched, refused] = row[..] else {
            return None;
        };
        Some(Cell {
            who: [target, compiler, direction].map(String::from),
            checked: checked.parse().ok()?,
            mismatched: mismatched.parse().ok()?,
            refused: refused.parse().ok()?,
        })
    })
    .collect()
}

/// The table of fields in what a campaign prints: a head with the targets, then a row for each type.
pub fn read_fields(output: &str) -> Vec<Vec<String>> {
    let rows = rows_below("field ", output).take_while(|row| !row.is_empty());
    rows.map(|row| row.into_iter().map(String::from).collect())
        .collect()
}

/// The words of each line from the one that begins with `head`.
fn rows_below<'a>(head: &str, output: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
    let lines = output
        .lines()
        .skip_while(move |line| !line.starts_with(head));
    lines.map(|line| line.split_whitespace().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
target   compiler  direction    checked  mismatched  refused
s390x    gcc       calls-c         64           0        3
s390x    gcc       called-by-c     64           1        3
all                               128           1        6

refused, in both directions
  s390x gcc: 6: section 7

field  s390x
i8        40
f64       60

127 passed, 1 failed, 0 skipped: seed 1
";

    #[test]
    fn rows_end_with_the_sum() {
        let cells = read_cells(OUTPUT);
        assert_eq!(cells.len(), 2);
        let counts = (cells[1].checked, cells[1].mismatched, cells[1].refused);
        assert_eq!(cells[1].who, ["s390x", "gcc", "called-by-c"]);
        assert_eq!(counts, (64, 1, 3));
        assert!(read_cells("error: no table\n").is_empty());
    }

    #[test]
    fn rows_of_fields_end_with_a_blank_line() {
        let rows = [["field", "s390x"], ["i8", "40"], ["f64", "60"]];
        assert_eq!(read_fields(OUTPUT), rows);
        assert!(read_fields("error: no table\n").is_empty());
    }
}

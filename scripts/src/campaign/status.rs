//! `cargo xtask campaign status`.

use crate::campaign::signatures::{ci_campaign, read_cells, read_fields};
use crate::repo::{Repo, read, write};
use anyhow::{Context, Result, ensure};
use clap::Args;

/// Write the tables of what C and Rust compilers confirm into STATUS.md
///
/// Runs the campaign of `cargo xtask campaign all`, and if everything agrees replaces the tables between the marks in STATUS.md. The campaign
/// itself demands that they are its own.
#[derive(Args)]
#[command(
    after_help = "Example, when the generator of signatures or a compiler has changed:\n  cargo xtask campaign status && git diff STATUS.md"
)]
pub struct Status {}

const FILE: &str = "STATUS.md";
const BEGIN: &str = "<!-- written by `cargo xtask campaign status`: -->\n";
const END: &str = "<!-- up to here -->\n";

impl Status {
    /// Runs the campaign and writes the tables, or nothing.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        let (counts, output) = ci_campaign(repo)?;
        ensure!(
            counts.failed == 0,
            "the campaign failed, so {FILE} stays as it is"
        );
        let old = String::from_utf8(read(&repo.path(FILE))?)?;
        let changed = write(&repo.path(FILE), replace(&old, &output)?.as_bytes())?;
        println!("{FILE}: {}", if changed { "written" } else { "fresh" });
        Ok(())
    }
}

/// Are the tables in STATUS.md those of a campaign that printed this?
pub fn check(repo: &Repo, output: &str) -> Result<()> {
    let text = String::from_utf8(read(&repo.path(FILE))?)?;
    ensure!(
        replace(&text, output)? == text,
        "the tables in {FILE} are not of this campaign or these compilers; run `cargo xtask campaign status`"
    );
    Ok(())
}

fn replace(text: &str, output: &str) -> Result<String> {
    let marks = || format!("{FILE} needs the marks {BEGIN}and {END}");
    let (before, rest) = text.split_once(BEGIN).with_context(marks)?;
    let (_, after) = rest.split_once(END).with_context(marks)?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", tables(output)?))
}

fn tables(output: &str) -> Result<String> {
    let (cells, fields) = (read_cells(output), read_fields(output));
    ensure!(
        !cells.is_empty() && !fields.is_empty(),
        "the campaign prints no tables"
    );
    let head = [
        "target",
        "compiler",
        "direction",
        "compared",
        "that disagree",
        "left out",
    ];
    let rows = cells.into_iter().map(|cell| {
        let counts = [cell.checked, cell.mismatched, cell.refused];
        let counts = counts.map(|count| count.to_string());
        cell.who.into_iter().chain(counts).collect()
    });
    let rows: Vec<Vec<String>> = [head.map(String::from).to_vec()]
        .into_iter()
        .chain(rows)
        .collect();
    Ok(format!("\n{}\n{}\n", markdown(&rows), markdown(&fields)))
}

/// A table, its first row being the head.
fn markdown(rows: &[Vec<String>]) -> String {
    let mut lines: Vec<_> = rows
        .iter()
        .map(|row| format!("| {} |\n", row.join(" | ")))
        .collect();
    let columns = rows.first().map_or(0, Vec::len);
    lines.insert(1, format!("|{}\n", "---|".repeat(columns)));
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
target   compiler  direction    checked  mismatched  refused
s390x    gcc       calls-c         64           0        3
all                                64           0        3

field  s390x
i8        40
";

    #[test]
    fn only_the_text_between_the_marks_changes() {
        let text = format!("a\n{BEGIN}old\n{END}b\n");
        let new = replace(&text, OUTPUT).unwrap();
        for row in [
            "\n| s390x | gcc | calls-c | 64 | 0 | 3 |\n",
            "\n| field | s390x |\n|---|---|\n| i8 | 40 |\n",
        ] {
            assert!(new.contains(row), "{new}");
        }
        assert!(new.starts_with(&format!("a\n{BEGIN}")) && new.ends_with(&format!("{END}b\n")));
        assert_eq!(replace(&new, OUTPUT).unwrap(), new);
        assert_ne!(replace(&new, &OUTPUT.replace("64", "65")).unwrap(), new);
    }

    #[test]
    fn nothing_is_replaced_without_marks_or_tables() {
        assert!(replace("no marks\n", OUTPUT).is_err());
        let text = format!("{BEGIN}{END}");
        assert!(replace(&text, "error: no table\n").is_err());
    }
}

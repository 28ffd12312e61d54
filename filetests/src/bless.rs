//! Rewriting of precise-output expectations.
//!
//! Blessings are collected while a file's jobs run, and applied to its text in one go afterwards,
//! so a file is written whole or not at all. What replaces what:
//!
//! ```text
//! function %f() {            kept, and everything above it
//! block0:
//!     return
//! }                          the first line that begins with `}`: kept, the last line kept
//! <blank>                    written
//! ; VCode:                   written, one line per line of output
//! <blank>                    written
//! ; old expectation          dropped, with all blank lines and lines that begin with one `;`
//! ;; a note                  kept, and everything below it
//! ```
//!
//! What is kept keeps its line endings; written lines end as the one with `function` does.

use crate::outcome::Failure;
use crate::parse::parse;
use cranelift_reader::{Details, ParseOptions};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

/// The environment variable that asks for blessing.
pub const VARIABLE: &str = "CRANELIFT_TEST_BLESS";

/// Whether the environment asks for blessing; no value but `1` does.
pub fn is_asked_for() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|value| value == "1")
}

/// New expectations for some functions of one file.
#[derive(Debug, Default)]
pub struct Blessings(BTreeMap<usize, Blessing>);

/// The new expectations of one function.
#[derive(Debug)]
pub struct Blessing {
    /// Which function of the file it is, counted from 0.
    pub index: usize,
    /// Its name, for messages.
    pub name: String,
    /// The lines that it should expect.
    pub output: Vec<String>,
}

impl Blessings {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Records what the expectations of the function at the one-based `line` should become.
    ///
    /// Two jobs may expect the same of a function, but not different things: a file has one set
    /// of expectations per function.
    pub fn add(&mut self, line: usize, blessing: Blessing) -> Result<(), Failure> {
        if let Some(earlier) = self.0.get(&line) {
            if earlier.output == blessing.output {
                return Ok(());
            }
            return Err(Failure::at(
                line,
                format!(
                    "cannot bless {}: two targets or commands of this file produce different \
                     outputs for it; give each its own file",
                    blessing.name
                ),
            )
            .with_diff(earlier.output.clone(), blessing.output));
        }
        self.0.insert(line, blessing);
        Ok(())
    }

    /// Rewrites the file at `path`, which has this text; returns how many functions changed. The
    /// new text takes the file's place in one step.
    pub fn write(&self, path: &Path, text: &str) -> Result<usize, Failure> {
        let blessed = self.apply(text)?;
        self.check(&blessed)?;
        replace_file(path, &blessed).map_err(|error| {
            Failure::at(
                1,
                format!("cannot write the blessed file: {error}; it is unchanged"),
            )
        })?;
        Ok(self.0.len())
    }

    /// The text with all blessings in it.
    pub fn apply(&self, text: &str) -> Result<String, Failure> {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut result = String::with_capacity(text.len());
        let mut next = 0;
        for (&line, blessing) in &self.0 {
            let cannot = |why: &str| {
                Failure::at(
                    line,
                    format!("cannot update the expectations of {}: {why}", blessing.name),
                )
            };
            let start = line - 1;
            if start < next {
                return Err(cannot("it begins inside the function before it"));
            }
            if !lines
                .get(start)
                .is_some_and(|line| line.starts_with("function"))
            {
                return Err(cannot(
                    "the word `function` must be at the start of its line",
                ));
            }
            let length = lines[start..]
                .iter()
                .position(|line| line.starts_with('}'))
                .ok_or_else(|| cannot("no line after it starts with its closing `}`"))?;
            let end = start + length + 1;
            result.extend(lines[next..end].iter().copied());
            let ending = ending(lines[start]);
            if !lines[end - 1].ends_with('\n') {
                result.push_str(ending);
            }
            result.push_str(ending);
            for output in &blessing.output {
                let separator = if output.is_empty() { "" } else { " " };
                result.extend([";", separator, output, ending]);
            }
            result.push_str(ending);
            let replaced = lines[end..].iter().take_while(|line| is_replaced(line));
            next = end + replaced.count();
        }
        result.extend(lines[next..].iter().copied());
        Ok(result)
    }

    /// Makes sure that the blessed text passes, so that no rewrite leaves a failing file behind.
    fn check(&self, blessed: &str) -> Result<(), Failure> {
        let options = ParseOptions {
            machine_code_cfg_info: true,
            ..ParseOptions::default()
        };
        let file = parse(blessed, options).map_err(|error| {
            let Failure { line, message, .. } = error.failure;
            Failure::at(
                line,
                format!("cannot bless: the new text would not parse: {message}"),
            )
        })?;
        for (&line, blessing) in &self.0 {
            let expected = file
                .functions
                .get(blessing.index)
                .map(|(_, details)| expected_lines(details));
            if expected.is_none_or(|expected| expected != blessing.output) {
                return Err(Failure::at(
                    line,
                    format!(
                        "cannot bless {}: it has comments with a single `;` that are not \
                         expectations, in its body or after a `;;` note; begin notes with `;;`",
                        blessing.name
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// The lines that the comments of a function expect: all but those that start with `;;`.
pub fn expected_lines<'text>(details: &Details<'text>) -> Vec<&'text str> {
    details
        .comments
        .iter()
        .filter(|comment| !comment.text.starts_with(";;"))
        .map(|comment| {
            // The reader ends a line at its line feed.
            let text = comment.text;
            let text = text.strip_suffix('\r').unwrap_or(text);
            text.strip_prefix("; ")
                .or_else(|| text.strip_prefix(';'))
                .unwrap_or(text)
        })
        .collect()
}

fn ending(line: &str) -> &'static str {
    if line.ends_with("\r\n") { "\r\n" } else { "\n" }
}

fn is_replaced(line: &str) -> bool {
    line.trim().is_empty() || (line.starts_with(';') && !line.starts_with(";;"))
}

/// Puts `text` in the place of the file at `path`, which is left as it is if that fails.
///
/// # Errors
///
/// If the file, or one beside it, cannot be written.
pub fn replace_file(path: &Path, text: &str) -> std::io::Result<()> {
    let path = fs::canonicalize(path)?;
    let folder = path.parent().unwrap_or(&path);
    let mut file = tempfile::Builder::new()
        .prefix(".bless-")
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    let permissions = fs::metadata(&path)?.permissions();
    file.as_file().set_permissions(permissions)?;
    file.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Blessing, Blessings};

    fn blessing(output: &[&str]) -> Blessing {
        Blessing {
            index: 0,
            name: "%f".to_owned(),
            output: output.iter().map(|line| line.to_string()).collect(),
        }
    }

    fn bless(text: &str, line: usize, output: &[&str]) -> Result<String, String> {
        let mut blessings = Blessings::default();
        blessings
            .add(line, blessing(output))
            .and_then(|()| blessings.apply(text))
            .map_err(|failure| failure.message)
    }

    #[test]
    fn old_expectations_go_and_notes_stay() {
        let text = "test compile\n;; n1\nfunction %f() {\n}\n; old\n\n; old\n;; n2\n; kept\n";
        assert_eq!(
            bless(text, 3, &["a", "", "b "]).unwrap(),
            "test compile\n;; n1\nfunction %f() {\n}\n\n; a\n;\n; b \n\n;; n2\n; kept\n"
        );
    }

    #[test]
    fn last_function_without_final_newline() {
        assert_eq!(
            bless("function %f() {\n}", 1, &["a"]).unwrap(),
            "function %f() {\n}\n\n; a\n\n"
        );
        assert_eq!(
            bless("function %f() {\r\n}", 1, &["a"]).unwrap(),
            "function %f() {\r\n}\r\n\r\n; a\r\n\r\n"
        );
        let one_line = bless("function %f() {}\n}", 1, &[]).unwrap();
        assert_eq!(one_line, "function %f() {}\n}\n\n\n");
    }

    #[test]
    fn lines_keep_their_endings() {
        let text = "test compile\nfunction %f() {\r\n\n}\r\n; old\n;; n\n;; end";
        assert_eq!(
            bless(text, 2, &["a", ""]).unwrap(),
            "test compile\nfunction %f() {\r\n\n}\r\n\r\n; a\r\n;\r\n\r\n;; n\n;; end"
        );
    }

    #[test]
    fn indented_function_is_refused() {
        let error = bless(" function %f() {\n}\n", 1, &["a"]).unwrap_err();
        assert!(
            error.contains("must be at the start of its line"),
            "{error}"
        );
    }

    #[test]
    fn two_different_outputs_are_refused() {
        let mut blessings = Blessings::default();
        assert_eq!(blessings.add(1, blessing(&["a"])), Ok(()));
        assert_eq!(blessings.add(1, blessing(&["a"])), Ok(()));
        let failure = blessings.add(1, blessing(&["b"])).unwrap_err();
        assert!(failure.message.contains("different outputs"));
    }
}

//! The C side in the comments of a filetest.
//!
//! ```text
//! ;; c: #include "clif.h"
//! ;; c: int main(void) { … }
//! ;; out: what it prints
//! ;; exit: 3
//! ```

use crate::outcome::Failure;
use std::fmt::Write;
use std::path::Path;

/// The parts of a driver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Driver {
    /// The line of the first comment.
    pub line: usize,
    /// The C file.
    pub source: String,
    /// The lines that it must print.
    pub output: Vec<String>,
    /// Its exit status.
    pub status: i32,
}

const PREFIXES: [&str; 3] = [";; c:", ";; out:", ";; exit:"];

/// filecheck finds these words anywhere in a comment.
const DIRECTIVES: [&str; 6] = ["check", "sameln", "nextln", "unordered", "not", "regex"];

impl Driver {
    /// Reads the driver of a file with `test c-abi` in `command_line`. Errors of C compilers will name
    /// the file.
    ///
    /// # Errors
    ///
    /// If there is none, or a line would mean something to another test command.
    pub fn parse(path: &Path, text: &str, command_line: usize) -> Result<Self, Failure> {
        let mut driver = Driver::default();
        let mut next_line = 0;
        let file = path.to_string_lossy().replace(['\\', '"'], "/");
        for (number, line) in (1..).zip(text.lines()) {
            let Some((prefix, rest)) = PREFIXES
                .iter()
                .find_map(|prefix| Some((*prefix, line.strip_prefix(prefix)?)))
            else {
                continue;
            };
            if let Some(word) = DIRECTIVES.iter().find(|word| is_directive(rest, word)) {
                let message = format!("`{word}:` with a blank is a directive of filecheck");
                return Err(Failure::at(number, message));
            }
            if driver.line == 0 {
                driver.line = number;
            }
            let rest = rest.strip_prefix(' ').unwrap_or(rest).trim_end();
            match prefix {
                ";; c:" => {
                    if next_line != number {
                        let _ = writeln!(driver.source, "#line {number} \"{file}\"");
                    }
                    next_line = number + 1;
                    // Blanks for the prefix, so that columns are right as well.
                    let blanks = " ".repeat(line.trim_end().len() - rest.len());
                    let _ = writeln!(driver.source, "{blanks}{rest}");
                }
                ";; out:" => driver.output.push(rest.to_owned()),
                _ => {
                    driver.status = rest
                        .parse()
                        .map_err(|_| Failure::at(number, format!("`{rest}` is no exit status")))?;
                }
            }
        }
        if driver.source.is_empty() {
            return Err(Failure::at(
                command_line,
                "`test c-abi` needs a C program in comments that begin with `;; c:`",
            ));
        }
        Ok(driver)
    }
}

fn is_directive(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let rest = text[at + word.len()..].strip_prefix(':');
        !text[..at].ends_with(is_word) && rest.is_some_and(|rest| rest.starts_with(' '))
    })
}

#[cfg(test)]
mod tests {
    use super::Driver;
    use std::path::Path;

    fn parse(text: &str) -> Result<Driver, crate::Failure> {
        Driver::parse(Path::new("a.clif"), text, 7)
    }

    #[test]
    fn lines_are_numbered_and_sorted() {
        let driver = parse(
            ";; c: a\n;; c:   b \n;; note\n;;c: x\n;; out: p\n;; out:\n;; c: c\n;; exit: 3\n",
        );
        let driver = driver.unwrap();
        assert_eq!(
            driver.source,
            "#line 1 \"a.clif\"\n      a\n        b\n#line 7 \"a.clif\"\n      c\n"
        );
        assert_eq!(driver.output, ["p", ""]);
        assert_eq!((driver.line, driver.status), (1, 3));
    }

    #[test]
    fn what_others_would_read_is_refused() {
        assert_eq!(parse("\n;; c: goto check; check: x\n").unwrap_err().line, 2);
        assert!(parse(";; c: a_check: x\n").is_ok());
        assert!(parse(";; c: x ? not:0\n").is_ok());
        assert_eq!(parse(";; exit: x\n").unwrap_err().line, 1);
        assert_eq!(parse("function %f() {}\n").unwrap_err().line, 7);
    }
}

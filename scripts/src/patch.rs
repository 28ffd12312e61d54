//! The text of a patch in `cranelift/patches/`: bytes to [`Patch`] and back.
//!
//! The format is that of `git format-patch -U0 --zero-commit --full-index --no-renames`, less everything that git versions
//! or upstream's text could change: no `[PATCH]`, no statistics, no signature, no function names in hunk headers, no context.
//! Files that the patch adds are named (`new file: PATH`), not contained. What a hunk does is git's business.
//!
//! Invariant: no file system, no processes, no panic, whatever the bytes are.

use std::fmt;

/// One patch of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// `Name <address>`.
    pub author: String,
    /// As in RFC 2822: `Fri, 20 Nov 2026 09:32:21 +0000`.
    pub date: String,
    /// The first line of the message.
    pub subject: String,
    /// The rest of the message, without blank lines around it.
    pub body: String,
    /// Paths of the files that the patch adds.
    pub new_files: Vec<String>,
    /// Changes of files that exist.
    pub files: Vec<FileDiff>,
}

/// The change of one existing file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// Path in the checkout.
    pub path: String,
    /// Git's blob id before.
    pub old: String,
    /// Git's blob id after.
    pub new: String,
    /// As git prints it, from `diff --git` on, without function names in hunk headers.
    pub text: Vec<u8>,
}

/// Why bytes are not a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Counted from 1.
    pub line: usize,
    /// A sentence.
    pub what: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for ParseError {}

const ZERO_COMMIT: &str = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001";

/// The trailers that every patch must have.
pub const TRAILERS: [&str; 3] = ["Upstream-Status", "Drop-When", "Test"];

impl Patch {
    /// Reads a patch file.
    pub fn parse(bytes: &[u8]) -> Result<Patch, ParseError> {
        let mut lines = Lines::new(bytes);
        if lines.text()? != ZERO_COMMIT {
            return Err(lines.error(format!("expected `{ZERO_COMMIT}`")));
        }
        let author = lines.header("From: ")?;
        if !is_author(&author) {
            return Err(lines.error("the author is not of the form `Name <address>`"));
        }
        let date = lines.header("Date: ")?;
        if !is_date(&date) {
            return Err(
                lines.error("the date is not of the form `Fri, 20 Nov 2026 09:32:21 +0000`")
            );
        }
        let mut subject = lines.header("Subject: ")?;
        while lines.peek().is_some_and(|l| l.starts_with(b" ")) {
            subject.push(' ');
            subject.push_str(lines.text()?.trim());
        }
        if !lines.text()?.is_empty() {
            return Err(lines.error("expected an empty line after the subject"));
        }
        let mut body = String::new();
        loop {
            match lines.text()? {
                "---" => break,
                line => body = body + line + "\n",
            }
        }
        let mut new_files = Vec::new();
        while lines.peek().is_some_and(|l| l.starts_with(b"new file: ")) {
            let path = lines.header("new file: ")?;
            check_path(&path).map_err(|e| lines.error(e))?;
            new_files.push(path);
        }
        if lines.peek() == Some(b"") {
            lines.text()?;
        }
        let files = lines.diffs()?;
        let patch = Patch {
            author,
            date,
            subject,
            body: body.trim_matches('\n').into(),
            new_files,
            files,
        };
        patch.check_paths_differ().map_err(|e| lines.error(e))?;
        Ok(patch)
    }

    /// The bytes of the patch file, the same on every machine.
    pub fn write(&self) -> Vec<u8> {
        let mut out = format!(
            "{ZERO_COMMIT}\nFrom: {}\nDate: {}\nSubject: {}\n\n{}\n---\n",
            self.author, self.date, self.subject, self.body
        )
        .into_bytes();
        for path in &self.new_files {
            out.extend(format!("new file: {path}\n").into_bytes());
        }
        if !self.new_files.is_empty() && !self.files.is_empty() {
            out.push(b'\n');
        }
        self.files.iter().for_each(|file| out.extend(&file.text));
        out
    }

    /// The whole commit message.
    pub fn message(&self) -> String {
        if self.body.is_empty() {
            format!("{}\n", self.subject)
        } else {
            format!("{}\n\n{}\n", self.subject, self.body)
        }
    }

    /// The `Key: value` lines of the last paragraph, continuation lines joined.
    pub fn trailers(&self) -> Vec<(String, String)> {
        let mut trailers: Vec<(String, String)> = Vec::new();
        for line in self.body.rsplit("\n\n").next().unwrap_or("").lines() {
            match (line.split_once(": "), trailers.last_mut()) {
                (_, Some((_, value))) if line.starts_with([' ', '\t']) => {
                    *value = format!("{value} {}", line.trim())
                }
                (Some((key, value)), _) => trailers.push((key.into(), value.trim().into())),
                _ => {}
            }
        }
        trailers
    }

    /// Judges subject and trailers by the house rules; the error is a sentence without its subject ("lacks …").
    pub fn check_message(&self) -> Result<(), String> {
        let area = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_/, ".contains(c);
        match self.subject.split_once(": ") {
            Some((a, rest)) if !a.is_empty() && a.chars().all(area) && !rest.trim().is_empty() => {}
            _ => return Err("has a subject that is not of the form `area: what it does`".into()),
        }
        if self.subject.chars().count() > 72 {
            return Err("has a subject of more than 72 characters".into());
        }
        if self.subject.ends_with('.') {
            return Err("has a subject that ends with a full stop".into());
        }
        let present = self.trailers();
        match TRAILERS
            .iter()
            .find(|t| !present.iter().any(|(k, v)| k == *t && !v.is_empty()))
        {
            Some(missing) => Err(format!(
                "lacks the trailer `{missing}:` in the last paragraph of its message"
            )),
            None => Ok(()),
        }
    }

    /// The file name that the subject gives: `abi: Add a thing` is `abi-add-a-thing.patch`.
    pub fn file_name(&self) -> String {
        let words = self.subject.to_lowercase();
        let words: Vec<_> = words
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|w| !w.is_empty())
            .collect();
        format!("{}.patch", words.join("-"))
    }

    /// Lines added and removed in existing files.
    pub fn line_counts(&self) -> (usize, usize) {
        let lines = || self.files.iter().flat_map(FileDiff::hunks);
        let count = |sign| lines().filter(|line| line.starts_with(sign)).count();
        (count(b"+"), count(b"-"))
    }

    fn check_paths_differ(&self) -> Result<(), String> {
        let mut paths: Vec<_> = self
            .new_files
            .iter()
            .chain(self.files.iter().map(|f| &f.path))
            .collect();
        paths.sort();
        match paths.windows(2).find(|w| w[0] == w[1]) {
            Some(twice) => Err(format!("`{}` occurs twice in the patch", twice[0])),
            None => Ok(()),
        }
    }
}

impl FileDiff {
    /// Reads the output of `git diff -U0 --full-index`.
    pub fn parse_git(bytes: &[u8]) -> Result<Vec<FileDiff>, ParseError> {
        let mut plain = Vec::with_capacity(bytes.len());
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            match line
                .strip_prefix(b"@@ ")
                .and_then(|rest| rest.windows(3).position(|w| w == b" @@"))
            {
                Some(end) => plain.extend([&line[..end + 6], b"\n"].concat()),
                None => plain.extend(line),
            }
        }
        Lines::new(&plain).diffs()
    }

    /// Lines of the hunks, with their headers.
    fn hunks(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split(|b| *b == b'\n').skip(HEAD)
    }
}

/// Lines of a diff before its hunks.
const HEAD: usize = 4;

/// Whether a path may occur in the queue: relative, plain ASCII names, none that starts with a dot (so no `..`, no `.git`).
pub fn check_path(path: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    if path
        .split('/')
        .all(|name| !name.is_empty() && !name.starts_with('.') && name.chars().all(plain))
    {
        Ok(())
    } else {
        Err(format!(
            "the path `{}` is not allowed in the queue",
            path.escape_debug()
        ))
    }
}

struct Lines<'a> {
    rest: &'a [u8],
    /// The number of the line returned last.
    number: usize,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Lines {
            rest: bytes,
            number: 0,
        }
    }

    fn error(&self, what: impl Into<String>) -> ParseError {
        ParseError {
            line: self.number,
            what: what.into(),
        }
    }

    /// The next line without its line feed.
    fn peek(&self) -> Option<&'a [u8]> {
        (!self.rest.is_empty()).then(|| self.rest.split(|b| *b == b'\n').next().unwrap_or_default())
    }

    fn next(&mut self) -> Result<&'a [u8], ParseError> {
        self.number += 1;
        let line = self
            .peek()
            .ok_or_else(|| self.error("the patch ends too early"))?;
        match self.rest.get(line.len() + 1..) {
            Some(rest) => self.rest = rest,
            None => return Err(self.error("the last line has no line feed")),
        }
        Ok(line)
    }

    fn text(&mut self) -> Result<&'a str, ParseError> {
        let line = self.next()?;
        let text = std::str::from_utf8(line).map_err(|_| self.error("the line is not UTF-8"))?;
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(self.error("the line has control characters"));
        }
        Ok(text)
    }

    fn header(&mut self, key: &str) -> Result<String, ParseError> {
        match self.text()?.strip_prefix(key) {
            Some(value) if !value.trim().is_empty() && value.trim() == value => Ok(value.into()),
            _ => Err(self.error(format!("expected `{key}` and a value"))),
        }
    }

    fn diffs(&mut self) -> Result<Vec<FileDiff>, ParseError> {
        let mut files = Vec::new();
        while self.peek().is_some() {
            files.push(self.diff()?);
        }
        Ok(files)
    }

    fn diff(&mut self) -> Result<FileDiff, ParseError> {
        let start = self.rest;
        let header = self.text()?;
        let path = header
            .strip_prefix("diff --git a/")
            .and_then(|rest| rest.split_once(" b/"))
            .filter(|(a, b)| a == b)
            .map(|(a, _)| a.to_string())
            .ok_or_else(|| {
                self.error("expected `diff --git a/PATH b/PATH` with the same path twice")
            })?;
        check_path(&path).map_err(|e| self.error(e))?;
        let (old, new) = self
            .text()?
            .strip_prefix("index ")
            .and_then(|rest| rest.strip_suffix(" 100644"))
            .and_then(|ids| ids.split_once(".."))
            .filter(|(old, new)| is_blob_id(old) && is_blob_id(new))
            .ok_or_else(|| {
                self.error(
                    "expected `index OLD..NEW 100644` with full blob ids of an existing plain file",
                )
            })?;
        for expected in [format!("--- a/{path}"), format!("+++ b/{path}")] {
            if self.text()? != expected {
                return Err(self.error(format!("expected `{expected}`")));
            }
        }
        let is_next = |line: &[u8]| line.starts_with(b"diff ");
        if self.peek().is_none_or(is_next) {
            return Err(self.error(format!("`{path}` has no hunk")));
        }
        // Lines that the hunk still has to take out and to put in.
        let mut left = [0, 0];
        while self.peek().is_some_and(|line| !is_next(line)) {
            let line = self.next()?;
            let side = match line.first() {
                Some(b'-') => &mut left[0],
                Some(b'+') => &mut left[1],
                Some(b'\\') => continue,
                Some(b' ') | None => return Err(self.error("context lines are not allowed")),
                Some(_) if left == [0, 0] => {
                    left = counts(line).ok_or_else(|| {
                        self.error("expected `@@ -LINE,COUNT +LINE,COUNT @@`, and nothing after it")
                    })?;
                    continue;
                }
                Some(_) => return Err(self.error(MISCOUNTED)),
            };
            *side = side.checked_sub(1).ok_or_else(|| self.error(MISCOUNTED))?;
        }
        if left != [0, 0] {
            return Err(self.error(MISCOUNTED));
        }
        let text = &start[..start.len() - self.rest.len()];
        Ok(FileDiff {
            path,
            old: old.into(),
            new: new.into(),
            text: text.into(),
        })
    }
}

/// Git passes over lines at the end of a diff that no hunk counts.
const MISCOUNTED: &str = "a hunk has other lines than its header says";

/// How many lines a hunk takes out and puts in, by its header.
fn counts(header: &[u8]) -> Option<[usize; 2]> {
    let header = std::str::from_utf8(header).ok()?;
    let sides = header.strip_prefix("@@ -")?.strip_suffix(" @@")?;
    let (old, new) = sides.split_once(" +")?;
    let count = |side: &str| match side.split_once(',') {
        Some((_, count)) => count.parse().ok(),
        None => Some(1),
    };
    Some([count(old)?, count(new)?])
}

fn is_blob_id(id: &str) -> bool {
    id.len() == 40
        && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        && id.bytes().any(|b| b != b'0')
}

/// Git takes an empty address too, and what it refuses it does not say of which patch.
fn is_author(author: &str) -> bool {
    let Some((name, address)) = author.strip_suffix('>').and_then(|a| a.split_once(" <")) else {
        return false;
    };
    let plain = |s: &str| !s.trim().is_empty() && !s.contains(['<', '>']);
    plain(name) && plain(address) && !address.contains(' ')
}

/// Git takes dates of other forms too.
fn is_date(date: &str) -> bool {
    let digits = |s: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit())
    };
    let [weekday, day, month, year, time, zone] = date.split(' ').collect::<Vec<_>>()[..] else {
        return false;
    };
    ["Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"].contains(&weekday)
        && digits(day, 1..=2)
        && [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        .contains(&month)
        && digits(year, 4..=4)
        && time.split(':').count() == 3
        && time.split(':').all(|part| digits(part, 2..=2))
        && zone
            .strip_prefix(['+', '-'])
            .is_some_and(|z| digits(z, 4..=4))
}

#[cfg(test)]
mod tests;

//! Reduction of a function to a small one that still has some property, such as to crash the
//! compiler.
//!
//! It works on the lines of the text: a line that can go, goes; an instruction that cannot
//! becomes a simpler one. The property decides what is still acceptable; it should refuse text
//! that does not parse or verify.

use cranelift_codegen::ir::{Function, Type, Value, types};

/// What a reduction came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduction {
    /// The reduced text.
    pub text: String,
    /// How often the property was asked for.
    pub attempts: usize,
    /// Whether the limit on attempts ended the reduction.
    pub is_limited: bool,
}

/// Reduces the text of one function.
///
/// `keeps` parses a candidate and gives the function if it still has the property. It is asked at
/// most `limit` times; `progress` hears how often so far, and how many lines are left.
pub fn reduce(
    text: &str,
    limit: usize,
    mut keeps: impl FnMut(&str) -> Option<Function>,
    mut progress: impl FnMut(usize, usize),
) -> Reduction {
    let mut reducer = Reducer {
        lines: text.lines().map(str::to_owned).collect(),
        attempts: 0,
        limit,
        keeps: &mut keeps,
        progress: &mut progress,
    };
    loop {
        let before = reducer.lines.clone();
        reducer.remove_lines();
        reducer.simplify_lines();
        if reducer.lines == before || reducer.is_limited() {
            break;
        }
    }
    Reduction {
        attempts: reducer.attempts,
        is_limited: reducer.is_limited(),
        text: joined(&reducer.lines),
    }
}

struct Reducer<'a> {
    lines: Vec<String>,
    attempts: usize,
    limit: usize,
    keeps: &'a mut dyn FnMut(&str) -> Option<Function>,
    progress: &'a mut dyn FnMut(usize, usize),
}

impl Reducer<'_> {
    fn is_limited(&self) -> bool {
        self.attempts >= self.limit
    }

    /// Takes the lines as the new ones if the property is kept.
    fn accept(&mut self, lines: Vec<String>) -> bool {
        if self.is_limited() || lines == self.lines {
            return false;
        }
        self.attempts += 1;
        let kept = (self.keeps)(&joined(&lines)).is_some();
        if kept {
            self.lines = lines;
        }
        (self.progress)(self.attempts, self.lines.len());
        kept
    }

    /// Removes runs of lines, long ones first, from the end: uses come after definitions.
    fn remove_lines(&mut self) {
        let mut length = self.lines.len() / 2;
        while length > 0 {
            let mut end = self.lines.len();
            while end >= length && !self.is_limited() {
                let start = end - length;
                let mut lines = self.lines.clone();
                lines.drain(start..end);
                end = if self.accept(lines) { start } else { end - 1 };
            }
            length /= 2;
        }
    }

    /// Replaces instructions by simpler ones.
    fn simplify_lines(&mut self) {
        for index in (0..self.lines.len()).rev() {
            let types = (self.keeps)(&joined(&self.lines));
            let Some(func) = types else { return };
            for simpler in simpler(&self.lines[index], &func) {
                let mut lines = self.lines.clone();
                lines[index] = simpler;
                if self.accept(lines) {
                    break;
                }
            }
        }
    }
}

/// Simpler forms of a line, the simplest first; none for the simplest.
fn simpler(line: &str, func: &Function) -> Vec<String> {
    let words = line.trim();
    if let Some((result, operation)) = words.split_once(" = ") {
        let number = result
            .strip_prefix('v')
            .and_then(|digits| digits.parse().ok());
        let value = number.and_then(Value::with_number);
        let Some(value) = value.filter(|value| func.dfg.value_is_valid(*value)) else {
            return Vec::new();
        };
        let zero = zero(func.dfg.value_type(value));
        return zero
            .filter(|zero| *zero != operation)
            .map(|zero| format!("    {result} = {zero}"))
            .into_iter()
            .collect();
    }
    let mut forms = Vec::new();
    if let Some(branch) = words.strip_prefix("brif ") {
        forms.push("    trap user1".to_owned());
        for target in targets(branch) {
            forms.push(format!("    jump {target}"));
        }
    } else if ["jump ", "br_table ", "return ", "return_call"]
        .iter()
        .any(|terminator| words.starts_with(terminator))
    {
        forms.push("    trap user1".to_owned());
    }
    forms
}

/// The instruction that makes a zero of a type.
fn zero(ty: Type) -> Option<String> {
    match ty {
        types::I8 | types::I16 | types::I32 | types::I64 => Some(format!("iconst.{ty} 0")),
        types::F16 | types::F32 | types::F64 => Some(format!("{ty}const 0.0")),
        _ => None,
    }
}

/// The targets of a `brif`, each with its arguments, given what comes after the word.
fn targets(branch: &str) -> Vec<&str> {
    let starts = branch.match_indices("block").map(|(start, _)| start);
    starts
        .map(|start| {
            let target = &branch[start..];
            let mut depth = 0usize;
            let end = target.find(|c| {
                match c {
                    '(' => depth += 1,
                    ')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0 && (c == ',' || c == ' ' || c == ';')
            });
            &target[..end.unwrap_or(target.len())]
        })
        .collect()
}

fn joined(lines: &[String]) -> String {
    lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{reduce, targets};

    const TEXT: &str = "\
function %f(i32, i64) -> i32 {
    ss0 = explicit_slot 8

block0(v0: i32, v1: i64):
    v2 = iadd v0, v0
    v3 = iadd v2, v0
    brif v2, block1(v3), block2

block1(v4: i32):
    v5 = imul v4, v4
    return v5

block2:
    return v0
}
";

    fn parse(text: &str) -> Option<cranelift_codegen::ir::Function> {
        cranelift_reader::parse_functions(text).ok()?.pop()
    }

    #[test]
    fn what_does_not_matter_goes() {
        let keeps = |text: &str| parse(text).filter(|_| text.contains("imul"));
        let reduction = reduce(TEXT, 1000, keeps, |_, _| {});
        assert!(!reduction.is_limited);
        assert_eq!(
            reduction.text,
            "function %f(i32, i64) -> i32 {\nblock1(v4: i32):\n    v5 = imul v4, v4\n}\n"
        );
    }

    #[test]
    fn attempts_are_limited() {
        let reduction = reduce(TEXT, 3, parse, |_, _| {});
        assert_eq!((reduction.attempts, reduction.is_limited), (3, true));
    }

    #[test]
    fn targets_keep_their_arguments() {
        assert_eq!(
            targets("v0, block1(v1, v2), block22  ; v0 = 1"),
            ["block1(v1, v2)", "block22"]
        );
    }
}

//! Parsing of CLIF: Cranelift's reader, and what it does not refuse by itself.
//!
//! The reader makes an entity for each number up to the largest that is used, so `block225322254`
//! alone takes more memory than there is. Such numbers are refused before the reader sees them. Where it
//! panics, the line is looked for. The lines that it has for some declarations are put right.

use crate::errors::line_of_entity;
use crate::outcome::Failure;
use crate::panics;
use crate::source::Source;
use cranelift_codegen::ir::entities::AnyEntity;
use cranelift_codegen::ir::{AliasRegion, ExternalName, GlobalValueData};
use cranelift_reader::{Details, Location, ParseOptions, TestFile, parse_test};

/// Why a text was not parsed.
#[derive(Debug)]
pub struct ParseFailure {
    /// What is wrong, and where.
    pub failure: Failure,
    /// Nothing is wrong but that Cranelift does not implement a target of the file.
    pub is_unsupported_target: bool,
}

impl From<Failure> for ParseFailure {
    fn from(failure: Failure) -> Self {
        ParseFailure {
            failure,
            is_unsupported_target: false,
        }
    }
}

/// Parses the text of a file.
///
/// # Errors
///
/// If the reader refuses the text or panics, or a number is out of all proportion to the text.
pub fn parse<'a>(text: &'a str, options: ParseOptions<'a>) -> Result<TestFile<'a>, ParseFailure> {
    parse_unnamed(text, options).map_err(|mut error| {
        if let Some(function) = function_at(text, error.failure.line) {
            error.failure = error.failure.about(function);
        }
        error
    })
}

/// The name of the last function that begins at a line or before.
fn function_at(text: &str, line: usize) -> Option<&str> {
    let source = Source::new(text);
    let functions = words(text).filter(|(word, _)| *word == "function");
    let (_, behind) = functions
        .take_while(|(word, _)| source.line_of(word) <= Some(line))
        .last()?;
    let mut words = behind.split(|c: char| c == '(' || c.is_whitespace());
    words.find(|name| !name.is_empty())
}

fn parse_unnamed<'a>(
    text: &'a str,
    options: ParseOptions<'a>,
) -> Result<TestFile<'a>, ParseFailure> {
    if text.starts_with('\u{feff}') {
        let message = "the file begins with a byte order mark; save it as UTF-8 without one";
        return Err(Failure::at(1, message).with_column(1).into());
    }
    check_numbers(text)?;
    let read = |text| panics::contain(|| parse_test(text, again(&options)));
    match read(text) {
        Ok(Ok(mut file)) => {
            correct_lines(text, &mut file);
            check_names(&file)?;
            Ok(file)
        }
        Ok(Err(error)) => Err(ParseFailure {
            failure: Failure::at(error.location.line_number, error.message),
            is_unsupported_target: error.is_warning,
        }),
        Err(panic) => {
            // The reader goes from left to right: with these lines it panics, and with all more.
            let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
            let before = ends.partition_point(|end| read(&text[..*end]).is_ok());
            Err(Failure::at(before + 1, format!("the reader {panic}")).into())
        }
    }
}

/// `ParseOptions` has no `Clone`.
fn again<'a>(options: &ParseOptions<'a>) -> ParseOptions<'a> {
    ParseOptions { ..*options }
}

/// Entities whose numbers index a table. `tag0`, `ret0`, `exn0` and the namespace `u0` do not.
const NUMBERED: [&str; 13] = [
    "block",
    "const",
    "dss",
    "dt",
    "extable",
    "fn",
    "gv",
    "mt",
    "region",
    "sig",
    "ss",
    "userextname",
    "v",
];

/// Numbers up to this take little memory. Printed functions have gaps in their numbering.
const ALWAYS_ALLOWED: usize = 1 << 19;

/// Refuses numbers that no function of this length needs.
fn check_numbers(text: &str) -> Result<(), Failure> {
    let limit = text.len().max(ALWAYS_ALLOWED);
    let is_too_large = |(word, _): &(&str, &str)| {
        let head = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = word[head.len()..].parse::<u32>();
        NUMBERED.contains(&head) && number.is_ok_and(|number| number as usize > limit)
    };
    let Some((word, _)) = words(text).find(is_too_large) else {
        return Ok(());
    };
    let (line, column) = Source::new(text).place_of(word).unwrap_or((1, 1));
    let message = format!(
        "the number of `{word}` is too large for a file of {} bytes, which may use numbers up to \
         {limit}, as memory is needed for all below it; use smaller numbers",
        text.len()
    );
    Err(Failure::at(line, message).with_column(column))
}

/// The reader has for global values, signatures and functions the line of the token behind their
/// declarations, and for alias regions none.
fn correct_lines(text: &str, file: &mut TestFile<'_>) {
    let source = Source::new(text);
    let mut functions = file.functions.iter_mut();
    let mut function = None;
    for (word, behind) in words(text) {
        if word == "function" {
            function = functions.next();
        } else if word.starts_with("block") {
            function = None;
        } else if behind.trim_start().starts_with('=')
            && let Some((_, details)) = &mut function
            && let Some(entity) = entity_of(details, word)
            && let Some(line_number) = source.line_of(word)
        {
            // It takes the place of the line before, and that there was one is called an error.
            let _ = details.map.def_entity(entity, Location { line_number });
        }
    }
}

/// Refuses numbers of names that stand for none; whoever looks for the name would panic.
fn check_names(file: &TestFile<'_>) -> Result<(), Failure> {
    for (func, details) in &file.functions {
        let callees = func.dfg.ext_funcs.iter();
        let callees = callees.map(|(callee, data)| (callee.into(), &data.name));
        let values = func.global_values.iter();
        let symbols = values.filter_map(|(value, data)| match data {
            GlobalValueData::Symbol { name, .. } => Some((value.into(), name)),
            _ => None,
        });
        for (entity, name) in callees.chain(symbols) {
            if let ExternalName::User(number) = name
                && !func.params.user_named_funcs().is_valid(*number)
            {
                let message = format!(
                    "{entity} has the name {number}, which is not declared; write the name itself, such \
                     as `%g` or `u0:5`"
                );
                return Err(Failure::at(line_of_entity(details, entity), message));
            }
        }
    }
    Ok(())
}

/// What a word of a function's preamble stands for.
fn entity_of(details: &Details<'_>, word: &str) -> Option<AnyEntity> {
    match word.strip_prefix("region") {
        Some(number) => number
            .parse()
            .ok()
            .map(|number| AliasRegion::from_u32(number).into()),
        None => details.map.lookup_str(word),
    }
}

/// The words of a text, entities among them, each with the text behind it; without those in comments,
/// strings, names and the lines of a header.
fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    let is_in_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            let end_of = |is_inside: &dyn Fn(char) -> bool| {
                let end = rest[1..].find(|c| !is_inside(c));
                end.map_or(rest.len(), |end| end + 1)
            };
            let length = match first {
                ';' => end_of(&|c| c != '\n'),
                '"' => rest.len().min(end_of(&|c| c != '"') + 1),
                '@' | '#' => end_of(&|c| c.is_ascii_hexdigit()),
                '%' | '_' | '0'..='9' | 'a'..='z' | 'A'..='Z' => end_of(&is_in_word),
                other => other.len_utf8(),
            };
            let (token, tail) = rest.split_at(length);
            rest = tail;
            if matches!(token, "test" | "set" | "target") {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
            } else if first.is_ascii_alphabetic() {
                return Some((token, tail));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{ALWAYS_ALLOWED, NUMBERED, parse, words};
    use crate::Failure;
    use cranelift_codegen::ir::{AliasRegion, Value};
    use cranelift_reader::ParseOptions;

    fn failure(text: &str) -> Failure {
        match parse(text, ParseOptions::default()) {
            Ok(_) => panic!("it is parsed: {text}"),
            Err(error) => error.failure,
        }
    }

    #[test]
    fn numbers_out_of_proportion_are_refused() {
        for entity in NUMBERED {
            // Neither as a declaration nor as an operand does the reader get to see it.
            let number = ALWAYS_ALLOWED + 1;
            let text = format!("function %f() {{\n    ü, {entity}{number}\n}}");
            let refused = failure(&text);
            assert_eq!((refused.line, refused.column), (2, Some(8)), "{text}");
            assert!(refused.message.contains("is too large for a file of "));
            let message = failure(&text.replace(&number.to_string(), "524288")).message;
            assert!(!message.contains("too large"), "{message}");
        }
        // A file may use as many numbers as it has bytes.
        let text = "function %f() {\nblock0:\n    v600000 = iconst.i8 1\n    return\n}\n";
        assert!(failure(text).message.contains("too large"));
        let long = format!("{text}{}", "; a comment\n".repeat(50_000));
        assert!(parse(&long, ParseOptions::default()).is_ok());
    }

    #[test]
    fn a_byte_order_mark_is_named() {
        let refused = failure("\u{feff}function %f() {\nblock0:\n    return\n}\n");
        assert_eq!((refused.line, refused.column), (1, Some(1)));
        assert!(
            refused.message.contains("byte order mark"),
            "{}",
            refused.message
        );
    }

    #[test]
    fn what_is_no_index_may_be_as_large_as_it_likes() {
        let text = "test cat ; v999999999\nfunction %block999999999() { ; v999999999\n    \
                    region0 = 1 \"v999999999\"\n    \
                    fn0 = u999999999:999999999() system_v\n    sig9 = () system_v\nblock0:\n    \
                    try_call fn0(), sig9, block1, [tag999999999: block1]\nblock1:\n    return\n}\n";
        let parsed = parse(text, ParseOptions::default());
        assert!(parsed.is_ok(), "{:?}", parsed.err());
    }

    #[test]
    fn declarations_have_their_own_lines() {
        let text = "function %f(i64) {\n}\nfunction %g(i64) {\n    gv0 = vmctx ; 4\n\n    region0 = 1 \
                    \"a\"\n    ss0 = explicit_slot 8, align = 4\n    sig0 = ()\n    ; note\n    \
                    fn0 = %h sig0\n    fn1 = %h()\n\nblock0(v0: i64):\n    return\n}\n";
        let file = parse(text, ParseOptions::default()).unwrap();
        let map = &file.functions[1].1.map;
        for (entity, line) in [
            ("gv0", 4),
            ("ss0", 7),
            ("sig0", 8),
            ("fn0", 10),
            ("fn1", 11),
        ] {
            let location = map.location(map.lookup_str(entity).unwrap());
            assert_eq!(location.unwrap().line_number, line, "{entity}");
        }
        let region = map.location(AliasRegion::from_u32(0).into());
        assert_eq!(region.unwrap().line_number, 6);
        assert_eq!(
            map.location(Value::from_u32(0).into()).unwrap().line_number,
            13
        );
    }

    #[test]
    fn a_panic_of_the_reader_has_a_line() {
        let good = "function %f(i64) {\n    gv0 = vmctx\nblock0(v0: i64):\n    return\n}\n";
        let bad = good.replace("    return", "    v1 = splat.dt0 v0\n    return");
        for end in ["", "\n", "\n; a comment\n"] {
            let failure = failure(&format!("{good}{}{end}", bad.trim_end()));
            assert!(failure.message.contains("the reader panicked: "));
            assert_eq!(failure.line, 9, "{failure:?}");
        }
    }

    #[test]
    fn words_are_not_in_names_strings_numbers_comments_and_header() {
        let text = "test v1 \"\nset v2\ntarget v3\nfunction %v4(i8) { ; v5\n block6(v7:v8):\n\
                    @0009v9 = a.v10 0x1v11 #fv12 ü \"v13;\" -v14\n}\r\n%v15\"v16";
        let words: Vec<&str> = words(text).map(|(word, _)| word).collect();
        let expected = "function i8 block6 v7 v8 v9 a v10 v12 v14";
        assert_eq!(words.join(" "), expected);
    }
}

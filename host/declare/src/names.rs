//! Identifiers of C and Rust for names of CLIF.

use std::collections::HashSet;

/// Gives out identifiers of one language, each once.
///
/// A name of CLIF becomes an identifier by what it has of letters, digits and underscores. If that
/// is a word of the language, or has been given out, it gets a number.
#[derive(Clone, Debug)]
pub struct Names {
    reserved: HashSet<&'static str>,
    is_c: bool,
    taken: HashSet<String>,
}

impl Names {
    /// Identifiers of C, as of GNU dialects on Linux.
    pub fn c() -> Self {
        Names {
            reserved: words(C_WORDS),
            is_c: true,
            taken: HashSet::new(),
        }
    }

    /// Identifiers of Rust.
    pub fn rust() -> Self {
        Names {
            reserved: words(RUST_WORDS),
            is_c: false,
            taken: HashSet::new(),
        }
    }

    /// An identifier for one name.
    pub fn claim(&mut self, name: &str) -> String {
        self.claim_group(name, &[""])
    }

    /// A stem such that with each of the suffixes it is an identifier, all of which are then taken.
    pub fn claim_group(&mut self, name: &str, suffixes: &[&str]) -> String {
        self.claim_numbered(&identifier(name), "_", suffixes)
    }

    /// The same in camel case, as Rust has it for types: `F`, `F2`.
    pub fn claim_camel_group(&mut self, name: &str, suffixes: &[&str]) -> String {
        let camel = camel_case(&identifier(name));
        let is_numbered = camel.ends_with(|c: char| c.is_ascii_digit());
        self.claim_numbered(&camel, if is_numbered { "_" } else { "" }, suffixes)
    }

    fn claim_numbered(&mut self, wanted: &str, separator: &str, suffixes: &[&str]) -> String {
        let numbers = (2..).map(|number: u64| format!("{separator}{number}"));
        for number in std::iter::once(String::new()).chain(numbers) {
            let stem = format!("{wanted}{number}");
            let group: Vec<_> = suffixes
                .iter()
                .map(|suffix| format!("{stem}{suffix}"))
                .collect();
            if group.iter().all(|name| self.is_free(name)) {
                self.taken.extend(group);
                return stem;
            }
        }
        unreachable!("there are more numbers than names")
    }

    fn is_free(&self, name: &str) -> bool {
        let is_reserved = self.reserved.contains(name) || (self.is_c && is_of_stdint(name));
        !is_reserved && !self.taken.contains(name)
    }
}

/// The words of a text, without its comments.
fn words(text: &'static str) -> HashSet<&'static str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
}

/// `%f.x` to `f_x`, `u0:5` to `u0_5`, `%1` to `n1`.
fn identifier(name: &str) -> String {
    let name = name.strip_prefix('%').unwrap_or(name);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut word: String = name
        .chars()
        .map(|c| if is_word(c) { c } else { '_' })
        .collect();
    // What begins with an underscore may be the compiler's own, and this with `clif_` is ours.
    if !word.starts_with(|c: char| c.is_ascii_alphabetic()) || word.starts_with("clif_") {
        word.insert(0, 'n');
    }
    word
}

/// `swap_2` to `Swap2`.
pub(super) fn camel_case(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    let mut camel = String::new();
    for word in words {
        // Digits of different words would run into each other.
        let is_digit = |c: char| c.is_ascii_digit();
        if camel.ends_with(is_digit) && word.starts_with(is_digit) {
            camel.push('_');
        }
        let (first, rest) = word.split_at(1);
        camel.push_str(&first.to_ascii_uppercase());
        camel.push_str(rest);
    }
    camel
}

/// See the file.
const C_WORDS: &str = include_str!("c-words.txt");

/// Is this of the form of what `<stdint.h>` defines: `int_fast8_t`, `SIZE_MAX`, `UINT64_C`?
fn is_of_stdint(name: &str) -> bool {
    let is_type = (name.starts_with("int") || name.starts_with("uint")) && name.ends_with("_t");
    let is_limit = ["_MAX", "_MIN", "_WIDTH", "_C"]
        .iter()
        .any(|suffix| name.ends_with(suffix));
    is_type || (is_limit && !name.contains(|c: char| c.is_ascii_lowercase()))
}

const RUST_WORDS: &str = "
    abstract as async await become box break const continue crate do dyn else enum extern false
    final fn for gen if impl in let loop macro main match mod move mut override priv pub ref return
    self Self static struct super trait true try type typeof union unsafe unsized use virtual where
    while yield
";

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_become_identifiers_once() {
        let mut names = Names::c();
        assert_eq!(names.claim("%f"), "f");
        assert_eq!(names.claim("%f"), "f_2");
        assert_eq!(names.claim("%f_2"), "f_2_2");
        assert_eq!(names.claim("u0:5"), "u0_5");
        assert_eq!(names.claim("%1"), "n1");
        assert_eq!(names.claim("%_x"), "n_x");
        assert_eq!(names.claim("%int"), "int_2");
        assert_eq!(names.claim("%clif_v_i8x16"), "nclif_v_i8x16");
        assert_eq!(names.claim("%linux"), "linux_2");
        assert_eq!(names.claim("%exp2"), "exp2_2");
        assert_eq!(names.claim("%int_fast8_t"), "int_fast8_t_2");
        assert_eq!(names.claim("%SIZE_MAX"), "SIZE_MAX_2");
        assert_eq!(names.claim("%MAX"), "MAX");
        assert_eq!(Names::rust().claim("%match"), "match_2");
        assert_eq!(Names::rust().claim("%int"), "int");
    }

    #[test]
    fn types_of_rust_are_in_camel_case() {
        let mut names = Names::rust();
        assert_eq!(names.claim_camel_group("%swap_it", &["Fn"]), "SwapIt");
        assert_eq!(names.claim_camel_group("%swap_it", &["Fn"]), "SwapIt2");
        assert_eq!(names.claim_camel_group("%f_1_2", &["Fn"]), "F1_2");
        assert_eq!(names.claim_camel_group("%f_1_2", &["Fn"]), "F1_2_2");
    }

    #[test]
    fn a_group_is_free_as_a_whole() {
        let mut names = Names::c();
        assert_eq!(names.claim("%f_out"), "f_out");
        assert_eq!(names.claim_group("%f", &["_out", "_fn"]), "f_2");
        assert_eq!(names.claim("%f_2_fn"), "f_2_fn_2");
        assert_eq!(names.claim("%f"), "f");
    }
}

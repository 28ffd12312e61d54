//! Source files of declarations.

use crate::Refusal;
use crate::locate::target_name;
use crate::names::Names;
use cranelift_codegen::ir::Signature;
use cranelift_codegen::isa::TargetIsa;
use std::collections::HashSet;
use std::fmt;
use target_lexicon::Triple;

/// The declarations for one kind of target in one language: part of a source file.
pub trait Section: Sized {
    /// An empty section, or `None` if the language has no compiler for the target.
    fn new(triple: &Triple) -> Option<Self>;

    /// What the language says of the targets that the section is for.
    fn condition(&self) -> &str;

    /// Identifiers, none of them given out.
    fn names() -> Names;

    /// A stem for [`Section::add`] whose types have names that are free.
    fn claim_stem(names: &mut Names, name: &str) -> String;

    /// Checks that the language can say the signature.
    ///
    /// # Errors
    ///
    /// The reason why not.
    fn check(isa: &dyn TargetIsa, signature: &Signature) -> Result<(), Refusal>;

    /// Adds what a signature needs, with names that begin with `stem`, the same under the names that
    /// begin with `aliases`, and the declarations of functions that have it: each an identifier and, if
    /// that is not its symbol, the symbol.
    ///
    /// # Errors
    ///
    /// As of [`Section::check`]; the section is as before.
    fn add(
        &mut self,
        isa: &dyn TargetIsa,
        signature: &Signature,
        stem: &str,
        aliases: &[String],
        functions: &[(&str, Option<&str>)],
    ) -> Result<(), Refusal>;

    /// Adds a comment.
    fn comment(&mut self, text: &str);

    /// Adds an empty line.
    fn blank_line(&mut self);

    /// A source file with these sections, which must have different conditions.
    fn file(sections: &[Self]) -> String;
}

/// Adds the declarations of a signature and of all functions that have it, by their names in CLIF, such as `%f`. Without any, types
/// are called after `stem`.
///
/// # Errors
///
/// As of [`Section::check`]; the section and the names are as before.
pub fn declare<S: Section>(
    section: &mut S,
    names: &mut Names,
    isa: &dyn TargetIsa,
    signature: &Signature,
    functions: &[&str],
    stem: &str,
) -> Result<(), Refusal> {
    S::check(isa, signature)?;
    let claim = |function: &&str| {
        let name = names.claim(function);
        // Other names than those with `%` are not of symbols.
        let symbol = function.strip_prefix('%').map(str::to_owned);
        (symbol.filter(|symbol| *symbol != name), name)
    };
    let claimed: Vec<_> = functions.iter().map(claim).collect();
    let claimed: Vec<_> = claimed
        .iter()
        .map(|(symbol, name)| (name.as_str(), symbol.as_deref()))
        .collect();
    // Types are called after functions, each of which has its own.
    let stems = if functions.is_empty() {
        &[stem]
    } else {
        functions
    };
    let mut stems = stems.iter().map(|stem| S::claim_stem(names, stem));
    let stem = stems.next().unwrap_or_default();
    let aliases: Vec<String> = stems.collect();
    section.add(isa, signature, &stem, &aliases, &claimed)
}

/// A source file that declares functions of one target; shown, it is the file's text.
///
/// The parameter is the language: [`c::Section`](crate::c::Section) or [`rust::Section`](crate::rust::Section).
pub struct Declarations<'a, S> {
    isa: &'a dyn TargetIsa,
    section: S,
    names: Names,
    symbols: HashSet<String>,
}

impl<'a, S: Section> Declarations<'a, S> {
    /// An empty file.
    ///
    /// # Errors
    ///
    /// If the language has no compiler for the target.
    pub fn new(isa: &'a dyn TargetIsa) -> Result<Self, Refusal> {
        let no_compiler = || Refusal::NoCompiler(target_name(isa.triple()));
        Ok(Declarations {
            isa,
            section: S::new(isa.triple()).ok_or_else(no_compiler)?,
            names: S::names(),
            symbols: HashSet::new(),
        })
    }

    /// Declares the function with this symbol. Several results are a struct of its own, with assertions on its layout. An integer is
    /// unsigned where the signature has it `uext`.
    ///
    /// # Errors
    ///
    /// The reason why the language cannot say the signature or the symbol; the file is as before.
    pub fn function(&mut self, symbol: &str, signature: &Signature) -> Result<(), Refusal> {
        let refuse = |why| Err(Refusal::Symbol(symbol.to_owned(), why));
        if symbol.is_empty() {
            return refuse("it is empty");
        }
        if symbol.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
            return refuse("it has characters that end a string");
        }
        if self.symbols.contains(symbol) {
            return refuse("it is declared before");
        }
        let name = format!("%{symbol}");
        S::check(self.isa, signature)?;
        self.symbols.insert(symbol.to_owned());
        self.section.blank_line();
        declare(
            &mut self.section,
            &mut self.names,
            self.isa,
            signature,
            &[&name],
            &name,
        )
    }
}

impl<S: Section + Clone> fmt::Display for Declarations<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&S::file(std::slice::from_ref(&self.section)))
    }
}

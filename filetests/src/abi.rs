//! The signatures of a file, and what `multi-out-declare` says of them: where values go, and how C and Rust declare functions.
//!
//! Backends panic on some signatures; that is a refusal, and here a silent one.

pub use multi_out_declare::{
    CSignature, Names, Refusal, Section, c, param_names, rust, target_name, text,
};

use crate::fillers::is_filler;
use crate::panics;
use cranelift_codegen::ir::{Function, Signature};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::abi_locations::AbiLocations;
use cranelift_reader::TestFile;
use std::collections::HashMap;

/// A signature of a file, with all that have it.
#[derive(Clone, Debug)]
pub struct UsedSignature {
    /// The signature.
    pub signature: Signature,
    /// Who has it, in the order of the file; at least one.
    pub users: Vec<User>,
}

/// Something that has a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// As a reader knows it: `%f`, `fn0 = %g in %f`, `sig0 in %f`.
    pub text: String,
    /// Its name as printed, if it is a function: `%f`, `u0:5`.
    pub function: Option<String>,
    /// A name to make identifiers from.
    pub stem: String,
    /// The line of its declaration, from 1.
    pub line: usize,
}

impl UsedSignature {
    /// The functions that have this signature, each once, by their names as printed.
    pub fn functions(&self) -> Vec<&str> {
        let mut functions: Vec<&str> = Vec::new();
        for function in self
            .users
            .iter()
            .filter_map(|user| user.function.as_deref())
        {
            if !functions.contains(&function) {
                functions.push(function);
            }
        }
        functions
    }
}

/// The signatures of a file: of its functions, and those that they declare for calls. Equal ones
/// are one. `source` is the text of the file.
pub fn signatures(file: &TestFile<'_>, source: &str) -> Vec<UsedSignature> {
    let mut list: Vec<UsedSignature> = Vec::new();
    let mut places: HashMap<Signature, usize> = HashMap::new();
    let mut add = |signature: &Signature, user: User| {
        let place = *places.entry(signature.clone()).or_insert_with(|| {
            list.push(UsedSignature {
                signature: signature.clone(),
                users: Vec::new(),
            });
            list.len() - 1
        });
        list[place].users.push(user);
    };
    let lines: Vec<&str> = source.lines().collect();
    let starts = file.functions.iter().map(|(_, d)| d.location.line_number);
    let ends = starts.skip(1).chain([lines.len() + 1]);
    for ((func, details), end) in file.functions.iter().zip(ends) {
        let name = func.name.to_string();
        let line = details.location.line_number;
        let user = User {
            text: name.clone(),
            function: Some(name.clone()),
            stem: name,
            line,
        };
        add(&func.signature, user);
        let preamble = Preamble {
            lines: lines.get(line - 1..end - 1).unwrap_or_default(),
            first_line: line,
        };
        for (signature, user) in declared_signatures(func, preamble) {
            add(signature, user);
        }
    }
    list
}

/// The text of a function. The reader's own map has the line of the token behind a declaration.
#[derive(Clone, Copy)]
struct Preamble<'a> {
    lines: &'a [&'a str],
    first_line: usize,
}

impl Preamble<'_> {
    /// The line that declares `sigN` or `fnN`.
    fn line_of(&self, entity: impl std::fmt::Display) -> Option<usize> {
        let entity = entity.to_string();
        let declares = |line: &str| {
            let code = line.split(';').next().unwrap_or_default();
            let is_declared_at = |(at, _): (usize, &str)| {
                let is_word = !code[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
                is_word && code[at + entity.len()..].trim_start().starts_with('=')
            };
            code.match_indices(&entity).any(is_declared_at)
        };
        let is_block = |line: &&&str| line.trim_start().starts_with("block");
        let mut preamble = self.lines.iter().take_while(|line| !is_block(line));
        let index = preamble.position(|line| declares(line))?;
        Some(self.first_line + index)
    }
}

/// The `sigN` and `fnN` of a function in the order of their lines.
fn declared_signatures<'f>(
    func: &'f Function,
    preamble: Preamble<'_>,
) -> Vec<(&'f Signature, User)> {
    let mut declared = Vec::new();
    for (sig_ref, signature) in func.dfg.signatures.iter() {
        // A signature that a function declaration has of its own is not written as `sigN`.
        if let Some(line) = preamble.line_of(sig_ref) {
            let user = User {
                text: format!("{sig_ref} in {}", func.name),
                function: None,
                stem: format!("{}_{sig_ref}", func.name),
                line,
            };
            declared.push((signature, user));
        }
    }
    for (func_ref, callee) in func.dfg.ext_funcs.iter() {
        if is_filler(&callee.name) {
            continue;
        }
        let name = callee.name.display(Some(&func.params)).to_string();
        let user = User {
            text: format!("{func_ref} = {name} in {}", func.name),
            function: Some(name.clone()),
            stem: name,
            line: preamble.line_of(func_ref).unwrap_or(preamble.first_line),
        };
        declared.push((&func.dfg.signatures[callee.signature], user));
    }
    declared.sort_by_key(|(_, user)| user.line);
    declared
}

/// As of [`multi_out_declare::locate`].
pub fn locate(isa: &dyn TargetIsa, signature: &Signature) -> Result<AbiLocations, String> {
    contain(|| multi_out_declare::locate(isa, signature), |text| text)
}

/// As of [`multi_out_declare::check_c`].
pub fn check_c(isa: &dyn TargetIsa, signature: &Signature) -> Result<CSignature, Refusal> {
    contain(
        || multi_out_declare::check_c(isa, signature),
        Refusal::Backend,
    )
}

/// As of [`Section::check`].
pub fn check<S: Section>(isa: &dyn TargetIsa, signature: &Signature) -> Result<(), Refusal> {
    contain(|| S::check(isa, signature), Refusal::Backend)
}

/// Adds the declarations of a signature and of all functions that have it.
///
/// # Errors
///
/// As of [`check`]; the section and the names are as before.
pub fn declare<S: Section>(
    section: &mut S,
    names: &mut Names,
    isa: &dyn TargetIsa,
    used: &UsedSignature,
) -> Result<(), Refusal> {
    check::<S>(isa, &used.signature)?;
    let (functions, stem) = (used.functions(), &used.users[0].stem);
    multi_out_declare::declare(section, names, isa, &used.signature, &functions, stem)
}

/// Keeps what panics in a backend from the screen.
fn contain<T, E>(
    ask: impl FnOnce() -> Result<T, E>,
    refuse: impl FnOnce(String) -> E,
) -> Result<T, E> {
    panics::contain(ask).unwrap_or_else(|panic| Err(refuse(panic.to_string())))
}

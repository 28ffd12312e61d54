//! Where the values of a signature go, and how the other side declares it.
//!
//! - [`signatures`] finds the signatures of a file and who has them;
//! - [`locate`] asks the backend where parameters and results go, [`text`] shows that;
//! - [`c`] and [`rust`] write declarations. They are made for `clif-util abi` and for generators of
//!   tests alike, which bring names of their own.
//!
//! C and Rust can say the signatures of `system_v_multi_out`, and those of the platform's own
//! convention that are the same as C's. [`check_c`] tells which these are. It asks the backend twice:
//! `system_v_multi_out` with fewer than two results is where C has everything, or refused, so
//! `system_v` agrees with C where it agrees with that.
//!
//! Invariant: no layout is computed here. Offsets, sizes and alignments are cranelift-codegen's,
//! and the declarations assert them to the other compiler.

pub mod c;
mod names;
pub mod rust;
pub mod text;

pub use names::Names;

use crate::fillers::is_filler;
use crate::panics;
use cranelift_codegen::Context;
use cranelift_codegen::ir::{
    AbiParam, ArgumentExtension, ArgumentPurpose, Function, InstBuilder, Signature, TrapCode, Type,
    UserFuncName, types,
};
use cranelift_codegen::isa::abi_locations::AbiLocations;
use cranelift_codegen::isa::multi_out::OutTarget;
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_reader::TestFile;
use std::collections::HashMap;
use target_lexicon::{Architecture, Triple};

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

/// The name of a target as a file has it: only the architecture, if there is nothing else in it.
pub fn target_name(triple: &Triple) -> String {
    let name = triple.to_string();
    match name.strip_suffix("-unknown-unknown-elf") {
        Some(architecture) => architecture.to_owned(),
        None => name,
    }
}

/// Where the values of a signature go, or what the verifier or the backend says against it.
///
/// Backends panic on some signatures; that is an error here. The error is one line.
pub fn locate(isa: &dyn TargetIsa, signature: &Signature) -> Result<AbiLocations, String> {
    panics::contain(|| {
        verify(isa, signature)?;
        isa.abi_locations(signature)
            .map_err(|error| error.to_string())
    })
    .unwrap_or_else(|panic| Err(format!("the backend {panic}")))
    .map_err(|error| error.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Asks the verifier about a function of this signature that only traps.
fn verify(isa: &dyn TargetIsa, signature: &Signature) -> Result<(), String> {
    let mut func = Function::with_name_signature(UserFuncName::default(), signature.clone());
    let mut frontend = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut func, &mut frontend);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_all_blocks();
    builder.ins().trap(TrapCode::unwrap_user(1));
    builder.finalize(isa.frontend_config());
    Context::for_function(func).verify(isa).map_err(|errors| {
        let messages: Vec<String> = errors.0.into_iter().map(|error| error.message).collect();
        messages.join("; ")
    })
}

/// Names of the parameters, each once: `vmctx` and `sret` after their purpose, others `a0`, `a1`, ….
pub fn param_names(signature: &Signature) -> Vec<String> {
    let mut ordinary = 0;
    let mut specials: HashMap<&str, usize> = HashMap::new();
    let mut name = |param: &AbiParam| {
        let special = match param.purpose {
            ArgumentPurpose::VMContext => "vmctx",
            ArgumentPurpose::StructReturn => "sret",
            ArgumentPurpose::Normal | ArgumentPurpose::StructArgument(_) => {
                ordinary += 1;
                return format!("a{}", ordinary - 1);
            }
        };
        let count = specials.entry(special).or_default();
        *count += 1;
        match *count {
            1 => special.to_owned(),
            count => format!("{special}{count}"),
        }
    };
    signature.params.iter().map(&mut name).collect()
}

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

/// Adds the declarations of a signature and of all functions that have it.
///
/// # Errors
///
/// As of [`Section::check`]; the section and the names are as before.
pub fn declare<S: Section>(
    section: &mut S,
    names: &mut Names,
    isa: &dyn TargetIsa,
    used: &UsedSignature,
) -> Result<(), Refusal> {
    S::check(isa, &used.signature)?;
    let mut functions = Vec::new();
    for function in used.functions() {
        let name = names.claim(function);
        // Other names than those with `%` are not of symbols.
        let symbol = function.strip_prefix('%').filter(|symbol| *symbol != name);
        functions.push((name, symbol));
    }
    let functions: Vec<_> = functions
        .iter()
        .map(|(name, symbol)| (name.as_str(), *symbol))
        .collect();
    // Types are called after functions, each of which has its own, and after a `sigN` only without any.
    let mut stems = used.functions();
    if stems.is_empty() {
        stems.push(&used.users[0].stem);
    }
    let mut stems = stems.into_iter().map(|stem| S::claim_stem(names, stem));
    let stem = stems.next().unwrap_or_default();
    let aliases: Vec<String> = stems.collect();
    section.add(isa, &used.signature, &stem, &aliases, &functions)
}

/// Why a signature has no declaration in a language.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The verifier or the backend refuses the signature.
    #[error("{0}")]
    Backend(String),
    /// There is no compiler of C or Rust for the target.
    #[error("there is no compiler for {0}")]
    NoCompiler(String),
    /// C's functions have another convention.
    #[error("C has no `{0}` convention on {1}")]
    Convention(CallConv, String),
    /// Several results in a convention that has no struct for them.
    #[error("C has no function with {0} results; those of `system_v_multi_out` are a struct to it")]
    Results(usize),
    /// The convention is C's, but this value is not where C has it.
    #[error("`{0}` and C disagree: {1}")]
    Disagreement(CallConv, String),
    /// The pointer to a struct result is not an ordinary parameter.
    #[error("C has no parameter for an `sret` pointer, which is in x8 on aarch64")]
    StructReturn,
    /// C passes a small struct in registers.
    #[error("a struct argument of {0} bytes, which C passes in registers")]
    StructArgument(u32),
    /// The language has no such type on this target.
    #[error("{1} has no type {0}{2}")]
    Type(Type, &'static str, &'static str),
}

/// A signature that C can say.
#[derive(Clone, Debug)]
pub struct CSignature {
    /// Where the values go.
    pub locations: AbiLocations,
    /// The target as far as types depend on it.
    pub target: OutTarget,
    /// What a caller should know although the declaration is right.
    pub notes: Vec<String>,
}

/// Checks that C can say the signature: that C compilers for the target have the convention, and
/// put every value where it does.
///
/// # Errors
///
/// The reason why not.
pub fn check_c(isa: &dyn TargetIsa, signature: &Signature) -> Result<CSignature, Refusal> {
    let triple = isa.triple();
    let target = c_target(triple).ok_or_else(|| Refusal::NoCompiler(target_name(triple)))?;
    let convention = signature.call_conv;
    let default = CallConv::triple_default(triple);
    let base = match convention {
        CallConv::SystemVMultiOut => CallConv::SystemV,
        other => other,
    };
    if base != default {
        return Err(Refusal::Convention(convention, target_name(triple)));
    }
    if convention != CallConv::SystemVMultiOut && signature.returns.len() > 1 {
        return Err(Refusal::Results(signature.returns.len()));
    }
    for param in &signature.params {
        match param.purpose {
            ArgumentPurpose::StructReturn if target == OutTarget::Aarch64 => {
                return Err(Refusal::StructReturn);
            }
            ArgumentPurpose::StructArgument(size) if target == OutTarget::X64 && size <= 16 => {
                return Err(Refusal::StructArgument(size));
            }
            _ => {}
        }
    }
    let locations = locate(isa, signature).map_err(Refusal::Backend)?;
    match convention {
        CallConv::SystemVMultiOut => {}
        CallConv::SystemV => check_agreement(isa, signature, &locations)?,
        _ => check_is_scalar(signature)?,
    }
    Ok(CSignature {
        locations,
        target,
        notes: extension_notes(target, signature),
    })
}

/// The target for which there is a C compiler, if there is.
fn c_target(triple: &Triple) -> Option<OutTarget> {
    OutTarget::from_triple(triple).filter(|target| *target != OutTarget::Pulley)
}

/// `system_v` is C's convention but for a few corners, where `system_v_multi_out` does what C does.
fn check_agreement(
    isa: &dyn TargetIsa,
    signature: &Signature,
    locations: &AbiLocations,
) -> Result<(), Refusal> {
    let disagreement = |what| Refusal::Disagreement(signature.call_conv, what);
    let mut as_c = signature.clone();
    as_c.call_conv = CallConv::SystemVMultiOut;
    let in_c = locate(isa, &as_c).map_err(disagreement)?;
    let names = param_names(signature);
    for (name, (ours, its)) in names
        .into_iter()
        .zip(locations.params.iter().zip(&in_c.params))
    {
        if ours != its {
            let (ours, its) = (text::place(ours), text::place(its));
            return Err(disagreement(format!(
                "{name} is in {ours}, where C has it in {its}"
            )));
        }
    }
    if (&locations.results, &locations.return_pointer) != (&in_c.results, &in_c.return_pointer) {
        return Err(disagreement("the result is elsewhere in C".to_owned()));
    }
    Ok(())
}

/// Of the conventions of Windows and Apple platforms no more is taken for granted.
fn check_is_scalar(signature: &Signature) -> Result<(), Refusal> {
    for param in signature.params.iter().chain(&signature.returns) {
        let ty = param.value_type;
        let is_scalar = ty.is_int() || ty == types::F32 || ty == types::F64;
        if !is_scalar || ty.bits() > 64 {
            let what = format!("a value of type {ty} may not be where C has it");
            return Err(Refusal::Disagreement(signature.call_conv, what));
        }
    }
    Ok(())
}

/// Small integers that C expects extended and that the signature does not extend that way: C may
/// call such a function, but must not be called, and the reverse for a result.
fn extension_notes(target: OutTarget, signature: &Signature) -> Vec<String> {
    let is_in_area = signature.returns.len() > 1;
    let names = param_names(signature);
    let params = names.into_iter().zip(&signature.params);
    let results = signature.returns.iter().filter(|_| !is_in_area);
    let results = results.map(|result| ("the result".to_owned(), result));
    let mut notes = Vec::new();
    for (is_result, (name, param)) in params
        .map(|param| (false, param))
        .chain(results.map(|result| (true, result)))
    {
        if let Some(wanted) = wanted_extension(target, param, is_result) {
            notes.push(format!(
                "{name}: C expects {} to be extended; make it `{wanted}`",
                param.value_type
            ));
        }
    }
    notes
}

fn wanted_extension(target: OutTarget, param: &AbiParam, is_result: bool) -> Option<&'static str> {
    use ArgumentExtension::{None as NotExtended, Sext, Uext};
    let ty = param.value_type;
    if !ty.is_int() || ty.bits() >= 64 {
        return None;
    }
    match (target, ty, param.extension) {
        // Even an unsigned int.
        (OutTarget::Riscv64, types::I32, NotExtended | Uext) => Some("sext"),
        (OutTarget::Riscv64 | OutTarget::S390x, _, NotExtended) => Some("sext` or `uext"),
        // Not of the psABI, but clang counts on it and every C compiler does it.
        (OutTarget::X64, types::I8 | types::I16, NotExtended) if !is_result => {
            Some("sext` or `uext")
        }
        (_, _, NotExtended | Sext | Uext) => None,
    }
}

/// The condition of a target's instruction set and floating-point registers for C's preprocessor,
/// and the name of the instruction set in Rust. Neither says the width of pointers.
fn architecture_of(triple: &Triple) -> Option<(&'static str, &'static str)> {
    match triple.architecture {
        Architecture::X86_64 => Some(("defined(__x86_64__)", "x86_64")),
        Architecture::Aarch64(_) => Some(("defined(__aarch64__)", "aarch64")),
        Architecture::Riscv64(_) => Some(("defined(__riscv_float_abi_double)", "riscv64")),
        Architecture::S390x => Some(("defined(__s390x__)", "s390x")),
        _ => None,
    }
}

/// Is an integer of this extension unsigned to C and Rust?
fn is_unsigned(param: &AbiParam) -> bool {
    param.extension == ArgumentExtension::Uext
}

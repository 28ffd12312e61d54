//! Declarations for Rust, in stable Rust.
//!
//! The same parts as of [`super::c`], with the same names of fields and parameters; types of a stem
//! `swap` are `SwapOut` and `SwapFn`. Vectors are those of `core::arch`. By value they may be in types
//! of functions, but not in foreign declarations, which are left out.

use super::names::camel_case;
use super::{Names, Refusal, architecture_of, check_c, is_unsigned, param_names};
use cranelift_codegen::ir::{AbiParam, ArgumentPurpose, Signature, Type, types};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::multi_out::{OutArea, OutTarget};
use std::collections::HashSet;
use std::fmt::Write as _;
use target_lexicon::{OperatingSystem, Triple};

/// A signature as Rust says it.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// What `extern` names.
    pub abi: &'static str,
    /// The type that the Rust function returns, if it does.
    pub result: Option<String>,
    /// The parameters of the Rust function, the out pointer included: type and name.
    pub params: Vec<(String, String)>,
    /// The struct of several results.
    pub out: Option<Struct>,
    /// Structs that are passed by value: name and number of 64-bit words.
    pub struct_arguments: Vec<(String, u32)>,
    /// Is a vector passed or returned by value, so that a foreign function cannot be declared?
    pub has_vector_value: bool,
    /// Is a vector anywhere? Lints do not count the types of `core::arch` among those of C.
    pub has_vector: bool,
    /// What a caller should know although the declaration is right.
    pub notes: Vec<String>,
}

/// The struct of several results.
#[derive(Clone, Debug)]
pub struct Struct {
    /// Its name.
    pub name: String,
    /// Its fields `r0`, `r1`, …: their types.
    pub fields: Vec<String>,
    /// Its layout.
    pub area: OutArea,
}

/// What [`Declaration::new`] appends to a stem in camel case to name a type; to be free in
/// [`super::Names`].
pub const SUFFIXES: &[&str] = &["Out", "Fn"];

impl Declaration {
    /// The declaration of a signature; the names of its types begin with `stem`, in camel case.
    ///
    /// # Errors
    ///
    /// If Rust cannot say it.
    pub fn new(isa: &dyn TargetIsa, signature: &Signature, stem: &str) -> Result<Self, Refusal> {
        let checked = check_c(isa, signature)?;
        let target = checked.target;
        let mut params = Vec::new();
        let mut struct_arguments = Vec::new();
        let mut has_vector_value = false;
        let results = signature
            .returns
            .iter()
            .map(|result| type_name(result, target));
        let mut results = results.collect::<Result<Vec<_>, _>>()?;
        let (result, out) = match (results.len(), checked.locations.out_area) {
            (0 | 1, _) => {
                has_vector_value |= signature.returns.iter().any(|r| r.value_type.is_vector());
                (results.pop(), None)
            }
            (_, Some(area)) => {
                let name = format!("{stem}Out");
                params.push((format!("*mut {name}"), "out".to_owned()));
                let fields = results;
                (None, Some(Struct { name, fields, area }))
            }
            (count, None) => return Err(Refusal::Results(count, signature.call_conv)),
        };
        for (param, name) in signature.params.iter().zip(param_names(signature)) {
            let ty = match param.purpose {
                ArgumentPurpose::VMContext | ArgumentPurpose::StructReturn
                    if param.value_type == isa.pointer_type() =>
                {
                    "*mut core::ffi::c_void".to_owned()
                }
                ArgumentPurpose::StructArgument(size) => {
                    let name = format!("{stem}{}", camel_case(&name));
                    struct_arguments.push((name.clone(), size / 8));
                    name
                }
                _ => {
                    has_vector_value |= param.value_type.is_vector();
                    type_name(param, target)?
                }
            };
            params.push((ty, name));
        }
        Ok(Declaration {
            abi: if checked.is_ms_abi { "win64" } else { "C" },
            result,
            params,
            out,
            struct_arguments,
            has_vector_value,
            has_vector: has_vector_value
                || signature.returns.iter().any(|r| r.value_type.is_vector()),
            notes: checked.notes,
        })
    }

    /// The structs, with assertions on their layout.
    pub fn structs(&self) -> String {
        let mut text = String::new();
        for (name, words) in &self.struct_arguments {
            let _ = writeln!(
                text,
                "#[repr(C)]\npub struct {name} {{\n    pub words: [u64; {words}],\n}}"
            );
        }
        let Some(Struct { name, fields, area }) = &self.out else {
            return text;
        };
        let _ = writeln!(text, "#[repr(C)]\npub struct {name} {{");
        for (index, ty) in fields.iter().enumerate() {
            let _ = writeln!(text, "    pub r{index}: {ty},");
        }
        let _ = writeln!(text, "}}");
        let mut assert = |fact: String| {
            let _ = writeln!(text, "const _: () = assert!({fact});");
        };
        assert(format!("core::mem::size_of::<{name}>() == {}", area.size));
        assert(format!("core::mem::align_of::<{name}>() == {}", area.align));
        for (index, field) in area.fields.iter().enumerate() {
            let offset = field.offset;
            assert(format!(
                "core::mem::offset_of!({name}, r{index}) == {offset}"
            ));
        }
        text
    }

    /// The parameters in parentheses, and the result.
    pub fn prototype(&self) -> String {
        let params = self.params.iter().map(|(ty, name)| format!("{name}: {ty}"));
        let params: Vec<_> = params.collect();
        let result = self.result.as_ref();
        let result = result.map_or_else(String::new, |ty| format!(" -> {ty}"));
        format!("({}){result}", params.join(", "))
    }

    /// A type for pointers to such functions, as a whole line.
    pub fn pointer_type(&self, name: &str) -> String {
        format!(
            "pub type {name} = unsafe extern \"{}\" fn{};\n",
            self.abi,
            self.prototype()
        )
    }
}

fn type_name(param: &AbiParam, target: OutTarget) -> Result<String, Refusal> {
    let ty = param.value_type;
    if ty.is_dynamic_vector() {
        return Err(Refusal::Type(ty, "Rust", ", whose size is not known"));
    }
    if ty.is_vector() {
        return vector(ty, target);
    }
    match ty {
        types::F16 | types::F128 => Err(Refusal::Type(ty, "stable Rust", "")),
        _ if ty.is_int() && is_unsigned(param) => Ok(format!("u{}", ty.bits())),
        _ if ty.is_int() || ty.is_float() => Ok(ty.to_string()),
        _ => Err(Refusal::Type(ty, "Rust", "")),
    }
}

fn vector(ty: Type, target: OutTarget) -> Result<String, Refusal> {
    let lane = ty.lane_type();
    let name = match (target, ty.bits()) {
        _ if lane == types::F16 => None,
        (OutTarget::X64, 128) => Some(match lane {
            types::F32 => "x86_64::__m128".to_owned(),
            types::F64 => "x86_64::__m128d".to_owned(),
            _ => "x86_64::__m128i".to_owned(),
        }),
        (OutTarget::Aarch64, 64 | 128) => {
            let kind = if lane.is_float() { "float" } else { "int" };
            Some(format!(
                "aarch64::{kind}{}x{}_t",
                lane.bits(),
                ty.lane_count()
            ))
        }
        _ => None,
    };
    name.map(|name| format!("core::arch::{name}"))
        .ok_or(Refusal::Type(ty, "stable Rust", " on this target"))
}

/// The declarations for one target, to be written by [`super::Section::file`].
#[derive(Clone, Debug)]
pub struct Section {
    architecture: &'static str,
    condition: String,
    has_items: bool,
    symbols: HashSet<String>,
    body: String,
}

impl super::Section for Section {
    fn new(triple: &Triple) -> Option<Self> {
        let (_, architecture) = architecture_of(triple)?;
        Some(Section {
            architecture,
            condition: condition(triple)?,
            has_items: false,
            symbols: HashSet::new(),
            body: String::new(),
        })
    }

    fn condition(&self) -> &str {
        &self.condition
    }

    fn names() -> Names {
        Names::rust()
    }

    fn claim_stem(names: &mut Names, name: &str) -> String {
        names.claim_camel_group(name, SUFFIXES)
    }

    fn check(isa: &dyn TargetIsa, signature: &Signature) -> Result<(), Refusal> {
        Declaration::new(isa, signature, "").map(drop)
    }

    fn comment(&mut self, text: &str) {
        for line in text.lines() {
            self.line(&format!("// {line}"));
        }
    }

    fn blank_line(&mut self) {
        self.line("");
    }

    fn add(
        &mut self,
        isa: &dyn TargetIsa,
        signature: &Signature,
        stem: &str,
        aliases: &[String],
        functions: &[(&str, Option<&str>)],
    ) -> Result<(), Refusal> {
        let declaration = Declaration::new(isa, signature, stem)?;
        for note in &declaration.notes {
            self.comment(note);
        }
        self.has_items = true;
        let mut text = declaration.structs();
        if declaration.has_vector {
            text.push_str("#[allow(improper_ctypes_definitions)]\n");
        }
        text.push_str(&declaration.pointer_type(&format!("{stem}Fn")));
        for alias in aliases {
            if declaration.out.is_some() {
                let _ = writeln!(text, "pub type {alias}Out = {stem}Out;");
            }
            let _ = writeln!(text, "pub type {alias}Fn = {stem}Fn;");
        }
        if declaration.has_vector_value {
            for (name, _) in functions {
                let _ = writeln!(
                    text,
                    "// No declaration of {name}: stable Rust has no vectors in those of foreign functions."
                );
            }
        } else if !functions.is_empty() {
            if declaration.has_vector {
                text.push_str("#[allow(improper_ctypes)]\n");
            }
            // Functions of several files may have one symbol, each with a type of its own.
            let mut is_repeated = false;
            for (name, symbol) in functions {
                is_repeated |= !self.symbols.insert(symbol.unwrap_or(name).to_owned());
            }
            if is_repeated {
                text.push_str("#[allow(clashing_extern_declarations)]\n");
            }
            let _ = writeln!(text, "unsafe extern \"{}\" {{", declaration.abi);
            for (name, symbol) in functions {
                if let Some(symbol) = symbol {
                    let _ = writeln!(text, "    #[link_name = \"{symbol}\"]");
                }
                let _ = writeln!(text, "    pub fn {name}{};", declaration.prototype());
            }
            text.push_str("}\n");
        }
        for line in text.lines() {
            self.line(line);
        }
        Ok(())
    }

    fn file(sections: &[Self]) -> String {
        let mut text = String::new();
        for section in sections {
            let Section {
                architecture,
                condition,
                has_items,
                body,
                ..
            } = section;
            let gap = if text.is_empty() { "" } else { "\n" };
            let body = body.trim_matches('\n');
            let _ = writeln!(text, "{gap}#[cfg({condition})]");
            // A comment for what is refused is all that there may be.
            if *has_items {
                let _ = write!(text, "pub use {architecture}::*;\n\n#[cfg({condition})]\n");
            }
            let _ = writeln!(text, "mod {architecture} {{\n{body}\n}}");
        }
        text
    }
}

impl Section {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.body, "{}", format!("    {line}").trim_end());
    }
}

/// The condition of a target in `cfg`.
fn condition(triple: &Triple) -> Option<String> {
    let (_, architecture) = architecture_of(triple)?;
    let system = match triple.operating_system {
        OperatingSystem::Windows => "windows",
        _ if triple.operating_system.is_like_darwin() => "target_vendor = \"apple\"",
        _ => "not(any(windows, target_vendor = \"apple\"))",
    };
    Some(format!(
        "all(target_arch = \"{architecture}\", target_pointer_width = \"64\", {system})"
    ))
}

//! Declarations for C compilers, of GNU dialects: gcc and clang.
//!
//! For a signature and the stem `swap` there are `struct swap_out` if there are several results, assertions on its size,
//! alignment and every offset, the type `swap_fn` of a pointer to such a function, and a declaration of `swap`.

use super::{Names, Refusal, architecture_of, check_c, is_unsigned, param_names};
use cranelift_codegen::ir::{AbiParam, ArgumentPurpose, Signature, Type, types};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::multi_out::{OutArea, OutTarget};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use target_lexicon::{OperatingSystem, Triple};

/// A signature as C says it.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The type that the C function returns.
    pub result: String,
    /// The parameters of the C function, the out pointer included: type and name.
    pub params: Vec<(String, String)>,
    /// The struct of several results.
    pub out: Option<Struct>,
    /// Structs that are passed by value: name and number of 64-bit words.
    pub struct_arguments: Vec<(String, u32)>,
    /// Does it need `_Float16`, which not every C compiler has?
    pub needs_f16: bool,
    /// What a caller should know although the declaration is right.
    pub notes: Vec<String>,
    /// The types that [`Declaration::prelude`] defines or checks.
    special_types: Vec<Type>,
    target: OutTarget,
    /// Before the names of functions.
    attribute: &'static str,
}

/// The struct of several results.
#[derive(Clone, Debug)]
pub struct Struct {
    /// Its tag.
    pub name: String,
    /// Its fields `r0`, `r1`, …: their types.
    pub fields: Vec<String>,
    /// Its layout.
    pub area: OutArea,
}

/// What [`Declaration::new`] appends to a stem to name a type; to be free in [`super::Names`].
pub const SUFFIXES: &[&str] = &["_out", "_fn"];

impl Declaration {
    /// The declaration of a signature; the names of its types begin with `stem`.
    ///
    /// # Errors
    ///
    /// If C cannot say it.
    pub fn new(isa: &dyn TargetIsa, signature: &Signature, stem: &str) -> Result<Self, Refusal> {
        let checked = check_c(isa, signature)?;
        let mut types = Types {
            target: checked.target,
            special: Vec::new(),
        };
        let mut params = Vec::new();
        let mut struct_arguments = Vec::new();
        let results = signature.returns.iter().map(|result| types.name(result));
        let results = results.collect::<Result<Vec<_>, _>>()?;
        let (result, out) = match (&results[..], checked.locations.out_area) {
            ([], _) => ("void".to_owned(), None),
            ([result], _) => (result.clone(), None),
            (_, Some(area)) => {
                let name = format!("{stem}_out");
                params.push((format!("struct {name} *"), "out".to_owned()));
                let fields = results;
                ("void".to_owned(), Some(Struct { name, fields, area }))
            }
            (results, None) => {
                return Err(Refusal::Results(results.len(), signature.call_conv));
            }
        };
        for (param, name) in signature.params.iter().zip(param_names(signature)) {
            let ty = match param.purpose {
                ArgumentPurpose::VMContext | ArgumentPurpose::StructReturn
                    if param.value_type == isa.pointer_type() =>
                {
                    "void *".to_owned()
                }
                ArgumentPurpose::StructArgument(size) => {
                    let name = format!("{stem}_{name}");
                    struct_arguments.push((name.clone(), size / 8));
                    format!("struct {name}")
                }
                _ => types.name(param)?,
            };
            params.push((ty, name));
        }
        Ok(Declaration {
            result,
            params,
            out,
            struct_arguments,
            needs_f16: types.special.iter().any(|ty| ty.lane_type() == types::F16),
            notes: checked.notes,
            special_types: types.special,
            target: checked.target,
            attribute: match checked.is_ms_abi {
                true => "__attribute__((ms_abi)) ",
                false => "",
            },
        })
    }

    /// The structs, with assertions on their layout.
    pub fn structs(&self) -> String {
        let mut text = String::new();
        for (name, words) in &self.struct_arguments {
            let _ = writeln!(text, "struct {name} {{ uint64_t words[{words}]; }};");
        }
        let Some(Struct { name, fields, area }) = &self.out else {
            return text;
        };
        let _ = writeln!(text, "struct {name} {{");
        for (index, ty) in fields.iter().enumerate() {
            let _ = writeln!(text, "    {ty} r{index};");
        }
        let _ = writeln!(text, "}};");
        let mut assert = |fact: String| {
            let _ = writeln!(text, "_Static_assert({fact}, \"{name}\");");
        };
        assert(format!("sizeof(struct {name}) == {}", area.size));
        assert(format!("_Alignof(struct {name}) == {}", area.align));
        for (index, field) in area.fields.iter().enumerate() {
            assert(format!(
                "offsetof(struct {name}, r{index}) == {}",
                field.offset
            ));
        }
        text
    }

    /// The function's declaration without a semicolon, or the beginning of its definition.
    pub fn prototype(&self, name: &str) -> String {
        self.declarator(&format!("{}{name}", self.attribute))
    }

    /// A type for pointers to such functions, as a whole line.
    pub fn pointer_type(&self, name: &str) -> String {
        format!(
            "typedef {};\n",
            self.declarator(&format!("({}*{name})", self.attribute))
        )
    }

    fn declarator(&self, inner: &str) -> String {
        let params: Vec<_> = self
            .params
            .iter()
            .map(|(ty, name)| declare(ty, name))
            .collect();
        let params = match &params[..] {
            [] => "void".to_owned(),
            params => params.join(", "),
        };
        format!("{}({params})", declare(&self.result, inner))
    }

    /// The types that declarations of one target need besides those of the headers: vectors, with
    /// their sizes and alignments asserted, and that there is an `f128`.
    pub fn prelude<'a>(declarations: impl IntoIterator<Item = &'a Self>) -> String {
        let mut lines = BTreeMap::new();
        for declaration in declarations {
            for ty in &declaration.special_types {
                let line = special_type(*ty, declaration.target);
                lines.insert((ty.is_vector(), ty.to_string()), line);
                if ty.is_vector() && declaration.target == OutTarget::S390x {
                    // Before all vectors.
                    lines.insert((true, String::new()), S390X_VECTORS.to_owned());
                }
            }
        }
        lines.into_values().collect()
    }
}

fn declare(ty: &str, name: &str) -> String {
    let space = if ty.ends_with('*') { "" } else { " " };
    format!("{ty}{space}{name}")
}

/// Finds names of types, and notes which of them are not C's own everywhere.
struct Types {
    target: OutTarget,
    special: Vec<Type>,
}

impl Types {
    fn name(&mut self, param: &AbiParam) -> Result<String, Refusal> {
        let ty = param.value_type;
        if ty.is_dynamic_vector() {
            return Err(Refusal::Type(ty, "C", ", whose size is not known"));
        }
        if ty.is_vector() {
            scalar(ty.lane_type(), false, self.target)?;
            self.special.push(ty);
            return Ok(vector_name(ty));
        }
        if matches!(ty, types::F16 | types::F128) {
            self.special.push(ty);
        }
        Ok(scalar(ty, is_unsigned(param), self.target)?.to_owned())
    }
}

fn scalar(ty: Type, is_unsigned: bool, target: OutTarget) -> Result<&'static str, Refusal> {
    Ok(match (ty, is_unsigned) {
        (types::I8, false) => "int8_t",
        (types::I8, true) => "uint8_t",
        (types::I16, false) => "int16_t",
        (types::I16, true) => "uint16_t",
        (types::I32, false) => "int32_t",
        (types::I32, true) => "uint32_t",
        (types::I64, false) => "int64_t",
        (types::I64, true) => "uint64_t",
        (types::I128, false) => "__int128",
        (types::I128, true) => "unsigned __int128",
        (types::F16, _) => "_Float16",
        (types::F32, _) => "float",
        (types::F64, _) => "double",
        // gcc has `_Float128` everywhere, clang nowhere; both have these.
        (types::F128, _) if target == OutTarget::X64 => "__float128",
        (types::F128, _) => "long double",
        _ => return Err(Refusal::Type(ty, "C", "")),
    })
}

/// Names of this form are never given out by [`super::Names`].
fn vector_name(ty: Type) -> String {
    format!("clif_v_{ty}")
}

fn special_type(ty: Type, target: OutTarget) -> String {
    let mut text = String::new();
    if ty == types::F128 && target != OutTarget::X64 {
        text.push_str("_Static_assert(__LDBL_MANT_DIG__ == 113, \"long double is f128\");\n");
    }
    if ty.is_vector() {
        let lane = scalar(ty.lane_type(), false, target).unwrap_or("void");
        let (name, size) = (vector_name(ty), ty.bytes());
        let align = size.min(target.max_align());
        let _ = writeln!(
            text,
            "typedef {lane} {name} __attribute__((vector_size({size})));\n\
             _Static_assert(sizeof({name}) == {size} && _Alignof({name}) == {align}, \"{ty}\");"
        );
        if ty.lane_type() == types::F16 {
            text = format!("#ifdef __FLT16_MAX__\n{text}#endif\n");
        }
    }
    text
}

/// Without the vector facility C passes vectors by reference, and gives them another alignment.
const S390X_VECTORS: &str = "\
#ifndef __VX__
#error \"vectors are passed in vector registers: compile with -march=z13 or later\"
#endif
";

/// The declarations for one target, to be written by [`super::Section::file`].
#[derive(Clone, Debug)]
pub struct Section {
    condition: String,
    declarations: Vec<Declaration>,
    /// Comments and declarations in order.
    body: String,
}

impl super::Section for Section {
    fn new(triple: &Triple) -> Option<Self> {
        Some(Section {
            condition: condition(triple)?,
            declarations: Vec::new(),
            body: String::new(),
        })
    }

    fn condition(&self) -> &str {
        &self.condition
    }

    fn names() -> Names {
        Names::c()
    }

    fn claim_stem(names: &mut Names, name: &str) -> String {
        names.claim_group(name, SUFFIXES)
    }

    fn check(isa: &dyn TargetIsa, signature: &Signature) -> Result<(), Refusal> {
        Declaration::new(isa, signature, "").map(drop)
    }

    fn comment(&mut self, text: &str) {
        for line in text.lines() {
            // A backslash at the end would continue the comment.
            let line = format!("// {}", line.replace('\\', "/"));
            let _ = writeln!(self.body, "{}", line.trim_end());
        }
    }

    fn blank_line(&mut self) {
        self.body.push('\n');
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
        if declaration.needs_f16 {
            self.body.push_str("#ifdef __FLT16_MAX__\n");
        }
        self.body.push_str(&declaration.structs());
        self.body
            .push_str(&declaration.pointer_type(&format!("{stem}_fn")));
        for alias in aliases {
            if declaration.out.is_some() {
                // C has no other alias for `struct f_out`.
                let _ = writeln!(self.body, "#define {alias}_out {stem}_out");
            }
            let _ = writeln!(self.body, "typedef {stem}_fn {alias}_fn;");
        }
        for (name, symbol) in functions {
            let prototype = declaration.prototype(name);
            let label = symbol.map_or_else(String::new, |symbol| format!(" __asm__(\"{symbol}\")"));
            let _ = writeln!(self.body, "{prototype}{label};");
        }
        if declaration.needs_f16 {
            self.body.push_str("#endif\n");
        }
        self.declarations.push(declaration);
        Ok(())
    }

    fn file(sections: &[Self]) -> String {
        let mut text = "#include <stddef.h>\n#include <stdint.h>\n".to_owned();
        for section in sections {
            let prelude = Declaration::prelude(&section.declarations);
            let gap = if prelude.is_empty() { "" } else { "\n" };
            let Section {
                condition, body, ..
            } = section;
            let body = body.trim_matches('\n');
            let _ = write!(
                text,
                "\n#if {condition}\n\n{prelude}{gap}{body}\n\n#endif\n"
            );
        }
        text
    }
}

/// What preprocessors say of a target.
fn condition(triple: &Triple) -> Option<String> {
    let (architecture, _) = architecture_of(triple)?;
    let system = match triple.operating_system {
        OperatingSystem::Windows => "defined(_WIN64)",
        _ if triple.operating_system.is_like_darwin() => "defined(__LP64__) && defined(__APPLE__)",
        _ => "defined(__LP64__) && !defined(_WIN32) && !defined(__APPLE__)",
    };
    Some(format!("{architecture} && {system}"))
}

//! Compiled modules.

use crate::builtins::{self, BuiltinIds};
use crate::error::Error;
use crate::module::{self, Declarations};
use crate::parts::Parts;
use crate::translate::{Environment, translate};
use crate::traps::{Frame, register};
use crate::types::FuncType;
use crate::vmcontext::Layout;
use cranelift_codegen::ir::UserFuncName;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Module as _, default_libcall_names};
use multi_out::Code;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use wast::Wat;
use wast::parser::{ParseBuffer, parse};

/// The largest frame of a function, half of [`Store::RESERVE`](crate::Store::RESERVE).
const MAX_FRAME: u32 = 64 << 10;

/// A module of WebAssembly, validated and compiled.
#[derive(Clone, Debug)]
pub struct Module(pub(crate) Rc<Parts>);

/// An import or export, as a module declares it.
#[derive(Clone, Debug)]
pub struct Item<'m> {
    /// The first of the two names of an import.
    pub module: Option<&'m str>,
    /// Its name.
    pub name: &'m str,
    /// What it is, in words.
    pub description: String,
    /// The type of a function.
    pub func: Option<&'m FuncType>,
}

/// This machine.
pub(crate) fn native() -> Result<OwnedTargetIsa, Error> {
    let unsupported = |error: &dyn std::fmt::Display| Error::Unsupported(error.to_string());
    let mut flags = settings::builder();
    for (name, value) in [
        ("opt_level", "speed"),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
        ("unwind_info", "true"),
        (
            "enable_verifier",
            if cfg!(debug_assertions) {
                "true"
            } else {
                "false"
            },
        ),
    ] {
        flags
            .set(name, value)
            .map_err(|error| unsupported(&error))?;
    }
    let isa = cranelift_native::builder().map_err(|error| unsupported(&error))?;
    isa.finish(settings::Flags::new(flags))
        .map_err(|error| unsupported(&error))
}

/// A module whose code is not finished. Without a guard its memory would stay when it is dropped.
pub(crate) struct Jit(Option<JITModule>);

impl Jit {
    /// An empty module, to which the functions of this crate are known.
    pub(crate) fn new() -> Result<Self, Error> {
        let mut builder = JITBuilder::with_isa(native()?, default_libcall_names());
        builtins::add_to(&mut builder)?;
        Ok(Self(Some(JITModule::new(builder))))
    }

    /// The module, whose memory is now the caller's to free.
    pub(crate) fn into_module(mut self) -> JITModule {
        self.0.take().expect(HERE)
    }
}

/// Only what consumes it takes the module.
const HERE: &str = "a module";

impl Deref for Jit {
    type Target = JITModule;

    fn deref(&self) -> &JITModule {
        self.0.as_ref().expect(HERE)
    }
}

impl DerefMut for Jit {
    fn deref_mut(&mut self) -> &mut JITModule {
        self.0.as_mut().expect(HERE)
    }
}

impl Drop for Jit {
    fn drop(&mut self) {
        if let Some(module) = self.0.take() {
            // SAFETY: nobody has an address of its code.
            unsafe { module.free_memory() };
        }
    }
}

impl Module {
    /// Parses, validates and compiles a module in the binary format.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with an offset, and [`Error::Compile`] for functions beyond the code generator's limits.
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        let (declarations, bodies) = Declarations::read(bytes)?;
        let mut module = Jit::new()?;
        let types = declarations.types.iter();
        let signatures: Vec<_> = types
            .map(|ty| ty.signature(module.isa()))
            .collect::<Result<_, _>>()?;
        let mut functions = Vec::new();
        for &ty in &declarations.functions[declarations.imported_functions..] {
            functions.push(module.declare_anonymous_function(&signatures[ty as usize])?);
        }
        let builtins = BuiltinIds::new(&mut module)?;
        let environment = Environment {
            declarations: &declarations,
            layout: Layout::new(&declarations),
            signatures: &signatures,
            functions: &functions,
            builtins: &builtins,
        };
        let mut context = module.make_context();
        let mut frontend = FunctionBuilderContext::new();
        let mut frames = Vec::new();
        for (defined, (body, &id)) in bodies.iter().zip(&functions).enumerate() {
            let index = (declarations.imported_functions + defined) as u32;
            let compile = |message: String| Error::Compile {
                function: index,
                message,
            };
            let ty = declarations.functions[index as usize];
            module.clear_context(&mut context);
            context.func.name = UserFuncName::user(0, id.as_u32());
            context.func.signature = signatures[ty as usize].clone();
            let (function, ty) = (&mut context.func, declarations.function_type(index));
            translate(&environment, &mut module, &mut frontend, function, ty, body)?;
            let defined = module.define_function(id, &mut context);
            defined.map_err(|error| compile(multi_out::Error::from(error).to_string()))?;
            let code = context.compiled_code();
            let code = code.ok_or_else(|| compile("no code".to_owned()))?;
            let frame = code
                .buffer
                .frame_layout()
                .map(|frame| frame.frame_to_fp_offset);
            if frame.is_some_and(|bytes| bytes > MAX_FRAME) {
                return Err(compile(format!(
                    "its frame is larger than {MAX_FRAME} bytes"
                )));
            }
            frames.push(Frame::new(code, module.isa())?);
        }
        let layout = environment.layout;
        let all = module.declarations().get_functions();
        let compiled = all
            .filter(|(_, function)| function.linkage.is_definable())
            .count();
        module.finalize_definitions()?;
        let address = |&id| module.get_finalized_function(id);
        let addresses: Vec<*const u8> = functions.iter().map(address).collect();
        let code = Code::finalize(module.into_module())?;
        // SAFETY: the code is dropped after the frames.
        let frames = unsafe { register(code.isa(), addresses.iter().zip(frames)) }?;
        let code = (frames, code);
        let parts = Parts::new(declarations, layout, addresses, compiled, code);
        Ok(Self(Rc::new(parts)))
    }

    /// The same from the text format.
    ///
    /// # Errors
    ///
    /// [`Error::Text`], and as of [`Module::new`].
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let encode =
            || ParseBuffer::new(text).and_then(|buffer| parse::<Wat<'_>>(&buffer)?.encode());
        let bytes = encode().map_err(|mut error| {
            error.set_text(text);
            error
        })?;
        Self::new(&bytes)
    }

    /// What it imports, in order.
    pub fn imports(&self) -> impl Iterator<Item = Item<'_>> {
        let imports = self.0.declarations.imports.iter();
        imports.map(|import| self.item(Some(&import.module), &import.name, import.item))
    }

    /// What it exports, in order.
    pub fn exports(&self) -> impl Iterator<Item = Item<'_>> {
        let exports = self.0.declarations.exports.iter();
        exports.map(|(name, item)| self.item(None, name, *item))
    }

    fn item<'m>(&'m self, module: Option<&'m str>, name: &'m str, item: module::Item) -> Item<'m> {
        let declarations = &self.0.declarations;
        Item {
            module,
            name,
            description: declarations.describe(item),
            func: match item {
                module::Item::Function(index) => Some(declarations.function_type(index)),
                _ => None,
            },
        }
    }

    /// How many functions have code in this module, whatever they are for: those that it defines, and no others.
    pub fn compiled_functions(&self) -> usize {
        self.0.compiled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cranelift_codegen::ir::InstBuilder;
    use multi_out::Function;

    /// The memory of this process in pages, untouched ones too. There is no other test in it.
    fn pages() -> usize {
        let numbers = std::fs::read_to_string("/proc/self/statm").expect("Linux");
        let (first, _) = numbers.split_once(' ').expect("several");
        first.parse().expect("a number")
    }

    #[test]
    fn memory_of_an_unfinished_module_is_freed() {
        let define = || -> Result<(), Error> {
            let mut module = Jit::new()?;
            let function = Function::<fn()>::export(&mut *module, "f")?;
            function.define(&mut *module, |body, []| {
                body.ins().nop();
                Ok([])
            })?;
            Ok(())
        };
        define().expect("a function");
        let before = pages();
        for _ in 0..100 {
            define().expect("a function");
        }
        let more = pages().saturating_sub(before);
        assert!(more < 50, "{more} pages more");
    }
}

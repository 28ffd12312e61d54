//! Running compiled functions in this process.
//!
//! A file's functions and one trampoline per distinct signature of those that are called go into one
//! JIT module. A trampoline takes all arguments from, and leaves all results in, an array of slots, so Rust
//! calls every function alike, whatever its signature and calling convention:
//!
//! - `names` makes functions linkable,
//! - `trampoline` builds the trampolines,
//! - `symbols` provides the library functions that compiled code may call,
//! - `throw` lets functions refer to the host function that throws, `handlers` is that function, with `saves` and `registers`,
//! - `pulley` runs Pulley code.

mod handlers;
mod names;
mod pulley;
mod registers;
mod saves;
mod symbols;
mod throw;
mod trampoline;

use self::handlers::Code;
use self::names::Names;
use self::pulley::Pulley;
use self::saves::{Saves, isa_with_unwind_info, saves_in, saves_of};
use self::throw::can_throw;
use self::trampoline::Trampolines;
pub use self::trampoline::trampoline;
use crate::errors::describe_codegen_error;
use crate::host::is_pulley;
use crate::job::note_function;
use crate::outcome::Failure;
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::data_value::DataValue;
use cranelift_codegen::ir::{Function, Signature, Type};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_jit::{ArenaMemoryProvider, JITBuilder, JITModule};
use cranelift_module::{FuncId, Module, ModuleError};
use cranelift_reader::Details;
use std::cell::RefCell;
use std::collections::HashMap;

/// Address space for the code of a file; only what is used takes memory.
const RESERVED_MEMORY: usize = 1 << 30;

/// The functions of a file, compiled and ready to be called.
pub struct CompiledFile {
    /// `Some` until dropped.
    module: Option<JITModule>,
    functions: Vec<(FuncId, Signature)>,
    trampolines: HashMap<Signature, FuncId>,
    /// What functions save, if any of the file can throw.
    saves: Saves,
    /// The machine for Pulley code; native code needs none.
    pulley: Option<RefCell<Pulley>>,
}

impl CompiledFile {
    /// Compiles the functions of a file for `isa`, which must be able to run here. Of them only those
    /// that `is_called` chooses can be called from Rust. The control plane decides what chaos mode
    /// leaves open; its default is no chaos.
    pub fn compile(
        isa: OwnedTargetIsa,
        functions: &[(&Function, &Details<'_>)],
        is_called: impl Fn(&Function, &Details<'_>) -> bool,
        control: &mut ControlPlane,
    ) -> Result<Self, Failure> {
        let on_pulley = is_pulley(isa.triple().architecture);
        let first_line = functions.first().map_or(1, |(_, d)| d.location.line_number);
        let mut builder = JITBuilder::with_isa(isa, cranelift_module::default_libcall_names());
        builder.symbols(symbols::symbols());
        // One mapping for the whole file, rather than one for each function.
        if cfg!(unix)
            && let Ok(memory) = ArenaMemoryProvider::new_with_size(RESERVED_MEMORY)
        {
            builder.memory_provider(Box::new(memory));
        }
        let mut file = CompiledFile {
            module: None,
            functions: Vec::new(),
            trampolines: HashMap::new(),
            saves: Saves::default(),
            pulley: None,
        };
        if on_pulley {
            let pulley = Pulley::new().map_err(|error| Failure::at(first_line, error))?;
            file.pulley = Some(RefCell::new(pulley));
        }
        let module = file.module.insert(JITModule::new(builder));

        let mut names = Names::default();
        for &(func, details) in functions {
            let line = details.location.line_number;
            let id = module
                .declare_anonymous_function(&func.signature)
                .map_err(|error| Failure::at(line, format!("{}: {error}", func.name)))?;
            names
                .add(func, id)
                .map_err(|error| Failure::at(line, error))?;
            file.functions.push((id, func.signature.clone()));
        }

        let isa_for_saves = if !on_pulley && functions.iter().any(|(func, _)| can_throw(func)) {
            isa_with_unwind_info(module.isa())
        } else {
            None
        };
        let mut saves = Vec::new();
        for (index, &(func, details)) in functions.iter().enumerate() {
            note_function(Some(module.isa()), "compiling", func, details);
            let line = details.location.line_number;
            let id = file.functions[index].0;
            let mut linkable = func.clone();
            if !on_pulley {
                throw::replace_throw(&mut linkable, module.isa().pointer_type());
            }
            names
                .link(&mut linkable, id)
                .map_err(|error| Failure::at(line, format!("{}: {error}", func.name)))?;
            let mut context = Context::for_function(linkable);
            module
                .define_function_with_control_plane(id, &mut context, control)
                .map_err(|error| match error {
                    ModuleError::Compilation(error) => {
                        describe_codegen_error(func, details, &error)
                    }
                    error => Failure::at(line, format!("{}: {error}", func.name)),
                })?;
            if let Some(code) = context.compiled_code() {
                if let Some(isa) = &isa_for_saves {
                    let size = code.code_buffer().len();
                    let found = match module.isa().flags().unwind_info() {
                        true => saves_in(code, module.isa()),
                        false => saves_of(func, &**isa),
                    };
                    saves.extend(found.map(|saves| (id, size, saves)));
                }
                symbols::check_relocations(code, &context.func, id)
                    .map_err(|error| Failure::at(line, format!("{}: {error}", func.name)))?;
            }
        }

        let trampolines = Trampolines::of(module.isa());
        for &(func, details) in functions {
            if !is_called(func, details) || file.trampolines.contains_key(&func.signature) {
                continue;
            }
            let doing = "compiling the trampoline of";
            note_function(Some(module.isa()), doing, func, details);
            let id = trampolines
                .define(&func.signature, module)
                .map_err(|error| {
                    let name = &func.name;
                    Failure::at(
                        details.location.line_number,
                        format!("{name} has a signature that cannot be called: {error}"),
                    )
                })?;
            file.trampolines.insert(func.signature.clone(), id);
        }
        if let Some((func, details)) = functions.first() {
            note_function(Some(module.isa()), "linking the file of", func, details);
        }
        module
            .finalize_definitions()
            .map_err(|error| Failure::at(first_line, format!("cannot link the code: {error}")))?;
        for (id, size, saves) in saves {
            let start = module.get_finalized_function(id) as usize;
            file.saves.add(start..start + size, saves);
        }
        Ok(file)
    }

    /// Calls the function at `index`, in file order; the error is a sentence.
    pub fn call(&self, index: usize, arguments: &[DataValue]) -> Result<Vec<DataValue>, String> {
        let module = self.module.as_ref().ok_or("the code is gone")?;
        let (id, signature) = &self.functions[index];
        let mut slots = Slots::new(signature, arguments)?;
        let function = module.get_finalized_function(*id);
        let trampoline = self.trampolines.get(signature);
        let trampoline = trampoline.ok_or("the function is none of those that are called")?;
        let trampoline = module.get_finalized_function(*trampoline);
        match &self.pulley {
            Some(pulley) => {
                let slots = slots.0.as_mut_ptr();
                pulley.borrow_mut().call(trampoline, function, slots)?;
            }
            None => {
                // SAFETY: this is the trampoline of the function's signature, compiled for this
                // host, with the two pointer parameters that `trampoline::build` gives it.
                let trampoline: extern "C" fn(*const u8, *mut Slot) =
                    unsafe { std::mem::transmute(trampoline) };
                let code = Code {
                    module,
                    saves: &self.saves,
                };
                handlers::with_code(&code, || trampoline(function, slots.0.as_mut_ptr()));
            }
        }
        slots.results(signature)
    }
}

impl Drop for CompiledFile {
    fn drop(&mut self) {
        if let Some(module) = self.module.take() {
            // SAFETY: no function of the module is running, and no pointer into it outlives
            // `self`.
            unsafe { module.free_memory() };
        }
    }
}

/// One argument or result: scalars in the host's byte order, vectors with lane 0 lowest.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
struct Slot([u8; SLOT_SIZE]);

/// The distance of slots, in bytes.
pub const SLOT_SIZE: usize = 16;

/// The memory through which a trampoline and Rust exchange values.
struct Slots(Vec<Slot>);

impl Slots {
    /// Zero-filled slots with the arguments in them.
    fn new(signature: &Signature, arguments: &[DataValue]) -> Result<Self, String> {
        let count = signature.params.len().max(signature.returns.len());
        if arguments.len() != signature.params.len() {
            return Err(format!(
                "the function has {} parameters, but {} arguments are given",
                signature.params.len(),
                arguments.len()
            ));
        }
        for param in signature.params.iter().chain(&signature.returns) {
            check_type(param.value_type)?;
        }
        let mut slots = vec![Slot([0; SLOT_SIZE]); count];
        for (slot, argument) in slots.iter_mut().zip(arguments) {
            argument.write_to_slice_ne(&mut slot.0);
        }
        Ok(Slots(slots))
    }

    fn results(&self, signature: &Signature) -> Result<Vec<DataValue>, String> {
        Ok(self
            .0
            .iter()
            .zip(&signature.returns)
            .map(|(slot, param)| DataValue::read_from_slice_ne(&slot.0, param.value_type))
            .collect())
    }
}

/// Refuses types that have no value in a directive.
fn check_type(ty: Type) -> Result<(), String> {
    let scalar = ty.is_int() || ty.is_float();
    let vector =
        ty.is_vector() && !ty.is_dynamic_vector() && matches!(ty.bits(), 16 | 32 | 64 | 128);
    if scalar || vector {
        Ok(())
    } else {
        Err(format!(
            "values of type {ty} cannot be passed to or from a run test"
        ))
    }
}

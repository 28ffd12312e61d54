//! Object files with the functions of `.clif` files in them.

use crate::errors::{describe_codegen_error, describe_own_codegen_error};
use crate::fillers::is_filler;
use crate::outcome::Failure;
use cranelift_codegen::entity::EntityRef;
use cranelift_codegen::ir::{
    ExternalName, Function, GlobalValueData, Signature, UserExternalName, UserFuncName,
};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::{CodegenError, CompiledCode, Context};
use cranelift_module::{DataId, FuncId, Linkage, Module, ModuleError};
use cranelift_object::{ObjectBuilder, ObjectModule};
use cranelift_reader::Details;
use std::collections::HashMap;
use target_lexicon::BinaryFormat;

/// Why there is no object file.
#[derive(Debug)]
pub struct ObjectError {
    /// Which function is to blame, counted from 0 as they were added; none if it is not one alone.
    pub function: Option<usize>,
    /// A sentence that names the function, without a final full stop.
    pub message: String,
    /// What the compiler says of the function, if it is that.
    pub codegen: Option<CodegenError>,
}

impl ObjectError {
    fn of_function(function: usize, message: String) -> Self {
        ObjectError {
            function: Some(function),
            message,
            codegen: None,
        }
    }

    /// The failure, given the function that is to blame, or else the first one.
    pub fn describe(&self, func: &Function, details: &Details<'_>) -> Failure {
        match &self.codegen {
            Some(error) => describe_codegen_error(func, details, error),
            None => Failure::at(details.location.line_number, &self.message),
        }
    }
}

impl From<ObjectError> for String {
    fn from(error: ObjectError) -> Self {
        error.message
    }
}

/// An object file in the making. Errors are sentences.
///
/// With the setting `unwind_info` an ELF file has a section `.eh_frame`.
///
/// Functions are exported under their names as printed, such as `%f` and `u0:5`. A name with `%`
/// that is not defined becomes an undefined symbol without the `%`, so that a linker can find it
/// elsewhere.
pub struct ObjectFile {
    module: ObjectModule,
    functions: Vec<Function>,
    /// What a C name begins with, if functions have C names.
    prefix: Option<String>,
}

impl ObjectFile {
    /// An empty object file for a target.
    pub fn new(isa: OwnedTargetIsa) -> Result<Self, String> {
        let names = cranelift_module::default_libcall_names();
        let is_elf = isa.triple().binary_format == BinaryFormat::Elf;
        let has_unwind_info = is_elf && isa.flags().unwind_info();
        let mut builder = ObjectBuilder::new(isa, "clif-util", names)
            .map_err(|error| format!("cannot write object files for this target: {error}"))?;
        builder.unwind_info(has_unwind_info);
        Ok(ObjectFile {
            module: ObjectModule::new(builder),
            functions: Vec::new(),
            prefix: None,
        })
    }

    /// Exports functions under their names without `%`, as C knows them, behind a prefix that sets
    /// object files apart.
    pub fn name_as_c(&mut self, prefix: &str) {
        self.prefix = Some(prefix.to_owned());
    }

    /// Adds functions; those of several files may refer to each other.
    pub fn add<'a>(&mut self, functions: impl Iterator<Item = &'a Function>) {
        self.functions.extend(functions.cloned());
    }

    /// Compiles all functions; the result is the contents of the file.
    pub fn finish(self) -> Result<Vec<u8>, ObjectError> {
        self.finish_with(|_| ())
    }

    /// As [`ObjectFile::finish`]. `starting` is told which function is begun with next, counted from 0
    /// as they were added: the compiler may panic or crash.
    pub fn finish_with(self, starting: impl Fn(usize)) -> Result<Vec<u8>, ObjectError> {
        self.finish_each(starting, |_, _| ())
    }

    /// As [`ObjectFile::finish`]. `compiled` is told what a function has become.
    pub fn finish_seeing(
        self,
        compiled: impl FnMut(usize, &CompiledCode),
    ) -> Result<Vec<u8>, ObjectError> {
        self.finish_each(|_| (), compiled)
    }

    fn finish_each(
        mut self,
        starting: impl Fn(usize),
        mut compiled: impl FnMut(usize, &CompiledCode),
    ) -> Result<Vec<u8>, ObjectError> {
        let mut ids = Vec::new();
        let mut names = HashMap::new();
        for (index, func) in self.functions.iter().enumerate() {
            starting(index);
            let fail = |message| ObjectError::of_function(index, message);
            let name = func.name.to_string();
            let symbol = match (&self.prefix, name.strip_prefix('%')) {
                (Some(prefix), Some(symbol)) => &format!("{prefix}{symbol}"),
                _ => &name,
            };
            let id = self
                .module
                .declare_function(symbol, Linkage::Export, &func.signature)
                .map_err(|error| fail(format!("{name}: {error}")))?;
            if names.insert(func.name.clone(), id).is_some() {
                return Err(fail(format!("{name} is defined twice")));
            }
            ids.push(id);
        }
        for (index, (id, mut func)) in ids.into_iter().zip(self.functions).enumerate() {
            starting(index);
            let fail = |message| ObjectError::of_function(index, message);
            let name = func.name.to_string();
            link_functions(&mut self.module, &names, &mut func)
                .and_then(|()| link_data(&mut self.module, &mut func))
                .map_err(|error| fail(format!("{name}: {error}")))?;
            func.name = UserFuncName::User(function_name(id));
            let mut context = Context::for_function(func);
            self.module
                .define_function(id, &mut context)
                .map_err(|error| match error {
                    ModuleError::Compilation(error) => ObjectError {
                        function: Some(index),
                        message: format!("{name}: {}", describe_own_codegen_error(&error)),
                        codegen: Some(error),
                    },
                    error => fail(format!("{name}: {error}")),
                })?;
            if let Some(code) = context.compiled_code() {
                compiled(index, code);
            }
        }
        let product = self.module.finish();
        product.emit().map_err(|error| ObjectError {
            function: None,
            message: format!("cannot write the object file: {error}"),
            codegen: None,
        })
    }
}

/// Makes references to functions those that the module knows.
fn link_functions(
    module: &mut ObjectModule,
    defined: &HashMap<UserFuncName, FuncId>,
    func: &mut Function,
) -> Result<(), String> {
    let references: Vec<_> = func.dfg.ext_funcs.keys().collect();
    for reference in references {
        let data = &func.dfg.ext_funcs[reference];
        if is_filler(&data.name) {
            continue;
        }
        let signature: &Signature = &func.dfg.signatures[data.signature];
        let id = match &data.name {
            ExternalName::TestCase(name) => {
                match defined.get(&UserFuncName::Testcase(name.clone())) {
                    Some(id) => *id,
                    None => module
                        .declare_function(
                            &String::from_utf8_lossy(name.raw()),
                            Linkage::Import,
                            signature,
                        )
                        .map_err(|error| format!("{reference}: {error}"))?,
                }
            }
            ExternalName::User(name) => {
                let name = &func.params.user_named_funcs()[*name];
                *defined
                    .get(&UserFuncName::User(name.clone()))
                    .ok_or_else(|| {
                        format!("{reference} refers to {name}, which is defined nowhere")
                    })?
            }
            ExternalName::LibCall(_) | ExternalName::KnownSymbol(_) => continue,
        };
        let name = func.declare_imported_user_function(function_name(id));
        func.dfg.ext_funcs[reference].name = ExternalName::User(name);
    }
    Ok(())
}

/// Makes symbols that stand for data undefined symbols of the module.
fn link_data(module: &mut ObjectModule, func: &mut Function) -> Result<(), String> {
    let values: Vec<_> = func.global_values.keys().collect();
    for value in values {
        let GlobalValueData::Symbol { name, tls, .. } = &func.global_values[value] else {
            continue;
        };
        if is_filler(name) {
            continue;
        }
        let (ExternalName::TestCase(symbol), tls) = (name, *tls) else {
            continue;
        };
        let id = module
            .declare_data(
                &String::from_utf8_lossy(symbol.raw()),
                Linkage::Import,
                true,
                tls,
            )
            .map_err(|error| format!("{value}: {error}"))?;
        let reference = func.declare_imported_user_function(data_name(id));
        if let GlobalValueData::Symbol { name, .. } = &mut func.global_values[value] {
            *name = ExternalName::User(reference);
        }
    }
    Ok(())
}

/// Modules number functions in namespace 0, and data in namespace 1.
fn function_name(id: FuncId) -> UserExternalName {
    UserExternalName::new(0, id.index() as u32)
}

fn data_name(id: DataId) -> UserExternalName {
    UserExternalName::new(1, id.index() as u32)
}

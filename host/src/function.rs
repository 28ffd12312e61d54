//! Functions of a module with a signature of Rust: declared, defined, and called by each other.

use crate::back_end::{BackEnd, Lowered};
use crate::call::Callee;
use crate::error::Error;
use crate::results::{Return, Values};
use crate::signature::{ResultValues, Signature};
use cranelift_codegen::Context;
use cranelift_codegen::ir::{self, ExceptionTableItem, InstBuilder, MemFlagsData};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_module::{FuncId, FuncOrDataId, Linkage, Module, ModuleError};
use std::any::TypeId;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// A function that a module declares, with the signature `S`.
#[derive(Clone, Debug)]
pub struct Function<S> {
    id: FuncId,
    name: String,
    lowered: Lowered,
    signature: PhantomData<fn() -> S>,
}

impl<S> Function<S> {
    /// Declares a function that this module defines.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] as of [`BackEnd::signature`], and the module's own: another declaration
    /// of the same name.
    pub fn export<M: Module>(module: &mut M, name: &str) -> Result<Self, Error>
    where
        S: Signature,
    {
        Self::declare(module, name, Linkage::Export)
    }

    /// Declares a function that another object file defines. For those of this program there are
    /// [`Imports`](crate::Imports).
    ///
    /// # Errors
    ///
    /// As of [`Function::export`].
    pub fn import<M: Module>(module: &mut M, name: &str) -> Result<Self, Error>
    where
        S: Signature,
    {
        Self::declare(module, name, Linkage::Import)
    }

    /// Declares a function with any linkage.
    ///
    /// # Errors
    ///
    /// As of [`Function::export`].
    pub fn declare<M: Module>(module: &mut M, name: &str, linkage: Linkage) -> Result<Self, Error>
    where
        S: Signature,
    {
        let back_end = BackEnd::preferred(module.isa());
        Self::declare_with(back_end, module, name, linkage)
    }

    /// Declares a function with any back end. Which one it has makes no difference to callers from
    /// outside of the module.
    ///
    /// # Errors
    ///
    /// As of [`Function::export`].
    pub fn declare_with<M: Module>(
        back_end: BackEnd,
        module: &mut M,
        name: &str,
        linkage: Linkage,
    ) -> Result<Self, Error>
    where
        S: Signature,
    {
        let lowered = back_end.lower::<S>(module.isa())?;
        let id = module.declare_function(name, linkage, &lowered.signature);
        let id = id.map_err(|error| match error {
            ModuleError::IncompatibleSignature(name, declared, expected) => {
                wrong_signature::<S>(name, declared, expected)
            }
            error => error.into(),
        })?;
        Ok(Self {
            id,
            name: name.to_owned(),
            lowered,
            signature: PhantomData,
        })
    }
}

impl<S: Signature> Function<S> {
    /// The function's id in its module.
    pub fn id(&self) -> FuncId {
        self.id
    }

    /// The signature that the module has of it.
    pub fn signature(&self) -> &ir::Signature {
        &self.lowered.signature
    }

    /// Defines the function. `body` gets its parameters and says the results at its end.
    ///
    /// It begins in the entry block, and may add others and switch to them. All blocks are sealed
    /// behind it.
    ///
    /// # Errors
    ///
    /// Those of `body` and of the module, the verifier's among them.
    pub fn define<M: Module>(
        &self,
        module: &mut M,
        body: impl FnOnce(&mut Body<'_, '_, M, S>, S::Params) -> Result<ResultValues<S>, Error>,
    ) -> Result<(), Error> {
        let mut context = module.make_context();
        self.define_in(&mut context, module, body)
    }

    /// Defines the function in a context, which is cleared before. It has the code afterwards, with what
    /// belongs to it: `context.compiled_code()`.
    ///
    /// # Errors
    ///
    /// As of [`Function::define`].
    pub fn define_in<M: Module>(
        &self,
        context: &mut Context,
        module: &mut M,
        body: impl FnOnce(&mut Body<'_, '_, M, S>, S::Params) -> Result<ResultValues<S>, Error>,
    ) -> Result<(), Error> {
        self.check(module)?;
        module.clear_context(context);
        context.func.name = ir::UserFuncName::user(0, self.id.as_u32());
        let mut frontend = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut context.func, &mut frontend);
        let (entry, params) = self.enter(&mut builder);
        let config = module.target_config();
        let mut in_progress = Body {
            module,
            builder,
            entry,
            callees: HashMap::new(),
            area: None,
        };
        let results = body(&mut in_progress, params)?;
        in_progress.return_(results)?;
        let Body {
            module,
            mut builder,
            callees,
            ..
        } = in_progress;
        // The body may have had all of this in its hands, and other modules in the place of this one.
        self.check(module)?;
        self.check_signature(&builder.func.signature)?;
        for ((name, _), (id, callee)) in callees {
            let called = builder.func.dfg.signatures.get(callee.signature);
            if declared(module, &name) != called.map(|signature| (id, signature)) {
                return Err(Error::OtherModule { name });
            }
        }
        builder.seal_all_blocks();
        builder.finalize(config);
        Ok(module.define_function(self.id, context)?)
    }

    /// Begins the function in a new block: its parameters, and how it returns.
    fn enter(&self, builder: &mut FunctionBuilder<'_>) -> (Entry<S>, S::Params) {
        builder.func.signature.clone_from(&self.lowered.signature);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        builder.seal_block(block);
        let params = builder.block_params(block);
        let (out, params) = match (&self.lowered.area, params) {
            (Some(_), [out, params @ ..]) => (Some(*out), params),
            (_, params) => (None, params),
        };
        let params = S::Params::from_slice(params).expect("a block has the signature's parameters");
        let entry = Entry {
            lowered: self.lowered.clone(),
            out,
            signature: PhantomData,
        };
        (entry, params)
    }

    /// Is this a function of this module, as far as can be seen?
    pub(crate) fn check<M: Module>(&self, module: &M) -> Result<(), Error> {
        match declared(module, &self.name) {
            Some((id, signature)) if id == self.id => self.check_signature(signature),
            _ => Err(Error::OtherModule {
                name: self.name.clone(),
            }),
        }
    }

    fn check_signature(&self, declared: &ir::Signature) -> Result<(), Error> {
        if *declared == self.lowered.signature {
            return Ok(());
        }
        let (name, expected) = (self.name.clone(), self.lowered.signature.clone());
        Err(wrong_signature::<S>(name, declared.clone(), expected))
    }
}

/// What a module has of this name, if that is a function.
fn declared<'m, M: Module>(module: &'m M, name: &str) -> Option<(FuncId, &'m ir::Signature)> {
    let declarations = module.declarations();
    match declarations.get_name(name)? {
        FuncOrDataId::Func(id) => Some((id, &declarations.get_function_decl(id).signature)),
        FuncOrDataId::Data(_) => None,
    }
}

fn wrong_signature<S>(name: String, declared: ir::Signature, expected: ir::Signature) -> Error {
    Error::WrongSignature {
        name,
        declared: Box::new(declared),
        rust: std::any::type_name::<S>(),
        expected: Box::new(expected),
    }
}

/// How a function that is being defined returns.
struct Entry<S> {
    lowered: Lowered,
    out: Option<ir::Value>,
    signature: PhantomData<fn() -> S>,
}

impl<S: Signature> Entry<S> {
    /// As [`Body::return_`]. The verifier would not see a wrong type of what is stored.
    fn return_(
        &self,
        builder: &mut FunctionBuilder<'_>,
        results: ResultValues<S>,
    ) -> Result<(), Error> {
        let function = &builder.func;
        if let Some(block) = builder.current_block()
            && let Some(last) = function.layout.last_inst(block)
            && function.dfg.insts[last].opcode().is_terminator()
        {
            return Err(Error::BlockEnded { block });
        }
        let results = results.as_ref();
        let slots = <S::Return as Return>::SLOTS;
        for (index, (&result, slot)) in results.iter().zip(slots).enumerate() {
            let found = builder.func.dfg.value_type(result);
            if found != slot.ty {
                return Err(Error::WrongResult {
                    index,
                    found,
                    rust: std::any::type_name::<S>(),
                    expected: slot.ty,
                });
            }
        }
        match (&self.lowered.area, self.out) {
            (Some(area), Some(out)) => {
                for (&result, &(_, offset)) in results.iter().zip(&area.fields) {
                    let flags = MemFlagsData::trusted();
                    builder.ins().store(flags, result, out, offset);
                }
                builder.ins().return_(&[]);
            }
            _ => {
                builder.ins().return_(results);
            }
        }
        Ok(())
    }
}

/// What can be called in a function body: a [`Function`] of the module, or an
/// [`Import`](crate::Import), which is declared on the way.
pub trait Callable<S: Signature> {
    /// Its name in a module.
    fn name(&self) -> &str;

    /// The function in this module.
    ///
    /// # Errors
    ///
    /// As of [`Function::import`].
    fn function<M: Module>(&self, module: &mut M) -> Result<Function<S>, Error>;
}

impl<S: Signature> Callable<S> for Function<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn function<M: Module>(&self, _: &mut M) -> Result<Function<S>, Error> {
        Ok(self.clone())
    }
}

/// The body of a function that is being defined: a [`FunctionBuilder`] that calls typed functions.
pub struct Body<'b, 'f, M, S> {
    module: &'b mut M,
    builder: FunctionBuilder<'f>,
    entry: Entry<S>,
    /// By name and signature, as two signatures may be the same in CLIF.
    callees: HashMap<(String, TypeId), (FuncId, Callee<()>)>,
    /// Where callees put their results, if Cranelift does not know of it: one slot for all calls.
    area: Option<ir::StackSlot>,
}

impl<M: Module, S: Signature> Body<'_, '_, M, S> {
    /// Calls a function. The compiler knows how many arguments and results there are.
    ///
    /// # Errors
    ///
    /// If the function cannot be declared in this module, or is of another one.
    pub fn call<T: Signature>(
        &mut self,
        function: &impl Callable<T>,
        args: T::Params,
    ) -> Result<ResultValues<T>, Error> {
        let callee = self.callee(function)?;
        Ok(callee.call(&mut self.builder, args))
    }

    /// Calls a function that may unwind, and goes on in a new block where it has not.
    ///
    /// # Errors
    ///
    /// As of [`Body::call`].
    pub fn try_call<T: Signature>(
        &mut self,
        function: &impl Callable<T>,
        args: T::Params,
        handlers: impl IntoIterator<Item = ExceptionTableItem>,
    ) -> Result<ResultValues<T>, Error> {
        let callee = self.callee(function)?;
        Ok(callee.try_call(&mut self.builder, args, handlers))
    }

    /// Calls a pointer to a function.
    ///
    /// # Errors
    ///
    /// As of [`BackEnd::signature`].
    pub fn call_indirect<T: Signature>(
        &mut self,
        pointer: ir::Value,
        args: T::Params,
    ) -> Result<ResultValues<T>, Error> {
        let (isa, caller) = (self.module.isa(), &mut *self.builder.func);
        let callee = Callee::<T>::pointer(isa, caller, pointer, &mut self.area)?;
        Ok(callee.call(&mut self.builder, args))
    }

    /// Ends the block by returning. What follows needs a block of its own.
    ///
    /// # Errors
    ///
    /// [`Error::WrongResult`] for a value of another type than the signature has, [`Error::BlockEnded`] if an
    /// instruction ends the block already.
    pub fn return_(&mut self, results: ResultValues<S>) -> Result<(), Error> {
        self.entry.return_(&mut self.builder, results)
    }

    /// The module, to declare functions and data in.
    pub fn module(&mut self) -> &mut M {
        self.module
    }

    fn callee<T: Signature>(&mut self, function: &impl Callable<T>) -> Result<Callee<T>, Error> {
        let key = (function.name().to_owned(), TypeId::of::<T>());
        if let Some((_, known)) = self.callees.get(&key) {
            return Ok(known.typed());
        }
        let function = function.function(self.module)?;
        function.check(self.module)?;
        let caller = &mut *self.builder.func;
        let target = self.module.declare_func_in_func(function.id, caller);
        let callee = Callee::direct(target, caller, &function.lowered, &mut self.area);
        self.callees.insert(key, (function.id, callee.typed()));
        Ok(callee)
    }
}

impl<'f, M, S> Deref for Body<'_, 'f, M, S> {
    type Target = FunctionBuilder<'f>;

    fn deref(&self) -> &FunctionBuilder<'f> {
        &self.builder
    }
}

impl<M, S> DerefMut for Body<'_, '_, M, S> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.builder
    }
}

impl<M, S> std::fmt::Debug for Body<'_, '_, M, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.builder.func.fmt(f)
    }
}

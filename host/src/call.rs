//! Calls in a function body.

use crate::area::Area;
use crate::back_end::{BackEnd, Lowered};
use crate::error::Error;
use crate::results::Values;
use crate::signature::{ResultValues, Signature};
use cranelift_codegen::ir::{
    self, BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, FuncRef, InstBuilder,
    MemFlagsData, SigRef, StackSlot, StackSlotData, StackSlotKind, types,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::FunctionBuilder;
use std::marker::PhantomData;

/// A function with the signature `S` in the body of a caller.
#[derive(Clone, Debug)]
pub(crate) struct Callee<S> {
    target: Target,
    pub(crate) signature: SigRef,
    /// Where the caller has the struct of results, if Cranelift does not know of it.
    out: Option<(Area, StackSlot)>,
    phantom: PhantomData<fn() -> S>,
}

#[derive(Clone, Copy, Debug)]
enum Target {
    Function(FuncRef),
    Pointer(ir::Value),
}

impl<S> Callee<S> {
    /// `area` is the slot for the results of all calls, if there is one yet.
    pub(crate) fn direct(
        function: FuncRef,
        caller: &mut ir::Function,
        lowered: &Lowered,
        area: &mut Option<StackSlot>,
    ) -> Self {
        let signature = caller.dfg.ext_funcs[function].signature;
        Self::new(Target::Function(function), signature, caller, lowered, area)
    }

    fn new(
        target: Target,
        signature: SigRef,
        caller: &mut ir::Function,
        lowered: &Lowered,
        shared: &mut Option<StackSlot>,
    ) -> Self {
        let out = lowered.area.as_ref().map(|area| {
            let new = || {
                let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 0, 0);
                caller.create_sized_stack_slot(data)
            };
            let slot = *shared.get_or_insert_with(new);
            let data = &mut caller.sized_stack_slots[slot];
            data.size = data.size.max(area.size);
            data.align_shift = data.align_shift.max(area.align.trailing_zeros() as u8);
            (area.clone(), slot)
        });
        Self {
            target,
            signature,
            out,
            phantom: PhantomData,
        }
    }

    /// The same with another name for the signature, which the caller knows to be equal.
    pub(crate) fn typed<T>(&self) -> Callee<T> {
        Callee {
            target: self.target,
            signature: self.signature,
            out: self.out.clone(),
            phantom: PhantomData,
        }
    }
}

impl<S: Signature> Callee<S> {
    /// A function that a pointer points to.
    pub(crate) fn pointer(
        isa: &dyn TargetIsa,
        caller: &mut ir::Function,
        pointer: ir::Value,
        area: &mut Option<StackSlot>,
    ) -> Result<Self, Error> {
        let lowered = BackEnd::preferred(isa).lower::<S>(isa)?;
        let signature = caller.import_signature(lowered.signature.clone());
        let target = Target::Pointer(pointer);
        Ok(Self::new(target, signature, caller, &lowered, area))
    }

    /// Calls it: arguments in, results out.
    pub(crate) fn call(
        &self,
        builder: &mut FunctionBuilder<'_>,
        args: S::Params,
    ) -> ResultValues<S> {
        let args = self.args(builder, args);
        let call = match self.target {
            Target::Function(function) => builder.ins().call(function, &args),
            Target::Pointer(pointer) => builder.ins().call_indirect(self.signature, pointer, &args),
        };
        let results = builder.inst_results(call).to_vec();
        self.results(builder, results)
    }

    /// Calls it where it may unwind. The builder is then in a new block, for the normal return, where the
    /// results are; `handlers` say where it goes on else.
    pub(crate) fn try_call(
        &self,
        builder: &mut FunctionBuilder<'_>,
        args: S::Params,
        handlers: impl IntoIterator<Item = ExceptionTableItem>,
    ) -> ResultValues<S> {
        let args = self.args(builder, args);
        let normal = builder.create_block();
        let returns = &builder.func.dfg.signatures[self.signature].returns;
        let types: Vec<_> = returns.iter().map(|result| result.value_type).collect();
        let indices = (0..types.len() as u32).map(BlockArg::TryCallRet);
        let normal_call = BlockCall::new(normal, indices, &mut builder.func.dfg.value_lists);
        let table = ExceptionTableData::new(self.signature, normal_call, handlers);
        let table = builder.func.dfg.exception_tables.push(table);
        match self.target {
            Target::Function(function) => builder.ins().try_call(function, &args, table),
            Target::Pointer(pointer) => builder.ins().try_call_indirect(pointer, &args, table),
        };
        let results = types
            .into_iter()
            .map(|ty| builder.append_block_param(normal, ty))
            .collect();
        builder.seal_block(normal);
        builder.switch_to_block(normal);
        self.results(builder, results)
    }

    fn args(&self, builder: &mut FunctionBuilder<'_>, args: S::Params) -> Vec<ir::Value> {
        let out = self.out.as_ref();
        let out = out.map(|(_, slot)| builder.ins().stack_addr(types::I64, *slot, 0));
        out.into_iter()
            .chain(args.as_ref().iter().copied())
            .collect()
    }

    /// Exact loads, right behind the call, so that the next one may have the same memory.
    fn results(
        &self,
        builder: &mut FunctionBuilder<'_>,
        returned: Vec<ir::Value>,
    ) -> ResultValues<S> {
        let results = match &self.out {
            None => returned,
            Some((area, slot)) => {
                let out = builder.ins().stack_addr(types::I64, *slot, 0);
                let mut load = |&(ty, offset): &(ir::Type, i32)| {
                    let flags = MemFlagsData::trusted();
                    builder.ins().load(ty, flags, out, offset)
                };
                area.fields.iter().map(&mut load).collect()
            }
        };
        Values::from_slice(&results).expect("a call has the signature's results")
    }
}

//! Adapters: code that calls any function of a type with an array of values.

use crate::compile::Jit;
use crate::error::Error;
use crate::traps::{Frame, register};
use crate::types::{Bits, FuncType};
use crate::vmcontext::VmContext;
use cranelift_codegen::Context;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData};
use cranelift_module::Module as _;
use multi_out::{Code, Compiled, Frames, Function};
use std::rc::Rc;

type Adapt = fn(*const u8, *mut VmContext, *mut Bits);

/// Calls any function of a type.
#[derive(Debug)]
pub(crate) struct Adapter {
    // Dropped before the code.
    _frames: Frames,
    pub(crate) adapt: Compiled<Adapt, Rc<Code>>,
}

impl Adapter {
    pub(crate) fn new(ty: &FuncType) -> Result<Self, Error> {
        let mut module = Jit::new()?;
        let signature = ty.signature(module.isa())?;
        let adapt = Function::<Adapt>::export(&mut *module, "adapt")?;
        let mut context = Context::new();
        adapt.define_in(&mut context, &mut *module, |body, [code, vmctx, values]| {
            let flags = MemFlagsData::trusted();
            let mut args = vec![vmctx];
            for (offset, ty) in (0..).step_by(8).zip(&ty.params) {
                args.push(body.ins().load(ty.clif(), flags, values, offset));
            }
            let signature = body.import_signature(signature);
            let call = body.ins().call_indirect(signature, code, &args);
            let results = body.inst_results(call).to_vec();
            for (offset, result) in (0..).step_by(8).zip(results) {
                body.ins().store(flags, result, values, offset);
            }
            Ok([])
        })?;
        let compiled = context.compiled_code();
        let frame = compiled.map(|code| Frame::new(code, module.isa()));
        let frame = frame.transpose()?;
        let code = Rc::new(Code::finalize(module.into_module())?);
        // SAFETY: it calls what it is given, with the parameters and results of its type.
        let adapt = unsafe { Compiled::new(code.clone(), &adapt) }?;
        // SAFETY: `adapt` keeps the code, and is dropped after this.
        let frames = unsafe { register(code.isa(), [&adapt.address()].into_iter().zip(frame)) }?;
        Ok(Self {
            _frames: frames,
            adapt,
        })
    }
}

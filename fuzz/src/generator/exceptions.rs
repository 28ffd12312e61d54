//! How exceptions travel: to a handler by a function of the host, or to whom calls as results.
//!
//! ```text
//!   every form but one   call_indirect %__cranelift_throw(…, tag, payload, payload)
//!                        try_call f(), block1(ret0), [ tag1: block2(exn0), default: block3() ]
//!   Interpreted          return 0, tag, payload, payload
//!                        v1, v2, v3, v4 = call f();  brif v2, …, block1
//! ```
//!
//! The interpreter has no exceptions, so there a function that may throw has three more results: the
//! tag, which is 0 if it throws nothing, and two payloads. That a handler runs, and what it gets, is then known without
//! tables, unwinding and registers.
//!
//! The blocks of this file are cold and no others are, which is how a test tells them from what the program does.

use super::signature::Shape;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, Block, BlockArg, BlockCall, ExceptionTableItem, ExceptionTag, ExtFuncData,
    ExternalName, Function, InstBuilder, Signature, TrapCode, Type, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;

/// Tags are 1 to this.
pub const TAGS: u8 = 3;

/// Where an exception arrives that nobody throws, and where who throws does not return.
pub const THROWN: TrapCode = TrapCode::unwrap_user(7);

/// The function of the host; see `filetests/src/execute/throw.rs`, and `cross/throw.c` on other machines.
const THROWER: &str = "__cranelift_throw";

/// What comes of an exception at a call.
#[derive(Clone)]
pub struct Catch {
    /// The tag that it is about; all if there is none.
    pub tag: Option<u8>,
    /// Where it leads.
    pub block: Block,
    /// What is passed there: values, and payloads as [`BlockArg::TryCallExn`].
    pub args: Vec<BlockArg>,
}

impl Catch {
    /// For the first tag, and for all, without payloads.
    pub fn all_by(block: Block) -> [Self; 2] {
        [Some(1), None].map(|tag| Catch {
            tag,
            block,
            args: Vec::new(),
        })
    }

    /// As an exception table has it.
    pub fn item(&self, builder: &mut FunctionBuilder<'_>) -> ExceptionTableItem {
        let lists = &mut builder.func.dfg.value_lists;
        let call = BlockCall::new(self.block, self.args.iter().copied(), lists);
        match self.tag {
            Some(tag) => ExceptionTableItem::Tag(ExceptionTag::from_u32(tag.into()), call),
            None => ExceptionTableItem::Default(call),
        }
    }
}

/// The number of payloads that a handler gets of what a function throws.
pub fn payloads(shape: &Shape, pointer: Type) -> usize {
    shape.call_conv.exception_payload_types(pointer).len()
}

/// Whether a function calls the host to throw.
pub fn calls_thrower(func: &Function) -> bool {
    let thrower = ExternalName::testcase(THROWER);
    let mut callees = func.dfg.ext_funcs.values();
    callees.any(|callee| callee.name == thrower)
}

/// Throws by the function of the host. Nothing comes behind.
pub fn throw(tag: u8, payloads: [Value; 2], pointer: Type, builder: &mut FunctionBuilder<'_>) {
    let mut signature = Signature::new(CallConv::SystemV);
    let params = [pointer, pointer, pointer, types::I32, pointer, pointer];
    signature.params.extend(params.map(AbiParam::new));
    let signature = builder.import_signature(signature);
    let thrower = builder.import_function(ExtFuncData {
        name: ExternalName::testcase(THROWER),
        signature,
        colocated: false,
        patchable: false,
    });
    // It looks for a handler from this frame on, at whose address there is none, without an end.
    let frame = builder.ins().get_frame_pointer(pointer);
    let address = builder.ins().iconst(pointer, 1);
    let end = builder
        .ins()
        .iconst(pointer, pointer.bounds(false).1 as i64);
    let tag = builder.ins().iconst(types::I32, i64::from(tag));
    let thrower = builder.ins().func_addr(pointer, thrower);
    let args = [end, frame, address, tag, payloads[0], payloads[1]];
    builder.ins().call_indirect(signature, thrower, &args);
    builder.ins().trap(THROWN);
}

/// Goes on where a call has thrown nothing, else to the first handler for what it has thrown, or to `unwind`,
/// which takes the tag and the payloads.
pub fn dispatch(
    [tag, first, second]: [Value; 3],
    catches: &[Catch],
    unwind: Option<Block>,
    builder: &mut FunctionBuilder<'_>,
) {
    let returned = builder.create_block();
    let mut next = cold_block(builder);
    builder.ins().brif(tag, next, [], returned, []);
    let mut is_caught = false;
    for Catch {
        tag: wanted,
        block,
        args,
    } in catches
    {
        builder.switch_to_block(next);
        let args = args.iter().map(|arg| match arg {
            BlockArg::TryCallExn(0) => first.into(),
            BlockArg::TryCallExn(_) => second.into(),
            other => *other,
        });
        let args: Vec<BlockArg> = args.collect();
        let Some(wanted) = wanted else {
            builder.ins().jump(*block, &args);
            is_caught = true;
            break;
        };
        let is_wanted = builder
            .ins()
            .icmp_imm_u(IntCC::Equal, tag, i64::from(*wanted));
        next = cold_block(builder);
        builder.ins().brif(is_wanted, *block, &args, next, []);
    }
    if !is_caught {
        builder.switch_to_block(next);
        let unwind = unwind.expect("a caller that may throw, or a handler for all tags");
        let args = [tag, first, second].map(BlockArg::Value);
        builder.ins().jump(unwind, &args);
    }
    builder.switch_to_block(returned);
}

/// A block of this file.
pub fn cold_block(builder: &mut FunctionBuilder<'_>) -> Block {
    let block = builder.create_block();
    builder.set_cold_block(block);
    block
}

/// A program that throws, and catches.
#[cfg(test)]
pub(crate) fn sample() -> super::Case {
    let mut bytes = [0; 9 + 2 * super::SIGNATURE_BYTES].to_vec();
    // Two functions with two results each, the second of which may throw.
    bytes[8] = 1;
    bytes[9 + 12] = 1;
    bytes[9 + super::SIGNATURE_BYTES] = 0xc0;
    bytes[9 + super::SIGNATURE_BYTES + 12] = 2;
    // A call with three handlers, and a throw.
    bytes.extend([15, 0, 0, 0, 2, 0xa0, 0, 0]);
    bytes.extend([31, 0, 0, 0, 4, 5, 0, 1]);
    super::Case::new(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::{Form, Machine};
    use crate::interpreter::{Outcome, interpret};
    use cranelift_codegen::data_value::DataValue;

    #[test]
    fn the_handler_for_the_tag_gets_the_payloads() {
        let machine = Machine::of(&"x86_64".parse().expect("a triple")).expect("a backend");
        let program = sample().program(machine, Form::MultiOut);
        let text = program.functions[0].to_string();
        let handlers =
            "[ tag1: block1(exn0, exn1), tag2: block2(exn0, exn1), default: block3(exn0, exn1) ]";
        assert!(text.contains(handlers), "{text}");
        assert!(calls_thrower(&program.functions[1]));

        let program = sample().program(machine, Form::Interpreted);
        let outcome = interpret(&program).expect("a sound program");
        let Outcome::Returned(values) = outcome else {
            panic!("it traps");
        };
        // What the second handler subtracts: the payloads differ by one in every byte.
        assert_eq!(values[1], DataValue::I64(0x0101_0101_0101_0101));
    }
}

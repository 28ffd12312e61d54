//! Callees put into their callers, as a compiler does before it optimizes. Who interprets a program has it without that.

use super::exceptions;
use super::signature::struct_size;
use cranelift_codegen::Context;
use cranelift_codegen::inline::{Inline, InlineCommand};
use cranelift_codegen::ir::{ExternalName, FuncRef, Function, Inst, Opcode, UserFuncName, Value};
use std::borrow::Cow;

/// What a function may grow by, in instructions.
const ROOM: usize = 200;

/// Inlines direct calls of later functions, which have had their own callees inlined, as far as there is room.
pub fn inline(functions: &mut [Function]) {
    for index in (0..functions.len()).rev() {
        let (callers, callees) = functions.split_at_mut(index + 1);
        let mut context = Context::for_function(callers[index].clone());
        let policy = Policy {
            callees,
            room: ROOM,
        };
        match context.inline(policy) {
            Ok(true) => callers[index] = context.func,
            Ok(false) => {}
            Err(error) => panic!("inlining into {}: {error}", callers[index].name),
        }
    }
}

struct Policy<'a> {
    callees: &'a [Function],
    room: usize,
}

impl Inline for Policy<'_> {
    fn inline(
        &mut self,
        caller: &Function,
        _call: Inst,
        opcode: Opcode,
        callee: FuncRef,
        _arguments: &[Value],
    ) -> InlineCommand<'_> {
        let ExternalName::TestCase(name) = &caller.dfg.ext_funcs[callee].name else {
            return InlineCommand::KeepCall;
        };
        let name = UserFuncName::Testcase(name.clone());
        let callee = self.callees.iter().find(|callee| callee.name == name);
        let can_be_tried = |callee: &Function| {
            let mut called = callee.dfg.signatures.values();
            called.all(|signature| signature.call_conv.supports_exceptions())
        };
        let callee = callee.filter(|callee| {
            // Calls in a callee that is tried are tried then.
            !needs_frame(callee) && (opcode == Opcode::Call || can_be_tried(callee))
        });
        let Some(callee) = callee else {
            return InlineCommand::KeepCall;
        };
        let Some(room) = self.room.checked_sub(callee.dfg.num_insts()) else {
            return InlineCommand::KeepCall;
        };
        self.room = room;
        InlineCommand::Inline {
            callee: Cow::Borrowed(callee),
            visit_callee: false,
        }
    }
}

/// Whether a function means another thing in the frame of its caller. It would change the caller's struct in place of a copy, or
/// throw past the handlers there, see [`exceptions::throw`]; and where it passes structs itself, no reference may be alive, see
/// [`super::tracked`].
fn needs_frame(func: &Function) -> bool {
    let called = func.dfg.signatures.values();
    let mut params = called.chain([&func.signature]).flat_map(|s| &s.params);
    params.any(|param| struct_size(param).is_some()) || exceptions::calls_thrower(func)
}

#[cfg(test)]
mod tests {
    use crate::generator::{Case, Form, Machine};
    use crate::random;
    use cranelift_codegen::ir::Function;

    /// In half of the programs that are large enough.
    #[test]
    fn calls_are_inlined() {
        let machine = Machine::host().expect("a host with a backend");
        let (mut asked, mut inlined) = (0, 0);
        for number in 0..200 {
            let case = Case::new(&random::bytes(4, number));
            let written = case.written(machine, Form::MultiOut);
            let texts = |functions: &[Function]| -> Vec<String> {
                functions.iter().map(Function::to_string).collect()
            };
            let is_changed = texts(&case.program(machine, Form::MultiOut).functions)
                != texts(&written.functions);
            let interpreted = case.program(machine, Form::Interpreted).functions;
            let as_written = case.written(machine, Form::Interpreted).functions;
            assert_eq!(texts(&interpreted), texts(&as_written));
            assert!(written.settings.inlines || !is_changed);
            asked += usize::from(written.settings.inlines);
            inlined += usize::from(is_changed);
        }
        assert!(asked > 60 && inlined > 8, "{inlined} of {asked}");
    }
}

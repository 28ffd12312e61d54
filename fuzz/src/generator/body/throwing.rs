//! Statements that throw, and what handlers do.
//!
//! A function whose shape says so may throw; what it calls may then throw past it. Any other function catches all,
//! so that no exception leaves the program.

use super::super::exceptions::{self, Catch, TAGS, cold_block};
use super::super::ops::convert;
use super::super::pool::constant;
use super::super::signature::{pick_type, thrown};
use super::super::{Form, calls::Way};
use super::{Body, block_args};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value, types};
use cranelift_codegen::isa::multi_out::OutTarget;

/// A handler of a call.
pub(super) struct Handler {
    /// When it runs, and with what.
    pub(super) catch: Catch,
    /// What it does.
    choice: u8,
    /// Whether it ends by another exception, and not where the call returns.
    rethrows: bool,
}

impl Body<'_> {
    /// Whether the function may throw.
    pub(super) fn throws(&self) -> bool {
        self.shapes[self.index].throws
    }

    /// Whether all that a function throws can be caught here, or may be thrown on.
    pub(super) fn can_call(&self, index: usize) -> bool {
        let callee = &self.shapes[index];
        !callee.throws || callee.is_catchable() || self.throws()
    }

    /// Throws if some bits of a value are those of the statement.
    pub(super) fn throw_if(&mut self, [b, c, d, e]: [u8; 4]) {
        let value = self.pick(types::I8, b);
        let mask = [0x01, 0x03, 0x83, 0xff][usize::from(d % 4)];
        let bits = self.builder.ins().band_imm_u(value, mask);
        let wanted = i64::from(c) & mask;
        let is_thrown = self.builder.ins().icmp_imm_u(IntCC::Equal, bits, wanted);
        let pointer = self.scratch.machine.pointer;
        let payloads = [self.pick(pointer, d), self.pick(pointer, e)];
        self.throw_on(is_thrown, 1 + e / 4 % TAGS, payloads);
    }

    /// Throws before the end if a sum is odd.
    pub(super) fn throw_sometimes(&mut self, sum: Value) {
        if !self.throws() {
            return;
        }
        let pointer = self.scratch.machine.pointer;
        let is_odd = self.builder.ins().band_imm_u(sum, 1);
        let sum = convert(sum, pointer, 0, &mut self.builder, &self.scratch);
        let payloads = [sum, self.pick(pointer, 0)];
        self.throw_on(is_odd, 1 + self.index as u8 % TAGS, payloads);
    }

    fn throw_on(&mut self, condition: Value, tag: u8, payloads: [Value; 2]) {
        let throwing = cold_block(&mut self.builder);
        let on = self.builder.create_block();
        self.builder.ins().brif(condition, throwing, [], on, []);
        self.throw_in(throwing, tag, payloads);
        self.builder.switch_to_block(on);
    }

    fn throw_in(&mut self, block: Block, tag: u8, payloads: [Value; 2]) {
        self.builder.switch_to_block(block);
        if self.form == Form::Interpreted {
            let tag = self.builder.ins().iconst(types::I32, i64::from(tag));
            let unwind = self.unwind_block();
            let args = block_args(&[tag, payloads[0], payloads[1]]);
            self.builder.ins().jump(unwind, &args);
        } else {
            let pointer = self.scratch.machine.pointer;
            exceptions::throw(tag, payloads, pointer, &mut self.builder);
        }
    }

    /// Where a call of a function returns what it does not catch.
    pub(super) fn unwinding(&mut self, index: usize) -> Option<Block> {
        let is_needed = self.form == Form::Interpreted && self.shapes[index].throws;
        (is_needed && self.throws()).then(|| self.unwind_block())
    }

    fn unwind_block(&mut self) -> Block {
        *self.unwind.get_or_insert_with(|| {
            let block = cold_block(&mut self.builder);
            for param in thrown(self.scratch.machine.pointer) {
                self.builder.append_block_param(block, param.value_type);
            }
            block
        })
    }

    /// Returns what is thrown, beside results of no meaning.
    pub(super) fn end_unwinding(&mut self) {
        let Some(block) = self.unwind else {
            return;
        };
        self.builder.switch_to_block(block);
        let results = self.shapes[self.index].results.iter();
        let zeros = results.map(|r| constant(r.value_type, 0, &mut self.builder, &self.scratch));
        let mut results: Vec<Value> = zeros.collect();
        results.extend_from_slice(self.builder.block_params(block));
        self.builder.ins().return_(&results);
    }

    /// Adds what else is returned by a function that may throw.
    pub(super) fn add_nothing_thrown(&mut self, results: &mut Vec<Value>) {
        if self.form != Form::Interpreted || !self.throws() {
            return;
        }
        let end = cold_block(&mut self.builder);
        self.builder.ins().jump(end, []);
        self.builder.switch_to_block(end);
        for param in thrown(self.scratch.machine.pointer) {
            results.push(self.builder.ins().iconst(param.value_type, 0));
        }
    }

    /// The handlers of a call, and the way of calling that has them: some tags one after the other, and all
    /// others in any place among them.
    pub(super) fn handlers(
        &mut self,
        index: usize,
        way: Way,
        [choice, what]: [u8; 2],
    ) -> (Way, Vec<Handler>) {
        let callee = &self.shapes[index];
        let is_needed = !self.throws();
        let way = match way {
            Way::Try if self.is_walked_wrongly_with_handlers() => Way::Direct,
            Way::TryIndirect if self.is_walked_wrongly_with_handlers() => Way::Indirect,
            _ if !callee.throws => return (way, Vec::new()),
            Way::Direct if is_needed => Way::Try,
            Way::Indirect if is_needed => Way::TryIndirect,
            Way::Try if !callee.is_catchable() => Way::Direct,
            Way::TryIndirect if !callee.is_catchable() => Way::Indirect,
            way => way,
        };
        if !matches!(way, Way::Try | Way::TryIndirect) {
            return (way, Vec::new());
        }
        let count = choice % (TAGS + 1);
        let tag = |number| 1 + (choice / 4 + number) % TAGS;
        let mut tags: Vec<Option<u8>> = (0..count).map(|number| Some(tag(number))).collect();
        if is_needed || tags.is_empty() || choice & 0x40 != 0 {
            let place = match choice & 0x80 {
                0 => tags.len(),
                _ => usize::from(what) % (tags.len() + 1),
            };
            tags.insert(place, None);
        }
        let mut handlers = Vec::new();
        for (number, tag) in tags.into_iter().enumerate() {
            let choice = what.rotate_left(3 * number as u32);
            handlers.push(self.handler(index, tag, choice));
        }
        (way, handlers)
    }

    /// On riscv64 unwind information of functions with handlers gives a wrong frame pointer (FINDINGS.md, 21).
    fn is_walked_wrongly_with_handlers(&self) -> bool {
        self.throws() && self.scratch.machine.target == OutTarget::Riscv64
    }

    /// It gets none, one or both payloads, in any order, and a value between them.
    fn handler(&mut self, index: usize, tag: Option<u8>, choice: u8) -> Handler {
        let machine = self.scratch.machine;
        let orders: [&[usize]; 5] = [&[0, 1], &[1, 0], &[1], &[0], &[]];
        let order = orders[usize::from(choice) % orders.len()].iter();
        let count = exceptions::payloads(&self.shapes[index], machine.pointer);
        let payloads = order.filter(|payload| **payload < count);
        let payloads = payloads.map(|payload| BlockArg::TryCallExn(*payload as u32));
        let mut args: Vec<BlockArg> = payloads.collect();
        let mut types = vec![machine.pointer; args.len()];
        if choice & 0x10 != 0 {
            let ty = pick_type(choice, machine);
            let place = args.len().min(1);
            args.insert(place, BlockArg::Value(self.pick(ty, choice)));
            types.insert(place, ty);
        }
        let block = self.builder.create_block();
        for ty in types {
            self.builder.append_block_param(block, ty);
        }
        Handler {
            catch: Catch { tag, block, args },
            choice,
            rethrows: self.throws() && choice & 0x60 == 0,
        }
    }

    /// Makes handlers, and goes on with the results of the call, or with what a handler has in place of these.
    pub(super) fn handle(&mut self, handlers: Vec<Handler>, results: Vec<Value>) -> Vec<Value> {
        if handlers.is_empty() {
            return results;
        }
        let join = self.builder.create_block();
        let mut joined = results;
        if handlers.iter().all(|handler| handler.rethrows) {
            self.builder.ins().jump(join, []);
        } else {
            self.builder.ins().jump(join, &block_args(&joined));
            for value in &mut joined {
                let ty = self.builder.func.dfg.value_type(*value);
                *value = self.builder.append_block_param(join, ty);
            }
        }
        let types: Vec<_> = joined
            .iter()
            .map(|value| self.builder.func.dfg.value_type(*value))
            .collect();
        let pointer = self.scratch.machine.pointer;
        for Handler {
            catch: Catch { block, .. },
            choice,
            rethrows,
        } in handlers
        {
            self.builder.switch_to_block(block);
            let pool = self.pool.len();
            for param in self.builder.block_params(block).to_vec() {
                self.pool.add(param);
            }
            let (left, right) = (self.pick(pointer, 0), self.pick(pointer, choice));
            let difference = self.builder.ins().isub(left, right);
            self.pool.add(difference);
            if rethrows {
                let payloads = [self.pick(pointer, 0), self.pick(pointer, 1)];
                let throwing = cold_block(&mut self.builder);
                self.builder.ins().jump(throwing, []);
                self.throw_in(throwing, 1 + choice % TAGS, payloads);
            } else {
                let values = self.pick_args(&types, [0, choice]);
                self.builder.ins().jump(join, &block_args(&values));
            }
            self.pool.truncate(pool);
        }
        self.builder.switch_to_block(join);
        joined
    }
}

#[cfg(test)]
mod tests {
    use crate::generator::{Case, Form, Machine, Program};
    use crate::interpreter::{Outcome, interpret};
    use crate::random;
    use cranelift_codegen::cursor::{Cursor, FuncCursor};
    use cranelift_codegen::ir::{Block, Function, InstBuilder, Opcode};

    /// Whether what is thrown passes this block of an interpreted function.
    fn throws(func: &Function, block: Block) -> bool {
        let last = func.layout.last_inst(block).expect("a whole block");
        let is_jump = func.dfg.insts[last].opcode() == Opcode::Jump;
        is_jump && func.layout.is_cold(block)
    }

    /// The program, but it traps where it would throw.
    fn trapping(mut program: Program) -> Program {
        for func in &mut program.functions {
            let blocks: Vec<Block> = func.layout.blocks().collect();
            for block in blocks {
                if throws(func, block) {
                    let mut cursor = FuncCursor::new(func).at_first_insertion_point(block);
                    cursor.ins().trap(crate::generator::exceptions::THROWN);
                }
            }
        }
        program
    }

    #[test]
    fn one_program_of_twenty_throws_and_goes_on() {
        let machine = Machine::host().expect("a host with a backend");
        let machine = Machine {
            has_thrower: true,
            ..machine
        };
        let mut throwing = 0;
        for number in 0..200 {
            let case = Case::new(&random::bytes(4, number));
            let program = || case.program(machine, Form::Interpreted);
            let outcome = interpret(&program()).expect("a sound program");
            throwing += u32::from(
                matches!(outcome, Outcome::Returned(_))
                    && interpret(&trapping(program())) == Ok(Outcome::Trapped),
            );
        }
        assert!(throwing >= 10, "{throwing}");
    }
}

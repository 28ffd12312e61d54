//! Bodies: a list of statements, some of which open and close loops and branches.
//!
//! A statement is eight bytes: kind, type, operands, and the function that it belongs to. One that makes
//! no sense where it stands does nothing, so every list is a body, and what is open at the end is closed.

mod scopes;
mod throwing;

use self::scopes::Scope;
use super::calls::{Callee, Way, return_};
use super::exceptions::Catch;
use super::memory::Memory;
use super::ops::{arithmetic, convert, extend, select};
use super::pool::{Pool, SCRATCH_SIZE, Scratch, constant, load, store};
use super::signature::{Shape, TailCall, pick_type, struct_size};
use super::tracked::{self, Tracked};
use super::{Form, Machine, structs};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockArg, Function, InstBuilder, StackSlotData, StackSlotKind, TrapCode, Type,
    UserFuncName, Value, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

/// See the module.
pub type Statement = [u8; 8];

/// What a `trapnz` statement traps with.
const TRAPPED: TrapCode = TrapCode::unwrap_user(8);

/// Statements that a call of a function may execute, those of its callees included.
const MAX_COST: u64 = 20_000;

/// Statements of a function, and arguments and results of its calls. A few calls with a thousand results each
/// are enough.
const MAX_SIZE: usize = 4_000;

const MAX_DEPTH: usize = 4;

/// Bytes of a slot below all others. s390x has displacements of 20 bits with a sign; of the others x86-64 and Pulley have longer ones.
const LARGE_FRAME: u32 = 600_000;

/// How often a function calls itself at most.
const MAX_RECURSION: u64 = 3;

/// A body that is being made.
pub struct Body<'a> {
    index: usize,
    shapes: &'a [Shape],
    costs: &'a [u64],
    form: Form,
    builder: FunctionBuilder<'a>,
    scratch: Scratch,
    memory: Memory,
    pool: Pool,
    tracked: Tracked,
    scopes: Vec<Scope>,
    /// The counter of a recursive function, until it has called itself.
    recursion: Option<Value>,
    /// Where the function returns what is thrown, in [`Form::Interpreted`], if there is need of it.
    unwind: Option<Block>,
    /// How often the current statement is executed in one call.
    times: u64,
    cost: u64,
    /// What [`MAX_SIZE`] bounds. The values and instructions themselves differ with the [`Form`], which
    /// must not decide what the program does.
    size: usize,
}

impl<'a> Body<'a> {
    /// The function `%f{index}`, and how many statements a call executes.
    pub fn build(
        index: usize,
        shapes: &'a [Shape],
        costs: &'a [u64],
        statements: &[Statement],
        machine: Machine,
        form: Form,
    ) -> (Function, u64) {
        let name = UserFuncName::testcase(format!("f{index}"));
        let shape = &shapes[index];
        let mut func = Function::with_name_signature(name, shape.signature(form, machine));
        let mut context = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut func, &mut context);
        let slot_of = |size| StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4);
        if shape.has_large_frame {
            builder.create_sized_stack_slot(slot_of(LARGE_FRAME));
        }
        let slot = builder.create_sized_stack_slot(slot_of(SCRATCH_SIZE.into()));
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        let mut body = Body {
            index,
            shapes,
            costs,
            form,
            builder,
            scratch: Scratch { slot, machine },
            memory: Memory::default(),
            pool: Pool::default(),
            tracked: Tracked::default(),
            scopes: Vec::new(),
            recursion: None,
            unwind: None,
            times: 1,
            cost: 1,
            size: 0,
        };
        let mut params = body.builder.block_params(entry).to_vec();
        let out = shape.takes_out_pointer(form).then(|| params.remove(0));
        body.begin(&params);
        for statement in statements {
            body.statement(*statement);
        }
        while !body.scopes.is_empty() {
            body.close(0);
        }
        body.end(out);
        body.end_unwinding();
        let Body {
            mut builder,
            tracked,
            cost,
            ..
        } = body;
        tracked.declare(&mut builder);
        builder.seal_all_blocks();
        builder.finalize(machine.frontend_config());
        if form == Form::Interpreted {
            tracked::align_slots(&mut func);
        }
        (func, cost)
    }

    fn begin(&mut self, params: &[Value]) {
        let zero = self.builder.ins().iconst(types::I64, 0);
        let address = self.scratch.address(&mut self.builder);
        for offset in (0..i32::from(SCRATCH_SIZE)).step_by(8) {
            store(zero, address, offset, &mut self.builder);
        }
        for (value, param) in params.iter().zip(&self.shapes[self.index].params) {
            let Some(size) = struct_size(param) else {
                self.pool.add(*value);
                continue;
            };
            structs::take(*value, size, &mut self.pool, &mut self.builder);
        }
        if self.shapes[self.index].is_recursive
            && let Some(counter) = params.last()
        {
            let mask = i64::try_from(MAX_RECURSION).expect("a small number");
            let counter = self.builder.ins().band_imm_u(*counter, mask);
            self.recursion = Some(counter);
        }
    }

    /// Returns the newest values and some constants, the first integer being a sum of many, or what a function returns that is
    /// given these.
    fn end(&mut self, out: Option<Value>) {
        let sum = self.sum();
        self.throw_sometimes(sum);
        if let Some(tail_call) = self.shapes[self.index].tail_call
            && self.cost + self.costs[tail_call.index] <= MAX_COST
        {
            return self.end_by(tail_call, sum);
        }
        let mut sum = Some(sum);
        let mut results = Vec::new();
        let Shape {
            results: types,
            constant_results,
            ..
        } = &self.shapes[self.index];
        for (index, result) in types.iter().enumerate() {
            let ty = result.value_type;
            let is_sum = ty == types::I64;
            let value = sum.take_if(|_| is_sum).unwrap_or_else(|| {
                let choice = (index % 256) as u8;
                match constant_results & (1 << (index % 8)) {
                    0 => self.pick(ty, choice),
                    _ => constant(
                        ty,
                        choice.wrapping_mul(11),
                        &mut self.builder,
                        &self.scratch,
                    ),
                }
            });
            results.push(value);
        }
        self.add_nothing_thrown(&mut results);
        return_(&results, out, &mut self.builder);
    }

    fn end_by(&mut self, TailCall { index, is_indirect }: TailCall, sum: Value) {
        self.cost += self.costs[index];
        let types: Vec<Type> = (self.shapes[index].params.iter())
            .map(|param| param.value_type)
            .collect();
        let mut args = self.pick_args(&types, [0, 1]);
        if let Some(place) = types.iter().position(|ty| *ty == types::I64) {
            args[place] = sum;
        }
        let callee = Callee {
            index,
            shape: &self.shapes[index],
            form: self.form,
            machine: self.scratch.machine,
            unused: None,
            catches: &[],
            unwind: None,
        };
        if self.form != Form::Interpreted {
            return callee.return_call(is_indirect, &args, &mut self.builder);
        }
        let func = callee.import(&mut self.builder);
        let mut results = callee.call(Way::Direct, func, &args, &mut self.builder);
        self.add_nothing_thrown(&mut results);
        return_(&results, None, &mut self.builder);
    }

    /// One number of the newest values and of the scratch memory, in which their order counts.
    fn sum(&mut self) -> Value {
        let address = self.scratch.address(&mut self.builder);
        let builder = &mut self.builder;
        let seven = builder.ins().iconst(types::I8, 7);
        let mut sum = load(types::I64, address, 16, builder);
        for value in self.pool.newest(24) {
            let ty = builder.func.dfg.value_type(*value);
            let mut words = Vec::new();
            if ty.is_int() && ty.bits() <= 64 {
                words.push(extend(*value, builder));
            } else {
                store(*value, address, 0, builder);
                for offset in (0..ty.bytes().next_multiple_of(8)).step_by(8) {
                    let offset = i32::try_from(offset).expect("at most 8");
                    words.push(load(types::I64, address, offset, builder));
                }
            }
            for word in words {
                let turned = builder.ins().rotl(sum, seven);
                sum = builder.ins().bxor(turned, word);
            }
        }
        sum
    }

    fn pick(&mut self, ty: Type, choice: u8) -> Value {
        self.pool.pick(ty, choice, &mut self.builder, &self.scratch)
    }

    fn pick_args(&mut self, types: &[Type], choices: [u8; 2]) -> Vec<Value> {
        let pick = |(index, ty): (usize, &Type)| {
            let choice = choices[index % 2].wrapping_add((index / 2) as u8);
            self.pick(*ty, choice)
        };
        types.iter().enumerate().map(pick).collect()
    }

    fn statement(&mut self, [kind, a, b, c, d, e, f, _]: Statement) {
        self.cost += self.times;
        self.size += 1;
        if self.cost > MAX_COST || self.size > MAX_SIZE {
            return;
        }
        let ty = pick_type(a, self.scratch.machine);
        match kind % 32 {
            0..=8 => {
                let (builder, scratch) = (&mut self.builder, &self.scratch);
                let values = arithmetic(ty, [b, e, c, d, f], &self.pool, builder, scratch);
                values.into_iter().for_each(|value| self.pool.add(value));
            }
            9 | 10 => {
                let from = pick_type(b, self.scratch.machine);
                let value = self.pick(from, c);
                let value = convert(value, ty, d, &mut self.builder, &self.scratch);
                self.pool.add(value);
            }
            11 => {
                let value = constant(ty, b, &mut self.builder, &self.scratch);
                self.pool.add(value);
            }
            12 if e % 4 != 0 => {
                let operands = [self.pick(ty, b), self.pick(types::I64, b)];
                let to = pick_type(e / 4, self.scratch.machine);
                let (builder, scratch) = (&mut self.builder, &self.scratch);
                let choices = [c, d, e, f];
                let value =
                    (self.memory).access(operands, to, choices, &self.pool, builder, scratch);
                self.pool.add(value);
            }
            12 => {
                let value = self.pick(ty, b);
                let address = self.scratch.address(&mut self.builder);
                let offset = i32::from(c % (SCRATCH_SIZE - 15));
                store(value, address, offset, &mut self.builder);
            }
            13 => {
                let address = self.scratch.address(&mut self.builder);
                let offset = i32::from(c % (SCRATCH_SIZE - 15));
                let value = load(ty, address, offset, &mut self.builder);
                self.pool.add(value);
            }
            14 => {
                let condition = self.pick(types::I8, b);
                let (left, right) = (self.pick(ty, c), self.pick(ty, d));
                let value = select(condition, left, right, &mut self.builder, &self.scratch);
                self.pool.add(value);
            }
            15..=18 => self.call(Way::Direct, a, [b, c, d, e]),
            19 | 20 => self.call(Way::Indirect, a, [b, c, d, e]),
            21 => self.call(Way::Try, a, [b, c, d, e]),
            22 => self.call(Way::TryIndirect, a, [b, c, d, e]),
            23 => self.recurse(a, [b, c, d, e]),
            24 => self.open_branch(2, a, [b, c, d]),
            25 => self.open_branch(2 + usize::from(e % 3), a, [b, c, d]),
            26 => self.open_loop(1 + u64::from(e % 3), [b, c, d]),
            27..=30 => self.close(a),
            31 if self.throws() && e % 4 != 0 => self.throw_if([b, c, d, e]),
            _ => {
                // One value in 256, or in 8, so that most programs end.
                let value = self.pick(types::I8, b);
                let mask = [0xff, 0x83][usize::from(d % 4 == 3)];
                let value = self.builder.ins().band_imm_u(value, mask);
                let unlikely = (0x80 | i64::from(c)) & mask;
                let ins = self.builder.ins();
                let traps = ins.icmp_imm_u(IntCC::Equal, value, unlikely);
                self.builder.ins().trapnz(traps, TRAPPED);
            }
        }
        let machine = self.scratch.machine;
        (self.tracked).track(f, &self.pool, machine, &mut self.builder);
    }

    /// Calls a function with a greater number.
    fn call(&mut self, way: Way, choice: u8, choices: [u8; 4]) {
        let later = self.shapes.len() - self.index - 1;
        if later == 0 {
            return;
        }
        let index = self.index + 1 + usize::from(choice) % later;
        let cost = self.times * self.costs[index];
        if self.cost + cost > MAX_COST || !self.can_call(index) {
            return;
        }
        self.cost += cost;
        self.emit_call(index, way, choices, None);
    }

    /// Calls this function, once, if the counter is not zero.
    fn recurse(&mut self, choice: u8, choices: [u8; 4]) {
        // In a loop or a branch it would be too often or of no effect on the values behind.
        if !self.scopes.is_empty() || self.cost > MAX_COST / (MAX_RECURSION + 1) {
            return;
        }
        let Some(counter) = self.recursion.take() else {
            return;
        };
        let (again, end) = (self.builder.create_block(), self.builder.create_block());
        let types: Vec<Type> = self.shapes[self.index]
            .results
            .iter()
            .map(|result| result.value_type)
            .collect();
        let values = self.pick_args(&types, [choices[0], choices[1]]);
        for ty in types {
            self.builder.append_block_param(end, ty);
        }
        let args = block_args(&values);
        self.builder.ins().brif(counter, again, [], end, &args);
        self.builder.switch_to_block(again);
        let less = self.builder.ins().iadd_imm_s(counter, -1);
        let way = [Way::Direct, Way::Indirect, Way::Try][usize::from(choice) % 3];
        let pool = self.pool.len();
        let results = self.emit_call(self.index, way, choices, Some(less));
        self.pool.truncate(pool);
        let args = block_args(&results);
        self.builder.ins().jump(end, &args);
        self.builder.switch_to_block(end);
        for value in self.builder.block_params(end).to_vec() {
            self.pool.add(value);
        }
        self.cost *= MAX_RECURSION + 1;
    }

    fn emit_call(
        &mut self,
        index: usize,
        way: Way,
        [b, c, d, e]: [u8; 4],
        last: Option<Value>,
    ) -> Vec<Value> {
        let shape = &self.shapes[index];
        let (way, handlers) = self.handlers(index, way, [d, e]);
        let catches: Vec<Catch> = handlers.iter().map(|h| h.catch.clone()).collect();
        let callee = Callee {
            index,
            shape,
            form: self.form,
            machine: self.scratch.machine,
            // A normal edge need not pass on all. The results of a recursive call are block arguments.
            unused: match way {
                Way::Try | Way::TryIndirect if last.is_none() => Some(usize::from(b % 8)),
                _ => None,
            },
            catches: &catches,
            unwind: self.unwinding(index),
        };
        self.size += shape.params.len() + shape.results.len() * (1 + handlers.len());
        let types: Vec<Type> = shape.params.iter().map(|p| p.value_type).collect();
        let mut args = self.pick_args(&types, [b, c]);
        let mut owned = Vec::new();
        for (arg, param) in args.iter_mut().zip(&shape.params) {
            if let Some(size) = struct_size(param) {
                let (builder, scratch) = (&mut self.builder, &self.scratch);
                let [own, passed] = structs::make(*arg, size, self.form, builder, scratch);
                owned.push((own, size));
                *arg = passed;
            }
        }
        if let (Some(value), Some(last)) = (last, args.last_mut()) {
            *last = value;
        }
        let func = callee.import(&mut self.builder);
        let results = callee.call(way, func, &args, &mut self.builder);
        let results = self.handle(handlers, results);
        results.iter().for_each(|result| self.pool.add(*result));
        for (own, size) in owned {
            structs::check(own, size, &mut self.pool, &mut self.builder);
        }
        results
    }
}

fn block_args(values: &[Value]) -> Vec<BlockArg> {
    values.iter().copied().map(BlockArg::Value).collect()
}

//! Loops and branches, which statements open and close.

use super::super::signature::pick_type;
use super::{Body, MAX_DEPTH, block_args};
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, InstBuilder, JumpTableData, Type, Value, types,
};

/// A loop or a branch that is open.
pub(super) struct Scope {
    /// What becomes of the values in it: types of the parameters of `end`.
    types: Vec<Type>,
    /// Where it goes on behind the scope.
    end: Block,
    /// The size of the pool around it.
    pool: usize,
    kind: Kind,
}

enum Kind {
    /// The arms that follow.
    Branch(Vec<Block>),
    /// The header, and the counter in it.
    Loop {
        header: Block,
        counter: Value,
        times: u64,
    },
}

impl Body<'_> {
    /// Begins a branch of two arms by a condition, or of more by a table.
    pub(super) fn open_branch(&mut self, arms: usize, ty: u8, [b, c, d]: [u8; 3]) {
        if self.scopes.len() >= MAX_DEPTH {
            return;
        }
        let machine = self.scratch.machine;
        let types = vec![pick_type(ty, machine), pick_type(b, machine)];
        let end = self.builder.create_block();
        for ty in &types {
            self.builder.append_block_param(end, *ty);
        }
        let mut blocks: Vec<Block> = (0..arms).map(|_| self.builder.create_block()).collect();
        if let [yes, no] = blocks[..] {
            let condition = self.pick(types::I8, c);
            self.builder.ins().brif(condition, yes, [], no, []);
        } else {
            let index = self.pick(types::I32, c);
            let small = self.builder.ins().band_imm_u(index, 3);
            let index = [small, index][usize::from(d % 2)];
            let lists = &mut self.builder.func.dfg.value_lists;
            let mut calls = blocks.iter().map(|block| BlockCall::new(*block, [], lists));
            let default = calls.next().expect("more than two arms");
            let table = JumpTableData::new(default, &calls.collect::<Vec<_>>());
            let table = self.builder.create_jump_table(table);
            self.builder.ins().br_table(index, table);
        }
        self.builder.switch_to_block(blocks.remove(0));
        self.scopes.push(Scope {
            types,
            end,
            pool: self.pool.len(),
            kind: Kind::Branch(blocks),
        });
    }

    /// Begins a loop that is gone through so many times.
    pub(super) fn open_loop(&mut self, times: u64, [b, c, d]: [u8; 3]) {
        if self.scopes.len() >= MAX_DEPTH {
            return;
        }
        let machine = self.scratch.machine;
        let types = vec![pick_type(b, machine), pick_type(c, machine)];
        let (header, end) = (self.builder.create_block(), self.builder.create_block());
        let counter = self.builder.append_block_param(header, types::I8);
        let count = i64::try_from(times).expect("a small number");
        let mut values = vec![self.builder.ins().iconst(types::I8, count)];
        values.extend(self.pick_args(&types, [d, d]));
        self.builder.ins().jump(header, &block_args(&values));
        self.builder.switch_to_block(header);
        let pool = self.pool.len();
        for ty in &types {
            let value = self.builder.append_block_param(header, *ty);
            self.pool.add(value);
            self.builder.append_block_param(end, *ty);
        }
        self.times *= times;
        self.scopes.push(Scope {
            types,
            end,
            pool,
            kind: Kind::Loop {
                header,
                counter,
                times,
            },
        });
    }

    /// Goes to the next arm of the innermost branch, or ends the innermost loop or branch.
    pub(super) fn close(&mut self, choice: u8) {
        let Some(mut scope) = self.scopes.pop() else {
            return;
        };
        let values = self.pick_args(&scope.types, [choice, choice]);
        let args = block_args(&values);
        match &mut scope.kind {
            Kind::Branch(arms) => {
                self.builder.ins().jump(scope.end, &args);
                if !arms.is_empty() {
                    let arm = arms.remove(0);
                    self.pool.truncate(scope.pool);
                    self.builder.switch_to_block(arm);
                    self.scopes.push(scope);
                    return;
                }
            }
            Kind::Loop {
                header,
                counter,
                times,
            } => {
                self.times /= *times;
                let less = self.builder.ins().iadd_imm_s(*counter, -1);
                let mut again = vec![BlockArg::Value(less)];
                again.extend(&args);
                self.builder
                    .ins()
                    .brif(less, *header, &again, scope.end, &args);
            }
        }
        self.pool.truncate(scope.pool);
        self.builder.switch_to_block(scope.end);
        for value in self.builder.block_params(scope.end).to_vec() {
            self.pool.add(value);
        }
    }
}

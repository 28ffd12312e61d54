//! Blocks, branches and calls.

use super::{Translator, malformed};
use crate::error::{Error, Trap};
use crate::types::{FuncType, ValType};
use crate::vmcontext;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, InstBuilder, JumpTableData, MemFlagsData, SigRef, Value, types,
};
use wasmparser::{BlockType, BrTable, Operator};

/// A construct that is open.
pub(super) struct Frame {
    /// Where it ends; its parameters are the results.
    exit: Block,
    /// Of a loop, its beginning, where branches go.
    header: Option<Block>,
    /// Of an `if`, the other way and the parameters.
    otherwise: Option<(Block, Vec<Value>)>,
    /// The operands below its parameters.
    height: usize,
    /// How many operands a branch takes. A block may have more parameters, for locals.
    arity: usize,
    /// How many there are at the end.
    results: usize,
    /// Does anything go to the exit?
    exits: bool,
    /// Opened where nothing is reached.
    dead: bool,
}

impl Translator<'_, '_> {
    pub(super) fn enter_function(&mut self, ty: &FuncType) {
        let exit = self.block(&ty.results);
        self.open(exit, None, None, (0, ty.results.len()));
    }

    /// Translates an operator of this file, or says that it is none.
    pub(super) fn control(&mut self, operator: &Operator<'_>) -> Result<bool, Error> {
        match *operator {
            Operator::Block { blockty } => self.enter(blockty, false)?,
            Operator::Loop { blockty } => self.enter(blockty, true)?,
            Operator::If { blockty } => self.enter_if(blockty)?,
            Operator::Else => self.otherwise()?,
            Operator::End => self.end()?,
            _ if !self.reachable => return Ok(false),
            Operator::Unreachable => {
                let block = self.trap_block(Trap::Unreachable);
                self.builder.ins().jump(block, &[]);
                self.reachable = false;
            }
            Operator::Nop => {}
            Operator::Br { relative_depth } => {
                let (target, args) = self.target(relative_depth)?;
                self.builder.ins().jump(target, &args);
                self.reachable = false;
            }
            Operator::BrIf { relative_depth } => {
                let condition = self.pop()?;
                let (target, args) = self.target(relative_depth)?;
                let next = self.builder.create_block();
                (self.builder.ins()).brif(condition, target, &args, next, &[]);
                self.builder.seal_block(next);
                self.builder.switch_to_block(next);
            }
            Operator::BrTable { ref targets } => self.br_table(targets)?,
            Operator::Return => {
                let outermost = self.frames.len() - 1;
                let (target, args) = self.target(outermost as u32)?;
                self.builder.ins().jump(target, &args);
                self.reachable = false;
            }
            Operator::Call { function_index } => self.call(function_index)?,
            Operator::CallIndirect {
                type_index,
                table_index,
            } => self.call_indirect(type_index, table_index)?,
            Operator::Drop => {
                self.pop()?;
            }
            Operator::Select | Operator::TypedSelect { .. } => {
                let (condition, no, yes) = (self.pop()?, self.pop()?, self.pop()?);
                let value = self.builder.ins().select(condition, yes, no);
                self.push(value);
            }
            Operator::LocalGet { local_index } => {
                let local = self.variable(local_index)?;
                let value = self.builder.use_var(local);
                self.push(value);
            }
            Operator::LocalSet { local_index } => {
                let (local, value) = (self.variable(local_index)?, self.pop()?);
                self.builder.def_var(local, value);
            }
            Operator::LocalTee { local_index } => {
                let (local, value) = (self.variable(local_index)?, self.pop()?);
                self.builder.def_var(local, value);
                self.push(value);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn variable(&self, index: u32) -> Result<cranelift_frontend::Variable, Error> {
        let local = self.locals.get(index as usize);
        local.copied().ok_or_else(malformed)
    }

    fn block(&mut self, params: &[ValType]) -> Block {
        let block = self.builder.create_block();
        for ty in params {
            self.builder.append_block_param(block, ty.clif());
        }
        block
    }

    fn block_type(&self, ty: BlockType) -> Result<FuncType, Error> {
        Ok(match ty {
            BlockType::Empty => FuncType::default(),
            BlockType::Type(ty) => FuncType {
                params: vec![],
                results: vec![ValType::of(ty)?],
            },
            BlockType::FuncType(index) => {
                self.environment.declarations.types[index as usize].clone()
            }
        })
    }

    fn open(
        &mut self,
        exit: Block,
        header: Option<Block>,
        otherwise: Option<(Block, Vec<Value>)>,
        (params, results): (usize, usize),
    ) {
        self.frames.push(Frame {
            exit,
            header,
            arity: if header.is_some() { params } else { results },
            results,
            otherwise,
            height: self.stack.len().saturating_sub(params),
            exits: false,
            dead: !self.reachable,
        });
    }

    fn enter(&mut self, ty: BlockType, is_loop: bool) -> Result<(), Error> {
        let ty = self.block_type(ty)?;
        let exit = self.block(&ty.results);
        let mut header = None;
        if is_loop && self.reachable {
            let block = self.block(&ty.params);
            let args = self.pop_many(ty.params.len())?;
            self.builder.ins().jump(block, &block_args(&args));
            self.builder.switch_to_block(block);
            self.stack
                .extend_from_slice(self.builder.block_params(block));
            header = Some(block);
        }
        self.open(exit, header, None, (ty.params.len(), ty.results.len()));
        Ok(())
    }

    fn enter_if(&mut self, ty: BlockType) -> Result<(), Error> {
        let ty = self.block_type(ty)?;
        let exit = self.block(&ty.results);
        let mut otherwise = None;
        if self.reachable {
            let condition = self.pop()?;
            let (yes, no) = (self.builder.create_block(), self.builder.create_block());
            self.builder.ins().brif(condition, yes, &[], no, &[]);
            self.builder.seal_block(yes);
            self.builder.seal_block(no);
            self.builder.switch_to_block(yes);
            let params = self.pop_many(ty.params.len())?;
            self.stack.extend_from_slice(&params);
            otherwise = Some((no, params));
        }
        self.open(exit, None, otherwise, (ty.params.len(), ty.results.len()));
        Ok(())
    }

    /// Goes to the exit of a frame from its end, if that is reached.
    fn fall_through(&mut self, frame: &mut Frame) -> Result<(), Error> {
        if self.reachable {
            let args = self.pop_many(frame.results)?;
            self.builder.ins().jump(frame.exit, &block_args(&args));
            frame.exits = true;
        }
        Ok(())
    }

    fn otherwise(&mut self) -> Result<(), Error> {
        let mut frame = self.frames.pop().ok_or_else(malformed)?;
        if !frame.dead {
            self.fall_through(&mut frame)?;
            let (block, params) = frame.otherwise.take().ok_or_else(malformed)?;
            self.stack.truncate(frame.height);
            self.stack.extend_from_slice(&params);
            self.builder.switch_to_block(block);
            self.reachable = true;
        }
        self.frames.push(frame);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        let mut frame = self.frames.pop().ok_or_else(malformed)?;
        if frame.dead {
            return Ok(());
        }
        self.fall_through(&mut frame)?;
        if let Some((block, params)) = frame.otherwise.take() {
            self.builder.switch_to_block(block);
            self.builder.ins().jump(frame.exit, &block_args(&params));
            frame.exits = true;
        }
        if let Some(header) = frame.header {
            self.builder.seal_block(header);
        }
        self.stack.truncate(frame.height);
        self.reachable = frame.exits;
        if frame.exits {
            self.builder.seal_block(frame.exit);
            self.builder.switch_to_block(frame.exit);
            let results = &self.builder.block_params(frame.exit)[..frame.results];
            self.stack.extend_from_slice(results);
            if self.frames.is_empty() {
                let results = std::mem::take(&mut self.stack);
                self.builder.ins().return_(&results);
            }
        }
        Ok(())
    }

    /// Where a branch goes, with which arguments. They stay operands.
    fn target(&mut self, depth: u32) -> Result<(Block, Vec<BlockArg>), Error> {
        let index = self.frames.len().checked_sub(1 + depth as usize);
        let frame = index.and_then(|index| self.frames.get_mut(index));
        let frame = frame.ok_or_else(malformed)?;
        let target = frame.header.unwrap_or(frame.exit);
        frame.exits |= frame.header.is_none();
        let first = self
            .stack
            .len()
            .checked_sub(frame.arity)
            .ok_or_else(malformed)?;
        Ok((target, block_args(&self.stack[first..])))
    }

    fn br_table(&mut self, targets: &BrTable<'_>) -> Result<(), Error> {
        let index = self.pop()?;
        let default = self.block_call(targets.default())?;
        let mut calls = Vec::new();
        for depth in targets.targets() {
            calls.push(self.block_call(depth?)?);
        }
        let table = self
            .builder
            .create_jump_table(JumpTableData::new(default, &calls));
        self.builder.ins().br_table(index, table);
        self.reachable = false;
        Ok(())
    }

    fn block_call(&mut self, depth: u32) -> Result<BlockCall, Error> {
        let (target, args) = self.target(depth)?;
        let pool = &mut self.builder.func.dfg.value_lists;
        Ok(BlockCall::new(target, args, pool))
    }

    fn signature(&mut self, ty: u32) -> SigRef {
        let builder = &mut self.builder;
        let signature = &self.environment.signatures[ty as usize];
        let import = || builder.import_signature(signature.clone());
        *self.signatures.entry(ty).or_insert_with(import)
    }

    /// An import is called as any C function is: its address and its context are loaded, and that is all.
    fn call(&mut self, index: u32) -> Result<(), Error> {
        let declarations = self.environment.declarations;
        let ty = declarations.functions[index as usize];
        let args = self.pop_many(declarations.types[ty as usize].params.len())?;
        let call = match (index as usize).checked_sub(declarations.imported_functions) {
            None => {
                let record = self.environment.layout.function(index);
                let code = self.context_load(record + vmcontext::CODE);
                let context = self.context_load(record + vmcontext::CONTEXT);
                let args = with_context(context, &args);
                let signature = self.signature(ty);
                self.builder.ins().call_indirect(signature, code, &args)
            }
            Some(defined) => {
                let function = self.function(self.environment.functions[defined]);
                let args = with_context(self.vmctx, &args);
                self.builder.ins().call(function, &args)
            }
        };
        self.stack
            .extend_from_slice(self.builder.inst_results(call));
        Ok(())
    }

    fn call_indirect(&mut self, ty: u32, table: u32) -> Result<(), Error> {
        let index = self.pop()?;
        let args = self.pop_many(
            self.environment.declarations.types[ty as usize]
                .params
                .len(),
        )?;
        let element = self.element(table, index, Trap::UndefinedElement);
        let flags = MemFlagsData::trusted();
        let record = self.builder.ins().load(types::I64, flags, element, 0);
        let is_null = self.builder.ins().icmp_imm_u(IntCC::Equal, record, 0);
        self.trap_if(is_null, Trap::UninitializedElement);
        let found = (self.builder.ins()).load(types::I64, flags, record, vmcontext::TYPE);
        let expected = self.environment.declarations.types[ty as usize].id() as i64;
        let is_right = (self.builder.ins()).icmp_imm_u(IntCC::Equal, found, expected);
        self.trap_unless(is_right, Trap::IndirectCallType);
        let code = (self.builder.ins()).load(types::I64, flags, record, vmcontext::CODE);
        let context = (self.builder.ins()).load(types::I64, flags, record, vmcontext::CONTEXT);
        let args = with_context(context, &args);
        let signature = self.signature(ty);
        let call = self.builder.ins().call_indirect(signature, code, &args);
        self.stack
            .extend_from_slice(self.builder.inst_results(call));
        Ok(())
    }
}

fn block_args(values: &[Value]) -> Vec<BlockArg> {
    values.iter().copied().map(BlockArg::Value).collect()
}

fn with_context(context: Value, args: &[Value]) -> Vec<Value> {
    [context].into_iter().chain(args.iter().copied()).collect()
}

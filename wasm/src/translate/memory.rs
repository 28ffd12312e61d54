//! Memories, tables, globals and references.

use super::{Translator, malformed};
use crate::builtins::Builtin;
use crate::error::{Error, Trap};
use crate::memory::{BASE, LENGTH};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use wasmparser::{MemArg, Operator};

/// How a value is wider than what is loaded for it.
#[derive(Clone, Copy)]
enum Widen {
    No,
    Signed(Type),
    Unsigned(Type),
}

impl Translator<'_, '_> {
    /// Translates an operator of this file, or says that it is none.
    pub(super) fn memory(&mut self, operator: &Operator<'_>) -> Result<bool, Error> {
        use Widen::{No, Signed, Unsigned};
        use types::{F32, F64, I8, I16, I32, I64};
        match *operator {
            Operator::I32Load { memarg } => self.load(memarg, I32, No)?,
            Operator::I64Load { memarg } => self.load(memarg, I64, No)?,
            Operator::F32Load { memarg } => self.load(memarg, F32, No)?,
            Operator::F64Load { memarg } => self.load(memarg, F64, No)?,
            Operator::I32Load8S { memarg } => self.load(memarg, I8, Signed(I32))?,
            Operator::I32Load8U { memarg } => self.load(memarg, I8, Unsigned(I32))?,
            Operator::I32Load16S { memarg } => self.load(memarg, I16, Signed(I32))?,
            Operator::I32Load16U { memarg } => self.load(memarg, I16, Unsigned(I32))?,
            Operator::I64Load8S { memarg } => self.load(memarg, I8, Signed(I64))?,
            Operator::I64Load8U { memarg } => self.load(memarg, I8, Unsigned(I64))?,
            Operator::I64Load16S { memarg } => self.load(memarg, I16, Signed(I64))?,
            Operator::I64Load16U { memarg } => self.load(memarg, I16, Unsigned(I64))?,
            Operator::I64Load32S { memarg } => self.load(memarg, I32, Signed(I64))?,
            Operator::I64Load32U { memarg } => self.load(memarg, I32, Unsigned(I64))?,
            Operator::I32Store { memarg }
            | Operator::I64Store { memarg }
            | Operator::F32Store { memarg }
            | Operator::F64Store { memarg } => self.store(memarg, None)?,
            Operator::I32Store8 { memarg } | Operator::I64Store8 { memarg } => {
                self.store(memarg, Some(I8))?;
            }
            Operator::I32Store16 { memarg } | Operator::I64Store16 { memarg } => {
                self.store(memarg, Some(I16))?;
            }
            Operator::I64Store32 { memarg } => self.store(memarg, Some(I32))?,
            Operator::MemorySize { mem } => {
                let memory = self.context_load(self.environment.layout.memory(mem));
                let bytes = self.field(memory, LENGTH);
                let pages = self.builder.ins().ushr_imm_u(bytes, 16);
                let pages = self.builder.ins().ireduce(I32, pages);
                self.push(pages);
            }
            Operator::MemoryGrow { .. } => self.call_builtin(Builtin::MemoryGrow, &[], 1)?,
            Operator::MemoryFill { .. } => self.call_builtin(Builtin::MemoryFill, &[], 3)?,
            Operator::MemoryCopy { .. } => self.call_builtin(Builtin::MemoryCopy, &[], 3)?,
            Operator::MemoryInit { data_index, .. } => {
                self.call_builtin(Builtin::MemoryInit, &[data_index], 3)?;
            }
            Operator::DataDrop { data_index } => {
                self.call_builtin(Builtin::DataDrop, &[data_index], 0)?;
            }
            Operator::TableGrow { table } => self.call_builtin(Builtin::TableGrow, &[table], 2)?,
            Operator::TableFill { table } => self.call_builtin(Builtin::TableFill, &[table], 3)?,
            Operator::TableCopy {
                dst_table,
                src_table,
            } => self.call_builtin(Builtin::TableCopy, &[dst_table, src_table], 3)?,
            Operator::TableInit { elem_index, table } => {
                self.call_builtin(Builtin::TableInit, &[table, elem_index], 3)?;
            }
            Operator::ElemDrop { elem_index } => {
                self.call_builtin(Builtin::ElemDrop, &[elem_index], 0)?;
            }
            Operator::TableSize { table } => {
                let table = self.context_load(self.environment.layout.table(table));
                let length = self.field(table, LENGTH);
                let length = self.builder.ins().ireduce(I32, length);
                self.push(length);
            }
            Operator::TableGet { table } => {
                let index = self.pop()?;
                let element = self.element(table, index, Trap::TableOutOfBounds);
                let value = self.field(element, 0);
                self.push(value);
            }
            Operator::TableSet { table } => {
                let (value, index) = (self.pop()?, self.pop()?);
                let element = self.element(table, index, Trap::TableOutOfBounds);
                let flags = MemFlagsData::trusted();
                self.builder.ins().store(flags, value, element, 0);
            }
            Operator::GlobalGet { global_index } => {
                let ty = self.environment.declarations.globals[global_index as usize].value;
                let global = self.context_load(self.environment.layout.global(global_index));
                let flags = MemFlagsData::trusted();
                let value = self.builder.ins().load(ty.clif(), flags, global, 0);
                self.push(value);
            }
            Operator::GlobalSet { global_index } => {
                let value = self.pop()?;
                let global = self.context_load(self.environment.layout.global(global_index));
                let flags = MemFlagsData::trusted();
                self.builder.ins().store(flags, value, global, 0);
            }
            Operator::RefNull { .. } => {
                let null = self.builder.ins().iconst(I64, 0);
                self.push(null);
            }
            Operator::RefIsNull => {
                let value = self.pop()?;
                let is_null = self.builder.ins().icmp_imm_u(IntCC::Equal, value, 0);
                let is_null = self.builder.ins().uextend(I32, is_null);
                self.push(is_null);
            }
            Operator::RefFunc { function_index } => {
                let offset = self.environment.layout.function(function_index);
                let address = self.builder.ins().iadd_imm_s(self.vmctx, i64::from(offset));
                self.push(address);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn field(&mut self, pointer: Value, offset: i32) -> Value {
        let flags = MemFlagsData::trusted();
        (self.builder.ins()).load(types::I64, flags, pointer, offset)
    }

    /// Calls a function in Rust with indices, and operands as they are.
    fn call_builtin(
        &mut self,
        builtin: Builtin,
        indices: &[u32],
        operands: usize,
    ) -> Result<(), Error> {
        let mut args: Vec<_> = indices.iter().map(|&index| self.index(index)).collect();
        args.extend(self.pop_many(operands)?);
        let result = self.builtin_with_context(builtin, &args);
        self.stack.extend(result);
        Ok(())
    }

    /// The address of an element, which is in the table.
    pub(super) fn element(&mut self, table: u32, index: Value, trap: Trap) -> Value {
        let table = self.context_load(self.environment.layout.table(table));
        let length = self.field(table, LENGTH);
        let index = self.builder.ins().uextend(types::I64, index);
        let ins = self.builder.ins();
        let outside = ins.icmp(IntCC::UnsignedGreaterThanOrEqual, index, length);
        self.trap_if(outside, trap);
        let base = self.field(table, BASE);
        let offset = self.builder.ins().ishl_imm_u(index, 3);
        self.builder.ins().iadd(base, offset)
    }

    /// The address of so many bytes, all of which are in the memory.
    fn address(&mut self, memarg: MemArg, index: Value, size: u32) -> Result<Value, Error> {
        let memory = self.context_load(self.environment.layout.memory(0));
        let length = self.field(memory, LENGTH);
        // Both are below 2^32, and so is nothing that wraps.
        let offset = i64::from(u32::try_from(memarg.offset).map_err(|_| malformed())?);
        let index = self.builder.ins().uextend(types::I64, index);
        let end = (self.builder.ins()).iadd_imm_s(index, offset + i64::from(size));
        let outside = (self.builder.ins()).icmp(IntCC::UnsignedGreaterThan, end, length);
        self.trap_if(outside, Trap::MemoryOutOfBounds);
        let base = self.field(memory, BASE);
        let address = self.builder.ins().iadd(base, index);
        Ok(self.builder.ins().iadd_imm_s(address, offset))
    }

    fn load(&mut self, memarg: MemArg, ty: Type, widen: Widen) -> Result<(), Error> {
        let index = self.pop()?;
        let address = self.address(memarg, index, ty.bytes())?;
        let value = self.builder.ins().load(ty, linear_memory(), address, 0);
        let value = match widen {
            Widen::No => value,
            Widen::Signed(wide) => self.builder.ins().sextend(wide, value),
            Widen::Unsigned(wide) => self.builder.ins().uextend(wide, value),
        };
        self.push(value);
        Ok(())
    }

    fn store(&mut self, memarg: MemArg, narrow: Option<Type>) -> Result<(), Error> {
        let (value, index) = (self.pop()?, self.pop()?);
        let value = match narrow {
            Some(ty) => self.builder.ins().ireduce(ty, value),
            None => value,
        };
        let size = self.builder.func.dfg.value_type(value).bytes();
        let address = self.address(memarg, index, size)?;
        self.builder.ins().store(linear_memory(), value, address, 0);
        Ok(())
    }
}

/// Checked, but of any alignment.
fn linear_memory() -> MemFlagsData {
    MemFlagsData::new()
        .with_notrap()
        .with_endianness(Endianness::Little)
}

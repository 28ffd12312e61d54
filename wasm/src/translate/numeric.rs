//! Numbers.

use super::Translator;
use crate::error::{Error, Trap};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use types::{F32, F64, I8, I16, I32, I64};
use wasmparser::Operator;

/// One operand, the instruction of the same meaning.
macro_rules! unary {
    ($self:ident $instruction:ident $($ty:expr)?) => {{
        let value = $self.pop()?;
        let value = $self.builder.ins().$instruction($($ty,)? value);
        $self.push(value);
    }};
}

/// Two operands, the instruction of the same meaning.
macro_rules! binary {
    ($self:ident $instruction:ident) => {{
        let (right, left) = ($self.pop()?, $self.pop()?);
        let value = $self.builder.ins().$instruction(left, right);
        $self.push(value);
    }};
}

impl Translator<'_, '_> {
    /// Translates an operator of this file, or says that it is none.
    pub(super) fn numeric(&mut self, operator: &Operator<'_>) -> Result<bool, Error> {
        match *operator {
            Operator::I32Const { value } => {
                let value = self.builder.ins().iconst(I32, i64::from(value as u32));
                self.push(value);
            }
            Operator::I64Const { value } => {
                let value = self.builder.ins().iconst(I64, value);
                self.push(value);
            }
            Operator::F32Const { value } => {
                let value = Ieee32::with_bits(value.bits());
                let value = self.builder.ins().f32const(value);
                self.push(value);
            }
            Operator::F64Const { value } => {
                let value = Ieee64::with_bits(value.bits());
                let value = self.builder.ins().f64const(value);
                self.push(value);
            }
            Operator::I32Clz | Operator::I64Clz => unary!(self clz),
            Operator::I32Ctz | Operator::I64Ctz => unary!(self ctz),
            Operator::I32Popcnt | Operator::I64Popcnt => unary!(self popcnt),
            Operator::I32Add | Operator::I64Add => binary!(self iadd),
            Operator::I32Sub | Operator::I64Sub => binary!(self isub),
            Operator::I32Mul | Operator::I64Mul => binary!(self imul),
            Operator::I32And | Operator::I64And => binary!(self band),
            Operator::I32Or | Operator::I64Or => binary!(self bor),
            Operator::I32Xor | Operator::I64Xor => binary!(self bxor),
            Operator::I32Shl | Operator::I64Shl => binary!(self ishl),
            Operator::I32ShrS | Operator::I64ShrS => binary!(self sshr),
            Operator::I32ShrU | Operator::I64ShrU => binary!(self ushr),
            Operator::I32Rotl | Operator::I64Rotl => binary!(self rotl),
            Operator::I32Rotr | Operator::I64Rotr => binary!(self rotr),
            Operator::I32DivS | Operator::I64DivS => {
                self.check_divisor(true)?;
                binary!(self sdiv)
            }
            Operator::I32DivU | Operator::I64DivU => {
                self.check_divisor(false)?;
                binary!(self udiv)
            }
            Operator::I32RemS | Operator::I64RemS => {
                self.check_divisor(false)?;
                binary!(self srem)
            }
            Operator::I32RemU | Operator::I64RemU => {
                self.check_divisor(false)?;
                binary!(self urem)
            }
            Operator::F32Abs | Operator::F64Abs => unary!(self fabs),
            Operator::F32Neg | Operator::F64Neg => unary!(self fneg),
            Operator::F32Ceil | Operator::F64Ceil => unary!(self ceil),
            Operator::F32Floor | Operator::F64Floor => unary!(self floor),
            Operator::F32Trunc | Operator::F64Trunc => unary!(self trunc),
            Operator::F32Nearest | Operator::F64Nearest => unary!(self nearest),
            Operator::F32Sqrt | Operator::F64Sqrt => unary!(self sqrt),
            Operator::F32Add | Operator::F64Add => binary!(self fadd),
            Operator::F32Sub | Operator::F64Sub => binary!(self fsub),
            Operator::F32Mul | Operator::F64Mul => binary!(self fmul),
            Operator::F32Div | Operator::F64Div => binary!(self fdiv),
            Operator::F32Min | Operator::F64Min => binary!(self fmin),
            Operator::F32Max | Operator::F64Max => binary!(self fmax),
            Operator::F32Copysign | Operator::F64Copysign => binary!(self fcopysign),
            _ => return Ok(self.comparison(operator)? || self.conversion(operator)?),
        }
        Ok(true)
    }

    fn comparison(&mut self, operator: &Operator<'_>) -> Result<bool, Error> {
        match operator {
            Operator::I32Eqz | Operator::I64Eqz => {
                let value = self.pop()?;
                let is_zero = self.builder.ins().icmp_imm_u(IntCC::Equal, value, 0);
                let is_zero = self.builder.ins().uextend(I32, is_zero);
                self.push(is_zero);
            }
            Operator::I32Eq | Operator::I64Eq => self.compare(IntCC::Equal)?,
            Operator::I32Ne | Operator::I64Ne => self.compare(IntCC::NotEqual)?,
            Operator::I32LtS | Operator::I64LtS => self.compare(IntCC::SignedLessThan)?,
            Operator::I32LtU | Operator::I64LtU => self.compare(IntCC::UnsignedLessThan)?,
            Operator::I32GtS | Operator::I64GtS => self.compare(IntCC::SignedGreaterThan)?,
            Operator::I32GtU | Operator::I64GtU => self.compare(IntCC::UnsignedGreaterThan)?,
            Operator::I32LeS | Operator::I64LeS => self.compare(IntCC::SignedLessThanOrEqual)?,
            Operator::I32LeU | Operator::I64LeU => self.compare(IntCC::UnsignedLessThanOrEqual)?,
            Operator::I32GeS | Operator::I64GeS => self.compare(IntCC::SignedGreaterThanOrEqual)?,
            Operator::I32GeU | Operator::I64GeU => {
                self.compare(IntCC::UnsignedGreaterThanOrEqual)?;
            }
            Operator::F32Eq | Operator::F64Eq => self.compare_floats(FloatCC::Equal)?,
            Operator::F32Ne | Operator::F64Ne => self.compare_floats(FloatCC::NotEqual)?,
            Operator::F32Lt | Operator::F64Lt => self.compare_floats(FloatCC::LessThan)?,
            Operator::F32Gt | Operator::F64Gt => self.compare_floats(FloatCC::GreaterThan)?,
            Operator::F32Le | Operator::F64Le => self.compare_floats(FloatCC::LessThanOrEqual)?,
            Operator::F32Ge | Operator::F64Ge => {
                self.compare_floats(FloatCC::GreaterThanOrEqual)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn conversion(&mut self, operator: &Operator<'_>) -> Result<bool, Error> {
        match operator {
            Operator::I32WrapI64 => unary!(self ireduce I32),
            Operator::I64ExtendI32S => unary!(self sextend I64),
            Operator::I64ExtendI32U => unary!(self uextend I64),
            Operator::I32Extend8S => self.extend(I8, I32)?,
            Operator::I32Extend16S => self.extend(I16, I32)?,
            Operator::I64Extend8S => self.extend(I8, I64)?,
            Operator::I64Extend16S => self.extend(I16, I64)?,
            Operator::I64Extend32S => self.extend(I32, I64)?,
            Operator::I32TruncF32S | Operator::I32TruncF64S => self.truncate(I32, true)?,
            Operator::I32TruncF32U | Operator::I32TruncF64U => self.truncate(I32, false)?,
            Operator::I64TruncF32S | Operator::I64TruncF64S => self.truncate(I64, true)?,
            Operator::I64TruncF32U | Operator::I64TruncF64U => self.truncate(I64, false)?,
            Operator::I32TruncSatF32S | Operator::I32TruncSatF64S => {
                unary!(self fcvt_to_sint_sat I32)
            }
            Operator::I32TruncSatF32U | Operator::I32TruncSatF64U => {
                unary!(self fcvt_to_uint_sat I32)
            }
            Operator::I64TruncSatF32S | Operator::I64TruncSatF64S => {
                unary!(self fcvt_to_sint_sat I64)
            }
            Operator::I64TruncSatF32U | Operator::I64TruncSatF64U => {
                unary!(self fcvt_to_uint_sat I64)
            }
            Operator::F32ConvertI32S | Operator::F32ConvertI64S => unary!(self fcvt_from_sint F32),
            Operator::F32ConvertI32U | Operator::F32ConvertI64U => unary!(self fcvt_from_uint F32),
            Operator::F64ConvertI32S | Operator::F64ConvertI64S => unary!(self fcvt_from_sint F64),
            Operator::F64ConvertI32U | Operator::F64ConvertI64U => unary!(self fcvt_from_uint F64),
            Operator::F32DemoteF64 => unary!(self fdemote F32),
            Operator::F64PromoteF32 => unary!(self fpromote F64),
            Operator::I32ReinterpretF32 => self.reinterpret(I32)?,
            Operator::I64ReinterpretF64 => self.reinterpret(I64)?,
            Operator::F32ReinterpretI32 => self.reinterpret(F32)?,
            Operator::F64ReinterpretI64 => self.reinterpret(F64)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn compare(&mut self, condition: IntCC) -> Result<(), Error> {
        let (right, left) = (self.pop()?, self.pop()?);
        let holds = self.builder.ins().icmp(condition, left, right);
        let holds = self.builder.ins().uextend(I32, holds);
        self.push(holds);
        Ok(())
    }

    fn compare_floats(&mut self, condition: FloatCC) -> Result<(), Error> {
        let (right, left) = (self.pop()?, self.pop()?);
        let holds = self.builder.ins().fcmp(condition, left, right);
        let holds = self.builder.ins().uextend(I32, holds);
        self.push(holds);
        Ok(())
    }

    fn reinterpret(&mut self, ty: Type) -> Result<(), Error> {
        let value = self.pop()?;
        let value = (self.builder.ins()).bitcast(ty, MemFlagsData::new(), value);
        self.push(value);
        Ok(())
    }

    fn extend(&mut self, narrow: Type, wide: Type) -> Result<(), Error> {
        let value = self.pop()?;
        let value = self.builder.ins().ireduce(narrow, value);
        let value = self.builder.ins().sextend(wide, value);
        self.push(value);
        Ok(())
    }

    /// The operands stay. Only a quotient of signed numbers may be too large.
    fn check_divisor(&mut self, may_overflow: bool) -> Result<(), Error> {
        let (divisor, dividend) = (self.pop()?, self.pop()?);
        let is_zero = self.builder.ins().icmp_imm_u(IntCC::Equal, divisor, 0);
        self.trap_if(is_zero, Trap::DivideByZero);
        if may_overflow {
            let smallest = match self.builder.func.dfg.value_type(dividend) {
                I32 => i64::from(i32::MIN),
                _ => i64::MIN,
            };
            let is_smallest = (self.builder.ins()).icmp_imm_s(IntCC::Equal, dividend, smallest);
            let is_minus_one = self.builder.ins().icmp_imm_s(IntCC::Equal, divisor, -1);
            let overflows = self.builder.ins().band(is_smallest, is_minus_one);
            self.trap_if(overflows, Trap::IntegerOverflow);
        }
        self.stack.extend([dividend, divisor]);
        Ok(())
    }

    fn truncate(&mut self, ty: Type, signed: bool) -> Result<(), Error> {
        let value = self.pop()?;
        let is_nan = (self.builder.ins()).fcmp(FloatCC::Unordered, value, value);
        self.trap_if(is_nan, Trap::InvalidConversion);
        let float = self.builder.func.dfg.value_type(value);
        let bound = 2f64.powi(ty.bits() as i32 - i32::from(signed));
        // The least number that is too small, or the last that is not where floats have no other in between.
        let (condition, least) = match (signed, ty, float) {
            (false, _, _) => (FloatCC::GreaterThan, -1.0),
            (true, I32, F64) => (FloatCC::GreaterThan, -bound - 1.0),
            (true, _, _) => (FloatCC::GreaterThanOrEqual, -bound),
        };
        let (least, bound) = (self.float(float, least), self.float(float, bound));
        let large_enough = self.builder.ins().fcmp(condition, value, least);
        let small_enough = self.builder.ins().fcmp(FloatCC::LessThan, value, bound);
        let fits = self.builder.ins().band(large_enough, small_enough);
        self.trap_unless(fits, Trap::IntegerOverflow);
        let value = match signed {
            true => self.builder.ins().fcvt_to_sint_sat(ty, value),
            false => self.builder.ins().fcvt_to_uint_sat(ty, value),
        };
        self.push(value);
        Ok(())
    }

    fn float(&mut self, ty: Type, value: f64) -> Value {
        match ty {
            F32 => self.builder.ins().f32const(value as f32),
            _ => self.builder.ins().f64const(value),
        }
    }
}

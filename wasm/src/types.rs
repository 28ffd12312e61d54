//! Types of WebAssembly, and what they are to Cranelift and to C.

use crate::error::Error;
use cranelift_codegen::ir::{self, ArgumentExtension, types};
use cranelift_codegen::isa::TargetIsa;
use multi_out::results::Slot;
use multi_out::{BackEnd, Return, Signature, Vmctx};
use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "they are the specification's")]
pub enum ValType {
    I32,
    I64,
    F32,
    F64,
    FuncRef,
    ExternRef,
}

impl ValType {
    /// The type in CLIF; references are addresses, and null is zero.
    pub(crate) fn clif(self) -> ir::Type {
        match self {
            Self::I32 => types::I32,
            Self::I64 | Self::FuncRef | Self::ExternRef => types::I64,
            Self::F32 => types::F32,
            Self::F64 => types::F64,
        }
    }

    /// What a value of Rust is: integers may be unsigned, and a reference to something of the host's is a pointer.
    fn of_slot(slot: Slot) -> Option<Self> {
        const KNOWN: &[(Slot, ValType)] = &[
            (Slot::of::<i32>(), ValType::I32),
            (Slot::of::<u32>(), ValType::I32),
            (Slot::of::<i64>(), ValType::I64),
            (Slot::of::<u64>(), ValType::I64),
            (Slot::of::<f32>(), ValType::F32),
            (Slot::of::<f64>(), ValType::F64),
            (Slot::of::<*mut ()>(), ValType::ExternRef),
        ];
        let known = KNOWN.iter().find(|(known, _)| *known == slot);
        known.map(|(_, ty)| *ty)
    }

    pub(crate) fn of(ty: wasmparser::ValType) -> Result<Self, Error> {
        Ok(match ty {
            wasmparser::ValType::I32 => Self::I32,
            wasmparser::ValType::I64 => Self::I64,
            wasmparser::ValType::F32 => Self::F32,
            wasmparser::ValType::F64 => Self::F64,
            wasmparser::ValType::Ref(ty) if ty.is_func_ref() => Self::FuncRef,
            wasmparser::ValType::Ref(ty) if ty.is_extern_ref() => Self::ExternRef,
            other => {
                return Err(Error::Unsupported(format!(
                    "the type {other} is unsupported"
                )));
            }
        })
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::FuncRef => "funcref",
            Self::ExternRef => "externref",
        })
    }
}

/// The type of a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct FuncType {
    /// Its parameters.
    pub params: Vec<ValType>,
    /// Its results.
    pub results: Vec<ValType>,
}

impl FuncType {
    pub(crate) fn of(ty: &wasmparser::FuncType) -> Result<Self, Error> {
        let all = |types: &[wasmparser::ValType]| {
            let types = types.iter().map(|&ty| ValType::of(ty));
            types.collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            params: all(ty.params())?,
            results: all(ty.results())?,
        })
    }

    /// Equal types have equal ids in all modules, so that code has them as constants.
    pub(crate) fn id(&self) -> u64 {
        let mut known = known();
        let next = known.len() as u64;
        *known.entry(self.clone()).or_insert(next)
    }

    pub(crate) fn of_id(id: u64) -> Option<Self> {
        let known = known();
        let mut types = known.iter();
        let found = types.find(|(_, of_type)| **of_type == id);
        found.map(|(ty, _)| ty.clone())
    }

    pub(crate) fn mentions_functions(&self) -> bool {
        self.params.contains(&ValType::FuncRef) || self.results.contains(&ValType::FuncRef)
    }

    /// The C function `(context, params…)` with these results.
    ///
    /// # Errors
    ///
    /// [`Error::Typed`] on machines without C's convention for several results.
    pub fn signature(&self, isa: &dyn TargetIsa) -> Result<ir::Signature, Error> {
        let samples = BackEnd::MultiOut.signature::<fn(Vmctx<()>, i32, i64, f32, f64)>(isa)?;
        let sample = |ty: &ValType| match ty {
            ValType::I32 => samples.params[1],
            ValType::F32 => samples.params[3],
            ValType::F64 => samples.params[4],
            _ => samples.params[2],
        };
        let mut signature = ir::Signature::new(samples.call_conv);
        signature.params.push(samples.params[0]);
        signature.params.extend(self.params.iter().map(sample));
        signature.returns.extend(self.results.iter().map(sample));
        if let [_, _, ..] = *signature.returns {
            // Fields are only as wide as their types.
            for field in &mut signature.returns {
                field.extension = ArgumentExtension::None;
            }
        }
        Ok(signature)
    }
}

/// All types that have an id.
fn known() -> MutexGuard<'static, HashMap<FuncType, u64>> {
    static KNOWN: LazyLock<Mutex<HashMap<FuncType, u64>>> = LazyLock::new(Mutex::default);
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |types: &[ValType]| {
            let names: Vec<_> = types.iter().map(ValType::to_string).collect();
            names.join(", ")
        };
        write!(f, "({}) -> ({})", list(&self.params), list(&self.results))
    }
}

/// The type of a function in Rust, which has the context first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RustType {
    params: &'static [Slot],
    results: &'static [Slot],
    signature: fn(&dyn TargetIsa) -> Result<ir::Signature, multi_out::Error>,
    /// In errors.
    pub(crate) name: &'static str,
}

impl RustType {
    pub(crate) fn of<S: Signature>() -> Self {
        Self {
            params: S::PARAMS,
            results: <S::Return as Return>::SLOTS,
            signature: |isa| BackEnd::MultiOut.signature::<S>(isa),
            name: std::any::type_name::<S>(),
        }
    }

    /// Are both the same to C? Cranelift alone does not tell pointers from integers, nor types alone how some
    /// machines extend an unsigned one.
    pub(crate) fn is(&self, ty: &FuncType, isa: &dyn TargetIsa) -> Result<bool, Error> {
        let same = self.func_type().is_some_and(|own| own == *ty);
        Ok(same && (self.signature)(isa)? == ty.signature(isa)?)
    }

    fn func_type(&self) -> Option<FuncType> {
        let all = |slots: &[Slot]| {
            let types = slots.iter().map(|&slot| ValType::of_slot(slot));
            types.collect::<Option<Vec<_>>>()
        };
        Some(FuncType {
            params: all(self.params.get(1..)?)?,
            results: all(self.results)?,
        })
    }
}

impl fmt::Display for RustType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ty) = self.func_type() {
            return write!(f, "{ty}, `{}`", self.name);
        }
        let mut slots = self.params.iter().skip(1).chain(self.results);
        let unknown = slots.find(|slot| ValType::of_slot(**slot).is_none());
        let unknown = unknown.map_or(types::INVALID, |slot| slot.ty());
        write!(
            f,
            "`{}` with {unknown}, which WebAssembly has not",
            self.name
        )
    }
}

/// Pages of a memory or elements of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    pub(crate) min: u64,
    pub(crate) max: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TableType {
    pub(crate) element: ValType,
    pub(crate) limits: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GlobalType {
    pub(crate) value: ValType,
    pub(crate) mutable: bool,
}

/// A value as compiled code loads and stores it: with its own width, at the beginning, whatever the order of bytes.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bits([u8; 8]);

impl Bits {
    /// Of a value of 32 bits.
    pub(crate) fn narrow(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_ne_bytes([a, b, c, d])
    }

    /// Of a value of 64 bits.
    pub(crate) fn wide(self) -> u64 {
        u64::from_ne_bytes(self.0)
    }
}

impl From<u32> for Bits {
    fn from(value: u32) -> Self {
        let mut bits = Self::default();
        bits.0[..4].copy_from_slice(&value.to_ne_bytes());
        bits
    }
}

impl From<u64> for Bits {
    fn from(value: u64) -> Self {
        Self(value.to_ne_bytes())
    }
}

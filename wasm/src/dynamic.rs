//! Calls of functions whose type is known at run time only, as the command line and the test suite have them.
//!
//! C has no call for that. An adapter is compiled for each type that is called so, which loads the parameters from an
//! array and stores the results there. Modules, imports and typed calls have none.

use crate::adapter::Adapter;
use crate::error::Error;
use crate::function::Func;
use crate::store::Store;
use crate::types::{Bits, FuncType, ValType};
use crate::vmcontext::FunctionRecord;

/// A value of any type.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "they are the specification's")]
pub enum Value {
    I32(i32),
    I64(i64),
    F32(f32),
    F64(f64),
    FuncRef(Option<Func>),
    /// The host's own meaning; zero is null.
    ExternRef(u64),
}

impl Value {
    /// Its type.
    pub fn ty(&self) -> ValType {
        match self {
            Self::FuncRef(_) => ValType::FuncRef,
            Self::ExternRef(_) => ValType::ExternRef,
            Self::I32(_) => ValType::I32,
            Self::I64(_) => ValType::I64,
            Self::F32(_) => ValType::F32,
            Self::F64(_) => ValType::F64,
        }
    }

    pub(crate) fn number(&self) -> Option<(ValType, Bits)> {
        let bits = match *self {
            Self::I32(value) => (value as u32).into(),
            Self::I64(value) => (value as u64).into(),
            Self::F32(value) => value.to_bits().into(),
            Self::F64(value) => value.to_bits().into(),
            Self::FuncRef(_) | Self::ExternRef(_) => return None,
        };
        Some((self.ty(), bits))
    }

    fn bits(&self, store: &Store) -> Result<Bits, Error> {
        match self {
            Self::ExternRef(value) => Ok((*value).into()),
            Self::FuncRef(None) => Ok(Bits::default()),
            Self::FuncRef(Some(func)) => {
                store.check(func.store)?;
                Ok(Bits::from(func.place as u64))
            }
            number => Ok(number.number().map(|(_, bits)| bits).unwrap_or_default()),
        }
    }

    pub(crate) fn from_bits(store: &Store, ty: ValType, bits: Bits) -> Self {
        match ty {
            ValType::I32 => Self::I32(bits.narrow() as i32),
            ValType::I64 => Self::I64(bits.wide() as i64),
            ValType::F32 => Self::F32(f32::from_bits(bits.narrow())),
            ValType::F64 => Self::F64(f64::from_bits(bits.wide())),
            ValType::ExternRef => Self::ExternRef(bits.wide()),
            ValType::FuncRef => Self::FuncRef(store.func(bits.wide() as *const FunctionRecord)),
        }
    }
}

impl Store {
    /// The function that a reference of this store is to.
    fn func(&self, place: *const FunctionRecord) -> Option<Func> {
        if place.is_null() {
            return None;
        }
        // SAFETY: references come from records of instances, which live as long as the store.
        let record = unsafe { *place };
        let ty = FuncType::of_id(record.ty)?;
        Some(Func {
            record,
            ty,
            place,
            store: self.id,
        })
    }
}

impl Func {
    /// Calls the function with values whose types are compared now.
    ///
    /// # Errors
    ///
    /// As of [`TypedFunc`](crate::TypedFunc), and [`Error::FunctionType`].
    pub fn call(&self, store: &mut Store, args: &[Value]) -> Result<Vec<Value>, Error> {
        store.check(self.store)?;
        let given: Vec<_> = args.iter().map(Value::ty).collect();
        let ty = &self.ty;
        if given != ty.params {
            let results = ty.results.clone();
            return Err(Error::FunctionType {
                name: "function".to_owned(),
                expected: ty.to_string(),
                given: FuncType {
                    params: given,
                    results,
                }
                .to_string(),
            });
        }
        let mut values = vec![Bits::default(); ty.params.len().max(ty.results.len())];
        for (slot, arg) in values.iter_mut().zip(args) {
            *slot = arg.bits(store)?;
        }
        // Out of the store, which the call borrows.
        let adapter = match store.adapters.remove(ty) {
            Some(adapter) => adapter,
            None => Adapter::new(ty)?,
        };
        let (code, context) = (self.record.code, self.record.context);
        let array = values.as_mut_ptr();
        let result = store.enter(|| adapter.adapt.call(code, context, array));
        store.adapters.insert(ty.clone(), adapter);
        result?;
        let results = ty.results.iter().zip(values);
        Ok(results
            .map(|(&ty, bits)| Value::from_bits(store, ty, bits))
            .collect())
    }
}

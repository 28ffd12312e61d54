//! What a backend says of `SystemVMultiOut`: the fields of an out area, and the places of
//! parameters where its `system_v` is not C's.
//!
//! Fields have exact widths. The engine's own return area is private to Cranelift and its slots are
//! a word or more, so that backends are free to move more than a value; in a C struct a wider store
//! would overwrite the next field, and a wider load would read bytes that nobody wrote and defeat
//! store forwarding.

use crate::ir::{AbiParam, Type, types};
use crate::isa::CallConv;
use crate::isa::multi_out::OutTarget;
use crate::machinst::{ABIMachineSpec, Reg, RegClass, SmallInstVec, StackAMode, Writable};
use alloc::vec::Vec;
use smallvec::smallvec;

/// One of the parameters that `compute_arg_locs` gets to see instead of a signature's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrangedParam {
    /// A parameter of the signature, by index.
    Formal(usize),
    /// A value of this type that is not passed: C leaves its place unused.
    Unused(Type),
}

/// The parameters in an order, and with gaps, for which `compute_arg_locs` puts each where C does.
pub type ParamOrder = Vec<ArrangedParam>;

/// A parameter that C passes in a way that the backend cannot express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedParam(pub Type);

/// What a backend says of the convention.
pub trait MultiOutSpec<M: ABIMachineSpec + ?Sized> {
    /// The target, as the layout of the area depends on it.
    const TARGET: OutTarget;

    /// Registers of this class that a call of the base convention clobbers and that carry neither a
    /// result nor an exception payload: free once the call has returned.
    ///
    /// Only for backends whose calls use `CallInfo::emit_retval_loads`.
    fn field_temp_regs(class: RegClass) -> [Writable<Reg>; 3] {
        unreachable!("this backend loads what a `try_call` returns itself, also into {class:?}")
    }

    /// Do the settings of the target allow values of this type, or if `is_field`, fields of it?
    fn isa_flags_allow(isa_flags: &M::F, ty: Type, is_field: bool) -> bool {
        let _ = (isa_flags, ty, is_field);
        true
    }

    /// Load a field of exactly `ty`'s width; upper bits of the register are unspecified.
    ///
    /// A vector is brought into the form in which a function of `caller_conv` holds it. `temp`
    /// gives a register for a value of the type, another one each time.
    fn gen_field_load(
        caller_conv: CallConv,
        mem: StackAMode,
        into_reg: Writable<Reg>,
        ty: Type,
        temp: &mut dyn FnMut(Type) -> Writable<Reg>,
    ) -> SmallInstVec<M::I> {
        let _ = (caller_conv, temp);
        smallvec![M::gen_load_stack(mem, into_reg, ty)]
    }

    /// Store a field of exactly `ty`'s width at `offset` bytes from `base`.
    ///
    /// `temp` is as for [`MultiOutSpec::gen_field_load`].
    fn gen_field_store(
        base: Reg,
        offset: i32,
        from_reg: Reg,
        ty: Type,
        temp: &mut dyn FnMut(Type) -> Writable<Reg>,
    ) -> SmallInstVec<M::I> {
        let _ = temp;
        smallvec![M::gen_store_base_offset(base, offset, from_reg, ty)]
    }

    /// Store a constant as a field of exactly `ty`'s width at `offset` bytes from `base`, without a
    /// register for it. `bits` are those of the value, and zeros above them.
    ///
    /// `None` if the backend has no instruction for this constant.
    fn gen_constant_field_store(
        base: Reg,
        offset: i32,
        bits: u64,
        ty: Type,
    ) -> Option<SmallInstVec<M::I>> {
        let _ = (base, offset, bits, ty);
        None
    }

    /// Is a parameter or a single result of this type where C has it?
    fn has_c_place(ty: Type) -> bool {
        let _ = ty;
        true
    }

    /// Arrange the parameters, the out pointer included if there is one, for `compute_arg_locs`.
    /// Keep in sync with what the backend does there; filetests pin both.
    ///
    /// `None` if it puts all of them where C does as they are.
    fn arrange_params(params: &[AbiParam]) -> Result<Option<ParamOrder>, UnsupportedParam> {
        let _ = params;
        Ok(None)
    }
}

/// For backends that have a register which is zero: store it as a field of exactly `ty`'s width, an
/// integer register also for a float. `None` if the constant is not zero, or has two registers.
pub fn gen_zero_store<M: ABIMachineSpec>(
    base: Reg,
    offset: i32,
    bits: u64,
    ty: Type,
    zero: Reg,
) -> Option<M::I> {
    let ty = Type::int(u16::try_from(ty.bits()).ok()?)?;
    (bits == 0 && ty != types::I128).then(|| M::gen_store_base_offset(base, offset, zero, ty))
}

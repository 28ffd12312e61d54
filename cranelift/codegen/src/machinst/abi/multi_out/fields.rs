//! Fields of the out area: stores by the callee, loads by the caller.

use crate::isa::CallConv;
use crate::machinst::abi::*;
use crate::machinst::multi_out::MultiOutSpec;

impl<M: ABIMachineSpec> Callee<M> {
    /// Store result `idx` into the out area, or `None` if results are not returned that way.
    pub(crate) fn gen_field_stores(
        &self,
        sigs: &SigSet,
        idx: usize,
        from_regs: ValueRegs<Reg>,
        vregs: &mut VRegAllocator<M::I>,
    ) -> Option<SmallInstVec<M::I>> {
        if !sigs[self.sig].uses_out_area() {
            return None;
        }
        let base = self.ret_area_ptr.expect("an out area has a pointer");
        let mut insts = smallvec![];
        let mut temp = |ty| alloc_temp::<M>(vregs, ty);
        for (slot, &from_reg) in field_slots_of(sigs, self.sig, idx).zip(from_regs.regs()) {
            let offset = i32::try_from(slot.offset).expect("below the limit on return areas");
            insts.extend(M::MultiOut::gen_field_store(
                base, offset, from_reg, slot.ty, &mut temp,
            ));
        }
        Some(insts)
    }

    /// Store a constant as result `idx` into the out area without a register of its own, if the
    /// backend can. `bits` are those of the value, and zeros above them.
    pub(crate) fn gen_constant_field_store(
        &self,
        sigs: &SigSet,
        idx: usize,
        bits: u64,
    ) -> Option<SmallInstVec<M::I>> {
        let base = self.ret_area_ptr?;
        let mut slots = field_slots_of(sigs, self.sig, idx);
        let slot = slots.next()?;
        debug_assert!(slots.next().is_none(), "a constant of several registers");
        let offset = i32::try_from(slot.offset).expect("below the limit on return areas");
        M::MultiOut::gen_constant_field_store(base, offset, bits, slot.ty)
    }

    /// Does this function return its results in an out area?
    pub(crate) fn returns_in_out_area(&self, sigs: &SigSet) -> bool {
        sigs[self.sig].uses_out_area()
    }

    /// Where a result that one register holds lies in the out area, seen from the caller.
    pub(crate) fn field_amode(&self, sigs: &SigSet, sig: Sig, idx: usize) -> Option<StackAMode> {
        let area = i64::from(sigs[sig].sized_stack_arg_space);
        let mut slots = field_slots_of(sigs, sig, idx);
        let slot = slots.next()?;
        slots
            .next()
            .is_none()
            .then_some(StackAMode::OutgoingArg(area + slot.offset))
    }

    /// May a call to a library function that lowering inserts write to the space for outgoing
    /// arguments, and so to an out area?
    pub(crate) fn libcalls_own_stack(&self) -> bool {
        self.libcalls_own_stack
    }

    /// Load result `idx` of a call from the out area into the registers `into_regs`.
    ///
    /// To be emitted after the call and before anything that may overwrite outgoing arguments.
    pub(crate) fn gen_field_loads(
        &self,
        sigs: &SigSet,
        sig: Sig,
        idx: usize,
        into_regs: ValueRegs<Reg>,
        vregs: &mut VRegAllocator<M::I>,
    ) -> SmallInstVec<M::I> {
        debug_assert!(sigs[sig].uses_out_area());
        let area = i64::from(sigs[sig].sized_stack_arg_space);
        let mut insts = smallvec![];
        for (slot, &into_reg) in field_slots_of(sigs, sig, idx).zip(into_regs.regs()) {
            let mem = StackAMode::OutgoingArg(area + slot.offset);
            let into_reg = Writable::from_reg(into_reg);
            let mut temp = |ty| alloc_temp::<M>(vregs, ty);
            insts.extend(M::MultiOut::gen_field_load(
                self.call_conv,
                mem,
                into_reg,
                slot.ty,
                &mut temp,
            ));
        }
        insts
    }
}

/// Does the convention of library functions give the callee space on the caller's stack?
///
/// Those functions have a few parameters in registers, so it is for conventions with a home area for
/// these.
pub(in crate::machinst::abi) fn libcalls_own_stack(isa: &dyn TargetIsa) -> bool {
    CallConv::for_libcall(isa.flags(), isa.default_call_conv()) == CallConv::WindowsFastcall
}

fn alloc_temp<M: ABIMachineSpec>(vregs: &mut VRegAllocator<M::I>, ty: Type) -> Writable<Reg> {
    let regs = vregs.alloc_with_deferred_error(ty);
    Writable::from_reg(regs.only_reg().expect("a temporary is one register"))
}

/// A slot of a field: an `ABIArgSlot::Stack` without its extension, which means nothing here.
struct FieldSlot {
    offset: i64,
    ty: Type,
}

fn field_slots_of(sigs: &SigSet, sig: Sig, idx: usize) -> impl Iterator<Item = FieldSlot> + '_ {
    let ABIArg::Slots { slots, .. } = &sigs.rets(sig)[idx] else {
        unreachable!("results in an out area are slots");
    };
    slots.iter().map(|slot| match *slot {
        ABIArgSlot::Stack { offset, ty, .. } => FieldSlot { offset, ty },
        ABIArgSlot::Reg { .. } => unreachable!("results in an out area are in memory"),
    })
}

/// The callee's convention to record in a `CallInfo`: the base convention, unless the call itself
/// has to load fields when it is emitted. It is the only thing that such a call says about its
/// results, as a field of its own would show in the printed form of every call on Pulley.
pub(in crate::machinst::abi) fn emitted_callee_conv(
    sig_data: &SigData,
    is_try_call: bool,
) -> CallConv {
    if is_try_call && sig_data.uses_out_area() {
        CallConv::SystemVMultiOut
    } else {
        sig_data.call_conv
    }
}

impl<T> CallInfo<T> {
    /// Emit the load of one field that a `try_call` returned, into the register or spill slot that
    /// register allocation chose. `false` if the call's results are not in an out area.
    ///
    /// On s390x, `S390xMachineDeps::gen_retval_loads` does this.
    ///
    /// A spill slot is filled with the canonical type of the value's register class, as a reload
    /// will read it: a narrower store would leave the rest of the slot, which on big-endian targets
    /// is the part that matters and on RISC-V the boxing of a narrow float.
    pub(in crate::machinst::abi) fn emit_field_load<M: ABIMachineSpec>(
        &self,
        stackslots_size: u32,
        mem: StackAMode,
        dst: Writable<Reg>,
        ty: Type,
        emit: &mut impl FnMut(M::I),
    ) -> bool {
        if self.callee_conv != CallConv::SystemVMultiOut {
            return false;
        }
        let class = class_of::<M>(ty);
        let mut temps = M::MultiOut::field_temp_regs(RegClass::Int).into_iter();
        let mut temp = |ty| {
            // Other temporaries could be `load_reg`.
            assert_eq!(
                (class_of::<M>(ty), class == RegClass::Int),
                (RegClass::Int, false)
            );
            temps.next().expect("three temporaries suffice")
        };
        let spillslot = dst.to_reg().to_spillslot();
        let load_reg = match spillslot {
            Some(_) => M::MultiOut::field_temp_regs(class)[0],
            None => dst,
        };
        for inst in M::MultiOut::gen_field_load(self.caller_conv, mem, load_reg, ty, &mut temp) {
            emit(inst);
        }
        if let Some(spillslot) = spillslot {
            let offset = i64::from(stackslots_size)
                + i64::from(M::word_bytes()) * i64::try_from(spillslot.index()).unwrap();
            emit(M::gen_store_stack(
                StackAMode::Slot(offset),
                load_reg.to_reg(),
                M::I::canonical_type_for_rc(class),
            ));
        }
        true
    }
}

fn class_of<M: ABIMachineSpec>(ty: Type) -> RegClass {
    match M::I::rc_for_type(ty) {
        Ok((&[class], _)) => class,
        _ => unreachable!("a slot of a field is one register, as checked with the signature"),
    }
}

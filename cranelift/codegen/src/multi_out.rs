//! `CallConv::SystemVMultiOut` and its like: several results through an out pointer, explicit.
//!
//! The last pass over CLIF, right before lowering. The verifier, the inliner, the mid-end and the
//! interpreter see calls with several results; backends see a pointer, loads and stores:
//!
//! ```text
//!   function %f(i32) -> i32, f64 system_v_multi_out    function %f(i64, i32) system_v_multi_out
//!     sig0 = () -> i32, f64 system_v_multi_out           ss0 = explicit_slot 16, align = 8
//!     fn0 = %g sig0                                      sig0 = (i64) system_v_multi_out
//!                                                        fn0 = %g sig0
//!   block0(v0: i32):                                   block0(v9: i64, v0: i32):
//!                                                        v10 = stack_addr.i64 ss0
//!     v1, v2 = call fn0()                                call fn0(v10)
//!                                                        v11 = stack_addr.i64 ss0
//!                                                        v1 = load.i32 notrap aligned v11
//!     v3 = iadd v0, v1                                   v3 = iadd v0, v1
//!                                                        store notrap aligned v3, v9
//!                                                        v2 = load.f64 notrap aligned v11+8
//!                                                        store notrap aligned v2, v9+8
//!     return v3, v2                                      return
//! ```
//!
//! All calls of a function share one stack slot. A result is loaded before its first use, and at the
//! latest before the next call that writes to the slot and before the block ends: defined by the
//! call itself it would take a callee-saved register or a spill slot, used or not. A result of the
//! function is stored behind its definition if that is in the block that returns, as nobody may look
//! before the return. The results of a `try_call` are loaded in a block of their own on its normal
//! edge, so that no handler sees the area. Loads and stores are exactly as wide as their fields.
//!
//! Invariant: signatures without an out area, and functions without such signatures, are left alone.

use crate::cursor::{Cursor, FuncCursor};
use crate::dominator_tree::DominatorTree;
use crate::entity::{EntitySet, SecondaryMap};
use crate::flowgraph::ControlFlowGraph;
use crate::ir::immediates::Offset32;
use crate::ir::{
    AbiParam, Block, BlockArg, BlockCall, Function, Inst, InstBuilder, InstructionData, MemFlags,
    MemFlagsData, Opcode, SigRef, Signature, StackSlot, StackSlotData, StackSlotKind, Type, Value,
    ValueDef,
};
use crate::isa::TargetIsa;
use crate::isa::multi_out::{OutArea, OutField, OutTarget, compute_out_area};
use crate::result::{CodegenError, CodegenResult};
use crate::verifier::verify_function;
use alloc::boxed::Box;
use alloc::vec::Vec;
use smallvec::SmallVec;

/// The largest out area, in bytes: the backends' limit on return areas.
const MAX_SIZE: u32 = 128 << 20;

/// A function as it was before its out pointers became explicit, and its dominator tree if that has
/// changed with it.
pub(crate) struct Original(Function, Option<DominatorTree>);

/// Make out pointers explicit in a function that is about to be lowered, if it has any. What
/// [`restore`] needs to undo that is returned.
pub(crate) fn replace(
    func: &mut Function,
    domtree: &mut DominatorTree,
    isa: &dyn TargetIsa,
) -> CodegenResult<Option<Box<Original>>> {
    let Some(areas) = Areas::of(func, isa)? else {
        return Ok(None);
    };
    let mut explicit = func.clone();
    explicit.out_area = run(&mut explicit, areas, isa.pointer_type())?;
    if isa.flags().enable_verifier() {
        verify_function(&explicit, isa)?;
    }
    // Only an edge of a `try_call` gets a block.
    let has_new_blocks = explicit.dfg.num_blocks() > func.dfg.num_blocks();
    let original_domtree = has_new_blocks.then(|| {
        let cfg = ControlFlowGraph::with_function(&explicit);
        core::mem::replace(domtree, DominatorTree::with_function(&explicit, &cfg))
    });
    let original = core::mem::replace(func, explicit);
    Ok(Some(Box::new(Original(original, original_domtree))))
}

/// Undo [`replace`], so that whoever compiles a function gets it back with its own signature.
pub(crate) fn restore(
    func: &mut Function,
    domtree: &mut DominatorTree,
    was: Option<Box<Original>>,
) {
    if let Some(was) = was {
        let Original(original, original_domtree) = *was;
        *func = original;
        if let Some(original_domtree) = original_domtree {
            *domtree = original_domtree;
        }
    }
}

/// Make the out pointers of a function explicit, as compiling it does by itself.
///
/// This is for looking at. The function that comes of it has another signature, `void` to C.
///
/// # Errors
///
/// If the convention or the target does not have one of the function's signatures.
pub fn make_out_pointers_explicit(func: &mut Function, isa: &dyn TargetIsa) -> CodegenResult<()> {
    match Areas::of(func, isa)? {
        Some(areas) => run(func, areas, isa.pointer_type()).map(drop),
        None => Ok(()),
    }
}

/// The out areas of a function's signatures.
struct Areas {
    /// That of its own.
    own: Option<OutArea>,
    /// Those that it has for calls.
    called: SecondaryMap<SigRef, Option<OutArea>>,
}

impl Areas {
    fn of(func: &Function, isa: &dyn TargetIsa) -> CodegenResult<Option<Areas>> {
        let has_conv = |sig: &Signature| sig.call_conv.is_multi_out();
        if !has_conv(&func.signature) && !func.dfg.signatures.values().any(has_conv) {
            return Ok(None);
        }
        crate::verifier::multi_out::check_exceptions(func)?;
        let own = area_of(&func.signature, isa)?;
        let mut called = SecondaryMap::new();
        for (sig, data) in func.dfg.signatures.iter() {
            called[sig] = area_of(data, isa)?;
        }
        let has_any = own.is_some() || called.values().any(Option::is_some);
        Ok(has_any.then_some(Areas { own, called }))
    }

    /// The area that an instruction lets a callee write to.
    fn called_by(&self, func: &Function, inst: Inst) -> Option<&OutArea> {
        self.called[func.dfg.call_signature(inst)?].as_ref()
    }
}

/// Run the pass, and return the slot that calls write to, if there are any.
fn run(
    func: &mut Function,
    mut areas: Areas,
    pointer_type: Type,
) -> CodegenResult<Option<StackSlot>> {
    func.dfg.resolve_all_aliases();
    let blocks: Vec<Block> = func.layout.blocks().collect();
    let mut used = EntitySet::new();
    let (mut size, mut align) = (0, 1);
    for &block in &blocks {
        for inst in func.layout.block_insts(block) {
            used.extend(func.dfg.inst_values(inst));
            if let Some(area) = areas.called_by(func, inst) {
                if func.dfg.insts[inst].opcode().is_return() {
                    let message = "a tail call of a function with an out area".into();
                    return Err(CodegenError::Unsupported(message));
                }
                (size, align) = (size.max(area.size), align.max(area.align));
            }
        }
    }
    for (sig, data) in func.dfg.signatures.iter_mut() {
        if areas.called[sig].is_some() {
            add_out_pointer(data, pointer_type);
        }
    }
    let own = areas.own.take().map(|area| {
        add_out_pointer(&mut func.signature, pointer_type);
        (area, prepend_entry_param(func, pointer_type))
    });
    let slot = (size > 0).then(|| {
        let align_shift = u8::try_from(align.trailing_zeros()).expect("at most 32");
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size, align_shift);
        func.create_sized_stack_slot(data)
    });
    let flags = func.dfg.mem_flags.insert_unchecked(MemFlagsData::trusted());
    let mut pass = Pass {
        func,
        areas,
        own,
        slot,
        flags,
        pointer_type,
        used,
    };
    for block in blocks {
        pass.visit_block(block);
    }
    Ok(slot)
}

/// The signature to C: a pointer in front, and no result.
pub(crate) fn add_out_pointer(sig: &mut Signature, pointer_type: Type) {
    sig.returns.clear();
    sig.params.insert(0, AbiParam::new(pointer_type));
}

/// The out area of a signature, if it has one.
///
/// # Errors
///
/// If it is a multi-out signature, and the convention or the target does not have it.
pub(crate) fn area_of(sig: &Signature, isa: &dyn TargetIsa) -> CodegenResult<Option<OutArea>> {
    if !sig.call_conv.is_multi_out() {
        return Ok(None);
    }
    let target = OutTarget::from_triple(isa.triple()).expect("of a backend");
    crate::verifier::multi_out::check_on(sig, target)?;
    let results: SmallVec<[Type; 8]> = sig.returns.iter().map(|ret| ret.value_type).collect();
    let has_area = target.uses_out_area(&results);
    let params = sig.params.iter().map(|param| (param.value_type, false));
    for (ty, is_field) in params.chain(results.iter().map(|ty| (*ty, has_area))) {
        if lacks_type(target, isa, ty, is_field) {
            let conv = sig.call_conv;
            return Err(CodegenError::Unsupported(alloc::format!(
                "`{conv}` on {target} cannot have type {ty} with these settings of the target"
            )));
        }
    }
    if !has_area {
        return Ok(None);
    }
    let area = compute_out_area(&results, target)?;
    if area.size > MAX_SIZE || sig.params.len() >= usize::from(u16::MAX) {
        return Err(CodegenError::ImplLimitExceeded);
    }
    Ok(Some(area))
}

/// Does the instruction set as configured lack values of this type, or if `is_field`, their loads and
/// stores? These are RISC-V vectors without the V extension, and vectors in the memory of a big-endian
/// Pulley, whose loads and stores of them are little-endian.
fn lacks_type(target: OutTarget, isa: &dyn TargetIsa, ty: Type, is_field: bool) -> bool {
    let flags = || isa.isa_flags().into_iter();
    let is_on = |name| flags().any(|flag| flag.name == name && flag.as_bool() == Some(true));
    match target {
        _ if !ty.is_vector() => false,
        OutTarget::Riscv64 => !is_on("has_v"),
        OutTarget::Pulley => is_field && is_on("big_endian"),
        OutTarget::X64 | OutTarget::Aarch64 | OutTarget::S390x => false,
    }
}

fn prepend_entry_param(func: &mut Function, ty: Type) -> Value {
    let entry = func.layout.entry_block().expect("a function with code");
    let params = func.dfg.detach_block_params(entry);
    let first = func.dfg.append_block_param(entry, ty);
    for index in 0..params.len(&func.dfg.value_lists) {
        let param = params.get(index, &func.dfg.value_lists).expect("in bounds");
        func.dfg.attach_block_param(entry, param);
    }
    first
}

struct Pass<'f> {
    func: &'f mut Function,
    areas: Areas,
    /// The area that the function's own results go to, and where it is.
    own: Option<(OutArea, Value)>,
    /// The memory that the results of calls come from.
    slot: Option<StackSlot>,
    /// Those of all loads and stores, which are not looked up for each.
    flags: MemFlags,
    pointer_type: Type,
    /// The values that any instruction uses.
    used: EntitySet<Value>,
}

/// A call whose results are in the slot. Those that are not loaded yet still say that they are
/// defined by it.
struct Open {
    call: Inst,
    sig: SigRef,
    results: SmallVec<[Value; 8]>,
    /// The address of the slot, once it is needed.
    address: Option<Value>,
}

/// The values that are stored behind their definition in a block, each with the numbers of the
/// function's results that it is. There are few blocks that return, and few results.
type EarlyStores = SmallVec<[(Value, usize); 8]>;

impl Pass<'_> {
    fn visit_block(&mut self, block: Block) {
        let early = self.early_stores(block);
        let mut open: Option<Open> = None;
        let mut next = self.func.layout.first_inst(block);
        while let Some(inst) = next {
            next = self.func.layout.next_inst(inst);
            let opcode = self.func.dfg.insts[inst].opcode();
            let called = self.areas.called_by(self.func, inst).is_some();
            if let Some(area) = &mut open {
                let args: SmallVec<[Value; 8]> = self.func.dfg.inst_values(inst).collect();
                for value in args {
                    self.load(area, value, inst, &early);
                }
                if called || opcode.is_terminator() {
                    for index in 0..area.results.len() {
                        let value = area.results[index];
                        if self.used.contains(value) {
                            self.load(area, value, inst, &early);
                        }
                    }
                    open = None;
                }
            }
            if called {
                self.pass_out_pointer(inst);
            }
            match opcode {
                Opcode::Return => self.visit_return(inst, &early),
                Opcode::TryCall | Opcode::TryCallIndirect if called => {
                    self.load_on_normal_edge(block, inst);
                }
                _ if called => open = self.open(inst),
                _ if early.is_empty() => {}
                _ => {
                    let results =
                        SmallVec::<[Value; 2]>::from_slice(self.func.dfg.inst_results(inst));
                    let mut pos = FuncCursor::new(self.func).after_inst(inst);
                    pos.use_srcloc(inst);
                    for value in results {
                        store_early(&self.own, self.flags, &mut pos, &early, value);
                    }
                }
            }
        }
    }

    /// Which values are stored before the return of this block.
    fn early_stores(&self, block: Block) -> EarlyStores {
        let mut early = EarlyStores::new();
        if self.own.is_none() {
            return early;
        }
        let Some(ret) = self.func.layout.last_inst(block) else {
            return early;
        };
        if self.func.dfg.insts[ret].opcode() != Opcode::Return {
            return early;
        }
        for (index, &value) in self.func.dfg.inst_args(ret).iter().enumerate() {
            let def = self.func.dfg.value_def(value).inst();
            if def.is_some_and(|def| self.func.layout.inst_block(def) == Some(block)) {
                early.push((value, index));
            }
        }
        early.sort_unstable();
        early
    }

    /// Let a call pass the address of the slot before its other arguments.
    fn pass_out_pointer(&mut self, call: Inst) {
        let address = self.slot_address_before(call);
        let opcode = self.func.dfg.insts[call].opcode();
        let index = opcode.constraints().num_fixed_value_arguments();
        let dfg = &mut self.func.dfg;
        let args = match &mut dfg.insts[call] {
            InstructionData::Call { args, .. }
            | InstructionData::CallIndirect { args, .. }
            | InstructionData::TryCall { args, .. }
            | InstructionData::TryCallIndirect { args, .. } => args,
            other => unreachable!("no call with an out area: {other:?}"),
        };
        args.insert(index, address, &mut dfg.value_lists);
    }

    fn slot_address_before(&mut self, inst: Inst) -> Value {
        let slot = self.slot.expect("made for the calls that there are");
        let mut pos = FuncCursor::new(self.func).at_inst(inst);
        pos.use_srcloc(inst);
        pos.ins().stack_addr(self.pointer_type, slot, 0)
    }

    /// Detach the results of a plain call, to be defined by loads.
    fn open(&mut self, call: Inst) -> Option<Open> {
        let open = Open {
            call,
            sig: self.func.dfg.call_signature(call)?,
            results: SmallVec::from_slice(self.func.dfg.inst_results(call)),
            address: None,
        };
        self.func.dfg.detach_inst_results(call);
        Some(open)
    }

    /// Load a value before `inst` if it is a result of the call that is not loaded yet.
    fn load(&mut self, open: &mut Open, value: Value, inst: Inst, early: &EarlyStores) {
        let index = match self.func.dfg.value_def(value) {
            ValueDef::Result(def, index) if def == open.call => index,
            _ => return,
        };
        let address = match open.address {
            Some(address) => address,
            None => *open.address.insert(self.slot_address_before(inst)),
        };
        let field = self.areas.called[open.sig]
            .as_ref()
            .expect("of an open call")
            .fields[index];
        let mut pos = FuncCursor::new(self.func).at_inst(inst);
        pos.use_srcloc(open.call);
        load(pos.ins().with_result(value), self.flags, field, address);
        store_early(&self.own, self.flags, &mut pos, early, value);
    }

    /// Load what a `try_call` passes on where it returns, if that is any of its results.
    fn load_on_normal_edge(&mut self, block: Block, call: Inst) {
        let dfg = &self.func.dfg;
        let table = dfg.insts[call].exception_table().expect("of a `try_call`");
        let sig = dfg.exception_tables[table].signature();
        let normal = *dfg.exception_tables[table].normal_return();
        let target = normal.block(&dfg.value_lists);
        let mut args: SmallVec<[BlockArg; 8]> = normal.args(&dfg.value_lists).collect();
        if !args
            .iter()
            .any(|arg| matches!(arg, BlockArg::TryCallRet(_)))
        {
            return;
        }

        let edge = self.func.dfg.make_block();
        self.func.layout.insert_block_after(edge, block);
        if self.func.layout.is_cold(target) {
            self.func.layout.set_cold(edge);
        }
        let mut pos = FuncCursor::new(self.func).at_bottom(edge);
        pos.use_srcloc(call);
        let slot = self.slot.expect("made for the calls that there are");
        let address = pos.ins().stack_addr(self.pointer_type, slot, 0);
        let area = self.areas.called[sig]
            .as_ref()
            .expect("a call with an area");
        let mut loaded: SmallVec<[Option<Value>; 8]> = SmallVec::from_elem(None, area.fields.len());
        for arg in &mut args {
            if let BlockArg::TryCallRet(index) = *arg {
                let index = usize::try_from(index).expect("an index of a result");
                let field = area.fields[index];
                let value = *loaded[index]
                    .get_or_insert_with(|| load(pos.ins(), self.flags, field, address));
                *arg = BlockArg::Value(value);
            }
        }
        pos.ins().jump(target, &args);
        let to_edge = BlockCall::new(edge, [], &mut self.func.dfg.value_lists);
        *self.func.dfg.exception_tables[table].normal_return_mut() = to_edge;
    }

    /// Store the results that are not stored yet, and return nothing.
    fn visit_return(&mut self, ret: Inst, early: &EarlyStores) {
        let Some(own) = &self.own else {
            return;
        };
        let values = SmallVec::<[Value; 8]>::from_slice(self.func.dfg.inst_args(ret));
        let mut pos = FuncCursor::new(self.func).at_inst(ret);
        pos.use_srcloc(ret);
        for (index, value) in values.into_iter().enumerate() {
            if early.binary_search(&(value, index)).is_err() {
                store(&mut pos, self.flags, value, own, index);
            }
        }
        self.func.replace(ret).return_(&[]);
    }
}

/// Store a value that was just defined as each result of the function that it is.
fn store_early(
    own: &Option<(OutArea, Value)>,
    flags: MemFlags,
    pos: &mut FuncCursor,
    early: &EarlyStores,
    value: Value,
) {
    if let Some(own) = own {
        let first = early.partition_point(|(other, _)| *other < value);
        let stores = early[first..]
            .iter()
            .take_while(|(other, _)| *other == value);
        for &(_, index) in stores {
            store(pos, flags, value, own, index);
        }
    }
}

fn load<'f>(ins: impl InstBuilder<'f>, flags: MemFlags, field: OutField, at: Value) -> Value {
    let (load, dfg) = ins.Load(Opcode::Load, field.ty, flags, offset_of(field), at);
    dfg.first_result(load)
}

fn store(pos: &mut FuncCursor, flags: MemFlags, x: Value, own: &(OutArea, Value), index: usize) {
    let (field, at) = (own.0.fields[index], own.1);
    let ins = pos.ins();
    ins.Store(Opcode::Store, field.ty, flags, offset_of(field), x, at);
}

fn offset_of(field: OutField) -> Offset32 {
    Offset32::new(i32::try_from(field.offset).expect("below the limit on areas"))
}

//! A copy of a function that has only what is laid out or declared, numbered in the order in which
//! it is printed.
//!
//! Declarations that nothing refers to can be what fails, so they are kept, behind the others; only
//! constants and the like, which are created without a declaration, go by themselves.

use cranelift_codegen::ir::entities::AnyEntity;
use cranelift_codegen::ir::instructions::InstructionMapper;
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, Constant, DebugTag, DynamicStackSlot, DynamicType, ExceptionTable,
    ExceptionTableData, ExceptionTableItem, FuncRef, Function, GlobalValue, GlobalValueData,
    Immediate, Inst, JumpTable, JumpTableData, MemFlags, SigRef, StackSlot, Value, ValueList,
};
use cranelift_codegen::packed_option::ReservedValue;
use std::collections::{HashMap, HashSet};

/// A copy, and which of its declarations nothing refers to.
pub(super) struct Copied {
    pub(super) func: Function,
    pub(super) unused: Vec<AnyEntity>,
}

/// Copies a function without what is stripped; nothing if an instruction refers to what is not
/// there.
pub(super) fn copy(func: &Function, stripped: &HashSet<AnyEntity>) -> Option<Copied> {
    let mut new = Function::with_name_signature(func.name.clone(), func.signature.clone());
    new.params = func.params.clone();
    let mut copier = Copier {
        old: func,
        new,
        numbers: Numbers::default(),
        is_broken: false,
    };
    copier.number(stripped);
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            copier.inst(inst, copier.numbers.blocks[&block], stripped);
        }
    }
    if let Some(limit) = func.stack_limit
        && !stripped.contains(&AnyEntity::StackLimit)
    {
        copier.new.stack_limit = Some(copier.map_global_value(limit));
    }
    let unused = copier.unused(stripped);
    (!copier.is_broken).then_some(Copied {
        func: copier.new,
        unused,
    })
}

struct Copier<'a> {
    old: &'a Function,
    new: Function,
    numbers: Numbers,
    /// Whether something was referred to that is not there.
    is_broken: bool,
}

/// What entities of the old function are called in the new one.
#[derive(Default)]
struct Numbers {
    values: HashMap<Value, Value>,
    blocks: HashMap<Block, Block>,
    signatures: HashMap<SigRef, SigRef>,
    functions: HashMap<FuncRef, FuncRef>,
    globals: HashMap<GlobalValue, GlobalValue>,
    slots: HashMap<StackSlot, StackSlot>,
    dynamic_slots: HashMap<DynamicStackSlot, DynamicStackSlot>,
    dynamic_types: HashMap<DynamicType, DynamicType>,
}

impl Copier<'_> {
    /// Numbers blocks and values before anything refers to them: loops refer to later ones.
    fn number(&mut self, stripped: &HashSet<AnyEntity>) {
        let old = self.old;
        for block in old.layout.blocks() {
            let copied = self.new.dfg.make_block();
            self.numbers.blocks.insert(block, copied);
            self.new.layout.append_block(copied);
            if old.layout.is_cold(block) && !stripped.contains(&block.into()) {
                self.new.layout.set_cold(copied);
            }
            for &param in old.dfg.block_params(block) {
                let number = self.value(param);
                let ty = old.dfg.value_type(param);
                let dfg = &mut self.new.dfg;
                dfg.append_block_param_for_parser(copied, ty, number);
            }
            for inst in old.layout.block_insts(block) {
                for &result in old.dfg.inst_results(inst) {
                    self.value(result);
                }
            }
        }
    }

    fn value(&mut self, value: Value) -> Value {
        let ty = self.old.dfg.value_type(value);
        let mut dynamic_types = self.old.dfg.dynamic_types.iter();
        if let Some((dynamic, _)) = dynamic_types.find(|(_, data)| data.concrete() == Some(ty)) {
            self.dynamic_type(dynamic);
        }
        let number = Value::from_u32(self.numbers.values.len() as u32);
        self.new.dfg.make_invalid_value_for_parser();
        self.numbers.values.insert(value, number);
        number
    }

    fn inst(&mut self, inst: Inst, block: Block, stripped: &HashSet<AnyEntity>) {
        let old = self.old;
        let data = old.dfg.insts[inst].map(&mut *self);
        let results = old.dfg.inst_results(inst).iter();
        let results: Vec<Value> = results.map(|value| self.numbers.values[value]).collect();
        let copied = self.new.dfg.make_inst(data);
        let ty = old.dfg.ctrl_typevar(inst);
        let dfg = &mut self.new.dfg;
        dfg.make_inst_results_for_parser(copied, ty, &results);
        self.new.layout.append_inst(copied, block);
        if !old.srcloc(inst).is_default() {
            self.new.set_srcloc(copied, old.srcloc(inst));
        }
        let tags = old.debug_tags.get(inst).iter().map(|tag| match *tag {
            DebugTag::StackSlot(slot) => DebugTag::StackSlot(self.map_stack_slot(slot)),
            DebugTag::User(_) => tag.clone(),
        });
        let tags: Vec<DebugTag> = tags.collect();
        self.new.debug_tags.set(copied, tags);
        if !stripped.contains(&inst.into()) {
            for entry in old.dfg.user_stack_map_entries(inst).unwrap_or_default() {
                let mut entry = entry.clone();
                entry.slot = self.map_stack_slot(entry.slot);
                self.new.dfg.append_user_stack_map_entry(copied, entry);
            }
        }
    }

    fn dynamic_type(&mut self, ty: DynamicType) -> DynamicType {
        if let Some(&number) = self.numbers.dynamic_types.get(&ty) {
            return number;
        }
        let mut data = self.old.dfg.dynamic_types[ty].clone();
        data.dynamic_scale = self.map_global_value(data.dynamic_scale);
        let number = self.new.dfg.make_dynamic_ty(data);
        self.numbers.dynamic_types.insert(ty, number);
        number
    }

    /// Copies the declarations that nothing refers to; what they are called now.
    fn unused(&mut self, stripped: &HashSet<AnyEntity>) -> Vec<AnyEntity> {
        let old = self.old;
        let mut unused: Vec<AnyEntity> = Vec::new();
        for (func, data) in &old.dfg.ext_funcs {
            // The reader fills gaps in the numbering with functions without a signature.
            let is_gap = data.signature.is_reserved_value();
            let is_left_out = is_gap || stripped.contains(&func.into());
            if !self.numbers.functions.contains_key(&func) && !is_left_out {
                unused.push(self.map_func_ref(func).into());
            }
        }
        for slot in old.dynamic_stack_slots.keys() {
            let is_used = self.numbers.dynamic_slots.contains_key(&slot);
            if !is_used && !stripped.contains(&slot.into()) {
                unused.push(self.map_dynamic_stack_slot(slot).into());
            }
        }
        for slot in old.sized_stack_slots.keys() {
            if !self.numbers.slots.contains_key(&slot) && !stripped.contains(&slot.into()) {
                unused.push(self.map_stack_slot(slot).into());
            }
        }
        // Those that refer to others tend to come last.
        for global in old.global_values.keys().rev() {
            if !self.numbers.globals.contains_key(&global) && !stripped.contains(&global.into()) {
                unused.push(self.map_global_value(global).into());
            }
        }
        for sig in old.dfg.signatures.keys() {
            if !self.numbers.signatures.contains_key(&sig) && !stripped.contains(&sig.into()) {
                unused.push(self.map_sig_ref(sig).into());
            }
        }
        unused
    }
}

impl InstructionMapper for Copier<'_> {
    fn map_value(&mut self, value: Value) -> Value {
        let value = self.old.dfg.resolve_aliases(value);
        let number = self.numbers.values.get(&value).copied();
        self.is_broken |= number.is_none();
        number.unwrap_or(value)
    }

    fn map_value_list(&mut self, list: ValueList) -> ValueList {
        let values = list.as_slice(&self.old.dfg.value_lists).iter();
        let values: Vec<Value> = values.map(|&value| self.map_value(value)).collect();
        ValueList::from_slice(&values, &mut self.new.dfg.value_lists)
    }

    fn map_global_value(&mut self, global: GlobalValue) -> GlobalValue {
        if let Some(&number) = self.numbers.globals.get(&global) {
            return number;
        }
        let mut data = self.old.global_values[global].clone();
        match &mut data {
            GlobalValueData::Load { base, flags, .. } => {
                *base = self.map_global_value(*base);
                *flags = self.map_mem_flags(*flags);
            }
            GlobalValueData::IAddImm { base, .. } => *base = self.map_global_value(*base),
            GlobalValueData::VMContext
            | GlobalValueData::Symbol { .. }
            | GlobalValueData::DynScaleTargetConst { .. } => {}
        }
        let number = self.new.create_global_value(data);
        self.numbers.globals.insert(global, number);
        number
    }

    fn map_jump_table(&mut self, table: JumpTable) -> JumpTable {
        let branches = self.old.dfg.jump_tables[table].all_branches().iter();
        let branches: Vec<BlockCall> = branches.map(|&call| self.map_block_call(call)).collect();
        let table = JumpTableData::new(branches[0], &branches[1..]);
        self.new.create_jump_table(table)
    }

    fn map_exception_table(&mut self, table: ExceptionTable) -> ExceptionTable {
        let table = &self.old.dfg.exception_tables[table];
        let sig = self.map_sig_ref(table.signature());
        let normal = self.map_block_call(*table.normal_return());
        let items = table.items().map(|item| match item {
            ExceptionTableItem::Tag(tag, call) => {
                ExceptionTableItem::Tag(tag, self.map_block_call(call))
            }
            ExceptionTableItem::Default(call) => {
                ExceptionTableItem::Default(self.map_block_call(call))
            }
            ExceptionTableItem::Context(value) => {
                ExceptionTableItem::Context(self.map_value(value))
            }
        });
        let items: Vec<ExceptionTableItem> = items.collect();
        let table = ExceptionTableData::new(sig, normal, items);
        self.new.dfg.exception_tables.push(table)
    }

    fn map_block_call(&mut self, call: BlockCall) -> BlockCall {
        let pool = &self.old.dfg.value_lists;
        let block = self.map_block(call.block(pool));
        let args = call.args(pool);
        let args: Vec<BlockArg> = args
            .map(|arg| arg.map_value(|value| self.map_value(value)))
            .collect();
        BlockCall::new(block, args, &mut self.new.dfg.value_lists)
    }

    fn map_block(&mut self, block: Block) -> Block {
        let number = self.numbers.blocks.get(&block).copied();
        self.is_broken |= number.is_none();
        number.unwrap_or(block)
    }

    fn map_func_ref(&mut self, func: FuncRef) -> FuncRef {
        if let Some(&number) = self.numbers.functions.get(&func) {
            return number;
        }
        let mut data = self.old.dfg.ext_funcs[func].clone();
        data.signature = self.map_sig_ref(data.signature);
        let number = self.new.import_function(data);
        self.numbers.functions.insert(func, number);
        number
    }

    fn map_sig_ref(&mut self, sig: SigRef) -> SigRef {
        let number = self.numbers.signatures.entry(sig);
        let data = &self.old.dfg.signatures[sig];
        *number.or_insert_with(|| self.new.import_signature(data.clone()))
    }

    fn map_stack_slot(&mut self, slot: StackSlot) -> StackSlot {
        let number = self.numbers.slots.entry(slot);
        let data = &self.old.sized_stack_slots[slot];
        *number.or_insert_with(|| self.new.create_sized_stack_slot(data.clone()))
    }

    fn map_dynamic_stack_slot(&mut self, slot: DynamicStackSlot) -> DynamicStackSlot {
        if let Some(&number) = self.numbers.dynamic_slots.get(&slot) {
            return number;
        }
        let mut data = self.old.dynamic_stack_slots[slot].clone();
        data.dyn_ty = self.dynamic_type(data.dyn_ty);
        let number = self.new.create_dynamic_stack_slot(data);
        self.numbers.dynamic_slots.insert(slot, number);
        number
    }

    fn map_constant(&mut self, constant: Constant) -> Constant {
        let data = self.old.dfg.constants.get(constant).clone();
        self.new.dfg.constants.insert(data)
    }

    fn map_immediate(&mut self, immediate: Immediate) -> Immediate {
        let data = self.old.dfg.immediates[immediate].clone();
        self.new.dfg.immediates.push(data)
    }

    fn map_mem_flags(&mut self, flags: MemFlags) -> MemFlags {
        let mut data = self.old.dfg.mem_flags[flags];
        let region = data.alias_region();
        data.set_alias_region(region.map(|region| {
            let region = self.old.dfg.alias_regions[region].clone();
            self.new.dfg.alias_regions.insert(region)
        }));
        let number = self.new.dfg.mem_flags.insert(data);
        self.is_broken |= number.is_err();
        number.unwrap_or(flags)
    }
}

//! A function under change, and the tools that families of simplifications share.

use cranelift_codegen::cursor::{Cursor, CursorPosition, FuncCursor};
use cranelift_codegen::ir::entities::AnyEntity;
use cranelift_codegen::ir::immediates::{Ieee16, Ieee32, Ieee64};
use cranelift_codegen::ir::{Block, Function, Inst, InstBuilder, Opcode, Type, Value, types};
use std::collections::HashSet;
use std::ops::Range;

/// A function of which a family changes the sites in a range.
pub(super) struct Draft<'a> {
    pub(super) func: Function,
    /// Declarations that nothing refers to.
    pub(super) unused: &'a [AnyEntity],
    /// What a copy leaves out: unused declarations, the stack limit, the stack maps of
    /// instructions, and that blocks are cold.
    pub(super) stripped: HashSet<AnyEntity>,
    sites: Range<usize>,
    next_site: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn new(func: Function, unused: &'a [AnyEntity], sites: Range<usize>) -> Self {
        Draft {
            func,
            unused,
            stripped: HashSet::new(),
            sites,
            next_site: 0,
        }
    }

    /// Offers a site; whether it is to be changed.
    ///
    /// A family offers as many whatever it is answered.
    pub(super) fn pick(&mut self) -> bool {
        let is_picked = self.sites.contains(&self.next_site);
        self.next_site += 1;
        is_picked
    }

    /// How many sites were offered.
    pub(super) fn site_count(&self) -> usize {
        self.next_site
    }

    pub(super) fn blocks(&self) -> Vec<Block> {
        self.func.layout.blocks().collect()
    }

    /// All instructions, in the order of the layout.
    pub(super) fn insts(&self) -> Vec<Inst> {
        let layout = &self.func.layout;
        layout
            .blocks()
            .flat_map(|block| layout.block_insts(block))
            .collect()
    }

    /// The instruction that ends a block.
    pub(super) fn terminator(&self, block: Block) -> Option<Inst> {
        let last = self.func.layout.last_inst(block)?;
        self.opcode(last).is_terminator().then_some(last)
    }

    pub(super) fn opcode(&self, inst: Inst) -> Opcode {
        self.func.dfg.insts[inst].opcode()
    }

    /// The values that instructions use.
    pub(super) fn used(&self) -> HashSet<Value> {
        let dfg = &self.func.dfg;
        self.insts()
            .into_iter()
            .flat_map(|inst| dfg.inst_values(inst))
            .map(|value| dfg.resolve_aliases(value))
            .collect()
    }

    /// Removes the blocks that no path from the entry leads to.
    pub(super) fn remove_unreachable(&mut self) {
        let mut reached = HashSet::new();
        let mut open: Vec<Block> = self.func.layout.entry_block().into_iter().collect();
        while let Some(block) = open.pop() {
            if reached.insert(block) {
                open.extend(self.func.block_successors(block));
            }
        }
        for block in self.blocks() {
            if !reached.contains(&block) {
                self.func.layout.remove_block_and_insts(block);
            }
        }
    }

    /// Removes instructions, given in the order of the layout. Each may forward one of its results
    /// to an earlier value; constants stand in for all others that are used.
    pub(super) fn remove_insts(&mut self, removed: &[(Inst, Option<(Value, Value)>)]) {
        let mut definitions = Vec::new();
        for &(inst, _) in removed.iter().rev() {
            let Some(place) = self.place_after(inst) else {
                continue;
            };
            self.func.layout.remove_inst(inst);
            for result in self.func.dfg.inst_results(inst).to_vec() {
                definitions.push((result, place));
            }
            self.func.dfg.detach_inst_results(inst);
        }
        for &(result, earlier) in removed.iter().filter_map(|(_, forward)| forward.as_ref()) {
            self.func.dfg.change_to_alias(result, earlier);
        }
        definitions.retain(|&(value, _)| self.func.dfg.resolve_aliases(value) == value);
        self.define_zeros(&definitions);
    }

    /// Defines detached values, if they are used, as zeros at these places.
    pub(super) fn define_zeros(&mut self, definitions: &[(Value, CursorPosition)]) {
        let used = self.used();
        for &(value, place) in definitions {
            if used.contains(&value) {
                let zero = self.zero(self.func.dfg.value_type(value), place);
                self.func.dfg.change_to_alias(value, zero);
            }
        }
    }

    /// The place behind an instruction.
    pub(super) fn place_after(&self, inst: Inst) -> Option<CursorPosition> {
        let layout = &self.func.layout;
        let block = layout.inst_block(inst)?;
        let next = layout.next_inst(inst);
        Some(next.map_or(CursorPosition::After(block), CursorPosition::At))
    }

    /// The place before the first instruction of a block.
    pub(super) fn place_in(&self, block: Block) -> CursorPosition {
        let first = self.func.layout.first_inst(block);
        first.map_or(CursorPosition::After(block), CursorPosition::At)
    }

    /// Makes a zero of a type.
    pub(super) fn zero(&mut self, ty: Type, place: CursorPosition) -> Value {
        // The reader takes no wider constants than these.
        if ty.is_dynamic_vector() || ty.is_vector() && ty.bits() > 128 {
            let lane = self.zero(ty.lane_type(), place);
            let mut cursor = FuncCursor::new(&mut self.func).at_position(place);
            return cursor.ins().splat(ty, lane);
        }
        let mut cursor = FuncCursor::new(&mut self.func).at_position(place);
        let zeros = vec![0; ty.bytes() as usize];
        match ty {
            types::I128 => {
                let low = cursor.ins().iconst(types::I64, 0);
                cursor.ins().uextend(ty, low)
            }
            types::F16 => cursor.ins().f16const(Ieee16::with_bits(0)),
            types::F32 => cursor.ins().f32const(Ieee32::with_bits(0)),
            types::F64 => cursor.ins().f64const(Ieee64::with_bits(0)),
            types::F128 => {
                let zero = cursor.func.dfg.constants.insert(zeros.into());
                cursor.ins().f128const(zero)
            }
            _ if ty.is_vector() => {
                let zero = cursor.func.dfg.constants.insert(zeros.into());
                cursor.ins().vconst(ty, zero)
            }
            _ => cursor.ins().iconst(ty, 0),
        }
    }
}

//! Stack maps: in the code each call has the entries that it has in the program.
//!
//! Calls get source locations, which tell whose a map is. What maps are compared with is the program as it was made, so that a pass
//! that changes entries, or removes a call from a block that it leaves, is found. Where slots are in the frame is what the compiler says in
//! another place. That a reference is in its slot is not seen here: programs that run load it from there.

use cranelift_codegen::ir::{Block, Function, Inst, SourceLoc, Type};
use cranelift_codegen::traversals::Dfs;
use cranelift_codegen::{CompiledCode, Context};
use std::collections::{HashMap, HashSet};

/// The offset of a reference from the stack pointer, and its type.
type Place = (u32, Type);

/// Gives calls the source locations that [`check`] finds them by. To be compiled is the function that has them.
pub(super) fn number_calls(function: &mut Function) {
    for (number, call) in (0..).zip(calls(function)) {
        function.set_srcloc(call, SourceLoc::new(number));
    }
}

/// Calls with a place to return to, in the order of the layout.
fn calls(function: &Function) -> Vec<Inst> {
    let blocks = function.layout.blocks();
    let insts = blocks.flat_map(|block| function.layout.block_insts(block));
    insts
        .filter(|inst| function.dfg.insts[*inst].opcode().is_safepoint())
        .collect()
}

/// Compares the maps of compiled code with a function as it was before. The error says what is wrong.
pub(super) fn check(function: &Function, context: &Context) -> Result<(), String> {
    let code = context.compiled_code().ok_or("no code")?;
    let mut maps = maps(code)?;
    let mut dfs = Dfs::new();
    let reachable: HashSet<Block> = dfs.pre_order_iter(&context.func).collect();
    for (number, call) in (0..).zip(calls(function)) {
        let want = entries(function, call, code)?;
        let block = function.layout.inst_block(call);
        let is_reachable = block.is_some_and(|block| reachable.contains(&block));
        let got = maps.remove(&number);
        if got.is_none() && (want.is_empty() || !is_reachable) {
            continue;
        }
        let got = got.unwrap_or_default();
        if got != want {
            let call = function.dfg.display_inst(call);
            return Err(format!("`{call}` has stack map {got:?}, not {want:?}"));
        }
    }
    match maps.is_empty() {
        true => Ok(()),
        false => Err(format!("stack maps of no call: {maps:?}")),
    }
}

/// What the map of a call has to be.
fn entries(function: &Function, call: Inst, code: &CompiledCode) -> Result<Vec<Place>, String> {
    let Some(entries) = function.dfg.user_stack_map_entries(call) else {
        return Ok(Vec::new());
    };
    let layout = code.buffer.frame_layout().ok_or("no layout of the frame")?;
    let place = |slot| layout.stackslots[slot].offset;
    let entries = entries.iter();
    Ok(sorted(
        entries.map(|entry| (place(entry.slot) + entry.offset, entry.ty)),
    ))
}

/// The maps that there are, by the numbers of their calls.
fn maps(code: &CompiledCode) -> Result<HashMap<u32, Vec<Place>>, String> {
    let returns: HashSet<u32> = code.buffer.call_sites().map(|site| site.ret_addr).collect();
    let ranges = code.buffer.get_srclocs_sorted();
    let mut maps = HashMap::new();
    for (address, frame, map) in code.buffer.user_stack_maps() {
        // That is behind the call.
        let first = ranges.partition_point(|range| range.end < *address);
        let range = ranges.get(first).filter(|range| range.start < *address);
        let Some(range) = range.filter(|_| returns.contains(address)) else {
            return Err(format!(
                "a stack map at {address:#x}, where no call returns"
            ));
        };
        let places = sorted(map.entries().map(|(ty, place)| (place, ty)));
        if let Some((place, ty)) = places
            .iter()
            .find(|(place, ty)| place + ty.bytes() > *frame)
        {
            return Err(format!(
                "{ty} at {place} in a stack map, and {frame} bytes in the frame"
            ));
        }
        if maps.insert(range.loc.bits(), places).is_some() {
            return Err(format!("two stack maps of a call, one at {address:#x}"));
        }
    }
    Ok(maps)
}

fn sorted(places: impl Iterator<Item = Place>) -> Vec<Place> {
    let mut places: Vec<Place> = places.collect();
    places.sort_by_key(|(place, ty)| (*place, ty.to_string()));
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::settings::{Settings, TARGETS, isa};
    use cranelift_codegen::control::ControlPlane;
    use cranelift_codegen::ir::{Opcode, UserStackMapEntry, types};
    use cranelift_reader::parse_functions;

    /// Calls with two entries, with one and with none.
    const TEXT: &str = "function %f(i64, i32) -> i64, i64 system_v_multi_out {
            ss0 = explicit_slot 8, align = 8
            ss1 = explicit_slot 8, align = 4
            sig0 = (i64) -> i64, i64, f64 system_v_multi_out
            fn0 = %g(i64) -> i64, i64, f64 system_v_multi_out
            fn1 = %h()
        block0(v0: i64, v1: i32):
            v2 = stack_addr.i64 ss0
            v3 = stack_addr.i64 ss1
            store notrap aligned v0, v2
            store notrap aligned v1, v3+4
            v4, v5, v6 = call fn0(v0), stack_map=[i64 @ ss0+0, i32 @ ss1+4]
            call fn1()
            try_call fn0(v4), sig0, block1(ret1), [ default: block2 ], stack_map=[i64 @ ss0+0]
        block1(v7: i64):
            v8 = load.i64 notrap aligned v2
            return v7, v8
        block2:
            call fn1()
            trap user1
        }";

    fn function() -> Function {
        let mut functions = parse_functions(TEXT).expect("CLIF");
        functions.remove(0)
    }

    /// Compiles a function, and compares with another.
    fn judge(target: &str, compiled: &Function, made: &Function) -> Result<(), String> {
        let isa = isa(target, &Settings::new(&[1]));
        let mut context = Context::for_function(compiled.clone());
        number_calls(&mut context.func);
        context
            .compile(&*isa, &mut ControlPlane::default())
            .expect("code");
        check(made, &context)
    }

    fn call(function: &Function, opcode: Opcode) -> Inst {
        let mut calls = calls(function).into_iter();
        let call = calls.find(|call| function.dfg.insts[*call].opcode() == opcode);
        call.expect("a call")
    }

    #[test]
    fn a_map_with_other_entries_is_found() {
        let function = function();
        let slot = function.sized_stack_slots.keys().next().expect("a slot");
        // The text has pointers of 64 bits.
        for target in TARGETS.into_iter().chain(["pulley64", "pulley64be"]) {
            assert_eq!(judge(target, &function, &function), Ok(()), "{target}");
            for opcode in [Opcode::Call, Opcode::TryCall] {
                for (ty, offset) in [(types::I64, 0), (types::I32, 0), (types::I32, 4)] {
                    let mut more = function.clone();
                    let entry = UserStackMapEntry { ty, slot, offset };
                    let call = call(&more, opcode);
                    more.dfg.append_user_stack_map_entry(call, entry);
                    let lost = judge(target, &function, &more).expect_err("a lost entry");
                    assert!(lost.contains("has stack map"), "{lost}");
                    // Two entries about one place are one in the code.
                    assert!(judge(target, &more, &function).is_err() || ty == types::I64);
                }
            }
        }
    }

    #[test]
    fn a_map_at_another_call_is_found() {
        let function = function();
        let mut without = function.clone();
        for call in calls(&function).into_iter().rev() {
            without.layout.remove_inst(call);
            let error = judge("x86_64", &function, &without).err();
            let has_map = function.dfg.user_stack_map_entries(call).is_some();
            assert!(error.is_some() || !has_map);
        }
    }
}

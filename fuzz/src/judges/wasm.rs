//! `wasm`: this project's WebAssembly runtime against an interpreter: results, traps, globals and memories.
//!
//! A module's imports are host functions with up to 26 results, which are C functions here and know nothing of C there.
//! What both could have wrong together is the parser, which is of one origin.

use crate::wasm::imports::Answer;
use crate::wasm::module::Module;
use crate::wasm::runtimes::{Failure, Ours, Runtime, Wasmi};
use crate::{Oracle, Verdict};
use multi_out_wasm::Trap;

/// See the module.
pub struct Wasm;

impl Oracle for Wasm {
    const NAME: &'static str = "wasm";
    type Case = Module;

    fn check(case: &Module) -> Verdict {
        let (ours, theirs) = (Ours::new(&case.bytes), Wasmi::new(&case.bytes));
        let (mut ours, mut theirs) = match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => (ours, theirs),
            (Err(Failure::Limit(why)), _) => return super::reject(Self::NAME, &why),
            (ours, theirs) => {
                let (ours, theirs) = (ours.err(), theirs.err());
                assert!(
                    same_start(&ours, &theirs),
                    "instantiated: {ours:?} instead of {theirs:?}"
                );
                return Verdict::Passed;
            }
        };
        same_state(&ours, &theirs, "instantiation");
        let mut numbers = Answer::of(case.seed);
        for _ in 0..2 {
            for (name, ty) in ours.functions() {
                let args = ty.params.iter().map(|&ty| (ty, numbers.bits()));
                let args: Vec<_> = args.collect();
                let (found, wanted) = (ours.call(&name, &args), theirs.call(&name, &args));
                if let (Err(Failure::Limit(_)), _) | (_, Err(Failure::Limit(_))) = (&found, &wanted)
                {
                    return Verdict::Passed;
                }
                assert_eq!(
                    found, wanted,
                    "the call of {name:?} with {args:x?}, ours first"
                );
                same_state(&ours, &theirs, &name);
            }
        }
        Verdict::Passed
    }
}

/// The interpreter has errors of its own for segments beyond the end.
fn same_start(ours: &Option<Failure>, theirs: &Option<Failure>) -> bool {
    match (ours, theirs) {
        (
            Some(Failure::Trap(Trap::MemoryOutOfBounds | Trap::TableOutOfBounds)),
            Some(Failure::Limit(_)),
        ) => true,
        _ => ours == theirs,
    }
}

fn same_state(ours: &Ours, theirs: &Wasmi, after: &str) {
    for name in ours.globals() {
        let (found, wanted) = (ours.global(&name), theirs.global(&name));
        assert_eq!(
            found, wanted,
            "the global {name:?} after {after:?}, ours first"
        );
    }
    for (name, memory) in ours.memories() {
        let wanted = theirs.memory(&name).unwrap_or_default();
        let mut found = vec![0; wanted.len()];
        memory
            .read(0, &mut found)
            .expect("a memory as large as the other");
        let beyond = memory.read(wanted.len() as u32, &mut [0]);
        assert!(
            beyond.is_err(),
            "the memory {name:?} after {after:?} is larger than the other"
        );
        let differs = found
            .iter()
            .zip(wanted)
            .position(|(found, wanted)| found != wanted);
        assert_eq!(
            differs, None,
            "the memory {name:?} after {after:?} differs at this byte"
        );
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn smoke() {
        crate::smoke::smoke::<super::Wasm>(20, 5);
    }
}

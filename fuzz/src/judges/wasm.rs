//! `wasm`: this project's WebAssembly runtime against an interpreter: results, traps, globals and memories.
//!
//! A module's imports are host functions with up to 26 results, which are C functions here and know nothing of C there.
//! What both could have wrong together is the parser, which is of one origin.

use crate::wasm::imports::Answer;
use crate::wasm::module::Module;
use crate::wasm::runtimes::{Failure, From, Ours, Runtime, Wasmi};
use crate::wasm::table::{self, Callee};
use crate::{Oracle, Verdict};

/// See the module.
pub struct Wasm;

impl Oracle for Wasm {
    const NAME: &'static str = "wasm";
    type Case = Module;

    fn check(case: &Module) -> Verdict {
        let (ours, theirs) = (Ours::new(&case.bytes), Wasmi::new(&case.bytes));
        let (mut ours, mut theirs) = match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => (ours, theirs),
            (Err(Failure::Limit(why)), _) | (_, Err(Failure::Limit(why))) => {
                return super::reject(Self::NAME, &why);
            }
            (ours, theirs) => {
                assert_eq!(ours.err(), theirs.err(), "instantiated, ours first");
                return Verdict::Passed;
            }
        };
        assert_eq!(ours.exports(), theirs.exports(), "exports, ours first");
        same_state(&ours, &theirs, "instantiation");
        let functions = ours.functions();
        let callees = Callee::all(&functions, case.seed);
        let module = table::module(&callees);
        match (ours.add_table(&module), theirs.add_table(&module)) {
            (Ok(()), Err(Failure::Limit(why))) => return super::reject(Self::NAME, &why),
            added => assert_eq!(added, (Ok(()), Ok(())), "instantiated a table, ours first"),
        }
        let names = functions
            .into_iter()
            .map(|(name, ty)| (From::Module, name, ty));
        let indices = (0..).zip(callees);
        let indices =
            indices.map(|(index, callee)| (From::Table, i32::to_string(&index), callee.ty));
        let mut numbers = Answer::of(case.seed);
        for (from, name, ty) in names.chain(indices) {
            let args = ty.params.iter().map(|&ty| (ty, numbers.bits()));
            let args: Vec<_> = args.collect();
            let found = ours.call(from, &name, &args);
            let wanted = theirs.call(from, &name, &args);
            if let (Err(Failure::Limit(why)), _) | (_, Err(Failure::Limit(why))) = (&found, &wanted)
            {
                return super::reject(Self::NAME, why);
            }
            assert_eq!(
                found, wanted,
                "the call of {name:?} of {from:?} with {args:x?}, ours first"
            );
            same_state(&ours, &theirs, &name);
        }
        Verdict::Passed
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
        crate::smoke::smoke::<super::Wasm>(20, crate::smoke::SELDOM);
    }
}

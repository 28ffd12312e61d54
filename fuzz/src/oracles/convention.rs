//! `convention`: a program in `system_v_multi_out`, with explicit out pointers, and in `tail`.
//!
//! The oracle knows nothing of the convention: where the program has several results, it has a stack
//! slot, stores and loads instead, or another convention's registers. All three return the same.
//! Programs that trap are only compiled.

use crate::generator::calls::STRIDE;
use crate::generator::filetest::arguments;
use crate::generator::{Case, Form, Machine};
use crate::run::{Compiled, Outcome, assert_same, judge};
use crate::{Oracle, Verdict};
use cranelift_codegen::data_value::DataValue;

/// See the module.
pub struct Convention;

impl Oracle for Convention {
    const NAME: &'static str = "convention";
    type Case = Case;

    fn check(case: &Case) -> Verdict {
        let Some(machine) = Machine::host() else {
            return Verdict::Rejected;
        };
        let returns = judge(case, machine) != Outcome::Trapped;
        let mut all = Vec::new();
        for form in [Form::MultiOut, Form::OutPointer, Form::Tail] {
            let program = case.program(machine, form);
            let compiled = match Compiled::new(case, &program) {
                Ok(compiled) => compiled,
                Err(error) => return crate::oracles::reject(Self::NAME, &error),
            };
            if !returns {
                continue;
            }
            let shape = &program.shapes[0];
            all.push(if shape.takes_out_pointer(form) {
                let mut out = vec![[0_u8; STRIDE as usize]; shape.results.len()];
                let signature = shape.signature(Form::MultiOut, machine);
                compiled.call_with(out.as_mut_ptr().cast(), &arguments(&signature));
                let read = |(bytes, result): (&[u8; STRIDE as usize], _)| read(bytes, result);
                out.iter().zip(&shape.results).map(read).collect()
            } else {
                compiled.call()
            });
        }
        if let [multi_out, out_pointer, tail] = &all[..] {
            let what = "system_v_multi_out";
            assert_same(case, [what, "with an out pointer"], multi_out, out_pointer);
            assert_same(case, [what, "tail"], multi_out, tail);
        }
        Verdict::Passed
    }
}

fn read(bytes: &[u8], result: &cranelift_codegen::ir::AbiParam) -> DataValue {
    DataValue::read_from_slice_ne(bytes, result.value_type)
}

#[cfg(test)]
mod tests {
    #[test]
    fn smoke() {
        crate::smoke::smoke::<super::Convention>(10, 5);
    }
}

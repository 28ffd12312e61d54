//! `convention`: a program in `system_v_multi_out`, with explicit out pointers, and in `tail`.
//!
//! The oracle knows nothing of the convention: where the program has several results, it has a stack
//! slot, stores and loads instead, or another convention's registers. All three return the same, and what the
//! interpreter says, which tells which of them to show. Programs that trap do so in
//! a process of their own each.

use crate::generator::calls::STRIDE;
use crate::generator::signature::arguments;
use crate::generator::{Case, Form};
use crate::interpreter::Outcome;
use crate::run::{Compiled, assert_same, assert_traps, is_same, judge};
use crate::{Oracle, Verdict};
use cranelift_codegen::data_value::DataValue;

/// See the module.
pub struct Convention;

impl Oracle for Convention {
    const NAME: &'static str = "convention";
    type Case = Case;

    fn check(case: &Case) -> Verdict {
        let Some(machine) = case.machine() else {
            return Verdict::Rejected;
        };
        let want = judge(case, machine);
        let mut all = Vec::new();
        for form in [Form::MultiOut, Form::OutPointer, Form::Tail] {
            let program = case.program(machine, form);
            let compiled = match Compiled::new(case, &program) {
                Ok(compiled) => compiled,
                Err(error) => return crate::judges::reject(Self::NAME, &error),
            };
            let shape = &program.shapes[0];
            let call = || {
                if !shape.takes_out_pointer(form) {
                    return compiled.call();
                }
                let mut out = vec![[0_u8; STRIDE as usize]; shape.results.len()];
                let signature = shape.signature(Form::MultiOut, machine);
                compiled.call_with(out.as_mut_ptr().cast(), &arguments(&signature));
                let read = |(bytes, result): (&[u8; STRIDE as usize], _)| read(bytes, result);
                out.iter().zip(&shape.results).map(read).collect()
            };
            match want {
                Outcome::Returned(_) => all.push(call()),
                Outcome::Trapped => assert_traps(case, form, call),
            }
        }
        if let (Outcome::Returned(want), [multi_out, out_pointer, tail]) = (&want, &all[..]) {
            compare(case, want, [multi_out, out_pointer, tail]);
        }
        Verdict::Passed
    }

    fn blame(case: &Case) -> Option<&'static str> {
        crate::run::blame(case)
    }
}

/// Compares the results of the forms with each other, then with the interpreter's. What is shown is a form
/// whose results the interpreter does not have.
fn compare(case: &Case, want: &[DataValue], [multi_out, out_pointer, tail]: [&[DataValue]; 3]) {
    let shown = |other| match is_same(multi_out, want) {
        true => other,
        false => Form::MultiOut,
    };
    let name = "system_v_multi_out";
    let what = [name, "with an out pointer"];
    assert_same(case, shown(Form::OutPointer), what, multi_out, out_pointer);
    assert_same(case, shown(Form::Tail), [name, "tail"], multi_out, tail);
    let what = ["in every form", "interpreted"];
    assert_same(case, Form::MultiOut, what, multi_out, want);
}

fn read(bytes: &[u8], result: &cranelift_codegen::ir::AbiParam) -> DataValue {
    DataValue::read_from_slice_ne(bytes, result.value_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use filetests::panics::contain;

    #[test]
    fn smoke() {
        crate::smoke::smoke::<Convention>(10, crate::smoke::SELDOM);
    }

    #[test]
    fn the_form_that_is_wrong_is_shown() {
        // A function with two results.
        let mut bytes = [0; 33];
        bytes[21] = 1;
        let case = Case::new(&bytes);
        let values = |number| [DataValue::I64(number), DataValue::I64(0)];
        let judge = |forms: [i64; 3]| {
            let forms = forms.map(values);
            let panic = contain(|| compare(&case, &values(0), forms.each_ref().map(|f| &f[..])));
            panic.map_err(|panic| panic.message)
        };
        assert_eq!(judge([0, 0, 0]), Ok(()));
        for (forms, what, function) in [
            (
                [1, 0, 0],
                "pointer: [0, 0]",
                "%f0() -> i64, i64 system_v_multi_out {",
            ),
            ([0, 1, 0], "pointer: [1, 0]", "%f0(i64) system_v {"),
            ([0, 0, 1], "tail: [1, 0]", "%f0() -> i64, i64 tail {"),
            (
                [1, 1, 0],
                "tail: [0, 0]",
                "%f0() -> i64, i64 system_v_multi_out {",
            ),
            (
                [1, 1, 1],
                "interpreted: [0, 0]",
                "%f0() -> i64, i64 system_v_multi_out {",
            ),
        ] {
            let text = judge(forms).expect_err("a difference");
            assert!(text.starts_with("result Some(0) differs\n"), "{text}");
            assert!(text.contains(what) && text.contains(function), "{text}");
        }
    }
}

//! `interpret`: compiled programs against Cranelift's interpreter, bit for bit.
//!
//! To the interpreter results are values; it knows no out area. What both could have wrong together is
//! the meaning of a program, not how its values travel. A program that traps does so in a
//! process of its own.

use crate::generator::{Case, Form};
use crate::interpreter::Outcome;
use crate::run::{Compiled, assert_same, assert_traps, judge};
use crate::{Oracle, Verdict};

/// See the module.
pub struct Interpret;

impl Oracle for Interpret {
    const NAME: &'static str = "interpret";
    type Case = Case;

    fn check(case: &Case) -> Verdict {
        let Some(machine) = case.machine() else {
            return Verdict::Rejected;
        };
        let want = judge(case, machine);
        let form = Form::MultiOut;
        let program = case.program(machine, form);
        let compiled = match Compiled::new(case, &program) {
            Ok(compiled) => compiled,
            Err(error) => return crate::judges::reject(Self::NAME, &error),
        };
        let Outcome::Returned(want) = want else {
            assert_traps(case, form, || compiled.call());
            return Verdict::Passed;
        };
        let what = ["compiled", "interpreted"];
        assert_same(case, form, what, &compiled.call(), &want);
        Verdict::Passed
    }

    fn blame(case: &Case) -> Option<&'static str> {
        crate::run::blame(case)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn smoke() {
        crate::smoke::smoke::<super::Interpret>(20, crate::smoke::SELDOM);
    }
}

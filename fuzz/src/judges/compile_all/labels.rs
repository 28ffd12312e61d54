//! Value labels: the compiler says in which part of the code a value with a label is where.
//!
//! That the value is there then is not seen here.

use cranelift_codegen::ir::{Function, ValueLabel, ValueLabelAssignments};
use cranelift_codegen::{Context, ValueLabelsRanges};
use std::collections::HashSet;

/// Checks the ranges of compiled code against its function. The error says what is wrong.
pub(super) fn check(function: &Function, context: &Context) -> Result<(), String> {
    let code = context.compiled_code().ok_or("no code")?;
    let length = code.code_buffer().len();
    check_ranges(&code.value_labels_ranges, &labels(function), length)
}

fn labels(function: &Function) -> HashSet<ValueLabel> {
    let values = function.dfg.values_labels.iter().flatten();
    let starts = values.filter_map(|(_, assignments)| match assignments {
        ValueLabelAssignments::Starts(starts) => Some(starts),
        ValueLabelAssignments::Alias { .. } => None,
    });
    starts.flatten().map(|start| start.label).collect()
}

fn check_ranges(
    ranges: &ValueLabelsRanges,
    labels: &HashSet<ValueLabel>,
    length: usize,
) -> Result<(), String> {
    for (label, ranges) in ranges {
        if !labels.contains(label) {
            return Err(format!("{label} is no label of the function"));
        }
        let is_wrong = |start, end| start >= end || end as usize > length;
        if let Some(range) = ranges.iter().find(|range| is_wrong(range.start, range.end)) {
            return Err(format!("{label} has {range:?} in {length} bytes of code"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::settings::{PULLEYS, Settings, TARGETS, isa};
    use cranelift_codegen::control::ControlPlane;
    use cranelift_codegen::ir::{RelSourceLoc, ValueLabelStart};
    use cranelift_codegen::{LabelValueLoc, ValueLocRange};
    use cranelift_reader::parse_functions;

    #[test]
    fn a_result_with_a_label_has_a_range_on_every_target() {
        // Used once it would be an operand in memory, which has no range.
        let text = "function %f() -> i64, i64 system_v_multi_out {
                fn0 = %g() -> i64, i64 system_v_multi_out
            block0:
                v0, v1 = call fn0()
                v2 = iadd v0, v1
                v3, v4 = call fn0()
                v5 = imul v2, v3
                return v5, v3
            }";
        let label = ValueLabel::from_u32(7);
        for target in TARGETS.into_iter().chain(PULLEYS) {
            let isa = isa(target, &Settings::new(&[]));
            let mut functions = parse_functions(text).expect("CLIF");
            let mut function = functions.remove(0);
            function.dfg.collect_debug_info();
            let value = function.dfg.values().nth(3).expect("v3");
            let from = RelSourceLoc::default();
            let starts = ValueLabelAssignments::Starts(vec![ValueLabelStart { from, label }]);
            let all = function.dfg.values_labels.as_mut().expect("labels");
            all.insert(value, starts);
            let mut context = Context::for_function(function.clone());
            context
                .compile(&*isa, &mut ControlPlane::default())
                .expect("code");
            assert_eq!(check(&function, &context), Ok(()));
            let code = context.compiled_code().expect("code");
            assert!(code.value_labels_ranges.contains_key(&label), "{target}");

            function.dfg.values_labels = None;
            assert!(check(&function, &context).is_err());
        }
    }

    #[test]
    fn a_range_is_part_of_the_code() {
        let label = ValueLabel::from_u32(7);
        let judge = |start, end| {
            let loc = LabelValueLoc::CFAOffset(-8);
            let mut ranges = ValueLabelsRanges::default();
            ranges.insert(label, vec![ValueLocRange { loc, start, end }]);
            check_ranges(&ranges, &[label].into(), 8)
        };
        assert_eq!(judge(0, 8), Ok(()));
        for (start, end) in [(4, 4), (4, 0), (4, 12)] {
            assert!(judge(start, end).is_err(), "{start}..{end}");
        }
    }
}

//! `run` and `print` directives, as `test run` and `test interpret` use them.

use crate::job::Job;
use crate::outcome::Failure;
use cranelift_codegen::data_value::{DataValue, DisplayDataValues};
use cranelift_codegen::ir::Function;
use cranelift_reader::{Details, RunCommand, parse_run_command};

/// Whether there is a directive in the comments of `func`, or what looks like one.
pub fn has_directives(func: &Function, details: &Details<'_>) -> bool {
    let is_directive = |text| !matches!(parse_run_command(text, &func.signature), Ok(None));
    details
        .comments
        .iter()
        .any(|comment| is_directive(comment.text))
}

/// Executes the directives in the comments of `func`, in order, by way of `invoke`, which gets
/// the name and the arguments that the directive gives.
pub fn run_directives(
    job: &Job<'_, '_>,
    func: &Function,
    details: &Details<'_>,
    mut invoke: impl FnMut(&str, &[DataValue]) -> Result<Vec<DataValue>, String>,
) -> Result<(), Failure> {
    for comment in &details.comments {
        let directive = parse_run_command(comment.text, &func.signature).map_err(|error| {
            Failure::at(
                job.line_of(comment),
                format!(
                    "cannot read the directive `{}`: {}; a remark must not begin with `run` or \
                     `print`",
                    comment.text.trim_end(),
                    error.message
                ),
            )
        })?;
        let Some(directive) = directive else {
            continue;
        };
        let line = job.line_of(comment);
        let text = comment.text.trim_start_matches([';', ' ']).trim_end();
        crate::activity::note(line, format_args!("executing `{text}` for {}", func.name));
        match &directive {
            RunCommand::Print(invocation) => {
                let values = invoke(&invocation.func, &invocation.args)
                    .map_err(|error| Failure::at(line, format!("`{directive}`: {error}")))?;
                job.print(format!("{invocation} -> {}", DisplayDataValues(&values)));
            }
            RunCommand::Run(..) => {
                let mut error_of_call = None;
                let result = directive.run(|name, arguments| {
                    invoke(name, arguments).inspect_err(|error| {
                        error_of_call = Some(format!("`{directive}`: {error}"));
                    })
                });
                result.map_err(|mismatch| Failure::at(line, error_of_call.unwrap_or(mismatch)))?;
            }
        }
    }
    Ok(())
}

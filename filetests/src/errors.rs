//! What the verifier and the compiler say against functions, as failures with lines.

use crate::outcome::Failure;
use cranelift_codegen::CodegenError;
use cranelift_codegen::ir::Function;
use cranelift_codegen::ir::entities::AnyEntity;
use cranelift_codegen::verifier::VerifierErrors;
use cranelift_reader::Details;

/// Describes why a function did not compile.
pub fn describe_codegen_error(
    func: &Function,
    details: &Details<'_>,
    error: &CodegenError,
) -> Failure {
    match error {
        CodegenError::Verifier(errors) => describe_verifier_errors(func, details, errors),
        error => Failure::at(
            details.location.line_number,
            format!("{} does not compile: {error}", func.name),
        ),
    }
}

/// Why something that is in no file does not compile. The error itself keeps to itself what the
/// verifier says.
pub fn describe_own_codegen_error(error: &CodegenError) -> String {
    match error {
        CodegenError::Verifier(errors) => {
            let errors: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
            format!("the verifier says: {}", errors.join("; "))
        }
        error => error.to_string(),
    }
}

/// Describes verifier errors, each with the line of the entity that it is about.
pub fn describe_verifier_errors(
    func: &Function,
    details: &Details<'_>,
    errors: &VerifierErrors,
) -> Failure {
    let mut message = format!("{} does not verify", func.name);
    for error in &errors.0 {
        let line = line_of_entity(details, error.location);
        message.push_str(&format!("\n  line {line}: {error}"));
    }
    let first = errors
        .0
        .first()
        .map_or(AnyEntity::Function, |error| error.location);
    Failure::at(line_of_entity(details, first), message)
}

/// The line on which an entity of a function was defined, or that of the function for those that are
/// written nowhere.
pub fn line_of_entity(details: &Details<'_>, entity: AnyEntity) -> usize {
    let location = details.map.location(entity);
    location.unwrap_or(details.location).line_number
}

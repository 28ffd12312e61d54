//! What can be wrong, as a sentence.

use cranelift_codegen::{CodegenError, ir};
use cranelift_module::ModuleError;
use std::fmt;

/// Why a function cannot be declared, defined or called.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The module refuses a declaration or a definition.
    Module(Box<ModuleError>),
    /// The function has another signature in the module than the type says.
    WrongSignature {
        /// The function.
        name: String,
        /// The signature in the module.
        declared: Box<ir::Signature>,
        /// The type in Rust.
        rust: &'static str,
        /// What the type is in CLIF.
        expected: Box<ir::Signature>,
    },
    /// A function body returns a value of another type than the signature has.
    WrongResult {
        /// Which result, from 0.
        index: usize,
        /// The type of the value.
        found: ir::Type,
        /// The signature in Rust.
        rust: &'static str,
        /// The type there.
        expected: ir::Type,
    },
    /// A body returns from a block that an instruction ends already.
    BlockEnded {
        /// The block.
        block: ir::Block,
    },
    /// Cranelift does not pass the values as C does on this target.
    Unsupported {
        /// What it passes otherwise, and what to do.
        reason: String,
    },
    /// Two imports have the same name.
    DuplicateImport {
        /// Their name.
        name: String,
    },
    /// The function is of another module.
    OtherModule {
        /// The function.
        name: String,
    },
    /// There is no code to call.
    NotDefined {
        /// The function.
        name: String,
    },
    /// A function that compiled code calls does not exist.
    MissingSymbol {
        /// What the module says.
        message: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(error) => match &**error {
                // Its own text is no more than that.
                ModuleError::Compilation(CodegenError::Verifier(errors)) => {
                    write!(f, "verifier errors:\n{errors}")
                }
                error => error.fmt(f),
            },
            Self::WrongSignature {
                name,
                declared,
                rust,
                expected,
            } => write!(
                f,
                "`{name}` is declared as `{declared}`, but `{rust}` is `{expected}`; \
                 change the one that is wrong"
            ),
            Self::WrongResult {
                index,
                found,
                rust,
                expected,
            } => write!(
                f,
                "result {index} of a body is {found}, but of `{rust}` it is {expected}; convert it"
            ),
            Self::BlockEnded { block } => write!(
                f,
                "a body returns its results at its end, but {block}, where that is, ends before; \
                 switch to a block that goes on"
            ),
            Self::OtherModule { name } => write!(
                f,
                "`{name}` is of another module, as this one has none of that name and id; declare it here"
            ),
            Self::Unsupported { reason } => f.write_str(reason),
            Self::DuplicateImport { name } => {
                write!(f, "two imports are called `{name}`; rename one")
            }
            Self::NotDefined { name } => write!(
                f,
                "`{name}` has no code in this module; define it before the module is finalized"
            ),
            Self::MissingSymbol { message } => write!(
                f,
                "{message}; add it to the imports, and those to the builder of the module"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Its text is this one's.
            Self::Module(error) => error.source(),
            _ => None,
        }
    }
}

impl From<ModuleError> for Error {
    fn from(error: ModuleError) -> Self {
        Self::Module(Box::new(error))
    }
}

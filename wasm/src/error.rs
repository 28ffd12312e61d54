//! What can be wrong with a module, its imports, or a call.

use std::fmt;

/// Why a module is refused, or a call ends without results.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no valid module of WebAssembly 2.0 without vectors.
    #[error("no WebAssembly 2.0 without vectors: {message} (at offset {offset:#x})")]
    Invalid {
        /// What is wrong.
        message: String,
        /// Where, in bytes.
        offset: u64,
    },
    /// A text is no module; shown, it has line and column.
    #[error(transparent)]
    Text(#[from] wast::Error),
    /// The module, or a type, is beyond what this runtime does.
    #[error("{0}")]
    Unsupported(String),
    /// The code generator refuses a function.
    #[error("function {function}: {message}")]
    Compile {
        /// Its index in the module.
        function: u32,
        /// The code generator's words.
        message: String,
    },
    /// Nothing of that name was given.
    #[error("unknown import {module:?} {name:?}, {expected}")]
    UnknownImport {
        /// The name's first part.
        module: String,
        /// The name's second part.
        name: String,
        /// What the module asks for.
        expected: String,
    },
    /// An import is of another type.
    #[error(
        "incompatible import type: the module imports {module:?} {name:?} as {expected}, but is given {given}"
    )]
    ImportType {
        /// The name's first part.
        module: String,
        /// The name's second part.
        name: String,
        /// What the module asks for.
        expected: String,
        /// What the linker has.
        given: String,
    },
    /// No export of that name and kind.
    #[error("the instance has no exported {kind} `{name}`")]
    UnknownExport {
        /// The name.
        name: String,
        /// Function, memory, table or global.
        kind: &'static str,
    },
    /// A function is called as another type.
    #[error("`{name}` is {expected}, but is used as {given}")]
    FunctionType {
        /// The function.
        name: String,
        /// Its type.
        expected: String,
        /// The caller's.
        given: String,
    },
    /// Something of one store is used with another.
    #[error("this is of another store")]
    OtherStore,
    /// The call trapped.
    #[error(transparent)]
    Trap(#[from] Trap),
    /// A host function failed, see [`fail`](crate::fail).
    #[error("a host function failed: {0}")]
    Host(Box<dyn std::error::Error + Send + Sync>),
    /// The start function trapped or failed: [`Error::Trap`] or [`Error::Host`].
    #[error("the start function: {0}")]
    Start(Box<Self>),
    /// Of the typed functions.
    #[error(transparent)]
    Typed(#[from] multi_out::Error),
}

impl From<wasmparser::BinaryReaderError> for Error {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Invalid {
            message: error.message().to_owned(),
            offset: error.offset(),
        }
    }
}

impl From<cranelift_module::ModuleError> for Error {
    fn from(error: cranelift_module::ModuleError) -> Self {
        multi_out::Error::from(error).into()
    }
}

macro_rules! traps {
    ($($(#[$doc:meta])* $name:ident $message:literal)*) => {
        /// A trap of the specification.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Trap { $($(#[$doc])* $name),* }

        impl Trap {
            const ALL: &'static [Self] = &[$(Self::$name),*];
        }

        impl fmt::Display for Trap {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $message),* })
            }
        }
    };
}

traps! {
    /// The instruction `unreachable`.
    Unreachable "unreachable"
    /// A division by zero.
    DivideByZero "integer divide by zero"
    /// A number too large for its type.
    IntegerOverflow "integer overflow"
    /// A conversion of a NaN.
    InvalidConversion "invalid conversion to integer"
    /// Beyond the end of a memory or data segment.
    MemoryOutOfBounds "out of bounds memory access"
    /// Beyond the end of a table or element segment.
    TableOutOfBounds "out of bounds table access"
    /// An indirect call beyond the end of its table.
    UndefinedElement "undefined element"
    /// An indirect call of null.
    UninitializedElement "uninitialized element"
    /// An indirect call of another type.
    IndirectCallType "indirect call type mismatch"
    /// Calls are nested too deeply.
    StackExhausted "call stack exhausted"
}

impl Trap {
    /// As compiled code says it.
    pub(crate) fn code(self) -> i64 {
        self as i64
    }

    /// Compiled code says no other.
    pub(crate) fn from_code(code: i32) -> Self {
        Self::ALL[code as usize]
    }
}

impl std::error::Error for Trap {}

//! Who throws for programs on other machines, and the handlers that it has to know.

use cranelift_codegen::{CompiledCode, FinalizedMachExceptionHandler};

/// Behind the C program, if any of its programs throws.
const THROWER: &str = include_str!("throw.c");

/// What C needs to be compiled with: it is a frame that libgcc walks.
pub const FLAG: &str = "-funwind-tables";

/// The handlers of a program, as entries of the list of C; none if it does not throw.
pub type Handlers = Option<Vec<String>>;

/// Those of a function with this symbol.
pub fn handlers(symbol: &str, code: &CompiledCode) -> Vec<String> {
    let mut list = Vec::new();
    for site in code.buffer.call_sites() {
        for handler in site.exception_handlers {
            let (tag, offset) = match handler {
                FinalizedMachExceptionHandler::Tag(tag, offset) => (tag.as_u32(), offset),
                FinalizedMachExceptionHandler::Default(offset) => (0, offset),
                FinalizedMachExceptionHandler::Context(_) => continue,
            };
            list.push(format!(
                "HANDLER({symbol}, {}, {tag}, {offset})",
                site.ret_addr
            ));
        }
    }
    list
}

/// What C knows of all programs with these handlers, and the thrower; nothing if none throws.
pub fn source<'a>(all: impl IntoIterator<Item = &'a Handlers>) -> String {
    let throwing: Vec<&Vec<String>> = all.into_iter().flatten().collect();
    if throwing.is_empty() {
        return String::new();
    }
    let entries = throwing.into_iter().flatten();
    let entries: String = entries.map(|entry| format!(" \\\n{entry}")).collect();
    format!("#define HANDLERS{entries}\n{THROWER}")
}

//! A module that calls functions of the host and of another module through a table.
//!
//! Modules at random call so too, but hardly ever a function that is there and has the right type.

use super::imports::{MODULE, imports};
use multi_out_wasm::{FuncType, ValType};
use std::fmt::Write as _;

/// The module part of the names of another module's exports.
pub const OTHER: &str = "other";

/// A function to be called.
pub struct Callee {
    module: &'static str,
    name: String,
    /// Its type.
    pub ty: FuncType,
}

impl Callee {
    /// The functions of another module, and a few of the host's.
    pub fn all(others: &[(String, FuncType)], seed: u64) -> Vec<Self> {
        let others = others.iter().map(|(name, ty)| Self {
            module: OTHER,
            name: name.clone(),
            ty: ty.clone(),
        });
        let hosts = imports()
            .into_iter()
            .enumerate()
            .map(|(index, import)| Self {
                module: MODULE,
                name: index.to_string(),
                ty: import.ty,
            });
        others
            .chain(hosts.skip(seed as usize % 5).step_by(5))
            .collect()
    }
}

/// The module: it exports a function for each callee, named by its index.
pub fn module(callees: &[Callee]) -> Vec<u8> {
    let list = |types: &[ValType]| types.iter().map(|ty| format!(" {ty}")).collect::<String>();
    let (mut imports, mut elements, mut functions) = (String::new(), String::new(), String::new());
    for (index, Callee { module, name, ty }) in callees.iter().enumerate() {
        let (params, results) = (list(&ty.params), list(&ty.results));
        // Names are any characters.
        let name: String = name.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        let args = (0..ty.params.len()).map(|param| format!("(local.get {param})"));
        let args: String = args.collect();
        let _ = write!(
            imports,
            "(type $t{index} (func (param{params}) (result{results})))
             (import \"{module}\" \"{name}\" (func $f{index} (type $t{index})))"
        );
        let _ = write!(elements, " $f{index}");
        let _ = write!(
            functions,
            "(func (export \"{index}\") (type $t{index}) {args}
               (call_indirect (type $t{index}) (i32.const {index})))"
        );
    }
    let text = format!("(module {imports} (table funcref (elem{elements})) {functions})");
    let buffer = wast::parser::ParseBuffer::new(&text).expect("tokens");
    let mut module = wast::parser::parse::<wast::Wat<'_>>(&buffer).expect("a module");
    module.encode().expect("a module")
}

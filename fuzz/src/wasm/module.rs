//! Modules at random.

use super::imports::{MODULE, imports};
use arbitrary::{Arbitrary, Unstructured};
use multi_out_wasm::ValType;
use std::fmt::{self, Write as _};
use std::sync::OnceLock;
use wasm_smith::Config;

/// Calls and iterations of loops, after which a function is `unreachable`.
const FUEL: u32 = 400;

/// A module that imports some of the functions of [`super::imports`], and all of whose functions end.
pub struct Module {
    /// In the binary format.
    pub bytes: Vec<u8>,
    /// Numbers for arguments come from it.
    pub seed: u64,
}

impl<'a> Arbitrary<'a> for Module {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let seed = u.arbitrary()?;
        let mut module = wasm_smith::Module::new(config(), u)?;
        module
            .ensure_termination(FUEL)
            .map_err(|_| arbitrary::Error::IncorrectFormat)?;
        let bytes = module.to_bytes();
        Ok(Self { bytes, seed })
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match wasmprinter::print_bytes(&self.bytes) {
            Ok(text) => write!(f, ";; seed {}\n{text}", self.seed),
            Err(error) => write!(f, "{error}: {:x?}", self.bytes),
        }
    }
}

/// WebAssembly 2.0 without vectors.
fn config() -> Config {
    Config {
        available_imports: Some(available().to_vec()),
        canonicalize_nans: true,
        compact_imports_enabled: false,
        exceptions_enabled: false,
        export_everything: true,
        extended_const_enabled: false,
        gc_enabled: false,
        max_funcs: 10,
        max_globals: 20,
        max_instructions: 200,
        // What grows must fail to grow in both runtimes.
        max_memory32_bytes: 8 << 16,
        max_table_elements: 100,
        max_tables: 3,
        max_values: 26,
        memory64_enabled: false,
        memory_max_size_required: true,
        min_funcs: 1,
        relaxed_simd_enabled: false,
        simd_enabled: false,
        table_max_size_required: true,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}

/// A module with all functions there are to import.
fn available() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let list = |types: &[ValType]| types.iter().map(|ty| format!(" {ty}")).collect::<String>();
        let mut text = "(module".to_owned();
        for (index, import) in imports().iter().enumerate() {
            let (params, results) = (list(&import.ty.params), list(&import.ty.results));
            let _ = write!(
                text,
                "(import {MODULE:?} \"{index}\" (func (param{params}) (result{results})))"
            );
        }
        text.push(')');
        let buffer = wast::parser::ParseBuffer::new(&text).expect("tokens");
        let mut module = wast::parser::parse::<wast::Wat<'_>>(&buffer).expect("a module");
        module.encode().expect("a module")
    })
}

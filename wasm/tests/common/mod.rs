//! What tests have in common.

use anyhow::Result;
use multi_out_wasm::Module;

/// A module from its text.
pub fn module(text: &str) -> Result<Module> {
    let buffer = wast::parser::ParseBuffer::new(text)?;
    let bytes = wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode()?;
    Ok(Module::new(&bytes)?)
}

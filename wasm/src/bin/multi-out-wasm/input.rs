//! Modules from files, and what is wrong with them or with the command line.

use anyhow::{Context as _, Result, anyhow};
use multi_out_wasm::{Error, Module};
use std::io::Read as _;
use std::path::Path;

/// The command line asks for what there is not.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// A module in either format. Errors name the file, with line and column or with the offset in bytes.
pub fn module(path: &Path) -> Result<Module> {
    let shown = match path.to_str() {
        Some("-") => "<stdin>".to_owned(),
        _ => path.display().to_string(),
    };
    let mut bytes = Vec::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().read_to_end(&mut bytes).map(drop),
        _ => std::fs::read(path).map(|read| bytes = read),
    };
    read.map_err(|error| Usage(format!("{shown}: {error}")))?;
    if bytes.starts_with(b"\0asm") {
        return Module::new(&bytes).context(shown);
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| anyhow!("{shown}: neither a module nor a text"))?;
    Module::from_text(&text).map_err(|error| match error {
        Error::Text(mut error) => {
            error.set_path(shown.as_ref());
            error.into()
        }
        error => anyhow!("{shown}, in the binary format: {error}"),
    })
}

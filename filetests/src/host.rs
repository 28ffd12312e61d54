//! Which targets' code can run on this host.

use cranelift_codegen::isa::{self, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable, Flags};
use cranelift_reader::IsaSpec;
use std::sync::OnceLock;
use target_lexicon::{Architecture, Triple};

/// Whether code for `isa` runs here; if not, the reason, as the line of a summary.
pub fn can_run(isa: &dyn TargetIsa) -> Result<(), String> {
    let host = Triple::host().architecture;
    let target = isa.triple().architecture;
    if !runs_architecture(target, host) {
        return Err(format!("{target} code cannot run on this {host} host"));
    }
    let wanted = isa.isa_flags();
    let Some(available) = host_features() else {
        if wanted.is_empty() {
            return Ok(());
        }
        return Err(format!(
            "Cranelift does not support this {host} host, so its features are unknown"
        ));
    };
    let mut missing = Vec::new();
    for flag in &wanted {
        let ignored = match target {
            _ if is_pulley(target) => flag.name == "pointer_width",
            Architecture::Aarch64(_) => flag.name == "sign_return_address",
            _ => false,
        };
        if ignored {
            continue;
        }
        match flag.as_bool() {
            Some(false) => {}
            Some(true) if available.contains(&flag.name) => {}
            Some(true) | None => missing.push(flag.name),
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "this {host} host does not have {}",
            missing.join(", ")
        ))
    }
}

/// The ISA to compile with for running here what `isa` asks for.
///
/// For native code that is the host's triple with the target's flags and no others, so that a
/// flag turned off in the file is off.
pub fn executable_isa(isa: &dyn TargetIsa) -> Result<OwnedTargetIsa, String> {
    let mut builder = if is_pulley(isa.triple().architecture) {
        isa::lookup(isa.triple().clone()).map_err(|error| error.to_string())?
    } else {
        cranelift_native::builder_with_options(false).map_err(str::to_owned)?
    };
    for flag in isa.isa_flags() {
        builder
            .set(flag.name, &flag.value_string())
            .map_err(|error| format!("cannot set `{}`: {error}", flag.name))?;
    }
    builder
        .finish(isa.flags().clone())
        .map_err(|error| error.to_string())
}

/// This host with all its features, and with the shared settings that a file has for it.
pub fn isa_for_file(spec: &IsaSpec) -> Result<OwnedTargetIsa, String> {
    let host = Triple::host().architecture;
    let flags = match spec {
        IsaSpec::None(flags) => flags,
        IsaSpec::Some(isas) => isas
            .iter()
            .find(|isa| isa.triple().architecture == host)
            .map(|isa| isa.flags())
            .ok_or_else(|| {
                format!("the file has no target for this host; add the line `target {host}`")
            })?,
    };
    cranelift_native::builder()
        .map_err(str::to_owned)?
        .finish(flags.clone())
        .map_err(|error| error.to_string())
}

/// Whether the architecture is one of Pulley's.
pub fn is_pulley(architecture: Architecture) -> bool {
    matches!(
        architecture,
        Architecture::Pulley32
            | Architecture::Pulley64
            | Architecture::Pulley32be
            | Architecture::Pulley64be
    )
}

fn runs_architecture(target: Architecture, host: Architecture) -> bool {
    if is_pulley(target) {
        return target.pointer_width() == host.pointer_width()
            && target.endianness() == host.endianness();
    }
    match (target, host) {
        (Architecture::Riscv64(_), Architecture::Riscv64(_)) => true,
        _ => target == host,
    }
}

/// The ISA flags that are on when Cranelift compiles for all that this host has. Shared settings do
/// not change them.
fn host_features() -> Option<&'static [&'static str]> {
    static FEATURES: OnceLock<Option<Vec<&'static str>>> = OnceLock::new();
    let find = || {
        let host = cranelift_native::builder()
            .ok()?
            .finish(Flags::new(settings::builder()))
            .ok()?;
        let flags = host.isa_flags().into_iter();
        Some(
            flags
                .filter(|f| f.as_bool() == Some(true))
                .map(|f| f.name)
                .collect(),
        )
    };
    FEATURES.get_or_init(find).as_deref()
}

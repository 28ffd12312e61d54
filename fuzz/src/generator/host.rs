//! Where programs run in process: this machine, or Pulley.

use super::machine::Machine;
use super::settings::{Settings, isa, with_common_features};
use filetests::host;
use std::sync::OnceLock;
use target_lexicon::Triple;

impl Machine {
    /// This one, in process.
    pub fn host() -> Option<Self> {
        let machine = Self::of(&Triple::host())?;
        Some(Machine {
            has_thrower: cfg!(target_arch = "x86_64"),
            has_features: host_has_features(),
            ..machine
        })
    }
}

/// Where programs run in process, as in a `target` line: Pulley, or the host with those of the features that settings ask for
/// which it has.
pub fn host_target(settings: &Settings) -> String {
    if settings.runs_on_pulley {
        return if cfg!(target_endian = "big") {
            "pulley64be"
        } else {
            "pulley64"
        }
        .to_owned();
    }
    let architecture = Triple::host().architecture.to_string();
    if !(settings.has_features && host_has_features()) {
        return architecture;
    }
    let target = settings.target(&architecture);
    let words = target.split(' ').skip(1);
    let has = |word: &&str| host_features().iter().any(|feature| feature == word);
    words
        .filter(has)
        .fold(architecture, |target, word| format!("{target} {word}"))
}

/// The features that settings can ask for and this host has.
fn host_features() -> &'static [String] {
    static FEATURES: OnceLock<Vec<String>> = OnceLock::new();
    FEATURES.get_or_init(|| {
        let architecture = Triple::host().architecture.to_string();
        let has = |feature: &&str| {
            let target = format!("{architecture} {feature}");
            host::can_run(&*isa(&target, &Settings::new(&[]))).is_ok()
        };
        // Bytes that ask for all.
        let all = Settings::new(&[u8::MAX; 16]).target(&architecture);
        let features = all.split(' ').skip(1).filter(has);
        features.map(String::from).collect()
    })
}

/// Whether this host has the features that most such machines have.
pub fn host_has_features() -> bool {
    static HAS_FEATURES: OnceLock<bool> = OnceLock::new();
    *HAS_FEATURES.get_or_init(|| {
        let target = with_common_features(&Triple::host().architecture.to_string());
        host::can_run(&*isa(&target, &Settings::new(&[]))).is_ok()
    })
}

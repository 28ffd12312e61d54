//! Settings of the compiler as input.

use super::{byte, exceptions};
use cranelift_codegen::ir::{Function, types};

/// Shared settings and features of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Names and values, as after `set`.
    pub shared: Vec<(&'static str, &'static str)>,
    /// Whether an x86-64 target has more than every such machine.
    pub has_features: bool,
    /// `is_pic`, where the code does not run: the JIT has none.
    pub is_pic: bool,
    /// Whether the compiler makes some of its choices by chance.
    pub is_chaotic: bool,
}

/// Values that a byte chooses among, in the order of the bytes.
const CHOICES: [(&str, &[&str]); 5] = [
    ("opt_level", &["none", "speed", "speed_and_size"]),
    ("regalloc_algorithm", &["backtracking", "single_pass"]),
    ("probestack_strategy", &["outline", "inline"]),
    (
        "bb_padding_log2_minus_one",
        &["0", "0", "0", "0", "0", "0", "0", "4"],
    ),
    ("log2_min_function_alignment", &["0", "5"]),
];

/// On or off, in the order of the bits of a byte.
const SWITCHES: [&str; 8] = [
    "regalloc_checker",
    "preserve_frame_pointers",
    "unwind_info",
    "machine_code_cfg_info",
    "enable_alias_analysis",
    "enable_nan_canonicalization",
    "enable_multi_ret_implicit_sret",
    "enable_llvm_abi_extensions",
];

/// Features of x86-64 that change how values are moved.
pub const FEATURES: &str = "has_sse3 has_ssse3 has_sse41 has_sse42 has_popcnt has_avx has_avx2 has_fma has_lzcnt has_bmi1 has_bmi2";

impl Settings {
    /// Those that bytes ask for.
    pub fn new(bytes: &[u8]) -> Self {
        let mut shared = Vec::new();
        for (index, (name, values)) in CHOICES.into_iter().enumerate() {
            shared.push((name, values[usize::from(byte(bytes, index)) % values.len()]));
        }
        let switches = byte(bytes, CHOICES.len());
        for (index, name) in SWITCHES.into_iter().enumerate() {
            let is_on = switches & (1 << index) != 0;
            shared.push((name, if is_on { "true" } else { "false" }));
        }
        // With the strategy `inline`, as the JIT has no function to call.
        let probes = byte(bytes, 2) & 1 != 0;
        shared.push(("enable_probestack", if probes { "true" } else { "false" }));
        Settings {
            shared,
            has_features: byte(bytes, CHOICES.len() + 1) & 1 != 0,
            is_pic: byte(bytes, CHOICES.len() + 1) & 2 != 0,
            is_chaotic: byte(bytes, CHOICES.len() + 1) & 4 != 0,
        }
    }

    /// These with those that code of the JIT does not have.
    pub fn for_objects(&self) -> Self {
        let mut settings = self.clone();
        let is_pic = if self.is_pic { "true" } else { "false" };
        settings.shared.push(("is_pic", is_pic));
        settings
    }

    /// These with another value of one.
    pub fn with(&self, name: &str, value: &'static str) -> Self {
        let mut settings = self.clone();
        settings.set(name, value);
        settings
    }

    /// Turns on what stock conventions need for the types of these functions, and who throws for its walk.
    pub(super) fn suit(&mut self, functions: &[Function]) {
        if functions.iter().any(exceptions::calls_thrower) {
            // In process a walk goes by frame pointers, and to a second compilation for saved registers.
            self.set("preserve_frame_pointers", "true");
            self.set("unwind_info", "true");
            self.is_chaotic = false;
        }
        let signatures = functions.iter().flat_map(|func| {
            let called = func.dfg.signatures.values();
            called.chain([&func.signature])
        });
        let stock = signatures.filter(|s| !s.call_conv.is_multi_out());
        for signature in stock {
            let mut values = signature.params.iter().chain(&signature.returns);
            if values.any(|value| value.value_type == types::I128) {
                self.set("enable_llvm_abi_extensions", "true");
            }
            let has_vector = signature.returns.iter().any(|r| r.value_type.is_vector());
            if signature.returns.len() > 1 || has_vector {
                self.set("enable_multi_ret_implicit_sret", "true");
            }
        }
    }

    fn set(&mut self, name: &str, value: &'static str) {
        for setting in &mut self.shared {
            if setting.0 == name {
                setting.1 = value;
            }
        }
    }
}

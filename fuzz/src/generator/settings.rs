//! Settings of the compiler as input.

use super::{byte, exceptions};
use cranelift_codegen::ir::{Function, Type, types};
use cranelift_codegen::isa::multi_out::OutTarget;
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_reader::{OwnedFlagsOrIsa, parse_sets_and_triple};

/// Shared settings and features of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Names and values, as after `set`.
    pub shared: Vec<(&'static str, &'static str)>,
    /// Whether a target has more than every such machine.
    pub has_features: bool,
    /// `is_pic`, where the code does not run: the JIT has none.
    pub is_pic: bool,
    /// Whether the compiler makes some of its choices by chance.
    pub is_chaotic: bool,
    /// Whether programs run on Pulley in place of this machine.
    pub runs_on_pulley: bool,
    /// Whether calls are inlined before functions are compiled.
    pub inlines: bool,
    /// Which of the four Pulleys is compiled for.
    pub pulley: u8,
    /// Which of the features that are only compiled for, a bit for each.
    more: u8,
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
const SWITCHES: [&str; 7] = [
    "preserve_frame_pointers",
    "unwind_info",
    "machine_code_cfg_info",
    "enable_alias_analysis",
    "enable_nan_canonicalization",
    "enable_multi_ret_implicit_sret",
    "enable_llvm_abi_extensions",
];

/// Targets as in `target` lines, with the features that Cranelift needs for the types of the convention. Settings ask for others.
pub const TARGETS: [&str; ROWS.len()] = {
    let mut targets = [""; ROWS.len()];
    let mut at = 0;
    while at < targets.len() {
        targets[at] = ROWS[at].spec;
        at += 1;
    }
    targets
};

/// They share their backend, so a case is compiled for one of them.
pub const PULLEYS: [&str; 4] = ["pulley32", "pulley64", "pulley32be", "pulley64be"];

/// What is known of a target, but for Pulley's.
pub struct Row {
    /// One of [`TARGETS`].
    pub spec: &'static str,
    /// As the layout of an out area depends on it.
    pub target: OutTarget,
    /// In `operations.txt`: as it is, and with all features.
    pub letters: [char; 2],
    /// Features that change how values are moved or what can be done with them: what most of these machines have.
    common: &'static str,
    /// Others, which are on or off by the bits of a byte.
    more: &'static [&'static str],
}

/// A row for each architecture.
pub const ROWS: [Row; 4] = [
    Row {
        spec: "x86_64",
        target: OutTarget::X64,
        letters: ['x', 'X'],
        common: "has_sse3 has_ssse3 has_sse41 has_sse42 has_popcnt has_avx has_avx2 has_fma has_lzcnt has_bmi1 has_bmi2",
        more: &[
            "has_avx512f has_avx512vl",
            "has_avx512dq",
            "has_avx512bitalg",
            "has_avx512vbmi",
            "has_avx512vnni",
            "has_avx_vnni",
            "has_cmpxchg16b",
        ],
    },
    Row {
        spec: "aarch64",
        target: OutTarget::Aarch64,
        letters: ['a', 'A'],
        common: "has_lse has_fp16 has_dotprod has_i8mm",
        more: &[
            "has_pauth",
            "sign_return_address",
            "sign_return_address_all",
            "sign_return_address_with_bkey",
            "use_bti",
            "use_csdb",
        ],
    },
    Row {
        spec: "riscv64 has_v has_zfhmin",
        target: OutTarget::Riscv64,
        letters: ['r', 'R'],
        common: "has_zfa has_zfh has_zba has_zbb has_zbc has_zbs has_zbkb has_zicond",
        more: &[
            "has_zca",
            "has_zca has_zcb",
            "has_zca has_zcd",
            "has_zvl256b",
            "has_zvfh",
        ],
    },
    Row {
        spec: "s390x",
        target: OutTarget::S390x,
        letters: ['s', 'S'],
        common: "has_mie3 has_vxrs_ext2",
        more: &["has_mie4", "has_vxrs_ext3"],
    },
];

/// The value of a switch.
fn on(is_on: bool) -> &'static str {
    if is_on { "true" } else { "false" }
}

fn row_of(target: &str) -> Option<&'static Row> {
    let architecture = |target: &'static str| target.split(' ').next();
    let wanted = target.split(' ').next();
    ROWS.iter().find(|row| architecture(row.spec) == wanted)
}

/// A target, as in a `target` line, with the features that most such machines have.
pub fn with_common_features(target: &str) -> String {
    match row_of(target) {
        Some(features) => format!("{target} {}", features.common),
        None => target.to_owned(),
    }
}

/// A target, as in a `target` line, with these settings.
pub fn isa(target: &str, settings: &Settings) -> OwnedTargetIsa {
    let sets = settings.shared.iter();
    let sets: Vec<String> = sets
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    match parse_sets_and_triple(&sets, target) {
        Ok(OwnedFlagsOrIsa::Isa(isa)) => isa,
        Ok(OwnedFlagsOrIsa::Flags(_)) => panic!("`{target}` is no target"),
        Err(error) => panic!("in `{target}`: {error:#}"),
    }
}

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
            shared.push((name, on(is_on)));
        }
        // With the strategy `inline`, as the JIT has no function to call.
        let probes = byte(bytes, 2) & 1 != 0;
        shared.push(("enable_probestack", on(probes)));
        let flags = byte(bytes, CHOICES.len() + 1);
        // The verifier runs before and between passes. One case in four is verified, and another one checked, as these take long.
        let verifies = flags & 0xc0 == 0xc0;
        let checks = flags & 0xc0 == 0x80;
        for (name, is_on) in [("enable_verifier", verifies), ("regalloc_checker", checks)] {
            shared.push((name, on(is_on)));
        }
        let more = byte(bytes, CHOICES.len() + 2);
        Settings {
            shared,
            has_features: flags & 1 != 0,
            is_pic: flags & 2 != 0,
            is_chaotic: flags & 4 != 0,
            runs_on_pulley: flags & 0x38 == 0x38,
            pulley: flags >> 3 & 3,
            inlines: more & 0x80 != 0,
            more,
        }
    }

    /// These with those that code of the JIT does not have.
    pub fn for_objects(&self) -> Self {
        let mut settings = self.clone();
        settings.runs_on_pulley = false;
        settings.shared.push(("is_pic", on(self.is_pic)));
        settings
    }

    /// A target, as in a `target` line, with the features that these ask for.
    pub fn target(&self, target: &str) -> String {
        let Some(features) = row_of(target).filter(|_| self.has_features) else {
            return target.to_owned();
        };
        let more = features.more.iter().enumerate();
        let more = more.filter(|(bit, _)| self.more & (1 << bit) != 0);
        let more = more.map(|(_, names)| format!(" {names}"));
        with_common_features(target) + &more.collect::<String>()
    }

    /// These with another value of one.
    pub fn with(&self, name: &str, value: &'static str) -> Self {
        let mut settings = self.clone();
        settings.set(name, value);
        settings
    }

    /// Turns on what stock conventions need for the types of these functions, tail calls, and who throws for its walk, and
    /// off what panics.
    pub(crate) fn suit(&mut self, functions: &[Function]) {
        if functions.iter().any(exceptions::calls_thrower) {
            // In process by frame pointers, with unwind information for saved registers; else by that alone.
            self.set("preserve_frame_pointers", "true");
            self.set("unwind_info", "true");
        }
        if functions.iter().any(has_tail_call) {
            self.set("preserve_frame_pointers", "true");
        }
        let preserves_all = |func: &Function| func.signature.call_conv == CallConv::PreserveAll;
        if functions.iter().any(preserves_all) {
            // The loop that probes a large frame overwrites a register.
            self.set("enable_probestack", "false");
        }
        let mut values = functions.iter().flat_map(|func| {
            let values = func.dfg.values();
            values.map(|value| func.dfg.value_type(value))
        });
        if values.any(|ty| ty == types::F32X2) {
            self.set("enable_nan_canonicalization", "false");
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
            let is_wide = |ty: Type| ty.is_vector() || ty.bits() > 64;
            let has_wide = signature.returns.iter().any(|r| is_wide(r.value_type));
            if signature.returns.len() > 1 || has_wide {
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

fn has_tail_call(func: &Function) -> bool {
    let ends = (func.layout.blocks()).filter_map(|block| func.layout.last_inst(block));
    ends.map(|end| func.dfg.insts[end].opcode())
        .any(|end| end.is_call() && end.is_return())
}

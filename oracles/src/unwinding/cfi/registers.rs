//! The registers of each architecture, by their names in disassembly and their DWARF numbers.

use super::*;

/// The DWARF number of a register, or of that which it is a part of.
pub(super) fn number_of(target: CTarget, name: &str) -> Option<u16> {
    let numbered = |prefix: &str, range: RangeInclusive<u16>| {
        let number = name.strip_prefix(prefix)?.parse().ok()?;
        range.contains(&number).then_some(number)
    };
    match target {
        CTarget::X86_64 => {
            let name = name.strip_prefix('%')?;
            let legacy = ["ax", "dx", "cx", "bx", "si", "di", "bp", "sp"];
            if let Some(rest) = name.strip_prefix("xmm") {
                return Some(17 + rest.parse::<u16>().ok()?);
            }
            let word = name.trim_start_matches(['r', 'e']);
            // `bl`, `sil` and so on are parts, too.
            let byte = name.strip_suffix('l').unwrap_or(name);
            let is_part =
                |known: &str| known == word || known == byte || known.trim_end_matches('x') == byte;
            if let Some(index) = legacy.iter().position(|known| is_part(known)) {
                return Some(index as u16);
            }
            let digits = name.strip_prefix('r')?.trim_end_matches(['d', 'w', 'b']);
            digits
                .parse()
                .ok()
                .filter(|number| (8..16).contains(number))
        }
        CTarget::Aarch64 => {
            if name == "sp" {
                return Some(31);
            }
            let integer = ["x", "w"]
                .iter()
                .find_map(|prefix| numbered(prefix, 0..=30));
            let lanes = name.split('.').next()?;
            let vector = ["q", "d", "s", "h", "b", "v"].iter().find_map(|prefix| {
                let number: u16 = lanes.strip_prefix(prefix)?.parse().ok()?;
                (number < 32).then_some(64 + number)
            });
            integer.or(vector)
        }
        CTarget::Riscv64 => {
            let saved = |number: u16| if number < 2 { 8 + number } else { 16 + number };
            match name {
                "ra" => Some(1),
                "sp" => Some(2),
                _ => None,
            }
            .or_else(|| numbered("fs", 0..=11).map(|number| 32 + saved(number)))
            .or_else(|| numbered("s", 0..=11).map(saved))
            .or_else(|| numbered("a", 0..=7).map(|number| 10 + number))
            .or_else(|| numbered("t", 0..=2).map(|number| 5 + number))
            .or_else(|| numbered("t", 3..=6).map(|number| 25 + number))
        }
        CTarget::S390x => numbered("%r", 0..=15).or_else(|| {
            let number = numbered("%f", 0..=15).or_else(|| numbered("%v", 0..=15))?;
            // Even and odd ones apart, in each half.
            Some(16 + (number & 8) + (number & 1) * 4 + ((number & 7) >> 1))
        }),
    }
}

/// The registers that a callee preserves, apart from the stack pointer.
pub(super) fn preserved(target: CTarget) -> Vec<u16> {
    match target {
        CTarget::X86_64 => vec![3, 6, 12, 13, 14, 15],
        CTarget::Aarch64 => (19..=29).chain(72..=79).collect(),
        CTarget::Riscv64 => [8, 9]
            .into_iter()
            .chain(18..=27)
            .chain([40, 41])
            .chain(50..=59)
            .collect(),
        CTarget::S390x => (6..=13).chain(24..=31).collect(),
    }
}

pub(super) fn return_address(target: CTarget) -> u16 {
    match target {
        CTarget::X86_64 => 16,
        CTarget::Aarch64 => 30,
        CTarget::Riscv64 => 1,
        CTarget::S390x => 14,
    }
}

/// The stack pointer, and how far below the CFA it is on entry.
pub(super) fn stack_pointer(target: CTarget) -> (u16, i64) {
    match target {
        CTarget::X86_64 => (7, 8),
        CTarget::Aarch64 => (31, 0),
        CTarget::Riscv64 => (2, 0),
        CTarget::S390x => (15, 160),
    }
}

pub(super) fn frame_pointer(target: CTarget) -> Option<u16> {
    match target {
        CTarget::X86_64 => Some(6),
        CTarget::Aarch64 => Some(29),
        CTarget::Riscv64 => Some(8),
        CTarget::S390x => None,
    }
}

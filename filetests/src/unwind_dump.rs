//! Listings of unwind information, in the manner of `dwarfdump`.

use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::{UnwindInfo, systemv, winx64};
use gimli::read::{BaseAddresses, CallFrameInstruction, CieOrFde, UnwindSection};
use gimli::write::{Address, EhFrame, EndianVec, FrameTable};
use gimli::{Encoding, RunTimeEndian};
use std::fmt::Write;

/// Lists the unwind information of one function; the error is a sentence.
pub fn dump(isa: &dyn TargetIsa, info: &UnwindInfo) -> Result<String, String> {
    match info {
        UnwindInfo::SystemV(info) => dump_system_v(isa, info),
        UnwindInfo::WindowsX64(info) => dump_windows_x64(info),
        _ => Err("there is no listing of this kind of unwind information".to_owned()),
    }
}

fn dump_system_v(isa: &dyn TargetIsa, info: &systemv::UnwindInfo) -> Result<String, String> {
    let section = eh_frame_section(isa, info)?;
    list_eh_frame(isa, &section)
        .map_err(|error| format!("cannot read the unwind information back: {error}"))
}

/// The bytes of an `.eh_frame` section that describes the function as if it were at address 0.
pub fn eh_frame_section(
    isa: &dyn TargetIsa,
    info: &systemv::UnwindInfo,
) -> Result<Vec<u8>, String> {
    let cie = isa
        .create_systemv_cie()
        .ok_or_else(|| format!("{} has no System V unwind information", isa.triple()))?;
    let mut table = FrameTable::default();
    let cie = table.add_cie(cie);
    table.add_fde(cie, info.to_fde(Address::Constant(0)));
    let mut section = EhFrame(EndianVec::new(endian(isa)));
    table
        .write_eh_frame(&mut section)
        .map_err(|error| format!("cannot write the unwind information: {error}"))?;
    Ok(section.0.into_vec())
}

fn list_eh_frame(isa: &dyn TargetIsa, section: &[u8]) -> Result<String, gimli::Error> {
    let mut frames = gimli::read::EhFrame::new(section, endian(isa));
    frames.set_address_size(isa.pointer_bytes());
    let bases = BaseAddresses::default().set_eh_frame(0);
    let mut text = String::new();
    let mut entries = frames.entries(&bases);
    while let Some(entry) = entries.next()? {
        match entry {
            CieOrFde::Cie(cie) => {
                let encoding: Encoding = cie.encoding();
                let _ = writeln!(text, "{:#010x}: CIE", cie.offset());
                field(
                    &mut text,
                    "length",
                    format_args!("{:#010x}", cie.entry_len()),
                );
                field(
                    &mut text,
                    "version",
                    format_args!("{:#04x}", encoding.version),
                );
                field(&mut text, "code_align", cie.code_alignment_factor());
                field(&mut text, "data_align", cie.data_alignment_factor());
                let register = cie.return_address_register().0;
                field(&mut text, "ra_register", format_args!("{register:#x}"));
                let mut instructions = cie.instructions(&frames, &bases);
                while let Some(instruction) = instructions.next()? {
                    list_instruction(&mut text, &instruction);
                }
                text.push_str("  Instructions: Init State:\n\n");
            }
            CieOrFde::Fde(partial) => {
                let fde = partial.parse(gimli::read::EhFrame::cie_from_offset)?;
                let start = fde.initial_address();
                let size = fde.len();
                let _ = writeln!(text, "{:#010x}: FDE", fde.offset());
                field(
                    &mut text,
                    "length",
                    format_args!("{:#010x}", fde.entry_len()),
                );
                let cie = fde.cie().offset();
                field(&mut text, "CIE_pointer", format_args!("{cie:#010x}"));
                field(&mut text, "start_addr", format_args!("{start:#018x}"));
                let end = start.wrapping_add(size);
                field(
                    &mut text,
                    "range_size",
                    format_args!("{size:#018x} (end_addr = {end:#018x})"),
                );
                text.push_str("  Instructions:\n");
                let mut instructions = fde.instructions(&frames, &bases);
                while let Some(instruction) = instructions.next()? {
                    list_instruction(&mut text, &instruction);
                }
                text.push('\n');
            }
        }
    }
    Ok(text)
}

fn field(text: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = writeln!(text, "{name:>13}: {value}");
}

fn list_instruction(text: &mut String, instruction: &CallFrameInstruction<usize>) {
    use CallFrameInstruction as Cfi;
    let line = match instruction {
        Cfi::SetLoc { address } => format!("DW_CFA_set_loc ({address:#x})"),
        Cfi::AdvanceLoc { delta } => format!("DW_CFA_advance_loc ({delta})"),
        Cfi::DefCfa { register, offset } => {
            format!("DW_CFA_def_cfa (r{}, {offset})", register.0)
        }
        Cfi::DefCfaSf {
            register,
            factored_offset,
        } => format!("DW_CFA_def_cfa_sf (r{}, {factored_offset})", register.0),
        Cfi::DefCfaRegister { register } => format!("DW_CFA_def_cfa_register (r{})", register.0),
        Cfi::DefCfaOffset { offset } => format!("DW_CFA_def_cfa_offset ({offset})"),
        Cfi::DefCfaOffsetSf { factored_offset } => {
            format!("DW_CFA_def_cfa_offset_sf ({factored_offset})")
        }
        Cfi::DefCfaExpression { .. } => "DW_CFA_def_cfa_expression (...)".to_owned(),
        Cfi::Undefined { register } => format!("DW_CFA_undefined (r{})", register.0),
        Cfi::SameValue { register } => format!("DW_CFA_same_value (r{})", register.0),
        Cfi::Offset {
            register,
            factored_offset,
        } => format!("DW_CFA_offset (r{}, {factored_offset})", register.0),
        Cfi::OffsetExtendedSf {
            register,
            factored_offset,
        } => format!(
            "DW_CFA_offset_extended_sf (r{}, {factored_offset})",
            register.0
        ),
        Cfi::ValOffset {
            register,
            factored_offset,
        } => format!("DW_CFA_val_offset (r{}, {factored_offset})", register.0),
        Cfi::ValOffsetSf {
            register,
            factored_offset,
        } => format!("DW_CFA_val_offset_sf (r{}, {factored_offset})", register.0),
        Cfi::Register {
            dest_register,
            src_register,
        } => format!(
            "DW_CFA_register (r{}, r{})",
            dest_register.0, src_register.0
        ),
        Cfi::Expression { register, .. } => format!("DW_CFA_expression (r{}, ...)", register.0),
        Cfi::ValExpression { register, .. } => {
            format!("DW_CFA_val_expression (r{}, ...)", register.0)
        }
        Cfi::Restore { register } => format!("DW_CFA_restore (r{})", register.0),
        Cfi::RememberState => "DW_CFA_remember_state".to_owned(),
        Cfi::RestoreState => "DW_CFA_restore_state".to_owned(),
        Cfi::ArgsSize { size } => format!("DW_CFA_GNU_args_size ({size})"),
        Cfi::NegateRaState => "DW_CFA_AARCH64_negate_ra_state".to_owned(),
        Cfi::Nop => "DW_CFA_nop".to_owned(),
    };
    let _ = writeln!(text, "{:16}{line}", "");
}

fn endian(isa: &dyn TargetIsa) -> RunTimeEndian {
    match isa.triple().endianness() {
        Ok(target_lexicon::Endianness::Big) => RunTimeEndian::Big,
        _ => RunTimeEndian::Little,
    }
}

/// Reads the format that Windows documents: a header of four bytes, then codes of two bytes, some
/// of which are followed by one or two 16-bit values.
fn dump_windows_x64(info: &winx64::UnwindInfo) -> Result<String, String> {
    let mut bytes = vec![0; info.emit_size()];
    info.emit(&mut bytes);
    let (header, codes) = bytes
        .split_first_chunk::<4>()
        .ok_or("the unwind information is shorter than its header")?;
    let [version_and_flags, prologue_size, code_count, frame] = *header;
    let mut text = String::new();
    let mut line = |label: &str, value: &dyn std::fmt::Display| {
        let _ = writeln!(text, "{label:>21}: {value}");
    };
    line("version", &(version_and_flags & 7));
    line("flags", &(version_and_flags >> 3));
    line("prologue size", &prologue_size);
    line("frame register", &(frame & 15));
    line("frame register offset", &(frame >> 4));
    line("unwind codes", &code_count);

    let mut nodes = codes.chunks_exact(2).take(usize::from(code_count));
    while let Some(node) = nodes.next() {
        let operation = node[1] & 15;
        let details = node[1] >> 4;
        let (name, values) = windows_x64_operation(operation, details)
            .ok_or_else(|| format!("unwind operation {operation} is unknown"))?;
        let _ = writeln!(text);
        let mut line = |label: &str, value: &dyn std::fmt::Display| {
            let _ = writeln!(text, "{label:>21}: {value}");
        };
        line("offset", &node[0]);
        line("op", &name);
        line("info", &details);
        let mut value = 0u32;
        for position in 0..values {
            let node = nodes.next().ok_or("the last unwind code is cut off")?;
            value |= u32::from(u16::from_le_bytes([node[0], node[1]])) << (16 * position);
        }
        match values {
            0 => {}
            1 => line("value", &format_args!("{value} (u16)")),
            _ => line("value", &format_args!("{value} (u32)")),
        }
    }
    Ok(text)
}

/// The name of an operation, and how many 16-bit values follow it.
fn windows_x64_operation(operation: u8, details: u8) -> Option<(&'static str, u8)> {
    Some(match operation {
        0 => ("PushNonvolatileRegister", 0),
        1 => ("LargeStackAlloc", if details == 0 { 1 } else { 2 }),
        2 => ("SmallStackAlloc", 0),
        3 => ("SetFramePointer", 0),
        4 => ("SaveNonvolatileRegister", 1),
        5 => ("SaveNonvolatileRegisterFar", 2),
        8 => ("SaveXmm128", 1),
        9 => ("SaveXmm128Far", 2),
        10 => ("PushMachineFrame", 0),
        _ => return None,
    })
}

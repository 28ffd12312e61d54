//! Where compiled functions save the registers that they must preserve.
//!
//! An exception leaves the frames between the one that throws and the one that catches without
//! running their epilogues, so whoever throws must restore what those had saved: the catching
//! function may keep values in such registers, and so does the Rust code that called it all.
//! Conventions that preserve nothing across a `try_call`, such as `tail`, would do without.

use crate::unwind_dump::eh_frame_section;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::unwind::UnwindInfo;
use cranelift_codegen::isa::{self, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{CompiledCode, Context};
use gimli::read::{BaseAddresses, CfaRule, RegisterRule, UnwindContext, UnwindSection};
use std::ops::Range;

/// The saves of all functions of a module.
#[derive(Debug, Default)]
pub struct Saves(Vec<(Range<usize>, Vec<Save>)>);

/// A register, by its DWARF number, saved at an offset from the frame pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Save {
    /// The DWARF number of the register.
    pub register: u16,
    /// Where it is, from the frame pointer of the function that saved it.
    pub offset: isize,
}

impl Saves {
    /// Adds a function whose code is at these addresses.
    pub fn add(&mut self, code: Range<usize>, saves: Vec<Save>) {
        self.0.push((code, saves));
    }

    /// What the function with this return address in its code has saved.
    pub fn at(&self, pc: usize) -> Option<&[Save]> {
        let (_, saves) = self.0.iter().find(|(code, _)| {
            // A call may be the last instruction, so the address may be that of the end.
            code.start < pc && pc <= code.end
        })?;
        Some(saves)
    }
}

/// The same target with unwind information switched on; `None` if it has none.
pub fn isa_with_unwind_info(isa: &dyn TargetIsa) -> Option<OwnedTargetIsa> {
    let mut flags = settings::builder();
    for flag in isa.flags().iter() {
        flags.set(flag.name, &flag.value_string()).ok()?;
    }
    flags.set("unwind_info", "true").ok()?;
    let mut builder = isa::lookup(isa.triple().clone()).ok()?;
    for flag in isa.isa_flags() {
        builder.set(flag.name, &flag.value_string()).ok()?;
    }
    builder.finish(settings::Flags::new(flags)).ok()
}

/// Compiles a function once more, for its unwind information, and reads its saves from that.
pub fn saves_of(func: &Function, isa: &dyn TargetIsa) -> Option<Vec<Save>> {
    let mut context = Context::for_function(func.clone());
    let code = context.compile(isa, &mut ControlPlane::default()).ok()?;
    saves_in(code, isa)
}

/// Reads the saves of a function from its unwind information.
///
/// Nothing is saved in places that the information gives in any other way than as an offset from
/// the frame pointer: the function then has no frame that an exception could pass.
pub fn saves_in(code: &CompiledCode, isa: &dyn TargetIsa) -> Option<Vec<Save>> {
    let last = u64::try_from(code.code_buffer().len())
        .ok()?
        .checked_sub(1)?;
    let Some(UnwindInfo::SystemV(info)) = code.create_unwind_info(isa).ok()? else {
        return None;
    };
    let section = eh_frame_section(isa, &info).ok()?;
    let mut frames = gimli::read::EhFrame::new(&section, gimli::NativeEndian);
    frames.set_address_size(isa.pointer_bytes());
    let bases = BaseAddresses::default().set_eh_frame(0);
    let mut unwind = UnwindContext::new();
    let row = frames
        .unwind_info_for_address(
            &bases,
            &mut unwind,
            last,
            gimli::read::EhFrame::cie_from_offset,
        )
        .ok()?;
    let CfaRule::RegisterAndOffset { offset, .. } = *row.cfa() else {
        return None;
    };
    let saves = row.registers().filter_map(|(register, rule)| match rule {
        RegisterRule::Offset(from_cfa) => Some(Save {
            register: register.0,
            offset: isize::try_from(offset + from_cfa).ok()?,
        }),
        _ => None,
    });
    Some(saves.collect())
}

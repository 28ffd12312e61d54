//! Unwind information against the code that it describes.
//!
//! The code up to a call is replayed instruction by instruction, as text of the disassembler, with
//! symbolic values: what registers were on entry, and addresses in terms of the CFA, the stack pointer
//! of the caller. The unwind information, read back from a section, then has to find in this state the
//! CFA, and the value on entry of every register that a callee preserves: in the slot that it names,
//! or where it says nothing, still in the register.
//!
//! What this does not prove: anything about an address that is no return address, such as one in a
//! prologue, and functions that branch before a call. Both are of no use to exceptions here.

mod registers;

use crate::calls::define::{CallSite, Defined};
use crate::toolchain::CTarget;
use crate::unwinding::eh_frame;
use anyhow::{Context, Result, bail, ensure};
use cranelift_codegen::isa::TargetIsa;
use gimli::read::{BaseAddresses, EhFrame, RegisterRule, UnwindContext, UnwindSection};
use gimli::{CfaRule, EndianSlice, Register, RunTimeEndian};
use registers::{frame_pointer, number_of, preserved, return_address, stack_pointer};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use target_lexicon::Endianness;

/// What is known of a register or slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// What this register was on entry.
    Entry(u16),
    /// An address, as a distance from the CFA.
    Cfa(i64),
    Constant(i64),
    Unknown,
}

/// Registers have their DWARF numbers, slots of 8 bytes their distance from the CFA.
struct State {
    target: CTarget,
    registers: BTreeMap<u16, Value>,
    slots: BTreeMap<i64, Value>,
}

/// An operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    Register(u16),
    Immediate(i64),
    Memory {
        base: u16,
        offset: i64,
        /// aarch64: the base becomes the address.
        writes_back: bool,
    },
    Other,
}

/// Check every call of a function, and return how many registers are saved in the frame, over all
/// calls.
///
/// # Errors
///
/// If the unwind information is wrong, a register that a callee preserves is lost, or the code is
/// not understood.
pub fn check(function: &Defined, isa: &dyn TargetIsa, target: CTarget) -> Result<usize> {
    check_section(function, &eh_frame::section(function, isa)?, isa, target)
}

/// The same with the section of another function, for a test of this check.
///
/// # Errors
///
/// As of [`check`].
pub fn check_section(
    function: &Defined,
    section: &[u8],
    isa: &dyn TargetIsa,
    target: CTarget,
) -> Result<usize> {
    let endian = match isa.triple().endianness() {
        Ok(Endianness::Big) => RunTimeEndian::Big,
        _ => RunTimeEndian::Little,
    };
    let mut frames = EhFrame::new(section, endian);
    frames.set_address_size(isa.pointer_bytes());
    let mut state = State::on_entry(target);
    let mut saved = 0;
    let mut sites = function.call_sites.iter().peekable();
    for instruction in isa.to_capstone()?.disasm_all(&function.code, 0)?.iter() {
        let Some(site) = sites.peek() else { break };
        let end = instruction.address() + instruction.bytes().len() as u64;
        if end == u64::from(site.return_offset) {
            saved += state
                .check_call(&frames, site)
                .with_context(|| format!("{target:?}, {site:?}: {state:?}"))?;
            sites.next();
        }
        let operands = instruction.op_str().unwrap_or_default();
        state.run(instruction.mnemonic().unwrap_or_default(), operands);
    }
    ensure!(sites.next().is_none(), "a call is no instruction");
    Ok(saved)
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?}", self.registers, self.slots)
    }
}

impl State {
    fn on_entry(target: CTarget) -> Self {
        let mut registers = BTreeMap::new();
        for register in preserved(target) {
            registers.insert(register, Value::Entry(register));
        }
        registers.insert(return_address(target), Value::Entry(return_address(target)));
        let (sp, below_cfa) = stack_pointer(target);
        registers.insert(sp, Value::Cfa(-below_cfa));
        let mut slots = BTreeMap::new();
        if target == CTarget::X86_64 {
            slots.insert(-8, Value::Entry(return_address(target)));
        }
        Self {
            target,
            registers,
            slots,
        }
    }

    fn check_call(
        &self,
        frames: &EhFrame<EndianSlice<'_, RunTimeEndian>>,
        site: &CallSite,
    ) -> Result<usize> {
        let mut saved = 0;
        let mut context = UnwindContext::new();
        let bases = BaseAddresses::default().set_eh_frame(0);
        let row = frames.unwind_info_for_address(
            &bases,
            &mut context,
            u64::from(site.return_offset) - 1,
            EhFrame::cie_from_offset,
        )?;
        let &CfaRule::RegisterAndOffset { register, offset } = row.cfa() else {
            bail!("the CFA is {:?}", row.cfa());
        };
        let cfa = self.get(register.0).plus(offset);
        ensure!(cfa == Value::Cfa(0), "the CFA is {cfa:?}");

        let entry = Self::on_entry(self.target);
        let (sp, _) = stack_pointer(self.target);
        for register in preserved(self.target).into_iter().chain([sp]) {
            let value = match row.register(Register(register)) {
                Some(RegisterRule::Offset(offset)) => {
                    saved += 1;
                    self.slots.get(&offset).copied().unwrap_or(Value::Unknown)
                }
                Some(RegisterRule::ValOffset(offset)) => Value::Cfa(offset),
                // By default it is the CFA.
                None if register == sp => Value::Cfa(0),
                None | Some(RegisterRule::SameValue | RegisterRule::Undefined) => {
                    self.get(register)
                }
                Some(rule) => bail!("register {register} has the rule {rule:?}"),
            };
            // On entry, a call on x86-64 has pushed the return address.
            let want = match entry.get(register) {
                Value::Cfa(_) if self.target != CTarget::S390x => Value::Cfa(0),
                value => value,
            };
            ensure!(
                value == want,
                "register {register} is {value:?}, not {want:?}"
            );
        }
        let return_address = return_address(self.target);
        let Some(RegisterRule::Offset(offset)) = row.register(Register(return_address)) else {
            bail!("the return address is not in the frame");
        };
        let value = self.slots.get(&offset);
        ensure!(
            value == Some(&Value::Entry(return_address)),
            "the return address is {value:?}"
        );

        if let (Some(frame_offset), Some(fp)) = (site.frame_offset, frame_pointer(self.target)) {
            let want = self.get(fp).plus(-i64::from(frame_offset));
            ensure!(self.get(sp) == want, "the frame is not as large as it says");
        }
        Ok(saved)
    }

    fn get(&self, register: u16) -> Value {
        self.registers
            .get(&register)
            .copied()
            .unwrap_or(Value::Unknown)
    }

    /// Execute an instruction: those that prologues are made of, and for others what they overwrite.
    fn run(&mut self, mnemonic: &str, text: &str) {
        let target = self.target;
        let mut operands = parse(target, text);
        if target == CTarget::X86_64 {
            // AT&T syntax has the destination last.
            operands.reverse();
        }
        use Operand::{Immediate, Memory, Register};
        match (target, mnemonic, &operands[..]) {
            (CTarget::X86_64, "pushq", &[Register(source)]) => {
                let (sp, _) = stack_pointer(target);
                self.set(sp, self.get(sp).plus(-8));
                self.store(sp, 0, 8, self.get(source));
            }
            (CTarget::X86_64, "subq", &[Register(to), Immediate(by)]) => {
                self.set(to, self.get(to).plus(-by));
            }
            (CTarget::X86_64, "leaq", &[Register(to), Memory { base, offset, .. }])
            | (CTarget::S390x, "la" | "lay", &[Register(to), Memory { base, offset, .. }]) => {
                self.set(to, self.get(base).plus(offset));
            }
            (CTarget::X86_64, "movq", &[Register(to), Register(from)])
            | (CTarget::Aarch64, "mov", &[Register(to), Register(from)])
            | (CTarget::Riscv64, "mv", &[Register(to), Register(from)])
            | (CTarget::S390x, "lgr", &[Register(to), Register(from)]) => {
                self.set(to, self.get(from));
            }
            (CTarget::Aarch64, "mov", &[Register(to), Immediate(value)]) => {
                self.set(to, Value::Constant(value));
            }
            (CTarget::Riscv64, "lui", &[Register(to), Immediate(value)]) => {
                // 20 bits, the upper ones of a signed word.
                self.set(to, Value::Constant(i64::from((value << 12) as i32)));
            }
            (CTarget::Aarch64, "add", &[Register(to), Register(from), Immediate(by)])
            | (CTarget::Riscv64, "addi", &[Register(to), Register(from), Immediate(by)]) => {
                self.set(to, self.get(from).plus(by));
            }
            (CTarget::Aarch64, "sub", &[Register(to), Register(from), Immediate(by)]) => {
                self.set(to, self.get(from).plus(-by));
            }
            (CTarget::Aarch64, "sub", &[Register(to), Register(from), Register(by)]) => {
                let value = match self.get(by) {
                    Value::Constant(by) => self.get(from).plus(-by),
                    _ => Value::Unknown,
                };
                self.set(to, value);
            }
            (CTarget::Riscv64, "add", &[Register(to), Register(a), Register(b)]) => {
                let value = match (self.get(a), self.get(b)) {
                    (value, Value::Constant(by)) | (Value::Constant(by), value) => value.plus(by),
                    _ => Value::Unknown,
                };
                self.set(to, value);
            }
            (CTarget::S390x, "aghi" | "agfi", &[Register(to), Immediate(by)]) => {
                self.set(to, self.get(to).plus(by));
            }
            (
                CTarget::S390x,
                "stmg",
                &[Register(first), Register(last), Memory { base, offset, .. }],
            ) => {
                for (index, register) in (first..=last).enumerate() {
                    let offset = offset + 8 * index as i64;
                    self.store(base, offset, 8, self.get(register));
                }
            }
            (
                CTarget::Aarch64,
                "stp",
                &[
                    Register(a),
                    Register(b),
                    Memory {
                        base,
                        offset,
                        writes_back,
                    },
                ],
            ) => {
                if writes_back {
                    self.set(base, self.get(base).plus(offset));
                }
                let offset = if writes_back { 0 } else { offset };
                // Registers of 16 bytes are none that a function preserves as a whole.
                self.store(base, offset, 8, self.get(a));
                self.store(base, offset + 8, 8, self.get(b));
            }
            _ => self.run_other(mnemonic, &operands, store_size(mnemonic, text)),
        }
    }

    /// A store of one register, or anything that overwrites a register.
    fn run_other(&mut self, mnemonic: &str, operands: &[Operand], store_size: i64) {
        let (register, memory) = match (self.target, operands) {
            (CTarget::X86_64, &[memory @ Operand::Memory { .. }, source]) => (source, memory),
            (CTarget::X86_64, _) => (Operand::Other, Operand::Other),
            (_, &[source, memory @ Operand::Memory { .. }, ..])
                if is_store(self.target, mnemonic) =>
            {
                (source, memory)
            }
            _ => (Operand::Other, Operand::Other),
        };
        if let Operand::Memory {
            base,
            mut offset,
            writes_back,
        } = memory
        {
            if writes_back {
                self.set(base, self.get(base).plus(offset));
                offset = 0;
            }
            let value = match register {
                Operand::Register(register) if is_whole_word(self.target, mnemonic) => {
                    self.get(register)
                }
                _ => Value::Unknown,
            };
            self.store(base, offset, store_size, value);
            return;
        }
        let compares = mnemonic.starts_with("cmp") || mnemonic.starts_with("test");
        let destinations = match mnemonic {
            "ldp" => 2,
            _ if compares => 0,
            _ => 1,
        };
        for operand in operands.iter().take(destinations) {
            if let Operand::Register(register) = *operand {
                self.set(register, Value::Unknown);
            }
        }
    }

    fn set(&mut self, register: u16, value: Value) {
        self.registers.insert(register, value);
    }

    fn store(&mut self, base: u16, offset: i64, size: i64, value: Value) {
        // Memory that is not known to be in the frame is not.
        let Value::Cfa(at) = self.get(base).plus(offset) else {
            return;
        };
        self.slots
            .retain(|&slot, _| slot + 8 <= at || at + size <= slot);
        self.slots.insert(at, value);
    }
}

impl Value {
    fn plus(self, by: i64) -> Self {
        match self {
            Self::Cfa(offset) => Self::Cfa(offset + by),
            Self::Constant(value) => Self::Constant(value + by),
            Self::Entry(_) | Self::Unknown => Self::Unknown,
        }
    }
}

fn is_store(target: CTarget, mnemonic: &str) -> bool {
    match target {
        CTarget::X86_64 => false,
        CTarget::Aarch64 | CTarget::S390x => {
            mnemonic.starts_with("st") || mnemonic.starts_with("vst")
        }
        CTarget::Riscv64 => matches!(mnemonic, "sd" | "sw" | "sh" | "sb" | "fsd" | "fsw"),
    }
}

/// Does the instruction store the 8 bytes that a function preserves of a register?
fn is_whole_word(target: CTarget, mnemonic: &str) -> bool {
    match target {
        CTarget::X86_64 => matches!(mnemonic, "movq"),
        CTarget::Aarch64 => matches!(mnemonic, "str" | "stur"),
        CTarget::Riscv64 => matches!(mnemonic, "sd" | "fsd"),
        CTarget::S390x => matches!(mnemonic, "stg" | "std" | "stdy"),
    }
}

/// How many bytes a store may overwrite.
fn store_size(mnemonic: &str, operands: &str) -> i64 {
    match mnemonic {
        // aarch64 says it in the register's name.
        "str" | "stur" if operands.starts_with(['x', 'd']) => 8,
        "str" | "stur" if operands.starts_with(['w', 's']) => 4,
        "movb" | "strb" | "sturb" | "sb" | "stc" | "stcy" => 1,
        "movw" | "strh" | "sturh" | "sh" | "sth" | "sthy" => 2,
        "movl" | "movss" | "sw" | "fsw" | "st" | "sty" | "ste" | "stey" | "vstef" => 4,
        "movq" | "movsd" | "sd" | "fsd" | "stg" | "std" | "stdy" | "vsteg" => 8,
        _ => 16,
    }
}

/// The operands, split at commas outside of brackets.
fn parse(target: CTarget, text: &str) -> Vec<Operand> {
    let mut depth = 0;
    let parts = text.split(|c| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts
        .map(|part| parse_operand(target, part.trim()))
        .collect()
}

fn parse_operand(target: CTarget, text: &str) -> Operand {
    let memory = match target {
        CTarget::Aarch64 => text.strip_prefix('[').map(|rest| {
            let writes_back = rest.ends_with('!');
            let inner = rest.trim_end_matches(['!', ']']);
            let (base, offset) = inner.split_once(',').unwrap_or((inner, "0"));
            (offset, base, writes_back)
        }),
        _ => text
            .strip_suffix(')')
            .and_then(|rest| rest.split_once('('))
            .map(|(offset, base)| (offset, base, false)),
    };
    if let Some((offset, base, writes_back)) = memory {
        let offset = if offset.is_empty() { "0" } else { offset };
        return match (number_of(target, base.trim()), parse_number(offset)) {
            (Some(base), Some(offset)) => Operand::Memory {
                base,
                offset,
                writes_back,
            },
            _ => Operand::Other,
        };
    }
    if let Some(register) = number_of(target, text) {
        return Operand::Register(register);
    }
    parse_number(text).map_or(Operand::Other, Operand::Immediate)
}

fn parse_number(text: &str) -> Option<i64> {
    let text = text.trim().trim_start_matches(['$', '#']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative { -value } else { value })
}

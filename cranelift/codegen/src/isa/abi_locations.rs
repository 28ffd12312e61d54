//! Where the parameters and results of a signature go, as plain data.
//!
//! [`TargetIsa::abi_locations`] answers for one signature and one target what code generation works
//! out for itself: which register or stack slot holds each parameter at the call, and where each
//! result is after it. Embedders that write adapters, tools that explain a signature and tests that
//! compare it with another compiler need not repeat the rules of any convention.
//!
//! ```text
//!   (i64 vmctx, i128) -> i8, f64 system_v_multi_out       on x86-64
//!
//!   return_pointer   rdi
//!   params           rsi;  rdx and rcx
//!   results          8 bits at 0 and 64 bits at 8 of the memory that rdi points to
//! ```
//!
//! The source is the `SigSet` of the function that would have the signature, once its out pointer is
//! explicit. Nothing is computed twice, so nothing can disagree. What follows
//! from the function's code, its frame for instance, is not said.
//!
//! Sizes and offsets are in bytes. Offsets into the stack are from the stack pointer at the call;
//! [`AbiLocations::entry_stack_shift`] makes them offsets from the stack pointer at the entry of the
//! callee.

use crate::ir::{
    ArgumentExtension, ArgumentPurpose, Function, Signature, Type, UserFuncName, types,
};
use crate::isa::TargetIsa;
use crate::isa::multi_out::{OutArea, OutTarget};
use crate::machinst::{
    ABIArg, ABIArgSlot, ABIMachineSpec, RealReg, RegClass, Sig, SigSet, VRegAllocator,
};
use crate::result::CodegenResult;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, iter};

/// Where the parameters and results of a signature go, or why code generation refuses it.
pub type Answer = CodegenResult<AbiLocations>;

/// Where the parameters and results of a signature go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbiLocations {
    /// The parameters of the signature, in order.
    pub params: Vec<AbiLocation>,
    /// The results, in order. A signature with an `sret` parameter has no results in CLIF; where the
    /// convention returns that pointer, it is the one entry here, with the purpose `sret`.
    pub results: Vec<AbiLocation>,
    /// The hidden argument with the address of the memory for results, if there is such memory.
    pub return_pointer: Option<AbiPart>,
    /// The layout of that memory if it is a C struct, as of multi-out conventions. Other
    /// conventions have a layout of their own, of which only the offsets in `results` are known.
    pub out_area: Option<OutArea>,
    /// Size of the memory for results: that of the C struct or, of other conventions, with padding for
    /// the alignment of the stack. 0 without such memory.
    pub return_area_size: u32,
    /// Size of the stack arguments, with padding for the alignment of the stack and with what the
    /// convention reserves among them, such as the shadow space of `windows_fastcall`.
    pub stack_args_size: u32,
    /// By how much larger an offset is from the stack pointer at the entry of the callee: 8 on
    /// x86-64, where the call pushes the return address, and 0 elsewhere.
    pub entry_stack_shift: u32,
}

/// Where one parameter or result goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbiLocation {
    /// What the value is for.
    pub purpose: ArgumentPurpose,
    /// How it is passed.
    pub kind: AbiLocationKind,
}

/// How one parameter or result is passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AbiLocationKind {
    /// The value itself. A value that needs several registers has as many parts, its lowest bits
    /// first.
    Parts(Vec<AbiPart>),
    /// A `sarg` parameter, in CLIF a pointer: its bytes are copied among the stack arguments.
    StructCopy {
        /// Where the copy is.
        stack_offset: i64,
        /// Size of the copy.
        size: u64,
    },
    /// The address of a copy of the value, made among the stack arguments.
    Indirect {
        /// Where the address is.
        pointer: AbiPart,
        /// Where the copy is.
        stack_offset: i64,
        /// Type of the value.
        ty: Type,
    },
}

/// A register's worth of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbiPart {
    /// Where it is.
    pub place: AbiPlace,
    /// Its type: that of the value or of the register that holds this part of it.
    pub ty: Type,
    /// How it is extended to the width of an integer register.
    pub extension: ArgumentExtension,
}

/// A place for a part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AbiPlace {
    /// A register.
    Reg(AbiReg),
    /// A stack argument.
    Stack {
        /// Offset from the stack pointer at the call.
        offset: i64,
        /// How many bytes are written: those of the type, or of a register if it is extended.
        size: u32,
    },
    /// The memory for results.
    ReturnArea {
        /// Offset from the address in [`AbiLocations::return_pointer`].
        offset: i64,
        /// How many bytes are written, as of a stack argument.
        size: u32,
    },
}

/// A register of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbiReg {
    /// Its name in the target's assembly language, that of its full width: `rdi`, `x0`, `a0`, `r2`.
    pub name: String,
    /// The class that the backend allocates it in.
    pub class: AbiRegClass,
    /// Its number in the encoding of instructions.
    pub encoding: u8,
}

/// The classes in which backends allocate registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AbiRegClass {
    /// General-purpose registers.
    Int,
    /// Floating-point registers, also those of vectors on x86-64, AArch64 and s390x.
    Float,
    /// Registers of vectors alone, on RISC-V and Pulley.
    Vector,
}

impl fmt::Display for AbiReg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The implementation of [`TargetIsa::abi_locations`] for every backend.
pub(crate) fn of<M: ABIMachineSpec>(isa: &dyn TargetIsa, sig: &Signature) -> Answer {
    let out_area = crate::multi_out::area_of(sig, isa)?;
    let mut machine_sig = sig.clone();
    if out_area.is_some() {
        crate::multi_out::add_out_pointer(&mut machine_sig, M::word_type());
    }
    let func = Function::with_name_signature(UserFuncName::default(), machine_sig);
    let sigs = SigSet::new::<M>(&func, isa.flags())?;
    let abi_sig = sigs.abi_sig_for_signature(&func.signature);
    let reader = Reader::new::<M>();
    let mut params = reader.locations(&sigs.args(abi_sig)[..sigs.num_args(abi_sig)], Memory::Stack);
    let data = &sigs[abi_sig];
    let (results, return_pointer, return_area_size) = match &out_area {
        Some(area) => (
            reader.fields::<M>(area)?,
            params.remove(0).into_first_part(),
            area.size,
        ),
        None => (
            reader.locations(sigs.rets(abi_sig), Memory::ReturnArea),
            reader.return_pointer(&sigs, abi_sig),
            data.sized_stack_ret_space(),
        ),
    };
    Ok(AbiLocations {
        params,
        results,
        return_pointer,
        out_area,
        return_area_size,
        stack_args_size: data.sized_stack_arg_space(),
        entry_stack_shift: entry_stack_shift(reader.target),
    })
}

/// How much the call instruction pushes.
fn entry_stack_shift(target: OutTarget) -> u32 {
    match target {
        OutTarget::X64 => 8,
        OutTarget::Aarch64 | OutTarget::Riscv64 | OutTarget::S390x | OutTarget::Pulley => 0,
    }
}

/// What is between the stack pointer at the call and the first stack argument.
fn stack_args_start(target: OutTarget) -> i64 {
    match target {
        // Keep in sync with `REG_SAVE_AREA_SIZE` of the s390x backend.
        OutTarget::S390x => 160,
        OutTarget::X64 | OutTarget::Aarch64 | OutTarget::Riscv64 | OutTarget::Pulley => 0,
    }
}

/// What an `ABIArgSlot::Stack` is an offset into: that of a result is not in the stack.
#[derive(Clone, Copy)]
enum Memory {
    Stack,
    ReturnArea,
}

/// Turns `ABIArg`s into locations.
struct Reader {
    target: OutTarget,
    word_type: Type,
}

impl Reader {
    fn new<M: ABIMachineSpec>() -> Self {
        Reader {
            target: M::OUT_TARGET,
            word_type: M::word_type(),
        }
    }

    fn locations(&self, args: &[ABIArg], memory: Memory) -> Vec<AbiLocation> {
        args.iter().map(|arg| self.location(arg, memory)).collect()
    }

    fn location(&self, arg: &ABIArg, memory: Memory) -> AbiLocation {
        match arg {
            ABIArg::Slots { slots, purpose } => {
                let mut parts: Vec<_> = slots.iter().map(|slot| self.part(slot, memory)).collect();
                if let [part] = &mut parts[..] {
                    self.name_after_type(part);
                }
                AbiLocation {
                    purpose: *purpose,
                    kind: AbiLocationKind::Parts(parts),
                }
            }
            &ABIArg::StructArg {
                offset,
                size,
                purpose,
            } => AbiLocation {
                purpose,
                kind: AbiLocationKind::StructCopy {
                    stack_offset: self.stack_offset(offset),
                    size,
                },
            },
            ABIArg::ImplicitPtrArg {
                pointer,
                offset,
                ty,
                purpose,
            } => AbiLocation {
                purpose: *purpose,
                kind: AbiLocationKind::Indirect {
                    pointer: self.part(pointer, memory),
                    stack_offset: self.stack_offset(*offset),
                    ty: *ty,
                },
            },
        }
    }

    fn return_pointer(&self, sigs: &SigSet, sig: Sig) -> Option<AbiPart> {
        let arg = sigs.get_ret_arg(sig)?;
        self.location(&arg, Memory::Stack).into_first_part()
    }

    /// The fields of an out area, in as many parts as registers hold their values.
    fn fields<M: ABIMachineSpec>(&self, area: &OutArea) -> CodegenResult<Vec<AbiLocation>> {
        let mut vregs = VRegAllocator::<M::I>::with_capacity(area.fields.len());
        let fields = area.fields.iter().map(|field| {
            let reg_count = vregs.alloc(field.ty)?.len();
            let mut offset = i64::from(field.offset);
            let part = |ty: Type| {
                let place = AbiPlace::ReturnArea {
                    offset,
                    size: ty.bytes(),
                };
                offset += i64::from(ty.bytes());
                AbiPart {
                    place,
                    ty,
                    extension: ArgumentExtension::None,
                }
            };
            let reg_type = if reg_count == 1 { field.ty } else { types::I64 };
            let parts = iter::repeat_n(reg_type, reg_count).map(part).collect();
            Ok(AbiLocation {
                purpose: ArgumentPurpose::Normal,
                kind: AbiLocationKind::Parts(parts),
            })
        });
        fields.collect()
    }

    fn part(&self, slot: &ABIArgSlot, memory: Memory) -> AbiPart {
        match *slot {
            ABIArgSlot::Reg { reg, ty, extension } => AbiPart {
                place: AbiPlace::Reg(abi_reg(self.target, reg)),
                ty,
                extension,
            },
            ABIArgSlot::Stack {
                offset,
                ty,
                extension,
            } => {
                let size = self.written_size(ty, extension);
                AbiPart {
                    place: match memory {
                        Memory::Stack => AbiPlace::Stack {
                            offset: self.stack_offset(offset),
                            size,
                        },
                        Memory::ReturnArea => AbiPlace::ReturnArea { offset, size },
                    },
                    ty,
                    extension,
                }
            }
        }
    }

    fn stack_offset(&self, offset: i64) -> i64 {
        stack_args_start(self.target) + offset
    }

    fn written_size(&self, ty: Type, extension: ArgumentExtension) -> u32 {
        match extension {
            ArgumentExtension::None => ty.bytes(),
            ArgumentExtension::Uext | ArgumentExtension::Sext => {
                ty.bytes().max(self.word_type.bytes())
            }
        }
    }

    /// On s390x a floating-point register is the upper half of a vector register.
    fn name_after_type(&self, part: &mut AbiPart) {
        let is_scalar = matches!(part.ty, types::F16 | types::F32 | types::F64);
        if let AbiPlace::Reg(reg) = &mut part.place {
            if self.target == OutTarget::S390x && reg.class == AbiRegClass::Float && is_scalar {
                reg.name = format!("f{}", reg.encoding);
            }
        }
    }
}

fn abi_reg(target: OutTarget, reg: RealReg) -> AbiReg {
    let class = match reg.class() {
        RegClass::Int => AbiRegClass::Int,
        RegClass::Float => AbiRegClass::Float,
        RegClass::Vector => AbiRegClass::Vector,
    };
    let encoding = reg.hw_enc();
    AbiReg {
        name: reg_name(target, class, encoding),
        class,
        encoding,
    }
}

fn reg_name(target: OutTarget, class: AbiRegClass, encoding: u8) -> String {
    const X64_INT: [&str; 8] = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"];
    match (target, class) {
        (OutTarget::X64, AbiRegClass::Int) => match X64_INT.get(usize::from(encoding)) {
            Some(name) => (*name).to_owned(),
            None => format!("r{encoding}"),
        },
        (OutTarget::X64, _) => format!("xmm{encoding}"),
        (OutTarget::S390x, AbiRegClass::Int) => format!("r{encoding}"),
        (OutTarget::S390x, _) => format!("v{encoding}"),
        (OutTarget::Aarch64 | OutTarget::Pulley, AbiRegClass::Int) => format!("x{encoding}"),
        (OutTarget::Aarch64, _) => format!("v{encoding}"),
        (OutTarget::Pulley, AbiRegClass::Float) => format!("f{encoding}"),
        (OutTarget::Riscv64, class @ (AbiRegClass::Int | AbiRegClass::Float)) => {
            riscv_name(class, encoding)
        }
        (OutTarget::Riscv64 | OutTarget::Pulley, AbiRegClass::Vector) => format!("v{encoding}"),
    }
}

/// Chapter "Register Convention" of the RISC-V psABI.
fn riscv_name(class: AbiRegClass, encoding: u8) -> String {
    const NOT_NUMBERED: [&str; 5] = ["zero", "ra", "sp", "gp", "tp"];
    let (prefix, low_temps, high_temps) = match class {
        AbiRegClass::Int => ("", 5, 25),
        AbiRegClass::Float | AbiRegClass::Vector => ("f", 0, 20),
    };
    match (class, encoding) {
        (AbiRegClass::Int, 0..=4) => NOT_NUMBERED[usize::from(encoding)].to_owned(),
        (_, 0..=7) => format!("{prefix}t{}", encoding - low_temps),
        (_, 8..=9) => format!("{prefix}s{}", encoding - 8),
        (_, 10..=17) => format!("{prefix}a{}", encoding - 10),
        (_, 18..=27) => format!("{prefix}s{}", encoding - 16),
        (_, _) => format!("{prefix}t{}", encoding - high_temps),
    }
}

impl AbiLocation {
    fn into_first_part(self) -> Option<AbiPart> {
        match self.kind {
            AbiLocationKind::Parts(parts) => parts.into_iter().next(),
            AbiLocationKind::StructCopy { .. } | AbiLocationKind::Indirect { .. } => None,
        }
    }

    /// The parts of the value or, if it is passed by address, the part that holds the address.
    pub fn parts(&self) -> &[AbiPart] {
        match &self.kind {
            AbiLocationKind::Parts(parts) => parts,
            AbiLocationKind::StructCopy { .. } => &[],
            AbiLocationKind::Indirect { pointer, .. } => core::slice::from_ref(pointer),
        }
    }
}

#[cfg(test)]
mod tests;

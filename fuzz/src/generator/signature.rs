//! Signatures: a palette of types and how many values take turns in it.

use super::{Form, Machine, byte};
use cranelift_codegen::data_value::DataValue;
use cranelift_codegen::ir::{AbiParam, ArgumentExtension, ArgumentPurpose, Signature, Type, types};
use cranelift_codegen::isa::CallConv;
use cranelift_codegen::isa::multi_out::OutTarget;
use oracles::signatures::explain_refusal;

/// What a function takes and returns, whatever its form.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Where it is for several results in memory, a [`Form`] may change it.
    pub call_conv: CallConv,
    /// Parameters, with their extensions and purposes.
    pub params: Vec<AbiParam>,
    /// Results, with their extensions.
    pub results: Vec<AbiParam>,
    /// Whether the last parameter tells how often the function may still call itself.
    pub is_recursive: bool,
    /// Whether its frame is beyond displacements of 20 bits.
    pub has_large_frame: bool,
    /// Whether it may throw, itself or what it calls throws.
    pub throws: bool,
    /// Which results are constants: bit `n` is about number `n` of every eight.
    pub constant_results: u8,
    /// The function whose results it returns by a tail call, if it does.
    pub tail_call: Option<TailCall>,
}

/// A tail call at the end of a function.
#[derive(Clone, Copy, Debug)]
pub struct TailCall {
    /// Which function is called.
    pub index: usize,
    /// Whether it is called by its address.
    pub is_indirect: bool,
}

/// The types of values, the frequent ones more than once. No backend has conversions of `f16x8`.
#[rustfmt::skip]
pub const TYPES: [Type; 32] = [
    types::I64, types::I32, types::I8, types::F64, types::I16, types::F32, types::I128, types::I32,
    types::I8X16, types::F128, types::I64, types::F64, types::I8, types::I16, types::F32, types::I128,
    types::I16X8, types::I32X4, types::I64X2, types::F32X4, types::F64X2, types::F16, types::I8X8,
    types::I16X4, types::I32X2, types::F32X2, types::I8X4, types::I16X2, types::I8X2, types::I64,
    types::I64, types::I32,
];

/// A type that the target has.
pub fn pick_type(choice: u8, machine: Machine) -> Type {
    let ty = TYPES[usize::from(choice) % TYPES.len()];
    if machine.has(ty) { ty } else { types::I64 }
}

/// What a struct argument consists of.
pub const STRUCT_WORD: u32 = 8;

/// The size of a struct argument, if it is one.
pub fn struct_size(param: &AbiParam) -> Option<u32> {
    match param.purpose {
        ArgumentPurpose::StructArgument(size) => Some(size),
        _ => None,
    }
}

/// Other backends than x86-64's have no struct arguments, and no other convention is about C's.
fn takes_structs(call_conv: CallConv, target: OutTarget) -> bool {
    let is_c = matches!(call_conv, CallConv::SystemVMultiOut | CallConv::SystemV);
    is_c && target == OutTarget::X64
}

/// What [`super::Form::Interpreted`] returns beside the results of a function that may throw.
pub fn thrown(pointer: Type) -> [AbiParam; 3] {
    [types::I32, pointer, pointer].map(AbiParam::new)
}

/// Arguments for a function: graffiti, of which no float is a NaN.
pub fn arguments(signature: &Signature) -> Vec<DataValue> {
    let params = signature.params.iter().enumerate();
    params
        .map(|(index, param)| argument(index, param.value_type))
        .collect()
}

fn argument(index: usize, ty: Type) -> DataValue {
    let bytes: [u8; 16] = std::array::from_fn(|byte| ((index << 4) | byte) as u8);
    DataValue::read_from_slice_le(&bytes, ty)
}

/// Extends no parameters of Apple's stock convention: a caller overwrites what is behind them on the stack (FINDINGS.md, 9).
pub fn suit_apple(signature: &mut Signature) {
    if signature.call_conv == CallConv::AppleAarch64 {
        let params = signature.params.iter_mut();
        params.for_each(|param| param.extension = ArgumentExtension::None);
    }
}

impl Shape {
    /// The shape that bytes ask for, or one near it that the convention has. That of the function to
    /// call first has an `i64` first, which shows what went on.
    pub(super) fn new(bytes: &[u8], is_entry: bool, machine: Machine) -> Self {
        let flags = byte(bytes, 1);
        let call_conv = match (byte(bytes, 0) % 16, machine.target) {
            (9, OutTarget::X64) => CallConv::WindowsFastcallMultiOut,
            (9, OutTarget::Aarch64) => CallConv::AppleAarch64MultiOut,
            (0..=7 | 9, _) => CallConv::SystemVMultiOut,
            (11, OutTarget::X64 | OutTarget::Aarch64) => CallConv::Winch,
            (8 | 10 | 11, _) => CallConv::Tail,
            (13, OutTarget::X64) => CallConv::WindowsFastcall,
            (13, OutTarget::Aarch64) => CallConv::AppleAarch64,
            (12 | 13, _) => CallConv::Fast,
            (14, _) => CallConv::SystemV,
            _ if is_entry => CallConv::SystemV,
            // Pulley's save vectors over floats.
            (_, OutTarget::Pulley) => CallConv::Fast,
            _ => CallConv::PreserveAll,
        };
        let list = |at: usize, many: usize| {
            let count = match byte(bytes, at) {
                number @ 0..=199 => usize::from(number % 10),
                number @ 200..=253 => usize::from(number) % 65,
                254 => 64,
                255 => many,
            };
            let turns = 1 + usize::from(byte(bytes, at + 1) % 8);
            (0..count)
                .map(|index| pick_type(byte(bytes, at + 2 + index % turns), machine))
                .collect::<Vec<_>>()
        };
        let is_extended = flags & 2 != 0;
        let extended = |ty: Type| match AbiParam::new(ty) {
            param if is_extended && ty.is_int() && ty.bits() < 64 => param.sext(),
            param => param,
        };
        let mut shape = Shape {
            call_conv,
            params: list(2, 64).into_iter().map(extended).collect(),
            results: list(12, 1000).into_iter().map(extended).collect(),
            is_recursive: flags & 1 != 0,
            // At most one is on the stack at a time.
            has_large_frame: is_entry && flags & 1 == 0 && byte(bytes, 23) >= 0xf0,
            // Of `preserve_all` functions s390x has no unwind information for all registers; `winch` has no
            // registers for what is thrown. Nobody is there to catch what leaves the first function.
            throws: machine.has_thrower
                && byte(bytes, 0) >= 0xa0
                && !matches!(call_conv, CallConv::PreserveAll | CallConv::Winch)
                && !is_entry,
            // Few of them.
            constant_results: byte(bytes, 22) & byte(bytes, 23),
            tail_call: None,
        };
        if is_entry {
            shape.results.insert(0, AbiParam::new(types::I64));
        }
        if flags & 4 != 0 {
            let vmctx = AbiParam::special(machine.pointer, ArgumentPurpose::VMContext);
            shape.params.insert(0, vmctx);
        }
        if flags & 0x18 == 0x18 && !is_entry && takes_structs(shape.call_conv, machine.target) {
            let size = STRUCT_WORD * (1 + u32::from(flags >> 5));
            let purpose = ArgumentPurpose::StructArgument(size);
            let place = usize::from(byte(bytes, 2)) % (1 + shape.params.len());
            let param = AbiParam::special(machine.pointer, purpose);
            shape.params.insert(place, param);
        }
        shape.restrict(machine);
        if shape.is_recursive {
            shape.params.push(AbiParam::new(types::I32));
        }
        shape
    }

    /// The shapes of a program's functions, each with bytes of its own. Some `tail` functions end by a tail call of a later
    /// function, which is made one with the same results. Nothing is thrown past such a call: with more arguments on the
    /// stack the frame is elsewhere, and a handler would get another stack pointer than that of its call.
    pub(super) fn all(bytes: &[&[u8]], machine: Machine) -> Vec<Self> {
        let shapes = bytes.iter().enumerate();
        let mut shapes: Vec<_> = shapes
            .map(|(index, bytes)| Self::new(bytes, index == 0, machine))
            .collect();
        let mut has_caller = vec![false; shapes.len()];
        for caller in 0..shapes.len().saturating_sub(1) {
            let flags = byte(bytes[caller], 1);
            let index = caller + 1 + usize::from(flags >> 5) % (shapes.len() - caller - 1);
            let is_tail = shapes[caller].call_conv == CallConv::Tail;
            let throws = shapes[caller].throws || shapes[index].throws;
            if !is_tail || flags >> 5 < 2 || has_caller[index] || throws {
                continue;
            }
            has_caller[index] = true;
            let results = shapes[caller].results.clone();
            let callee = &mut shapes[index];
            callee.call_conv = CallConv::Tail;
            callee.results = results;
            callee.params.retain(|param| struct_size(param).is_none());
            let is_indirect = flags & 0x10 != 0;
            shapes[caller].tail_call = Some(TailCall { index, is_indirect });
        }
        shapes
    }

    /// Leaves out what the convention refuses.
    fn restrict(&mut self, machine: Machine) {
        let target = machine.target;
        let is_small = |ty: Type| ty.is_vector() && ty.bits() < 64;
        match self.call_conv {
            conv if conv.is_multi_out() => {
                self.params.retain(|param| !is_small(param.value_type));
                if let [single] = &self.results[..]
                    && single.value_type.is_vector()
                {
                    self.results = vec![AbiParam::new(types::I64)];
                }
                // The counter of a recursive function will follow.
                while explain_refusal(&self.signature(Form::MultiOut, machine), target).is_some() {
                    self.params.pop().or_else(|| self.results.pop());
                }
            }
            // Stock conventions lack some types of C's in one place or another, which is not what this
            // is about.
            CallConv::SystemV
            | CallConv::PreserveAll
            | CallConv::WindowsFastcall
            | CallConv::AppleAarch64
            | CallConv::Winch => {
                let is_plain = |param: &AbiParam| {
                    let ty = param.value_type;
                    ty.bits() <= 64 && !ty.is_vector() && ty != types::F16
                };
                self.params.retain(is_plain);
                self.results.retain(is_plain);
                self.results.truncate(match self.call_conv {
                    CallConv::PreserveAll => 0,
                    // Results on the stack, the first of them lowest or highest.
                    CallConv::Winch => 8,
                    _ => 1,
                });
            }
            // From the stack such a result gets to a spill slot without the ones above it (FINDINGS.md, 11).
            CallConv::Tail if target == OutTarget::Riscv64 => {
                self.results.retain(|param| param.value_type != types::F32);
            }
            // On s390x only `tail` can return more than its registers hold without a setting.
            CallConv::Fast if target == OutTarget::S390x => {
                self.results.retain(|param| param.value_type.bits() <= 64);
                self.results.truncate(4);
            }
            _ => {}
        }
    }

    /// Whether a `try_call` of it is allowed in every form.
    pub fn is_catchable(&self) -> bool {
        self.call_conv.supports_exceptions()
    }

    /// Whether a [`Form`] can change how the function returns.
    pub fn uses_out_area(&self) -> bool {
        self.call_conv.is_multi_out() && self.results.len() > 1
    }

    /// Whether it takes a pointer to its results as an ordinary parameter.
    pub fn takes_out_pointer(&self, form: Form) -> bool {
        form == Form::OutPointer && self.uses_out_area()
    }

    /// The signature in a form.
    pub fn signature(&self, form: Form, machine: Machine) -> Signature {
        let mut signature = Signature::new(match (self.call_conv, form) {
            (conv, Form::OutPointer) => conv.base(),
            (conv, Form::Tail) if conv.is_multi_out() => CallConv::Tail,
            (conv, _) => conv,
        });
        signature.params.clone_from(&self.params);
        suit_apple(&mut signature);
        signature.returns.clone_from(&self.results);
        if form == Form::Interpreted && self.throws {
            let thrown = thrown(machine.pointer);
            signature.returns.extend(thrown);
        }
        if self.takes_out_pointer(form) {
            signature.params.insert(0, AbiParam::new(machine.pointer));
            signature.returns.clear();
        }
        signature
    }
}

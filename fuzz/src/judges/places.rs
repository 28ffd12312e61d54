//! `places`: where the backends say that parameters are, on every target.
//!
//! An out pointer is where an explicit first pointer would be, and what follows it too; with a result
//! in registers, or none, parameters are where they are in a function without results. Those of Windows' and Apple's
//! conventions are where a few lines of rules have them. What this does not prove is that C has the others there, too;
//! `cargo xtask campaign c-abi` does.

use crate::generator::settings::{Settings, TARGETS, isa};
use crate::{Oracle, Verdict};
use arbitrary::Arbitrary;
use cranelift_codegen::ir::{AbiParam, ArgumentExtension, ArgumentPurpose, Signature, Type, types};
use cranelift_codegen::isa::abi_locations::{AbiLocationKind, AbiLocations, AbiPart, AbiPlace};
use cranelift_codegen::isa::multi_out::OutTarget;
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa, TargetIsa};
use filetests::abi::locate;
use oracles::signatures::explain_refusal;
use std::sync::LazyLock;
use target_lexicon::Architecture;

/// See the module.
pub struct Places;

/// A signature.
#[derive(Arbitrary, Debug)]
pub struct Case {
    target: u8,
    /// That of Windows on x86-64, of Apple on aarch64.
    has_other_convention: bool,
    has_vmctx: bool,
    /// Indices into [`TYPES`], and extensions of integers.
    params: Vec<(u8, Extension)>,
    /// Indices into [`TYPES`].
    results: Vec<u8>,
    /// Where there is a struct argument among the parameters, and its words. x86-64 alone has them.
    structs: Vec<(u8, u8)>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Extension {
    None,
    Sext,
    Uext,
}

const TYPES: [Type; 12] = [
    types::I8,
    types::I16,
    types::I32,
    types::I64,
    types::I128,
    types::F16,
    types::F32,
    types::F64,
    types::F128,
    types::I8X16,
    types::F32X4,
    types::I64,
];

static ISAS: LazyLock<Vec<OwnedTargetIsa>> = LazyLock::new(|| {
    let targets = TARGETS.into_iter().chain(["pulley64", "pulley32"]);
    targets
        .map(|target| isa(target, &Settings::new(&[])))
        .collect()
});

impl Oracle for Places {
    const NAME: &'static str = "places";
    type Case = Case;

    fn check(case: &Case) -> Verdict {
        let isa = &*ISAS[usize::from(case.target) % ISAS.len()];
        let signature = case.signature(isa);
        let locations = match locate(isa, &signature) {
            Ok(locations) => locations,
            Err(refusal) => {
                let target = OutTarget::from_triple(isa.triple()).expect("a target that has areas");
                let is_explained =
                    explain_refusal(&signature, target).is_some() && !refusal.contains("panicked");
                assert!(is_explained, "{}: {signature}: {refusal}", isa.triple());
                let why = format!("{}: {signature}: {refusal}", isa.triple());
                return super::reject(Self::NAME, &why);
            }
        };
        check_extensions(&signature, &locations);
        check_rules(&signature, &locations);
        let mut explicit = signature.clone();
        explicit.returns.clear();
        // s390x returns some single results in memory too.
        if signature.returns.len() > 1 || locations.return_pointer.is_some() {
            let pointer = AbiParam::new(isa.pointer_type());
            explicit.params.insert(0, pointer);
        }
        let expected = match locate(isa, &explicit) {
            Ok(expected) => expected,
            Err(error) => panic!("{}: {signature}, but not {explicit}: {error}", isa.triple()),
        };
        assert_eq!(
            arguments(&locations),
            arguments(&expected),
            "{}: {signature}, and {explicit}",
            isa.triple()
        );
        Verdict::Passed
    }
}

impl Case {
    fn signature(&self, isa: &dyn TargetIsa) -> Signature {
        let pointer = isa.pointer_type();
        let ty = |index: u8| TYPES[usize::from(index) % TYPES.len()];
        let convention = match (isa.triple().architecture, self.has_other_convention) {
            (Architecture::X86_64, true) => CallConv::WindowsFastcallMultiOut,
            (Architecture::Aarch64(_), true) => CallConv::AppleAarch64MultiOut,
            _ => CallConv::SystemVMultiOut,
        };
        let mut signature = Signature::new(convention);
        if self.has_vmctx {
            let vmctx = AbiParam::special(pointer, ArgumentPurpose::VMContext);
            signature.params.push(vmctx);
        }
        for &(index, extension) in &self.params {
            let param = AbiParam::new(ty(index));
            let is_small = param.value_type.is_int() && param.value_type.bits() < 64;
            signature.params.push(match extension {
                Extension::Sext if is_small => param.sext(),
                Extension::Uext if is_small => param.uext(),
                _ => param,
            });
        }
        let has_structs = isa.triple().architecture == Architecture::X86_64
            && convention == CallConv::SystemVMultiOut;
        for &(place, words) in self.structs.iter().filter(|_| has_structs) {
            let purpose = ArgumentPurpose::StructArgument(8 * u32::from(words));
            let place = usize::from(place) % (1 + signature.params.len());
            let param = AbiParam::special(pointer, purpose);
            signature.params.insert(place, param);
        }
        let results = self.results.iter().map(|index| AbiParam::new(ty(*index)));
        signature.returns.extend(results);
        signature
    }
}

/// Where the arguments are, a hidden one first, and how much of the stack they take.
fn arguments(locations: &AbiLocations) -> (Vec<AbiLocationKind>, u32) {
    let hidden = locations.return_pointer.iter().cloned();
    let hidden = hidden.map(|part| AbiLocationKind::Parts(vec![part]));
    let params = locations.params.iter().map(|param| param.kind.clone());
    (hidden.chain(params).collect(), locations.stack_args_size)
}

/// Integers are extended as the signature asks, but for Apple's on the stack.
fn check_extensions(signature: &Signature, locations: &AbiLocations) {
    for (param, location) in signature.params.iter().zip(&locations.params) {
        let AbiLocationKind::Parts(parts) = &location.kind else {
            continue;
        };
        if param.extension != ArgumentExtension::None {
            let is_apple = signature.call_conv == CallConv::AppleAarch64MultiOut;
            let is_extended = parts.iter().all(|part| match part.place {
                AbiPlace::Stack { .. } if is_apple => part.extension == ArgumentExtension::None,
                _ => part.extension == param.extension,
            });
            assert!(is_extended, "{signature}: {parts:?}");
        }
    }
}

/// Windows' and Apple's rules, `ABI.md` section 11.
fn check_rules(signature: &Signature, locations: &AbiLocations) {
    let pointer = locations
        .return_pointer
        .iter()
        .map(|part| (types::I64, place(part)));
    let params = signature.params.iter().zip(&locations.params);
    let params = params.map(|(param, location)| {
        let place = match &location.kind {
            AbiLocationKind::Parts(parts) => parts.iter().map(place).collect::<Vec<_>>().join(" "),
            AbiLocationKind::Indirect { pointer, .. } => place(pointer),
            AbiLocationKind::StructCopy { .. } => "a struct".to_owned(),
        };
        (param.value_type, place)
    });
    let (types, found): (Vec<_>, Vec<_>) = pointer.chain(params).unzip();
    let wanted = match signature.call_conv {
        CallConv::WindowsFastcallMultiOut => windows_places(&types),
        CallConv::AppleAarch64MultiOut => apple_places(&types),
        _ => return,
    };
    assert_eq!(found, wanted, "{signature}");
}

fn place(part: &AbiPart) -> String {
    match &part.place {
        AbiPlace::Reg(reg) => reg.name.clone(),
        AbiPlace::Stack { offset, .. } | AbiPlace::ReturnArea { offset, .. } => {
            format!("stack {offset}")
        }
    }
}

/// Four positions, each of a register or of eight bytes of home space, then the stack.
fn windows_places(types: &[Type]) -> Vec<String> {
    let place = |(position, ty): (usize, &Type)| match position {
        0..4 if ty.is_float() => format!("xmm{position}"),
        0..4 => ["rcx", "rdx", "r8", "r9"][position].to_owned(),
        _ => format!("stack {}", 8 * position),
    };
    types.iter().enumerate().map(place).collect()
}

/// Eight registers of each kind, then the stack, where everything is aligned to its own size.
fn apple_places(types: &[Type]) -> Vec<String> {
    let (mut ints, mut floats, mut stack) = (0, 0, 0);
    let place = |ty: &Type| {
        let size = ty.bytes() as usize;
        let (kind, used, count) = match ty.is_int() {
            true => ("x", &mut ints, size.div_ceil(8)),
            false => ("v", &mut floats, 1),
        };
        if *used + count > 8 {
            *used = 8;
            let start = usize::next_multiple_of(stack, size);
            stack = start + size;
            return parts(count, |part| format!("stack {}", start + 8 * part));
        }
        *used += count;
        parts(count, |part| format!("{kind}{}", *used - count + part))
    };
    types.iter().map(place).collect()
}

fn parts(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn smoke() {
        crate::smoke::smoke::<super::Places>(1000, 150);
    }
}

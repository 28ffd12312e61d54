//! Random signatures of conventions for several results, made to hurt.
//!
//! What is chosen is shape, not noise: small values next to large ones, integers next to floats,
//! argument registers about to run out, one value out of line. The same [`Seed`] makes the same signature again.
//!
//! A few signatures are such that they must be refused. [`explain_refusal`] says which may be, by the
//! rules of `ABI.md`. Which types a target has it takes from the fork; the counts in `STATUS.md` show a
//! type that gets lost there.

use crate::seed::Seed;
use cranelift_codegen::ir::{AbiParam, ArgumentPurpose, Signature, Type, types};
use cranelift_codegen::isa::CallConv;
use cranelift_codegen::isa::multi_out::OutTarget;

/// A signature for a target and a convention. Small integers are extended as C wants it.
pub fn signature(choices: &mut Seed, target: OutTarget, convention: CallConv) -> Signature {
    let mut generator = Generator {
        is_plain: choices.below(2) == 0,
        choices,
        target,
        convention,
    };
    let mut signature = Signature::new(convention);
    if generator.one_in(4) {
        let vmctx = AbiParam::special(types::I64, ArgumentPurpose::VMContext);
        signature.params.push(vmctx);
    }
    let params = generator.params();
    let results = generator.results();
    let mut extended = |ty| generator.extended(ty);
    signature
        .params
        .extend(params.into_iter().map(&mut extended));
    signature
        .returns
        .extend(results.into_iter().map(&mut extended));
    if generator.one_in(64) {
        generator.spoil(&mut signature);
    }
    signature
}

struct Generator<'a> {
    choices: &'a mut Seed,
    target: OutTarget,
    convention: CallConv,
    /// Only types that every compiler has.
    is_plain: bool,
}

const SCALARS: [Type; 9] = [
    types::I8,
    types::I16,
    types::I32,
    types::I64,
    types::F32,
    types::F64,
    types::I128,
    types::F128,
    types::F16,
];

const VECTORS: [Type; 14] = [
    types::I8X16,
    types::I16X8,
    types::I32X4,
    types::I64X2,
    types::F32X4,
    types::F64X2,
    types::I8X8,
    types::I16X4,
    types::I32X2,
    types::F32X2,
    types::I8X4,
    types::I16X2,
    types::I8X2,
    types::F16X8,
];

impl Generator<'_> {
    fn one_in(&mut self, count: usize) -> bool {
        self.choices.below(count) == count - 1
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.choices.below(list.len())]
    }

    fn results(&mut self) -> Vec<Type> {
        let count = match self.choices.below(16) {
            0..12 => 2 + self.choices.below(15),
            12 => 2 + self.choices.below(3),
            13 => 0,
            14 => 1,
            _ => self.pick(&[17, 40, 100]),
        };
        let mut types = self.shape(count, false);
        if let ([single], OutTarget::Riscv64) = (&mut types[..], self.target)
            && single.is_vector()
        {
            *single = types::I64;
        }
        if let [single] = &mut types[..]
            && single.is_vector()
            && single.bits() < 64
        {
            *single = types::I16;
        }
        if let [single] = &mut types[..]
            && is_field_alone(*single, self.convention)
        {
            *single = types::I32;
        }
        types
    }

    fn params(&mut self) -> Vec<Type> {
        let mut params = Vec::new();
        // Registers about to run out, integers or floats first.
        if self.one_in(3) {
            let (ints, floats) = (self.choices.below(9), self.choices.below(9));
            let mut exhaust = [vec![types::I64; ints], vec![types::F64; floats]];
            let first = self.choices.below(2);
            params.append(&mut exhaust[first]);
            params.append(&mut exhaust[1 - first]);
        }
        let rest = match self.choices.below(4) {
            0 => 0,
            1 => 1 + self.choices.below(3),
            _ => self.choices.below(11),
        };
        params.extend(self.shape(rest, true));
        params
    }

    /// Types in an order that has something to get wrong.
    fn shape(&mut self, count: usize, is_param: bool) -> Vec<Type> {
        let mut types: Vec<Type> = match self.choices.below(6) {
            0 => (0..count).map(|_| self.any(is_param)).collect(),
            1 => {
                let (small, large) = (
                    [types::I8, types::I16],
                    [types::I64, types::I128, types::F64],
                );
                let odd = self.choices.below(2);
                let alternate = |index| match (index + odd) % 2 {
                    0 => self.pick(&small),
                    _ => self.pick(&large),
                };
                (0..count).map(alternate).collect()
            }
            2 => {
                let (ints, floats) = (&SCALARS[..4], &SCALARS[4..6]);
                let alternate = |index| match index % 2 {
                    0 => self.pick(ints),
                    _ => self.pick(floats),
                };
                (0..count).map(alternate).collect()
            }
            3 => {
                // All alike but one.
                let mut types = vec![self.any(is_param); count];
                if count > 0 {
                    let place = self.choices.below(count);
                    types[place] = self.pick(&[types::I8, types::F32]);
                }
                types
            }
            4 => {
                let mut types: Vec<_> = (0..count).map(|_| self.any(is_param)).collect();
                types.sort_by_key(|ty| ty.bytes());
                if self.one_in(2) {
                    types.reverse();
                }
                types
            }
            _ => (0..count).map(|_| self.pick(&SCALARS[..8])).collect(),
        };
        for ty in &mut types {
            let is_common = ty.is_vector() && ty.bits() == 128;
            if self.is_plain && !is_common && (ty.is_vector() || ty.lane_type() == types::F16) {
                *ty = types::I32;
            } else if self.is_plain && *ty == types::F128 {
                *ty = types::F64;
            }
            // gcc does not have `f16` everywhere.
            if ty.lane_type() == types::F16
                && !matches!(self.target, OutTarget::X64 | OutTarget::Aarch64)
            {
                *ty = types::F32;
            }
            if (is_param && is_field_alone(*ty, self.convention))
                || has_no_c_type(*ty, self.convention)
            {
                *ty = types::I64;
            }
        }
        types
    }

    /// Any type that the target has, vectors less often than scalars.
    fn any(&mut self, is_param: bool) -> Type {
        let ty = match self.choices.below(8) {
            0..6 => self.pick(&SCALARS[..8]),
            6 => self.pick(&VECTORS),
            _ if self.one_in(4) => types::F16,
            _ => types::I16,
        };
        let is_elsewhere_in_c =
            is_param && ty.is_vector() && (self.target == OutTarget::Riscv64 || ty.bits() < 64);
        if self.target.has_memory_type(ty) && !is_elsewhere_in_c {
            ty
        } else {
            types::I64
        }
    }

    fn extended(&mut self, ty: Type) -> AbiParam {
        let param = AbiParam::new(ty);
        if !ty.is_int() || ty.bits() >= 64 {
            return param;
        }
        // C on Windows does not count on it.
        if self.convention.base() == CallConv::WindowsFastcall && self.one_in(2) {
            return param;
        }
        let is_unsigned = self.one_in(2);
        // To C on riscv64 even an unsigned int is sign-extended.
        if is_unsigned && (self.target, ty) != (OutTarget::Riscv64, types::I32) {
            param.uext()
        } else {
            param.sext()
        }
    }

    /// Adds what must be refused.
    fn spoil(&mut self, signature: &mut Signature) {
        match self.choices.below(4) {
            0 => signature.returns.push(AbiParam::new(types::I8X32)),
            1 => {
                let sret = AbiParam::special(types::I64, ArgumentPurpose::StructReturn);
                signature.params.push(sret);
                signature.returns.resize(2, AbiParam::new(types::I64));
            }
            2 => signature.params.push(AbiParam::new(types::I8X2)),
            _ => {
                signature.returns.clear();
                signature.returns.push(AbiParam::new(types::I8X4));
            }
        }
    }
}

/// Which rule of `ABI.md` lets this signature be refused on the target, if one does.
pub fn explain_refusal(signature: &Signature, target: OutTarget) -> Option<&'static str> {
    let Signature {
        params, returns, ..
    } = signature;
    let has_sret = |param: &AbiParam| param.purpose == ArgumentPurpose::StructReturn;
    if params.iter().any(has_sret) && !returns.is_empty() {
        return Some("section 7: sret together with results");
    }
    let mut all = params.iter().chain(returns).map(|param| param.value_type);
    if all.any(|ty| !target.has_memory_type(ty)) {
        return Some("section 7: a type that the target cannot load and store");
    }
    let convention = signature.call_conv;
    let mut all = params.iter().chain(returns).map(|param| param.value_type);
    if all.any(|ty| has_no_c_type(ty, convention)) {
        return Some("section 11: a type that C does not have");
    }
    let is_single = returns.len() == 1;
    let in_registers = params.iter().chain(returns.iter().filter(|_| is_single));
    let mut by_value = in_registers.clone().map(|param| param.value_type);
    if by_value.any(|ty| is_field_alone(ty, convention)) {
        return Some("section 11: a type that is a field alone on Windows");
    }
    let mut vectors = in_registers
        .map(|param| param.value_type)
        .filter(|ty| ty.is_vector());
    match target {
        OutTarget::Riscv64 if vectors.next().is_some() => {
            Some("sections 3 and 5: a vector that C has elsewhere on riscv64")
        }
        OutTarget::X64 | OutTarget::Aarch64 if vectors.any(|ty| ty.bits() < 64) => {
            Some("sections 3 and 5: a vector of less than 64 bits")
        }
        OutTarget::Riscv64 if has_float_in_integer_register(signature) => {
            Some("section 5: a ninth float while integer registers are free on riscv64")
        }
        _ => None,
    }
}

/// Is a parameter or single result of this type refused, because C compilers for Windows disagree, or
/// have it elsewhere than `windows_fastcall`?
fn is_field_alone(ty: Type, convention: CallConv) -> bool {
    let is_windows = convention == CallConv::WindowsFastcallMultiOut;
    let is_scalar = matches!(ty, types::I128 | types::F16 | types::F128);
    is_windows && (is_scalar || (ty.is_vector() && ty.bits() < 128))
}

/// `long double` is `double` on Apple platforms.
fn has_no_c_type(ty: Type, convention: CallConv) -> bool {
    convention == CallConv::AppleAarch64MultiOut && ty == types::F128
}

fn has_float_in_integer_register(signature: &Signature) -> bool {
    let mut ints = usize::from(signature.returns.len() > 1);
    let mut floats = 0;
    for param in &signature.params {
        match param.value_type {
            types::F16 | types::F32 | types::F64 => {
                if floats == 8 && ints < 8 {
                    return true;
                }
                floats = 8.min(floats + 1);
            }
            ty => ints += ty.bytes().div_ceil(8) as usize,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Platform;
    use std::collections::HashSet;

    fn generate(choices: &mut Seed, platform: Platform) -> Signature {
        signature(
            choices,
            platform.target().out_target(),
            platform.convention(),
        )
    }

    #[test]
    fn a_seed_gives_the_same_signatures_again() {
        for platform in Platform::ALL {
            let list = |seed| -> Vec<_> {
                let numbers = 0..200;
                numbers
                    .map(|number| generate(&mut Seed::new(seed, number), platform).to_string())
                    .collect()
            };
            assert_eq!(list(1), list(1));
            let different: HashSet<_> = list(1).into_iter().chain(list(2)).collect();
            assert!(different.len() > 370, "{}", different.len());
        }
    }

    #[test]
    fn every_type_and_count_occurs() {
        for platform in Platform::ALL {
            let target = platform.target().out_target();
            let mut types = HashSet::new();
            let mut counts = HashSet::new();
            let mut refused = 0;
            for number in 0..2000 {
                let signature = generate(&mut Seed::new(0, number), platform);
                types.extend(signature.returns.iter().map(|result| result.value_type));
                counts.insert(signature.returns.len());
                refused += usize::from(explain_refusal(&signature, target).is_some());
            }
            let no_f16 = matches!(target, OutTarget::Riscv64 | OutTarget::S390x);
            for ty in SCALARS.into_iter().chain(VECTORS) {
                let is_expected = target.has_memory_type(ty)
                    && !(no_f16 && ty.lane_type() == types::F16)
                    && !has_no_c_type(ty, platform.convention());
                assert_eq!(
                    types.contains(&ty),
                    is_expected || ty == types::I8X4,
                    "{ty} on {platform}"
                );
            }
            for count in (0..=17).chain([40, 100]) {
                assert!(counts.contains(&count), "{count} on {platform}");
            }
            assert!((10..300).contains(&refused), "{refused} on {platform}");
        }
    }
}

//! The two ways to have several results: the fork's convention, or a pointer that is written out.
//!
//! Both are the same to C, so code compiled with one calls code compiled with the other.

use crate::area::Area;
use crate::error::Error;
use crate::results::{Return, Shape, Slot};
use crate::signature::{ShapeOf, Signature};
use crate::value::Sign;
use cranelift_codegen::ir::{self, AbiParam, ArgumentExtension, ArgumentPurpose, types};
use cranelift_codegen::isa::{CallConv, TargetIsa};

/// How several results are returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackEnd {
    /// The platform's C convention, with a pointer, a stack slot, loads and stores that this crate
    /// writes. It needs nothing but Cranelift from the registry.
    ExplicitPointer,
    /// The fork's convention for the platform: `system_v_multi_out`, or those of Windows and Apple.
    #[cfg(feature = "fork")]
    MultiOut,
}

impl BackEnd {
    /// All that there are, the best first.
    pub const ALL: &'static [Self] = &[
        #[cfg(feature = "fork")]
        Self::MultiOut,
        Self::ExplicitPointer,
    ];

    /// The best for this target: the fork's convention where it has one.
    #[cfg_attr(
        not(feature = "fork"),
        expect(unused_variables, reason = "there is one way")
    )]
    pub fn preferred(isa: &dyn TargetIsa) -> Self {
        #[cfg(feature = "fork")]
        if CallConv::triple_multi_out(isa.triple()).is_some() {
            return Self::MultiOut;
        }
        Self::ExplicitPointer
    }

    /// The signature in CLIF.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] if Cranelift does not put a value where C has it on this target.
    pub fn signature<S: Signature>(self, isa: &dyn TargetIsa) -> Result<ir::Signature, Error> {
        Ok(self.lower::<S>(isa)?.signature)
    }

    pub(crate) fn lower<S: Signature>(self, isa: &dyn TargetIsa) -> Result<Lowered, Error> {
        let results = <S::Return as Return>::SLOTS;
        let in_memory = ShapeOf::<S>::IN_MEMORY;
        self.lower_slots(isa, S::PARAMS, results, in_memory)
    }

    /// Not generic, to be tested with every list of types.
    pub(crate) fn lower_slots(
        self,
        isa: &dyn TargetIsa,
        params: &[Slot],
        results: &[Slot],
        in_memory: bool,
    ) -> Result<Lowered, Error> {
        if isa.pointer_type() != types::I64 {
            return Err(Error::Unsupported {
                reason: format!(
                    "{} has no 64-bit pointers; compile for a 64-bit target",
                    isa.triple()
                ),
            });
        }
        let mut signature = ir::Signature::new(isa.default_call_conv());
        signature.params = params.iter().map(|slot| param(isa, *slot)).collect();
        signature.returns = results.iter().map(|slot| param(isa, *slot)).collect();
        if in_memory {
            // Fields are only as wide as their types.
            for field in &mut signature.returns {
                field.extension = ArgumentExtension::None;
            }
        }
        let mut area = None;
        match self {
            #[cfg(feature = "fork")]
            Self::MultiOut => {
                let convention = CallConv::triple_multi_out(isa.triple());
                signature.call_conv = convention.ok_or_else(|| Error::Unsupported {
                    reason: format!(
                        "the fork has no convention for {}; use ExplicitPointer",
                        isa.triple()
                    ),
                })?;
            }
            Self::ExplicitPointer => {
                if in_memory || has_hidden_pointer(isa, &signature.returns) {
                    let fields = signature.returns.drain(..).map(|field| field.value_type);
                    area = Some(Area::new(isa, fields.collect()));
                    signature.params.insert(0, AbiParam::new(types::I64));
                }
                if let Some(reason) = crate::corners::disagreement(isa, &signature, area.as_ref()) {
                    return Err(Error::Unsupported { reason });
                }
            }
        }
        Ok(Lowered { signature, area })
    }
}

/// A signature as Cranelift has it, and the struct of results if there is one that it does not know.
#[derive(Clone, Debug)]
pub(crate) struct Lowered {
    pub(crate) signature: ir::Signature,
    pub(crate) area: Option<Area>,
}

/// Does C return the one value through a pointer?
fn has_hidden_pointer(isa: &dyn TargetIsa, returns: &[AbiParam]) -> bool {
    isa.name() == "s390x" && matches!(returns, [value] if value.value_type == types::I128)
}

/// A parameter or result as the C compilers of the target demand it.
///
/// AArch64 is not among them: the callee extends, but for Apple. x86-64 is because of clang and rustc,
/// the psABI says nothing.
fn param(isa: &dyn TargetIsa, slot: Slot) -> AbiParam {
    if slot.is_vmctx {
        return AbiParam::special(slot.ty, ArgumentPurpose::VMContext);
    }
    let extension = match slot.sign {
        Sign::Signed => ArgumentExtension::Sext,
        Sign::Unsigned => ArgumentExtension::Uext,
        Sign::None => ArgumentExtension::None,
    };
    let is_apple = isa.default_call_conv() == CallConv::AppleAarch64;
    let mut param = AbiParam::new(slot.ty);
    param.extension = match (isa.name(), slot.ty.bits()) {
        ("riscv64", 32) if slot.sign != Sign::None => ArgumentExtension::Sext,
        ("s390x", ..64) => extension,
        ("x64" | "riscv64", ..32) => extension,
        ("aarch64", ..32) if is_apple => extension,
        _ => ArgumentExtension::None,
    };
    param
}

#[cfg(test)]
mod tests {
    use super::*;
    use ArgumentExtension::{None, Sext, Uext};
    use cranelift_codegen::{isa, settings};

    /// What clang writes as `signext` and `zeroext` for these targets.
    #[test]
    fn small_integers_are_extended_as_c_demands() {
        for (triple, wants) in [
            ("x86_64-linux", [Sext, Uext, None, None, None]),
            ("aarch64-linux", [None; 5]),
            ("aarch64-apple-darwin", [Sext, Uext, None, None, None]),
            ("riscv64gc-linux", [Sext, Uext, Sext, Sext, None]),
            ("s390x-linux", [Sext, Uext, Sext, Uext, None]),
        ] {
            let isa = isa::lookup_by_name(triple).unwrap();
            let isa = isa.finish(settings::Flags::new(settings::builder()));
            let isa = isa.unwrap();
            let slots = [
                Slot::of::<i8>(),
                Slot::of::<u16>(),
                Slot::of::<i32>(),
                Slot::of::<u32>(),
                Slot::of::<u64>(),
            ];
            let found = slots.map(|slot| param(&*isa, slot).extension);
            assert_eq!(found, wants, "{triple}");
        }
    }
}

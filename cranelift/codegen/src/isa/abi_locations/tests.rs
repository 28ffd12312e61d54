use super::*;
use crate::CodegenError;
use crate::ir::AbiParam;
use crate::ir::types::*;
use crate::isa::{self, CallConv, OwnedTargetIsa};
use crate::settings::{self, Configurable};
use alloc::string::ToString;
use target_lexicon::Triple;

fn isa_for(name: &str) -> OwnedTargetIsa {
    let triple: Triple = name.parse().unwrap();
    let mut flags = settings::builder();
    flags.enable("enable_multi_ret_implicit_sret").unwrap();
    let flags = settings::Flags::new(flags);
    isa::lookup(triple).unwrap().finish(flags).unwrap()
}

fn locations(
    target: &str,
    conv: CallConv,
    params: &[Type],
    results: &[Type],
) -> CodegenResult<AbiLocations> {
    let mut sig = Signature::new(conv);
    sig.params = params.iter().copied().map(AbiParam::new).collect();
    sig.returns = results.iter().copied().map(AbiParam::new).collect();
    isa_for(target).abi_locations(&sig)
}

fn show(location: &AbiLocation) -> String {
    let parts: Vec<_> = location.parts().iter().map(show_part).collect();
    parts.join("+")
}

fn show_part(part: &AbiPart) -> String {
    match &part.place {
        AbiPlace::Reg(reg) => reg.to_string(),
        AbiPlace::Stack { offset, size } => format!("stack {offset}/{size}"),
        AbiPlace::ReturnArea { offset, size } => format!("area {offset}/{size}"),
    }
}

fn show_all(locations: &[AbiLocation]) -> String {
    let all: Vec<_> = locations.iter().map(show).collect();
    all.join(" ")
}

#[test]
fn the_out_pointer_comes_before_the_parameters() {
    let params = [I64, I128, F64];
    for (target, pointer, rest) in [
        ("x86_64", "rdi", "rsi rdx+rcx xmm0"),
        ("aarch64", "x0", "x1 x2+x3 v0"),
        ("riscv64gc", "a0", "a1 a2+a3 fa0"),
        ("s390x", "r2", "r3 r4 f0"),
        ("pulley64", "x0", "x1 x2+x3 f0"),
    ] {
        let found = locations(target, CallConv::SystemVMultiOut, &params, &[I8, F64]).unwrap();
        let found_pointer = found.return_pointer.as_ref().map(show_part);
        assert_eq!(found_pointer.as_deref(), Some(pointer), "{target}");
        assert_eq!(show_all(&found.params), rest, "{target}");
        assert_eq!(show_all(&found.results), "area 0/1 area 8/8", "{target}");
        assert_eq!(found.out_area.map(|area| area.size), Some(16), "{target}");
    }
}

#[test]
fn on_windows_a_position_is_of_one_register_file() {
    let conv = CallConv::WindowsFastcallMultiOut;
    let params = [F64, I64, F32, I8, F64];
    let found = locations("x86_64", conv, &params, &[I8, F64]).unwrap();
    let found_pointer = found.return_pointer.as_ref().map(show_part);
    assert_eq!(found_pointer.as_deref(), Some("rcx"));
    let want = "xmm1 r8 xmm3 stack 32/1 stack 40/8";
    assert_eq!(show_all(&found.params), want);
}

#[test]
fn on_apple_stack_arguments_are_packed_even_if_extended() {
    let mut sig = Signature::new(CallConv::AppleAarch64MultiOut);
    sig.params = vec![AbiParam::new(I64); 6];
    sig.params
        .extend([I8, I8, I16, I8].map(|ty| AbiParam::new(ty).sext()));
    sig.returns = vec![AbiParam::new(I32); 2];
    let found = isa_for("aarch64").abi_locations(&sig).unwrap();
    let want = "x7 stack 0/1 stack 2/2 stack 4/1";
    assert_eq!(show_all(&found.params[6..]), want);
}

#[test]
fn stack_arguments_are_counted_from_the_stack_pointer() {
    let params = [I64; 16];
    for (target, first, offset, shift) in [
        ("x86_64", 6, 0, 8),
        ("aarch64", 8, 0, 0),
        ("riscv64gc", 8, 0, 0),
        ("s390x", 5, 160, 0),
        ("pulley64", 15, 0, 0),
    ] {
        let found = locations(target, CallConv::SystemV, &params, &[]).unwrap();
        assert_eq!(found.entry_stack_shift, shift, "{target}");
        let is_in_reg = |location: &AbiLocation| !show(location).starts_with("stack");
        let in_regs = found.params.iter().take_while(|l| is_in_reg(l)).count();
        assert_eq!(in_regs, first, "{target}");
        assert_eq!(
            show(&found.params[first]),
            format!("stack {offset}/8"),
            "{target}"
        );
    }
}

#[test]
fn results_in_memory_have_a_pointer_in_other_conventions_too() {
    let found = locations("x86_64", CallConv::SystemV, &[I32], &[I64; 4]).unwrap();
    assert_eq!(
        found.return_pointer.as_ref().map(show_part).as_deref(),
        Some("rdi")
    );
    assert_eq!(show_all(&found.params), "rsi");
    assert_eq!(show_all(&found.results), "rax rdx area 0/8 area 8/8");
    assert_eq!((found.out_area, found.return_area_size), (None, 16));
}

#[test]
fn implicit_pointers_say_where_the_copy_is() {
    let found = locations("s390x", CallConv::SystemV, &[I128, I64], &[]).unwrap();
    assert_eq!(
        found.params[0].kind,
        AbiLocationKind::Indirect {
            pointer: AbiPart {
                place: AbiPlace::Reg(AbiReg {
                    name: "r2".to_owned(),
                    class: AbiRegClass::Int,
                    encoding: 2,
                }),
                ty: I64,
                extension: ArgumentExtension::None,
            },
            stack_offset: 160,
            ty: I128,
        }
    );
}

#[test]
fn what_code_generation_refuses_is_refused() {
    let results = [I32X4, I32];
    let refused = locations("riscv64gc", CallConv::SystemVMultiOut, &[], &results);
    assert!(matches!(refused, Err(CodegenError::Unsupported(_))));
    assert!(locations("aarch64", CallConv::SystemVMultiOut, &[], &results).is_ok());
}

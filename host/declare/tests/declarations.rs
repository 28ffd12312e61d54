//! Files of declarations for one target. What compilers make of them the tests of `clif-util abi` say.

use cranelift_codegen::ir::{AbiParam, Signature, types};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings;
use multi_out_declare::{Declarations, Refusal, c, rust};

fn isa() -> OwnedTargetIsa {
    let builder = cranelift_native::builder().unwrap();
    builder
        .finish(settings::Flags::new(settings::builder()))
        .unwrap()
}

fn signature() -> Signature {
    let mut signature = Signature::new(CallConv::SystemVMultiOut);
    signature.params = vec![AbiParam::new(types::I32)];
    signature.returns = vec![AbiParam::new(types::I32).uext(), AbiParam::new(types::F64)];
    signature
}

#[test]
fn functions_of_one_signature_have_a_struct_each() {
    let isa = isa();
    let mut header = Declarations::<c::Section>::new(&*isa).unwrap();
    let mut module = Declarations::<rust::Section>::new(&*isa).unwrap();
    for name in ["ratio", "other.ratio"] {
        header.function(name, &signature()).unwrap();
        module.function(name, &signature()).unwrap();
    }
    let (header, module) = (header.to_string(), module.to_string());
    for text in [
        "struct ratio_out {\n    uint32_t r0;\n    double r1;\n};",
        "void ratio(struct ratio_out *out, int32_t a0);",
        "struct other_ratio_out {",
        "__asm__(\"other.ratio\")",
    ] {
        assert!(header.contains(text), "no `{text}` in {header}");
    }
    for text in [
        "pub struct RatioOut {\n        pub r0: u32,\n        pub r1: f64,\n    }",
        "pub fn ratio(out: *mut RatioOut, a0: i32);",
        "pub struct OtherRatioOut {",
        "#[link_name = \"other.ratio\"]",
    ] {
        assert!(module.contains(text), "no `{text}` in {module}");
    }
}

#[test]
fn what_no_file_can_declare_is_refused_and_leaves_it_as_it_was() {
    let isa = isa();
    let mut header = Declarations::<c::Section>::new(&*isa).unwrap();
    header.function("f", &signature()).unwrap();
    let before = header.to_string();
    for symbol in ["", "a\"b", "a\\b", "a\nb", "f"] {
        let refusal = header.function(symbol, &signature()).unwrap_err();
        assert!(matches!(refusal, Refusal::Symbol(..)), "{refusal}");
    }
    let mut tail = signature();
    tail.call_conv = CallConv::Tail;
    let refusal = header.function("g", &tail).unwrap_err();
    assert!(matches!(refusal, Refusal::Convention(..)), "{refusal}");
    assert_eq!(header.to_string(), before);
    header.function("g", &signature()).unwrap();
}

//! Rules of the convention that CLIF text cannot write: dynamic vectors in signatures, areas above the
//! limit, very many parameters. See ABI.md section 7.

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{
    AbiParam, Function, InstBuilder, Signature, Type, UserFuncName, types,
};
use cranelift_codegen::isa::{self, CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{CodegenError, Context, verify_function};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

const TARGETS: [&str; 6] = [
    "x86_64", "aarch64", "riscv64", "s390x", "pulley32", "pulley64",
];

fn isa_for(target: &str, verify: bool) -> OwnedTargetIsa {
    let mut flags = settings::builder();
    let enabled = if verify { "true" } else { "false" };
    flags
        .set("enable_verifier", enabled)
        .expect("a shared setting");
    let triple = target.parse().expect("a known triple");
    isa::lookup(triple)
        .expect("every backend is compiled in")
        .finish(settings::Flags::new(flags))
        .expect("default settings are consistent")
}

fn signature(params: &[Type], returns: &[Type]) -> Signature {
    let mut signature = Signature::new(CallConv::SystemVMultiOut);
    signature.params = params.iter().copied().map(AbiParam::new).collect();
    signature.returns = returns.iter().copied().map(AbiParam::new).collect();
    signature
}

/// A function of this signature that only traps.
fn trapping(signature: Signature) -> Function {
    let mut func = Function::with_name_signature(UserFuncName::default(), signature);
    let mut frontend = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut func, &mut frontend);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_all_blocks();
    builder
        .ins()
        .trap(cranelift_codegen::ir::TrapCode::unwrap_user(1));
    builder.finalize(cranelift_codegen::isa::TargetFrontendConfig {
        default_call_conv: CallConv::SystemV,
        pointer_width: target_lexicon::PointerWidth::U64,
        page_size_align_log2: 12,
    });
    func
}

fn compile(target: &str, verify: bool, func: Function) -> Result<(), CodegenError> {
    let mut context = Context::for_function(func);
    context
        .compile(&*isa_for(target, verify), &mut ControlPlane::default())
        .map(|_| ())
        .map_err(|error| error.inner)
}

#[test]
fn the_verifier_refuses_a_dynamic_vector_among_several_results() {
    let isa = isa_for("aarch64", true);
    for returns in [[types::I32X4XN, types::I8], [types::I8, types::F64X2XN]] {
        let func = trapping(signature(&[], &returns));
        let errors = verify_function(&func, &*isa).expect_err("a dynamic vector is refused");
        let text = errors.to_string();
        assert!(text.contains("cannot have the dynamic vector"), "{text}");
    }
}

#[test]
fn one_dynamic_vector_result_is_as_in_system_v() {
    let isa = isa_for("aarch64", true);
    let func = trapping(signature(&[], &[types::I32X4XN]));
    verify_function(&func, &*isa).expect("a single dynamic vector is allowed");
}

#[test]
fn code_generation_refuses_what_the_verifier_was_not_asked_about() {
    use cranelift_codegen::ir::ArgumentPurpose::StructReturn;
    for target in TARGETS {
        let word = isa_for(target, false).pointer_type();
        let mut with_sret = signature(&[word], &[types::I8, types::I8]);
        with_sret.params[0].purpose = StructReturn;
        let mut two_srets = signature(&[word, word], &[]);
        two_srets.params[0].purpose = StructReturn;
        two_srets.params[1].purpose = StructReturn;
        let mut special_result = signature(&[], &[word, word]);
        special_result.returns[0].purpose = StructReturn;
        let dynamic_vector = signature(&[], &[types::I8, types::I32X4XN]);
        for refused in [with_sret, two_srets, special_result, dynamic_vector] {
            let text = refused.to_string();
            let error = compile(target, false, trapping(refused)).expect_err(&text);
            assert!(
                matches!(&error, CodegenError::Unsupported(why) if why.contains("system_v_multi_out")),
                "{text} on {target}: {error}"
            );
        }
    }
}

#[test]
fn an_area_above_the_limit_is_a_limit_error() {
    // 128 MiB is the limit of every backend; the engine checks it in one place.
    let fields = 128 * 1024 * 1024 / 16 + 1;
    let func = trapping(signature(&[], &vec![types::I8X16; fields]));
    let error = compile("x86_64", false, func);
    assert!(
        matches!(error, Err(CodegenError::ImplLimitExceeded)),
        "{error:?}"
    );
}

#[test]
fn stack_arguments_above_the_limit_are_a_limit_error() {
    use cranelift_codegen::ir::ArgumentPurpose::StructArgument;
    for (count, size) in [(1, u32::MAX - 7), (2, u32::MAX - 7), (1 << 14, 1 << 20)] {
        let mut signature = signature(&vec![types::I64; count], &[types::I8, types::I8]);
        for param in &mut signature.params {
            param.purpose = StructArgument(size);
        }
        let error = compile("x86_64", false, trapping(signature));
        assert!(
            matches!(error, Err(CodegenError::ImplLimitExceeded)),
            "{count} of {size} bytes: {error:?}"
        );
    }
}

#[test]
fn more_parameters_than_the_engine_can_count_are_a_limit_error() {
    let params = vec![types::I32; 1 << 16];
    for target in TARGETS {
        let signature = signature(&params, &[types::I8, types::I8]);
        let error = compile(target, false, trapping(signature));
        assert!(
            matches!(error, Err(CodegenError::ImplLimitExceeded)),
            "{target}: {error:?}"
        );
    }
}

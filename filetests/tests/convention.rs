//! What CLIF text cannot test of the convention: dynamic vectors in signatures, areas above the limit, very
//! many parameters (ABI.md section 7), and what compiling leaves of a function (section 10).

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::{
    AbiParam, Function, InstBuilder, Signature, Type, UserFuncName, types,
};
use cranelift_codegen::isa::{self, CallConv, OwnedTargetIsa};
use cranelift_codegen::multi_out::make_out_pointers_explicit;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{CodegenError, Context, verify_function};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

const TARGETS: [&str; 8] = [
    "x86_64",
    "aarch64",
    "riscv64",
    "s390x",
    "pulley32",
    "pulley64",
    "x86_64-pc-windows-msvc",
    "aarch64-apple-darwin",
];

/// The target's convention for several results.
fn convention(target: &str) -> CallConv {
    let triple = target.parse().expect("a known triple");
    CallConv::triple_multi_out(&triple).expect("of each backend")
}

fn isa_for(target: &str, verify: bool) -> OwnedTargetIsa {
    let enabled = if verify { "true" } else { "false" };
    isa_with(target, &[("enable_verifier", enabled)])
}

fn isa_with(target: &str, settings: &[(&str, &str)]) -> OwnedTargetIsa {
    let mut flags = settings::builder();
    for (name, value) in settings {
        flags.set(name, value).expect("a shared setting");
    }
    let triple = target.parse().expect("a known triple");
    isa::lookup(triple)
        .expect("every backend is compiled in")
        .finish(settings::Flags::new(flags))
        .expect("default settings are consistent")
}

fn signature(target: &str, params: &[Type], returns: &[Type]) -> Signature {
    let mut signature = Signature::new(convention(target));
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
        let func = trapping(signature("aarch64", &[], &returns));
        let errors = verify_function(&func, &*isa).expect_err("a dynamic vector is refused");
        let text = errors.to_string();
        assert!(text.contains("cannot have the dynamic vector"), "{text}");
    }
}

#[test]
fn one_dynamic_vector_result_is_as_in_system_v() {
    let isa = isa_for("aarch64", true);
    let func = trapping(signature("aarch64", &[], &[types::I32X4XN]));
    verify_function(&func, &*isa).expect("a single dynamic vector is allowed");
}

#[test]
fn code_generation_refuses_what_the_verifier_was_not_asked_about() {
    use cranelift_codegen::ir::ArgumentPurpose::StructReturn;
    for target in TARGETS {
        let word = isa_for(target, false).pointer_type();
        let mut with_sret = signature(target, &[word], &[types::I8, types::I8]);
        with_sret.params[0].purpose = StructReturn;
        let mut two_srets = signature(target, &[word, word], &[]);
        two_srets.params[0].purpose = StructReturn;
        two_srets.params[1].purpose = StructReturn;
        let mut special_result = signature(target, &[], &[word, word]);
        special_result.returns[0].purpose = StructReturn;
        let dynamic_vector = signature(target, &[], &[types::I8, types::I32X4XN]);
        let name = convention(target).to_string();
        for refused in [with_sret, two_srets, special_result, dynamic_vector] {
            let text = refused.to_string();
            let error = compile(target, false, trapping(refused)).expect_err(&text);
            assert!(
                matches!(&error, CodegenError::Unsupported(why) if why.contains(&name)),
                "{text} on {target}: {error}"
            );
        }
    }
}

/// Inlining makes such calls of calls that had no handler.
#[test]
fn a_handler_that_the_verifier_was_not_asked_about_is_refused() {
    let text = "\
function %f() -> i64 system_v {
    sig0 = () -> i64 windows_fastcall_multi_out
    fn0 = %g sig0
block0:
    try_call fn0(), sig0, block1(ret0), [ default: block2 ]
block1(v0: i64):
    return v0
block2:
    trap user1
}
";
    let functions = cranelift_reader::parse_functions(text).expect("a function");
    let func = functions.into_iter().next().expect("one");
    let error = compile("x86_64", false, func);
    assert!(
        matches!(&error, Err(CodegenError::Unsupported(why)) if why.ends_with("does not support exceptions")),
        "{error:?}"
    );
}

#[test]
fn an_area_above_the_limit_is_a_limit_error() {
    // 128 MiB is the limit of every backend; the engine checks it in one place.
    let fields = 128 * 1024 * 1024 / 16 + 1;
    let func = trapping(signature("x86_64", &[], &vec![types::I8X16; fields]));
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
        let mut signature = signature("x86_64", &vec![types::I64; count], &[types::I8, types::I8]);
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
        let signature = signature(target, &params, &[types::I8, types::I8]);
        let error = compile(target, false, trapping(signature));
        assert!(
            matches!(error, Err(CodegenError::ImplLimitExceeded)),
            "{target}: {error:?}"
        );
    }
}

/// Functions with an area of their own, that of a callee, or both, in more than one block.
fn functions_with_areas(target: &str) -> Vec<Function> {
    let text = "\
function %callee(i64, i32) -> i64, i32, i64 system_v_multi_out {
block0(v0: i64, v1: i32):
    v2 = iadd v0, v0
    return v2, v1, v2
}

function %caller(i64) -> i64 system_v {
    fn0 = %g(i64) -> i64, i32 system_v_multi_out
block0(v0: i64):
    v1, v2 = call fn0(v0)
    v3, v4 = call fn0(v1)
    brif v4, block1(v1), block1(v3)
block1(v5: i64):
    v6 = uextend.i64 v2
    v7 = iadd v5, v6
    return v7
}

function %try_caller(i64) -> i64, i32, i32 system_v_multi_out {
    sig0 = (i64) -> i64, i32 system_v_multi_out
    fn0 = %g sig0
block0(v0: i64):
    v1, v2 = call fn0(v0)
    try_call fn0(v1), sig0, block1(ret0, ret1, ret1), [ default: block2 ]
block1(v3: i64, v4: i32, v5: i32):
    v6 = iadd v3, v0
    return v6, v4, v5
block2:
    return v0, v2, v2
}
";
    let convention = convention(target);
    let text = text.replace("system_v_multi_out", &convention.to_string());
    let mut functions = cranelift_reader::parse_functions(&text).expect("functions");
    if !convention.supports_exceptions() {
        functions.retain(|function| function.dfg.exception_tables.is_empty());
    }
    functions
}

/// Some function in each setting of the optimizer on each target.
fn for_each_setting(test: impl Fn(Function, OwnedTargetIsa, &str)) {
    for target in TARGETS {
        for opt_level in ["none", "speed", "speed_and_size"] {
            for func in functions_with_areas(target) {
                let isa = isa_with(target, &[("opt_level", opt_level)]);
                let place = format!("{} on {target}, {opt_level}", func.name);
                test(func, isa, &place);
            }
        }
    }
}

fn domtree_of(func: &Function) -> DominatorTree {
    DominatorTree::with_function(func, &ControlFlowGraph::with_function(func))
}

fn compile_without_a_context(
    func: &Function,
    isa: &OwnedTargetIsa,
) -> Result<Vec<u8>, CodegenError> {
    let (allocator, control) = (&mut Default::default(), &mut ControlPlane::default());
    isa.compile_function(func, &domtree_of(func), allocator, false, control)
        .map(|code| code.code_buffer().to_vec())
}

#[test]
fn compiling_leaves_the_function_as_the_optimizer_did() {
    for_each_setting(|func, isa, place| {
        let control = &mut ControlPlane::default();
        let mut optimized = Context::for_function(func.clone());
        optimized.optimize(&*isa, control).expect(place);
        let mut compiled = Context::for_function(func);
        compiled.compile(&*isa, control).expect(place);
        assert_eq!(
            compiled.func.display().to_string(),
            optimized.func.display().to_string(),
            "{place}"
        );
        let domtree = domtree_of(&compiled.func);
        for block in compiled.func.layout.blocks() {
            assert_eq!(
                compiled.domtree.idom(block),
                domtree.idom(block),
                "{block} of {place}"
            );
        }
        compiled.verify(&*isa).expect(place);
    });
}

#[test]
fn compiling_twice_gives_the_same_code() {
    for_each_setting(|func, isa, place| {
        let mut context = Context::for_function(func);
        let mut compile = || {
            let code = context.compile(&*isa, &mut ControlPlane::default());
            code.expect(place).code_buffer().to_vec()
        };
        assert_eq!(compile(), compile(), "{place}");
    });
}

#[test]
fn explicit_out_pointers_compile_without_a_context() {
    for_each_setting(|func, isa, place| {
        let control = &mut ControlPlane::default();
        let mut context = Context::for_function(func);
        let code = context.compile(&*isa, control).expect(place);
        let code = code.code_buffer().to_vec();
        let mut explicit = context.func.clone();
        make_out_pointers_explicit(&mut explicit, &*isa).expect(place);
        let of_explicit = compile_without_a_context(&explicit, &isa).expect(place);
        // Results of calls are used from memory only where nobody can have changed the function meanwhile.
        if explicit.sized_stack_slots == context.func.sized_stack_slots {
            assert_eq!(of_explicit, code, "{place}");
        }
    });
}

#[test]
fn a_result_may_have_several_names() {
    let text = "\
function %aliases(i64) -> i64 system_v {
    fn0 = %g(i64) -> i64, i64 system_v_multi_out
block0(v0: i64):
    v1, v2 = call fn0(v0)
    v3 -> v1
    v4 -> v1
    v5 = iadd v3, v2
    v6, v7 = call fn0(v5)
    v8 = iadd v4, v6
    return v8
}
";
    let functions = cranelift_reader::parse_functions(text).expect("a function");
    for target in TARGETS {
        let isa = isa_with(target, &[]);
        let mut explicit = functions[0].clone();
        make_out_pointers_explicit(&mut explicit, &*isa).expect(target);
        verify_function(&explicit, &*isa).unwrap_or_else(|errors| panic!("{target}: {errors}"));
    }
}

#[test]
fn compiling_without_a_context_is_an_error() {
    for_each_setting(|func, isa, place| {
        let error = compile_without_a_context(&func, &isa).expect_err(place);
        assert!(
            matches!(&error, CodegenError::Unsupported(why) if why.contains("`Context::compile`")),
            "{place}: {error}"
        );
    });
}

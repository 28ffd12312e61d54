//! Where the values of a signature go, and how they are called.

use cranelift_codegen::Context;
use cranelift_codegen::ir::{
    AbiParam, ArgumentPurpose, Function, InstBuilder, Signature, TrapCode, UserFuncName,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::abi_locations::AbiLocations;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use target_lexicon::Triple;

/// The name of a target as a file has it: only the architecture, if there is nothing else in it.
pub fn target_name(triple: &Triple) -> String {
    let name = triple.to_string();
    match name.strip_suffix("-unknown-unknown-elf") {
        Some(architecture) => architecture.to_owned(),
        None => name,
    }
}

/// Where the values of a signature go, or what the verifier or the backend says against it.
///
/// # Errors
///
/// What they say, in one line. Backends panic on some signatures; that is caught, and an error, but the panic hook sees it.
pub fn locate(isa: &dyn TargetIsa, signature: &Signature) -> Result<AbiLocations, String> {
    let ask = || {
        verify(isa, signature)?;
        isa.abi_locations(signature)
            .map_err(|error| error.to_string())
    };
    catch_unwind(AssertUnwindSafe(ask))
        .unwrap_or_else(|panic| Err(format!("the backend panicked: {}", message(&*panic))))
        .map_err(|error| error.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a text")
}

/// Asks the verifier about a function of this signature that only traps.
fn verify(isa: &dyn TargetIsa, signature: &Signature) -> Result<(), String> {
    let mut func = Function::with_name_signature(UserFuncName::default(), signature.clone());
    let mut frontend = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut func, &mut frontend);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_all_blocks();
    builder.ins().trap(TrapCode::unwrap_user(1));
    builder.finalize(isa.frontend_config());
    Context::for_function(func).verify(isa).map_err(|errors| {
        let messages: Vec<String> = errors.0.into_iter().map(|error| error.message).collect();
        messages.join("; ")
    })
}

/// Names of the parameters, each once: `vmctx` and `sret` after their purpose, others `a0`, `a1`, ….
pub fn param_names(signature: &Signature) -> Vec<String> {
    let mut ordinary = 0;
    let mut specials: HashMap<&str, usize> = HashMap::new();
    let mut name = |param: &AbiParam| {
        let special = match param.purpose {
            ArgumentPurpose::VMContext => "vmctx",
            ArgumentPurpose::StructReturn => "sret",
            ArgumentPurpose::Normal | ArgumentPurpose::StructArgument(_) => {
                ordinary += 1;
                return format!("a{}", ordinary - 1);
            }
        };
        let count = specials.entry(special).or_default();
        *count += 1;
        match *count {
            1 => special.to_owned(),
            count => format!("{special}{count}"),
        }
    };
    signature.params.iter().map(&mut name).collect()
}

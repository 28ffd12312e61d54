//! C and an object file of compiled functions with several results call each other.
//!
//! Writes the object file and a header for C, compiles `object.c` with the system's C compiler, links both and runs the program.

use anyhow::{Context as _, Result, ensure};
use cranelift_codegen::Context;
use cranelift_codegen::ir::{AbiParam, InstBuilder, Signature, Type, types::*};
use cranelift_codegen::isa::CallConv;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_module::{Linkage, Module, default_libcall_names};
use cranelift_object::{ObjectBuilder, ObjectModule};
use multi_out_declare::{Declarations, c};
use std::fs;
use std::process::Command;

fn main() -> Result<()> {
    let output = build_and_run()?;
    print!("{output}");
    Ok(())
}

fn signature(convention: CallConv, params: &[Type], results: &[Type]) -> Signature {
    let values = |types: &[Type]| types.iter().map(|ty| AbiParam::new(*ty)).collect();
    let mut signature = Signature::new(convention);
    signature.params = values(params);
    signature.returns = values(results);
    signature
}

fn build_and_run() -> Result<String> {
    let mut flags = settings::builder();
    flags.set("is_pic", "true")?;
    let isa = cranelift_native::builder()
        .map_err(anyhow::Error::msg)?
        .finish(settings::Flags::new(flags))?;

    let convention = CallConv::triple_multi_out(isa.triple());
    let convention = convention.context("the platform has no convention for several results")?;

    // A function of C, and a compiled one that calls it.
    let divide = signature(convention, &[I64, I64], &[I64, I64]);
    let split = signature(convention, &[I64], &[I64, I8, F32]);

    let mut header = Declarations::<c::Section>::new(&*isa)?;
    header.function("divide", &divide)?;
    header.function("split", &split)?;
    let header = header.to_string();

    let mut module = ObjectModule::new(ObjectBuilder::new(
        isa,
        "compiled",
        default_libcall_names(),
    )?);
    let divide = module.declare_function("divide", Linkage::Import, &divide)?;
    let id = module.declare_function("split", Linkage::Export, &split)?;
    let mut context = Context::new();
    context.func.signature = split;
    let mut variables = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut context.func, &mut variables);
    let divide = module.declare_func_in_func(divide, builder.func);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_all_blocks();
    // The out pointer is no parameter here: a call has its results, a return has all of them.
    let time = builder.block_params(block)[0];
    let sixty = builder.ins().iconst(I64, 60);
    let call = builder.ins().call(divide, &[time, sixty]);
    let [minutes, seconds] = *builder.inst_results(call) else {
        unreachable!("the signature has two results");
    };
    let call = builder.ins().call(divide, &[minutes, sixty]);
    let [hours, minutes] = *builder.inst_results(call) else {
        unreachable!("the signature has two results");
    };
    let minutes = builder.ins().ireduce(I8, minutes);
    let seconds = builder.ins().fcvt_from_sint(F32, seconds);
    builder.ins().return_(&[hours, minutes, seconds]);
    builder.finalize(module.isa().frontend_config());
    module.define_function(id, &mut context)?;

    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    fs::write(path("compiled.h"), header)?;
    fs::write(path("compiled.o"), module.finish().emit()?)?;
    fs::write(path("object.c"), include_str!("object.c"))?;
    let cc = Command::new("cc")
        .args(["-Wall", "-Werror", "object.c", "compiled.o", "-o", "object"])
        .current_dir(folder.path())
        .status()
        .context("cannot run the C compiler `cc`; `cargo xtask setup` installs it")?;
    ensure!(cc.success(), "the C compiler fails");
    let program = Command::new(path("object")).output()?;
    ensure!(
        program.status.success(),
        "the program ends with {}",
        program.status
    );
    Ok(String::from_utf8(program.stdout)?)
}

#[test]
fn c_has_the_results() -> Result<()> {
    assert_eq!(build_and_run()?, "23 hours, 59 minutes, 59 seconds\n");
    Ok(())
}

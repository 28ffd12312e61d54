use multi_out::{Body, Error, Function, Import};

fn one_argument(
    body: &mut Body<'_, '_, cranelift_jit::JITModule, fn(i32) -> i32>,
    callee: &Import<fn(i32, i32) -> (i32, i32)>,
    arg: cranelift_codegen::ir::Value,
) -> Result<(), Error> {
    body.call(callee, [arg])?;
    Ok(())
}

fn three_results(
    body: &mut Body<'_, '_, cranelift_jit::JITModule, fn(i32) -> i32>,
    callee: &Import<fn(i32, i32) -> (i32, i32)>,
    arg: cranelift_codegen::ir::Value,
) -> Result<(), Error> {
    let [_, _, _] = body.call(callee, [arg, arg])?;
    Ok(())
}

fn returns_one(module: &mut cranelift_jit::JITModule, function: &Function<fn(i32, i32) -> (i32, i32)>) {
    let _ = function.define(module, |_, [a, _]| Ok([a]));
}

fn main() {}

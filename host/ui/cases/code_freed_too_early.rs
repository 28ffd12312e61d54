use multi_out::{Code, Error, Function};

fn get(code: Code, function: &Function<fn(i32) -> i32>) -> Result<i32, Error> {
    // SAFETY: not compiled.
    let function = unsafe { code.get(function) }?;
    drop(code);
    Ok(function.call(1))
}

fn main() {}

use multi_out::{Error, Function};

fn declare(module: &mut cranelift_jit::JITModule) -> Result<(), Error> {
    Function::<extern "C" fn(i32) -> i32>::export(module, "f")?;
    Function::<fn(i32) -> String>::export(module, "g")?;
    Function::<fn(String) -> i32>::export(module, "h")?;
    Ok(())
}

fn main() {}

use multi_out::{Error, Function, Vmctx};

type Seventeen = fn(u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8) -> u8;

fn declare(module: &mut cranelift_jit::JITModule) -> Result<(), Error> {
    Function::<extern "C" fn(i32) -> i32>::export(module, "f")?;
    Function::<fn(i32) -> String>::export(module, "g")?;
    Function::<fn(String) -> i32>::export(module, "h")?;
    Function::<fn(i32, Vmctx<u64>) -> i32>::export(module, "i")?;
    Function::<fn(&mut u64, i32) -> i32>::export(module, "j")?;
    Function::<Seventeen>::export(module, "k")?;
    Ok(())
}

fn borrowed<'a>(module: &mut cranelift_jit::JITModule, _: &'a u8) -> Result<(), Error> {
    Function::<fn(Vmctx<&'a u8>) -> i32>::export(module, "l")?;
    Ok(())
}

fn main() {}

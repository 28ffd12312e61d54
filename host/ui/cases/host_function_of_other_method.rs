use multi_out::{Imports, Out, Results, Vmctx};

#[derive(Results)]
#[repr(C)]
struct A(i32, i32);

extern "C" fn safe(out: Out<'_, A>, vmctx: &mut u64) {
    let _ = (out, vmctx);
}

unsafe extern "C" fn raw(out: *mut A, vmctx: *mut u64) {
    let _ = (out, vmctx);
}

fn main() {
    let mut imports = Imports::new();
    imports.function::<fn(Vmctx<u64>) -> A>("safe", safe);
    imports.safe_function::<fn(Vmctx<u64>) -> A>("raw", raw);
}

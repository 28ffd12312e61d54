use multi_out::{Imports, Results, Vmctx};

#[derive(Results)]
#[repr(C)]
struct A(i32, i32);

unsafe extern "C" fn foo(vmctx: *mut u64, out: *mut A) {
    let _ = (vmctx, out);
}

fn main() {
    Imports::new().function::<fn(Vmctx<u64>) -> A>("foo", foo);
}

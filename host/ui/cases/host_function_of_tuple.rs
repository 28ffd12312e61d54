use multi_out::Imports;

unsafe extern "C" fn foo(out: *mut (i32, i32)) {
    let _ = out;
}

fn main() {
    Imports::new().function::<fn() -> (i32, i32)>("foo", foo);
}

use multi_out::Imports;

extern "C" fn foo(vmctx: &mut u64) -> u64 {
    *vmctx
}

fn main() {
    Imports::new().function::<fn(&mut u64) -> u64>("foo", foo);
}

use multi_out::Imports;

extern "C" fn foo(flag: bool) -> i32 {
    flag.into()
}

fn main() {
    Imports::new().function::<fn(bool) -> i32>("foo", foo);
}

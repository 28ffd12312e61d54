use multi_out::Imports;

extern "C-unwind" fn foo(number: i32) -> i32 {
    number
}

fn main() {
    Imports::new().function::<fn(i32) -> i32>("foo", foo);
}

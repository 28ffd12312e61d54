use multi_out::Imports;

extern "C" fn foo(number: u16) -> i32 {
    number.into()
}

fn main() {
    Imports::new().function::<fn(i16) -> i32>("foo", foo);
}

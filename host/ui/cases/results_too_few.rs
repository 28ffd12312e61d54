#[derive(multi_out::Results)]
#[repr(C)]
struct Quotient {
    quotient: i32,
}

#[derive(multi_out::Results)]
#[repr(C)]
struct Nothing;

fn main() {}

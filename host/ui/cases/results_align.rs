#[derive(multi_out::Results)]
#[repr(C, align(64))]
struct DivRem {
    quotient: i8,
    remainder: i32,
}

fn main() {}

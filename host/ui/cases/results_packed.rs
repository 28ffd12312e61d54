#[derive(multi_out::Results)]
#[repr(C, packed)]
struct DivRem {
    quotient: i8,
    remainder: i32,
}

fn main() {}

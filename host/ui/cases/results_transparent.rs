#[derive(multi_out::Results)]
#[repr(transparent)]
struct DivRem {
    quotient: i32,
    remainder: (),
}

fn main() {}

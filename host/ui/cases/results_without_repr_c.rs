#[derive(multi_out::Results)]
struct DivRem {
    quotient: i32,
    remainder: i32,
}

fn main() {}

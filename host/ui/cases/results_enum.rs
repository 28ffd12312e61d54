#[derive(multi_out::Results)]
#[repr(C)]
enum DivRem {
    Quotient(i32),
    Remainder(i32),
}

fn main() {}

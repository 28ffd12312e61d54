#[derive(multi_out::Results)]
#[repr(C)]
union DivRem {
    quotient: i32,
    remainder: u32,
}

fn main() {}

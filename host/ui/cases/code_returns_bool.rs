use multi_out::{Code, Compiled, Results};

#[derive(Results)]
#[repr(C)]
struct Found {
    is_found: bool,
    at: u64,
}

fn single(function: Compiled<fn(u64) -> bool, &Code>) {
    function.call(0);
}

fn field(function: Compiled<fn(u64) -> Found, &Code>) {
    function.call(0);
}

fn main() {}

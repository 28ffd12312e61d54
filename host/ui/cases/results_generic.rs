#[derive(multi_out::Results)]
#[repr(C)]
struct Pair<T> {
    first: T,
    second: T,
}

fn main() {}

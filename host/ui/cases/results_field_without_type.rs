#[derive(multi_out::Results)]
#[repr(C)]
struct Named {
    length: usize,
    name: &'static str,
}

fn main() {}

#[derive(multi_out::AbiValue, Clone, Copy)]
struct Handle(u32);

fn main() {}

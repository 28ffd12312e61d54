#[derive(multi_out::AbiValue, Clone, Copy)]
#[repr(transparent)]
struct Handle(u32, ());

fn main() {}

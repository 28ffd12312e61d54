#[derive(multi_out::AbiValue, multi_out::FromCode, Clone, Copy)]
#[repr(transparent)]
struct Flag(bool);

fn main() {}

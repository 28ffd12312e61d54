#[derive(multi_out::AbiValue, Clone, Copy)]
#[repr(transparent)]
enum Enum {
    Only(u32),
}

#[derive(multi_out::AbiValue, Clone, Copy)]
#[repr(transparent)]
union Union {
    only: u32,
}

#[derive(multi_out::AbiValue, Clone, Copy)]
#[repr(transparent)]
struct Generic<T>(T);

#[derive(multi_out::FromCode, Clone, Copy)]
#[repr(transparent)]
enum EnumFromCode {
    Only(u32),
}

#[derive(multi_out::FromCode, Clone, Copy)]
#[repr(transparent)]
struct TwoFromCode(u32, ());

#[derive(multi_out::Results)]
#[repr(C)]
struct Borrowed<'a>(u32, *const &'a u8);

fn main() {}

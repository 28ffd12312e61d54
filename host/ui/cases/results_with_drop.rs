#[derive(multi_out::Results)]
#[repr(C)]
struct Pair(i32, i32);

impl Drop for Pair {
    fn drop(&mut self) {}
}

fn main() {}

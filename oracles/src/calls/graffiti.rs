//! Values that tell where they belong.
//!
//! The bytes of a field, in the order of memory, have the field's number in the high nibble and
//! their own in the low one: field 3 of type `i32` is `30 31 32 33`. Parameters have the complement,
//! so that they differ from every result. A byte in the wrong place then says where it comes from.
//!
//! No float made of these bytes is a NaN, so that none is changed by being moved about.

/// The bytes of a result.
pub fn result(field: usize) -> [u8; 16] {
    std::array::from_fn(|byte| ((field << 4) | byte) as u8)
}

/// The bytes of a parameter.
pub fn param(index: usize) -> [u8; 16] {
    result(index).map(|byte| !byte)
}

/// What memory is filled with before anybody writes to it.
pub const UNTOUCHED: u8 = 0xa5;

/// What our own functions fill an out area with, padding included, before they write its fields.
pub const GARBAGE: u8 = 0x5a;

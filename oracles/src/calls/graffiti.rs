//! Values that tell where they belong.
//!
//! The bytes of a field, in the order of memory, have the field's number in the high nibble and
//! their own in the low one: field 3 of type `i32` is `30 31 32 33`. Of numbers above 15 that is the lowest
//! nibble, and two bytes of three mix in the others, so that the first 4,096 fields of 24 bits and more differ.
//! Parameters have the complement, so that they differ from every result. A byte in the wrong place then says
//! where it comes from.
//!
//! No float made of these bytes is a NaN, so that none is changed by being moved about.

/// The bytes of a result.
pub fn result(field: usize) -> [u8; 16] {
    std::array::from_fn(|byte| {
        let nibble = match byte % 3 {
            0 => field,
            mixed => field ^ (field >> (4 * mixed)),
        };
        ((nibble << 4) | byte) as u8
    })
}

/// The bytes of a parameter.
pub fn param(index: usize) -> [u8; 16] {
    result(index).map(|byte| !byte)
}

/// What memory is filled with before anybody writes to it.
pub const UNTOUCHED: u8 = 0xa5;

/// What our own functions fill an out area with, padding included, before they write its fields.
pub const GARBAGE: u8 = 0x5a;

#[cfg(test)]
mod tests {
    use super::{param, result};
    use std::collections::BTreeSet;

    #[test]
    fn values_tell_where_they_belong() {
        assert_eq!(result(3)[..4], [0x30, 0x31, 0x32, 0x33]);
        let values = (0..1000).flat_map(|n| [result(n), param(n)]);
        let values: BTreeSet<_> = values.map(|value| [value[0], value[1], value[2]]).collect();
        assert_eq!(values.len(), 2000);
        let words = values.iter().map(|value| [value[0], value[1]]);
        assert!(words.collect::<BTreeSet<_>>().len() > 500);
    }
}

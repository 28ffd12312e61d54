//! Where C has the fields of a struct of results, as constants: sizes in, offsets out.
//!
//! The same rules as of the fork's `compute_out_area`, for the compiler of Rust to evaluate. A test
//! compares the two. Sizes, offsets and alignments are in bytes.

/// The layout of the C struct whose fields have these sizes, in order.
///
/// A field is aligned to its size, but at most to `max_align`.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    sizes: &'a [u32],
    max_align: u32,
}

/// The largest alignment of any field on the machine that this crate is compiled for.
pub const MAX_ALIGN: u32 = max_align(cfg!(target_arch = "s390x"));

/// The same for any machine.
pub(crate) const fn max_align(is_s390x: bool) -> u32 {
    if is_s390x { 8 } else { 16 }
}

impl<'a> Layout<'a> {
    /// The struct on a target whose largest alignment is `max_align`, a power of two.
    ///
    /// Sizes are powers of two up to 16, as those of all values are.
    pub const fn new(sizes: &'a [u32], max_align: u32) -> Self {
        Self { sizes, max_align }
    }

    /// The offset of a field, or the end of the last field if `index` is the number of fields.
    pub const fn offset(&self, index: usize) -> u32 {
        let mut end = 0;
        let mut field = 0;
        while field < index {
            end = self.aligned(end, field) + self.sizes[field];
            field += 1;
        }
        if index < self.sizes.len() {
            end = self.aligned(end, index);
        }
        end
    }

    /// The alignment of the struct: the largest of its fields, and 1 without fields.
    pub const fn align(&self) -> u32 {
        let mut align = 1;
        let mut field = 0;
        while field < self.sizes.len() {
            if self.field_align(field) > align {
                align = self.field_align(field);
            }
            field += 1;
        }
        align
    }

    /// The size of the struct, with the padding at its end.
    pub const fn size(&self) -> u32 {
        self.offset(self.sizes.len()).next_multiple_of(self.align())
    }

    const fn field_align(&self, field: usize) -> u32 {
        if self.sizes[field] < self.max_align {
            self.sizes[field]
        } else {
            self.max_align
        }
    }

    const fn aligned(&self, offset: u32, field: usize) -> u32 {
        offset.next_multiple_of(self.field_align(field))
    }
}

//! The text of a test file, and which line a piece of it is on.

use std::cell::OnceCell;

/// A text that knows its lines.
///
/// The reader hands out comments and command names as slices of the text without their line, so
/// the address is the only way back.
pub struct Source<'text> {
    text: &'text str,
    /// The offset of the first byte of each line but the first. Most files are done without it.
    starts: OnceCell<Vec<usize>>,
}

impl<'text> Source<'text> {
    /// The lines of a text.
    pub fn new(text: &'text str) -> Self {
        Source {
            text,
            starts: OnceCell::new(),
        }
    }

    /// The whole text.
    pub fn text(&self) -> &'text str {
        self.text
    }

    /// The one-based line of `part`, when it is a slice of the text.
    pub fn line_of(&self, part: &str) -> Option<usize> {
        Some(self.place_of(part)?.0)
    }

    /// The one-based line of `part`, and its column in characters, when it is a slice of the text.
    pub fn place_of(&self, part: &str) -> Option<(usize, usize)> {
        let start = self.text.as_ptr() as usize;
        let offset = (part.as_ptr() as usize).checked_sub(start)?;
        let starts = || {
            let ends = self.text.match_indices('\n');
            ends.map(|(offset, _)| offset + 1).collect()
        };
        (offset <= self.text.len()).then(|| {
            let starts = self.starts.get_or_init(starts);
            let index = starts.partition_point(|line| *line <= offset);
            let start = index.checked_sub(1).map_or(0, |before| starts[before]);
            (1 + index, 1 + self.text[start..offset].chars().count())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn finds_slices_and_refuses_strangers() {
        let text = "a\nbc\n\nd";
        let source = Source::new(text);
        assert_eq!(source.line_of(&text[0..1]), Some(1));
        assert_eq!(source.line_of(&text[1..2]), Some(1));
        assert_eq!(source.line_of(&text[2..3]), Some(2));
        assert_eq!(source.line_of(&text[3..4]), Some(2));
        assert_eq!(source.line_of(&text[6..7]), Some(4));
        assert_eq!(source.line_of(&text[7..]), Some(4));
        assert_eq!(Source::new(&text[3..]).line_of(&text[0..1]), None);
        assert_eq!(Source::new(&text[..1]).line_of(&text[6..7]), None);
        let text = "a\nüb";
        assert_eq!(Source::new(text).place_of(&text[4..]), Some((2, 2)));
    }
}

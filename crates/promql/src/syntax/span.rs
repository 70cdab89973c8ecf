/// A range of bytes in a query: `start` inclusive, `end` exclusive.
///
/// Queries are limited to far less than 4 GiB, so offsets are 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TextSpan {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl TextSpan {
    /// The bytes from `start` up to but not including `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// From the start of `self` to the end of `other`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    /// The text of this span in the query it came from, or the empty string if it does not lie inside.
    pub fn text(self, query: &str) -> &str {
        query.get(self.start as usize..self.end as usize).unwrap_or("")
    }

    /// Line and column of the start, both counted from 1; columns count bytes, as Prometheus does.
    ///
    /// A start beyond the end of the query counts as its end.
    pub fn line_column(self, query: &str) -> (usize, usize) {
        let before = &query.as_bytes()[..query.len().min(self.start as usize)];
        let line_end = before.iter().rposition(|b| *b == b'\n');
        let line = before.split(|b| *b == b'\n').count();
        (line, before.len() - line_end.map_or(0, |idx| idx + 1) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let query = "a +\n  b\n";
        let check =
            |start, want| assert_eq!(TextSpan::new(start, start + 1).line_column(query), want, "{start}");
        check(0, (1, 1));
        check(3, (1, 4));
        check(4, (2, 1));
        check(6, (2, 3));
        check(99, (3, 1));
    }

    #[test]
    fn text_outside_is_empty() {
        assert_eq!(TextSpan::new(1, 3).text("abc"), "bc");
        assert_eq!(TextSpan::new(1, 4).text("abc"), "");
    }
}

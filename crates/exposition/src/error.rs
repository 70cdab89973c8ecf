/// Why an exposition could not be read, and where.
///
/// The reason is worded as Prometheus words it, so that people find what others wrote about it; the place is added behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (line {line}, column {column})")]
pub struct ParseError {
    reason: String,
    line: usize,
    column: usize,
}

impl ParseError {
    /// An error at `offset` of `body`; an offset behind the end stands for the end.
    pub(crate) fn at(body: &[u8], offset: usize, reason: impl Into<String>) -> Self {
        let before = &body[..offset.min(body.len())];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        Self {
            reason: reason.into(),
            line: memchr::memchr_iter(b'\n', before).count() + 1,
            column: before.len() - line_start + 1,
        }
    }

    /// What is wrong, in the words of Prometheus.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The byte within the line, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_place() {
        let check = |offset, line, column| {
            let error = ParseError::at(b"ab\ncd\n", offset, "bad");
            assert_eq!((error.line(), error.column()), (line, column), "offset {offset}");
        };
        check(0, 1, 1);
        check(2, 1, 3);
        check(3, 2, 1);
        check(99, 3, 1);
        assert_eq!(ParseError::at(b"", 0, "bad").to_string(), "bad (line 1, column 1)");
    }
}

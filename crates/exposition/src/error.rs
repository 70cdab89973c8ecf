use std::fmt;

/// Why an exposition could not be read, and where.
///
/// The reason is worded as Prometheus words it, so that people find what others wrote about it; the place is added behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({place})")]
pub struct ParseError {
    reason: String,
    place: Place,
}

/// Where in an exposition something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a text format.
    Text {
        /// The line, counted from 1.
        line: usize,
        /// The byte within the line, counted from 1.
        column: usize,
    },
    /// In protobuf: so many bytes behind the start.
    Byte(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { line, column } => write!(f, "line {line}, column {column}"),
            Self::Byte(offset) => write!(f, "byte {offset}"),
        }
    }
}

impl ParseError {
    /// An error at `offset` of `body`; an offset behind the end stands for the end.
    pub(crate) fn at(body: &[u8], offset: usize, reason: impl Into<String>) -> Self {
        let before = &body[..offset.min(body.len())];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let place = Place::Text {
            line: memchr::memchr_iter(b'\n', before).count() + 1,
            column: before.len() - line_start + 1,
        };
        Self { reason: reason.into(), place }
    }

    /// An error at a byte of a protobuf body.
    pub(crate) fn at_byte(offset: usize, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), place: Place::Byte(offset) }
    }

    /// What is wrong, in the words of Prometheus.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Where.
    pub fn place(&self) -> Place {
        self.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_place() {
        let check = |offset, line, column| {
            let error = ParseError::at(b"ab\ncd\n", offset, "bad");
            assert_eq!(error.place(), Place::Text { line, column }, "offset {offset}");
        };
        check(0, 1, 1);
        check(2, 1, 3);
        check(3, 2, 1);
        check(99, 3, 1);
        assert_eq!(ParseError::at(b"", 0, "bad").to_string(), "bad (line 1, column 1)");
        assert_eq!(ParseError::at_byte(7, "bad").to_string(), "bad (byte 7)");
    }
}

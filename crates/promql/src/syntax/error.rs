use std::fmt;

use super::span::TextSpan;

/// One thing that is wrong with a query. `Display` writes the message alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// What is wrong, in the words of Prometheus.
    pub message: String,
    /// Which part of the query the message is about.
    pub span: TextSpan,
}

/// Why a query is not valid: at least one [`ParseError`], in the order in which they were found.
///
/// `Display` writes the first as the Prometheus API does: `LINE:COLUMN: parse error: MESSAGE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseErrors {
    query: Box<str>,
    errors: Vec<ParseError>,
}

impl ParseErrors {
    pub(super) fn new(query: &str, errors: Vec<ParseError>) -> Self {
        assert!(!errors.is_empty(), "BUG: a refusal needs a reason");
        Self { query: query.into(), errors }
    }

    /// The errors in the order in which they were found; never empty.
    pub fn errors(&self) -> &[ParseError] {
        &self.errors
    }

    /// The first error.
    pub fn first(&self) -> &ParseError {
        &self.errors[0]
    }

    /// The text that was parsed.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// The first error as it reads when the query begins `line_offset` lines further down in a file.
    pub fn with_line_offset(&self, line_offset: usize) -> impl fmt::Display + '_ {
        Located { errors: self, line_offset }
    }
}

impl fmt::Display for ParseErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_line_offset(0).fmt(f)
    }
}

impl std::error::Error for ParseErrors {}

struct Located<'a> {
    errors: &'a ParseErrors,
    line_offset: usize,
}

impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.errors.first();
        if self.errors.query.is_empty() {
            // There is no first line to point at; Prometheus says so.
            return write!(f, "unknown position: parse error: {error}");
        }
        let (line, column) = error.span.line_column(&self.errors.query);
        write!(f, "{}:{column}: parse error: {error}", line + self.line_offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_where_the_first_error_is() {
        let error = |start| ParseError { message: "unexpected x".to_owned(), span: TextSpan::new(start, 5) };
        let errors = ParseErrors::new("a\n+ x", vec![error(4), error(0)]);
        assert_eq!(errors.to_string(), "2:3: parse error: unexpected x");
        assert_eq!(errors.with_line_offset(10).to_string(), "12:3: parse error: unexpected x");
        let nothing = ParseErrors::new("", vec![error(0)]);
        assert_eq!(nothing.to_string(), "unknown position: parse error: unexpected x");
    }
}

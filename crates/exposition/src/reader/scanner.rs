//! Reads one entry after the other, without memory of earlier ones: first the fast path, then the exact grammar.
use super::Entry;
use super::lexer::{Dialect, Lexer};

/// Cuts a body into entries.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    pub(super) lexer: Lexer<'a>,
    /// Where the current entry starts, blanks before it included.
    pub(super) entry_start: usize,
    /// Whether the body is UTF-8 without NUL bytes, once somebody asked. Only then may the fast path skip the checks of each value.
    plain: Option<bool>,
    /// How the last labelled series begins: its name and its first label up to the opening quote of the value. Empty at first.
    pub(super) opening: &'a [u8],
}

impl<'a> Scanner<'a> {
    pub(super) fn new(body: &'a [u8], dialect: Dialect) -> Self {
        Self { lexer: Lexer::new(body, dialect), entry_start: 0, plain: None, opening: &[] }
    }

    /// The next entry; `None` at the end. It is probably a sample of the series `expected`; nothing is expected if that is empty.
    pub(super) fn entry(&mut self, expected: &[u8]) -> Option<Entry<'a>> {
        self.entry_start = self.lexer.pos;
        let sample = self.fast_sample(expected);
        if sample.is_some() {
            return sample;
        }
        match self.fast_metadata() {
            Some(event) => Some(Ok(event)),
            None => self.exact_entry().transpose(),
        }
    }

    #[inline]
    pub(super) fn is_plain(&mut self) -> bool {
        match self.plain {
            Some(plain) => plain,
            None => self.find_out_whether_plain(),
        }
    }

    #[cold]
    fn find_out_whether_plain(&mut self) -> bool {
        let body = self.lexer.body();
        let plain = memchr::memchr(0, body).is_none() && std::str::from_utf8(body).is_ok();
        self.plain = Some(plain);
        plain
    }
}

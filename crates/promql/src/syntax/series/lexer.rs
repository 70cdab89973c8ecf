use bellwether_model::CounterResetHint;

use crate::syntax::lexer::{char_at, is_name_start, is_space};
use crate::syntax::number::{scan_duration_rest, scan_number};
use crate::syntax::quote::{quote, quote_char};
use crate::syntax::span::TextSpan;
use crate::syntax::token::TokenKind;

/// One word or sign behind the label set of a series line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeriesToken {
    End,
    Space,
    Plus,
    Minus,
    /// `x`
    Times,
    /// `_`
    Blank,
    Number,
    Duration,
    /// Any other word; only `stale` has a meaning.
    Word(TokenKind),
    /// `{{`
    OpenHistogram,
    /// `}}`
    CloseHistogram,
    Key(HistogramKey),
    Hint(CounterResetHint),
    Colon,
    LeftBracket,
    RightBracket,
}

/// What a native histogram literal can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HistogramKey {
    Buckets,
    Count,
    CounterResetHint,
    CustomValues,
    NegativeBuckets,
    NegativeOffset,
    Offset,
    Schema,
    Sum,
    ZeroBucket,
    ZeroBucketWidth,
}

impl HistogramKey {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Buckets => "buckets",
            Self::Count => "count",
            Self::CounterResetHint => "counter_reset_hint",
            Self::CustomValues => "custom_values",
            Self::NegativeBuckets => "n_buckets",
            Self::NegativeOffset => "n_offset",
            Self::Offset => "offset",
            Self::Schema => "schema",
            Self::Sum => "sum",
            Self::ZeroBucket => "z_bucket",
            Self::ZeroBucketWidth => "z_bucket_w",
        }
    }
}

const HISTOGRAM_KEYS: [HistogramKey; 11] = [
    HistogramKey::Buckets,
    HistogramKey::Count,
    HistogramKey::CounterResetHint,
    HistogramKey::CustomValues,
    HistogramKey::NegativeBuckets,
    HistogramKey::NegativeOffset,
    HistogramKey::Offset,
    HistogramKey::Schema,
    HistogramKey::Sum,
    HistogramKey::ZeroBucket,
    HistogramKey::ZeroBucketWidth,
];

/// Text that is no token: what is wrong, and from where on. The span reaches to the end of the line.
#[derive(Debug)]
pub(super) struct BadToken {
    pub(super) message: String,
    pub(super) start: usize,
}

/// Where the lexer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Between values.
    Values,
    /// Inside `{{...}}`.
    Histogram,
    /// Inside the square brackets of a histogram.
    Buckets,
    /// Behind a minus sign inside square brackets.
    NegativeBucket,
}

/// Cuts the values of a series line into tokens. Blanks separate values, so they are tokens here.
#[derive(Debug)]
pub(super) struct SeriesLexer<'a> {
    input: &'a [u8],
    pos: usize,
    start: usize,
    mode: Mode,
}

impl<'a> SeriesLexer<'a> {
    pub(super) fn new(line: &'a str, pos: usize) -> Self {
        Self { input: line.as_bytes(), pos, start: pos, mode: Mode::Values }
    }

    /// Where the token that was read last was written.
    pub(super) fn span(&self) -> TextSpan {
        TextSpan::new(self.start, self.pos)
    }

    pub(super) fn next(&mut self) -> Result<SeriesToken, BadToken> {
        self.start = self.pos;
        if self.mode == Mode::NegativeBucket {
            self.mode = Mode::Buckets;
            return self.number(false);
        }
        let Some(b) = self.peek() else {
            return match self.mode {
                Mode::Values => Ok(SeriesToken::End),
                Mode::Histogram => self.bad_char("histogram description incomplete unexpected"),
                Mode::Buckets | Mode::NegativeBucket => {
                    self.bad_char("invalid character in buckets description")
                }
            };
        };
        if is_space(b) {
            let rest = &self.input[self.pos..];
            self.pos += rest.iter().position(|b| !is_space(*b)).unwrap_or(rest.len());
            return Ok(SeriesToken::Space);
        }
        match self.mode {
            Mode::Values => self.value_token(b),
            Mode::Histogram => self.histogram_token(b),
            Mode::Buckets | Mode::NegativeBucket => self.bucket_token(b),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.input.get(self.pos).copied()
    }

    fn take(&mut self, n: usize, token: SeriesToken) -> SeriesToken {
        self.pos += n;
        token
    }

    fn bad<T>(&self, message: String) -> Result<T, BadToken> {
        Err(BadToken { message, start: self.start })
    }

    fn bad_char<T>(&self, what: &str) -> Result<T, BadToken> {
        self.bad(format!("{what}: {}", quote_char(char_at(self.input, self.pos))))
    }

    fn value_token(&mut self, b: u8) -> Result<SeriesToken, BadToken> {
        let next = self.input.get(self.pos + 1).copied();
        match b {
            b'{' if next == Some(b'{') => {
                self.mode = Mode::Histogram;
                Ok(self.take(2, SeriesToken::OpenHistogram))
            }
            b'+' => Ok(self.take(1, SeriesToken::Plus)),
            b'-' => Ok(self.take(1, SeriesToken::Minus)),
            b'x' => Ok(self.take(1, SeriesToken::Times)),
            b'_' => Ok(self.take(1, SeriesToken::Blank)),
            b'0'..=b'9' => self.number(true),
            b'.' if next.is_some_and(|b| b.is_ascii_digit()) => self.number(true),
            b if is_name_start(b) => {
                let rest = &self.input[self.pos..];
                let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b':';
                let len = rest.iter().position(|b| !is_word(*b)).unwrap_or(rest.len());
                let kind = TokenKind::of_word(&rest[..len]).unwrap_or(TokenKind::Identifier);
                Ok(self.take(
                    len,
                    if kind == TokenKind::Number { SeriesToken::Number } else { SeriesToken::Word(kind) },
                ))
            }
            _ => self.bad_char("unexpected character in series sequence"),
        }
    }

    fn histogram_token(&mut self, b: u8) -> Result<SeriesToken, BadToken> {
        match b {
            b if is_name_start(b) => self.histogram_word(),
            b':' => Ok(self.take(1, SeriesToken::Colon)),
            b'-' => Ok(self.take(1, SeriesToken::Minus)),
            b'0'..=b'9' => self.number(false),
            b'[' => {
                self.mode = Mode::Buckets;
                Ok(self.take(1, SeriesToken::LeftBracket))
            }
            b'}' if self.input.get(self.pos + 1) == Some(&b'}') => {
                self.mode = Mode::Values;
                Ok(self.take(2, SeriesToken::CloseHistogram))
            }
            _ => self.bad_char("histogram description incomplete unexpected"),
        }
    }

    fn histogram_word(&mut self) -> Result<SeriesToken, BadToken> {
        let rest = &self.input[self.pos..];
        let len = rest.iter().position(|b| !is_name_start(*b)).unwrap_or(rest.len());
        let text = String::from_utf8_lossy(&rest[..len]);
        let word = text.to_ascii_lowercase();
        if let Some(key) = HISTOGRAM_KEYS.into_iter().find(|key| key.as_str() == word) {
            if rest.get(len) != Some(&b':') {
                return self.bad("missing `:` for histogram descriptor".to_owned());
            }
            return Ok(self.take(len, SeriesToken::Key(key)));
        }
        let token = match word.as_str() {
            "inf" | "nan" => SeriesToken::Number,
            "unknown" => SeriesToken::Hint(CounterResetHint::Unknown),
            "reset" => SeriesToken::Hint(CounterResetHint::Reset),
            "not_reset" => SeriesToken::Hint(CounterResetHint::NotReset),
            "gauge" => SeriesToken::Hint(CounterResetHint::Gauge),
            _ => return self.bad(format!("bad histogram descriptor found: {}", quote(&text))),
        };
        Ok(self.take(len, token))
    }

    fn bucket_token(&mut self, b: u8) -> Result<SeriesToken, BadToken> {
        match b {
            b'-' => {
                self.mode = Mode::NegativeBucket;
                Ok(self.take(1, SeriesToken::Minus))
            }
            b'0'..=b'9' => self.number(false),
            b']' => {
                self.mode = Mode::Histogram;
                Ok(self.take(1, SeriesToken::RightBracket))
            }
            b if is_name_start(b) => {
                let rest = &self.input[self.pos..];
                let word = rest.get(..3).unwrap_or(rest).to_ascii_lowercase();
                if word == b"inf" || word == b"nan" {
                    return Ok(self.take(3, SeriesToken::Number));
                }
                self.pos += rest.iter().position(|b| !is_name_start(*b)).unwrap_or(rest.len());
                self.bad_char("invalid character in buckets description")
            }
            _ => self.bad_char("invalid character in buckets description"),
        }
    }

    /// A number, or between values also a duration. An `x` may follow directly.
    fn number(&mut self, allow_duration: bool) -> Result<SeriesToken, BadToken> {
        let rest = &self.input[self.pos..];
        // `0x1f` can only be a number: a repetition has decimal digits. `0x10` is ten repetitions of zero.
        if let Some(behind) = rest.strip_prefix(b"0x") {
            let digits = behind.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
            let digits = &behind[..digits];
            if digits.iter().all(u8::is_ascii_hexdigit) && digits.iter().any(u8::is_ascii_alphabetic) {
                return Ok(self.take(2 + digits.len(), SeriesToken::Number));
            }
        }
        let (len, is_number) = scan_number(rest, true);
        self.pos += len;
        if is_number {
            return Ok(SeriesToken::Number);
        }
        if allow_duration {
            let (rest_len, is_duration) = scan_duration_rest(&rest[len..], true);
            if is_duration {
                return Ok(self.take(rest_len, SeriesToken::Duration));
            }
        }
        let text = String::from_utf8_lossy(&self.input[self.start..self.pos]);
        self.bad(format!("bad number syntax: {}", quote(&text)))
    }
}

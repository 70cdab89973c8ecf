//! The exact tokenizer of both formats. It decides what is an error and what the error says; the fast path only covers
//! lines that this one would accept as well.
mod openmetrics;
mod text;

/// The two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Text,
    OpenMetrics,
}

/// What the tokenizer expects next. The states are those of Prometheus, because messages depend on where it gets stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The start of a line.
    Init,
    /// Behind `# `.
    Comment,
    /// The metric name of a metadata line.
    MetaName,
    /// The rest of a metadata line.
    MetaText,
    /// Between the braces of a series.
    Labels,
    /// Behind the `=` of a label.
    LabelValue,
    /// Behind the series.
    Value,
    /// Behind the value.
    Timestamp,
    /// Between the braces of an exemplar.
    Exemplar,
    /// Behind the `=` of an exemplar's label, or behind the closing brace.
    ExemplarValue,
    /// Behind the value of an exemplar.
    ExemplarTimestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Invalid,
    Eof,
    Linebreak,
    Help,
    Type,
    Unit,
    EofWord,
    Text,
    Comment,
    MetricName,
    QuotedString,
    BraceOpen,
    BraceClose,
    LabelName,
    LabelValue,
    Comma,
    Equal,
    Timestamp,
    Value,
}

impl Token {
    /// The name that error messages use.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Eof => "EOF",
            Self::Linebreak => "LINEBREAK",
            Self::Help => "HELP",
            Self::Type => "TYPE",
            Self::Unit => "UNIT",
            Self::EofWord => "EOFWORD",
            Self::Text => "TEXT",
            Self::Comment => "COMMENT",
            Self::MetricName => "MNAME",
            Self::QuotedString => "QSTRING",
            Self::BraceOpen => "BOPEN",
            Self::BraceClose => "BCLOSE",
            Self::LabelName => "LNAME",
            Self::LabelValue => "LVALUE",
            Self::Comma => "COMMA",
            Self::Equal => "EQUAL",
            Self::Timestamp => "TIMESTAMP",
            Self::Value => "VALUE",
        }
    }
}

/// Whether a quoted string may run over the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newlines {
    Allowed,
    Refused,
}

/// Cuts a body into tokens. A token is `start..pos`; after [`Token::Invalid`], `pos` is the byte that did not fit.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    body: &'a [u8],
    dialect: Dialect,
    pub(super) state: State,
    pub(super) start: usize,
    pub(super) pos: usize,
    /// Where the content of the last quoted string ends: the position of its closing quote.
    content_end: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(body: &'a [u8], dialect: Dialect) -> Self {
        Self { body, dialect, state: State::Init, start: 0, pos: 0, content_end: 0 }
    }

    pub(super) fn body(&self) -> &'a [u8] {
        self.body
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The next token that is not white space.
    pub(super) fn token(&mut self) -> Token {
        match self.dialect {
            Dialect::Text => self.text_token(),
            Dialect::OpenMetrics => self.openmetrics_token(),
        }
    }

    /// Text 0.0.4 is read as if a newline followed the body, so that the last line may lack its own.
    fn len(&self) -> usize {
        self.body.len() + usize::from(self.dialect == Dialect::Text)
    }

    /// The bytes of the last token.
    pub(super) fn lexeme(&self) -> &'a [u8] {
        self.slice(self.start, self.pos)
    }

    /// What stands between the quotes of the last token.
    pub(super) fn quoted_content(&self) -> &'a [u8] {
        self.slice(self.start + 1, self.content_end)
    }

    /// The text of a metadata line, whose token is the last one: without the blank before it and the newline behind it.
    pub(super) fn meta_text(&self) -> &'a [u8] {
        match self.dialect {
            Dialect::Text => self.lexeme().get(1..).unwrap_or_default(),
            Dialect::OpenMetrics => self.slice(self.start + 1, self.content_end),
        }
    }

    /// Bytes of the body; positions behind its end count as its end.
    pub(super) fn slice(&self, from: usize, to: usize) -> &'a [u8] {
        let to = to.min(self.body.len());
        &self.body[from.min(to)..to]
    }

    /// As [`slice`](Self::slice), with the newline that text 0.0.4 adds.
    pub(super) fn slice_for_message(&self, from: usize, to: usize) -> Vec<u8> {
        let mut bytes = self.slice(from, to).to_vec();
        if to.min(self.len()) > self.body.len() {
            bytes.push(b'\n');
        }
        bytes
    }

    /// The byte at `pos`, or 0 behind the end.
    fn current(&self) -> u8 {
        match self.body.get(self.pos) {
            Some(byte) => *byte,
            None if self.pos < self.len() => b'\n',
            None => 0,
        }
    }

    /// Steps to the next byte and returns it, or 0 behind the end. NUL bytes are stepped over where the formats allow any content.
    fn advance(&mut self) -> u8 {
        self.pos += 1;
        if matches!(self.state, State::LabelValue | State::MetaText | State::Comment) {
            while self.body.get(self.pos) == Some(&0) {
                self.pos += 1;
            }
        }
        self.pos = self.pos.min(self.len());
        self.current()
    }

    fn advance_while(&mut self, accepts: impl Fn(u8) -> bool) -> u8 {
        loop {
            let byte = self.advance();
            if !accepts(byte) {
                return byte;
            }
        }
    }

    /// Steps over `word`, whose first byte is the current one. Returns whether it was all there.
    fn advance_over(&mut self, word: &[u8]) -> bool {
        word[1..].iter().all(|expected| self.advance() == *expected)
    }

    /// Reads a quoted string whose opening quote is the current byte. If it is not closed, `pos` is where it breaks off.
    fn quoted(&mut self, newlines: Newlines, then: State, token: Token) -> Token {
        loop {
            match self.advance() {
                b'"' => {
                    self.content_end = self.pos;
                    self.advance();
                    return self.then(then, token);
                }
                b'\\' => {
                    if matches!(self.advance(), 0 | b'\n') {
                        return Token::Invalid;
                    }
                }
                0 => return Token::Invalid,
                b'\n' if newlines == Newlines::Refused => return Token::Invalid,
                _ => {}
            }
        }
    }

    /// Ends a token: later tokens are read in `state`.
    fn then(&mut self, state: State, token: Token) -> Token {
        self.state = state;
        token
    }
}

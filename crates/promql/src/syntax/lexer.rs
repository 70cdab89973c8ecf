use bellwether_model::go_code_point;

use super::number::{scan_duration_rest, scan_number};
use super::operator::BinaryOp;
use super::quote::{quote, quote_char};
use super::span::TextSpan;
use super::token::{Keyword, Token, TokenKind};

/// Cuts a query into tokens, one at a time.
///
/// What a byte means depends on the brackets around it: braces hold label matchers, where keywords are names and `=` assigns; square
/// brackets hold durations. The lexer therefore counts brackets and also reports those that do not fit.
///
/// The input is bytes, because clients can send what is not UTF-8, and positions must count the bytes they sent.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    input: &'a [u8],
    pos: usize,
    /// Where the current token begins.
    start: usize,
    paren_depth: usize,
    in_braces: bool,
    in_brackets: bool,
    /// Inside square brackets, up to and including the first number: a colon is not allowed before it.
    duration_mode: bool,
    /// Whether this pair of square brackets had its colon.
    seen_colon: bool,
    /// Whether any pair of square brackets so far had something in it.
    seen_duration: bool,
    error: Option<String>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            pos: 0,
            start: 0,
            paren_depth: 0,
            in_braces: false,
            in_brackets: false,
            duration_mode: false,
            seen_colon: false,
            seen_duration: false,
            error: None,
        }
    }

    /// The message about the text that was no token, once [`Self::next`] has returned [`TokenKind::Nothing`].
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The next token; comments and white space are skipped. Behind the end and behind an error it is
    /// [`TokenKind::Nothing`]. The span of an error reaches from where it was found to the end of the input.
    pub(super) fn next(&mut self) -> Token {
        let kind = if self.error.is_some() || self.start > self.input.len() {
            TokenKind::Nothing
        } else {
            self.skip_space();
            if self.in_braces {
                self.matcher_token()
            } else if self.duration_mode {
                self.duration_token()
            } else {
                self.expression_token()
            }
        };
        let end = if self.error.is_some() { self.input.len() } else { self.pos };
        let token = Token { kind, span: TextSpan::new(self.start.min(end), end) };
        if kind == TokenKind::EndOfInput {
            // The end is reported once; a start beyond the input marks that it was.
            self.start = self.input.len() + 1;
        }
        token
    }

    fn skip_space(&mut self) {
        while let Some(b) = self.peek() {
            match b {
                b' ' | b'\t' | b'\n' | b'\r' => self.pos += 1,
                // In durations a comment is a mistake.
                b'#' if !self.duration_mode => {
                    let rest = &self.input[self.pos..];
                    let len = rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
                    self.pos += len;
                }
                _ => break,
            }
        }
        self.start = self.pos;
    }

    fn peek(&self) -> Option<u8> {
        self.input.get(self.pos).copied()
    }

    fn take(&mut self, n: usize, kind: TokenKind) -> TokenKind {
        self.pos += n;
        kind
    }

    fn fail(&mut self, message: String) -> TokenKind {
        self.error = Some(message);
        TokenKind::Nothing
    }

    /// Fails about the character at `pos`.
    fn fail_at(&mut self, what: &str, pos: usize) -> TokenKind {
        let c = quote_char(char_at(self.input, pos));
        self.fail(format!("{what}: {c}"))
    }

    fn expression_token(&mut self) -> TokenKind {
        let Some(b) = self.peek() else {
            return if self.paren_depth > 0 {
                self.fail("unclosed left parenthesis".to_owned())
            } else if self.in_brackets {
                self.fail("unclosed left bracket".to_owned())
            } else {
                TokenKind::EndOfInput
            };
        };
        let next = self.input.get(self.pos + 1).copied();
        match b {
            b',' => self.take(1, TokenKind::Comma),
            b'@' => self.take(1, TokenKind::At),
            b'*' => self.take(1, TokenKind::Binary(BinaryOp::Mul)),
            b'/' => self.take(1, TokenKind::Binary(BinaryOp::Div)),
            b'%' => self.take(1, TokenKind::Binary(BinaryOp::Mod)),
            b'+' => self.take(1, TokenKind::Binary(BinaryOp::Add)),
            b'-' => self.take(1, TokenKind::Binary(BinaryOp::Sub)),
            b'^' => self.take(1, TokenKind::Binary(BinaryOp::Pow)),
            b'=' => match next {
                Some(b'=') => self.take(2, TokenKind::Binary(BinaryOp::Eq)),
                Some(b'~') => self.fail_at("unexpected character after '='", self.pos + 1),
                _ => self.take(1, TokenKind::Assign),
            },
            b'!' if next == Some(b'=') => self.take(2, TokenKind::Binary(BinaryOp::Ne)),
            b'!' => self.fail_at("unexpected character after '!'", self.pos + 1),
            b'<' => match next {
                Some(b'=') => self.take(2, TokenKind::Binary(BinaryOp::Le)),
                Some(b'/') => self.take(2, TokenKind::Binary(BinaryOp::TrimUpper)),
                _ => self.take(1, TokenKind::Binary(BinaryOp::Lt)),
            },
            b'>' => match next {
                Some(b'=') => self.take(2, TokenKind::Binary(BinaryOp::Ge)),
                Some(b'/') => self.take(2, TokenKind::Binary(BinaryOp::TrimLower)),
                _ => self.take(1, TokenKind::Binary(BinaryOp::Gt)),
            },
            b'0'..=b'9' => self.number_or_duration(),
            b'.' if next.is_some_and(|b| b.is_ascii_digit()) => self.number_or_duration(),
            b'"' | b'\'' => self.string(b),
            b'`' => self.raw_string(),
            b':' if self.in_brackets => self.range_colon(),
            b if self.in_brackets && is_name_start(b) => self.duration_word().unwrap_or_else(|| {
                let c = quote_char(char::from(b));
                self.fail(format!("unexpected character: {c}, expected ':'"))
            }),
            b if is_name_start(b) || b == b':' => self.word(),
            b'(' => self.open_paren(),
            b')' => self.close_paren(),
            b'{' => {
                self.in_braces = true;
                self.take(1, TokenKind::LeftBrace)
            }
            b'[' if self.in_brackets => {
                let c = quote_char('[');
                self.fail(format!("unexpected left bracket {c}"))
            }
            b'[' => {
                self.in_brackets = true;
                self.duration_mode = true;
                self.seen_colon = false;
                self.take(1, TokenKind::LeftBracket)
            }
            b']' if self.in_brackets => {
                self.in_brackets = false;
                self.take(1, TokenKind::RightBracket)
            }
            b']' => {
                let c = quote_char(']');
                self.fail(format!("unexpected right bracket {c}"))
            }
            _ => self.fail_at("unexpected character", self.pos),
        }
    }

    fn open_paren(&mut self) -> TokenKind {
        self.paren_depth += 1;
        self.take(1, TokenKind::LeftParen)
    }

    fn close_paren(&mut self) -> TokenKind {
        if self.paren_depth == 0 {
            // Prometheus notices one character later.
            self.pos += 1;
            self.start = self.pos;
            return self.fail("unexpected right parenthesis ')'".to_owned());
        }
        self.paren_depth -= 1;
        self.take(1, TokenKind::RightParen)
    }

    /// The colon of a subquery, behind its range.
    fn range_colon(&mut self) -> TokenKind {
        if self.seen_colon {
            return self.fail("unexpected colon ':'".to_owned());
        }
        self.seen_colon = true;
        self.take(1, TokenKind::Colon)
    }

    /// Everything between a left square bracket and the first number behind it, or the right square bracket.
    fn duration_token(&mut self) -> TokenKind {
        const WHAT: &str = "unexpected character in duration expression";
        let Some(b) = self.peek() else {
            return self.fail("unexpected end of input in duration expression".to_owned());
        };
        let next = self.input.get(self.pos + 1).copied();
        match b {
            b']' => {
                self.in_brackets = false;
                self.duration_mode = false;
                self.seen_colon = false;
                self.take(1, TokenKind::RightBracket)
            }
            b':' => {
                self.pos += 1;
                let problem = if !self.seen_duration {
                    "unexpected colon before duration in duration expression"
                } else if self.seen_colon {
                    "unexpected repeated colon in duration expression"
                } else {
                    self.seen_colon = true;
                    return TokenKind::Colon;
                };
                self.start = self.pos;
                self.fail(problem.to_owned())
            }
            b'(' => self.open_paren(),
            b')' => self.close_paren(),
            b',' => self.take(1, TokenKind::Comma),
            b'+' => self.take(1, TokenKind::Binary(BinaryOp::Add)),
            b'-' => self.take(1, TokenKind::Binary(BinaryOp::Sub)),
            b'*' => self.take(1, TokenKind::Binary(BinaryOp::Mul)),
            b'/' => self.take(1, TokenKind::Binary(BinaryOp::Div)),
            b'%' => self.take(1, TokenKind::Binary(BinaryOp::Mod)),
            b'^' => self.take(1, TokenKind::Binary(BinaryOp::Pow)),
            b'0'..=b'9' => self.first_duration(),
            b'.' if next.is_some_and(|b| b.is_ascii_digit()) => self.first_duration(),
            b => match self.duration_word() {
                Some(kind) => {
                    // Prometheus wants a number before the colon; a range of `step()` is as good.
                    self.seen_duration = true;
                    kind
                }
                None if is_name_start(b) => {
                    let c = quote_char(char::from(b));
                    self.fail(format!("{WHAT}: {c}"))
                }
                None => self.fail_at(WHAT, self.pos),
            },
        }
    }

    fn first_duration(&mut self) -> TokenKind {
        self.seen_duration = true;
        self.duration_mode = false;
        self.number_or_duration()
    }

    /// `step`, `range`, `min_of` and `max_of`: the words that square brackets may hold.
    fn duration_word(&mut self) -> Option<TokenKind> {
        let rest = &self.input[self.pos..];
        let len = rest.iter().position(|b| !is_name_start(*b)).unwrap_or(rest.len());
        let kind = TokenKind::of_word(&rest[..len])?;
        let allowed = matches!(
            kind,
            TokenKind::Keyword(Keyword::Step | Keyword::Range | Keyword::MinOf | Keyword::MaxOf)
        );
        allowed.then(|| self.take(len, kind))
    }

    /// A name or keyword outside of brackets.
    fn word(&mut self) -> TokenKind {
        let rest = &self.input[self.pos..];
        let len = rest.iter().position(|b| !is_name_byte(*b) && *b != b':').unwrap_or(rest.len());
        let word = &rest[..len];
        self.pos += len;
        match TokenKind::of_word(word) {
            // The fill modifiers came late: metrics may have these names already.
            Some(TokenKind::Keyword(Keyword::Fill | Keyword::FillLeft | Keyword::FillRight))
                if !self.paren_follows() =>
            {
                TokenKind::Identifier
            }
            Some(kind) => kind,
            None if word.contains(&b':') => TokenKind::MetricIdentifier,
            None => TokenKind::Identifier,
        }
    }

    fn paren_follows(&self) -> bool {
        self.input[self.pos..].iter().find(|b| !is_space(**b)) == Some(&b'(')
    }

    fn number_or_duration(&mut self) -> TokenKind {
        let (len, is_number) = scan_number(&self.input[self.pos..], false);
        self.pos += len;
        if is_number {
            return TokenKind::Number;
        }
        let (len, is_duration) = scan_duration_rest(&self.input[self.pos..], false);
        self.pos += len;
        if is_duration {
            return TokenKind::Duration;
        }
        let text = String::from_utf8_lossy(&self.input[self.start..self.pos]);
        self.fail(format!("bad number or duration syntax: {}", quote(&text)))
    }

    /// A token between braces, where every word is a name.
    fn matcher_token(&mut self) -> TokenKind {
        let Some(b) = self.peek() else {
            return self.fail("unexpected end of input inside braces".to_owned());
        };
        let next = self.input.get(self.pos + 1).copied();
        match b {
            b if is_name_start(b) => {
                let rest = &self.input[self.pos..];
                let len = rest.iter().position(|b| !is_name_byte(*b)).unwrap_or(rest.len());
                self.take(len, TokenKind::Identifier)
            }
            b',' => self.take(1, TokenKind::Comma),
            b'"' | b'\'' => self.string(b),
            b'`' => self.raw_string(),
            b'=' if next == Some(b'~') => self.take(2, TokenKind::EqRegex),
            b'=' => self.take(1, TokenKind::Assign),
            b'!' if next == Some(b'~') => self.take(2, TokenKind::NeRegex),
            b'!' if next == Some(b'=') => self.take(2, TokenKind::Binary(BinaryOp::Ne)),
            b'!' => self.fail_at("unexpected character after '!' inside braces", self.pos + 1),
            b'{' => self.fail("unexpected left brace '{'".to_owned()),
            b'}' => {
                self.in_braces = false;
                self.take(1, TokenKind::RightBrace)
            }
            _ => self.fail_at("unexpected character inside braces", self.pos),
        }
    }

    fn string(&mut self, delimiter: u8) -> TokenKind {
        self.pos += 1;
        loop {
            match self.peek() {
                None | Some(b'\n') => return self.fail("unterminated quoted string".to_owned()),
                Some(b'\\') => {
                    self.pos += 1;
                    if let Err(message) = self.escape(delimiter) {
                        return self.fail(message);
                    }
                }
                Some(b) if b == delimiter => return self.take(1, TokenKind::String),
                Some(b) if b.is_ascii() => self.pos += 1,
                Some(_) => match self.string_char() {
                    Ok(()) => {}
                    Err(kind) => return kind,
                },
            }
        }
    }

    fn raw_string(&mut self) -> TokenKind {
        self.pos += 1;
        loop {
            match self.peek() {
                None => return self.fail("unterminated raw string".to_owned()),
                Some(b'`') => return self.take(1, TokenKind::String),
                Some(b) if b.is_ascii() => self.pos += 1,
                Some(_) => match self.string_char() {
                    Ok(()) => {}
                    Err(kind) => return kind,
                },
            }
        }
    }

    /// Steps over one character that is not ASCII. The replacement character counts as a fault even where it was written on purpose,
    /// because Prometheus cannot tell the two apart.
    fn string_char(&mut self) -> Result<(), TokenKind> {
        match char_at(self.input, self.pos) {
            char::REPLACEMENT_CHARACTER => Err(self.fail("invalid UTF-8 rune".to_owned())),
            c => {
                self.pos += c.len_utf8();
                Ok(())
            }
        }
    }

    /// Checks the escape sequence behind a backslash and steps over it.
    fn escape(&mut self, delimiter: u8) -> Result<(), String> {
        const NOT_TERMINATED: &str = "escape sequence not terminated";
        let Some(b) = self.peek() else { return Err(NOT_TERMINATED.to_owned()) };
        let (mut digits, radix, max) = match b {
            b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\' => (0, 0, 0),
            b if b == delimiter => (0, 0, 0),
            b'0'..=b'7' => (3, 8, 255),
            b'x' => (2, 16, 255),
            b'u' => (4, 16, 0x0010_ffff),
            b'U' => (8, 16, 0x0010_ffff),
            _ => {
                let c = go_code_point(char_at(self.input, self.pos));
                return Err(format!("unknown escape sequence {c}"));
            }
        };
        if radix != 8 {
            self.pos += 1;
        }
        let mut code = 0_u32;
        while digits > 0 {
            let Some(b) = self.peek() else { return Err(NOT_TERMINATED.to_owned()) };
            let Some(digit) = char::from(b).to_digit(radix) else {
                let c = go_code_point(char_at(self.input, self.pos));
                return Err(format!("illegal character {c} in escape sequence"));
            };
            code = code.wrapping_mul(radix).wrapping_add(digit);
            self.pos += 1;
            digits -= 1;
        }
        if code > max || (0xd800..0xe000).contains(&code) {
            return Err("escape sequence is an invalid Unicode code point".to_owned());
        }
        Ok(())
    }
}

/// The character at `pos`; the replacement character where there is none or where the bytes are not UTF-8.
pub(super) fn char_at(input: &[u8], pos: usize) -> char {
    let rest = input.get(pos..).unwrap_or_default();
    let rest = &rest[..rest.len().min(4)];
    let valid = match std::str::from_utf8(rest) {
        Ok(text) => text,
        Err(e) => std::str::from_utf8(&rest[..e.valid_up_to()]).unwrap_or_default(),
    };
    valid.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
}

pub(super) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r')
}

/// Letters and the underscore.
pub(super) fn is_name_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_'
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

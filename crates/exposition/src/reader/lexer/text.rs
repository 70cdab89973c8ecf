//! Tokens of text 0.0.4: white space is a run of blanks and tabs, comments and blank lines are allowed.
use super::{Lexer, Newlines, State, Token};
use crate::name::{continues_label_name, continues_metric_name, starts_label_name, starts_metric_name};

impl Lexer<'_> {
    pub(super) fn text_token(&mut self) -> Token {
        loop {
            if self.pos >= self.len() {
                return Token::Eof;
            }
            self.start = self.pos;
            if let Some(token) = self.text_token_or_space() {
                return token;
            }
        }
    }

    /// `None` stands for white space.
    fn text_token_or_space(&mut self) -> Option<Token> {
        let mut byte = self.current();
        if self.state == State::Init && byte == b'#' {
            if !is_space(self.advance()) {
                return Some(self.rest_of_comment());
            }
            byte = self.advance_while(is_space);
            self.state = State::Comment;
        }
        if is_space(byte) && self.state != State::MetaText {
            self.advance_while(is_space);
            return None;
        }
        Some(match self.state {
            State::Init => self.text_line_start(byte),
            State::Comment => self.text_keyword(byte),
            State::MetaName => self.text_meta_name(byte),
            State::MetaText => return self.text_meta_text(byte),
            State::Labels => self.text_label(byte),
            State::LabelValue if byte == b'"' => {
                self.quoted(Newlines::Allowed, State::Labels, Token::LabelValue)
            }
            State::Value if byte == b'{' => {
                self.advance();
                self.then(State::Labels, Token::BraceOpen)
            }
            State::Value if ends_value(byte) => Token::Invalid,
            State::Value => {
                self.advance_while(|b| !ends_value(b));
                self.then(State::Timestamp, Token::Value)
            }
            State::Timestamp if byte == b'\n' => {
                self.advance();
                self.then(State::Init, Token::Linebreak)
            }
            State::Timestamp if byte.is_ascii_digit() => {
                self.advance_while(|b| b.is_ascii_digit());
                Token::Timestamp
            }
            _ => Token::Invalid,
        })
    }

    fn text_line_start(&mut self, byte: u8) -> Token {
        match byte {
            b'\n' => {
                self.advance();
                Token::Linebreak
            }
            // The format ends at a NUL byte.
            0 => {
                self.advance();
                Token::Eof
            }
            b'{' => {
                self.advance();
                self.then(State::Labels, Token::BraceOpen)
            }
            byte if starts_metric_name(byte) => {
                self.advance_while(continues_metric_name);
                self.then(State::Value, Token::MetricName)
            }
            _ => Token::Invalid,
        }
    }

    /// Anything that is not `HELP` or `TYPE` is a comment.
    fn text_keyword(&mut self, byte: u8) -> Token {
        let (word, token): (&[u8], _) = match byte {
            b'H' => (b"HELP", Token::Help),
            b'T' => (b"TYPE", Token::Type),
            _ => return self.rest_of_comment(),
        };
        if self.advance_over(word) && is_space(self.advance()) {
            self.advance_while(is_space);
            self.then(State::MetaName, token)
        } else {
            self.rest_of_comment()
        }
    }

    /// Steps to the end of the line, which is not part of the comment.
    fn rest_of_comment(&mut self) -> Token {
        let mut byte = self.current();
        loop {
            match byte {
                0 => return Token::Eof,
                b'\n' => return self.then(State::Init, Token::Comment),
                _ => byte = self.advance(),
            }
        }
    }

    fn text_meta_name(&mut self, byte: u8) -> Token {
        if starts_metric_name(byte) {
            self.advance_while(continues_metric_name);
            self.then(State::MetaText, Token::MetricName)
        } else if byte == b'"' {
            self.quoted(Newlines::Allowed, State::MetaText, Token::MetricName)
        } else {
            Token::Invalid
        }
    }

    /// The text includes the white space before it, except that white space alone is none.
    fn text_meta_text(&mut self, first: u8) -> Option<Token> {
        let byte = if is_space(first) { self.advance_while(is_space) } else { first };
        if matches!(byte, 0 | b'\n') {
            if is_space(first) {
                return None;
            }
        } else {
            self.advance_while(|b| !matches!(b, 0 | b'\n'));
        }
        Some(self.then(State::Init, Token::Text))
    }

    fn text_label(&mut self, byte: u8) -> Token {
        match byte {
            b'"' => self.quoted(Newlines::Allowed, State::Labels, Token::QuotedString),
            b',' => {
                self.advance();
                Token::Comma
            }
            b'=' => {
                self.advance();
                self.then(State::LabelValue, Token::Equal)
            }
            b'}' => {
                self.advance();
                self.then(State::Value, Token::BraceClose)
            }
            byte if starts_label_name(byte) => {
                self.advance_while(continues_label_name);
                Token::LabelName
            }
            _ => Token::Invalid,
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn ends_value(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'{' | 0)
}

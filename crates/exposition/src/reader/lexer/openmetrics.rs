//! Tokens of OpenMetrics 1.0: exactly one blank between the parts, no comments, no blank lines.
use super::{Lexer, Newlines, State, Token};
use crate::name::{continues_label_name, continues_metric_name, starts_label_name, starts_metric_name};

impl Lexer<'_> {
    pub(super) fn openmetrics_token(&mut self) -> Token {
        if self.pos >= self.len() {
            return Token::Eof;
        }
        self.start = self.pos;
        let mut byte = self.current();
        if self.state == State::Init && byte == b'#' {
            if self.advance() != b' ' {
                return Token::Invalid;
            }
            byte = self.advance();
            self.state = State::Comment;
        }
        match self.state {
            State::Init => self.openmetrics_line_start(byte),
            State::Comment => self.openmetrics_keyword(byte),
            State::MetaName => self.openmetrics_meta_name(byte),
            State::MetaText => self.openmetrics_meta_text(byte),
            State::Labels => self.openmetrics_label(byte),
            State::LabelValue => match byte {
                b'"' => self.quoted(Newlines::Refused, State::Labels, Token::LabelValue),
                _ => Token::Invalid,
            },
            State::Value => match byte {
                b'{' => {
                    self.advance();
                    self.then(State::Labels, Token::BraceOpen)
                }
                b' ' => self.word(State::Timestamp, Token::Value),
                _ => Token::Invalid,
            },
            State::Timestamp => self.openmetrics_timestamp(byte),
            State::Exemplar => self.openmetrics_exemplar_label(byte),
            State::ExemplarValue => match byte {
                b'"' => self.quoted(Newlines::Refused, State::Exemplar, Token::LabelValue),
                b' ' => self.word(State::ExemplarTimestamp, Token::Value),
                _ => Token::Invalid,
            },
            State::ExemplarTimestamp => match byte {
                b'\n' => self.end_of_line(),
                b' ' => self.word(State::ExemplarTimestamp, Token::Timestamp),
                _ => Token::Invalid,
            },
        }
    }

    fn openmetrics_line_start(&mut self, byte: u8) -> Token {
        match byte {
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

    fn openmetrics_keyword(&mut self, byte: u8) -> Token {
        let (word, token): (&[u8], _) = match byte {
            b'H' => (b"HELP ", Token::Help),
            b'T' => (b"TYPE ", Token::Type),
            b'U' => (b"UNIT ", Token::Unit),
            b'E' => (b"EOF", Token::EofWord),
            _ => return Token::Invalid,
        };
        if !self.advance_over(word) {
            return Token::Invalid;
        }
        let next = self.advance();
        if token != Token::EofWord {
            return self.then(State::MetaName, token);
        }
        if next == b'\n' {
            self.advance();
        }
        self.then(State::Init, token)
    }

    fn openmetrics_meta_name(&mut self, byte: u8) -> Token {
        if starts_metric_name(byte) {
            self.advance_while(continues_metric_name);
            self.then(State::MetaText, Token::MetricName)
        } else if byte == b'"' {
            self.quoted(Newlines::Allowed, State::MetaText, Token::MetricName)
        } else {
            Token::Invalid
        }
    }

    /// The text starts with its blank and ends with its newline.
    fn openmetrics_meta_text(&mut self, byte: u8) -> Token {
        if byte != b' ' || self.advance_while(|b| !matches!(b, 0 | b'\n')) != b'\n' {
            return Token::Invalid;
        }
        self.content_end = self.pos;
        self.state = State::Init;
        self.advance();
        Token::Text
    }

    fn openmetrics_label(&mut self, byte: u8) -> Token {
        match byte {
            b'"' => self.quoted(Newlines::Allowed, State::Labels, Token::QuotedString),
            b'=' => {
                self.advance();
                self.then(State::LabelValue, Token::Equal)
            }
            b'}' => {
                self.advance();
                self.then(State::Value, Token::BraceClose)
            }
            byte => self.comma_or_label_name(byte),
        }
    }

    fn openmetrics_exemplar_label(&mut self, byte: u8) -> Token {
        match byte {
            b'"' => self.quoted(Newlines::Refused, State::Exemplar, Token::QuotedString),
            b'=' => {
                self.advance();
                self.then(State::ExemplarValue, Token::Equal)
            }
            b'}' => {
                self.advance();
                self.then(State::ExemplarValue, Token::BraceClose)
            }
            byte => self.comma_or_label_name(byte),
        }
    }

    fn comma_or_label_name(&mut self, byte: u8) -> Token {
        if byte == b',' {
            self.advance();
            Token::Comma
        } else if starts_label_name(byte) {
            self.advance_while(continues_label_name);
            Token::LabelName
        } else {
            Token::Invalid
        }
    }

    fn openmetrics_timestamp(&mut self, byte: u8) -> Token {
        match byte {
            b'\n' => self.end_of_line(),
            b' ' => match self.advance() {
                0 | b' ' | b'\n' => Token::Invalid,
                b'#' => match self.advance() {
                    b' ' if self.advance() == b'{' => {
                        self.advance();
                        self.then(State::Exemplar, Token::Comment)
                    }
                    b' ' => Token::Invalid,
                    next => self.rest_of_word(next),
                },
                next => self.rest_of_word(next),
            },
            _ => Token::Invalid,
        }
    }

    fn rest_of_word(&mut self, next: u8) -> Token {
        if !ends_word(next) {
            self.advance_while(|b| !ends_word(b));
        }
        Token::Timestamp
    }

    /// Reads a blank, which is the current byte, and the word behind it; the word must not be empty.
    fn word(&mut self, then: State, token: Token) -> Token {
        if ends_word(self.advance()) {
            return Token::Invalid;
        }
        self.advance_while(|b| !ends_word(b));
        self.then(then, token)
    }

    fn end_of_line(&mut self) -> Token {
        self.advance();
        self.then(State::Init, Token::Linebreak)
    }
}

fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | 0)
}

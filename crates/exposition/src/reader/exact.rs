//! The exact grammar: what Prometheus accepts, and its words for what it does not.
use super::lexer::{Dialect, Lexer, Token};
use super::scanner::Scanner;
use super::to_ms;
use crate::number::{ParseNumberError, parse_integer, parse_value};
use crate::quote::quote;
use crate::{Escaped, Event, Exemplar, MetricType, ParseError, Series};

/// Where labels stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Series,
    Exemplar,
}

impl<'a> Scanner<'a> {
    /// Reads the next entry token by token.
    #[cold]
    pub(super) fn exact_entry(&mut self) -> Result<Option<Event<'a>>, ParseError> {
        loop {
            self.entry_start = self.lexer.pos;
            let token = self.lexer.token();
            let first = self.lexer.start;
            return match (token, self.lexer.dialect()) {
                (Token::Eof, Dialect::Text) => Ok(None),
                (Token::Eof, Dialect::OpenMetrics) => Err(self.unterminated()),
                (Token::EofWord, _) => match self.lexer.token() {
                    Token::Eof => Ok(None),
                    _ => Err(self.error("unexpected data after # EOF")),
                },
                (Token::Linebreak, Dialect::Text) => continue,
                (Token::Help | Token::Type | Token::Unit, _) => self.metadata(token).map(Some),
                (Token::Comment, Dialect::Text) => self.comment().map(Some),
                (Token::BraceOpen, _) => {
                    let named = self.labels(Owner::Series, false)?;
                    let raw = self.lexer.slice(first, self.lexer.pos);
                    let token = self.lexer.token();
                    if named { self.sample(raw, token).map(Some) } else { Err(self.nameless()) }
                }
                (Token::MetricName, _) => {
                    let mut raw = self.lexer.lexeme();
                    let mut token = self.lexer.token();
                    if token == Token::BraceOpen {
                        self.labels(Owner::Series, true)?;
                        raw = self.lexer.slice(first, self.lexer.pos);
                        token = self.lexer.token();
                    }
                    self.sample(raw, token).map(Some)
                }
                _ => Err(self.unexpected("expected a valid start token", token)),
            };
        }
    }

    fn metadata(&mut self, keyword: Token) -> Result<Event<'a>, ParseError> {
        let token = self.lexer.token();
        if token != Token::MetricName {
            return Err(self.unexpected(&format!("expected metric name after {}", keyword.name()), token));
        }
        let name = match self.lexer.lexeme() {
            [b'"', ..] => self.lexer.quoted_content(),
            name => name,
        };
        let family = Escaped::quoted(self.utf8(name, "metric name")?);
        let name_start = self.lexer.start;
        let token = self.lexer.token();
        if token != Token::Text {
            let expected = format!("expected text in {}", keyword.name());
            return Err(match self.lexer.dialect() {
                Dialect::Text => self.error(format!("{expected}, got {}", token.name())),
                Dialect::OpenMetrics => self.error(expected),
            });
        }
        let text = self.lexer.meta_text();
        let event = match (keyword, self.lexer.dialect()) {
            (Token::Help, dialect) => {
                let Ok(text) = std::str::from_utf8(text) else {
                    return Err(self.error(format!("help text {} is not a valid utf8 string", quote(text))));
                };
                let text = match dialect {
                    Dialect::Text => Escaped::help(text),
                    Dialect::OpenMetrics => Escaped::quoted(text),
                };
                Event::Help { family, text }
            }
            (Token::Type, dialect) => {
                let metric_type = match dialect {
                    Dialect::Text => MetricType::parse_text(text),
                    Dialect::OpenMetrics => MetricType::parse_openmetrics(text),
                };
                let Some(metric_type) = metric_type else {
                    return Err(self.error(format!("invalid metric type {}", quote(text))));
                };
                Event::Type { family, metric_type }
            }
            _ => {
                let unit = std::str::from_utf8(text).ok().filter(|unit| {
                    unit.is_empty()
                        || family.as_written().strip_suffix(unit).is_some_and(|base| base.ends_with('_'))
                });
                let Some(unit) = unit else {
                    let reason = format!("unit {} not a suffix of metric {}", quote(text), quote(name));
                    return Err(ParseError::at(self.lexer.body(), name_start, reason));
                };
                Event::Unit { family, unit }
            }
        };
        if self.lexer.dialect() == Dialect::Text {
            self.expect_linebreak("linebreak expected after metadata")?;
        }
        Ok(event)
    }

    fn comment(&mut self) -> Result<Event<'a>, ParseError> {
        let text = self.lexer.lexeme();
        self.expect_linebreak("linebreak expected after comment")?;
        Ok(Event::Comment(text))
    }

    /// Reads labels up to the closing brace. `named` says whether the metric name stood in front of the brace; returns whether it is known now.
    fn labels(&mut self, owner: Owner, mut named: bool) -> Result<bool, ParseError> {
        let mut token = self.lexer.token();
        loop {
            let name = match token {
                Token::BraceClose => return Ok(named),
                Token::LabelName => self.lexer.lexeme(),
                Token::QuotedString => self.lexer.quoted_content(),
                _ => return Err(self.unexpected("expected label name", token)),
            };
            let quoted = token == Token::QuotedString;
            let name_start = self.lexer.start;
            token = self.lexer.token();
            // A quoted string without a value is the metric name.
            if quoted && matches!(token, Token::Comma | Token::BraceClose) {
                if owner == Owner::Exemplar {
                    return Err(self.unexpected("expected label name", token));
                }
                if named {
                    return Err(
                        self.error(format!("metric name already set while parsing: {}", self.quoted_entry()))
                    );
                }
                self.utf8_at(name, name_start, "metric name")?;
                named = true;
                if token == Token::BraceClose {
                    return Ok(named);
                }
                token = self.lexer.token();
                continue;
            }
            if token != Token::Equal {
                return Err(self.unexpected("expected equal", token));
            }
            self.utf8_at(name, name_start, "label name")?;
            token = self.lexer.token();
            if token != Token::LabelValue {
                return Err(self.unexpected("expected label value", token));
            }
            self.utf8(self.lexer.lexeme(), "label value")?;
            token = self.lexer.token();
            if token == Token::Comma {
                token = self.lexer.token();
            } else if token != Token::BraceClose && self.lexer.dialect() == Dialect::OpenMetrics {
                return Err(self.unexpected("expected comma or brace close", token));
            }
        }
    }

    /// Reads the value and what follows it, to the end of the line.
    fn sample(&mut self, raw: &'a [u8], token: Token) -> Result<Event<'a>, ParseError> {
        let value = self.value(token, "metric")?;
        let mut series = Series::new(raw, false, value);
        match self.lexer.dialect() {
            Dialect::Text => self.text_tail(&mut series)?,
            Dialect::OpenMetrics => self.openmetrics_tail_exactly(&mut series)?,
        }
        Ok(Event::Series(series))
    }

    fn text_tail(&mut self, series: &mut Series<'a>) -> Result<(), ParseError> {
        match self.lexer.token() {
            Token::Linebreak => Ok(()),
            Token::Timestamp => {
                let digits = self.lexer.lexeme();
                series.timestamp_ms = Some(parse_integer(digits).map_err(|e| self.bad_number(&e))?);
                self.expect_linebreak("expected next entry after timestamp")
            }
            token => Err(self.unexpected("expected timestamp or new record", token)),
        }
    }

    fn openmetrics_tail_exactly(&mut self, series: &mut Series<'a>) -> Result<(), ParseError> {
        match self.lexer.token() {
            Token::Eof => return Err(self.unterminated()),
            Token::Comment => series.exemplar = Some(self.exemplar()?),
            Token::Timestamp => {
                series.timestamp_ms = Some(self.timestamp("timestamp")?);
                match self.lexer.token() {
                    Token::Linebreak => {}
                    Token::Comment => series.exemplar = Some(self.exemplar()?),
                    token => return Err(self.unexpected("expected next entry after timestamp", token)),
                }
            }
            // Anything else is reported when the next entry is to start in the middle of the line, as Prometheus does.
            _ => {}
        }
        Ok(())
    }

    fn exemplar(&mut self) -> Result<Exemplar<'a>, ParseError> {
        let open = self.lexer.pos - 1;
        self.labels(Owner::Exemplar, false)?;
        let raw_labels = self.lexer.slice(open, self.lexer.pos);
        let token = self.lexer.token();
        let value = self.value(token, "exemplar labels")?;
        let mut exemplar = Exemplar::new(raw_labels, value);
        match self.lexer.token() {
            Token::Eof => return Err(self.unterminated()),
            Token::Linebreak => {}
            Token::Timestamp => {
                exemplar.timestamp_ms = Some(self.timestamp("exemplar timestamp")?);
                self.expect_linebreak("expected next entry after exemplar timestamp")?;
            }
            token => return Err(self.unexpected("expected timestamp or comment", token)),
        }
        Ok(exemplar)
    }

    fn value(&self, token: Token, after: &str) -> Result<f64, ParseError> {
        if token != Token::Value {
            return Err(self.unexpected(&format!("expected value after {after}"), token));
        }
        parse_value(self.number_text()).map_err(|e| self.bad_number(&e))
    }

    /// The time that the current token gives in seconds, in milliseconds.
    fn timestamp(&self, what: &str) -> Result<i64, ParseError> {
        let seconds = parse_value(self.number_text()).map_err(|e| self.bad_number(&e))?;
        to_ms(seconds).ok_or_else(|| {
            let shown = if seconds.is_nan() {
                "NaN"
            } else if seconds > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            self.error(format!("invalid {what} {shown}"))
        })
    }

    /// The number of the current token: in OpenMetrics, the token starts with its blank.
    fn number_text(&self) -> &'a [u8] {
        let text = self.lexer.lexeme();
        match self.lexer.dialect() {
            Dialect::Text => text,
            Dialect::OpenMetrics => text.get(1..).unwrap_or_default(),
        }
    }

    fn expect_linebreak(&mut self, expected: &str) -> Result<(), ParseError> {
        match self.lexer.token() {
            Token::Linebreak => Ok(()),
            token => Err(self.unexpected(expected, token)),
        }
    }

    fn utf8(&self, text: &'a [u8], what: &str) -> Result<&'a str, ParseError> {
        self.utf8_at(text, self.lexer.start, what)
    }

    fn utf8_at(&self, text: &'a [u8], offset: usize, what: &str) -> Result<&'a str, ParseError> {
        std::str::from_utf8(text).map_err(|_| {
            ParseError::at(self.lexer.body(), offset, format!("invalid UTF-8 {what}: {}", quote(text)))
        })
    }

    fn unterminated(&self) -> ParseError {
        ParseError::at(self.lexer.body(), self.lexer.body().len(), "data does not end with # EOF")
    }

    fn nameless(&self) -> ParseError {
        self.error(format!("metric name not set while parsing: {}", self.quoted_entry()))
    }

    fn bad_number(&self, error: &ParseNumberError) -> ParseError {
        self.error(format!("{error} while parsing: {}", self.quoted_entry()))
    }

    /// An error about the token `got`. The shown texts reach one byte beyond the token.
    fn unexpected(&self, expected: &str, got: Token) -> ParseError {
        let Lexer { start, pos, .. } = self.lexer;
        let shown = quote(&self.lexer.slice_for_message(start, pos + 1));
        let entry = quote(&self.lexer.slice_for_message(self.entry_start, pos + 1));
        self.error(format!("{expected}, got {shown} ({:?}) while parsing: {entry}", got.name()))
    }

    /// The entry as far as it was read.
    fn quoted_entry(&self) -> String {
        quote(&self.lexer.slice_for_message(self.entry_start, self.lexer.pos))
    }

    /// An error at the current token.
    fn error(&self, reason: impl Into<String>) -> ParseError {
        ParseError::at(self.lexer.body(), self.lexer.start, reason)
    }
}

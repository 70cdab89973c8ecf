use std::sync::Arc;

use bellwether_model::{parse_duration_ms, stale_nan};

use super::histogram::HistogramLiteral;
use super::lexer::{BadToken, SeriesLexer, SeriesToken};
use super::{MAX_SERIES_VALUES, SequenceValue};
use crate::syntax::error::ParseError;
use crate::syntax::number::{parse_number, seconds};
use crate::syntax::operator::BinaryOp;
use crate::syntax::quote::quote;
use crate::syntax::span::TextSpan;
use crate::syntax::token::{TokenKind, describe};

/// Reads the values that begin at `start` in a series line. The first mistake ends the reading.
pub(super) fn parse_values(line: &str, start: usize) -> Result<Vec<SequenceValue>, ParseError> {
    let mut reader = ValueReader::new(line, start)?;
    let mut values = Vec::new();
    while reader.token != SeriesToken::End {
        reader.expect(SeriesToken::Space)?;
        if reader.token != SeriesToken::End {
            reader.context = Context::Values;
            reader.item(&mut values)?;
        }
        reader.context = Context::BetweenValues;
    }
    Ok(values)
}

/// What was being read when something unexpected came: messages say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    Values,
    /// Behind a complete value.
    BetweenValues,
    /// In a histogram behind its first field.
    Histogram,
}

/// The value part of a line and the token that comes next.
pub(super) struct ValueReader<'a> {
    line: &'a str,
    lexer: SeriesLexer<'a>,
    pub(super) token: SeriesToken,
    pub(super) span: TextSpan,
    pub(super) context: Context,
}

impl<'a> ValueReader<'a> {
    fn new(line: &'a str, start: usize) -> Result<Self, ParseError> {
        let lexer = SeriesLexer::new(line, start);
        let span = TextSpan::new(start, start);
        let mut reader = Self { line, lexer, token: SeriesToken::End, span, context: Context::Values };
        reader.advance()?;
        Ok(reader)
    }

    /// Goes to the next token.
    pub(super) fn advance(&mut self) -> Result<(), ParseError> {
        match self.lexer.next() {
            Ok(token) => {
                self.token = token;
                self.span = self.lexer.span();
                Ok(())
            }
            Err(BadToken { message, start }) => {
                Err(ParseError { message, span: TextSpan::new(start, self.line.len()) })
            }
        }
    }

    /// Goes to the next token if this one is of the given kind, and says whether it was.
    pub(super) fn skip(&mut self, token: SeriesToken) -> Result<bool, ParseError> {
        let matches = self.token == token;
        if matches {
            self.advance()?;
        }
        Ok(matches)
    }

    pub(super) fn expect(&mut self, token: SeriesToken) -> Result<(), ParseError> {
        if self.skip(token)? { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The complaint that the current token does not fit.
    pub(super) fn unexpected(&self) -> ParseError {
        self.unexpected_but(match self.context {
            Context::Values | Context::BetweenValues => "",
            Context::Histogram => "histogram description key, e.g. buckets:[5 10 7]",
        })
    }

    /// The complaint that something else was expected than the current token.
    fn unexpected_but(&self, expected: &str) -> ParseError {
        let text = self.span.text(self.line);
        let token = match self.token {
            SeriesToken::End => describe(TokenKind::EndOfInput, ""),
            SeriesToken::Number => describe(TokenKind::Number, text),
            SeriesToken::Duration => describe(TokenKind::Duration, text),
            SeriesToken::Plus => describe(TokenKind::Binary(BinaryOp::Add), text),
            SeriesToken::Minus => describe(TokenKind::Binary(BinaryOp::Sub), text),
            SeriesToken::Word(kind) => describe(kind, text),
            // Any number of blanks are one token.
            SeriesToken::Space => quote(&text[..1]),
            SeriesToken::Times
            | SeriesToken::Blank
            | SeriesToken::OpenHistogram
            | SeriesToken::CloseHistogram
            | SeriesToken::Key(_)
            | SeriesToken::Hint(_)
            | SeriesToken::Colon
            | SeriesToken::LeftBracket
            | SeriesToken::RightBracket => quote(text),
        };
        let context = match self.context {
            Context::Values => " in series values",
            Context::BetweenValues => "",
            Context::Histogram => " in histogram description",
        };
        let mut message = format!("unexpected {token}{context}");
        if !expected.is_empty() {
            message.push_str(", expected ");
            message.push_str(expected);
        }
        self.error(message)
    }

    /// An error about the current token.
    pub(super) fn error(&self, message: String) -> ParseError {
        ParseError { message, span: self.span }
    }

    /// One item, which can stand for many values.
    fn item(&mut self, values: &mut Vec<SequenceValue>) -> Result<(), ParseError> {
        match self.token {
            SeriesToken::Blank => {
                self.advance()?;
                let n = if self.skip(SeriesToken::Times)? { self.repetitions(0, values)? } else { 1 };
                values.extend(std::iter::repeat_n(SequenceValue::Omitted, n));
                Ok(())
            }
            SeriesToken::OpenHistogram => self.histograms(values),
            SeriesToken::Word(_) => {
                if self.span.text(self.line) != "stale" {
                    return Err(self.unexpected_but("number or \"stale\""));
                }
                self.advance()?;
                self.floats(stale_nan(), values)
            }
            _ => {
                let first = self.number()?;
                self.floats(first, values)
            }
        }
    }

    /// The rest of an item that began with a float: `x3`, `+1x3` or nothing.
    fn floats(&mut self, first: f64, values: &mut Vec<SequenceValue>) -> Result<(), ParseError> {
        let mut step = None;
        if matches!(self.token, SeriesToken::Plus | SeriesToken::Minus) {
            step = Some(self.number()?);
            if self.token != SeriesToken::Times {
                return Err(self.unexpected());
            }
        }
        if !self.skip(SeriesToken::Times)? {
            values.push(SequenceValue::Float(first));
            return Ok(());
        }
        let mut value = first;
        for _ in 0..self.repetitions(1, values)? {
            values.push(SequenceValue::Float(value));
            if let Some(step) = step {
                value += step;
            }
        }
        Ok(())
    }

    /// An item that begins with a histogram.
    fn histograms(&mut self, values: &mut Vec<SequenceValue>) -> Result<(), ParseError> {
        let HistogramLiteral { histogram, mut hint_given } = self.histogram()?;
        let mut histogram = Arc::new(histogram);
        let sign = self.token;
        let step = match sign {
            SeriesToken::Plus | SeriesToken::Minus => {
                self.advance()?;
                let step = self.histogram()?;
                // Prometheus goes by the hint of the step.
                hint_given = step.hint_given;
                if self.token != SeriesToken::Times {
                    return Err(self.unexpected());
                }
                Some(step.histogram)
            }
            _ => None,
        };
        if !self.skip(SeriesToken::Times)? {
            values.push(SequenceValue::Histogram { histogram, hint_given });
            return Ok(());
        }
        let blame = self.span;
        let error = |message: String| ParseError { message, span: blame };
        let n = self.repetitions(1, values)?;
        for idx in 0..n {
            values.push(SequenceValue::Histogram { histogram: Arc::clone(&histogram), hint_given });
            if let (Some(step), true) = (&step, idx + 1 < n) {
                if histogram.schema > step.schema {
                    let (from, to) = (step.schema, histogram.schema);
                    return Err(error(format!(
                        "error combining histograms: cannot merge from schema {from} to {to}"
                    )));
                }
                let next = Arc::make_mut(&mut histogram);
                let done = if sign == SeriesToken::Plus { next.add(step) } else { next.sub(step) };
                done.map_err(|e| error(e.to_string()))?;
            }
        }
        Ok(())
    }

    /// The number behind `x` plus `extra`, as long as the line does not become too long by it.
    fn repetitions(&mut self, extra: usize, values: &[SequenceValue]) -> Result<usize, ParseError> {
        if self.token != SeriesToken::Number {
            return Err(self.unexpected());
        }
        let n = match self.unsigned() {
            Ok(n) => n,
            Err(why) => return Err(self.error(format!("invalid repetition in series values: {why}"))),
        };
        let free = MAX_SERIES_VALUES.saturating_sub(values.len());
        let n = usize::try_from(n).ok().and_then(|n| n.checked_add(extra)).filter(|n| *n <= free);
        let Some(n) = n else {
            return Err(self.error(format!("too many values: at most {MAX_SERIES_VALUES} are allowed")));
        };
        self.advance()?;
        Ok(n)
    }

    /// The current number token as a whole number without sign, or what is wrong with it.
    fn unsigned(&self) -> Result<u64, String> {
        let text = self.span.text(self.line);
        text.parse::<u64>().map_err(|_| {
            let digits = text.bytes().all(|b| b.is_ascii_digit());
            let why = if digits { "value out of range" } else { "invalid syntax" };
            format!("strconv.ParseUint: parsing {}: {why}", quote(text))
        })
    }

    /// A whole number with or without a minus sign.
    pub(super) fn integer(&mut self) -> Result<i64, ParseError> {
        let negative = self.skip(SeriesToken::Minus)?;
        if self.token != SeriesToken::Number {
            return Err(self.unexpected());
        }
        let n = self.unsigned().and_then(|n| {
            let out_of_range = |_| format!("{n} is out of range");
            i64::try_from(n).map_err(out_of_range)
        });
        match n {
            Ok(n) => {
                self.advance()?;
                Ok(if negative { -n } else { n })
            }
            Err(why) => Err(self.error(format!("invalid repetition in series values: {why}"))),
        }
    }

    /// A number or duration with or without a sign.
    pub(super) fn number(&mut self) -> Result<f64, ParseError> {
        let sign = match self.token {
            SeriesToken::Plus => {
                self.advance()?;
                1.0
            }
            SeriesToken::Minus => {
                self.advance()?;
                -1.0
            }
            _ => 1.0,
        };
        Ok(sign * self.unsigned_number()?)
    }

    /// A number or duration without a sign.
    pub(super) fn unsigned_number(&mut self) -> Result<f64, ParseError> {
        let text = self.span.text(self.line);
        let value = match self.token {
            SeriesToken::Number => match parse_number(text) {
                (value, None) => value,
                (_, Some(message)) => return Err(self.error(message)),
            },
            SeriesToken::Duration => match parse_duration_ms(text) {
                Ok(ms) => seconds(ms),
                Err(e) => return Err(self.error(e.to_string())),
            },
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        Ok(value)
    }
}

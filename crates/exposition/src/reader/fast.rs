//! The lines that nearly all exporters write, read without tokens.
//!
//! The fast path accepts a subset of what the exact grammar accepts and reads the same from it; it never reports an error. Whatever it does
//! not know it leaves to the exact grammar. A property test compares the two.
use super::Entry;
use super::lexer::{Dialect, State};
use super::scanner::Scanner;
use crate::name::{starts_label_name, starts_metric_name};
use crate::number::{parse_integer, parse_value, scan_decimal};
use crate::words::{skip_label_name, skip_metric_name, skip_plain_value};
use crate::{Escaped, Event, Exemplar, MetricType, Series};

impl<'a> Scanner<'a> {
    /// Reads the next line if it is an ordinary sample. If it is one of the series `expected`, its labels are not looked at again.
    ///
    /// The result is what the reader returns, so that an event is written once, where the caller wants it, and not moved.
    #[inline]
    pub(super) fn fast_sample(&mut self, expected: &[u8]) -> Option<Entry<'a>> {
        if self.lexer.state != State::Init {
            return None;
        }
        self.entry_start = self.lexer.pos;
        let line = self.rest();
        if !expected.is_empty() && line.starts_with(expected) {
            // The blank behind the series is the border: without it, `expected` could be the start of a longer name. In text 0.0.4, labels
            // may follow the blank, but then no number does.
            let entry = self.fast_value(line, expected.len(), true);
            if entry.is_some() {
                return entry;
            }
        }
        if !starts_metric_name(*line.first()?) {
            return None;
        }
        let len = self.skip_series(line)?;
        self.fast_value(line, len, false)
    }

    /// Steps over the next line if it is one of the series `expected` with a value and nothing else.
    #[inline]
    pub(super) fn take_value(&mut self, expected: &[u8]) -> Option<f64> {
        let line = self.rest();
        if expected.is_empty() || self.lexer.state != State::Init || !line.starts_with(expected) {
            return None;
        }
        let (value, end) = number(line, expected.len())?;
        if line.get(end) != Some(&b'\n') {
            return None;
        }
        self.entry_start = self.lexer.pos;
        self.lexer.pos += end + 1;
        Some(value)
    }

    /// Reads the next line if it is ordinary metadata.
    pub(super) fn fast_metadata(&mut self) -> Option<Event<'a>> {
        let line = self.rest();
        if self.lexer.state != State::Init || line.first() != Some(&b'#') || !self.is_plain() {
            return None;
        }
        let len = memchr::memchr(b'\n', line)?;
        let event = metadata(&line[..len], self.lexer.dialect())?;
        self.lexer.pos += len + 1;
        Some(event)
    }

    fn rest(&self) -> &'a [u8] {
        self.lexer.slice(self.lexer.pos, usize::MAX)
    }

    /// Steps over a series. Returns where it ends.
    #[inline]
    fn skip_series(&mut self, line: &'a [u8]) -> Option<usize> {
        // The series of a family begin alike.
        if !self.opening.is_empty() && line.starts_with(self.opening) {
            return skip_labels_from_value(line, self.opening.len());
        }
        let len = skip_metric_name(line, 1);
        if line.get(len) != Some(&b'{') {
            return Some(len);
        }
        if !self.is_plain() {
            return None;
        }
        let Some(value) = skip_label_start(line, len + 1) else {
            return skip_labels(line, len + 1);
        };
        self.opening = &line[..value];
        skip_labels_from_value(line, value)
    }

    /// Reads what follows the series, which is `line[..len]`, and steps to the next line.
    #[inline]
    fn fast_value(&mut self, line: &'a [u8], len: usize, expected: bool) -> Option<Entry<'a>> {
        let (value, end) = number(line, len)?;
        let series = Series::new(&line[..len], expected, value);
        if line.get(end) == Some(&b'\n') {
            self.lexer.pos += end + 1;
            return Some(Ok(Event::Series(series)));
        }
        self.fast_tail(line, end, series)
    }

    /// Reads what follows the value. Most samples have nothing there, so this is kept out of their way.
    #[inline(never)]
    fn fast_tail(&mut self, line: &'a [u8], from: usize, mut series: Series<'a>) -> Option<Entry<'a>> {
        let end = match self.lexer.dialect() {
            Dialect::Text => text_tail(line, from, &mut series)?,
            Dialect::OpenMetrics => self.openmetrics_tail(line, from, &mut series)?,
        };
        self.lexer.pos += end + 1;
        Some(Ok(Event::Series(series)))
    }

    /// Reads a timestamp and an exemplar. Returns where the line ends.
    fn openmetrics_tail(&mut self, line: &'a [u8], from: usize, series: &mut Series<'a>) -> Option<usize> {
        let mut end = from;
        if !line[end..].starts_with(b" #") {
            let (seconds, timestamp_end) = number(line, end)?;
            series.timestamp_ms = Some(super::to_ms(seconds)?);
            end = timestamp_end;
        }
        if line[end..].starts_with(b" # {") {
            if !self.is_plain() {
                return None;
            }
            let open = end + 3;
            let close = skip_labels(line, open + 1)?;
            let (value, value_end) = number(line, close)?;
            end = value_end;
            let mut exemplar = Exemplar::new(&line[open..close], value);
            if line.get(end) == Some(&b' ') {
                let (seconds, timestamp_end) = number(line, end)?;
                exemplar.timestamp_ms = Some(super::to_ms(seconds)?);
                end = timestamp_end;
            }
            series.exemplar = Some(exemplar);
        }
        (line.get(end) == Some(&b'\n')).then_some(end)
    }
}

/// Reads a metadata line, which is UTF-8.
fn metadata(line: &[u8], dialect: Dialect) -> Option<Event<'_>> {
    let (keyword, content) = line.strip_prefix(b"# ")?.split_at_checked(5)?;
    if !starts_metric_name(*content.first()?) {
        return None;
    }
    let name_len = skip_metric_name(content, 1);
    let family = Escaped::quoted(std::str::from_utf8(&content[..name_len]).ok()?);
    let text = content[name_len..].strip_prefix(b" ")?;
    // Text 0.0.4 treats white space in front of a help text in its own way.
    if dialect == Dialect::Text && matches!(text.first(), None | Some(b' ' | b'\t')) {
        return None;
    }
    Some(match (keyword, dialect) {
        (b"HELP ", Dialect::Text) => {
            Event::Help { family, text: Escaped::help(std::str::from_utf8(text).ok()?) }
        }
        (b"HELP ", Dialect::OpenMetrics) => {
            Event::Help { family, text: Escaped::quoted(std::str::from_utf8(text).ok()?) }
        }
        (b"TYPE ", Dialect::Text) => Event::Type { family, metric_type: MetricType::parse_text(text)? },
        (b"TYPE ", Dialect::OpenMetrics) => {
            Event::Type { family, metric_type: MetricType::parse_openmetrics(text)? }
        }
        _ => return None,
    })
}

/// Reads ` [0-9]+`. Returns where the line ends.
fn text_tail(line: &[u8], from: usize, series: &mut Series<'_>) -> Option<usize> {
    let digits = line.get(from..)?.strip_prefix(b" ")?;
    let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    series.timestamp_ms = Some(parse_integer(&digits[..len]).ok()?);
    (digits.get(len) == Some(&b'\n')).then_some(from + 1 + len)
}

/// Reads a blank and the number behind it, which must end at a blank or a newline. Returns the number and where it ends.
#[inline]
fn number(line: &[u8], from: usize) -> Option<(f64, usize)> {
    if line.get(from) != Some(&b' ') {
        return None;
    }
    let text = &line[from + 1..];
    if let Some((value, len)) = scan_decimal(text)
        && matches!(text.get(len), Some(b' ' | b'\n'))
    {
        return Some((value, from + 1 + len));
    }
    other_number(text).map(|(value, len)| (value, from + 1 + len))
}

fn other_number(text: &[u8]) -> Option<(f64, usize)> {
    /// Longer numbers are left to the exact grammar, so that a line is not scanned twice.
    const MAX_LEN: usize = 64;
    let len = text.iter().take(MAX_LEN).position(|b| matches!(b, b' ' | b'\n'))?;
    Some((parse_value(&text[..len]).ok()?, len))
}

/// Steps over labels, whose opening brace or separating comma is before `from`. Returns where they end, closing brace included.
fn skip_labels(line: &[u8], from: usize) -> Option<usize> {
    if line.get(from) == Some(&b'}') {
        return Some(from + 1);
    }
    skip_labels_from_value(line, skip_label_start(line, from)?)
}

/// As [`skip_labels`], from behind the opening quote of a value on.
#[inline]
fn skip_labels_from_value(line: &[u8], from: usize) -> Option<usize> {
    let mut idx = from;
    loop {
        idx = skip_value(line, idx)?;
        match line.get(idx)? {
            b',' if line.get(idx + 1) == Some(&b'}') => return Some(idx + 2),
            b',' => idx = skip_label_start(line, idx + 1)?,
            b'}' => return Some(idx + 1),
            _ => return None,
        }
    }
}

/// Steps over a label name, the equals sign and the opening quote of its value.
#[inline]
fn skip_label_start(line: &[u8], from: usize) -> Option<usize> {
    if !starts_label_name(*line.get(from)?) {
        return None;
    }
    let end = skip_label_name(line, from + 1);
    line[end..].starts_with(b"=\"").then_some(end + 2)
}

/// Steps over a label value, whose opening quote is before `from`. Returns where it ends, closing quote included.
#[inline]
fn skip_value(line: &[u8], from: usize) -> Option<usize> {
    let mut idx = from;
    loop {
        idx = skip_plain_value(line, idx);
        match line.get(idx)? {
            b'"' => return Some(idx + 1),
            b'\\' if *line.get(idx + 1)? != b'\n' => idx += 2,
            _ => return None,
        }
    }
}

use bellwether_model::{Labels, parse_duration_ms};

use super::MAX_SERIES_VALUES;
use crate::syntax::error::{ParseError, ParseErrors};
use crate::syntax::lexer::is_space;
use crate::syntax::parser::parse_series_labels;
use crate::syntax::quote::quote;
use crate::syntax::span::TextSpan;

/// What marks a line as one with start timestamps: it stands directly behind the label set.
const MARK: &str = "@st";

/// The start timestamps for the samples of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartTimestamps {
    /// The labels, the metric name included.
    pub labels: Labels,
    /// For each step the milliseconds to add to the time of the sample; `None` if its start is not known.
    pub offsets_ms: Vec<Option<i64>>,
}

/// Reads a line such as `requests{job="api"}@st _ -1m -30s-1mx3`, or returns `None` if `line` has no `@st` behind its label set.
///
/// Items are durations with or without a sign; `-1mx3` repeats one three more times, `-30s-1mx3` adds a minute each time, `_` and `_x3`
/// leave starts unknown.
pub fn parse_start_timestamps(line: &str) -> Option<Result<StartTimestamps, ParseErrors>> {
    let mark = mark_position(line)?;
    Some(read(line, mark))
}

/// Where the mark begins: behind the first braces, or else behind the name.
fn mark_position(line: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (idx, c) in line.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some('"' | '\''), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '@') => {
                let behind = line[idx..].strip_prefix(MARK)?;
                return behind.bytes().next().is_none_or(is_space).then_some(idx);
            }
            _ => {}
        }
    }
    None
}

fn read(line: &str, mark: usize) -> Result<StartTimestamps, ParseErrors> {
    let refuse = |error| ParseErrors::new(line, vec![error]);
    let head = &line[..mark];
    let (labels, end) = parse_series_labels(head)?;
    if end != head.len() {
        let message = "@st must directly follow the label set".to_owned();
        return Err(refuse(ParseError { message, span: TextSpan::new(mark, mark + MARK.len()) }));
    }
    let mut offsets_ms = Vec::new();
    let mut pos = mark + MARK.len();
    for item in line[pos..].split(|c: char| c.is_ascii() && is_space(c as u8)) {
        let span = TextSpan::new(pos, pos + item.len());
        pos += item.len() + 1;
        if !item.is_empty() {
            push_item(&mut offsets_ms, item).map_err(|message| refuse(ParseError { message, span }))?;
        }
    }
    Ok(StartTimestamps { labels, offsets_ms })
}

fn push_item(offsets_ms: &mut Vec<Option<i64>>, item: &str) -> Result<(), String> {
    let (value, repeat) = match item.split_once('x') {
        Some((value, repeat)) => {
            let n: usize = repeat.parse().map_err(|_| {
                format!("invalid repetition {} in start timestamp {}", quote(repeat), quote(item))
            })?;
            (value, Some(n))
        }
        None => (item, None),
    };
    let n = match (value, repeat) {
        ("_", n) => n.unwrap_or(1),
        (_, n) => n.unwrap_or(0).saturating_add(1),
    };
    if n > MAX_SERIES_VALUES.saturating_sub(offsets_ms.len()) {
        return Err(format!("too many start timestamps: at most {MAX_SERIES_VALUES} are allowed"));
    }
    if value == "_" {
        offsets_ms.extend(std::iter::repeat_n(None, n));
        return Ok(());
    }
    let (mut offset, rest) = signed_duration(value)?;
    let step = match rest {
        "" => 0,
        rest if repeat.is_some() => match signed_duration(rest)? {
            (step, "") => step,
            (_, rest) => return Err(unexpected(rest, item)),
        },
        rest => return Err(unexpected(rest, item)),
    };
    for _ in 0..n {
        offsets_ms.push(Some(offset));
        offset = offset.saturating_add(step);
    }
    Ok(())
}

fn unexpected(rest: &str, item: &str) -> String {
    format!("unexpected {} in start timestamp {}", quote(rest), quote(item))
}

/// A duration with or without a sign at the start of `s`, and what follows it.
fn signed_duration(s: &str) -> Result<(i64, &str), String> {
    let unsigned = s.strip_prefix(['-', '+']).unwrap_or(s);
    let len = unsigned.find(['-', '+']).unwrap_or(unsigned.len());
    let ms = parse_duration_ms(&unsigned[..len]).map_err(|e| e.to_string())?;
    Ok((if s.starts_with('-') { -ms } else { ms }, &unsigned[len..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_offsets() {
        let check = |line: &str, labels: &str, want: &[Option<i64>]| {
            let got = parse_start_timestamps(line).expect("has the mark").expect("parses");
            assert_eq!(got.labels.to_string(), labels);
            assert_eq!(got.offsets_ms, want, "{line}");
        };
        check("m@st _ _x2 -1m", "m", &[None, None, None, Some(-60_000)]);
        check(
            r#"m{a="@st x"}@st  0-1mx2 1ms"#,
            r#"m{a="@st x"}"#,
            &[Some(0), Some(-60_000), Some(-120_000), Some(1)],
        );
        check("{}@st -30s+1mx1 -1sx1", "{}", &[Some(-30_000), Some(30_000), Some(-1000), Some(-1000)]);
        check("m@st", "m", &[]);
    }

    #[test]
    fn other_lines_are_not_its_business() {
        for line in ["m 1 2", r#"m{a="b@st"} 1"#, "m@sta 1", ""] {
            assert_eq!(parse_start_timestamps(line), None, "{line}");
        }
    }

    #[test]
    fn errors_name_the_item() {
        let check = |line: &str, want: &str| {
            let got = parse_start_timestamps(line).expect("has the mark").map_err(|e| e.to_string());
            assert_eq!(got, Err(want.to_owned()));
        };
        check("m@st _ 5", "1:8: parse error: not a valid duration string: \"5\"");
        check("m@st -1mx", "1:6: parse error: invalid repetition \"\" in start timestamp \"-1mx\"");
        check("m@st -1m-1m", "1:6: parse error: unexpected \"-1m\" in start timestamp \"-1m-1m\"");
        check("m@st _x99999999", "1:6: parse error: too many start timestamps: at most 5000000 are allowed");
        check("m{a=b}@st _", "1:5: parse error: unexpected identifier \"b\" in label set, expected string");
        check("m @st _", "1:3: parse error: @st must directly follow the label set");
    }
}

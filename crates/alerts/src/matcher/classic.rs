//! The grammar of matchers before Alertmanager 0.27.

use bellwether_model::MatchOp;

use super::{Matcher, MatcherError};

pub(super) fn parse(text: &str) -> Result<Vec<Matcher>, MatcherError> {
    let inner = text.strip_prefix('{').unwrap_or(text);
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    split(inner).into_iter().map(parse_one).collect()
}

/// Cuts at the commas that are not in quotes. What is behind the last comma counts only if there is something.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (idx, c) in text.char_indices() {
        match c {
            ',' if !quoted => {
                parts.push(&text[start..idx]);
                start = idx + 1;
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        parts.push(last);
    }
    parts
}

fn parse_one(text: &str) -> Result<Matcher, MatcherError> {
    let malformed = || MatcherError::Format(text.to_owned());
    let trimmed = text.trim();
    let name_end = trimmed.find(|c: char| !is_name(c)).unwrap_or(trimmed.len());
    let (name, rest) = trimmed.split_at(name_end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(malformed());
    }
    let rest = rest.trim_start();
    let (op, value) = [MatchOp::Re, MatchOp::Nre, MatchOp::Ne, MatchOp::Eq]
        .into_iter()
        .find_map(|op| Some((op, rest.strip_prefix(op.as_str())?)))
        .ok_or_else(malformed)?;
    Ok(Matcher::new(op, name, unescape(value.trim())?)?)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

/// The value that is meant. Quotes stand around all of it or not at all; a backslash that escapes nothing stands for itself.
fn unescape(written: &str) -> Result<String, MatcherError> {
    let unbalanced = || MatcherError::Quote(written.to_owned());
    let opened = written.strip_prefix('"');
    let mut closed = opened.is_none();
    let mut value = String::with_capacity(written.len());
    let mut chars = opened.unwrap_or(written).chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek().copied()) {
            ('\\', Some(next)) => {
                chars.next();
                match next {
                    'n' => value.push('\n'),
                    '"' | '\\' => value.push(next),
                    other => value.extend(['\\', other]),
                }
            }
            ('"', None) if !closed => closed = true,
            ('"', _) => return Err(unbalanced()),
            _ => value.push(c),
        }
    }
    if closed { Ok(value) } else { Err(unbalanced()) }
}

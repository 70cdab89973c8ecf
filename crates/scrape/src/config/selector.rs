//! The selectors of Kubernetes, checked before the API server has to refuse them.

/// Why a selector is refused. The sentences are those of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// A part of a field selector that compares nothing.
    #[error("invalid selector: '{selector}'; can't understand '{part}'")]
    Field {
        /// The whole selector.
        selector: String,
        /// The part.
        part: String,
    },
    /// A label selector that is cut off or has something in the wrong place.
    #[error("unable to parse requirement: found '{found}', expected: {expected}")]
    Unexpected {
        /// What is there; empty at the end.
        found: String,
        /// What could be there.
        expected: &'static str,
    },
    /// A key or value that no label can have.
    #[error(
        "unable to parse requirement: {what} {text:?}: must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
    )]
    Name {
        /// `label key` or `label value`.
        what: &'static str,
        /// What is there.
        text: String,
    },
    /// A key or value that is too long.
    #[error("unable to parse requirement: {what} {text:?}: must be no more than {limit} characters")]
    TooLong {
        /// `label key` or `label value`.
        what: &'static str,
        /// What is there.
        text: String,
        /// The largest length.
        limit: usize,
    },
    /// A comparison with something that is no number.
    #[error(
        "unable to parse requirement: values: Invalid value: {0:?}: for 'Gt', 'Lt' operators, the value must be an integer"
    )]
    NotANumber(String),
}

/// Checks a field selector: comparisons `key=value`, `key==value` or `key!=value` with commas between them.
pub(super) fn check_field_selector(selector: &str) -> Result<(), SelectorError> {
    for part in split_unescaped(selector).into_iter().filter(|part| !part.is_empty()) {
        if !part.contains('=') {
            return Err(SelectorError::Field { selector: selector.to_owned(), part: part.to_owned() });
        }
    }
    Ok(())
}

/// The parts between commas that are not behind a backslash.
fn split_unescaped(selector: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in selector.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.push(&selector[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&selector[start..]);
    parts
}

/// Checks a label selector: requirements such as `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, `a>1` with commas between them.
pub(super) fn check_label_selector(selector: &str) -> Result<(), SelectorError> {
    let mut tokens = Tokens { rest: selector };
    if tokens.peek().is_empty() {
        return Ok(());
    }
    loop {
        requirement(&mut tokens)?;
        match tokens.next() {
            "" => return Ok(()),
            "," => {}
            found => return Err(unexpected(found, "',' or 'end of string'")),
        }
    }
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<(), SelectorError> {
    if tokens.peek() == "!" {
        tokens.next();
        return check_key(word(tokens.next(), "identifier")?);
    }
    check_key(word(tokens.next(), "identifier")?)?;
    match tokens.peek() {
        // `a` alone: the label exists.
        "" | "," => Ok(()),
        "=" | "==" | "!=" => {
            tokens.next();
            match tokens.peek() {
                "" | "," => Ok(()),
                _ => check_value(word(tokens.next(), "identifier")?),
            }
        }
        ">" | "<" => {
            tokens.next();
            let value = word(tokens.next(), "identifier")?;
            match value.parse::<i64>() {
                Ok(_) => Ok(()),
                Err(_) => Err(SelectorError::NotANumber(value.to_owned())),
            }
        }
        "in" | "notin" => {
            tokens.next();
            values(tokens)
        }
        found => Err(unexpected(found, "'in', 'notin', '=', '==', '!=', '>', '<', ',' or 'end of string'")),
    }
}

/// `(a, b, c)`; single values may be empty.
fn values(tokens: &mut Tokens<'_>) -> Result<(), SelectorError> {
    match tokens.next() {
        "(" => {}
        found => return Err(unexpected(found, "'('")),
    }
    loop {
        if !matches!(tokens.peek(), "," | ")") {
            check_value(word(tokens.next(), "',', ')' or identifier")?)?;
        }
        match tokens.next() {
            "," => {}
            ")" => return Ok(()),
            found => return Err(unexpected(found, "',' or ')'")),
        }
    }
}

/// `[prefix/]name`; the prefix is a DNS name.
fn check_key(key: &str) -> Result<(), SelectorError> {
    let name = match key.split_once('/') {
        Some((prefix, name)) => {
            check_name("label key", prefix, 253)?;
            name
        }
        None => key,
    };
    check_name("label key", name, 63)
}

fn check_value(value: &str) -> Result<(), SelectorError> {
    check_name("label value", value, 63)
}

fn check_name(what: &'static str, text: &str, limit: usize) -> Result<(), SelectorError> {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let outer = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    if text.len() > limit {
        return Err(SelectorError::TooLong { what, text: text.to_owned(), limit });
    }
    if outer(bytes.first()) && outer(bytes.last()) && bytes.iter().all(|b| inner(*b)) {
        return Ok(());
    }
    Err(SelectorError::Name { what, text: text.to_owned() })
}

fn word<'t>(token: &'t str, expected: &'static str) -> Result<&'t str, SelectorError> {
    let is_symbol = token.is_empty() || token.starts_with(is_symbol);
    if is_symbol { Err(unexpected(token, expected)) } else { Ok(token) }
}

fn unexpected(found: &str, expected: &'static str) -> SelectorError {
    SelectorError::Unexpected { found: found.to_owned(), expected }
}

fn is_symbol(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

/// Words and symbols; an empty token is the end.
struct Tokens<'s> {
    rest: &'s str,
}

impl<'s> Tokens<'s> {
    fn peek(&mut self) -> &'s str {
        self.rest = self.rest.trim_start();
        let len = if self.rest.starts_with("==") || self.rest.starts_with("!=") {
            2
        } else if self.rest.starts_with(is_symbol) {
            1
        } else {
            self.rest.find(|c: char| is_symbol(c) || c.is_whitespace()).unwrap_or(self.rest.len())
        };
        &self.rest[..len]
    }

    fn next(&mut self) -> &'s str {
        let token = self.peek();
        self.rest = &self.rest[token.len()..];
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_selectors() {
        let check = |selector: &str, want: Result<(), &str>| {
            let got = check_field_selector(selector).map_err(|e| e.to_string());
            assert_eq!(got, want.map_err(str::to_owned), "{selector}");
        };
        check("", Ok(()));
        check("metadata.status=Running", Ok(()));
        check("a=b,c!=d,e==f,", Ok(()));
        check(r"a=b\,c", Ok(()));
        check(
            "metadata.status-Running",
            Err("invalid selector: 'metadata.status-Running'; can't understand 'metadata.status-Running'"),
        );
        check("a=b,c", Err("invalid selector: 'a=b,c'; can't understand 'c'"));
    }

    #[test]
    fn label_selectors() {
        let check = |selector: &str, want: bool| {
            assert_eq!(check_label_selector(selector).is_ok(), want, "{selector}");
        };
        for good in [
            "",
            "foo=bar",
            "foo in (bar,baz)",
            "foo notin ( bar )",
            "foo",
            "!foo",
            "a.b/c==d, e!=f",
            "a>1,b<2",
            "foo=",
            "foo in (,a)",
            "in in (in)",
        ] {
            check(good, true);
        }
        for bad in
            ["=", "foo in", "foo in (a", "foo bar", "foo=-", "foo=(", "a>x", "a,,b", "é=b", "!", "/a=b"]
        {
            check(bad, false);
        }
        check(&"a".repeat(64), false);
    }
}

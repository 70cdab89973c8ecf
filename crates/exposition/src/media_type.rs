//! The grammar of `Content-Type` (RFC 2045), with the errors of Go's `mime` package.

/// Why a `Content-Type` cannot be read. The messages are those of Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaTypeError {
    /// It does not start with a word.
    #[error("mime: no media type")]
    NoMediaType,
    /// Something other than a slash follows the first word.
    #[error("mime: expected slash after first token")]
    NoSlash,
    /// No word follows the slash.
    #[error("mime: expected token after slash")]
    NoSubtype,
    /// Something other than a semicolon follows the media type.
    #[error("mime: unexpected content after media subtype")]
    UnexpectedContent,
    /// A parameter is not of the form `name=value`.
    #[error("mime: invalid media parameter")]
    InvalidParameter,
    /// A parameter is given twice, with different values.
    #[error("mime: duplicate parameter name")]
    DuplicateParameter,
}

/// Reads a `Content-Type` and returns its media type in lower case. The parameters are checked and dropped.
pub(crate) fn parse_media_type(content_type: &str) -> Result<String, MediaTypeError> {
    let (media_type, mut rest) = match content_type.find(';') {
        Some(idx) => content_type.split_at(idx),
        None => (content_type, ""),
    };
    let media_type = media_type.trim().to_lowercase();
    check_media_type(&media_type)?;
    let mut parameters: Vec<(String, String)> = Vec::new();
    while !rest.trim_start().is_empty() {
        let Some(((name, value), tail)) = take_parameter(rest) else {
            let is_trailing_semicolon = rest.trim() == ";";
            return if is_trailing_semicolon {
                Ok(media_type)
            } else {
                Err(MediaTypeError::InvalidParameter)
            };
        };
        if parameters.iter().any(|(n, v)| *n == name && *v != value) {
            return Err(MediaTypeError::DuplicateParameter);
        }
        parameters.push((name, value));
        rest = tail;
    }
    Ok(media_type)
}

fn check_media_type(media_type: &str) -> Result<(), MediaTypeError> {
    let (main, rest) = take_token(media_type);
    if main.is_empty() {
        return Err(MediaTypeError::NoMediaType);
    }
    if rest.is_empty() {
        return Ok(());
    }
    let subtype = rest.strip_prefix('/').ok_or(MediaTypeError::NoSlash)?;
    match take_token(subtype) {
        ("", _) => Err(MediaTypeError::NoSubtype),
        (_, "") => Ok(()),
        _ => Err(MediaTypeError::UnexpectedContent),
    }
}

/// Takes `; name=value` off the front. Names are in lower case.
fn take_parameter(text: &str) -> Option<((String, String), &str)> {
    let text = text.trim_start().strip_prefix(';')?;
    let (name, rest) = take_token(text.trim_start());
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let (value, rest) = if rest.starts_with('"') {
        take_quoted(rest)?
    } else {
        let (value, rest) = take_token(rest);
        if value.is_empty() {
            return None;
        }
        (value.to_owned(), rest)
    };
    (!name.is_empty()).then(|| ((name.to_lowercase(), value), rest))
}

/// Takes a quoted string off the front. A backslash escapes special characters only, because old browsers send Windows paths.
fn take_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((idx, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[idx + 1..])),
            '\\' => match chars.next_if(|(_, next)| is_special(*next)) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            '\r' | '\n' => return None,
            c => value.push(c),
        }
    }
    None
}

fn take_token(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_graphic() || is_special(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn is_special(c: char) -> bool {
    "()<>@,;:\\\"/[]?=".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_media_types() {
        let check = |text: &str, want: Result<&str, MediaTypeError>| {
            assert_eq!(parse_media_type(text), want.map(str::to_owned), "{text:?}");
        };
        check("text/plain", Ok("text/plain"));
        check(" Text/PLAIN ; version=0.0.4; charset=\"utf-8\"", Ok("text/plain"));
        check("text/plain;", Ok("text/plain"));
        check("text/plain; a=1; a=1", Ok("text/plain"));
        check("text", Ok("text"));
        check("text/plain; a=\"\"", Ok("text/plain"));
        check(r#"text/plain; a="x\"y\z""#, Ok("text/plain"));
        check("", Err(MediaTypeError::NoMediaType));
        check("/", Err(MediaTypeError::NoMediaType));
        check("text plain", Err(MediaTypeError::NoSlash));
        check("text/", Err(MediaTypeError::NoSubtype));
        check("text/plain x", Err(MediaTypeError::UnexpectedContent));
        check("text/plain; a", Err(MediaTypeError::InvalidParameter));
        check("text/plain; a=", Err(MediaTypeError::InvalidParameter));
        check("text/plain; a=\"x", Err(MediaTypeError::InvalidParameter));
        check("text/plain; a=1; A=2", Err(MediaTypeError::DuplicateParameter));
    }
}

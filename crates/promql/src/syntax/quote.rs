//! Quoting as in Go, whose rules PromQL took over for its strings and its error messages.

use bellwether_model::{go_quote, go_quote_bytes, go_quote_char, go_unquote};

/// `s` in double quotes, so that the lexer reads it back.
pub(crate) fn quote(s: &str) -> String {
    readable(go_quote(s))
}

/// [`quote`] for bytes that may not be UTF-8; what is not becomes `\xNN`.
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    readable(go_quote_bytes(bytes))
}

/// `c` in single quotes.
pub(super) fn quote_char(c: char) -> String {
    readable(go_quote_char(c))
}

/// The first `n` characters of `s`, quoted.
pub(super) fn quote_start(s: &str, n: usize) -> String {
    let end = s.char_indices().nth(n).map_or(s.len(), |(idx, _)| idx);
    quote(&s[..end])
}

/// Go writes U+FFFD as it is, but the lexer, like Go's, refuses it outside of an escape.
fn readable(quoted: String) -> String {
    if quoted.contains(char::REPLACEMENT_CHARACTER) {
        return quoted.replace(char::REPLACEMENT_CHARACTER, "\\ufffd");
    }
    quoted
}

/// The text of a string token: without its quotes and with its escapes resolved.
///
/// The lexer has checked quotes and escapes. Escapes can spell out any bytes; what is not UTF-8 afterwards becomes U+FFFD.
pub(super) fn unquote(token: &str) -> String {
    let bytes = unquote_bytes(token);
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// The bytes that a string token spells out; see [`unquote`].
pub(crate) fn unquote_bytes(token: &str) -> Vec<u8> {
    // Unlike in Go, a raw string keeps its carriage returns.
    match token.strip_prefix('`').and_then(|raw| raw.strip_suffix('`')) {
        Some(raw) => raw.as_bytes().to_vec(),
        None => go_unquote(token).expect("BUG: the lexer checks quotes and escapes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_can_be_read_back() {
        assert_eq!(quote("a\"\u{a0}\u{fffd}"), r#""a\"\u00a0\ufffd""#);
        assert_eq!(quote_char('\u{fffd}'), r"'\ufffd'");
        assert_eq!(quote_start("äb\nc", 3), r#""äb\n""#);
    }

    #[test]
    fn strings_are_unquoted_to_text() {
        assert_eq!(unquote(r#""\xc3\xa4\"""#), "\u{e4}\"");
        assert_eq!(unquote(r#""\xff""#), "\u{fffd}");
        assert_eq!(unquote("`\\n\r`"), "\\n\r");
        assert_eq!(unquote_bytes(r#""a\xc5z""#), b"a\xc5z");
        assert_eq!(quote_bytes(b"a\xc5\"z"), r#""a\xc5\"z""#);
    }
}

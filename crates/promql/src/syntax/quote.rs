//! Quoting as in Go, whose rules PromQL took over for its strings and its error messages.

use std::fmt::Write as _;

use bellwether_model::go_unquote;

/// `s` in double quotes, with everything escaped that is not printable (Go `strconv.Quote`).
pub(crate) fn quote(s: &str) -> String {
    let mut out = String::with_capacity(s.len() + 2);
    push_quoted(&mut out, s);
    out
}

/// Appends [`quote`]`(s)` to `out`.
pub(super) fn push_quoted(out: &mut String, s: &str) {
    out.push('"');
    for c in s.chars() {
        push_escaped(out, c, '"');
    }
    out.push('"');
}

/// The first `n` characters of `s`, quoted.
pub(super) fn quote_start(s: &str, n: usize) -> String {
    let end = s.char_indices().nth(n).map_or(s.len(), |(idx, _)| idx);
    quote(&s[..end])
}

/// `c` in single quotes, escaped if it is not printable (Go `strconv.QuoteRune`).
pub(super) fn quote_char(c: char) -> String {
    let mut out = String::from("'");
    push_escaped(&mut out, c, '\'');
    out.push('\'');
    out
}

/// Code point and, if it is printable, the character itself: `U+002E '.'` (Go's verb `%#U`).
pub(super) fn name_char(c: char) -> String {
    let mut out = format!("U+{:04X}", c as u32);
    if is_printable(c) {
        write!(out, " '{c}'").expect("BUG: writing to a string cannot fail");
    }
    out
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

/// [`quote`] for bytes that may not be UTF-8; what is not becomes `\xNN`.
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_escaped(&mut out, c, '"');
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}").expect("BUG: writing to a string cannot fail");
        }
    }
    out.push('"');
    out
}

fn push_escaped(out: &mut String, c: char, delimiter: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        c if c == delimiter => {
            out.push('\\');
            out.push(c);
        }
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        // Go writes it as it is, but the lexer, like Go's, refuses it outside of an escape.
        char::REPLACEMENT_CHARACTER => out.push_str("\\ufffd"),
        c if is_printable(c) => out.push(c),
        c => {
            let code = c as u32;
            match code {
                0..0x80 => write!(out, "\\x{code:02x}"),
                0x80..0x1_0000 => write!(out, "\\u{code:04x}"),
                _ => write!(out, "\\U{code:08x}"),
            }
            .expect("BUG: writing to a string cannot fail");
        }
    }
}

/// Whether `c` is a letter, mark, number, punctuation, symbol or the ASCII space.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // The standard library knows what is printable only by way of its escapes. It escapes marks as well, but only at the start of
    // a string: behind a letter they stay as they are.
    let mut buf = [b'a'; 5];
    let len = c.encode_utf8(&mut buf[1..]).len() + 1;
    let text = std::str::from_utf8(&buf[..len]).expect("BUG: a letter and a character are text");
    text.escape_debug().nth(1) == Some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go() {
        let check = |s: &str, want: &str| assert_eq!(quote(s), want);
        check("plain", r#""plain""#);
        check("a\"b\\c'", r#""a\"b\\c'""#);
        check("\x07\n\u{1}\u{7f}", r#""\a\n\x01\x7f""#);
        check("äöü 日本", "\"äöü 日本\"");
        check("e\u{301}", "\"e\u{301}\"");
        check("\u{a0}\u{200b}\u{e000}", r#""\u00a0\u200b\ue000""#);
        check("\u{10ffff}", r#""\U0010ffff""#);
        check("\u{fffd}", r#""\ufffd""#);
        assert_eq!(quote_char('\''), r"'\''");
        assert_eq!(quote_char('"'), "'\"'");
        assert_eq!(name_char('.'), "U+002E '.'");
        assert_eq!(name_char('\n'), "U+000A");
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

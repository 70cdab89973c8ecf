//! Quoting as Go's `strconv` does it: error messages, matchers and templates show texts in this way.
//!
//! What prints is decided by the tables of the standard library, whose Unicode may be newer than that of a given Go: a character that
//! Unicode has got since is written as it is.

use std::fmt::{self, Write};

/// `text` in double quotes, with everything escaped that does not print (Go's `strconv.Quote`). [`go_unquote`](crate::go_unquote) is the inverse.
///
/// ```
/// assert_eq!(bellwether_model::go_quote("a\"b\u{a0}\n"), r#""a\"b\u00a0\n""#);
/// ```
pub fn go_quote(text: &str) -> String {
    go_quote_bytes(text.as_bytes())
}

/// [`go_quote`] of what may not be UTF-8; bytes that are not become `\xNN`.
pub fn go_quote_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    write_go_quoted(&mut out, bytes).expect("BUG: writing to a string cannot fail");
    out
}

/// `c` in single quotes, escaped if it does not print (Go's `strconv.QuoteRune`).
pub fn go_quote_char(c: char) -> String {
    let mut out = String::from("'");
    write_escaped(&mut out, c.encode_utf8(&mut [0; 4]), '\'').expect("BUG: writing to a string cannot fail");
    out.push('\'');
    out
}

/// The code point and, if it prints, the character itself: `U+002E '.'` (Go's verb `%#U`).
pub fn go_code_point(c: char) -> String {
    let shown = if is_go_printable(c) { format!(" '{c}'") } else { String::new() };
    format!("U+{:04X}{shown}", u32::from(c))
}

/// Whether `c` is a letter, mark, number, punctuation, symbol or the ASCII space (Go's `strconv.IsPrint`).
pub fn is_go_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // The standard library knows what prints only by way of its escapes. It escapes marks as well, but only at the start of a
    // string: behind a letter they stay as they are.
    let mut buf = [b'a'; 5];
    let len = c.encode_utf8(&mut buf[1..]).len() + 1;
    let text = std::str::from_utf8(&buf[..len]).expect("BUG: a letter and a character are text");
    text.escape_debug().nth(1) == Some(c)
}

/// Writes [`go_quote_bytes`]`(bytes)`.
pub(crate) fn write_go_quoted(out: &mut impl Write, bytes: &[u8]) -> fmt::Result {
    out.write_char('"')?;
    for chunk in bytes.utf8_chunks() {
        write_escaped(out, chunk.valid(), '"')?;
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}")?;
        }
    }
    out.write_char('"')
}

/// Writes `text` as it stands between two `quote`s.
fn write_escaped(out: &mut impl Write, text: &str, quote: char) -> fmt::Result {
    let mut written = 0;
    for (at, c) in text.char_indices() {
        if c != quote && c != '\\' && is_go_printable(c) {
            continue;
        }
        out.write_str(&text[written..at])?;
        written = at + c.len_utf8();
        match c {
            '\x07' => out.write_str("\\a"),
            '\x08' => out.write_str("\\b"),
            '\x0c' => out.write_str("\\f"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            '\x0b' => out.write_str("\\v"),
            c if c == quote || c == '\\' => write!(out, "\\{c}"),
            c if c.is_ascii() => write!(out, "\\x{:02x}", u32::from(c)),
            c if u32::from(c) < 0x1_0000 => write!(out, "\\u{:04x}", u32::from(c)),
            c => write!(out, "\\U{:08x}", u32::from(c)),
        }?;
    }
    out.write_str(&text[written..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::go_unquote;

    #[test]
    fn quotes_as_go() {
        let check = |text: &str, want: &str| assert_eq!(go_quote(text), want);
        check("", r#""""#);
        check("plain", r#""plain""#);
        check("a\"b\\c'", r#""a\"b\\c'""#);
        check("\x07\x08\x0c\n\r\t\x0b", r#""\a\b\f\n\r\t\v""#);
        check("\0\u{1}\u{1b}\u{1f}\u{7f}", r#""\x00\x01\x1b\x1f\x7f""#);
        check("äöü 日本 \u{1f600}", "\"äöü 日本 \u{1f600}\"");
        check("\u{301}e\u{301}\u{200d}", "\"\u{301}e\u{301}\\u200d\"");
        check("\u{80}\u{85}\u{a0}\u{ad}", r#""\u0080\u0085\u00a0\u00ad""#);
        check("\u{2003}\u{200b}\u{2028}\u{3000}\u{feff}", r#""\u2003\u200b\u2028\u3000\ufeff""#);
        check("\u{e000}\u{ffff}\u{d7ff}", r#""\ue000\uffff\ud7ff""#);
        check("\u{e0001}\u{f0000}\u{10ffff}", r#""\U000e0001\U000f0000\U0010ffff""#);
        check("\u{fffd}", "\"\u{fffd}\"");
    }

    #[test]
    fn bytes_that_are_no_text_are_hexadecimal() {
        let check = |bytes: &[u8], want: &str| assert_eq!(go_quote_bytes(bytes), want);
        check(b"a\xc5\"z", r#""a\xc5\"z""#);
        check(b"\xe2\x82", r#""\xe2\x82""#);
        // A surrogate, and more than four bytes can say.
        check(b"\xed\xa0\x80", r#""\xed\xa0\x80""#);
        check(b"\xf4\x90\x80\x80", r#""\xf4\x90\x80\x80""#);
    }

    #[test]
    fn characters_have_their_own_quotes() {
        assert_eq!(go_quote_char('\''), r"'\''");
        assert_eq!(go_quote_char('"'), "'\"'");
        assert_eq!(go_quote_char('\\'), r"'\\'");
        assert_eq!(go_quote_char('é'), "'é'");
        assert_eq!(go_quote_char('\u{1}'), r"'\x01'");
    }

    #[test]
    fn code_points_show_what_prints() {
        assert_eq!(go_code_point('.'), "U+002E '.'");
        assert_eq!(go_code_point('\n'), "U+000A");
        assert_eq!(go_code_point('\u{1f600}'), "U+1F600 '\u{1f600}'");
    }

    proptest! {
        #[test]
        fn whatever_is_quoted_prints_and_reads_back(bytes in prop::collection::vec(any::<u8>(), 0..40), text in any::<String>()) {
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                let quoted = go_quote_bytes(bytes);
                prop_assert!(quoted.chars().all(is_go_printable), "{quoted}");
                let back = go_unquote(&quoted);
                prop_assert_eq!(back.as_deref(), Some(bytes));
            }
        }
    }
}

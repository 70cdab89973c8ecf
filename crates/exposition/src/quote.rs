use std::fmt::Write as _;

/// How much of the input an error message shows at most, in bytes. An unclosed quote can make a token as long as the body.
const MAX_SHOWN: usize = 2048;

/// Quotes `bytes` as Go's `%q` does: escapes for what does not print, `\x` for what is not UTF-8. Long input is cut.
///
/// `model` has the same for everyone else, and a test compares them. Applications depend on this crate by way of `sdk`, and get no regular expressions and
/// histograms for the sake of error messages.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(MAX_SHOWN)];
    let mut out = String::with_capacity(shown.len() + 2);
    out.push('"');
    for chunk in shown.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_char(&mut out, c);
        }
        for byte in chunk.invalid() {
            push(&mut out, format_args!("\\x{byte:02x}"));
        }
    }
    out.push('"');
    if shown.len() < bytes.len() {
        push(&mut out, format_args!("... ({} bytes)", bytes.len()));
    }
    out
}

fn push_char(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        c if c < ' ' || c == '\x7f' => push(out, format_args!("\\x{:02x}", u32::from(c))),
        c if is_printable(c) => out.push(c),
        c if u32::from(c) < 0x1_0000 => push(out, format_args!("\\u{:04x}", u32::from(c))),
        c => push(out, format_args!("\\U{:08x}", u32::from(c))),
    }
}

/// Go prints letters, marks, numbers, punctuation, symbols and the ASCII space.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return true;
    }
    // The standard library knows which characters print, but says so only through its escapes; behind another character it does
    // not escape combining marks.
    let mut buf = [0; 8];
    buf[0] = b'a';
    let len = 1 + c.encode_utf8(&mut buf[1..]).len();
    let escapes = std::str::from_utf8(&buf[..len]).is_ok_and(|s| s.escape_debug().count() > 2);
    !escapes && !c.is_whitespace()
}

fn push(out: &mut String, args: std::fmt::Arguments<'_>) {
    out.write_fmt(args).expect("BUG: writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use bellwether_model::go_quote_bytes;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quotes_as_go() {
        let check = |input: &[u8], want: &str| assert_eq!(quote(input), want);
        check(b"a b", r#""a b""#);
        check(b"\"\\\n\t\r\0", r#""\"\\\n\t\r\x00""#);
        check(b"\xffa\xe2\x82", r#""\xffa\xe2\x82""#);
        check("h\u{f6}lz\u{e4}\u{20ac}".as_bytes(), "\"h\u{f6}lz\u{e4}\u{20ac}\"");
        check("e\u{301}\u{301}".as_bytes(), "\"e\u{301}\u{301}\"");
        check("\u{a0}\u{200b}\u{e000}\u{10ffff}".as_bytes(), r#""\u00a0\u200b\ue000\U0010ffff""#);
    }

    proptest! {
        #[test]
        fn quotes_as_model_does(bytes in prop::collection::vec(any::<u8>(), 0..40), text in any::<String>()) {
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                prop_assert_eq!(quote(bytes), go_quote_bytes(bytes));
            }
        }
    }

    #[test]
    fn cuts_what_is_too_long() {
        let text = quote(&vec![b'x'; 1 << 20]);
        assert!(text.len() < 2 * MAX_SHOWN);
        assert!(text.ends_with("\"... (1048576 bytes)"), "{}", &text[MAX_SHOWN..]);
    }
}

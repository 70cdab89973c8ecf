//! Escaping for HTML, JavaScript and URLs, with the replacements of Go's packages.
//! Where in a page which of them is right is decided in [`page`](crate::page).

use std::fmt::Write as _;

/// Go's `template.HTMLEscapeString`.
pub(crate) fn escape_html(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// The same as a page has it, where Go writes a plus sign as a reference, too.
pub(crate) fn escape_page(s: &str) -> String {
    escape_html(s).replace('+', "&#43;")
}

/// Go's `template.JSEscapeString`.
pub(crate) fn escape_js(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => write_unicode(&mut out, c),
            c if (c as u32) < 0x20 || matches!(c, '\u{2028}' | '\u{2029}') => write_unicode(&mut out, c),
            c => out.push(c),
        }
    }
    out
}

fn write_unicode(out: &mut String, c: char) {
    write!(out, "\\u{:04X}", c as u32).expect("BUG: writing to a string cannot fail");
}

/// Go's `url.QueryEscape`.
pub(crate) fn escape_query(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for b in s.bytes() {
        match b {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~') => {
                out.push(char::from(b));
            }
            b => write!(out, "%{b:02X}").expect("BUG: writing to a string cannot fail"),
        }
    }
    out
}

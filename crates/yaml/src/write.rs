//! Writing YAML in the style of go-yaml v2.

use std::fmt::Write as _;

use crate::scalar::{Resolved, Scalar, Style};
use crate::value::{MapValue, Value};

/// The whole document with a newline at its end.
pub(crate) fn document(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Map(map) if !map.is_empty() => write_map(&mut out, map, 0),
        Value::List(items) if !items.is_empty() => write_list(&mut out, items, 0),
        scalar => {
            write_inline(&mut out, scalar, 0);
            out.push('\n');
        }
    }
    out
}

fn write_map(out: &mut String, map: &MapValue, indent: usize) {
    for (idx, (key, value)) in map.entries.iter().enumerate() {
        if idx > 0 {
            push_indent(out, indent);
        }
        write_text(out, key, None);
        out.push(':');
        match value {
            Value::Map(inner) if !inner.is_empty() => {
                out.push('\n');
                push_indent(out, indent + 2);
                write_map(out, inner, indent + 2);
            }
            Value::List(items) if !items.is_empty() => {
                out.push('\n');
                push_indent(out, indent);
                write_list(out, items, indent);
            }
            scalar => {
                out.push(' ');
                write_inline(out, scalar, indent + 2);
                out.push('\n');
            }
        }
    }
}

fn write_list(out: &mut String, items: &[Value], indent: usize) {
    for (idx, item) in items.iter().enumerate() {
        if idx > 0 {
            push_indent(out, indent);
        }
        out.push_str("- ");
        match item {
            Value::Map(map) if !map.is_empty() => write_map(out, map, indent + 2),
            Value::List(inner) if !inner.is_empty() => write_list(out, inner, indent + 2),
            scalar => {
                write_inline(out, scalar, indent + 2);
                out.push('\n');
            }
        }
    }
}

/// A value that starts on the current line; `indent` is that of the lines of a block of text.
fn write_inline(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) => out.push_str(&n.to_string()),
        Value::Float(v) => write_float(out, *v),
        Value::Str(s) => write_text(out, s, Some(indent)),
        Value::List(items) | Value::FlowList(items) => {
            out.push('[');
            for (idx, item) in items.iter().enumerate() {
                if idx > 0 {
                    out.push_str(", ");
                }
                match item {
                    // Commas and brackets end a plain word inside a list on one line.
                    Value::Str(s) if s.contains([',', '[', ']', '{', '}']) => write_single_quoted(out, s),
                    Value::Str(s) => write_text(out, s, None),
                    other => write_inline(out, other, 0),
                }
            }
            out.push(']');
        }
        Value::Map(_) => out.push_str("{}"),
    }
}

fn write_float(out: &mut String, v: f64) {
    let text = if v.is_nan() {
        ".nan".to_owned()
    } else if v.is_infinite() {
        if v > 0.0 { ".inf" } else { "-.inf" }.to_owned()
    } else if v != 0.0 && !(1e-4..1e21).contains(&v.abs()) {
        format!("{v:e}")
    } else {
        format!("{v}")
    };
    out.push_str(&text);
}

/// Text in the plainest form that reads back as the same text. `block_indent` allows a block of lines.
fn write_text(out: &mut String, text: &str, block_indent: Option<usize>) {
    let printable = text
        .chars()
        .all(|c| c == '\n' || (!c.is_control() && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}')));
    if !printable {
        return write_double_quoted(out, text);
    }
    if text.contains('\n') {
        match block_indent {
            Some(indent) if !text.starts_with([' ', '\n']) && !text.contains(" \n") => {
                write_block(out, text, indent);
            }
            _ => write_double_quoted(out, text),
        }
        return;
    }
    let resolved = Scalar { text, style: Style::Plain, tag: None }.resolve();
    if resolved != Resolved::Str || text == "<<" || looks_like_a_date(text) || is_base_60(text) {
        write_double_quoted(out, text);
    } else if is_plain_safe(text) {
        out.push_str(text);
    } else {
        write_single_quoted(out, text);
    }
}

/// Other readers take such a word for a timestamp.
fn looks_like_a_date(text: &str) -> bool {
    let b = text.as_bytes();
    b.len() >= 8 && b[..4].iter().all(u8::is_ascii_digit) && b[4] == b'-'
}

/// Readers of YAML 1.1 take such a word, a time of the day for instance, for a number in base 60.
fn is_base_60(text: &str) -> bool {
    let of_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let Some((first, rest)) = whole.split_once(':') else { return false };
    let mut rest = rest.split(':');
    first.starts_with(|c: char| c.is_ascii_digit())
        && of_digits(first)
        && rest.all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
        && of_digits(fraction)
}

/// Whether the text can stand without quotes, in a block and in a list on one line.
fn is_plain_safe(text: &str) -> bool {
    let first_is_special = text
        .starts_with(['#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', ' ']);
    let first_may_be_special = text.starts_with(['-', '?', ':'])
        && (text.len() == 1 || text[1..].starts_with([' ', '-', ',', '[', ']', '{', '}']));
    let document_marker = text.starts_with("---") || text.starts_with("...");
    !(first_is_special
        || first_may_be_special
        || document_marker
        || text.ends_with([' ', ':'])
        || text.contains(": ")
        || text.contains(" #"))
}

fn write_single_quoted(out: &mut String, text: &str) {
    out.push('\'');
    out.push_str(&text.replace('\'', "''"));
    out.push('\'');
}

fn write_double_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x80 && c.is_control() => push_args(out, format_args!("\\x{:02X}", c as u32)),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => {
                push_args(out, format_args!("\\u{:04X}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn write_block(out: &mut String, text: &str, indent: usize) {
    let body = text.trim_end_matches('\n');
    let trailing = text.len() - body.len();
    out.push_str(match trailing {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            push_indent(out, indent);
            out.push_str(line);
        }
    }
    for _ in 1..trailing {
        out.push('\n');
    }
}

fn push_args(out: &mut String, args: std::fmt::Arguments<'_>) {
    out.write_fmt(args).expect("BUG: writing to a string cannot fail");
}

fn push_indent(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

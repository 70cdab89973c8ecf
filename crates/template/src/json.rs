//! JSON as Go's `json.Marshal` writes it.

use std::fmt::Write as _;

use crate::format::is_full;
use crate::functions::FunctionError;
use crate::value::Value;

/// The JSON of a value. Numbers that JSON does not have are errors. It ends soon behind the length that is refused.
pub(crate) fn to_json(value: &Value) -> Result<String, FunctionError> {
    let mut out = String::new();
    write_value(&mut out, value)?;
    Ok(out)
}

fn write_value(out: &mut String, value: &Value) -> Result<(), FunctionError> {
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) => push(out, n),
        Value::Uint(n) => push(out, n),
        Value::Float(v) => write_float(out, *v)?,
        Value::Str(s) | Value::SafeHtml(s) | Value::SafeUrl(s) => write_json_string(out, s),
        Value::List(items) => {
            for (idx, item) in items.iter().enumerate() {
                out.push(if idx == 0 { '[' } else { ',' });
                write_value(out, item)?;
                if is_full(out) {
                    return Ok(());
                }
            }
            out.push_str(if items.is_empty() { "[]" } else { "]" });
        }
        Value::Map(map) => {
            for (idx, (key, value)) in map.entries.iter().enumerate() {
                out.push(if idx == 0 { '{' } else { ',' });
                write_json_string(out, key);
                out.push(':');
                write_value(out, value)?;
                if is_full(out) {
                    return Ok(());
                }
            }
            out.push_str(if map.entries.is_empty() { "{}" } else { "}" });
        }
        Value::Record(record) => out.push_str(&record.json()),
    }
    Ok(())
}

fn push(out: &mut String, number: impl std::fmt::Display) {
    write!(out, "{number}").expect("BUG: writing to a string cannot fail");
}

fn write_float(out: &mut String, v: f64) -> Result<(), FunctionError> {
    if !v.is_finite() {
        return Err(FunctionError::new(format!("json: unsupported value: {v}")));
    }
    if v == 0.0 || (1e-6..1e21).contains(&v.abs()) {
        push(out, v);
        return Ok(());
    }
    let text = format!("{v:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => {
            push(out, format_args!("{digits}e+{exponent}"));
        }
        _ => out.push_str(&text),
    }
    Ok(())
}

/// Appends text in quotes. What has a meaning in HTML is escaped too, so that the text may stand in a page.
pub fn write_json_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                write!(out, "\\u{:04x}", c as u32).expect("BUG: writing to a string cannot fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_as_go() {
        let value = Value::map([
            ("b", Value::list([1.5.into(), 1e21.into(), 1e-7.into(), 3_i64.into(), Value::Nil])),
            ("a", "<\u{1}\"é\n".into()),
            ("c", Value::string_map::<&str, &str>([])),
        ]);
        let want = r#"{"a":"\u003c\u0001\"é\n","b":[1.5,1e+21,1e-7,3,null],"c":{}}"#;
        assert_eq!(to_json(&value).as_deref(), Ok(want));
        assert!(to_json(&f64::NAN.into()).is_err());
    }
}

//! How Go prints values with `%v`.

use std::fmt::Write as _;

use crate::size::MAX_TEXT_BYTES;
use crate::value::Value;

/// The text that an action writes: what a pointer points to, and a word for nothing.
pub(crate) fn print_action(value: &Value) -> String {
    match value {
        Value::Nil => "<no value>".to_owned(),
        Value::Record(record) => {
            let text = record.print();
            text.strip_prefix('&').map(str::to_owned).unwrap_or(text)
        }
        value => print(value),
    }
}

/// What `print`, and `%v` in `printf`, make of a value. It ends soon behind [`MAX_TEXT_BYTES`].
pub(crate) fn print(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Nil => out.push_str("<nil>"),
        Value::Bool(b) => push(out, format_args!("{b}")),
        Value::Int(n) => push(out, format_args!("{n}")),
        Value::Uint(n) => push(out, format_args!("{n}")),
        Value::Float(v) => out.push_str(&float_general(*v, None)),
        Value::Str(s) | Value::SafeHtml(s) | Value::SafeUrl(s) => out.push_str(s),
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                write_value(out, item);
                if is_full(out) {
                    return;
                }
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push_str("map[");
            for (i, (key, item)) in map.entries.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                write_value(out, item);
                if is_full(out) {
                    return;
                }
            }
            out.push(']');
        }
        Value::Record(record) => out.push_str(&record.print()),
    }
}

/// Whether nothing more needs to be written, because the text is refused for its length. An element of a list may be written as often as it stands there, so the length of what a
/// value makes is known only while it is written.
pub(crate) fn is_full(out: &str) -> bool {
    out.len() > MAX_TEXT_BYTES
}

/// Appends formatted text.
pub(crate) fn push(out: &mut String, args: std::fmt::Arguments<'_>) {
    out.write_fmt(args).expect("BUG: writing to a string cannot fail");
}

/// Not a number or infinite, by Go's names.
fn special(v: f64) -> Option<&'static str> {
    if v.is_nan() {
        Some("NaN")
    } else if v == f64::INFINITY {
        Some("+Inf")
    } else if v == f64::NEG_INFINITY {
        Some("-Inf")
    } else {
        None
    }
}

/// `%g`: the shortest digits, or `precision` significant ones; an exponent below 1e-4 and from 1e6 (or the precision) on.
pub(crate) fn float_general(v: f64, precision: Option<usize>) -> String {
    if let Some(name) = special(v) {
        return name.to_owned();
    }
    let scientific = match precision {
        None => format!("{v:e}"),
        Some(p) => format!("{v:.*e}", p.max(1) - 1),
    };
    let (mantissa, exponent) = split_exponent(&scientific);
    // Trailing zeroes of the mantissa are not shown.
    let mantissa = match precision {
        Some(_) if mantissa.contains('.') => mantissa.trim_end_matches('0').trim_end_matches('.'),
        _ => mantissa,
    };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    // The precision decides where the exponent form begins, but whole numbers with fewer digits than it are written out.
    let limit = match precision {
        None => 6,
        Some(p) => {
            let p = p.max(1) as i32;
            if p > digits as i32 && digits as i32 > exponent { digits as i32 } else { p }
        }
    };
    if exponent < -4 || exponent >= limit {
        return with_exponent(mantissa, exponent);
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    format!("{v:.decimals$}")
}

/// `%e`: one digit, `precision` decimals (or as few as needed), at least two digits of exponent.
pub(crate) fn float_exponent(v: f64, precision: Option<usize>) -> String {
    if let Some(name) = special(v) {
        return name.to_owned();
    }
    let text = match precision {
        None => format!("{v:e}"),
        Some(p) => format!("{v:.p$e}"),
    };
    let (mantissa, exponent) = split_exponent(&text);
    with_exponent(mantissa, exponent)
}

/// `%f`: `precision` decimals, or as few as needed.
pub(crate) fn float_fixed(v: f64, precision: Option<usize>) -> String {
    if let Some(name) = special(v) {
        return name.to_owned();
    }
    match precision {
        None => format!("{v}"),
        Some(p) => format!("{v:.p$}"),
    }
}

fn split_exponent(text: &str) -> (&str, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (mantissa, exponent.parse().unwrap_or(0))
}

fn with_exponent(mantissa: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_go_prints_them() {
        let check = |v: f64, want: &str| assert_eq!(float_general(v, None), want);
        check(0.0, "0");
        check(-0.0, "-0");
        check(1.5, "1.5");
        check(100_000.0, "100000");
        check(1e6, "1e+06");
        check(1_353_755_652.0, "1.353755652e+09");
        check(123_456.789, "123456.789");
        check(0.0001, "0.0001");
        check(0.000_012, "1.2e-05");
        check(f64::INFINITY, "+Inf");
        let check = |v: f64, p: usize, want: &str| assert_eq!(float_general(v, Some(p)), want);
        check(1.234_567, 4, "1.235");
        check(-22.222, 4, "-22.22");
        check(123_456_700.0, 4, "1.235e+08");
        check(1024.0, 4, "1024");
        check(0.12, 4, "0.12");
        check(100.0, 4, "100");
        check(899.99, 4, "900");
        assert_eq!(float_exponent(1500.0, Some(2)), "1.50e+03");
        assert_eq!(float_fixed(2.0 / 3.0, Some(2)), "0.67");
    }

    #[test]
    fn collections_as_go_prints_them() {
        assert_eq!(print(&Value::list([1_i64.into(), "a".into(), Value::Nil])), "[1 a <nil>]");
        assert_eq!(print(&Value::string_map([("b", "2"), ("a", "1")])), "map[a:1 b:2]");
    }
}

//! What a plain word means: the rules of go-yaml, which are YAML 1.1 with small repairs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes, so that `1` is a number and `yes` a boolean.
    Plain,
    /// In quotes or as a block, so that it is text whatever it says.
    Quoted,
}

/// A scalar as it was written.
#[derive(Debug, Clone, Copy)]
pub struct Scalar<'d> {
    /// The text, with escapes and folding resolved.
    pub text: &'d str,
    /// Whether it stood in quotes.
    pub style: Style,
    /// The explicit tag in its short form, for instance `!!str`.
    pub tag: Option<&'d str>,
}

/// What a scalar means.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number within the range of `i64` and `u64`.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Str,
    /// Bytes, given in base64.
    Binary(Vec<u8>),
    /// A `!!binary` that is not base64.
    InvalidBinary,
    /// An explicit tag that the text does not fit, for instance `!!int x`.
    Mismatch,
}

impl Resolved {
    /// The short tag of the type, as it appears in messages.
    pub fn tag(&self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Str | Self::Mismatch => "!!str",
            Self::Binary(_) | Self::InvalidBinary => "!!binary",
        }
    }
}

impl Scalar<'_> {
    /// What the scalar means.
    pub fn resolve(&self) -> Resolved {
        match (self.tag, self.style) {
            (None, Style::Plain) => resolve_plain(self.text),
            (Some("!!binary"), _) => match STANDARD.decode(self.text.replace(['\n', '\r'], "")) {
                Ok(bytes) => Resolved::Binary(bytes),
                Err(_) => Resolved::InvalidBinary,
            },
            (Some(tag @ ("!!null" | "!!bool" | "!!int" | "!!float")), _) => {
                match (tag, resolve_plain(self.text)) {
                    ("!!float", Resolved::Int(n)) => Resolved::Float(n as f64),
                    (tag, resolved) if resolved.tag() == tag => resolved,
                    _ => Resolved::Mismatch,
                }
            }
            // `!!str`, and tags of applications, which are not ours to interpret.
            (None, Style::Quoted) | (Some(_), _) => Resolved::Str,
        }
    }

    /// Whether the scalar is an unquoted `null`, `~` or nothing at all.
    pub fn is_null(&self) -> bool {
        self.resolve() == Resolved::Null
    }
}

fn resolve_plain(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Resolved::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Resolved::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Resolved::Str;
    }
    let digits = text.replace('_', "");
    parse_int(&digits)
        .map(Resolved::Int)
        .or_else(|| parse_float(&digits).map(Resolved::Float))
        .unwrap_or(Resolved::Str)
}

/// A whole number with Go's prefixes: `0x`, `0o`, `0b`, and a leading zero for octal.
fn parse_int(text: &str) -> Option<i128> {
    let (negative, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = magnitude.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'o', ..] => (&lower[2..], 8),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', _, ..] => (&lower[1..], 8),
        _ => (lower.as_str(), 10),
    };
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let n = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let n = if negative { -n } else { n };
    (n >= i128::from(i64::MIN)).then_some(n)
}

/// A number such as `-1.5`, `.5`, `1.` or `1e3`.
fn parse_float(text: &str) -> Option<f64> {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    let (int, frac) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let exponent_ok = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['+', '-']).unwrap_or(e);
        !e.is_empty() && all_digits(e)
    });
    let mantissa_ok = all_digits(int) && all_digits(frac) && !(int.is_empty() && frac.is_empty());
    if mantissa_ok && exponent_ok { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_mean_what_they_mean_in_go() {
        let check = |text: &str, want: Resolved| {
            assert_eq!(Scalar { text, style: Style::Plain, tag: None }.resolve(), want, "{text:?}");
        };
        check("", Resolved::Null);
        check("~", Resolved::Null);
        check("nULL", Resolved::Str);
        check("yes", Resolved::Bool(true));
        check("Off", Resolved::Bool(false));
        check("yEs", Resolved::Str);
        check("1", Resolved::Int(1));
        check("-0x1F", Resolved::Int(-31));
        check("0o17", Resolved::Int(15));
        check("017", Resolved::Int(15));
        check("0b11", Resolved::Int(3));
        check("1_000", Resolved::Int(1000));
        check("18446744073709551615", Resolved::Int(i128::from(u64::MAX)));
        check("-9223372036854775808", Resolved::Int(i128::from(i64::MIN)));
        check("-9223372036854775809", Resolved::Float(-9_223_372_036_854_775_809.0));
        check("08", Resolved::Float(8.0));
        check("1.5", Resolved::Float(1.5));
        check(".5", Resolved::Float(0.5));
        check("1e3", Resolved::Float(1000.0));
        check("+.inf", Resolved::Float(f64::INFINITY));
        check("1m", Resolved::Str);
        check("0x", Resolved::Str);
        check("-", Resolved::Str);
        check("1.2.3.4", Resolved::Str);
        check("inf", Resolved::Str);
        check("--1", Resolved::Str);
        check("-+1", Resolved::Str);
        check("1e", Resolved::Str);
    }

    #[test]
    fn quotes_and_tags_decide_first() {
        let check = |text: &str, style: Style, tag: Option<&'static str>, want: Resolved| {
            assert_eq!(Scalar { text, style, tag }.resolve(), want, "{tag:?} {text:?}");
        };
        check("1", Style::Quoted, None, Resolved::Str);
        check("1", Style::Plain, Some("!!str"), Resolved::Str);
        check("1", Style::Quoted, Some("!!int"), Resolved::Int(1));
        check("1", Style::Plain, Some("!!float"), Resolved::Float(1.0));
        check("x", Style::Plain, Some("!!int"), Resolved::Mismatch);
        check("/w==", Style::Quoted, Some("!!binary"), Resolved::Binary(vec![0xff]));
        check("/w==$1", Style::Quoted, Some("!!binary"), Resolved::InvalidBinary);
        check("1", Style::Plain, Some("!mine"), Resolved::Str);
    }
}

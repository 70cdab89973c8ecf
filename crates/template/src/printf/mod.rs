//! Go's `printf` verbs, as far as values of templates have them.

mod directive;

use std::borrow::Cow;

use bellwether_model::{go_code_point, go_quote, go_quote_char};

use crate::format::{float_exponent, float_fixed, float_general, is_full, print, push};
use crate::value::{Record, Value};
use directive::{Directive, Reader};

/// How a verb writes its argument.
#[derive(Default)]
struct Spec {
    minus: bool,
    plus: bool,
    zero: bool,
    space: bool,
    sharp: bool,
    go_syntax: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Formats as Go's `fmt.Sprintf`; mistakes show up in the text as they do there (`%!d(string=x)`). It ends soon behind the length that is refused.
pub(crate) fn sprintf(format: &str, args: &[Value]) -> String {
    let mut out = String::new();
    let mut reader = Reader::new(format, args);
    loop {
        let (text, has_more) = reader.text();
        out.push_str(text);
        if !has_more {
            break;
        }
        let Directive { mut spec, complaint, verb, arg } = reader.directive();
        out.push_str(&complaint);
        match (verb, arg) {
            (None, _) => out.push_str("%!(NOVERB)"),
            (Some('%'), _) => out.push('%'),
            (Some(verb), Err(why)) => push(&mut out, format_args!("%!{verb}({why})")),
            (Some(verb), Ok(value)) => {
                // With `%v` they do not ask for signs and prefixes, but for names and for Go's own syntax.
                if verb == 'v' {
                    spec.plus = false;
                    spec.go_syntax = std::mem::take(&mut spec.sharp);
                }
                spec.write(&mut out, verb, value);
            }
        }
        if is_full(&out) {
            return out;
        }
    }
    if !reader.extra().is_empty() {
        out.push_str("%!(EXTRA ");
        for (idx, value) in reader.extra().iter().enumerate() {
            let comma = if idx > 0 { ", " } else { "" };
            push(&mut out, format_args!("{comma}{}={}", value.type_name(), print(value)));
            if is_full(&out) {
                return out;
            }
        }
        out.push(')');
    }
    out
}

impl Spec {
    /// Lists and maps are written element by element, each with the same verb.
    fn write(&self, out: &mut String, verb: char, value: &Value) {
        match (verb, &*value.plain()) {
            ('T' | 'v', Value::Nil) => self.pad(out, "<nil>"),
            ('T', _) => self.pad(out, &self.cut(value.type_name())),
            (_, Value::Nil) => push(out, format_args!("%!{verb}(<nil>)")),
            (_, Value::List(items)) => {
                out.push('[');
                for (idx, item) in items.iter().enumerate() {
                    out.push_str(if idx > 0 { " " } else { "" });
                    self.element(out, verb, item);
                    if is_full(out) {
                        return;
                    }
                }
                out.push(']');
            }
            (_, Value::Map(map)) => {
                out.push_str("map[");
                for (idx, (key, item)) in map.entries.iter().enumerate() {
                    out.push_str(if idx > 0 { " " } else { "" });
                    self.write(out, verb, &key.as_str().into());
                    out.push(':');
                    self.element(out, verb, item);
                    if is_full(out) {
                        return;
                    }
                }
                out.push(']');
            }
            (_, Value::Bool(b)) if matches!(verb, 't' | 'v') => {
                self.pad(out, if *b { "true" } else { "false" });
            }
            (_, Value::Int(n)) => self.integer(out, verb, i128::from(*n), value),
            (_, Value::Uint(n)) => self.integer(out, verb, i128::from(*n), value),
            (_, Value::Float(v)) => self.float(out, verb, *v),
            (_, Value::Str(s) | Value::SafeHtml(s) | Value::SafeUrl(s)) => self.text(out, verb, s, value),
            (_, Value::Record(record)) => self.record(out, verb, &**record, value),
            _ => self.wrong_verb(out, verb, value),
        }
    }

    /// What is in a list, map or struct. No verb is wrong for nothing there, and nearly each is for a pointer, whose address we do not have.
    fn element(&self, out: &mut String, verb: char, value: &Value) {
        match value {
            Value::Nil => out.push_str("<nil>"),
            Value::Record(record) if is_pointer(&**record) && !matches!(verb, 'v' | 's') => {
                self.wrong_verb(out, verb, value);
            }
            value => self.write(out, verb, value),
        }
    }

    /// A struct is written field by field, and a time or duration by its text.
    fn record(&self, out: &mut String, verb: char, record: &dyn Record, value: &Value) {
        let parts = record.parts();
        if parts.is_empty() {
            return self.text(out, verb, &record.print(), value);
        }
        out.push_str(if is_pointer(record) { "&{" } else { "{" });
        for (idx, part) in parts.iter().enumerate() {
            out.push_str(if idx > 0 { " " } else { "" });
            self.element(out, verb, part);
        }
        out.push('}');
    }

    /// A verb that the type does not have: the value is shown as `%v` shows it, with the same width and precision.
    fn wrong_verb(&self, out: &mut String, verb: char, value: &Value) {
        push(out, format_args!("%!{verb}({}=", value.type_name()));
        match value {
            Value::Record(record) => self.pad(out, &record.print()),
            _ => self.write(out, 'v', value),
        }
        out.push(')');
    }

    fn text(&self, out: &mut String, verb: char, s: &str, value: &Value) {
        let hex = |s: &str| {
            let prefix = if self.sharp && !s.is_empty() { "0x" } else { "" };
            s.bytes().take(self.precision.unwrap_or(usize::MAX)).fold(prefix.to_owned(), |mut out, b| {
                push(&mut out, format_args!("{b:02x}"));
                out
            })
        };
        match verb {
            'v' if self.go_syntax => self.pad(out, &go_quote(s)),
            'v' | 's' => self.pad(out, &self.cut(s)),
            'q' => self.pad(out, &self.quoted(&self.cut(s))),
            'x' => self.pad(out, &hex(s)),
            'X' => self.pad(out, &hex(s).to_uppercase()),
            _ => self.wrong_verb(out, verb, value),
        }
    }

    fn integer(&self, out: &mut String, verb: char, n: i128, value: &Value) {
        let size = n.unsigned_abs();
        let character = || u32::try_from(n).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
        let (prefix, digits) = match verb {
            'v' | 'd' => ("", size.to_string()),
            'b' => ("0b", format!("{size:b}")),
            'o' => ("0", format!("{size:o}")),
            'O' => ("0o", format!("{size:o}")),
            'x' => ("0x", format!("{size:x}")),
            'X' => ("0X", format!("{size:X}")),
            'c' => return self.pad(out, character().encode_utf8(&mut [0; 4])),
            'q' if self.plus => return self.pad(out, &in_ascii(&go_quote_char(character()))),
            'q' => return self.pad(out, &go_quote_char(character())),
            'U' if self.sharp
                && let Some(c) = u32::try_from(n).ok().and_then(char::from_u32) =>
            {
                return self.pad(out, &go_code_point(c));
            }
            'U' => return self.pad(out, &format!("U+{:04X}", n as u64)),
            _ => return self.wrong_verb(out, verb, value),
        };
        let prefix = if self.sharp || verb == 'O' { prefix } else { "" };
        let missing = self.precision.unwrap_or(0).saturating_sub(digits.len());
        let digits = if n == 0 && self.precision == Some(0) { String::new() } else { digits };
        let digits = format!("{prefix}{}{digits}", "0".repeat(missing));
        // Where a precision says how many digits there are, zeroes do not fill the width.
        let zero = self.zero && self.precision.is_none();
        self.number(out, if n < 0 { "-" } else { self.sign() }, &digits, zero);
    }

    fn float(&self, out: &mut String, verb: char, v: f64) {
        let precision = Some(self.precision.unwrap_or(6));
        let size = v.abs();
        let digits = match verb {
            'f' | 'F' => float_fixed(size, precision),
            'e' => float_exponent(size, precision),
            'E' => float_exponent(size, precision).to_uppercase(),
            'g' | 'v' => float_general(size, self.precision),
            'G' => float_general(size, self.precision).to_uppercase(),
            'x' => float_hex(size),
            'X' => float_hex(size).to_uppercase(),
            _ => return self.wrong_verb(out, verb, &Value::Float(v)),
        };
        let digits = if self.sharp { with_point(&digits, verb, self.precision) } else { digits };
        let sign = if v.is_sign_negative() && !v.is_nan() { "-" } else { self.sign() };
        if v.is_nan() {
            self.number(out, sign, "NaN", false);
        } else if v.is_infinite() {
            self.number(out, if sign.is_empty() { "+" } else { sign }, "Inf", false);
        } else {
            self.number(out, sign, &digits, self.zero);
        }
    }

    /// What stands before a number that is not negative.
    fn sign(&self) -> &'static str {
        match (self.plus, self.space) {
            (true, _) => "+",
            (false, true) => " ",
            (false, false) => "",
        }
    }

    /// A number; `zero` fills the width between its sign and its digits.
    fn number(&self, out: &mut String, sign: &str, digits: &str, zero: bool) {
        if zero && !self.minus {
            let missing = self.width.unwrap_or(0).saturating_sub(sign.len() + digits.chars().count());
            push(out, format_args!("{sign}{}{digits}", "0".repeat(missing)));
        } else {
            Self { zero: false, ..*self }.pad(out, &format!("{sign}{digits}"));
        }
    }

    /// `%q`; with `#` in backquotes if they can be around the text, with `+` in ASCII.
    fn quoted(&self, s: &str) -> String {
        let fits_backquotes = |c: char| c == '\t' || !(c.is_ascii_control() || matches!(c, '`' | '\u{feff}'));
        if self.sharp && s.chars().all(fits_backquotes) {
            format!("`{s}`")
        } else if self.plus {
            in_ascii(&go_quote(s))
        } else {
            go_quote(s)
        }
    }

    fn cut<'t>(&self, s: &'t str) -> Cow<'t, str> {
        match self.precision {
            Some(n) => s.chars().take(n).collect(),
            None => Cow::Borrowed(s),
        }
    }

    /// Fills the width; Go fills with zeroes even before texts.
    fn pad(&self, out: &mut String, text: &str) {
        let missing = self.width.unwrap_or(0).saturating_sub(text.chars().count());
        let fill = |by: &str| by.repeat(missing);
        match (self.minus, self.zero) {
            (true, _) => push(out, format_args!("{text}{}", fill(" "))),
            (false, true) => push(out, format_args!("{}{text}", fill("0"))),
            (false, false) => push(out, format_args!("{}{text}", fill(" "))),
        }
    }
}

/// Whether it is a pointer to a struct; a time is one that is written by its text.
fn is_pointer(record: &dyn Record) -> bool {
    record.type_name().starts_with('*') && !record.parts().is_empty()
}

/// What `#` makes of the digits of a number: they have a point, and `%g` keeps the zeroes behind it.
fn with_point(digits: &str, verb: char, precision: Option<usize>) -> String {
    let is_hex = matches!(verb, 'x' | 'X');
    let end = digits.find(if is_hex { ['p', 'P'] } else { ['e', 'E'] }).unwrap_or(digits.len());
    let (mantissa, exponent) = digits.split_at(end);
    let wanted = if matches!(verb, 'v' | 'g' | 'G' | 'x') { precision.unwrap_or(6) } else { 0 };
    let has_point = mantissa.contains('.');
    let significant = mantissa.chars().filter(|c| *c != '.').skip_while(|c| *c == '0').count();
    // A zero alone counts.
    let present = if mantissa == "0" { 1 } else { significant };
    let point = if has_point { "" } else { "." };
    format!("{mantissa}{point}{}{exponent}", "0".repeat(wanted.saturating_sub(present)))
}

/// Quoted text with escapes for what is not ASCII.
fn in_ascii(quoted: &str) -> String {
    let mut out = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        match u32::from(c) {
            0..0x80 => out.push(c),
            code @ 0x80..0x1_0000 => push(&mut out, format_args!("\\u{code:04x}")),
            code => push(&mut out, format_args!("\\U{code:08x}")),
        }
    }
    out
}

/// `%x`: the digits of the mantissa in base 16 and a power of two, for a number that is not negative.
fn float_hex(v: f64) -> String {
    let bits = v.to_bits();
    let (mut exponent, mut mantissa) = ((bits >> 52) as i32 - 1023, bits & ((1 << 52) - 1));
    if v == 0.0 {
        exponent = 0;
    } else if exponent == -1023 {
        // Written with a one before the point, as all others.
        let shift = mantissa.leading_zeros() as i32 - 11;
        exponent -= shift - 1;
        mantissa = (mantissa << shift) & ((1 << 52) - 1);
    }
    let digits = format!("{mantissa:013x}");
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    let (first, sign) = (u8::from(v != 0.0), if exponent < 0 { '-' } else { '+' });
    format!("0x{first}{point}{digits}p{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::library::{GoTime, Sample, SampleValue};

    #[test]
    fn formats() {
        let check =
            |format: &str, args: &[Value], want: &str| assert_eq!(sprintf(format, args), want, "{format}");
        check("%d-%s", &[1_i64.into(), "a".into()], "1-a");
        check(
            "%0.2f|%5.1f|%-6s|%06d",
            &[1.005.into(), 2.25.into(), "x".into(), (-42_i64).into()],
            "1.00|  2.2|x     |-00042",
        );
        check("%v %v %q", &[1e6.into(), true.into(), "a\"b".into()], "1e+06 true \"a\\\"b\"");
        check("%.4g%%", &[12.345_67.into()], "12.35%");
        check("%d", &["x".into()], "%!d(string=x)");
        check("%s", &[1_i64.into()], "%!s(int=1)");
        check("%d %d", &[1_i64.into()], "1 %!d(MISSING)");
        check("a", &[1_i64.into()], "a%!(EXTRA int=1)");
        check("%", &[], "%!(NOVERB)");
        check(
            "%#g %#g %#.3g %#.0f %#.0e %#v %#q",
            &[0.0.into(), 1e6.into(), 99.999.into(), 3.0.into(), 3.0.into(), 0.5.into(), 0.0.into()],
            "0.00000 1.00000e+06 100. 3. 3.e+00 0.5 %!q(float64=0.00000)",
        );
        check("%*d|%-*d", &[4_i64.into(), 7_i64.into(), 4_i64.into(), 7_i64.into()], "   7|7   ");
        check("%*d|", &[(-4_i64).into(), 7_i64.into()], "7   |");
        check("%*d", &["x".into(), 7_i64.into()], "%!(BADWIDTH)7");
        check("%*d", &[123_456_789_i64.into()], "%!(BADWIDTH)%!d(MISSING)");
        check("%.*f", &[(-1_i64).into(), 1.5.into()], "%!(BADPREC)1.500000");
        check("%[2]d %[1]d", &[1_i64.into(), 2_i64.into()], "2 1");
        check("%[3]*.[2]*[1]f|", &[12.0.into(), 2_i64.into(), 6_i64.into()], " 12.00|");
        check("%d %[1]q %d", &[65_i64.into(), 2_i64.into()], "65 'A' 2");
        check(
            "%[5]d %[x]d %[2]3d",
            &[1_i64.into(), 2_i64.into()],
            "%!d(BADINDEX) %!d(BADINDEX) %!d(BADINDEX)",
        );
        check(
            "%+q %#q %#q %+q",
            &["é😀".into(), "a\"".into(), "`".into(), 233_i64.into()],
            concat!(r#""\u00e9\U0001f600" `a"` "`" "#, r"'\u00e9'"),
        );
        check(
            "%x %X %c %U",
            &[255_i64.into(), "hi".into(), 65_i64.into(), 65_i64.into()],
            "ff 6869 A U+0041",
        );
        check(
            "%x %#x %08.3f|%6.2f|%+v",
            &[(-31_i64).into(), 31_i64.into(), f64::NAN.into(), 1_i64.into(), 2.5.into()],
            "-1f 0x1f      NaN|%!f(int=    01)|2.5",
        );
        check(
            "%x %x %X",
            &[1.0.into(), 0.0.into(), (-1_234_567.891).into()],
            "0x1p+00 0x0p+00 -0X1.2D687E4189375P+20",
        );
        check(
            "%G|% d|%.2s|%5t|%q",
            &[
                f64::INFINITY.into(),
                7_i64.into(),
                Value::string_map([("abc", "def")]),
                true.into(),
                10_i64.into(),
            ],
            "+Inf| 7|map[ab:de]| true|'\\n'",
        );
        check("%08.3f %+d", &["here".into(), 3.0.into()], "%!f(string=00000her) %!d(float64=+3)");
        check("%+d %t", &[3_i64.into(), false.into()], "+3 false");
        check("%s", &[Value::list(["a".into(), "b".into()])], "[a b]");
        check("%U %U", &[0xe9_i64.into(), (-3_i64).into()], "U+00E9 U+FFFFFFFFFFFFFFFD");
        check("%X %X", &[Value::map([("a", Value::Nil)]), Value::Nil], "map[61:<nil>] %!X(<nil>)");
        let sample =
            Sample { labels: [("l".to_owned(), "abc".to_owned())].into(), value: SampleValue::Float(1.5) };
        let sample = Value::from(Arc::new(sample));
        check("%G", &[Value::list([sample.clone()])], "[%!G(*template.sample=&{map[l:abc] 1.5})]");
        check(
            "%.2s %q",
            &[sample.clone(), sample],
            "&{map[l:ab] %!s(float64=1.5)} &{map[\"l\":\"abc\"] %!q(float64=1.5)}",
        );
        let time = || Value::from(Arc::new(GoTime::from_ms(0)));
        check("%.4x %q", &[time(), time()], "31393730 \"1970-01-01 00:00:00 +0000 UTC\"");
        check("%d", &[time()], "%!d(*time.Time=1970-01-01 00:00:00 +0000 UTC)");
    }
}

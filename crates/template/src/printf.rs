//! Go's `printf` verbs, as far as values of templates have them.

use crate::format::{float_exponent, float_fixed, float_general, print, push, quote};
use crate::value::Value;

/// Widths and precisions beyond this are cut: they come from the template.
const MAX_WIDTH: usize = 1000;

#[derive(Default)]
struct Spec {
    minus: bool,
    plus: bool,
    zero: bool,
    space: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Formats as Go's `fmt.Sprintf`; mistakes show up in the text as they do there (`%!d(string=x)`).
pub(crate) fn sprintf(format: &str, args: &[Value]) -> String {
    let mut out = String::new();
    let mut next = 0;
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = Spec::default();
        while let Some(flag) = chars.peek().copied() {
            match flag {
                '-' => spec.minus = true,
                '+' => spec.plus = true,
                '0' => spec.zero = true,
                ' ' => spec.space = true,
                '#' => spec.sharp = true,
                _ => break,
            }
            chars.next();
        }
        let number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>, next: &mut usize| {
            if chars.peek() == Some(&'*') {
                chars.next();
                let value = args.get(*next);
                *next += 1;
                return match value {
                    Some(Value::Int(n)) => usize::try_from(*n).ok().map(|n| n.min(MAX_WIDTH)),
                    _ => None,
                };
            }
            let mut found = None;
            while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
                found = Some((found.unwrap_or(0) * 10 + d as usize).min(MAX_WIDTH));
                chars.next();
            }
            found
        };
        spec.width = number(&mut chars, &mut next);
        if chars.peek() == Some(&'.') {
            chars.next();
            spec.precision = Some(number(&mut chars, &mut next).unwrap_or(0));
        }
        match chars.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => match args.get(next) {
                None => push(&mut out, format_args!("%!{verb}(MISSING)")),
                Some(value) => {
                    next += 1;
                    out.push_str(&pad(&spec, &verb_text(verb, &spec, value), value));
                }
            },
        }
    }
    if next < args.len() {
        let extra: Vec<String> =
            args[next..].iter().map(|v| format!("{}={}", v.type_name(), print(v))).collect();
        push(&mut out, format_args!("%!(EXTRA {})", extra.join(", ")));
    }
    out
}

fn verb_text(verb: char, spec: &Spec, value: &Value) -> String {
    let sign = |text: String| {
        let shows = !text.starts_with(['-', '+']);
        match (shows, spec.plus, spec.space) {
            (true, true, _) => format!("+{text}"),
            (true, false, true) => format!(" {text}"),
            _ => text,
        }
    };
    match (verb, value) {
        ('v', Value::Nil) => "<nil>".to_owned(),
        ('v', Value::Str(s)) if spec.sharp => quote(s),
        ('s', Value::Str(s) | Value::SafeHtml(s) | Value::SafeUrl(s)) => cut(s, spec),
        ('q', Value::Str(s) | Value::SafeHtml(s) | Value::SafeUrl(s)) => quote(s),
        ('t', Value::Bool(b)) => b.to_string(),
        ('d', Value::Int(n)) => sign(n.to_string()),
        ('d', Value::Uint(n)) => sign(n.to_string()),
        ('b', Value::Int(n)) => format!("{n:b}"),
        ('o', Value::Int(n)) => format!("{n:o}"),
        ('x', Value::Int(n)) => format!("{n:x}"),
        ('X', Value::Int(n)) => format!("{n:X}"),
        ('x', Value::Str(s)) => hex(s),
        ('X', Value::Str(s)) => hex(s).to_uppercase(),
        ('c', Value::Int(n)) => {
            u32::try_from(*n).ok().and_then(char::from_u32).unwrap_or('\u{fffd}').to_string()
        }
        ('U', Value::Int(n)) => format!("U+{n:04X}"),
        ('f' | 'F', Value::Float(v)) => sign(float_fixed(*v, Some(spec.precision.unwrap_or(6)))),
        ('e', Value::Float(v)) => sign(float_exponent(*v, Some(spec.precision.unwrap_or(6)))),
        ('E', Value::Float(v)) => sign(float_exponent(*v, Some(spec.precision.unwrap_or(6))).to_uppercase()),
        ('g' | 'v', Value::Float(v)) => sign(float_general(*v, spec.precision)),
        ('G', Value::Float(v)) => sign(float_general(*v, spec.precision).to_uppercase()),
        ('T', v) => v.type_name().to_owned(),
        ('v', v) | ('s', v @ (Value::Record(_) | Value::List(_) | Value::Map(_))) => print(v),
        (verb, Value::List(items)) => {
            let items: Vec<String> = items.iter().map(|i| verb_text(verb, spec, i)).collect();
            format!("[{}]", items.join(" "))
        }
        (verb, Value::Nil) => format!("%!{verb}(<nil>)"),
        (verb, v) => format!("%!{verb}({}={})", v.type_name(), print(v)),
    }
}

fn hex(s: &str) -> String {
    s.bytes().fold(String::with_capacity(2 * s.len()), |mut out, b| {
        push(&mut out, format_args!("{b:02x}"));
        out
    })
}

fn cut(s: &str, spec: &Spec) -> String {
    spec.precision.map_or_else(|| s.to_owned(), |p| s.chars().take(p).collect())
}

fn pad(spec: &Spec, text: &str, value: &Value) -> String {
    let Some(width) = spec.width else { return text.to_owned() };
    let missing = width.saturating_sub(text.chars().count());
    if spec.minus {
        return format!("{text}{}", " ".repeat(missing));
    }
    let numeric = matches!(value, Value::Int(_) | Value::Uint(_) | Value::Float(_));
    if spec.zero && numeric {
        let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+'])));
        return format!("{sign}{}{digits}", "0".repeat(missing));
    }
    format!("{}{text}", " ".repeat(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        check("%*d", &[4_i64.into(), 7_i64.into()], "   7");
        check(
            "%x %X %c %U",
            &[255_i64.into(), "hi".into(), 65_i64.into(), 65_i64.into()],
            "ff 6869 A U+0041",
        );
        check("%+d %t", &[3_i64.into(), false.into()], "+3 false");
        check("%s", &[Value::list(["a".into(), "b".into()])], "[a b]");
    }
}

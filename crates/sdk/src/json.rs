//! Writing the little JSON that answers consist of.

use std::fmt::Write as _;

/// Appends a text with its quotes.
pub(crate) fn text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Appends a number, or null if there is none: JSON has no NaN.
pub(crate) fn number(out: &mut String, number: Option<f64>) {
    match number.filter(|number| number.is_finite()) {
        Some(number) => {
            let _ = write!(out, "{number}");
        }
        None => out.push_str("null"),
    }
}

/// Appends what `write` makes of each item, as an array.
pub(crate) fn array<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push('[');
    for (idx, item) in items.into_iter().enumerate() {
        if idx > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json() {
        let mut out = String::new();
        array(&mut out, ["a\"b\\c\nd\u{1}", "é"], text);
        array(&mut out, [Some(1.5), Some(2.0), None, Some(f64::NAN)], number);
        assert_eq!(out, r#"["a\"b\\c\nd\u0001","é"][1.5,2,null,null]"#);
    }
}

//! How much memory values take. What a template calculates grows with every step (`printf "%s%s" $x $x`), so it is counted.

use crate::value::Value;

/// The longest text that a function or a method makes, in bytes. Functions stop soon behind it, and what they have made is refused.
pub const MAX_TEXT_BYTES: usize = 4 << 20;
/// So many lists and maps may be in each other: what walks over values calls itself.
pub(crate) const MAX_VALUE_DEPTH: usize = 100;

/// In what a value is too large.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    Bytes,
    Text,
    Depth,
}

/// The bytes that a value takes which was just made: its text, or its elements with all that are in them. An element that stands in several places
/// counts in each of them, because whatever writes the value writes it so often. Texts and records in it were there before.
pub(crate) fn measure(value: &Value, limit: usize) -> Result<usize, Excess> {
    match value {
        Value::Str(text) | Value::SafeHtml(text) | Value::SafeUrl(text) if text.len() > MAX_TEXT_BYTES => {
            Err(Excess::Text)
        }
        Value::Str(text) | Value::SafeHtml(text) | Value::SafeUrl(text) if text.len() > limit => {
            Err(Excess::Bytes)
        }
        Value::Str(text) | Value::SafeHtml(text) | Value::SafeUrl(text) => Ok(text.len()),
        value => {
            let mut left = limit;
            take(value, &mut left, 0)?;
            Ok(limit - left)
        }
    }
}

fn take(value: &Value, left: &mut usize, depth: usize) -> Result<(), Excess> {
    let keys: usize = match value {
        Value::Map(map) => map.entries.keys().map(String::len).sum(),
        _ => 0,
    };
    *left = left.checked_sub(size_of::<Value>() + keys).ok_or(Excess::Bytes)?;
    if depth > MAX_VALUE_DEPTH {
        return Err(Excess::Depth);
    }
    match value {
        Value::List(items) => items.iter().try_for_each(|item| take(item, left, depth + 1)),
        Value::Map(map) => map.entries.values().try_for_each(|item| take(item, left, depth + 1)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_several_places_counts_in_each() {
        let once = Value::list([1_i64.into(), "text".into()]);
        let size = |value: &Value| measure(value, usize::MAX).expect("fits");
        assert_eq!(
            size(&Value::list([once.clone(), once.clone()])),
            2 * size(&once) + size(&Value::list([]))
        );
        assert_eq!(measure(&once, size(&once) - 1), Err(Excess::Bytes));
        assert_eq!(size(&"text".into()), 4);
        assert_eq!(size(&Value::map([("key", Value::Nil)])), size(&Value::list([Value::Nil])) + 3);
        let text = Value::from("x".repeat(MAX_TEXT_BYTES + 1));
        assert_eq!(measure(&text, usize::MAX), Err(Excess::Text));
    }

    #[test]
    fn a_value_cannot_be_deep() {
        let nest = |depth: usize| (0..depth).fold(Value::list([]), |inner, _| Value::list([inner]));
        assert!(measure(&nest(MAX_VALUE_DEPTH), usize::MAX).is_ok());
        assert_eq!(measure(&nest(MAX_VALUE_DEPTH + 1), usize::MAX), Err(Excess::Depth));
    }
}

use bellwether_model::parse_float;

use crate::ast::Number;

/// Reads a number as Go's templates do: it gets every type that holds it exactly.
pub(super) fn number(text: &str) -> Option<Number> {
    let clean = text.replace('_', "");
    let (negative, digits) = match clean.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, clean.strip_prefix('+').unwrap_or(&clean)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = [("0x", 16), ("0b", 2), ("0o", 8)]
        .into_iter()
        .find_map(|(prefix, radix)| lower.strip_prefix(prefix).map(|rest| (radix, rest)))
        .unwrap_or(
            if lower.len() > 1 && lower.starts_with('0') && lower.bytes().all(|b| b.is_ascii_digit()) {
                (8, &lower[1..])
            } else {
                (10, lower.as_str())
            },
        );
    let magnitude = u64::from_str_radix(body, radix).ok();
    let mut uint = magnitude.filter(|n| !negative || *n == 0);
    let mut int =
        magnitude.and_then(|n| i64::try_from(if negative { -i128::from(n) } else { i128::from(n) }).ok());
    let float = match magnitude {
        Some(n) => Some(if negative { -(n as f64) } else { n as f64 }),
        None => parse_float(&clean).filter(|v| v.is_finite()),
    };
    if magnitude.is_none() {
        // `1e3` is an integer too; `1.5` is not.
        let v = float?;
        if !clean.contains(['.', 'e', 'E', 'p', 'P']) {
            return None;
        }
        if v == v.trunc() && v.abs() < 9e18 {
            int = Some(v as i64);
            uint = (v >= 0.0).then_some(v as u64);
        }
    }
    let looks_int = magnitude.is_some();
    Some(Number { text: text.to_owned(), int, uint, float, looks_int })
}

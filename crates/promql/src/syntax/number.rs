//! Number literals: which bytes belong to one, and what it is worth.
//!
//! Both follow Prometheus to the letter, including its oddities: `0755` is octal, `1_000` may have underscores, and `0x1e` at the end
//! of the query is not a number because the `e` is first taken for an exponent.

use bellwether_model::parse_float;

use super::quote::quote;

/// The number of bytes at the start of `input` that were looked at, and whether they are a number.
///
/// The number must not be followed by a letter, a digit or an underscore. If the bytes are no number, the length says how far the scan
/// came: a duration may continue there, and error messages quote that much. In series lines an `x` may follow, because it repeats the
/// number, and so there are no hexadecimal numbers.
pub(super) fn scan_number(input: &[u8], in_series: bool) -> (usize, bool) {
    let peek = |pos: usize| input.get(pos).copied();
    let mut pos = 0;
    let hex = !in_series && peek(0) == Some(b'0') && matches!(peek(1), Some(b'x' | b'X'));
    let is_digit = |b: u8| if hex { b.is_ascii_hexdigit() } else { b.is_ascii_digit() };
    let digits_end = |mut pos: usize| {
        while peek(pos).is_some_and(is_digit) {
            pos += 1;
        }
        pos
    };
    if hex {
        pos = 2;
        pos += usize::from(peek(pos) == Some(b'_'));
    } else if !in_series && peek(0) == Some(b'0') {
        // The point behind a leading zero does not count below, as little as one at the very start.
        pos = 1;
    }
    pos += usize::from(peek(pos) == Some(b'.'));
    pos += usize::from(peek(pos).is_some_and(is_digit));
    // A point right here does not count yet, so `.5.` passes; reading its value will fail.
    let (mut point, mut exponent) = (false, false);
    while let Some(b) = peek(pos) {
        match b {
            b'.' => {
                pos += 1;
                if point {
                    return (pos, false);
                }
                point = true;
                if matches!(peek(pos), Some(b'_' | b'.')) {
                    return (pos + 1, false);
                }
                if hex {
                    return (pos, false);
                }
            }
            b'e' | b'E' => {
                pos += 1;
                if exponent {
                    return (pos, false);
                }
                exponent = true;
                pos += usize::from(matches!(peek(pos), Some(b'+' | b'-')));
                match peek(pos) {
                    None => return (pos, false),
                    Some(b'.' | b'_' | b'e' | b'E') => return (pos + 1, false),
                    Some(_) => {}
                }
            }
            b'_' => {
                pos += 1;
                match peek(pos) {
                    None => return (pos, false),
                    Some(b'.' | b'_' | b'e' | b'E') => return (pos + 1, false),
                    Some(_) => {}
                }
            }
            b if is_digit(b) => pos = digits_end(pos),
            _ => break,
        }
    }
    (pos, pos > 0 && ends_here(peek(pos), in_series))
}

/// Whether a number or duration can end before this byte.
fn ends_here(next: Option<u8>, in_series: bool) -> bool {
    match next {
        Some(b'x') if in_series => true,
        Some(b) => !b.is_ascii_alphanumeric() && b != b'_',
        None => true,
    }
}

/// The number of bytes of a duration that continues at the start of `input`, behind its first number, and whether it is complete.
///
/// Units in the wrong order or misspelt as `hs` pass; they are reported when the duration is read.
pub(super) fn scan_duration_rest(input: &[u8], in_series: bool) -> (usize, bool) {
    let peek = |pos: usize| input.get(pos).copied();
    if !matches!(peek(0), Some(b's' | b'm' | b'h' | b'd' | b'w' | b'y')) {
        return (0, false);
    }
    let mut pos = 1 + usize::from(peek(1) == Some(b's'));
    while peek(pos).is_some_and(|b| b.is_ascii_digit()) {
        while peek(pos).is_some_and(|b| b.is_ascii_digit()) {
            pos += 1;
        }
        if !matches!(peek(pos), Some(b's' | b'm' | b'h' | b'd' | b'w')) {
            return (pos, false);
        }
        pos += 1;
        pos += usize::from(peek(pos) == Some(b's'));
    }
    if ends_here(peek(pos), in_series) { (pos, true) } else { (pos + 1, false) }
}

/// The value of a number token, and what is wrong with it. A number that is too large is infinite.
pub(super) fn parse_number(text: &str) -> (f64, Option<String>) {
    if let Some(v) = parse_integer(text) {
        return (v as f64, None);
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let (value, why) = match parse_float(&plain) {
        _ if !underscores_separate_digits(text) => (0.0, "invalid syntax"),
        Some(v) => return (v, None),
        // What has the form of a number and is none is too large.
        None if plain.parse::<f64>().is_ok_and(f64::is_infinite) => (f64::INFINITY, "value out of range"),
        None => (0.0, "invalid syntax"),
    };
    let message = format!("error parsing number: strconv.ParseFloat: parsing {}: {why}", quote(text));
    (value, Some(message))
}

/// The milliseconds of a duration as seconds; added up like Go's `Duration.Seconds`, whose rounding differs from that of a division.
pub(super) fn seconds(ms: i64) -> f64 {
    (ms / 1000) as f64 + (ms % 1000) as f64 / 1000.0
}

/// Reads a whole number with the prefixes of Go: `0x` and a leading `0`.
fn parse_integer(text: &str) -> Option<i64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    // A prefix counts as a digit, so one underscore may follow it.
    if !underscores_separate_digits(text) || digits.is_empty() {
        return None;
    }
    let plain: String = digits.chars().filter(|c| *c != '_').collect();
    i64::from_str_radix(&plain, radix).ok()
}

/// Whether each underscore has a digit, or the prefix `0x`, before it and a digit behind it.
fn underscores_separate_digits(text: &str) -> bool {
    let bytes = text.as_bytes();
    let prefix = if text.starts_with("0x") || text.starts_with("0X") { 2 } else { 0 };
    bytes.iter().enumerate().filter(|(_, b)| **b == b'_').all(|(idx, _)| {
        let digit = |b: u8| if prefix > 0 { b.is_ascii_hexdigit() } else { b.is_ascii_digit() };
        let before = idx > 0 && (digit(bytes[idx - 1]) || idx == prefix);
        before && bytes.get(idx + 1).copied().is_some_and(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans() {
        let check = |s: &str, len, ok| assert_eq!(scan_number(s.as_bytes(), false), (len, ok), "{s}");
        check("1", 1, true);
        check("1.5e-3 ", 6, true);
        check(".5)", 2, true);
        check("5.", 2, true);
        check("1_000", 5, true);
        check("0x1F", 4, true);
        check("0x1e", 4, false);
        check("0x_f+", 4, true);
        check("2.5.", 4, false);
        check("100..4", 5, false);
        check("0deadbeef", 1, false);
        check("1__0", 3, false);
        check("1_", 2, false);
        check("1e", 2, false);
        check("1ee3", 3, false);
        check("1.e5", 4, true);
        check("0x1.5", 4, false);
        check("5m", 1, false);
        check("x", 0, false);
    }

    #[test]
    fn scans_durations() {
        let check = |s: &str, len, ok| assert_eq!(scan_duration_rest(s.as_bytes(), false), (len, ok), "{s}");
        check("m", 1, true);
        check("h30m]", 4, true);
        check("ms", 2, true);
        check("mm", 2, false);
        check("m1", 2, false);
        check("y1hs", 4, true);
        check("m1y", 2, false);
        check("eadbeef", 0, false);
    }

    #[test]
    fn values() {
        let check = |s: &str, want: f64| {
            let (got, message) = parse_number(s);
            assert_eq!((got.to_bits(), message), (want.to_bits(), None), "{s}");
        };
        check("1", 1.0);
        check("0755", 493.0);
        check("0x1F", 31.0);
        check("0X_1f", 31.0);
        check("089", 89.0);
        check("1_000", 1000.0);
        check("1_0.5e1_0", 1.05e11);
        check("9223372036854775808", 9_223_372_036_854_775_808.0);
        check("Inf", f64::INFINITY);
        check("nan", f64::NAN);
        check("5.", 5.0);
        let fails = |s: &str, value: f64, why: &str| {
            let want = format!("error parsing number: strconv.ParseFloat: parsing \"{s}\": {why}");
            assert_eq!(parse_number(s), (value, Some(want)));
        };
        fails("1e400", f64::INFINITY, "value out of range");
        fails("0x", 0.0, "invalid syntax");
        fails("0x1e+5", 0.0, "invalid syntax");
    }
}

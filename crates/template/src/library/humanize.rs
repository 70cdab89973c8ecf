//! Numbers for people, with four significant digits.

use crate::format::float_general;

/// `%.4g`
pub(super) fn significant(v: f64) -> String {
    float_general(v, Some(4))
}

/// With the prefixes of the SI.
pub(super) fn decimal(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return significant(v);
    }
    let (v, prefix) = if v.abs() >= 1.0 {
        scale_down(v, 1000.0, &["k", "M", "G", "T", "P", "E", "Z", "Y"])
    } else {
        scale_up(v)
    };
    significant(v) + prefix
}

/// With the prefixes of powers of 1024.
pub(super) fn binary(v: f64) -> String {
    if v.abs() <= 1.0 || !v.is_finite() {
        return significant(v);
    }
    let (v, prefix) = scale_down(v, 1024.0, &["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"]);
    significant(v) + prefix
}

/// Of a ratio.
pub(super) fn percentage(v: f64) -> String {
    significant(v * 100.0) + "%"
}

/// Seconds as days, hours, minutes and seconds, or with the prefixes of the SI below one second.
pub(super) fn duration(v: f64) -> String {
    if !v.is_finite() {
        return significant(v);
    }
    if v == 0.0 {
        return significant(v) + "s";
    }
    if v.abs() < 1.0 {
        let (v, prefix) = scale_up(v);
        return format!("{}{prefix}s", significant(v));
    }
    let sign = if v < 0.0 { "-" } else { "" };
    let whole = v.abs() as u64;
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    if days > 0 {
        format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
    } else if hours > 0 {
        format!("{sign}{hours}h {minutes}m {seconds}s")
    } else if minutes > 0 {
        format!("{sign}{minutes}m {seconds}s")
    } else {
        format!("{sign}{}s", significant(v.abs()))
    }
}

fn scale_down(mut v: f64, base: f64, prefixes: &[&'static str]) -> (f64, &'static str) {
    let mut prefix = "";
    for next in prefixes {
        if v.abs() < base {
            break;
        }
        prefix = next;
        v /= base;
    }
    (v, prefix)
}

fn scale_up(mut v: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for next in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if v.abs() >= 1.0 {
            break;
        }
        prefix = next;
        v *= 1000.0;
    }
    (v, prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(decimal(1_234_567.0), "1.235M");
        assert_eq!(decimal(0.000_12), "120u");
        assert_eq!(decimal(-1.0), "-1");
        assert_eq!(binary(1_048_576.0), "1Mi");
        assert_eq!(percentage(0.123_456_7), "12.35%");
        assert_eq!(duration(-183_845.0), "-2d 3h 4m 5s");
        assert_eq!(duration(899.99), "14m 59s");
        assert_eq!(duration(0.0001), "100us");
        assert_eq!(duration(12.345), "12.35s");
    }
}

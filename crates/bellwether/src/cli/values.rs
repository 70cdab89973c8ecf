//! How the values of flags are written. Each error says how to write it.

use bellwether_fleet::ArrivalRate;
use bellwether_model::{AnchoredRegex, parse_duration_ms, parse_size};

pub(super) fn arrival_rate(s: &str) -> Result<ArrivalRate, String> {
    let per_s =
        s.parse().map_err(|_| format!("{s:?} is not a number of arrivals per second, such as 100"))?;
    ArrivalRate::new(per_s).map_err(|e| e.to_string())
}

pub(crate) fn duration_ms(s: &str) -> Result<i64, String> {
    parse_duration_ms(s).map_err(|e| format!("{e}; write it like 15d or 1h30m"))
}

/// A whole number, which Prometheus lets people write as `5e7`, too.
pub(super) fn count(s: &str) -> Result<usize, String> {
    let number: f64 = s.parse().map_err(|_| format!("{s:?} is not a number"))?;
    if number.fract() == 0.0 && (0.0..=1e15).contains(&number) {
        Ok(number as usize)
    } else {
        Err(format!("{s:?} is not a whole number from 0 to 1e15"))
    }
}

pub(super) fn anchored_regex(s: &str) -> Result<AnchoredRegex, String> {
    AnchoredRegex::new(s).map_err(|e| e.to_string())
}

pub(crate) fn positive_duration_ms(s: &str) -> Result<i64, String> {
    match duration_ms(s)? {
        0 => Err("must be more than nothing; write it like 30s or 5m".to_owned()),
        ms => Ok(ms),
    }
}

/// A number that counts places or samples: none would mean that nothing works, and no machine has more than the upper end.
pub(crate) fn at_least_one(s: &str) -> Result<usize, String> {
    match s.parse() {
        Ok(number @ 1..=1_000_000_000_000) => Ok(number),
        Ok(_) => Err("must be from 1 to 1000000000000".to_owned()),
        Err(error) => Err(format!("{error}; write it like 20")),
    }
}

pub(super) fn external_url(s: &str) -> Result<String, String> {
    let (scheme, rest) = s.split_once("://").unwrap_or_default();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if !s.is_empty() && (!matches!(scheme, "http" | "https") || host.is_empty()) {
        return Err("must be a URL such as https://example.org/bellwether".to_owned());
    }
    url_path(path).map(|_| s.to_owned())
}

pub(super) fn url_path(s: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    let has_dots = s.split('/').any(|segment| matches!(segment, "." | ".."));
    if !s.chars().all(is_plain) || s.contains("//") || has_dots {
        return Err(
            "a path consists of letters, digits and -._~ between slashes, such as /bellwether".to_owned()
        );
    }
    Ok(s.to_owned())
}

pub(super) fn some_bytes(s: &str) -> Result<u64, String> {
    match size_bytes(s)? {
        0 => Err("must be more than nothing; write it like 512MB or 10GB".to_owned()),
        bytes => Ok(bytes),
    }
}

pub(super) fn size_bytes(s: &str) -> Result<u64, String> {
    parse_size(s).map_err(|e| format!("{e}; write it like 512MB or 10GB"))
}

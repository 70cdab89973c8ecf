//! Times and steps as people write them on the command line.

use std::str::FromStr;

use bellwether_model::{format_duration_ms, parse_duration_ms, parse_float};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A time that may depend on when the command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeArgument {
    /// Milliseconds since the Unix epoch.
    At(i64),
    /// So many milliseconds after now; negative ones lie before.
    FromNow(i64),
}

impl TimeArgument {
    /// Milliseconds since the Unix epoch.
    pub(crate) fn resolve(self, now_ms: i64) -> i64 {
        match self {
            Self::At(ts_ms) => ts_ms,
            Self::FromNow(ms) => now_ms.saturating_add(ms),
        }
    }
}

impl FromStr for TimeArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let relative = text.strip_prefix("now").unwrap_or(text);
        if relative.is_empty() && !text.is_empty() {
            return Ok(Self::FromNow(0));
        }
        if let Some(duration) = relative.strip_prefix('-')
            && let Ok(ms) = parse_duration_ms(duration)
        {
            return Ok(Self::FromNow(-ms));
        }
        if let Some(duration) = relative.strip_prefix('+')
            && let Ok(ms) = parse_duration_ms(duration)
        {
            return Ok(Self::FromNow(ms));
        }
        if let Some(ms) = parse_float(text).and_then(milliseconds) {
            return Ok(Self::At(ms));
        }
        match OffsetDateTime::parse(text, &Rfc3339) {
            Ok(time) => Ok(Self::At((time.unix_timestamp_nanos() / 1_000_000) as i64)),
            Err(_) => {
                Err("not a time; write it like 2026-01-02T15:04:05Z, 1767366245, now, -1h or now-30m"
                    .to_owned())
            }
        }
    }
}

/// The distance of the evaluations of a range query, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step(pub(crate) i64);

impl Step {
    /// Some 250 steps, each a whole number of seconds.
    pub(crate) fn for_range(range_ms: i64) -> Self {
        Self((range_ms / 250 / 1000).max(1) * 1000)
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ms = match parse_float(text) {
            Some(seconds) => milliseconds(seconds),
            None => parse_duration_ms(text).ok(),
        };
        ms.filter(|ms| *ms > 0).map(Self).ok_or_else(|| "not a step; write it like 15s or 0.5".to_owned())
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&format_duration_ms(self.0))
    }
}

fn milliseconds(seconds: f64) -> Option<i64> {
    let ms = (seconds * 1000.0).round();
    (ms.abs() < 9e15).then_some(ms as i64)
}

/// Milliseconds as the seconds that the API takes.
pub(crate) fn api_seconds(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    match ms % 1000 {
        0 => format!("{sign}{}", ms / 1000),
        fraction => format!("{sign}{}.{fraction:03}", ms / 1000),
    }
}

/// A time for people to read.
pub(crate) fn shown(ts_ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ts_ms) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| api_seconds(ts_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let check = |text: &str, want| assert_eq!(text.parse(), Ok(want), "{text}");
        check("now", TimeArgument::FromNow(0));
        check("-1h", TimeArgument::FromNow(-3_600_000));
        check("now-1h30m", TimeArgument::FromNow(-5_400_000));
        check("+5m", TimeArgument::FromNow(300_000));
        check("now+5m", TimeArgument::FromNow(300_000));
        check("1767366245", TimeArgument::At(1_767_366_245_000));
        check("1767366245.5", TimeArgument::At(1_767_366_245_500));
        check("-3600", TimeArgument::At(-3_600_000));
        check("0", TimeArgument::At(0));
        check("1.5e9", TimeArgument::At(1_500_000_000_000));
        check("2026-01-02T15:04:05Z", TimeArgument::At(1_767_366_245_000));
        check("2026-01-02T16:04:05.250+01:00", TimeArgument::At(1_767_366_245_250));
        for text in ["", "soon", "1h", "now1h", "-", "NaN", "Inf", "2026-01-02", "1e300", "nownow", "--1h"] {
            let refused = text.parse::<TimeArgument>().expect_err(text);
            assert!(refused.contains("write it like"), "{refused}");
        }
    }

    #[test]
    fn steps() {
        let check = |text: &str, want| assert_eq!(text.parse().ok(), want, "{text}");
        check("15s", Some(Step(15_000)));
        check("0.5", Some(Step(500)));
        check("60", Some(Step(60_000)));
        check("0", None);
        check("-5s", None);
        check("often", None);
        assert_eq!(Step::for_range(3_600_000), Step(14_000));
        assert_eq!(Step::for_range(0), Step(1000));
    }

    #[test]
    fn times_as_text() {
        assert_eq!(api_seconds(1500), "1.500");
        assert_eq!(api_seconds(-50), "-0.050");
        assert_eq!(api_seconds(60_000), "60");
        assert_eq!(shown(1_767_366_245_250), "2026-01-02T15:04:05.25Z");
        assert_eq!(shown(i64::MAX), "9223372036854775.807");
    }
}

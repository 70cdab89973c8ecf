use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// A span of time with inclusive bounds, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// The first instant.
    pub mint: i64,
    /// The last instant.
    pub maxt: i64,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self { mint: i64::MIN, maxt: i64::MAX };

    /// The range from `mint` to `maxt`, both included.
    pub fn new(mint: i64, maxt: i64) -> Self {
        Self { mint, maxt }
    }

    /// Whether `ts_ms` lies in the range.
    pub fn contains(self, ts_ms: i64) -> bool {
        self.mint <= ts_ms && ts_ms <= self.maxt
    }

    /// Whether the two ranges share an instant.
    pub fn overlaps(self, other: Self) -> bool {
        self.mint <= other.maxt && other.mint <= self.maxt
    }
}

/// Where the time comes from. Engines take a clock instead of asking the system, so tests own the time.
pub trait Clock: Send + Sync {
    /// The wall clock, in milliseconds since the Unix epoch. May jump; use it for timestamps only.
    fn now_ms(&self) -> i64;

    /// Time since an arbitrary start. Never goes back; use it for timers and durations.
    fn monotonic(&self) -> Duration;

    /// Lets the thread rest, so that others get on. A clock that is moved by hand does not wait.
    fn rest(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// The clocks of the operating system.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// The system's clocks; the monotonic one starts now.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    fn now_ms(&self) -> i64 {
        match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => since.as_millis() as i64,
            Err(before) => -(before.duration().as_millis() as i64),
        }
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock {
    now_ms: AtomicI64,
    monotonic_ms: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `now_ms`.
    pub fn new(now_ms: i64) -> Self {
        Self { now_ms: AtomicI64::new(now_ms), monotonic_ms: AtomicI64::new(0) }
    }

    /// Lets `ms` milliseconds pass on both clocks.
    pub fn advance_ms(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
        self.monotonic_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets the wall clock alone, as an administrator or NTP does.
    pub fn jump_to_ms(&self, now_ms: i64) {
        self.now_ms.store(now_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.monotonic_ms.load(Ordering::SeqCst).unsigned_abs())
    }

    fn rest(&self, _: Duration) {}
}

/// Why a text is not a duration. The messages are those of Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    /// Nothing was given.
    #[error("empty duration string")]
    Empty,
    /// The text does not have the form `1y2w3d4h5m6s7ms`.
    #[error("not a valid duration string: {0:?}")]
    Syntax(String),
    /// A number is followed by something that is no unit.
    #[error("unknown unit {unit:?} in duration {duration:?}")]
    UnknownUnit {
        /// What stands where the unit should be.
        unit: String,
        /// The whole text.
        duration: String,
    },
    /// The duration does not fit into 64 bits of nanoseconds, the range of Go's durations.
    #[error("duration out of range")]
    OutOfRange,
}

/// The units in the order in which they must appear, with their milliseconds.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 24 * 60 * 60 * 1000),
    ("w", 7 * 24 * 60 * 60 * 1000),
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

/// Reads a Prometheus duration such as `1h30m` and returns its milliseconds.
///
/// Units are `y` (365 days), `w`, `d`, `h`, `m`, `s` and `ms`, in that order, each at most once; `0` alone needs no unit.
pub fn parse_duration_ms(s: &str) -> Result<i64, ParseDurationError> {
    /// Go durations count nanoseconds in 64 bits.
    const MAX_MS: i64 = i64::MAX / 1_000_000;

    if s.is_empty() {
        return Err(ParseDurationError::Empty);
    }
    if s == "0" {
        return Ok(0);
    }
    let syntax = || ParseDurationError::Syntax(s.to_owned());
    let (mut rest, mut total, mut next_unit) = (s, 0_i64, 0);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        // Everything up to the next digit is the unit.
        let letters = rest[digits..].bytes().take_while(|b| !b.is_ascii_digit()).count();
        let (number, unit) = (&rest[..digits], &rest[digits..digits + letters]);
        if number.is_empty() || unit.is_empty() {
            return Err(syntax());
        }
        let unknown = || ParseDurationError::UnknownUnit { unit: unit.to_owned(), duration: s.to_owned() };
        let idx = UNITS.iter().position(|(name, _)| *name == unit).ok_or_else(unknown)?;
        if idx < next_unit {
            return Err(syntax());
        }
        next_unit = idx + 1;
        let n: i64 = number.parse().map_err(|_| ParseDurationError::OutOfRange)?;
        total = n
            .checked_mul(UNITS[idx].1)
            .and_then(|ms| ms.checked_add(total))
            .filter(|total| *total <= MAX_MS)
            .ok_or(ParseDurationError::OutOfRange)?;
        rest = &rest[digits + letters..];
    }
    Ok(total)
}

/// Writes a duration as Prometheus does: the fewest units that are exact, years and weeks only when nothing is left over; `0s` for zero.
pub fn format_duration_ms(ms: i64) -> String {
    let mut out = String::new();
    if ms == 0 {
        return "0s".to_owned();
    }
    if ms < 0 {
        out.push('-');
    }
    let mut rest = ms.unsigned_abs();
    for (idx, (unit, unit_ms)) in UNITS.into_iter().enumerate() {
        let unit_ms = unit_ms.unsigned_abs();
        // `y` and `w` are used only for exact multiples: 8d is clearer than 1w1d.
        if idx < 2 && !rest.is_multiple_of(unit_ms) {
            continue;
        }
        if rest >= unit_ms {
            write!(out, "{}{unit}", rest / unit_ms).expect("BUG: writing to a string cannot fail");
            rest %= unit_ms;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations() {
        let check = |s: &str, ms: i64| {
            assert_eq!(parse_duration_ms(s), Ok(ms), "{s}");
            assert_eq!(format_duration_ms(ms), s);
        };
        check("1h30m", 5_400_000);
        check("1y", 31_536_000_000);
        check("2w", 1_209_600_000);
        check("8d", 691_200_000);
        check("4d1h", 349_200_000);
        check("1m1ms", 60_001);
        assert_eq!(parse_duration_ms("0"), Ok(0));
        assert_eq!(format_duration_ms(0), "0s");
        assert_eq!(format_duration_ms(-90_000), "-1m30s");
    }

    #[test]
    fn bad_durations() {
        let check = |s: &str, want: &str| {
            assert_eq!(parse_duration_ms(s).map_err(|e| e.to_string()), Err(want.to_owned()));
        };
        check("", "empty duration string");
        check("1", "not a valid duration string: \"1\"");
        check("1m1h", "not a valid duration string: \"1m1h\"");
        check("1h1h", "not a valid duration string: \"1h1h\"");
        check("-1h", "not a valid duration string: \"-1h\"");
        check("1.5h", "unknown unit \".\" in duration \"1.5h\"");
        check("1 h", "unknown unit \" h\" in duration \"1 h\"");
        check("5y1hs", "unknown unit \"hs\" in duration \"5y1hs\"");
        check("294y", "duration out of range");
    }

    proptest! {
        #[test]
        fn reads_back_what_it_wrote(ms in 0_i64..9_000_000_000_000) {
            prop_assert_eq!(parse_duration_ms(&format_duration_ms(ms)), Ok(ms));
        }
    }
}

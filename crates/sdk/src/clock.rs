//! What time it is.

use std::panic::RefUnwindSafe;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells the time since the Unix epoch.
pub(crate) type Clock = &'static (dyn Fn() -> Duration + Send + Sync + RefUnwindSafe);

/// When the process asked for the first time.
static START: LazyLock<(Instant, Duration)> = LazyLock::new(|| (Instant::now(), wall()));

/// The time by the system's clock when the process asked first, and from then on by one that nobody sets back. So processes agree well enough to add up what they
/// counted in the same minutes, and no series looks older than it is because the clock was set.
pub(crate) fn now() -> Duration {
    let (start, wall) = *START;
    wall + start.elapsed()
}

/// The time by the system's clock now, for timestamps that others compare with their own clocks.
#[expect(clippy::disallowed_methods, reason = "whoever reads a timestamp compares it with its own clock")]
pub(crate) fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Whole nanoseconds of a time; more than 64 bits hold is what they hold.
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Whole milliseconds of a time.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

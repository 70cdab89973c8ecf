//! The time that others understand, for timestamps. Durations are measured with the monotonic clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "whoever reads a timestamp compares it with its own clock")]
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

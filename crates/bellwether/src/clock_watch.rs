//! Notices when somebody sets the clock: timestamps jump then, and timers do not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_api::ClockJumps;
use bellwether_model::Clock;

/// The wall clock may go this much faster or slower between two looks than the one that never goes back. NTP moves it by less.
const TOLERATED: Duration = Duration::from_secs(30);

/// Compares the wall clock with the one that never goes back.
pub(crate) struct ClockWatch {
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

struct Seen {
    now_ms: i64,
    monotonic: Duration,
    jumps: ClockJumps,
}

impl ClockWatch {
    /// Starts with what the clocks show now.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let (now_ms, monotonic) = (clock.now_ms(), clock.monotonic());
        Self { clock, seen: Mutex::new(Seen { now_ms, monotonic, jumps: ClockJumps::default() }) }
    }

    /// Compares what has passed on both clocks since the last look.
    pub(crate) fn look(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (now_ms, monotonic) = (self.clock.now_ms(), self.clock.monotonic());
        let passed_ms =
            i64::try_from(monotonic.saturating_sub(seen.monotonic).as_millis()).unwrap_or(i64::MAX);
        let jump_ms = now_ms.saturating_sub(seen.now_ms).saturating_sub(passed_ms);
        (seen.now_ms, seen.monotonic) = (now_ms, monotonic);
        if u128::from(jump_ms.unsigned_abs()) > TOLERATED.as_millis() {
            seen.jumps = ClockJumps { count: seen.jumps.count + 1, last_ms: jump_ms, last_at_ms: now_ms };
            tracing::warn!(
                seconds = jump_ms as f64 / 1000.0,
                "the clock of this machine jumped: samples from here on carry the new time; those of the time in between may be missing or come twice"
            );
        }
    }

    /// The jumps so far.
    pub(crate) fn jumps(&self) -> ClockJumps {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).jumps
    }
}

#[cfg(test)]
mod tests {
    use bellwether_model::ManualClock;

    use super::*;

    #[test]
    fn jumps_are_counted_and_time_that_passes_is_none() {
        let clock = Arc::new(ManualClock::new(1_000_000));
        let watch = ClockWatch::new(Arc::<ManualClock>::clone(&clock));
        let look = || {
            watch.look();
            let ClockJumps { count, last_ms, last_at_ms } = watch.jumps();
            (count, last_ms, last_at_ms)
        };
        clock.advance_ms(24 * 60 * 60 * 1000);
        assert_eq!(look(), (0, 0, 0), "a day passed on both clocks");
        clock.jump_to_ms(87_400_000 + 30_000);
        assert_eq!(look(), (0, 0, 0), "half a minute is tolerated");
        clock.jump_to_ms(87_430_000 + 30_001);
        clock.advance_ms(10);
        assert_eq!(look(), (1, 30_001, 87_460_011));
        clock.jump_to_ms(5);
        assert_eq!(look(), (2, -87_460_006, 5));
        assert_eq!(look(), (2, -87_460_006, 5), "each jump counts once");
    }
}

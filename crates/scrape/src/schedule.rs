//! When to scrape, and which time the samples get.

use std::time::Duration;

use tokio::time::Instant;

/// Largest difference to the grid that a timestamp is moved by; also at most a hundredth of the interval. Regular timestamps
/// compress to almost nothing, and timers are never exact.
const TOLERANCE_MS: i64 = 2;
/// After so many timestamps off the grid the clock, and not a busy machine, is taken to be the reason.
const OFF_GRID_TICKS: u8 = 4;

/// Scrapes begin at multiples of this, not at any millisecond: those of one slot share the waking of a thread and find what they need in the processor's caches.
/// There are many slots in an interval, so the load on network and targets is spread as before.
const SLOT_MS: u64 = 200;
/// A slot of a short interval is this part of it.
const SLOTS_MIN: u64 = 5;

/// The instants at which one target is scraped: a grid on the monotonic clock that no slow scrape moves.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    interval: Duration,
    next: Instant,
}

impl Schedule {
    /// A grid whose phase is fixed by `hash`, so that the targets of a server, and the servers that scrape a target, are spread over the
    /// interval, and a restart changes nothing.
    pub(crate) fn new(interval: Duration, hash: u64, now: Instant, now_ms: i64) -> Self {
        let interval_ms = interval.as_millis().max(1) as u64;
        let slot_ms = SLOT_MS.min(interval_ms / SLOTS_MIN).max(1);
        let phase = hash % interval_ms / slot_ms * slot_ms;
        let into_interval = now_ms.rem_euclid(interval_ms as i64).unsigned_abs();
        let wait_ms = (phase + interval_ms - into_interval) % interval_ms;
        Self { interval, next: now + Duration::from_millis(wait_ms) }
    }

    /// When to scrape next.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// The distance of two scrapes.
    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }

    /// The scrape that was due is over. Returns how many others were missed; at most one that is overdue is made up for at once.
    pub(crate) fn advance(&mut self, now: Instant) -> u32 {
        self.next += self.interval;
        let overdue = now.saturating_duration_since(self.next);
        let missed = (overdue.as_nanos() / self.interval.as_nanos().max(1)) as u32;
        self.next += self.interval * missed;
        missed
    }
}

/// Gives scrapes timestamps on a grid as long as the clock agrees with it.
#[derive(Debug, Clone)]
pub(crate) struct Timestamps {
    interval_ms: i64,
    /// The time of the next scrape on the grid.
    expected_ms: Option<i64>,
    off_grid: u8,
}

impl Timestamps {
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval_ms: interval.as_millis() as i64, expected_ms: None, off_grid: 0 }
    }

    /// The timestamp of the scrape that begins at `now_ms` by the wall clock.
    pub(crate) fn stamp(&mut self, now_ms: i64) -> i64 {
        let Some(expected_ms) = self.expected_ms else {
            self.anchor(now_ms);
            return now_ms;
        };
        let (off_ms, tolerance_ms) = ((now_ms - expected_ms).abs(), TOLERANCE_MS.min(self.interval_ms / 100));
        if off_ms <= tolerance_ms {
            self.anchor(expected_ms);
            return expected_ms;
        }
        self.off_grid += 1;
        if off_ms >= self.interval_ms || self.off_grid >= OFF_GRID_TICKS {
            self.anchor(now_ms);
        } else {
            self.expected_ms = Some(expected_ms + self.interval_ms);
        }
        now_ms
    }

    /// Scrapes were missed.
    pub(crate) fn skip(&mut self, missed: u32) {
        if let Some(expected_ms) = &mut self.expected_ms {
            *expected_ms += i64::from(missed) * self.interval_ms;
        }
    }

    fn anchor(&mut self, now_ms: i64) {
        self.expected_ms = Some(now_ms + self.interval_ms);
        self.off_grid = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn the_phase_does_not_depend_on_when_the_server_starts() {
        let now = Instant::now();
        let hash = 3_000 + 7 * 15_000;
        for now_ms in [0, 1, 2_999, 3_000, 3_001, 14_999, 15_000, 1_700_000_000_123] {
            let schedule = Schedule::new(s(15), hash, now, now_ms);
            let first_ms = now_ms + (schedule.next() - now).as_millis() as i64;
            assert_eq!(first_ms % 15_000, 3_000, "{now_ms}");
            assert!(first_ms - now_ms < 15_000, "{now_ms}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn scrapes_begin_in_slots_that_are_spread_over_the_interval() {
        let now = Instant::now();
        let phases = |interval_ms: u64| {
            let phase = |hash: u64| {
                let spread = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let schedule = Schedule::new(Duration::from_millis(interval_ms), spread, now, 0);
                (schedule.next() - now).as_millis() as u64
            };
            (0..1_000).map(phase).collect::<std::collections::BTreeSet<u64>>()
        };
        let multiples = |of: u64, n: u64| (0..n).map(|slot| slot * of).collect();
        assert_eq!(phases(1_000), multiples(200, 5));
        assert_eq!(phases(5_000), multiples(200, 25));
        assert_eq!(phases(250), multiples(50, 5));
        assert_eq!(phases(3), multiples(1, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn slow_scrapes_never_move_the_grid() {
        let start = Instant::now();
        let mut schedule = Schedule::new(s(10), 0, start, 0);
        let mut check = |ended_after: Duration, missed: u32, next: u64| {
            assert_eq!(schedule.advance(start + ended_after), missed);
            assert_eq!(schedule.next(), start + s(next));
        };
        check(s(1), 0, 10);
        check(s(19), 0, 20);
        // Exactly at, or a little behind, the next instant: it is made up for.
        check(s(30), 0, 30);
        check(s(40) + Duration::from_millis(5), 0, 40);
        // Two and a half intervals late: two are lost.
        check(s(75), 2, 70);
        check(s(76), 0, 80);
    }

    #[test]
    fn timestamps_stay_on_the_grid_as_long_as_the_clock_does() {
        let mut stamps = Timestamps::new(s(10));
        let mut check = |now_ms, want| assert_eq!(stamps.stamp(now_ms), want, "{now_ms}");
        check(100_003, 100_003);
        check(110_004, 110_003);
        check(120_001, 120_003);
        // A busy machine.
        check(130_050, 130_050);
        check(140_003, 140_003);
        // The clock jumps, forth and back.
        check(1_000_000, 1_000_000);
        check(1_010_001, 1_010_000);
        check(500_000, 500_000);
        check(510_002, 510_000);
        // The clock is off for good.
        check(520_004, 520_004);
        check(530_004, 530_004);
        check(540_004, 540_004);
        check(550_004, 550_004);
        check(560_003, 560_004);
    }

    #[test]
    fn short_intervals_tolerate_less() {
        let mut stamps = Timestamps::new(Duration::from_millis(100));
        assert_eq!(stamps.stamp(0), 0);
        assert_eq!(stamps.stamp(101), 100);
        assert_eq!(stamps.stamp(202), 202);
        stamps.skip(2);
        assert_eq!(stamps.stamp(501), 500);
    }
}

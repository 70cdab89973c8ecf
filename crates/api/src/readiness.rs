//! Where the server is in its life, and how far the replay of its log is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_model::Clock;
use serde_json::{Value, json};

/// How far the replay of the log is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replay {
    /// The first segment of the log that is replayed.
    pub first_segment: u64,
    /// The last one.
    pub last_segment: u64,
    /// The one that is being read.
    pub segment: u64,
    /// How many bytes there are to read; 0 while that is not known.
    pub bytes: u64,
    /// How many of them were read.
    pub bytes_read: u64,
}

/// Says how far the replay is at this moment.
pub type ReplayWatch = Box<dyn Fn() -> Replay + Send + Sync>;

/// Where the server is in its life, as `/-/ready` tells load balancers and people.
pub struct Readiness {
    clock: Arc<dyn Clock>,
    replay: ReplayWatch,
    /// When the process started, on the clock that never goes back.
    started_at: Duration,
    phase: Mutex<Phase>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Replaying,
    Starting(String),
    Ready,
    Stopping,
}

impl Readiness {
    /// Not ready yet: the log is replayed, as `replay` tells.
    pub fn replaying(clock: Arc<dyn Clock>, replay: ReplayWatch) -> Self {
        let started_at = clock.monotonic();
        Self { clock, replay, started_at, phase: Mutex::new(Phase::Replaying) }
    }

    /// Not ready yet for another reason, which is shown.
    pub fn set_starting(&self, why: impl Into<String>) {
        self.set(Phase::Starting(why.into()));
    }

    /// Everything runs.
    pub fn set_ready(&self) {
        self.set(Phase::Ready);
    }

    /// The server finishes what it has begun and takes nothing new.
    pub fn set_stopping(&self) {
        self.set(Phase::Stopping);
    }

    /// Why the server is not ready, or `Ok` if it is.
    pub fn check(&self) -> Result<(), String> {
        match &*self.phase() {
            Phase::Ready => Ok(()),
            Phase::Replaying => Err(format!("starting: {}", self.replay_in_words())),
            Phase::Starting(why) => Err(format!("starting: {why}")),
            Phase::Stopping => Err("stopping".to_owned()),
        }
    }

    /// After how many seconds it pays to ask again, while the server is not ready.
    pub(crate) fn retry_after_s(&self) -> u64 {
        /// Estimates are wrong, so nobody is sent away for longer.
        const LONGEST: u64 = 30;
        let is_replaying = *self.phase() == Phase::Replaying;
        let left = is_replaying.then(|| self.time_left()).flatten();
        left.map_or(1, |left| left.as_secs().clamp(1, LONGEST))
    }

    /// The replay with the fields of Prometheus' `/api/v1/status/walreplay`: segments, and a word for the state.
    pub(crate) fn wal_replay(&self) -> Value {
        let Replay { first_segment, last_segment, segment, bytes, .. } = (self.replay)();
        let state = match &*self.phase() {
            Phase::Replaying if bytes == 0 => "waiting",
            Phase::Replaying => "in progress",
            _ => "done",
        };
        json!({"min": first_segment, "max": last_segment, "current": segment, "state": state})
    }

    fn replay_in_words(&self) -> String {
        let Replay { bytes, bytes_read, .. } = (self.replay)();
        if bytes == 0 {
            return "opening the store".to_owned();
        }
        let percent = u128::from(bytes_read) * 100 / u128::from(bytes);
        match self.time_left() {
            Some(left) => format!("replay {percent}%, {}s left", left.as_secs_f64().ceil()),
            None => format!("replay {percent}%"),
        }
    }

    /// How long the rest of the replay will take if it goes on as fast as so far; `None` when it has hardly begun.
    fn time_left(&self) -> Option<Duration> {
        let Replay { bytes, bytes_read, .. } = (self.replay)();
        if bytes_read == 0 || bytes_read < bytes / 100 {
            return None;
        }
        let spent = self.clock.monotonic().saturating_sub(self.started_at);
        Some(spent.mul_f64(bytes.saturating_sub(bytes_read) as f64 / bytes_read as f64))
    }

    fn phase(&self) -> std::sync::MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, phase: Phase) {
        *self.phase() = phase;
    }
}

impl std::fmt::Debug for Readiness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readiness").field("phase", &*self.phase()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bellwether_model::ManualClock;

    use super::*;

    /// A server that has read so many of `bytes` bytes after 10 s.
    fn replaying(bytes: u64, bytes_read: u64) -> Readiness {
        let clock = Arc::new(ManualClock::new(0));
        let replay = Replay { first_segment: 3, last_segment: 7, segment: 5, bytes, bytes_read };
        let readiness = Readiness::replaying(Arc::<ManualClock>::clone(&clock), Box::new(move || replay));
        clock.advance_ms(10_000);
        readiness
    }

    #[test]
    fn tells_how_far_the_replay_is() {
        let check = |bytes, bytes_read, why: &str, retry_after_s| {
            let readiness = replaying(bytes, bytes_read);
            assert_eq!(readiness.check(), Err(format!("starting: {why}")));
            assert_eq!(readiness.retry_after_s(), retry_after_s, "{why}");
        };
        check(0, 0, "opening the store", 1);
        check(1000, 0, "replay 0%", 1);
        check(1000, 9, "replay 0%", 1);
        check(1000, 620, "replay 62%, 7s left", 6);
        check(1000, 100, "replay 10%, 90s left", 30);
        check(1000, 1000, "replay 100%, 0s left", 1);
        check(u64::MAX, u64::MAX / 2, "replay 49%, 10s left", 10);
    }

    #[test]
    fn tells_the_segments_as_prometheus_does() {
        let readiness = replaying(1000, 500);
        let state = |state: &str| json!({"min": 3, "max": 7, "current": 5, "state": state});
        assert_eq!(readiness.wal_replay(), state("in progress"));
        readiness.set_ready();
        assert_eq!(readiness.wal_replay(), state("done"));
        assert_eq!(replaying(0, 0).wal_replay(), state("waiting"));
    }

    #[test]
    fn tells_why_it_is_not_ready() {
        let readiness = replaying(1000, 500);
        readiness.set_starting("simulating the past");
        assert_eq!(readiness.check(), Err("starting: simulating the past".to_owned()));
        assert_eq!(readiness.retry_after_s(), 1);
        readiness.set_ready();
        assert_eq!(readiness.check(), Ok(()));
        readiness.set_stopping();
        assert_eq!(readiness.check(), Err("stopping".to_owned()));
    }
}

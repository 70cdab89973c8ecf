use std::time::Duration;

use parking_lot::Mutex;

/// What a group has done since the server was started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupStats {
    /// Evaluations of rules.
    pub evaluations: u64,
    /// Evaluations of rules that failed.
    pub failures: u64,
    /// Slots that came, evaluated or not.
    pub iterations: u64,
    /// Slots that were left out because the evaluation before them took too long.
    pub missed: u64,
    /// The slot that was evaluated last, in milliseconds since the Unix epoch.
    pub evaluated_at_ms: Option<i64>,
    /// How long that took.
    pub last_duration: Duration,
    /// How many samples it stored.
    pub last_samples: usize,
    /// How long all evaluations took together.
    pub total_duration: Duration,
}

/// The numbers of a group, and of those of the same name before it.
#[derive(Debug, Default)]
pub(crate) struct Counted(Mutex<GroupStats>);

impl Counted {
    pub(crate) fn get(&self) -> GroupStats {
        self.0.lock().clone()
    }

    /// A slot has come, and so many before it were left out.
    pub(crate) fn slot(&self, missed: u64) {
        let mut stats = self.0.lock();
        stats.iterations += 1 + missed;
        stats.missed += missed;
    }

    pub(crate) fn evaluated(&self, is_failed: bool) {
        let mut stats = self.0.lock();
        stats.evaluations += 1;
        stats.failures += u64::from(is_failed);
    }

    pub(crate) fn done(&self, slot_ms: i64, duration: Duration, samples: usize) {
        let mut stats = self.0.lock();
        stats.evaluated_at_ms = Some(slot_ms);
        stats.last_duration = duration;
        stats.last_samples = samples;
        stats.total_duration += duration;
    }
}

use bellwether_exposition::OutputFormat;

use crate::platform::Platform;
use crate::rate::ArrivalRate;
use crate::world::{Place, ProcessName, World};

/// Which times a [`History`] tells about, in simulated Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryRange {
    /// The first time.
    pub from_ms: i64,
    /// The last time, itself included if the steps meet it.
    pub to_ms: i64,
    /// From one time to the next; less than a millisecond counts as one.
    pub step_ms: i64,
}

/// What a process exposed at a time in the past.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The platform of the process.
    pub platform: Platform,
    /// The value of its `job` label.
    pub job: &'static str,
    /// The value of its `instance` label.
    pub instance: &'static str,
    /// The time, in simulated Unix milliseconds.
    pub ts_ms: i64,
    /// The body of its `/metrics`; `None` if it did not answer, which a scrape records as `up` 0.
    pub exposition: Option<String>,
}

/// The same simulation as a fleet's, run fast: every process at every step, ordered by time.
///
/// It blocks the thread while it computes; an hour of all platforms takes about a tenth of a second, and writing the
/// expositions some tens of microseconds each.
pub struct History {
    world: World,
    places: Vec<(Place, ProcessName)>,
    format: OutputFormat,
    range: HistoryRange,
    next: usize,
}

impl History {
    /// The past of `platforms` that were set going at `begin_ms` with `seed`; times before that are left out.
    pub fn new(
        seed: u64,
        begin_ms: i64,
        platforms: &[Platform],
        range: HistoryRange,
        format: OutputFormat,
    ) -> Self {
        let world = World::new(seed, begin_ms, platforms);
        let places = world.places();
        let step_ms = range.step_ms.max(1);
        let missed = (begin_ms - range.from_ms).max(0);
        let from_ms = range.from_ms + missed.div_euclid(step_ms) * step_ms;
        let from_ms = if from_ms < begin_ms { from_ms + step_ms } else { from_ms };
        let range = HistoryRange { from_ms, step_ms, ..range };
        Self { world, places, format, range, next: 0 }
    }

    /// The same of a fleet that opens at `started_ms` with an incident.
    #[must_use]
    pub(crate) fn opened_at(self, started_ms: i64) -> Self {
        Self { world: self.world.opened_at(started_ms), ..self }
    }

    /// The same with so much arriving, from what was not told yet on.
    #[must_use]
    pub fn at_rate(self, rate: ArrivalRate) -> Self {
        Self { world: self.world.at_rate(rate), ..self }
    }
}

impl Iterator for History {
    type Item = Snapshot;

    fn next(&mut self) -> Option<Snapshot> {
        if self.range.from_ms > self.range.to_ms || self.places.is_empty() {
            return None;
        }
        let ts_ms = self.range.from_ms;
        let (place, ProcessName { platform, job, instance }) = self.places[self.next];
        self.next += 1;
        if self.next == self.places.len() {
            self.next = 0;
            self.range.from_ms += self.range.step_ms;
        }
        let exposition = self.world.expose(place, ts_ms, self.format);
        Some(Snapshot { platform, job, instance, ts_ms, exposition })
    }
}

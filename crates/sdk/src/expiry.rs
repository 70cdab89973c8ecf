//! Series that nobody counts in any more.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// When the series of a family are idle.
pub(crate) struct Expiry {
    /// For how long nothing may have happened.
    pub(crate) after: Duration,
    clock: Clock,
    seen: Mutex<HashMap<u32, Seen>>,
}

/// What a series was like when it was looked at.
#[derive(Clone, Copy)]
struct Seen {
    /// A hash of its cells.
    cells: u64,
    /// Since when they have been the same.
    since: Duration,
    /// Whether it was taken out for that.
    is_expired: bool,
}

/// What is to be done about a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Keep,
    /// Nothing happened for long enough.
    TakeOut,
    /// It was taken out, and then something happened.
    PutBack,
}

/// Looks at series, one after the other, at one time.
pub(crate) struct Inspection<'e> {
    after: Duration,
    now: Duration,
    seen: MutexGuard<'e, HashMap<u32, Seen>>,
}

impl Expiry {
    pub(crate) fn new(after: Duration, clock: Clock) -> Self {
        Self { after, clock, seen: Mutex::default() }
    }

    pub(crate) fn inspect(&self) -> Inspection<'_> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Inspection { after: self.after, now: (self.clock)(), seen }
    }
}

impl Inspection<'_> {
    /// What is to be done about the series at a place, given a hash of its cells.
    pub(crate) fn of(&mut self, at: u32, is_exposed: bool, cells: u64) -> Change {
        let fresh = Seen { cells, since: self.now, is_expired: false };
        let seen = self.seen.entry(at).or_insert(fresh);
        let is_same = seen.cells == cells;
        match (is_exposed, seen.is_expired) {
            // It was made again meanwhile, which is a sign of life.
            (true, true) => *seen = fresh,
            (true, false) if !is_same => *seen = fresh,
            (true, false) if self.now.saturating_sub(seen.since) >= self.after => {
                seen.is_expired = true;
                return Change::TakeOut;
            }
            (false, true) if !is_same => {
                *seen = fresh;
                return Change::PutBack;
            }
            // Still used, still idle, or removed by somebody, who will not see it come back by itself.
            _ => {}
        }
        Change::Keep
    }
}

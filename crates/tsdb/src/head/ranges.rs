use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;

use crate::part::CHUNK_RANGE_MS;

/// A range that got no sample for this long is taken to be complete, if newer ones are there.
const QUIET: Duration = Duration::from_mins(30);
/// For one with at least this many samples less is enough: an import at full speed must not pile up in memory.
const LARGE: u64 = 100_000;
const QUIET_LARGE: Duration = Duration::from_mins(1);

/// What the head holds of one range of two hours.
#[derive(Debug, Clone, Copy)]
struct Range {
    first_arrival: Duration,
    last_arrival: Duration,
    /// The number of the batch that came last.
    last_batch: u64,
    maxt: i64,
    samples: u64,
}

/// Which ranges of two hours the head has samples of, and when these came.
#[derive(Debug, Default)]
pub(crate) struct Ranges {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_start: BTreeMap<i64, Range>,
    /// Counts the batches.
    batches: u64,
}

/// What had come until some moment.
#[derive(Debug)]
pub(crate) struct Mark {
    /// The number of the batch that came last.
    batch: u64,
    /// The samples of each range.
    samples: BTreeMap<i64, u64>,
}

/// Samples of one batch, counted before the lock is taken.
#[derive(Debug, Default)]
pub(crate) struct RangeTally {
    /// One for each range; batches rarely have more than two.
    seen: Vec<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    start: i64,
    maxt: i64,
    samples: u64,
}

impl RangeTally {
    pub(crate) fn add(&mut self, ts_ms: i64) {
        let start = start_of(ts_ms);
        match self.seen.iter_mut().rev().find(|s| s.start == start) {
            Some(seen) => {
                seen.maxt = seen.maxt.max(ts_ms);
                seen.samples += 1;
            }
            None => self.seen.push(Seen { start, maxt: ts_ms, samples: 1 }),
        }
    }

    /// Adds what another one counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        for seen in &other.seen {
            match self.seen.iter_mut().find(|s| s.start == seen.start) {
                Some(known) => {
                    known.maxt = known.maxt.max(seen.maxt);
                    known.samples += seen.samples;
                }
                None => self.seen.push(*seen),
            }
        }
    }
}

/// The start of the range that a timestamp lies in.
pub(crate) fn start_of(ts_ms: i64) -> i64 {
    ts_ms.div_euclid(CHUNK_RANGE_MS) * CHUNK_RANGE_MS
}

impl Ranges {
    /// Notes samples that were appended at `now`, a time of the clock that never goes back.
    pub(crate) fn add(&self, tally: &RangeTally, now: Duration) {
        let mut state = self.state.lock();
        state.batches += 1;
        let last_batch = state.batches;
        for seen in &tally.seen {
            let new =
                Range { first_arrival: now, last_arrival: now, last_batch, maxt: seen.maxt, samples: 0 };
            let range = state.by_start.entry(seen.start).or_insert(new);
            range.last_arrival = now;
            range.last_batch = last_batch;
            range.maxt = range.maxt.max(seen.maxt);
            range.samples += seen.samples;
        }
    }

    /// What has come until now.
    pub(crate) fn mark(&self) -> Mark {
        let state = self.state.lock();
        let samples = state.by_start.iter().map(|(start, range)| (*start, range.samples)).collect();
        Mark { batch: state.batches, samples }
    }

    /// The newest timestamp in the head.
    pub(crate) fn maxt(&self) -> Option<i64> {
        self.state.lock().by_start.values().map(|r| r.maxt).max()
    }

    /// The start of the oldest range in the head.
    pub(crate) fn mint(&self) -> Option<i64> {
        self.state.lock().by_start.keys().next().copied()
    }

    /// How many samples came that were not cut yet, deleted ones included.
    pub(crate) fn samples(&self) -> u64 {
        self.state.lock().by_start.values().map(|r| r.samples).sum()
    }

    /// The time before which the head can be cut: the end of the newest range such that it and all older ones are complete. `None` if there is none.
    ///
    /// A range is complete if there are samples that are newer than its end by half a range, and if no more of it seem to come: it was
    /// quiet for a while, or it has been filled for as long as half a range takes. Old data that trickles in would be cut into crumbs otherwise.
    pub(crate) fn complete_before(&self, now: Duration) -> Option<i64> {
        let by_start = &self.state.lock().by_start;
        let newest = by_start.values().map(|r| r.maxt).max()?;
        let half = Duration::from_millis(CHUNK_RANGE_MS as u64 / 2);
        let is_complete = |start: i64, range: &Range| {
            let quiet = if range.samples >= LARGE { QUIET_LARGE } else { QUIET };
            newest >= start + CHUNK_RANGE_MS + CHUNK_RANGE_MS / 2
                && (now.saturating_sub(range.last_arrival) >= quiet
                    || now.saturating_sub(range.first_arrival) >= half)
        };
        let complete = by_start.iter().take_while(|(start, range)| is_complete(**start, range));
        complete.last().map(|(start, _)| start + CHUNK_RANGE_MS)
    }

    /// Forgets what had come of the ranges before `end`, a multiple of the chunk range, when `mark` was made. What came since stays.
    pub(crate) fn cut(&self, end: i64, mark: &Mark) {
        self.state.lock().by_start.retain(|start, range| {
            let stays = *start >= end || range.last_batch > mark.batch;
            if stays && *start < end {
                range.samples = range.samples.saturating_sub(mark.samples.get(start).copied().unwrap_or(0));
            }
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: i64 = CHUNK_RANGE_MS / 2;

    fn add(ranges: &Ranges, ts_ms: i64, now_s: u64) {
        let mut tally = RangeTally::default();
        tally.add(ts_ms);
        ranges.add(&tally, Duration::from_secs(now_s));
    }

    #[test]
    fn a_range_is_complete_half_a_range_after_its_end() {
        let ranges = Ranges::default();
        let complete = |now_s| ranges.complete_before(Duration::from_secs(now_s));
        assert_eq!(complete(0), None);
        add(&ranges, 0, 0);
        add(&ranges, 3 * H - 1, 10_000);
        assert_eq!(complete(10_000), None);
        add(&ranges, 3 * H, 10_001);
        assert_eq!(complete(10_001), Some(2 * H));
        ranges.cut(2 * H, &ranges.mark());
        assert_eq!((complete(20_000), ranges.mint(), ranges.maxt()), (None, Some(2 * H), Some(3 * H)));
    }

    #[test]
    fn an_import_is_not_cut_into_crumbs() {
        let ranges = Ranges::default();
        let complete = |now_s| ranges.complete_before(Duration::from_secs(now_s));
        add(&ranges, 100 * H, 0);
        // Old samples trickle in.
        add(&ranges, -7, 0);
        add(&ranges, -6, 500);
        assert_eq!(complete(1800), None);
        // Half an hour of silence, or an hour of trickling.
        assert_eq!(complete(2300), Some(0));
        let before = ranges.mark();
        add(&ranges, -5, 3600);
        assert_eq!(complete(3601), Some(0));
        // What came while it was being cut stays.
        assert_eq!(ranges.samples(), 4);
        ranges.cut(0, &before);
        assert_eq!((ranges.mint(), ranges.samples()), (Some(-2 * H), 2), "one of each range");
    }

    #[test]
    fn a_large_import_leaves_memory_soon() {
        let ranges = Ranges::default();
        let complete = |now_s| ranges.complete_before(Duration::from_secs(now_s));
        add(&ranges, 100 * H, 0);
        let mut tally = RangeTally::default();
        (0..LARGE).for_each(|_| tally.add(-7));
        ranges.add(&tally, Duration::from_secs(10));
        assert_eq!((complete(69), complete(70)), (None, Some(0)));
    }
}

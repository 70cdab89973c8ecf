use std::cmp::Ordering;
use std::collections::VecDeque;

use bellwether_model::{Exemplar, Labels, Limit, OverLimit, Rejection, TimeRange};
use hashbrown::HashMap;

/// The labels of an exemplar have at most this many characters, names and values together (OpenMetrics).
const MAX_LABEL_CHARS: usize = 128;

/// What becomes of an exemplar that is fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExemplarVerdict {
    /// It is stored.
    New,
    /// It is there already: targets expose the same one until something newer happens.
    Known,
}

/// The newest exemplars of all series, up to a fixed number.
#[derive(Debug)]
pub(crate) struct Exemplars {
    /// Oldest first, with the number by which `by_series` knows it.
    ring: VecDeque<(Labels, Exemplar)>,
    /// How many exemplars left the ring at its old end: numbers minus this are places in it.
    first: u64,
    /// For each series the numbers of its exemplars, oldest first.
    by_series: HashMap<Labels, VecDeque<u64>>,
    capacity: usize,
}

impl Exemplars {
    /// A ring of `capacity` exemplars; with 0 none are kept.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { ring: VecDeque::new(), first: 0, by_series: HashMap::new(), capacity }
    }

    /// Whether exemplars are kept at all.
    pub(crate) fn is_enabled(&self) -> bool {
        self.capacity > 0
    }

    /// Whether an exemplar can be stored. Exemplars of a series come in the order of time, then value.
    pub(crate) fn judge(
        &self,
        series: &Labels,
        exemplar: &Exemplar,
        is_timed: bool,
    ) -> Result<ExemplarVerdict, Rejection> {
        let chars: usize =
            exemplar.labels.iter().map(|l| l.name.chars().count() + l.value.chars().count()).sum();
        if chars > MAX_LABEL_CHARS {
            let what = format!(
                "labels of the exemplar have {chars} characters, more than the {MAX_LABEL_CHARS} allowed, at {series}"
            );
            return Err(Rejection::Limit(Box::new(OverLimit { limit: Limit::ExemplarLabels, what })));
        }
        match self.newest(series) {
            None => Ok(ExemplarVerdict::New),
            Some(newest) if !is_timed && Self::is_same_event(exemplar, newest) => Ok(ExemplarVerdict::Known),
            Some(newest) => Self::compare(exemplar, newest),
        }
    }

    fn is_same_event(a: &Exemplar, b: &Exemplar) -> bool {
        a.value.to_bits() == b.value.to_bits() && a.labels == b.labels
    }

    /// What to do with an exemplar of a series that has `newest` already.
    pub(crate) fn compare(exemplar: &Exemplar, newest: &Exemplar) -> Result<ExemplarVerdict, Rejection> {
        let order = exemplar.ts_ms.cmp(&newest.ts_ms).then(exemplar.value.total_cmp(&newest.value));
        match order.then_with(|| exemplar.labels.hash64().cmp(&newest.labels.hash64())) {
            Ordering::Greater => Ok(ExemplarVerdict::New),
            Ordering::Equal => Ok(ExemplarVerdict::Known),
            Ordering::Less => Err(Rejection::OutOfOrderExemplar),
        }
    }

    fn newest(&self, series: &Labels) -> Option<&Exemplar> {
        let number = *self.by_series.get(series)?.back()?;
        Some(&self.ring[(number - self.first) as usize].1)
    }

    /// Stores an exemplar that was judged to be fine; the oldest one makes room.
    pub(crate) fn push(&mut self, series: &Labels, exemplar: Exemplar) {
        if self.capacity == 0 {
            return;
        }
        if self.ring.len() >= self.capacity
            && let Some((oldest, _)) = self.ring.pop_front()
        {
            self.first += 1;
            if let Some(numbers) = self.by_series.get_mut(&oldest) {
                numbers.pop_front();
                if numbers.is_empty() {
                    self.by_series.remove(&oldest);
                }
            }
        }
        let number = self.first + self.ring.len() as u64;
        self.by_series.entry(series.clone()).or_default().push_back(number);
        self.ring.push_back((series.clone(), exemplar));
    }

    /// The exemplars in the range of the series that `wanted` takes, in label order.
    pub(crate) fn select(
        &self,
        range: TimeRange,
        mut wanted: impl FnMut(&Labels) -> bool,
    ) -> Vec<(Labels, Vec<Exemplar>)> {
        let mut found = Vec::new();
        for (series, numbers) in &self.by_series {
            if !wanted(series) {
                continue;
            }
            let exemplars = numbers.iter().map(|n| &self.ring[(n - self.first) as usize].1);
            let exemplars: Vec<_> = exemplars.filter(|e| range.contains(e.ts_ms)).cloned().collect();
            if !exemplars.is_empty() {
                found.push((series.clone(), exemplars));
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// All exemplars, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Labels, Exemplar)> {
        self.ring.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exemplar(ts_ms: i64, value: f64) -> Exemplar {
        Exemplar { labels: Labels::from_pairs([("trace_id", "abc")]), value, ts_ms }
    }

    fn series(i: i32) -> Labels {
        Labels::from_pairs([("s", i.to_string())])
    }

    #[test]
    fn the_oldest_make_room() {
        let mut ring = Exemplars::new(3);
        for (s, ts) in [(1, 1), (2, 2), (1, 3), (1, 4)] {
            assert_eq!(ring.judge(&series(s), &exemplar(ts, 0.0), true), Ok(ExemplarVerdict::New));
            ring.push(&series(s), exemplar(ts, 0.0));
        }
        let found = ring.select(TimeRange::ALL, |_| true);
        let times: Vec<Vec<i64>> = found.iter().map(|(_, e)| e.iter().map(|e| e.ts_ms).collect()).collect();
        assert_eq!(times, [vec![3, 4], vec![2]]);
        ring.push(&series(3), exemplar(5, 0.0));
        ring.push(&series(3), exemplar(6, 0.0));
        ring.push(&series(3), exemplar(7, 0.0));
        assert_eq!((ring.by_series.len(), ring.ring.len()), (1, 3), "series without exemplars are forgotten");
        assert_eq!(ring.select(TimeRange::new(6, 6), |l| *l == series(3))[0].1.len(), 1);
    }

    #[test]
    fn only_newer_ones_are_taken() {
        let mut ring = Exemplars::new(3);
        ring.push(&series(1), exemplar(10, 1.0));
        let check = |s, ts, v, want| assert_eq!(ring.judge(&series(s), &exemplar(ts, v), true), want);
        check(1, 9, 5.0, Err(Rejection::OutOfOrderExemplar));
        check(1, 10, 0.5, Err(Rejection::OutOfOrderExemplar));
        check(1, 10, 1.0, Ok(ExemplarVerdict::Known));
        check(1, 10, 1.5, Ok(ExemplarVerdict::New));
        check(1, 11, 0.0, Ok(ExemplarVerdict::New));
        check(2, 1, 1.0, Ok(ExemplarVerdict::New));
        let untimed = |ts, v| ring.judge(&series(1), &exemplar(ts, v), false);
        assert_eq!(untimed(11, 1.0), Ok(ExemplarVerdict::Known), "a target repeats it at the next scrape");
        assert_eq!(untimed(11, 2.0), Ok(ExemplarVerdict::New));
        let long = Exemplar { labels: Labels::from_pairs([("a", "x".repeat(128))]), ..exemplar(11, 1.0) };
        assert!(
            matches!(ring.judge(&series(1), &long, true), Err(Rejection::Limit(over)) if over.what.contains("129"))
        );
    }
}

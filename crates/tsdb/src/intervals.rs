use bellwether_model::{ColumnBuffer, TimeRange};

use crate::columns::settle_hint;

/// Stretches of time, sorted, that neither overlap nor touch. Both ends of each are included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Intervals(Vec<TimeRange>);

impl Intervals {
    /// Adds a stretch; those that it overlaps or touches become one with it.
    pub(crate) fn add(&mut self, range: TimeRange) {
        let from = self.0.partition_point(|r| r.maxt < range.mint.saturating_sub(1));
        let to = self.0.partition_point(|r| r.mint <= range.maxt.saturating_add(1));
        let joined = self.0[from..to]
            .iter()
            .fold(range, |joined, r| TimeRange::new(joined.mint.min(r.mint), joined.maxt.max(r.maxt)));
        self.0.splice(from..to, [joined]);
    }

    /// Whether all of a range is in one of the stretches.
    pub(crate) fn covers(&self, range: TimeRange) -> bool {
        let at = self.0.partition_point(|r| r.maxt < range.maxt);
        self.0.get(at).is_some_and(|r| r.mint <= range.mint)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = TimeRange> {
        self.0.iter().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Removes the rows from `start` on whose time is in one of the stretches. These rows are in the order of time.
    pub(crate) fn remove_from(&self, samples: &mut ColumnBuffer, start: usize) {
        for range in &self.0 {
            let from = start + samples.ts[start..].partition_point(|t| *t < range.mint);
            let to = start + samples.ts[start..].partition_point(|t| *t <= range.maxt);
            if from < to {
                samples.ts.drain(from..to);
                remove_rows(&mut samples.vals, from, to);
                remove_rows(&mut samples.hists, from, to);
                remove_rows(&mut samples.start_ts, from, to);
                settle_hint(samples, from);
            }
        }
    }
}

/// A column that no row needs is empty.
fn remove_rows<T>(column: &mut Vec<T>, from: usize, to: usize) {
    if !column.is_empty() {
        column.drain(from..to);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_a_set_of_times(
            ranges in proptest::collection::vec((0_i64..60, 0_i64..10), 0..12),
            asked in (0_i64..70, 0_i64..12),
            times in proptest::collection::btree_set(0_i64..80, 0..60),
            start in 0_usize..60,
            forms in (any::<bool>(), any::<bool>()),
        ) {
            let (mut intervals, mut set) = (Intervals::default(), BTreeSet::new());
            for (from, len) in ranges {
                intervals.add(TimeRange::new(from, from + len));
                set.extend(from..=from + len);
            }
            let listed: Vec<TimeRange> = intervals.iter().collect();
            prop_assert!(listed.windows(2).all(|w| w[0].maxt + 1 < w[1].mint), "{listed:?}");
            prop_assert_eq!(listed.iter().flat_map(|r| r.mint..=r.maxt).collect::<BTreeSet<_>>(), set.clone());
            let (from, len) = asked;
            prop_assert_eq!(intervals.covers(TimeRange::new(from, from + len)), (from..=from + len).all(|t| set.contains(&t)));

            let mut samples = ColumnBuffer::default();
            for t in &times {
                let start_ts = if forms.0 { t - 1 } else { 0 };
                if forms.1 && t % 3 == 0 {
                    samples.push_histogram(*t, start_ts, std::sync::Arc::default());
                } else {
                    samples.push_float(*t, start_ts, *t as f64);
                }
            }
            let start = start.min(samples.len());
            let want: Vec<i64> =
                times.iter().enumerate().filter(|(row, t)| *row < start || !set.contains(*t)).map(|(_, t)| *t).collect();
            intervals.remove_from(&mut samples, start);
            prop_assert_eq!(&samples.ts, &want);
            for (row, t) in want.iter().enumerate() {
                let is_histogram = samples.hists.get(row).is_some_and(Option::is_some);
                prop_assert!(is_histogram || samples.vals[row] == *t as f64);
                prop_assert_eq!(is_histogram, forms.1 && t % 3 == 0);
                prop_assert_eq!(samples.start_ts.get(row).copied().unwrap_or(0), if forms.0 { t - 1 } else { 0 });
            }
        }
    }

    #[test]
    fn the_ends_of_time() {
        let mut intervals = Intervals::default();
        intervals.add(TimeRange::new(i64::MIN, -5));
        intervals.add(TimeRange::new(5, i64::MAX));
        assert_eq!(intervals.len(), 2);
        assert!(intervals.covers(TimeRange::new(5, i64::MAX)) && !intervals.covers(TimeRange::ALL));
        intervals.add(TimeRange::new(-4, 4));
        assert_eq!(intervals.iter().collect::<Vec<_>>(), [TimeRange::ALL]);
    }
}

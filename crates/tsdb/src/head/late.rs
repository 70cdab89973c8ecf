use std::sync::Arc;

use bellwether_model::{ColumnBuffer, TimeRange, Value};

use crate::columns::settle_hint;

/// A sample that came after a newer one of its series.
#[derive(Debug)]
struct LateSample {
    ts_ms: i64,
    start_ts_ms: i64,
    value: Value,
    /// The batch that brought it.
    commit: u64,
    /// Whether it is in a part as well.
    is_cut: bool,
}

/// The late samples of a series, in the order of time. Each has a time that no other sample of the series has.
#[derive(Debug, Default)]
pub(crate) struct LateSamples(Vec<LateSample>);

impl LateSamples {
    /// Adds a sample of the batch `commit`. Returns false if there is one at this time.
    pub(crate) fn insert(&mut self, commit: u64, ts_ms: i64, start_ts_ms: i64, value: &Value) -> bool {
        match self.0.binary_search_by_key(&ts_ms, |s| s.ts_ms) {
            Ok(_) => false,
            Err(at) => {
                let value = value.clone();
                self.0.insert(at, LateSample { ts_ms, start_ts_ms, value, commit, is_cut: false });
                true
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time of the oldest one.
    pub(crate) fn mint(&self) -> Option<i64> {
        self.0.first().map(|s| s.ts_ms)
    }

    /// The time of the newest one.
    pub(crate) fn maxt(&self) -> Option<i64> {
        self.0.last().map(|s| s.ts_ms)
    }

    /// The value at a time, if there is a sample.
    pub(crate) fn value_at(&self, ts_ms: i64) -> Option<&Value> {
        let at = self.0.binary_search_by_key(&ts_ms, |s| s.ts_ms).ok()?;
        Some(&self.0[at].value)
    }

    /// Those in the range that a reader of `commit` may see.
    fn visible(&self, range: TimeRange, commit: u64) -> impl Iterator<Item = &LateSample> {
        let from = self.0.partition_point(|s| s.ts_ms < range.mint);
        let inside = self.0[from..].iter().take_while(move |s| s.ts_ms <= range.maxt);
        inside.filter(move |s| s.commit <= commit)
    }

    /// Whether a reader of `commit` finds one in the range.
    pub(crate) fn reaches_into(&self, range: TimeRange, commit: u64) -> bool {
        self.visible(range, commit).next().is_some()
    }

    /// Those in the range that a reader of `commit` may see.
    pub(crate) fn read(&self, range: TimeRange, commit: u64) -> ColumnBuffer {
        columns(self.visible(range, commit))
    }

    /// As [`read`](Self::read), without those that are in parts.
    pub(crate) fn read_uncut(&self, range: TimeRange, commit: u64) -> ColumnBuffer {
        columns(self.visible(range, commit).filter(|s| !s.is_cut))
    }

    /// Notes that those before `end` which a reader of `commit` saw are in parts.
    pub(crate) fn mark_cut(&mut self, end: i64, commit: u64) {
        for sample in self.0.iter_mut().take_while(|s| s.ts_ms < end).filter(|s| s.commit <= commit) {
            sample.is_cut = true;
        }
    }

    /// Forgets those that are in parts as well.
    pub(crate) fn drop_cut(&mut self) {
        self.0.retain(|s| !s.is_cut);
    }

    /// Removes those in the range.
    pub(crate) fn delete(&mut self, range: TimeRange) {
        self.0.retain(|s| !range.contains(s.ts_ms));
    }

    /// How many bytes of memory they take, roughly.
    pub(crate) fn memory(&self) -> usize {
        let histogram = |s: &LateSample| match &s.value {
            Value::Float(_) => 0,
            Value::Histogram(h) => super::tail::histogram_memory(h),
        };
        self.0.len() * size_of::<LateSample>() + self.0.iter().map(histogram).sum::<usize>()
    }
}

fn columns<'a>(samples: impl Iterator<Item = &'a LateSample>) -> ColumnBuffer {
    let mut out = ColumnBuffer::default();
    for sample in samples {
        match &sample.value {
            Value::Float(v) => out.push_float(sample.ts_ms, sample.start_ts_ms, *v),
            Value::Histogram(h) => out.push_histogram(sample.ts_ms, sample.start_ts_ms, Arc::clone(h)),
        }
        let row = out.len() - 1;
        settle_hint(&mut out, row);
    }
    out
}

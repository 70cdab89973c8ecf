use std::sync::Arc;

use bellwether_model::{Labels, TimeRange, Value};

use crate::head::{same_value, value_at};
use crate::part::{Part, PartError};

/// The parts of a store at one moment. Replaced as a whole when they change.
#[derive(Debug, Default)]
pub(crate) struct PartSet {
    /// Counts the changes. Readers that were opened with a set of an earlier epoch may need samples in the head that are in parts by now.
    pub(crate) epoch: u64,
    /// In the order of their first sample, then of their precedence.
    parts: Vec<Arc<Part>>,
}

impl PartSet {
    pub(crate) fn new(epoch: u64, mut parts: Vec<Arc<Part>>) -> Self {
        parts.sort_by_key(|p| (p.meta().mint, p.meta().order, p.meta().id));
        Self { epoch, parts }
    }

    pub(crate) fn parts(&self) -> &[Arc<Part>] {
        &self.parts
    }

    /// The set after a change.
    pub(crate) fn changed(&self, add: impl IntoIterator<Item = Arc<Part>>, drop: &[u64]) -> Self {
        let kept = self.parts.iter().filter(|p| !drop.contains(&p.meta().id)).cloned();
        Self::new(self.epoch + 1, kept.chain(add).collect())
    }

    /// The parts with samples in the range, as far as their description tells.
    pub(crate) fn overlapping(&self, range: TimeRange) -> impl Iterator<Item = &Arc<Part>> {
        self.parts.iter().filter(move |p| range.overlaps(p.range()))
    }

    /// The time of the newest sample.
    pub(crate) fn maxt(&self) -> Option<i64> {
        self.parts.iter().map(|p| p.meta().maxt).max()
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.parts.iter().map(|p| p.meta().bytes()).sum()
    }

    /// The newest sample of a series, if it is not older than `since`.
    pub(crate) fn last_sample(&self, labels: &Labels, since: i64) -> Result<Option<(i64, Value)>, PartError> {
        let mut newest: Option<(i64, u64, Value)> = None;
        for part in self.parts.iter().filter(|p| p.meta().maxt >= since) {
            let Some(ordinal) = part.find(labels)? else { continue };
            let Some((ts, value)) = part.last_sample(ordinal)? else { continue };
            let order = part.meta().order;
            if newest.as_ref().is_none_or(|(t, o, _)| ts > *t || (ts == *t && order < *o)) {
                newest = Some((ts, order, value));
            }
        }
        Ok(newest.map(|(ts, _, value)| (ts, value)))
    }

    /// The newest sample of a series in a range.
    pub(crate) fn last_in(
        &self,
        labels: &Labels,
        range: TimeRange,
    ) -> Result<Option<(i64, Value)>, PartError> {
        let mut newest: Option<(i64, Value)> = None;
        for part in self.overlapping(range) {
            let Some(ordinal) = part.find(labels)? else { continue };
            let mut samples = bellwether_model::ColumnBuffer::default();
            part.read(ordinal, range, &mut samples)?;
            let Some(row) = samples.len().checked_sub(1) else { continue };
            if newest.as_ref().is_none_or(|(ts, _)| samples.ts[row] > *ts) {
                newest = Some((samples.ts[row], value_at(&samples, row)));
            }
        }
        Ok(newest)
    }

    /// Whether a series has exactly this sample (`Some(true)`), another one at this time (`Some(false)`), or none.
    pub(crate) fn compare(
        &self,
        labels: &Labels,
        ts_ms: i64,
        value: &Value,
    ) -> Result<Option<bool>, PartError> {
        let at = TimeRange::new(ts_ms, ts_ms);
        let mut found: Option<(u64, bool)> = None;
        for part in self.overlapping(at) {
            let Some(ordinal) = part.find(labels)? else { continue };
            let mut samples = bellwether_model::ColumnBuffer::default();
            part.read(ordinal, at, &mut samples)?;
            let order = part.meta().order;
            if !samples.is_empty() && found.is_none_or(|(o, _)| order < o) {
                found = Some((order, same_value(&value_at(&samples, 0), value)));
            }
        }
        Ok(found.map(|(_, same)| same))
    }
}

use std::sync::Arc;

use bellwether_model::{ColumnBuffer, FloatHistogram, TimeRange, Value};

use super::chunk::{Chunk, SharedColumns, Values};

/// The newest samples of a series, not encoded yet. All are of one kind.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    times: Vec<i64>,
    values: TailValues,
    /// Empty as long as no sample has a start timestamp; boxed because most never have.
    #[expect(clippy::box_collection, reason = "one word in every series instead of three for what few have")]
    starts: Option<Box<Vec<i64>>>,
}

#[derive(Debug)]
enum TailValues {
    Floats(Vec<f64>),
    Histograms(Vec<Arc<FloatHistogram>>),
}

impl Default for TailValues {
    fn default() -> Self {
        Self::Floats(Vec::new())
    }
}

impl Tail {
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The time of the first sample.
    pub(crate) fn mint(&self) -> Option<i64> {
        self.times.first().copied()
    }

    /// The time of the last sample.
    pub(crate) fn maxt(&self) -> Option<i64> {
        self.times.last().copied()
    }

    /// Whether a sample of this kind can be pushed.
    pub(crate) fn takes(&self, value: &Value) -> bool {
        self.is_empty()
            || matches!(
                (&self.values, value),
                (TailValues::Floats(_), Value::Float(_)) | (TailValues::Histograms(_), Value::Histogram(_))
            )
    }

    /// Appends a sample, which is newer than those before and of their kind.
    pub(crate) fn push(&mut self, ts_ms: i64, start_ts_ms: i64, value: &Value) {
        debug_assert!(
            self.takes(value) && self.times.last().is_none_or(|last| *last < ts_ms),
            "BUG: at {ts_ms}"
        );
        if start_ts_ms != 0 && self.starts.is_none() {
            self.starts = Some(Box::new(vec![0; self.times.len()]));
        }
        if let Some(starts) = &mut self.starts {
            starts.push(start_ts_ms);
        }
        self.times.push(ts_ms);
        match (&mut self.values, value) {
            (TailValues::Floats(floats), Value::Float(v)) => floats.push(*v),
            (TailValues::Histograms(histograms), Value::Histogram(h)) => histograms.push(Arc::clone(h)),
            (values, Value::Float(v)) => *values = TailValues::Floats(vec![*v]),
            (values, Value::Histogram(h)) => *values = TailValues::Histograms(vec![Arc::clone(h)]),
        }
    }

    /// Encodes the samples and empties the tail, which keeps its memory.
    pub(crate) fn seal(&mut self, shared: &mut SharedColumns) -> Chunk {
        let starts = self.starts.take().unwrap_or_default();
        let values = match &self.values {
            TailValues::Floats(floats) => Values::Floats(floats),
            TailValues::Histograms(histograms) => Values::Histograms(histograms),
        };
        let chunk = Chunk::seal(&self.times, &starts, values, shared);
        self.times.clear();
        match &mut self.values {
            TailValues::Floats(floats) => floats.clear(),
            TailValues::Histograms(histograms) => histograms.clear(),
        }
        chunk
    }

    /// Removes the samples up to `ts_ms`.
    pub(crate) fn drop_through(&mut self, ts_ms: i64) {
        let n = self.times.partition_point(|t| *t <= ts_ms);
        self.times.drain(..n);
        if let Some(starts) = &mut self.starts {
            starts.drain(..n);
        }
        match &mut self.values {
            TailValues::Floats(floats) => drop(floats.drain(..n)),
            TailValues::Histograms(histograms) => drop(histograms.drain(..n)),
        }
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Appends those of the first `rows` samples that lie in the range to `out`.
    pub(crate) fn read(&self, range: TimeRange, rows: usize, out: &mut ColumnBuffer) {
        let from = self.times.partition_point(|t| *t < range.mint);
        let to = self.times.partition_point(|t| *t <= range.maxt).min(rows);
        if from >= to {
            return;
        }
        match &self.values {
            TailValues::Floats(floats)
                if self.starts.is_none() && out.hists.is_empty() && out.start_ts.is_empty() =>
            {
                out.ts.extend_from_slice(&self.times[from..to]);
                out.vals.extend_from_slice(&floats[from..to]);
            }
            values => {
                for row in from..to {
                    let start = self.starts.as_ref().map_or(0, |s| s[row]);
                    match values {
                        TailValues::Floats(floats) => out.push_float(self.times[row], start, floats[row]),
                        TailValues::Histograms(h) => {
                            out.push_histogram(self.times[row], start, Arc::clone(&h[row]));
                        }
                    }
                }
            }
        }
    }

    /// How many bytes of memory the samples take.
    pub(crate) fn memory(&self) -> usize {
        let values = match &self.values {
            TailValues::Floats(floats) => floats.capacity() * 8,
            TailValues::Histograms(histograms) => histograms.iter().map(|h| histogram_memory(h)).sum(),
        };
        self.times.capacity() * 8 + values + self.starts.as_ref().map_or(0, |s| s.capacity() * 8)
    }
}

pub(super) fn histogram_memory(h: &FloatHistogram) -> usize {
    size_of::<FloatHistogram>() + (h.positive_buckets.len() + h.negative_buckets.len()) * 8
}

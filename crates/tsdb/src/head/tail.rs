use std::sync::Arc;

use bellwether_model::{ColumnBuffer, FloatHistogram, TimeRange, Value};

use super::chunk::{Chunk, SharedColumns, Values};

/// A tail makes room for this many more samples at a time: doubling would leave half of it empty in most series.
const ROOM_STEP: usize = 8;

/// The newest samples of a series, not encoded yet. All are of one kind, and of one chunk range.
///
/// Tails are most of what the head needs for its newest samples, so they are kept small: times as their distances from one, and a value that does not change once.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// A time at or before the first one.
    base: i64,
    /// How long after `base` each sample is, in milliseconds.
    offsets: Vec<u32>,
    values: TailValues,
    /// Empty as long as no sample has a start timestamp; boxed because most never have.
    #[expect(clippy::box_collection, reason = "one word in every series instead of three for what few have")]
    starts: Option<Box<Vec<i64>>>,
}

#[derive(Debug)]
enum TailValues {
    /// All samples have this value, bit for bit.
    Constant(f64),
    Floats(Vec<f64>),
    #[expect(clippy::box_collection, reason = "one word in every series instead of three for what few have")]
    Histograms(Box<Vec<Arc<FloatHistogram>>>),
}

impl Default for TailValues {
    fn default() -> Self {
        Self::Constant(0.0)
    }
}

/// Appends to a vector that grows in small steps.
fn push_tightly<T>(items: &mut Vec<T>, item: T) {
    if items.len() == items.capacity() {
        items.reserve_exact(ROOM_STEP);
    }
    items.push(item);
}

impl Tail {
    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The time of the first sample.
    pub(crate) fn mint(&self) -> Option<i64> {
        self.offsets.first().map(|offset| self.time(*offset))
    }

    /// The time of the last sample.
    pub(crate) fn maxt(&self) -> Option<i64> {
        self.offsets.last().map(|offset| self.time(*offset))
    }

    fn time(&self, offset: u32) -> i64 {
        self.base + i64::from(offset)
    }

    /// Whether a sample of this kind can be pushed.
    pub(crate) fn takes(&self, value: &Value) -> bool {
        self.is_empty()
            || match value {
                Value::Float(_) => !matches!(self.values, TailValues::Histograms(_)),
                Value::Histogram(_) => matches!(self.values, TailValues::Histograms(_)),
            }
    }

    /// Appends a sample, which is newer than those before, of their kind, and of the same chunk range.
    pub(crate) fn push(&mut self, ts_ms: i64, start_ts_ms: i64, value: &Value) {
        debug_assert!(self.takes(value) && self.maxt().is_none_or(|last| last < ts_ms), "BUG: at {ts_ms}");
        if start_ts_ms != 0 && self.starts.is_none() {
            self.starts = Some(Box::new(vec![0; self.len()]));
        }
        if let Some(starts) = &mut self.starts {
            push_tightly(starts, start_ts_ms);
        }
        match value {
            Value::Float(v) => self.push_float(*v),
            Value::Histogram(h) => match &mut self.values {
                TailValues::Histograms(histograms) => push_tightly(histograms, Arc::clone(h)),
                values => *values = TailValues::Histograms(Box::new(vec![Arc::clone(h)])),
            },
        }
        if self.is_empty() {
            self.base = ts_ms;
        }
        let offset = u32::try_from(ts_ms - self.base).expect("BUG: a tail reaches over several chunk ranges");
        push_tightly(&mut self.offsets, offset);
    }

    fn push_float(&mut self, v: f64) {
        let n = self.len();
        match &mut self.values {
            TailValues::Floats(floats) => push_tightly(floats, v),
            TailValues::Constant(constant) if n > 0 && constant.to_bits() == v.to_bits() => {}
            TailValues::Constant(constant) if n > 0 => {
                let mut floats = Vec::with_capacity((n + 1).next_multiple_of(ROOM_STEP));
                floats.resize(n, *constant);
                floats.push(v);
                self.values = TailValues::Floats(floats);
            }
            TailValues::Constant(_) | TailValues::Histograms(_) => self.values = TailValues::Constant(v),
        }
    }

    /// Encodes the samples and empties the tail. A series whose value changes keeps its memory for the next ones.
    pub(crate) fn seal(&mut self, shared: &mut SharedColumns) -> Chunk {
        let times: Vec<i64> = self.offsets.iter().map(|offset| self.time(*offset)).collect();
        let starts = self.starts.take().unwrap_or_default();
        let repeated;
        let values = match &self.values {
            TailValues::Constant(v) => {
                repeated = vec![*v; times.len()];
                Values::Floats(&repeated)
            }
            TailValues::Floats(floats) => Values::Floats(floats),
            TailValues::Histograms(histograms) => Values::Histograms(histograms),
        };
        let chunk = Chunk::seal(&times, &starts, values, shared);
        self.offsets.clear();
        match &mut self.values {
            TailValues::Constant(_) => {}
            TailValues::Floats(floats) => {
                let is_constant = floats.iter().all(|v| v.to_bits() == floats[0].to_bits());
                floats.clear();
                if is_constant {
                    self.values = TailValues::default();
                }
            }
            TailValues::Histograms(histograms) => histograms.clear(),
        }
        chunk
    }

    /// Removes the samples up to `ts_ms`.
    pub(crate) fn drop_through(&mut self, ts_ms: i64) {
        let n = self.offsets.partition_point(|offset| self.time(*offset) <= ts_ms);
        self.offsets.drain(..n);
        if let Some(starts) = &mut self.starts {
            starts.drain(..n);
        }
        match &mut self.values {
            TailValues::Constant(_) => {}
            TailValues::Floats(floats) => drop(floats.drain(..n)),
            TailValues::Histograms(histograms) => drop(histograms.drain(..n)),
        }
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Appends those of the first `rows` samples that lie in the range to `out`.
    pub(crate) fn read(&self, range: TimeRange, rows: usize, out: &mut ColumnBuffer) {
        let from = self.offsets.partition_point(|offset| self.time(*offset) < range.mint);
        let to = self.offsets.partition_point(|offset| self.time(*offset) <= range.maxt).min(rows);
        if from >= to {
            return;
        }
        let times = self.offsets[from..to].iter().map(|offset| self.time(*offset));
        if self.starts.is_none() && out.hists.is_empty() && out.start_ts.is_empty() {
            match &self.values {
                TailValues::Constant(v) => {
                    out.ts.extend(times);
                    out.vals.resize(out.ts.len(), *v);
                    return;
                }
                TailValues::Floats(floats) => {
                    out.ts.extend(times);
                    out.vals.extend_from_slice(&floats[from..to]);
                    return;
                }
                TailValues::Histograms(_) => {}
            }
        }
        for (row, ts_ms) in (from..to).zip(times) {
            let start = self.starts.as_ref().map_or(0, |s| s[row]);
            match &self.values {
                TailValues::Constant(v) => out.push_float(ts_ms, start, *v),
                TailValues::Floats(floats) => out.push_float(ts_ms, start, floats[row]),
                TailValues::Histograms(h) => out.push_histogram(ts_ms, start, Arc::clone(&h[row])),
            }
        }
    }

    /// How many bytes of memory the samples take.
    pub(crate) fn memory(&self) -> usize {
        let values = match &self.values {
            TailValues::Constant(_) => 0,
            TailValues::Floats(floats) => floats.capacity() * size_of::<f64>(),
            TailValues::Histograms(histograms) => histograms.iter().map(|h| histogram_memory(h)).sum(),
        };
        let starts = self.starts.as_ref().map_or(0, |s| s.capacity() * size_of::<i64>());
        self.offsets.capacity() * size_of::<u32>() + values + starts
    }
}

pub(super) fn histogram_memory(h: &FloatHistogram) -> usize {
    size_of::<FloatHistogram>() + (h.positive_buckets.len() + h.negative_buckets.len()) * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(v: f64) -> Value {
        Value::Float(v)
    }

    /// Pushes floats 10 ms apart, from `first_ts` on.
    fn fill(tail: &mut Tail, first_ts: i64, vals: &[f64]) {
        for (ts_ms, v) in (first_ts..).step_by(10).zip(vals) {
            tail.push(ts_ms, 0, &float(*v));
        }
    }

    fn read(tail: &Tail, range: TimeRange, rows: usize) -> (Vec<i64>, Vec<u64>) {
        let mut out = ColumnBuffer::default();
        tail.read(range, rows, &mut out);
        (out.ts, out.vals.iter().map(|v| v.to_bits()).collect())
    }

    #[test]
    fn values_that_do_not_change_take_no_room() {
        let mut tail = Tail::default();
        fill(&mut tail, 1_000, &[7.0; 20]);
        assert_eq!(tail.memory(), 24 * 4);
        assert_eq!(read(&tail, TimeRange::new(1_015, 1_045), 20).0, [1_020, 1_030, 1_040]);
        // Zeros of both signs are equal, but not the same.
        let mut zeros = Tail::default();
        fill(&mut zeros, 0, &[0.0, -0.0]);
        assert_eq!(read(&zeros, TimeRange::ALL, 2).1, [0.0_f64.to_bits(), (-0.0_f64).to_bits()]);
    }

    #[test]
    fn what_went_in_comes_out_before_and_after_sealing() {
        let stale = f64::from_bits(0x7ff0_0000_0000_0002);
        for vals in [vec![1.5; 9], vec![1.0, 1.0, 2.0, stale, stale, -0.0], vec![stale; 3], vec![3.0]] {
            let (mut tail, mut shared) = (Tail::default(), SharedColumns::default());
            for round in 0..3 {
                let first_ts = -50 + round * 1_000;
                fill(&mut tail, first_ts, &vals);
                assert_eq!((tail.mint(), tail.len()), (Some(first_ts), vals.len()));
                let bits: Vec<u64> = vals.iter().map(|v| v.to_bits()).collect();
                let (times, found) = read(&tail, TimeRange::ALL, vals.len());
                assert_eq!(found, bits);
                assert_eq!(read(&tail, TimeRange::ALL, 1).1, bits[..1]);
                let chunk = tail.seal(&mut shared);
                assert!(tail.is_empty());
                let mut out = ColumnBuffer::default();
                chunk.read(TimeRange::ALL, chunk.rows, &mut out).expect("in memory");
                let sealed: Vec<u64> = out.vals.iter().map(|v| v.to_bits()).collect();
                assert_eq!((out.ts, sealed), (times, bits));
            }
        }
    }

    #[test]
    fn kinds_follow_one_another_only_when_it_is_empty() {
        let (mut tail, mut shared) = (Tail::default(), SharedColumns::default());
        let histogram = Value::Histogram(Arc::default());
        fill(&mut tail, 0, &[1.0, 2.0]);
        assert!(tail.takes(&float(0.0)) && !tail.takes(&histogram));
        tail.seal(&mut shared);
        tail.push(50, 7, &histogram);
        assert!(tail.takes(&histogram) && !tail.takes(&float(0.0)));
        let mut out = ColumnBuffer::default();
        tail.read(TimeRange::ALL, 1, &mut out);
        assert_eq!((out.ts.as_slice(), out.start_ts.as_slice()), (&[50][..], &[7][..]));
        tail.seal(&mut shared);
        fill(&mut tail, 60, &[4.0]);
        assert_eq!(read(&tail, TimeRange::ALL, 1), (vec![60], vec![4.0_f64.to_bits()]));
    }

    #[test]
    fn the_oldest_samples_are_dropped() {
        for vals in [[5.0, 5.0, 5.0, 5.0], [1.0, 2.0, 3.0, 4.0]] {
            let mut tail = Tail::default();
            fill(&mut tail, 100, &vals);
            tail.drop_through(110);
            assert_eq!(
                read(&tail, TimeRange::ALL, 4),
                (vec![120, 130], vec![vals[2].to_bits(), vals[3].to_bits()])
            );
            fill(&mut tail, 140, &[9.0]);
            assert_eq!((tail.mint(), tail.maxt(), tail.len()), (Some(120), Some(140), 3));
            tail.drop_through(140);
            assert!(tail.is_empty() && tail.memory() == 0);
        }
    }
}

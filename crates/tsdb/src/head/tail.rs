use std::sync::Arc;

use bellwether_model::{ColumnBuffer, FloatHistogram, TimeRange, Value};

use crate::codec::exact_int;
use crate::coding::{Cursor, put_varint, put_zigzag, unzigzag, zigzag};

use super::chunk::{Chunk, SharedColumns, Values};

/// Room for floats is made in steps of this many bytes: more than one takes, and few enough that little is left over.
const ROOM: usize = 32;
/// A float takes no more than this while it is appended: two of the longest varints.
const MAX_FLOAT_BYTES: usize = 20;

/// The newest samples of a series, before they are encoded as a chunk. All are of one kind.
///
/// Every series has one, so floats are kept in few bytes: of each what its distance in time differs from the one before, and of integers what they differ from the value
/// before.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    len: u32,
    mint: i64,
    maxt: i64,
    /// The distance in time between the last two.
    step: i64,
    /// The last float.
    last: f64,
    floats: Vec<u8>,
    /// What few series have.
    rare: Option<Box<Rare>>,
}

#[derive(Debug, Default)]
struct Rare {
    /// Start timestamps; empty as long as no sample has one.
    starts: Vec<i64>,
    histograms: Vec<(i64, Arc<FloatHistogram>)>,
}

/// Decodes the floats of a tail.
struct Floats<'t> {
    bytes: Cursor<'t>,
    left: u32,
    ts_ms: i64,
    step: i64,
    last: f64,
}

impl Iterator for Floats<'_> {
    type Item = (i64, f64);

    #[inline]
    fn next(&mut self) -> Option<(i64, f64)> {
        self.left = self.left.checked_sub(1)?;
        // The first one is the oldest, which is known.
        self.step = self.step.wrapping_add(self.bytes.zigzag().ok()?);
        self.ts_ms = self.ts_ms.wrapping_add(self.step);
        match self.bytes.varint().ok()? {
            0 => self.last = self.bytes.f64().ok()?,
            1 => {}
            n => self.last = exact_int(self.last).unwrap_or(0).wrapping_add(unzigzag(n - 1)) as f64,
        }
        Some((self.ts_ms, self.last))
    }
}

impl Tail {
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The time of the first sample.
    pub(crate) fn mint(&self) -> Option<i64> {
        (self.len > 0).then_some(self.mint)
    }

    /// The time of the last sample.
    pub(crate) fn maxt(&self) -> Option<i64> {
        (self.len > 0).then_some(self.maxt)
    }

    fn has_histograms(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.histograms.is_empty())
    }

    /// Whether a sample of this kind can be pushed.
    pub(crate) fn takes(&self, value: &Value) -> bool {
        self.is_empty() || self.has_histograms() == matches!(value, Value::Histogram(_))
    }

    /// Appends a sample, which is newer than those before and of their kind.
    pub(crate) fn push(&mut self, ts_ms: i64, start_ts_ms: i64, value: &Value) {
        debug_assert!(self.takes(value) && (self.is_empty() || self.maxt < ts_ms), "BUG: at {ts_ms}");
        if start_ts_ms != 0 || self.rare.as_ref().is_some_and(|rare| !rare.starts.is_empty()) {
            let starts = &mut self.rare.get_or_insert_default().starts;
            starts.resize(self.len as usize, 0);
            starts.push(start_ts_ms);
        }
        match value {
            Value::Float(v) => self.push_float(ts_ms, *v),
            Value::Histogram(h) => {
                self.rare.get_or_insert_default().histograms.push((ts_ms, Arc::clone(h)));
            }
        }
        if self.len == 0 {
            self.mint = ts_ms;
        }
        self.maxt = ts_ms;
        self.len += 1;
    }

    #[inline]
    fn push_float(&mut self, ts_ms: i64, v: f64) {
        if self.len == 0 {
            (self.maxt, self.step, self.last) = (ts_ms, 0, 0.0);
        }
        if self.floats.capacity() - self.floats.len() < MAX_FLOAT_BYTES {
            self.floats.reserve_exact(ROOM);
        }
        let step = ts_ms.wrapping_sub(self.maxt);
        put_zigzag(&mut self.floats, step.wrapping_sub(self.step));
        self.step = step;
        if v.to_bits() == self.last.to_bits() {
            self.floats.push(1);
        } else if let Some(int) = exact_int(v) {
            let before = exact_int(self.last).unwrap_or(0);
            if int == before {
                // From something that is no integer to 0, which must not be taken for a repetition.
                self.push_bits(v);
            } else {
                put_varint(&mut self.floats, zigzag(int.wrapping_sub(before)) + 1);
            }
        } else {
            self.push_bits(v);
        }
        self.last = v;
    }

    fn push_bits(&mut self, v: f64) {
        self.floats.push(0);
        self.floats.extend_from_slice(&v.to_le_bytes());
    }

    fn floats(&self) -> Floats<'_> {
        Floats { bytes: Cursor::new(&self.floats), left: self.len, ts_ms: self.mint, step: 0, last: 0.0 }
    }

    /// Encodes the samples and empties the tail, which keeps its memory.
    pub(crate) fn seal(&mut self, shared: &mut SharedColumns) -> Chunk {
        let rare = self.rare.take().unwrap_or_default();
        let chunk = if rare.histograms.is_empty() {
            let (mut times, mut values) = shared.take_buffers();
            for (ts_ms, v) in self.floats() {
                times.push(ts_ms);
                values.push(v);
            }
            let chunk = Chunk::seal(&times, &rare.starts, Values::Floats(&values), shared);
            shared.give_buffers(times, values);
            chunk
        } else {
            let (times, histograms): (Vec<i64>, Vec<_>) = rare.histograms.into_iter().unzip();
            Chunk::seal(&times, &rare.starts, Values::Histograms(&histograms), shared)
        };
        self.floats.clear();
        self.len = 0;
        chunk
    }

    /// Removes the samples up to `ts_ms`.
    pub(crate) fn drop_through(&mut self, ts_ms: i64) {
        let mut rest = Self::default();
        let starts = self.rare.as_ref().map_or(&[][..], |rare| &rare.starts);
        let start_of = |row: usize| starts.get(row).copied().unwrap_or(0);
        match &self.rare {
            Some(rare) if !rare.histograms.is_empty() => {
                for (row, (ts, h)) in rare.histograms.iter().enumerate().filter(|(_, (ts, _))| *ts > ts_ms) {
                    rest.push(*ts, start_of(row), &Value::Histogram(Arc::clone(h)));
                }
            }
            _ => {
                for (row, (ts, v)) in self.floats().enumerate().filter(|(_, (ts, _))| *ts > ts_ms) {
                    rest.push(ts, start_of(row), &Value::Float(v));
                }
            }
        }
        *self = rest;
    }

    /// Appends those of the first `rows` samples that lie in the range to `out`.
    pub(crate) fn read(&self, range: TimeRange, rows: usize, out: &mut ColumnBuffer) {
        if self.is_empty() || !range.overlaps(TimeRange::new(self.mint, self.maxt)) {
            return;
        }
        let rare = self.rare.as_deref();
        let start_of = |row: usize| rare.and_then(|rare| rare.starts.get(row)).copied().unwrap_or(0);
        match rare {
            Some(rare) if !rare.histograms.is_empty() => {
                let histograms = rare.histograms.iter().take(rows).enumerate();
                for (row, (ts, h)) in histograms.filter(|(_, (ts, _))| range.contains(*ts)) {
                    out.push_histogram(*ts, start_of(row), Arc::clone(h));
                }
            }
            None if out.hists.is_empty() && out.start_ts.is_empty() => {
                for (ts, v) in self.floats().take(rows).filter(|(ts, _)| range.contains(*ts)) {
                    out.ts.push(ts);
                    out.vals.push(v);
                }
            }
            _ => {
                let floats = self.floats().take(rows).enumerate();
                for (row, (ts, v)) in floats.filter(|(_, (ts, _))| range.contains(*ts)) {
                    out.push_float(ts, start_of(row), v);
                }
            }
        }
    }

    /// How many bytes of memory the samples take.
    pub(crate) fn memory(&self) -> usize {
        let rare = self.rare.as_ref().map_or(0, |rare| {
            let histograms: usize = rare.histograms.iter().map(|(_, h)| histogram_memory(h)).sum();
            size_of::<Rare>() + rare.starts.capacity() * 8 + rare.histograms.capacity() * 16 + histograms
        });
        self.floats.capacity() + rare
    }
}

pub(super) fn histogram_memory(h: &FloatHistogram) -> usize {
    size_of::<FloatHistogram>() + (h.positive_buckets.len() + h.negative_buckets.len()) * 8
}

#[cfg(test)]
mod tests {
    use bellwether_model::stale_nan;
    use proptest::prelude::*;

    use super::*;

    fn floats() -> impl Strategy<Value = f64> {
        let special = vec![
            0.0,
            -0.0,
            1.0,
            0.5,
            -7.0,
            f64::INFINITY,
            stale_nan(),
            9_007_199_254_740_991.0,
            -9_007_199_254_740_991.0,
        ];
        prop_oneof![prop::sample::select(special), (-5_i32..5).prop_map(f64::from), any::<f64>()]
    }

    proptest! {
        #[test]
        fn returns_what_was_pushed(
            samples in prop::collection::vec((1_i64..20_000, floats(), prop::bool::weighted(0.1)), 1..80),
            first in prop::sample::select(vec![0, -(1_i64 << 53), 1 << 53]),
            from in 0_usize..80,
            rows in 0_usize..90,
            cut in 0_usize..80,
        ) {
            let mut tail = Tail::default();
            let mut want = Vec::new();
            let mut ts_ms = first;
            for (step, v, has_start) in &samples {
                ts_ms += step;
                let start = if *has_start { ts_ms - 1 } else { 0 };
                tail.push(ts_ms, start, &Value::Float(*v));
                want.push((ts_ms, v.to_bits(), start));
            }
            let read = |tail: &Tail, range, rows| {
                let mut out = ColumnBuffer::default();
                tail.read(range, rows, &mut out);
                let start = |row: usize| out.start_ts.get(row).copied().unwrap_or(0);
                (0..out.len()).map(|row| (out.ts[row], out.vals[row].to_bits(), start(row))).collect::<Vec<_>>()
            };
            let at = |idx: usize| want[idx % want.len()].0;
            let inside: Vec<_> = want.iter().copied().take(rows).filter(|s| s.0 >= at(from)).collect();
            prop_assert_eq!(read(&tail, TimeRange::new(at(from), i64::MAX), rows), inside);
            prop_assert_eq!((tail.len(), tail.mint(), tail.maxt()), (want.len(), Some(at(0)), Some(ts_ms)));
            let mut cut_tail = Tail::default();
            for (ts_ms, bits, start) in &want {
                cut_tail.push(*ts_ms, *start, &Value::Float(f64::from_bits(*bits)));
            }
            cut_tail.drop_through(at(cut));
            let rest: Vec<_> = want.iter().copied().filter(|s| s.0 > at(cut)).collect();
            prop_assert_eq!(read(&cut_tail, TimeRange::ALL, usize::MAX), rest);
            let chunk = tail.seal(&mut SharedColumns::default());
            let mut out = ColumnBuffer::default();
            chunk.read(TimeRange::ALL, chunk.rows, &mut out).expect("just sealed");
            prop_assert_eq!(out.vals.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), want.iter().map(|s| s.1).collect::<Vec<_>>());
            prop_assert!(tail.is_empty());
            tail.push(ts_ms + 5, 0, &Value::Float(2.5));
            prop_assert_eq!(read(&tail, TimeRange::ALL, 9), vec![(ts_ms + 5, 2.5_f64.to_bits(), 0)]);
        }
    }

    #[test]
    fn integers_take_few_bytes() {
        let mut tail = Tail::default();
        for i in 0..32 {
            tail.push(1_748_736_000_000 + i * 15_000, 0, &Value::Float((1000 + i * 7) as f64));
        }
        assert!(tail.memory() <= 128, "{}", tail.memory());
    }

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
    fn values_that_do_not_change_take_little_room() {
        let mut tail = Tail::default();
        fill(&mut tail, 1_000, &[7.25; 20]);
        assert!(tail.memory() <= 96, "{}", tail.memory());
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

use std::sync::Arc;

use bellwether_model::{ColumnBuffer, FloatHistogram, TimeRange, Value};

use crate::codec::exact_int;
use crate::coding::{Cursor, unzigzag, zigzag};

use super::chunk::{Chunk, SharedColumns, Values};
use super::times::{Fit, TimeColumn, TimeColumns};

/// Room for floats is made in steps of this many bytes, as an allocator hands them out, or of a quarter of what there is.
const ROOM: usize = 16;
/// What a tail with times of its own begins with: the first time, the distance of the last one from it, and that between the last two, in milliseconds.
const OWN_TIMES_HEADER: usize = 8 + 4 + 4;
/// The value has all its bits, in the next 8 bytes. Other tokens mean the one before again, once or as often as the next byte says; from [`DELTA`] on by how much an integer
/// differs from it.
const BITS: u64 = 0;
const SAME: u64 = 1;
const RUN: u64 = 2;
const DELTA: u64 = 2;

/// The newest samples of a series, before they are encoded as a chunk. All are of one kind and in one range of [`CHUNK_RANGE_MS`](crate::part::CHUNK_RANGE_MS).
///
/// Every series has one, so floats are kept in few bytes: of integers what they differ from the value before, of repetitions how many they are. Times are those of a column that
/// series share which are written together; if they are not (any more), each sample has before its value by how much its distance in time differs from the one before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail {
    /// The times of floats, unless these have their own.
    column: Option<Arc<TimeColumn>>,
    bytes: Box<[u8]>,
    /// The last float.
    last: f64,
    /// What few series have.
    rare: Option<Box<Rare>>,
    /// How many of the bytes are used.
    used: u16,
    /// The row of the column that has the time of the first sample.
    first: u8,
    len: u8,
    /// How often the last float was repeated that is in the bytes; only with a column.
    run: u8,
}

#[derive(Debug, Clone, Default)]
struct Rare {
    /// Start timestamps; empty as long as no sample has one.
    starts: Vec<i64>,
    histograms: Vec<(i64, Arc<FloatHistogram>)>,
    /// Bytes of memory of the histograms.
    histogram_bytes: usize,
}

/// Decodes the floats of a tail.
struct Floats<'t> {
    column: Option<&'t TimeColumn>,
    row: usize,
    bytes: Cursor<'t>,
    left: u8,
    run: u8,
    ts_ms: i64,
    step: i64,
    last: f64,
}

impl Iterator for Floats<'_> {
    type Item = (i64, f64);

    #[inline]
    fn next(&mut self) -> Option<(i64, f64)> {
        self.left = self.left.checked_sub(1)?;
        if let Some(column) = self.column {
            self.ts_ms = column.at(self.row);
        } else {
            // The first one is the oldest, which is known.
            self.step = self.step.wrapping_add(self.bytes.zigzag().ok()?);
            self.ts_ms = self.ts_ms.wrapping_add(self.step);
        }
        self.row += 1;
        if self.run > 0 {
            self.run -= 1;
        } else if !self.bytes.is_empty() {
            match self.bytes.varint().ok()? {
                BITS => self.last = self.bytes.f64().ok()?,
                SAME => {}
                RUN => self.run = self.bytes.u8().ok()?.saturating_sub(1),
                n => {
                    let before = exact_int(self.last).unwrap_or(0);
                    self.last = before.wrapping_add(unzigzag(n - DELTA)) as f64;
                }
            }
        }
        // What is left when the bytes end are repetitions.
        Some((self.ts_ms, self.last))
    }
}

/// A few bytes that are put together before it is known whether there is room for them: a header or a run, a time of up to 5 bytes and a value of up to 10.
#[derive(Default)]
struct Piece {
    bytes: [u8; 32],
    len: usize,
}

impl Piece {
    #[inline]
    fn byte(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.bytes[self.len..self.len + N].copy_from_slice(&bytes);
        self.len += N;
    }

    #[inline]
    fn varint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.byte(v as u8 | 0x80);
            v >>= 7;
        }
        self.byte(v as u8);
    }

    /// A float that comes after another one and is not the same.
    #[inline]
    fn float(&mut self, v: f64, before: f64) {
        if let Some(int) = exact_int(v) {
            let before = exact_int(before).unwrap_or(0);
            // They are equal after something that is no integer and stands for 0, which must not be taken for a repetition.
            if int != before {
                return self.varint(zigzag(int.wrapping_sub(before)) + DELTA);
            }
        }
        self.byte(BITS as u8);
        self.put(v.to_bits().to_le_bytes());
    }
}

impl Tail {
    pub(crate) fn len(&self) -> usize {
        usize::from(self.len)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The time of the first sample.
    pub(crate) fn mint(&self) -> Option<i64> {
        self.ends().map(|(first, _)| first)
    }

    /// The time of the last sample.
    pub(crate) fn maxt(&self) -> Option<i64> {
        self.ends().map(|(_, last)| last)
    }

    /// The times of the first and the last sample.
    #[inline]
    fn ends(&self) -> Option<(i64, i64)> {
        let last_row = self.len().checked_sub(1)?;
        if let Some(column) = &self.column {
            let first = usize::from(self.first);
            return Some((column.at(first), column.at(first + last_row)));
        }
        if let Some((first, last)) =
            self.rare.as_ref().and_then(|r| Some((r.histograms.first()?, r.histograms.last()?)))
        {
            return Some((first.0, last.0));
        }
        let (mint, span, _) = self.own_times();
        Some((mint, mint + i64::from(span)))
    }

    /// The header of a tail with times of its own.
    #[inline]
    fn own_times(&self) -> (i64, u32, i32) {
        let mut header = Cursor::new(&self.bytes);
        let mint = header.u64().map_or(0, |bits| bits as i64);
        (mint, header.u32().unwrap_or(0), header.u32().map_or(0, |bits| bits as i32))
    }

    /// Looks at the place where the next sample will be put. What is there means nothing.
    #[inline]
    pub(super) fn touch(&self) -> u8 {
        self.bytes.get(usize::from(self.used)).copied().unwrap_or(0)
    }

    fn has_histograms(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.histograms.is_empty())
    }

    /// Whether a sample of this kind can be pushed.
    pub(crate) fn takes(&self, value: &Value) -> bool {
        self.is_empty() || self.has_histograms() == matches!(value, Value::Histogram(_))
    }

    /// Appends a sample, which is newer than those before, of their kind and in their range. Its time may be shared by means of `columns`.
    pub(super) fn push(&mut self, ts_ms: i64, start_ts_ms: i64, value: &Value, columns: &mut TimeColumns) {
        debug_assert!(self.takes(value) && self.maxt().is_none_or(|maxt| maxt < ts_ms), "BUG: at {ts_ms}");
        if start_ts_ms != 0 || self.rare.as_ref().is_some_and(|rare| !rare.starts.is_empty()) {
            let starts = &mut self.rare.get_or_insert_default().starts;
            starts.resize(usize::from(self.len), 0);
            starts.push(start_ts_ms);
        }
        match value {
            Value::Float(v) => {
                if self.len == 0 {
                    (self.column, self.last, self.run, self.used) = (None, 0.0, 0, 0);
                    if let Some((column, row)) = columns.join(ts_ms) {
                        (self.column, self.first) = (Some(Arc::clone(column)), row);
                    }
                }
                self.push_float(ts_ms, *v, columns);
            }
            Value::Histogram(h) => {
                let rare = self.rare.get_or_insert_default();
                rare.histogram_bytes += histogram_memory(h);
                rare.histograms.push((ts_ms, Arc::clone(h)));
                self.len += 1;
            }
        }
    }

    #[inline]
    fn push_float(&mut self, ts_ms: i64, v: f64, columns: &mut TimeColumns) {
        if let Some(column) = &self.column {
            match column.fit(usize::from(self.first) + usize::from(self.len), ts_ms) {
                Fit::Known => return self.push_value(v),
                Fit::Added => {
                    columns.note(column);
                    return self.push_value(v);
                }
                Fit::No => self.leave_column(),
            }
        }
        self.push_with_time(ts_ms, v);
    }

    /// Appends a float whose time is in the column.
    #[inline]
    fn push_value(&mut self, v: f64) {
        self.len += 1;
        if v.to_bits() == self.last.to_bits() {
            self.run += 1;
            return;
        }
        let mut piece = Piece::default();
        match std::mem::take(&mut self.run) {
            0 => {}
            1 => piece.byte(SAME as u8),
            n => piece.put([RUN as u8, n]),
        }
        piece.float(v, self.last);
        self.last = v;
        self.extend(&piece);
    }

    /// Appends a float with its time.
    fn push_with_time(&mut self, ts_ms: i64, v: f64) {
        let mut piece = Piece::default();
        if self.len == 0 {
            self.used = 0;
            piece.put(ts_ms.to_le_bytes());
            piece.put([0; OWN_TIMES_HEADER - 8]);
            piece.varint(0);
        } else {
            let (mint, span, step) = self.own_times();
            let new_span = ts_ms.wrapping_sub(mint) as u32;
            let new_step = new_span.wrapping_sub(span) as i32;
            piece.varint(zigzag(i64::from(new_step) - i64::from(step)));
            self.bytes[8..12].copy_from_slice(&new_span.to_le_bytes());
            self.bytes[12..16].copy_from_slice(&new_step.to_le_bytes());
        }
        if v.to_bits() == self.last.to_bits() {
            piece.byte(SAME as u8);
        } else {
            piece.float(v, self.last);
        }
        self.last = v;
        self.len += 1;
        self.extend(&piece);
    }

    #[inline]
    fn extend(&mut self, piece: &Piece) {
        let (start, end) = (usize::from(self.used), usize::from(self.used) + piece.len);
        if end > self.bytes.len() {
            self.grow(end);
        }
        self.bytes[start..end].copy_from_slice(&piece.bytes[..piece.len]);
        self.used = end as u16;
    }

    fn grow(&mut self, len: usize) {
        let len = len.max(self.bytes.len() / 4 * 5).next_multiple_of(ROOM);
        let mut bytes = std::mem::take(&mut self.bytes).into_vec();
        bytes.reserve_exact(len - bytes.len());
        bytes.resize(len, 0);
        self.bytes = bytes.into_boxed_slice();
    }

    /// Gives the samples times of their own.
    #[cold]
    fn leave_column(&mut self) {
        let samples: Vec<(i64, f64)> = self.floats().collect();
        (self.column, self.len, self.last, self.run) = (None, 0, 0.0, 0);
        for (ts_ms, v) in samples {
            self.push_with_time(ts_ms, v);
        }
    }

    fn floats(&self) -> Floats<'_> {
        let used = &self.bytes[..usize::from(self.used)];
        let (bytes, ts_ms) = match self.column {
            Some(_) => (used, 0),
            None => (used.get(OWN_TIMES_HEADER..).unwrap_or_default(), self.own_times().0),
        };
        Floats {
            column: self.column.as_deref(),
            row: usize::from(self.first),
            bytes: Cursor::new(bytes),
            left: self.len,
            run: 0,
            ts_ms,
            step: 0,
            last: 0.0,
        }
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
        (self.column, self.used, self.len) = (None, 0, 0);
        chunk
    }

    /// Removes the samples up to `ts_ms`.
    pub(crate) fn drop_through(&mut self, ts_ms: i64) {
        let mut rest = Self::default();
        // What is left has times of its own: it is little, and soon a chunk.
        let mut columns = TimeColumns::default();
        let starts = self.rare.as_ref().map_or(&[][..], |rare| &rare.starts);
        let start_of = |row: usize| starts.get(row).copied().unwrap_or(0);
        match &self.rare {
            Some(rare) if !rare.histograms.is_empty() => {
                for (row, (ts, h)) in rare.histograms.iter().enumerate().filter(|(_, (ts, _))| *ts > ts_ms) {
                    rest.push(*ts, start_of(row), &Value::Histogram(Arc::clone(h)), &mut columns);
                }
            }
            _ => {
                for (row, (ts, v)) in self.floats().enumerate().filter(|(_, (ts, _))| *ts > ts_ms) {
                    rest.push(ts, start_of(row), &Value::Float(v), &mut columns);
                }
            }
        }
        *self = rest;
    }

    /// Whether one of the first `rows` samples lies in the range.
    pub(crate) fn reaches_into(&self, range: TimeRange, rows: usize) -> bool {
        let Some((mint, maxt)) =
            self.ends().filter(|(mint, maxt)| range.overlaps(TimeRange::new(*mint, *maxt)))
        else {
            return false;
        };
        if rows >= self.len() && (range.contains(mint) || range.contains(maxt)) {
            return true;
        }
        let mut samples = ColumnBuffer::default();
        self.read(range, rows, &mut samples);
        !samples.is_empty()
    }

    /// Appends those of the first `rows` samples that lie in the range to `out`.
    pub(crate) fn read(&self, range: TimeRange, rows: usize, out: &mut ColumnBuffer) {
        if !self.ends().is_some_and(|(mint, maxt)| range.overlaps(TimeRange::new(mint, maxt))) {
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

    /// How many bytes of memory the samples take, not counting times that they share.
    #[inline]
    pub(crate) fn memory(&self) -> usize {
        let rare = self.rare.as_ref().map_or(0, |rare| {
            size_of::<Rare>() + rare.starts.len() * 8 + rare.histograms.len() * 16 + rare.histogram_bytes
        });
        self.bytes.len() + rare
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
                tail.push(ts_ms, start, &Value::Float(*v), &mut TimeColumns::default());
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
                cut_tail.push(*ts_ms, *start, &Value::Float(f64::from_bits(*bits)), &mut TimeColumns::default());
            }
            cut_tail.drop_through(at(cut));
            let rest: Vec<_> = want.iter().copied().filter(|s| s.0 > at(cut)).collect();
            prop_assert_eq!(read(&cut_tail, TimeRange::ALL, usize::MAX), rest);
            let chunk = tail.seal(&mut SharedColumns::default());
            let mut out = ColumnBuffer::default();
            chunk.read(TimeRange::ALL, chunk.rows, &mut out).expect("just sealed");
            prop_assert_eq!(out.vals.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), want.iter().map(|s| s.1).collect::<Vec<_>>());
            prop_assert!(tail.is_empty());
            push(&mut tail, ts_ms + 5, &Value::Float(2.5));
            prop_assert_eq!(read(&tail, TimeRange::ALL, 9), vec![(ts_ms + 5, 2.5_f64.to_bits(), 0)]);
        }
    }

    proptest! {
        /// The tails of a source, some of which miss samples or have other times, are what they would be if each were alone.
        #[test]
        fn shared_times_change_nothing(
            rows in prop::collection::vec((1_i64..20_000, prop::collection::vec((floats(), 0_u8..40), 12)), 1..70),
            first in prop::sample::select(vec![0, -(1_i64 << 53), 1 << 53]),
        ) {
            let mut shared = SharedColumns::default();
            let mut tails: [(Tail, Tail); 12] = Default::default();
            let mut newest = [i64::MIN; 12];
            let mut ts_ms = first;
            for (step, row) in &rows {
                ts_ms += step;
                for (((tail, alone), newest), (v, luck)) in tails.iter_mut().zip(&mut newest).zip(row) {
                    // Now and then one is missed, or comes a little later.
                    let ts_ms = match luck {
                        0 => continue,
                        1 => ts_ms + 1,
                        _ => ts_ms,
                    };
                    if *newest >= ts_ms {
                        continue;
                    }
                    *newest = ts_ms;
                    // Values repeat as counters do that stand still.
                    let v = if *luck < 20 { v.trunc().clamp(-1.0, 1.0) } else { *v };
                    tail.push(ts_ms, 0, &float(v), shared.tail_times());
                    push(alone, ts_ms, &float(v));
                    if tail.len() >= super::super::series::TAIL_ROWS {
                        let (a, b) = (tail.seal(&mut shared), alone.seal(&mut shared));
                        let read = |chunk: &Chunk| {
                            let mut out = ColumnBuffer::default();
                            chunk.read(TimeRange::ALL, chunk.rows, &mut out).expect("just sealed");
                            (out.ts, out.vals.iter().map(|v| v.to_bits()).collect::<Vec<_>>())
                        };
                        prop_assert_eq!(read(&a), read(&b));
                    }
                }
                for (tail, alone) in &tails {
                    prop_assert_eq!((tail.mint(), tail.maxt()), (alone.mint(), alone.maxt()));
                    for rows in [usize::MAX, 3] {
                        prop_assert_eq!(read(tail, TimeRange::ALL, rows), read(alone, TimeRange::ALL, rows));
                    }
                }
            }
        }
    }

    #[test]
    fn series_of_one_source_share_their_times() {
        let mut shared = SharedColumns::default();
        let mut tails: [Tail; 20] = Default::default();
        for row in 0..30 {
            for tail in &mut tails {
                tail.push(row * 15_000, 0, &float(7.0), shared.tail_times());
            }
        }
        let memory: Vec<usize> = tails.iter().map(Tail::memory).collect();
        assert!(memory[..7].iter().all(|n| *n >= 64), "the first ones do not know of the others: {memory:?}");
        assert_eq!(memory[7..], [16; 13], "one value that is repeated");
    }

    #[test]
    fn integers_take_few_bytes() {
        let mut tail = Tail::default();
        for i in 0..32 {
            push(&mut tail, 1_748_736_000_000 + i * 15_000, &Value::Float((1000 + i * 7) as f64));
        }
        assert!(tail.memory() <= 128, "{}", tail.memory());
    }

    /// Pushes a sample of a series that shares its times with no other one.
    fn push(tail: &mut Tail, ts_ms: i64, value: &Value) {
        tail.push(ts_ms, 0, value, &mut TimeColumns::default());
    }

    fn float(v: f64) -> Value {
        Value::Float(v)
    }

    /// Pushes floats 10 ms apart, from `first_ts` on.
    fn fill(tail: &mut Tail, first_ts: i64, vals: &[f64]) {
        for (ts_ms, v) in (first_ts..).step_by(10).zip(vals) {
            push(tail, ts_ms, &float(*v));
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
        tail.push(50, 7, &histogram, &mut TimeColumns::default());
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

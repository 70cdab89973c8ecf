//! How often values of which size came, in a bounded number of exponential buckets.
//!
//! ```text
//! cell 0    where the buckets lie, see [`Layout`]; 0 while there is none
//! cell 1    values in the zero bucket
//! cell 2    positive infinity
//! cell 3    negative infinity
//! cell 4..  a count for each bucket
//! ```
//!
//! All are integers. Sketches with the same layout add up cell by cell, others bucket by bucket: see [`Sketch::absorb`].
//!
//! The buckets are two runs without gaps, one for each sign. A value outside of them moves the runs, and makes the buckets twice as wide as often as it takes to have
//! all in the cells that there are; nobody may count meanwhile, which the owner's [`Gate`](crate::gate::Gate) sees to.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::exponential::{MAX_SCHEMA, MIN_SCHEMA, ZERO_THRESHOLD, bucket, coarser};

/// Cells in front of the buckets.
const HEAD: usize = 4;
/// With so many buckets every number has one in the coarsest resolution: 74 of each sign.
pub(crate) const MIN_BUCKETS: usize = 160;
/// More would not be a bounded number any more.
pub(crate) const MAX_BUCKETS: usize = 4_096;

/// A sketch in the cells of a series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sketch<'c> {
    cells: &'c [AtomicU64],
    /// The resolution at first.
    schema: i32,
    /// What is closer to zero than this, or as close, is in the zero bucket.
    zero_threshold: f64,
}

/// Where a value belongs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// Not a number: nowhere.
    None,
    Zero,
    Infinite {
        is_negative: bool,
    },
    /// A bucket in the finest resolution.
    Bucket {
        is_negative: bool,
        bucket: i32,
    },
}

impl<'c> Sketch<'c> {
    pub(crate) const fn n_cells(n_buckets: usize) -> usize {
        HEAD + n_buckets
    }

    #[inline]
    pub(crate) fn of(cells: &'c [AtomicU64], schema: i32, zero_threshold: f64) -> Self {
        Self { cells, schema, zero_threshold: zero_threshold.max(ZERO_THRESHOLD) }
    }

    #[inline]
    pub(crate) fn place(self, value: f64) -> Place {
        let (magnitude, is_negative) = (value.abs(), value.is_sign_negative());
        if magnitude <= self.zero_threshold {
            Place::Zero
        } else if magnitude.is_finite() {
            Place::Bucket { is_negative, bucket: bucket(magnitude) }
        } else if magnitude.is_infinite() {
            Place::Infinite { is_negative }
        } else {
            Place::None
        }
    }

    /// Counts a value `n` times, while others do so too. Returns false if room has to be made for it first.
    #[inline]
    pub(crate) fn add(self, place: Place, n: u64) -> bool {
        let cell = match place {
            Place::Bucket { is_negative, bucket } => {
                let layout = Layout::unpack(self.cells[0].load(Ordering::Relaxed));
                match layout.and_then(|layout| layout.cell(is_negative, bucket, self.n_buckets())) {
                    Some(cell) => HEAD + cell,
                    None => return false,
                }
            }
            Place::Zero => 1,
            Place::Infinite { is_negative } => 2 + usize::from(is_negative),
            Place::None => return true,
        };
        self.cells[cell].fetch_add(n, Ordering::Relaxed);
        true
    }

    /// Lays the buckets out so that there is one for a value. Nobody else may be at the cells.
    pub(crate) fn make_room(self, place: Place) {
        self.lay_out(place, self.schema());
    }

    /// Adds what another sketch counted. The resolution is that of the coarser one afterwards, or less. Nobody else may be at the cells of either.
    pub(crate) fn absorb(self, other: Sketch<'_>) {
        let finest = other.schema();
        for count in other.counts() {
            let place = Place::Bucket {
                is_negative: count.is_negative,
                bucket: count.bucket << (MAX_SCHEMA - finest),
            };
            if self.schema() > finest || !self.add(place, count.n) {
                self.lay_out(place, finest);
                self.add(place, count.n);
            }
        }
        for (own, more) in self.cells[1..HEAD].iter().zip(&other.cells[1..HEAD]) {
            own.fetch_add(more.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// As [`make_room`](Self::make_room), in no finer a resolution than `finest`.
    fn lay_out(self, place: Place, finest: i32) {
        let Place::Bucket { is_negative, bucket } = place else { return };
        let counts: Vec<Count> = self.counts().collect();
        let old_schema = self.schema();
        let mut ranges = [Range::EMPTY; 2];
        let mut schema = old_schema.min(finest);
        ranges[usize::from(is_negative)].add(coarser(bucket, MAX_SCHEMA, schema));
        for count in &counts {
            ranges[usize::from(count.is_negative)].add(coarser(count.bucket, old_schema, schema));
        }
        while ranges[0].len() + ranges[1].len() > self.n_buckets() && schema > MIN_SCHEMA {
            schema -= 1;
            ranges = ranges.map(Range::halved);
        }
        let layout = Layout::around(schema, ranges, self.n_buckets());
        self.cells[HEAD..].iter().for_each(|cell| cell.store(0, Ordering::Relaxed));
        self.cells[0].store(layout.pack(), Ordering::Relaxed);
        for count in &counts {
            let bucket = coarser(count.bucket, old_schema, schema);
            if let Some(cell) = layout.cell_at(count.is_negative, bucket, self.n_buckets()) {
                self.cells[HEAD + cell].fetch_add(count.n, Ordering::Relaxed);
            }
        }
    }

    /// Forgets everything. Nobody else may be at the cells.
    pub(crate) fn clear(self) {
        self.cells.iter().for_each(|cell| cell.store(0, Ordering::Relaxed));
    }

    /// The resolution now.
    pub(crate) fn schema(self) -> i32 {
        Layout::unpack(self.cells[0].load(Ordering::Relaxed)).map_or(self.schema, |layout| layout.schema)
    }

    pub(crate) fn zero_threshold(self) -> f64 {
        self.zero_threshold
    }

    pub(crate) fn zero_count(self) -> u64 {
        self.cells[1].load(Ordering::Relaxed)
    }

    /// How often positive and negative infinity came.
    pub(crate) fn infinite_counts(self) -> [u64; 2] {
        [2, 3].map(|idx: usize| self.cells[idx].load(Ordering::Relaxed))
    }

    /// The buckets that are not empty: those of positive values, then those of negative ones, each in the order of their magnitudes.
    pub(crate) fn counts(self) -> impl Iterator<Item = Count> + 'c {
        let layout = Layout::unpack(self.cells[0].load(Ordering::Relaxed));
        let n_positive = layout.map_or(0, |layout| layout.n_positive as usize);
        self.cells[HEAD..].iter().enumerate().filter_map(move |(idx, cell)| {
            let n = cell.load(Ordering::Relaxed);
            let layout = layout.filter(|_| n > 0)?;
            let is_negative = idx >= n_positive;
            let start = layout.starts[usize::from(is_negative)];
            let within = if is_negative { idx - n_positive } else { idx };
            Some(Count { is_negative, bucket: start + within as i32, n })
        })
    }

    /// What it holds, wherever in the cells that is.
    #[cfg(test)]
    pub(crate) fn held(self) -> Vec<u64> {
        let counts = self.counts().flat_map(|c| [u64::from(c.is_negative), c.bucket as u64, c.n]);
        let others = self.cells[1..HEAD].iter().map(|cell| cell.load(Ordering::Relaxed));
        [self.schema() as u64].into_iter().chain(counts).chain(others).collect()
    }

    #[inline]
    fn n_buckets(self) -> usize {
        self.cells.len() - HEAD
    }
}

/// Whether the cells are such as a sketch writes, so that nobody looks for buckets which no number has.
pub(crate) fn is_possible(cells: &[u64]) -> bool {
    let Some(layout) = Layout::unpack(cells[0]) else { return cells[HEAD..].iter().all(|n| *n == 0) };
    if layout.schema > MAX_SCHEMA || layout.n_positive as usize > cells.len() - HEAD {
        return false;
    }
    let of_number = |magnitude| coarser(bucket(magnitude), MAX_SCHEMA, layout.schema);
    let possible = of_number(ZERO_THRESHOLD)..=of_number(f64::MAX);
    let n_positive = layout.n_positive as usize;
    cells[HEAD..].iter().enumerate().filter(|(_, n)| **n > 0).all(|(idx, _)| {
        let (start, within) =
            if idx < n_positive { (layout.starts[0], idx) } else { (layout.starts[1], idx - n_positive) };
        possible.contains(&(start + within as i32))
    })
}

/// A bucket that is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) is_negative: bool,
    /// Its number in the resolution of the sketch.
    pub(crate) bucket: i32,
    pub(crate) n: u64,
}

/// Buckets from the first to the last, both included.
#[derive(Debug, Clone, Copy)]
struct Range {
    first: i32,
    last: i32,
}

impl Range {
    const EMPTY: Self = Self { first: i32::MAX, last: i32::MIN };

    fn add(&mut self, bucket: i32) {
        self.first = self.first.min(bucket);
        self.last = self.last.max(bucket);
    }

    fn len(self) -> usize {
        if self.first > self.last { 0 } else { (self.last - self.first) as usize + 1 }
    }

    /// The same with buckets of twice the width.
    fn halved(self) -> Self {
        if self.len() == 0 {
            return self;
        }
        Self { first: coarser(self.first, 1, 0), last: coarser(self.last, 1, 0) }
    }
}

/// Where the buckets lie: the first cells are those of positive values.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Layout {
    schema: i32,
    n_positive: u32,
    /// The numbers of the first positive and the first negative bucket.
    starts: [i32; 2],
}

/// Buckets have numbers of so many bits, sign included, even in the finest resolution.
const START_BITS: u32 = 20;

impl Layout {
    /// Puts the ranges into the middle of the cells, so that there is room on both sides of them.
    fn around(schema: i32, ranges: [Range; 2], n_buckets: usize) -> Self {
        let lens = ranges.map(Range::len);
        let free = n_buckets.saturating_sub(lens[0] + lens[1]);
        let n_positive = match lens {
            [_, 0] => n_buckets,
            [0, _] => 0,
            [positive, _] => positive + free / 2,
        };
        let start = |range: Range, n_cells: usize| {
            if range.len() == 0 { 0 } else { range.first - (n_cells.saturating_sub(range.len()) / 2) as i32 }
        };
        let starts = [start(ranges[0], n_positive), start(ranges[1], n_buckets - n_positive)];
        Self { schema, n_positive: n_positive as u32, starts }
    }

    /// The cell of a bucket of the finest resolution.
    #[inline]
    fn cell(&self, is_negative: bool, bucket: i32, n_buckets: usize) -> Option<usize> {
        self.cell_at(is_negative, coarser(bucket, MAX_SCHEMA, self.schema), n_buckets)
    }

    #[inline]
    fn cell_at(&self, is_negative: bool, bucket: i32, n_buckets: usize) -> Option<usize> {
        let n_positive = self.n_positive as usize;
        let (start, first, end) = if is_negative {
            (self.starts[1], n_positive, n_buckets)
        } else {
            (self.starts[0], 0, n_positive)
        };
        let within = usize::try_from(bucket - start).ok()?;
        Some(first + within).filter(|cell| *cell < end)
    }

    fn pack(self) -> u64 {
        let start = |start: i32| u64::from(start as u32) & ((1 << START_BITS) - 1);
        // The lowest bits are never all zero, which stands for no layout.
        (self.schema - MIN_SCHEMA + 1) as u64
            | u64::from(self.n_positive) << 4
            | start(self.starts[0]) << 20
            | start(self.starts[1]) << (20 + START_BITS)
    }

    #[inline]
    fn unpack(word: u64) -> Option<Self> {
        let schema = (word & 0xf) as i32;
        // Shifted up and down again, so that the sign is that of the number.
        let start = |at: u32| ((word >> at) as u32 as i32) << (32 - START_BITS) >> (32 - START_BITS);
        (schema > 0).then(|| Self {
            schema: schema + MIN_SCHEMA - 1,
            n_positive: (word >> 4) as u32 & 0xffff,
            starts: [start(20), start(20 + START_BITS)],
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn sketch(n_buckets: usize, schema: i32) -> Sketch<'static> {
        let cells = (0..Sketch::n_cells(n_buckets)).map(|_| AtomicU64::new(0)).collect();
        Sketch::of(Vec::leak(cells), schema, 0.0)
    }

    fn add(sketch: Sketch<'_>, value: f64) {
        let place = sketch.place(value);
        if !sketch.add(place, 1) {
            sketch.make_room(place);
            assert!(sketch.add(place, 1), "there is room for {value:e} now");
        }
    }

    fn values() -> impl Strategy<Value = f64> {
        let close = (0.001_f64..1_000.0).boxed();
        let signed = (-10.0_f64..10.0).boxed();
        prop_oneof![4 => close, 2 => signed, 1 => any::<f64>(), 1 => Just(0.0)]
    }

    proptest! {
        #[test]
        fn layouts_are_packed(schema in MIN_SCHEMA..=MAX_SCHEMA, n_positive in 0_u32..=4096, a in -280_000..270_000, b in -280_000..270_000) {
            let layout = Layout { schema, n_positive, starts: [a, b] };
            prop_assert_eq!(Layout::unpack(layout.pack()), Some(layout));
        }

        /// Whatever comes in whatever order, each value is counted in the bucket of its size.
        #[test]
        fn counts_are_those_of_a_map(values in prop::collection::vec(values(), 0..200), schema in MIN_SCHEMA..=MAX_SCHEMA) {
            let sketch = sketch(MIN_BUCKETS, schema);
            for value in &values {
                add(sketch, *value);
            }
            let mut expected: BTreeMap<(bool, i32), u64> = BTreeMap::new();
            for value in &values {
                if let Place::Bucket { is_negative, bucket } = sketch.place(*value) {
                    *expected.entry((is_negative, coarser(bucket, MAX_SCHEMA, sketch.schema()))).or_default() += 1;
                }
            }
            let counts: Vec<_> = sketch.counts().map(|c| ((c.is_negative, c.bucket), c.n)).collect();
            prop_assert_eq!(&counts, &expected.iter().map(|(k, n)| (*k, *n)).collect::<Vec<_>>());
            let n_zero = values.iter().filter(|v| v.abs() <= ZERO_THRESHOLD).count();
            prop_assert_eq!(sketch.zero_count(), n_zero as u64);
            // It is no coarser than it has to be.
            if sketch.schema() < schema {
                let mut ranges = [Range::EMPTY; 2];
                for value in &values {
                    if let Place::Bucket { is_negative, bucket } = sketch.place(*value) {
                        ranges[usize::from(is_negative)].add(coarser(bucket, MAX_SCHEMA, sketch.schema() + 1));
                    }
                }
                prop_assert!(ranges[0].len() + ranges[1].len() > MIN_BUCKETS);
            }
        }
    }

    proptest! {
        /// Two sketches become what one would have been, had it had the coarser resolution from the beginning.
        #[test]
        fn sketches_add_up(
            a in prop::collection::vec(values(), 0..60),
            b in prop::collection::vec(values(), 0..60),
            schemas in (MIN_SCHEMA..=MAX_SCHEMA, MIN_SCHEMA..=MAX_SCHEMA),
        ) {
            let (sum, other) = (sketch(MIN_BUCKETS, schemas.0), sketch(MIN_BUCKETS, schemas.1));
            for value in &a {
                add(sum, *value);
            }
            for value in &b {
                add(other, *value);
            }
            sum.absorb(other);
            let all = sketch(MIN_BUCKETS, schemas.0.min(schemas.1));
            for value in a.iter().chain(&b) {
                add(all, *value);
            }
            // One that has nothing in buckets does not make the other one coarser.
            let counts = |of: Sketch<'_>, schema: i32| {
                let mut counts = BTreeMap::<(bool, i32), u64>::new();
                for count in of.counts() {
                    *counts.entry((count.is_negative, coarser(count.bucket, of.schema(), schema))).or_default() += count.n;
                }
                counts
            };
            let schema = sum.schema().min(all.schema());
            prop_assert_eq!(counts(sum, schema), counts(all, schema));
            if other.counts().next().is_some() {
                prop_assert!(sum.schema() <= other.schema());
            }
            prop_assert_eq!(sum.zero_count(), all.zero_count());
            prop_assert_eq!(sum.infinite_counts(), all.infinite_counts());
        }
    }

    #[test]
    fn every_number_has_a_bucket() {
        let sketch = sketch(MIN_BUCKETS, MAX_SCHEMA);
        for value in [1.0, f64::MAX, -f64::MAX, ZERO_THRESHOLD * 1.1, -ZERO_THRESHOLD * 1.1, f64::INFINITY] {
            add(sketch, value);
        }
        add(sketch, f64::NEG_INFINITY);
        add(sketch, f64::NAN);
        assert_eq!((sketch.schema(), sketch.counts().map(|c| c.n).sum::<u64>()), (MIN_SCHEMA, 5));
        assert_eq!((sketch.infinite_counts(), sketch.zero_count()), ([1, 1], 0));
    }
}

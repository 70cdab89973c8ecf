use std::sync::Arc;

use bellwether_model::{FloatHistogram, MemoryReservation, Value};

use super::error::QueryError;
use super::limits::SampleLease;
use super::state::QueryState;
use crate::functions::FloatSink;

const BITS: usize = u64::BITS as usize;

/// Rows of samples, one row per series, one cell per step; a cell holds a float, a histogram or nothing.
///
/// Rows are contiguous: `vals` of row `r` are `vals[r * steps..][..steps]`. Whether a cell holds something is a bit, never a special number.
#[derive(Debug)]
pub(crate) struct Block {
    n_steps: usize,
    vals: Vec<f64>,
    /// One bit per cell; each row starts with a new word.
    present: Vec<u64>,
    /// Empty, or one entry per cell: `Some` exactly where the cell holds a histogram.
    histograms: Vec<Option<Arc<FloatHistogram>>>,
    /// Per row: the metric name is to be dropped at the end of the query.
    drop_name: Vec<bool>,
    memory: MemoryReservation,
    lease: SampleLease,
}

/// A sample, borrowed from its cell.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sample<'a> {
    Float(f64),
    Histogram(&'a Arc<FloatHistogram>),
}

impl Sample<'_> {
    pub(crate) fn to_value(self) -> Value {
        match self {
            Self::Float(v) => Value::Float(v),
            Self::Histogram(h) => Value::Histogram(Arc::clone(h)),
        }
    }
}

impl Block {
    /// No rows yet; memory for `n_rows` is set aside.
    pub(crate) fn with_capacity(
        query: &QueryState,
        n_rows: usize,
        n_steps: usize,
    ) -> Result<Self, QueryError> {
        let bytes = n_rows.saturating_mul(Self::bytes_per_row(n_steps));
        let memory = query.context.reserve(bytes)?;
        Ok(Self {
            n_steps,
            vals: Vec::with_capacity(n_rows.saturating_mul(n_steps)),
            present: Vec::with_capacity(n_rows.saturating_mul(words(n_steps))),
            histograms: Vec::new(),
            drop_name: Vec::with_capacity(n_rows),
            memory,
            lease: query.samples.lease(),
        })
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.drop_name.len()
    }

    pub(crate) fn n_steps(&self) -> usize {
        self.n_steps
    }

    pub(crate) fn row(&self, row: usize) -> Row<'_> {
        Row { block: self, row }
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.n_rows()).map(|row| self.row(row))
    }

    pub(crate) fn row_mut(&mut self, row: usize) -> RowMut<'_> {
        debug_assert!(row < self.n_rows(), "BUG: row {row} of {}", self.n_rows());
        RowMut { block: self, row }
    }

    /// Appends an empty row.
    pub(crate) fn push_row(&mut self) -> Result<RowMut<'_>, QueryError> {
        self.make_room(1)?;
        self.vals.resize(self.vals.len() + self.n_steps, 0.0);
        self.present.resize(self.present.len() + words(self.n_steps), 0);
        if !self.histograms.is_empty() {
            self.memory.grow(8 * self.n_steps)?;
            self.histograms.resize(self.vals.len(), None);
        }
        self.drop_name.push(false);
        let row = self.n_rows() - 1;
        Ok(self.row_mut(row))
    }

    /// Appends a copy of a row.
    pub(crate) fn push_copy(&mut self, row: Row<'_>) -> Result<(), QueryError> {
        let mut copy = self.push_row()?;
        copy.set_drop_name(row.drop_name());
        if let Some(floats) = row.floats() {
            let target = copy.as_floats();
            target.vals.copy_from_slice(floats.vals);
            target.present.copy_from_slice(floats.present);
            return Ok(());
        }
        for (step, sample) in row.samples() {
            copy.set_sample(step, sample)?;
        }
        Ok(())
    }

    /// Appends copies of the rows of a block whose samples are counted, and counts them.
    pub(crate) fn append(&mut self, block: &Self) -> Result<(), QueryError> {
        if self.histograms.is_empty() && block.histograms.is_empty() {
            self.make_room(block.n_rows())?;
            self.vals.extend_from_slice(&block.vals);
            self.present.extend_from_slice(&block.present);
            self.drop_name.extend_from_slice(&block.drop_name);
        } else {
            block.rows().try_for_each(|row| self.push_copy(row))?;
        }
        self.lease.set(self.lease.held() + block.lease.held())
    }

    fn make_room(&mut self, n_rows: usize) -> Result<(), QueryError> {
        if self.vals.len() + n_rows * self.n_steps > self.vals.capacity() {
            // Vectors double when they are full.
            let more = self.n_rows().max(n_rows).max(4);
            let _copying = self.memory.copying()?;
            self.memory.grow(more.saturating_mul(Self::bytes_per_row(self.n_steps)))?;
            self.vals.reserve_exact(more * self.n_steps);
            self.present.reserve_exact(more * words(self.n_steps));
        }
        Ok(())
    }

    /// Removes the last row.
    pub(crate) fn pop_row(&mut self) {
        if self.drop_name.pop().is_some() {
            self.vals.truncate(self.n_rows() * self.n_steps);
            self.present.truncate(self.n_rows() * words(self.n_steps));
            self.histograms.truncate(self.vals.len());
        }
    }

    /// Counts the samples and holds them against the limit. Whoever has filled a block calls this before handing it on.
    pub(crate) fn settle(&mut self) -> Result<(), QueryError> {
        let present: usize = self.present.iter().map(|word| word.count_ones() as usize).sum();
        let extra: usize =
            self.histograms.iter().flatten().map(|h| h.sample_weight().saturating_sub(1)).sum();
        self.lease.set(present + extra)
    }

    fn bytes_per_row(n_steps: usize) -> usize {
        n_steps.saturating_mul(8).saturating_add(words(n_steps) * 8 + 1)
    }
}

fn words(n_steps: usize) -> usize {
    n_steps.div_ceil(BITS)
}

/// One row of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    block: &'a Block,
    row: usize,
}

impl<'a> Row<'a> {
    pub(crate) fn drop_name(self) -> bool {
        self.block.drop_name[self.row]
    }

    /// The sample of a step.
    pub(crate) fn sample(self, step: usize) -> Option<Sample<'a>> {
        let word = self.block.present[self.row * words(self.block.n_steps) + step / BITS];
        (word >> (step % BITS) & 1 == 1).then(|| self.sample_at(step))
    }

    /// The samples that there are, with their steps.
    pub(crate) fn samples(self) -> impl Iterator<Item = (usize, Sample<'a>)> {
        self.steps().map(move |step| (step, self.sample_at(step)))
    }

    /// The steps that have a sample, in order.
    pub(crate) fn steps(self) -> impl Iterator<Item = usize> + 'a {
        self.words().iter().enumerate().flat_map(|(idx, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros() as usize;
                // Clears the lowest bit that is set; nothing is left to clear in an empty word.
                word = word.checked_sub(1).map(|less| word & less)?;
                Some(idx * BITS + bit)
            })
        })
    }

    /// How many floats and how many histograms there are.
    pub(crate) fn kinds(self) -> (usize, usize) {
        let n: usize = self.words().iter().map(|word| word.count_ones() as usize).sum();
        let cells = self.row * self.block.n_steps..(self.row + 1) * self.block.n_steps;
        let histograms = self.block.histograms.get(cells).unwrap_or_default();
        let n_histograms = histograms.iter().flatten().count();
        (n - n_histograms, n_histograms)
    }

    /// Whether no step has a sample.
    pub(crate) fn is_empty(self) -> bool {
        self.words().iter().all(|word| *word == 0)
    }

    /// Whether both rows have a sample at some step.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.words().iter().zip(other.words()).any(|(a, b)| a & b != 0)
    }

    /// The samples, if none is a histogram.
    pub(crate) fn floats(self) -> Option<RowFloats<'a>> {
        let (n, block) = (self.block.n_steps, self.block);
        block
            .histograms
            .is_empty()
            .then(|| RowFloats { vals: &block.vals[self.row * n..][..n], present: self.words() })
    }

    /// The last step that has a sample.
    pub(crate) fn last_step(self) -> Option<usize> {
        let (idx, word) = self.words().iter().enumerate().rfind(|(_, word)| **word != 0)?;
        Some(idx * BITS + BITS - 1 - word.leading_zeros() as usize)
    }

    /// One bit per step: whether it has a sample.
    pub(crate) fn words(self) -> &'a [u64] {
        let n = words(self.block.n_steps);
        &self.block.present[self.row * n..][..n]
    }

    fn sample_at(self, step: usize) -> Sample<'a> {
        let cell = self.row * self.block.n_steps + step;
        match self.block.histograms.get(cell) {
            Some(Some(h)) => Sample::Histogram(h),
            _ => Sample::Float(self.block.vals[cell]),
        }
    }
}

/// The samples of a row without histograms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowFloats<'a> {
    /// One value per step; meaningless where there is no sample.
    pub(crate) vals: &'a [f64],
    /// One bit per step: whether it has a sample.
    pub(crate) present: &'a [u64],
}

/// The floats of up to 64 steps in a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub(crate) first_step: usize,
    pub(crate) vals: &'a [f64],
    present: u64,
}

impl Piece<'_> {
    /// Whether all steps have a sample.
    pub(crate) fn is_full(self) -> bool {
        self.present.count_ones() as usize == self.vals.len()
    }

    /// Visits the samples with their steps, in order.
    pub(crate) fn for_each(self, mut visit: impl FnMut(usize, f64)) {
        let mut word = self.present;
        while word != 0 {
            let bit = word.trailing_zeros() as usize;
            word &= word - 1;
            visit(self.first_step + bit, self.vals[bit]);
        }
    }
}

impl<'a> RowFloats<'a> {
    /// The sample of a step.
    pub(crate) fn get(self, step: usize) -> Option<f64> {
        (self.present[step / BITS] >> (step % BITS) & 1 == 1).then(|| self.vals[step])
    }

    /// The row in pieces, in order. Full ones can be worked on as a whole.
    pub(crate) fn pieces(self) -> impl Iterator<Item = Piece<'a>> {
        let chunks = self.vals.chunks(BITS).zip(self.present).enumerate();
        chunks.map(|(idx, (vals, present))| Piece { first_step: idx * BITS, vals, present: *present })
    }

    /// Visits the samples with their steps, in order.
    pub(crate) fn for_each(self, mut visit: impl FnMut(usize, f64)) {
        for piece in self.pieces() {
            if piece.is_full() {
                let first = piece.first_step;
                piece.vals.iter().enumerate().for_each(|(idx, v)| visit(first + idx, *v));
            } else {
                piece.for_each(&mut visit);
            }
        }
    }
}

/// One row of a block, to be filled.
#[derive(Debug)]
pub(crate) struct RowMut<'a> {
    block: &'a mut Block,
    row: usize,
}

impl RowMut<'_> {
    pub(crate) fn set_drop_name(&mut self, drop_name: bool) {
        self.block.drop_name[self.row] = drop_name;
    }

    /// The cells of a row that holds nothing yet, to be filled with floats.
    pub(crate) fn as_floats(&mut self) -> FloatSink<'_> {
        let (n_steps, n_words) = (self.block.n_steps, words(self.block.n_steps));
        FloatSink {
            vals: &mut self.block.vals[self.row * n_steps..][..n_steps],
            present: &mut self.block.present[self.row * n_words..][..n_words],
        }
    }

    /// The cells of a row that may hold something, if no row of the block holds a histogram.
    pub(crate) fn floats(&mut self) -> Option<FloatSink<'_>> {
        self.block.histograms.is_empty().then(|| self.as_floats())
    }

    /// Whether no step has a sample.
    pub(crate) fn is_empty(&self) -> bool {
        self.block.row(self.row).is_empty()
    }

    /// Leaves the samples of those steps whose bit is set (`keep_set`) or is not set.
    pub(crate) fn retain(&mut self, bits: &[u64], keep_set: bool) {
        if let Some(floats) = self.floats() {
            for (present, bits) in floats.present.iter_mut().zip(bits) {
                *present &= if keep_set { *bits } else { !bits };
            }
            return;
        }
        for step in 0..self.block.n_steps {
            if (bits[step / BITS] >> (step % BITS) & 1 == 1) != keep_set {
                self.clear(step);
            }
        }
    }

    pub(crate) fn set_float(&mut self, step: usize, v: f64) {
        let cell = self.row * self.block.n_steps + step;
        self.mark(step);
        self.block.vals[cell] = v;
        if let Some(histogram) = self.block.histograms.get_mut(cell) {
            *histogram = None;
        }
    }

    pub(crate) fn set_histogram(&mut self, step: usize, h: Arc<FloatHistogram>) -> Result<(), QueryError> {
        let block = &mut *self.block;
        if block.histograms.is_empty() {
            block.memory.grow(8 * block.vals.len())?;
            block.histograms.resize(block.vals.len(), None);
        }
        block.memory.grow(h.size_bytes())?;
        block.histograms[self.row * block.n_steps + step] = Some(h);
        self.mark(step);
        Ok(())
    }

    pub(crate) fn set(&mut self, step: usize, value: Value) -> Result<(), QueryError> {
        match value {
            Value::Float(v) => {
                self.set_float(step, v);
                Ok(())
            }
            Value::Histogram(h) => self.set_histogram(step, h),
        }
    }

    pub(crate) fn set_sample(&mut self, step: usize, sample: Sample<'_>) -> Result<(), QueryError> {
        self.set(step, sample.to_value())
    }

    /// Removes the sample of a step.
    pub(crate) fn clear(&mut self, step: usize) {
        let word = self.row * words(self.block.n_steps) + step / BITS;
        self.block.present[word] &= !(1 << (step % BITS));
        let cell = self.row * self.block.n_steps + step;
        if let Some(histogram) = self.block.histograms.get_mut(cell) {
            *histogram = None;
        }
    }

    fn mark(&mut self, step: usize) {
        debug_assert!(step < self.block.n_steps, "BUG: step {step} of {}", self.block.n_steps);
        let word = self.row * words(self.block.n_steps) + step / BITS;
        self.block.present[word] |= 1 << (step % BITS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        let query = QueryState::for_tests();
        let mut block = Block::with_capacity(&query, 0, 130).expect("fits");
        block.push_row().expect("fits");
        let mut row = block.push_row().expect("fits");
        for step in [0, 63, 64, 129] {
            row.set_float(step, step as f64);
        }
        row.set_histogram(64, Arc::default()).expect("fits");
        row.set_drop_name(true);
        assert!(block.row(0).is_empty());
        assert!(block.row(1).floats().is_none());
        let row = block.row(1);
        assert_eq!(row.steps().collect::<Vec<_>>(), [0, 63, 64, 129]);
        assert!(matches!(row.sample(63), Some(Sample::Float(v)) if v == 63.0));
        assert!(matches!(row.sample(64), Some(Sample::Histogram(_))));
        assert!(row.sample(65).is_none());
        assert_eq!(row.last_step(), Some(129));
        assert!(row.overlaps(row) && !row.overlaps(block.row(0)));
        block.settle().expect("fits");
        assert_eq!(query.samples.peak(), 3 + FloatHistogram::default().sample_weight());

        let mut copies = Block::with_capacity(&query, 1, 130).expect("fits");
        copies.push_copy(block.row(1)).expect("fits");
        assert!(copies.row(0).drop_name());
        copies.row_mut(0).clear(64);
        copies.row_mut(0).clear(0);
        assert_eq!(copies.row(0).steps().collect::<Vec<_>>(), [63, 129]);

        let mut floats = Block::with_capacity(&query, 1, 130).expect("fits");
        let mut row = floats.push_row().expect("fits");
        (0..64).chain([70, 129]).for_each(|step| row.set_float(step, step as f64));
        let mut seen = Vec::new();
        floats.row(0).floats().expect("no histograms").for_each(|step, v| {
            assert_eq!(step as f64, v);
            seen.push(step);
        });
        assert_eq!(seen, (0..64).chain([70, 129]).collect::<Vec<_>>());
    }
}

use bellwether_model::Value;

use super::fold::{Fold, Remarks};
use crate::engine::block::{RowFloats, Sample};

/// `count`
#[derive(Debug, Default)]
pub(super) struct Count {
    counts: Vec<u32>,
}

impl Fold for Count {
    fn resize(&mut self, n_cells: usize) {
        self.counts.resize(n_cells, 0);
    }

    fn bytes_per_cell() -> usize {
        size_of::<u32>()
    }

    fn add(&mut self, cell: usize, _: Sample<'_>, _: &mut Remarks<'_>) {
        self.counts[cell] += 1;
    }

    fn add_floats(&mut self, first_cell: usize, floats: RowFloats<'_>) {
        for piece in floats.pieces() {
            let counts = &mut self.counts[first_cell..];
            if piece.is_full() {
                let counts = counts[piece.first_step..].iter_mut();
                counts.zip(piece.vals).for_each(|(count, _)| *count += 1);
            } else {
                piece.for_each(|step, _| counts[step] += 1);
            }
        }
    }

    fn finish(&mut self, cell: usize, _: bool, _: &mut Remarks<'_>) -> Option<Value> {
        let count = self.counts[cell];
        (count > 0).then(|| Value::Float(count.into()))
    }

    fn finish_floats(&mut self, first_cell: usize, results: &mut [f64]) {
        let counts = &self.counts[first_cell..];
        results.iter_mut().zip(counts).for_each(|(result, count)| *result = (*count).into());
    }
}

/// `group`
#[derive(Debug, Default)]
pub(super) struct Group {
    has_histogram: Vec<bool>,
}

impl Fold for Group {
    fn resize(&mut self, n_cells: usize) {
        self.has_histogram.resize(n_cells, false);
    }

    fn bytes_per_cell() -> usize {
        size_of::<bool>()
    }

    fn add(&mut self, cell: usize, sample: Sample<'_>, _: &mut Remarks<'_>) {
        self.has_histogram[cell] |= matches!(sample, Sample::Histogram(_));
    }

    /// That there are floats is all that counts.
    fn add_floats(&mut self, _: usize, _: RowFloats<'_>) {}

    fn finish(&mut self, cell: usize, has_float: bool, _: &mut Remarks<'_>) -> Option<Value> {
        (has_float || self.has_histogram[cell]).then_some(Value::Float(1.0))
    }

    fn finish_floats(&mut self, _: usize, results: &mut [f64]) {
        results.fill(1.0);
    }
}

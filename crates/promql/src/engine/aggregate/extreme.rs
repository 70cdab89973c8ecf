use bellwether_model::Value;

use super::fold::{Fold, Remarks};
use crate::engine::block::{RowFloats, Sample};

/// `min` and `max`: any number wins against NaN.
#[derive(Debug, Default)]
pub(super) struct Extreme<const MAX: bool> {
    /// NaN where there is none yet.
    cells: Vec<f64>,
}

pub(super) type Min = Extreme<false>;
pub(super) type Max = Extreme<true>;

impl<const MAX: bool> Extreme<MAX> {
    fn better(v: f64, found: f64) -> f64 {
        let wins = if MAX { v > found } else { v < found };
        if wins || found.is_nan() { v } else { found }
    }
}

impl<const MAX: bool> Fold for Extreme<MAX> {
    fn resize(&mut self, n_cells: usize) {
        self.cells.resize(n_cells, f64::NAN);
    }

    fn bytes_per_cell() -> usize {
        size_of::<f64>()
    }

    fn add(&mut self, cell: usize, sample: Sample<'_>, remarks: &mut Remarks<'_>) {
        match sample {
            Sample::Histogram(_) => remarks.histogram_ignored(if MAX { "max" } else { "min" }),
            Sample::Float(v) => self.cells[cell] = Self::better(v, self.cells[cell]),
        }
    }

    fn add_floats(&mut self, first_cell: usize, floats: RowFloats<'_>) {
        for piece in floats.pieces() {
            let cells = &mut self.cells[first_cell..];
            if piece.is_full() {
                let cells = cells[piece.first_step..].iter_mut();
                cells.zip(piece.vals).for_each(|(found, v)| *found = Self::better(*v, *found));
            } else {
                piece.for_each(|step, v| cells[step] = Self::better(v, cells[step]));
            }
        }
    }

    fn finish(&mut self, cell: usize, has_float: bool, _: &mut Remarks<'_>) -> Option<Value> {
        has_float.then(|| Value::Float(self.cells[cell]))
    }

    fn finish_floats(&mut self, first_cell: usize, results: &mut [f64]) {
        results.copy_from_slice(&self.cells[first_cell..][..results.len()]);
    }
}

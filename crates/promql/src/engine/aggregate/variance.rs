use bellwether_model::Value;

use super::fold::{Fold, Remarks};
use crate::engine::block::{RowFloats, Sample};

/// `stdvar` and `stddev`: the population variance by Welford's method, and its square root.
#[derive(Debug)]
pub(super) struct Variance {
    name: &'static str,
    root: bool,
    counts: Vec<f64>,
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl Variance {
    pub(super) fn squared() -> Self {
        Self { name: "stdvar", root: false, counts: Vec::new(), means: Vec::new(), squares: Vec::new() }
    }

    pub(super) fn root() -> Self {
        Self { name: "stddev", root: true, ..Self::squared() }
    }

    fn add_float(&mut self, cell: usize, v: f64) {
        step(v, &mut self.counts[cell], &mut self.means[cell], &mut self.squares[cell]);
    }

    fn result(&self, cell: usize) -> f64 {
        let variance = self.squares[cell] / self.counts[cell];
        if self.root { variance.sqrt() } else { variance }
    }
}

fn step(v: f64, count: &mut f64, mean: &mut f64, squares: &mut f64) {
    *count += 1.0;
    let delta = v - *mean;
    *mean += delta / *count;
    *squares += delta * (v - *mean);
}

impl Fold for Variance {
    fn resize(&mut self, n_cells: usize) {
        for column in [&mut self.counts, &mut self.means, &mut self.squares] {
            column.resize(n_cells, 0.0);
        }
    }

    fn bytes_per_cell() -> usize {
        3 * size_of::<f64>()
    }

    fn add(&mut self, cell: usize, sample: Sample<'_>, remarks: &mut Remarks<'_>) {
        match sample {
            Sample::Float(v) => self.add_float(cell, v),
            Sample::Histogram(_) => remarks.histogram_ignored(self.name),
        }
    }

    fn add_floats(&mut self, first_cell: usize, floats: RowFloats<'_>) {
        for piece in floats.pieces() {
            let first = first_cell + piece.first_step;
            if piece.is_full() {
                let counts = self.counts[first..].iter_mut().zip(&mut self.means[first..]);
                let cells = counts.zip(&mut self.squares[first..]);
                cells
                    .zip(piece.vals)
                    .for_each(|(((count, mean), squares), v)| step(*v, count, mean, squares));
            } else {
                piece.for_each(|step, v| self.add_float(first_cell + step, v));
            }
        }
    }

    fn finish(&mut self, cell: usize, has_float: bool, _: &mut Remarks<'_>) -> Option<Value> {
        has_float.then(|| Value::Float(self.result(cell)))
    }

    fn finish_floats(&mut self, first_cell: usize, results: &mut [f64]) {
        for (idx, result) in results.iter_mut().enumerate() {
            *result = self.result(first_cell + idx);
        }
    }
}

use std::collections::HashMap;
use std::sync::Arc;

use bellwether_model::histogram::{HistogramSum, kahan_add};
use bellwether_model::{FloatHistogram, Value};

use super::fold::{Fold, Remarks};
use crate::engine::block::{RowFloats, Sample};

/// `sum`
#[derive(Debug, Default)]
pub(super) struct Sum {
    sums: Vec<f64>,
    /// What rounding took from each sum.
    compensations: Vec<f64>,
    /// The sums of cells that have a histogram.
    histograms: HashMap<usize, HistogramState>,
}

impl Sum {
    fn add_float(&mut self, cell: usize, v: f64) {
        let (sum, c) = (&mut self.sums[cell], &mut self.compensations[cell]);
        (*sum, *c) = kahan_add(v, *sum, *c);
    }
}

impl Fold for Sum {
    fn resize(&mut self, n_cells: usize) {
        // A sum of nothing that adds nothing, not even to the sign of a zero.
        self.sums.resize(n_cells, -0.0);
        self.compensations.resize(n_cells, 0.0);
    }

    fn bytes_per_cell() -> usize {
        2 * size_of::<f64>()
    }

    fn add(&mut self, cell: usize, sample: Sample<'_>, remarks: &mut Remarks<'_>) {
        match sample {
            Sample::Float(v) => self.add_float(cell, v),
            Sample::Histogram(h) => match self.histograms.get_mut(&cell) {
                Some(state) => state.add(h, remarks),
                None => {
                    self.histograms.insert(cell, HistogramState::new(h));
                }
            },
        }
    }

    fn add_floats(&mut self, first_cell: usize, floats: RowFloats<'_>) {
        for piece in floats.pieces() {
            let first = first_cell + piece.first_step;
            if piece.is_full() {
                let sums = self.sums[first..].iter_mut().zip(&mut self.compensations[first..]);
                for ((sum, c), v) in sums.zip(piece.vals) {
                    (*sum, *c) = kahan_add(*v, *sum, *c);
                }
            } else {
                piece.for_each(|step, v| self.add_float(first_cell + step, v));
            }
        }
    }

    fn finish(&mut self, cell: usize, has_float: bool, remarks: &mut Remarks<'_>) -> Option<Value> {
        match self.histograms.remove(&cell) {
            Some(state) => {
                if has_float {
                    remarks.mixed_floats_histograms();
                    return None;
                }
                let mut sum = state.finish(remarks)?.finish();
                sum.compact(0);
                Some(Value::Histogram(Arc::new(sum)))
            }
            None => has_float.then(|| Value::Float(self.sums[cell] + self.compensations[cell])),
        }
    }

    fn finish_floats(&mut self, first_cell: usize, results: &mut [f64]) {
        let sums = self.sums[first_cell..].iter().zip(&self.compensations[first_cell..]);
        results.iter_mut().zip(sums).for_each(|(result, (sum, c))| *result = sum + c);
    }
}

/// A sum of histograms and what was noticed on the way.
#[derive(Debug)]
pub(super) struct HistogramState {
    sum: HistogramSum,
    /// Histograms with other kinds of buckets were met, so there is no sum.
    incompatible: bool,
    pub(super) hints: Hints,
    reconciled: bool,
}

impl HistogramState {
    pub(super) fn new(first: &FloatHistogram) -> Self {
        let mut hints = Hints::default();
        hints.see(first);
        Self { sum: HistogramSum::new(first.clone()), incompatible: false, hints, reconciled: false }
    }

    pub(super) fn add(&mut self, h: &FloatHistogram, remarks: &mut Remarks<'_>) {
        if self.incompatible {
            return;
        }
        self.hints.see(h);
        match self.sum.add(h) {
            Ok(outcome) => self.reconciled |= outcome.bounds_reconciled,
            Err(error) => {
                remarks.cannot_combine(&error);
                self.incompatible = true;
            }
        }
    }

    fn finish(self, remarks: &mut Remarks<'_>) -> Option<HistogramSum> {
        self.hints.tell(remarks);
        if self.reconciled {
            remarks.bounds_reconciled();
        }
        (!self.incompatible).then_some(self.sum)
    }
}

/// The counter reset hints among histograms that are combined.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hints {
    reset: bool,
    not_reset: bool,
}

impl Hints {
    pub(super) fn see(&mut self, h: &FloatHistogram) {
        match h.counter_reset_hint {
            bellwether_model::CounterResetHint::Reset => self.reset = true,
            bellwether_model::CounterResetHint::NotReset => self.not_reset = true,
            bellwether_model::CounterResetHint::Unknown | bellwether_model::CounterResetHint::Gauge => {}
        }
    }

    pub(super) fn tell(self, remarks: &mut Remarks<'_>) {
        if self.reset && self.not_reset {
            remarks.counter_reset_collision();
        }
    }
}

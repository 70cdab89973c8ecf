use std::collections::HashMap;
use std::sync::Arc;

use bellwether_model::histogram::{HistogramSum, kahan_add};
use bellwether_model::{FloatHistogram, Value};

use super::fold::{Fold, Remarks};
use crate::engine::block::{RowFloats, Sample};

/// `sum`
#[derive(Debug, Default)]
pub(super) struct Sum {
    floats: Vec<FloatSum>,
    /// The sums of cells that have a histogram.
    histograms: HashMap<usize, HistogramState>,
}

#[derive(Debug, Clone, Copy, Default)]
struct FloatSum {
    sum: f64,
    c: f64,
    seen: bool,
}

impl FloatSum {
    fn add(&mut self, v: f64) {
        (self.sum, self.c) = if self.seen { kahan_add(v, self.sum, self.c) } else { (v, 0.0) };
        self.seen = true;
    }
}

impl Fold for Sum {
    fn resize(&mut self, n_cells: usize) {
        self.floats.resize(n_cells, FloatSum::default());
    }

    fn bytes_per_cell() -> usize {
        size_of::<FloatSum>()
    }

    fn add(&mut self, cell: usize, sample: Sample<'_>, remarks: &mut Remarks<'_>) {
        match sample {
            Sample::Float(v) => self.floats[cell].add(v),
            Sample::Histogram(h) => match self.histograms.get_mut(&cell) {
                Some(state) => state.add(h, remarks),
                None => {
                    self.histograms.insert(cell, HistogramState::new(h));
                }
            },
        }
    }

    fn add_floats(&mut self, first_cell: usize, floats: RowFloats<'_>) {
        let cells = &mut self.floats[first_cell..];
        floats.for_each(|step, v| cells[step].add(v));
    }

    fn finish(&mut self, cell: usize, remarks: &mut Remarks<'_>) -> Option<Value> {
        let float = self.floats[cell];
        match self.histograms.remove(&cell) {
            Some(state) => {
                if float.seen {
                    remarks.mixed_floats_histograms();
                    return None;
                }
                let mut sum = state.finish(remarks)?.finish();
                sum.compact(0);
                Some(Value::Histogram(Arc::new(sum)))
            }
            None => float.seen.then_some(Value::Float(float.sum + float.c)),
        }
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

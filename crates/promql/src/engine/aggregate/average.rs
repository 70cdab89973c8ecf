use std::collections::HashMap;
use std::sync::Arc;

use bellwether_model::histogram::{HistogramError, HistogramSum, kahan_add};
use bellwether_model::{FloatHistogram, Value};

use super::fold::{Fold, Remarks};
use super::sum::Hints;
use crate::engine::block::{RowFloats, Sample};

/// Sums of numbers below this stay far from the largest float.
const SMALL: f64 = f64::MAX / 4.0;

/// `avg`: the sum divided by the count, as long as the sum fits into a float; from there on the mean itself is corrected with each sample, which loses more
/// to rounding.
#[derive(Debug, Default)]
pub(super) struct Average {
    /// The sum, or the mean once the sum has become too large.
    values: Vec<f64>,
    /// What rounding took from each value.
    compensations: Vec<f64>,
    counts: Vec<f64>,
    incremental: Vec<bool>,
    /// Whether any cell is incremental.
    any_incremental: bool,
    /// The means of cells that have a histogram.
    histograms: HashMap<usize, HistogramMean>,
}

#[derive(Debug)]
struct HistogramMean {
    /// The sum, or the mean once the sum has become too large.
    value: HistogramSum,
    count: f64,
    incremental: bool,
    incompatible: bool,
    hints: Hints,
    reconciled: bool,
}

impl Average {
    fn add_float(&mut self, cell: usize, v: f64) {
        let (value, c) = (&mut self.values[cell], &mut self.compensations[cell]);
        let count = self.counts[cell] + 1.0;
        self.counts[cell] = count;
        if count == 1.0 {
            *value = v;
            return;
        }
        if !self.incremental[cell] {
            let (sum, compensation) = kahan_add(v, *value, *c);
            if !sum.is_infinite() {
                (*value, *c) = (sum, compensation);
                return;
            }
            (self.incremental[cell], self.any_incremental) = (true, true);
            *value /= count - 1.0;
            *c /= count - 1.0;
        }
        let share = (count - 1.0) / count;
        (*value, *c) = kahan_add(v / count, share * *value, share * *c);
    }

    fn mean(&self, cell: usize) -> f64 {
        let (value, c) = (self.values[cell], self.compensations[cell]);
        if self.incremental[cell] { value + c } else { value / self.counts[cell] + c / self.counts[cell] }
    }

    /// Adds a float to each cell from `first` on, if it is certain that no sum becomes too large. Returns whether it did.
    fn add_small(&mut self, first: usize, vals: &[f64]) -> bool {
        let values = &mut self.values[first..][..vals.len()];
        let small = |vals: &[f64]| vals.iter().fold(true, |small, v| small & (v.abs() < SMALL));
        if self.any_incremental || !small(vals) || !small(values) {
            return false;
        }
        let sums = values.iter_mut().zip(&mut self.compensations[first..]);
        for ((sum, c), v) in sums.zip(vals) {
            (*sum, *c) = kahan_add(*v, *sum, *c);
        }
        self.counts[first..].iter_mut().zip(vals).for_each(|(count, _)| *count += 1.0);
        true
    }
}

impl Fold for Average {
    fn resize(&mut self, n_cells: usize) {
        // A sum of nothing that adds nothing, not even to the sign of a zero.
        self.values.resize(n_cells, -0.0);
        self.compensations.resize(n_cells, 0.0);
        self.counts.resize(n_cells, 0.0);
        self.incremental.resize(n_cells, false);
    }

    fn bytes_per_cell() -> usize {
        3 * size_of::<f64>() + size_of::<bool>()
    }

    fn add(&mut self, cell: usize, sample: Sample<'_>, remarks: &mut Remarks<'_>) {
        match sample {
            Sample::Float(v) => self.add_float(cell, v),
            Sample::Histogram(h) => match self.histograms.get_mut(&cell) {
                Some(mean) if mean.incompatible => {}
                Some(mean) => {
                    if let Err(error) = mean.add(h) {
                        remarks.cannot_combine(&error);
                        mean.incompatible = true;
                    }
                }
                None => {
                    self.histograms.insert(cell, HistogramMean::new(h));
                }
            },
        }
    }

    fn add_floats(&mut self, first_cell: usize, floats: RowFloats<'_>) {
        for piece in floats.pieces() {
            if !piece.is_full() || !self.add_small(first_cell + piece.first_step, piece.vals) {
                piece.for_each(|step, v| self.add_float(first_cell + step, v));
            }
        }
    }

    fn finish(&mut self, cell: usize, has_float: bool, remarks: &mut Remarks<'_>) -> Option<Value> {
        match self.histograms.remove(&cell) {
            Some(mean) => {
                if has_float {
                    remarks.mixed_floats_histograms();
                    return None;
                }
                let mut h = mean.finish(remarks)?;
                h.compact(0);
                Some(Value::Histogram(Arc::new(h)))
            }
            None => has_float.then(|| Value::Float(self.mean(cell))),
        }
    }

    fn finish_floats(&mut self, first_cell: usize, results: &mut [f64]) {
        for (idx, result) in results.iter_mut().enumerate() {
            *result = self.mean(first_cell + idx);
        }
    }
}

impl HistogramMean {
    fn new(first: &FloatHistogram) -> Self {
        let mut hints = Hints::default();
        hints.see(first);
        Self {
            value: HistogramSum::new(first.clone()),
            count: 1.0,
            incremental: false,
            incompatible: false,
            hints,
            reconciled: false,
        }
    }

    fn add(&mut self, h: &FloatHistogram) -> Result<(), HistogramError> {
        self.hints.see(h);
        self.count += 1.0;
        if !self.incremental {
            let mut sum = self.value.clone();
            self.reconciled |= sum.add(h)?.bounds_reconciled;
            if !sum.has_overflow() {
                self.value = sum;
                return Ok(());
            }
            self.incremental = true;
            self.value.divide(self.count - 1.0);
        }
        self.value.scale((self.count - 1.0) / self.count);
        let mut share = h.clone();
        share.divide(self.count);
        self.reconciled |= self.value.add(&share)?.bounds_reconciled;
        Ok(())
    }

    fn finish(mut self, remarks: &mut Remarks<'_>) -> Option<FloatHistogram> {
        self.hints.tell(remarks);
        if self.reconciled {
            remarks.bounds_reconciled();
        }
        if self.incompatible {
            return None;
        }
        if !self.incremental {
            self.value.divide(self.count);
        }
        Some(self.value.finish())
    }
}

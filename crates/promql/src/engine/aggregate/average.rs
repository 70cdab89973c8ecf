use std::collections::HashMap;
use std::sync::Arc;

use bellwether_model::histogram::{HistogramError, HistogramSum, kahan_add};
use bellwether_model::{FloatHistogram, Value};

use super::fold::{Fold, Remarks};
use super::sum::Hints;
use crate::engine::block::{RowFloats, Sample};

/// `avg`: the sum divided by the count, as long as the sum fits into a float; from there on the mean itself is corrected with each sample, which loses more
/// to rounding.
#[derive(Debug, Default)]
pub(super) struct Average {
    floats: Vec<FloatMean>,
    /// The means of cells that have a histogram.
    histograms: HashMap<usize, HistogramMean>,
}

#[derive(Debug, Clone, Copy, Default)]
struct FloatMean {
    /// The sum, or the mean once the sum has become too large.
    value: f64,
    c: f64,
    count: f64,
    incremental: bool,
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

impl Fold for Average {
    fn resize(&mut self, n_cells: usize) {
        self.floats.resize(n_cells, FloatMean::default());
    }

    fn bytes_per_cell() -> usize {
        size_of::<FloatMean>()
    }

    fn add(&mut self, cell: usize, sample: Sample<'_>, remarks: &mut Remarks<'_>) {
        match sample {
            Sample::Float(v) => self.floats[cell].add(v),
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
        let cells = &mut self.floats[first_cell..];
        floats.for_each(|step, v| cells[step].add(v));
    }

    fn finish(&mut self, cell: usize, remarks: &mut Remarks<'_>) -> Option<Value> {
        let float = self.floats[cell];
        match self.histograms.remove(&cell) {
            Some(mean) => {
                if float.count > 0.0 {
                    remarks.mixed_floats_histograms();
                    return None;
                }
                let mut h = mean.finish(remarks)?;
                h.compact(0);
                Some(Value::Histogram(Arc::new(h)))
            }
            None => (float.count > 0.0).then(|| Value::Float(float.finish())),
        }
    }
}

impl FloatMean {
    fn add(&mut self, v: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.value = v;
            return;
        }
        if !self.incremental {
            let (sum, c) = kahan_add(v, self.value, self.c);
            if !sum.is_infinite() {
                (self.value, self.c) = (sum, c);
                return;
            }
            self.incremental = true;
            self.value /= self.count - 1.0;
            self.c /= self.count - 1.0;
        }
        let share = (self.count - 1.0) / self.count;
        (self.value, self.c) = kahan_add(v / self.count, share * self.value, share * self.c);
    }

    fn finish(self) -> f64 {
        if self.incremental { self.value + self.c } else { self.value / self.count + self.c / self.count }
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

use bellwether_model::Value;

use super::fold::{Fold, Remarks};
use crate::engine::block::{RowFloats, Sample};

/// `min` and `max`: any number wins against NaN.
#[derive(Debug)]
pub(super) struct Extreme {
    name: &'static str,
    wins: fn(f64, f64) -> bool,
    cells: Vec<Option<f64>>,
}

impl Extreme {
    pub(super) fn min() -> Self {
        Self { name: "min", wins: |v, found| v < found, cells: Vec::new() }
    }

    pub(super) fn max() -> Self {
        Self { name: "max", wins: |v, found| v > found, cells: Vec::new() }
    }
}

impl Extreme {
    fn add_float(&mut self, cell: usize, v: f64) {
        let found = &mut self.cells[cell];
        if found.is_none_or(|found| (self.wins)(v, found) || found.is_nan()) {
            *found = Some(v);
        }
    }
}

impl Fold for Extreme {
    fn resize(&mut self, n_cells: usize) {
        self.cells.resize(n_cells, None);
    }

    fn bytes_per_cell() -> usize {
        size_of::<Option<f64>>()
    }

    fn add(&mut self, cell: usize, sample: Sample<'_>, remarks: &mut Remarks<'_>) {
        match sample {
            Sample::Histogram(_) => remarks.histogram_ignored(self.name),
            Sample::Float(v) => self.add_float(cell, v),
        }
    }

    fn add_floats(&mut self, first_cell: usize, floats: RowFloats<'_>) {
        floats.for_each(|step, v| self.add_float(first_cell + step, v));
    }

    fn finish(&mut self, cell: usize, _: &mut Remarks<'_>) -> Option<Value> {
        self.cells[cell].map(Value::Float)
    }
}

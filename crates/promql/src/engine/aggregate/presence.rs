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
        floats.for_each(|step, _| self.counts[first_cell + step] += 1);
    }

    fn finish(&mut self, cell: usize, _: &mut Remarks<'_>) -> Option<Value> {
        let count = self.counts[cell];
        (count > 0).then(|| Value::Float(count.into()))
    }
}

/// `group`
#[derive(Debug, Default)]
pub(super) struct Group {
    present: Vec<bool>,
}

impl Fold for Group {
    fn resize(&mut self, n_cells: usize) {
        self.present.resize(n_cells, false);
    }

    fn bytes_per_cell() -> usize {
        size_of::<bool>()
    }

    fn add(&mut self, cell: usize, _: Sample<'_>, _: &mut Remarks<'_>) {
        self.present[cell] = true;
    }

    fn add_floats(&mut self, first_cell: usize, floats: RowFloats<'_>) {
        floats.for_each(|step, _| self.present[first_cell + step] = true);
    }

    fn finish(&mut self, cell: usize, _: &mut Remarks<'_>) -> Option<Value> {
        self.present[cell].then_some(Value::Float(1.0))
    }
}

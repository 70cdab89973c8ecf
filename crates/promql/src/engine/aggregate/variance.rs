use bellwether_model::Value;

use super::fold::{Fold, Remarks};
use crate::engine::block::{RowFloats, Sample};

/// `stdvar` and `stddev`: the population variance by Welford's method, and its square root.
#[derive(Debug)]
pub(super) struct Variance {
    name: &'static str,
    root: bool,
    cells: Vec<State>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Variance {
    pub(super) fn squared() -> Self {
        Self { name: "stdvar", root: false, cells: Vec::new() }
    }

    pub(super) fn root() -> Self {
        Self { name: "stddev", root: true, cells: Vec::new() }
    }
}

impl State {
    fn add(&mut self, v: f64) {
        self.count += 1.0;
        let delta = v - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (v - self.mean);
    }
}

impl Fold for Variance {
    fn resize(&mut self, n_cells: usize) {
        self.cells.resize(n_cells, State::default());
    }

    fn bytes_per_cell() -> usize {
        size_of::<State>()
    }

    fn add(&mut self, cell: usize, sample: Sample<'_>, remarks: &mut Remarks<'_>) {
        match sample {
            Sample::Float(v) => self.cells[cell].add(v),
            Sample::Histogram(_) => remarks.histogram_ignored(self.name),
        }
    }

    fn add_floats(&mut self, first_cell: usize, floats: RowFloats<'_>) {
        floats.for_each(|step, v| self.cells[first_cell + step].add(v));
    }

    fn finish(&mut self, cell: usize, _: &mut Remarks<'_>) -> Option<Value> {
        let State { count, squares, .. } = self.cells[cell];
        let variance = squares / count;
        (count > 0.0).then_some(Value::Float(if self.root { variance.sqrt() } else { variance }))
    }
}

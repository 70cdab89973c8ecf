use bellwether_model::Value;

use super::fold::{Fold, Remarks};
use crate::engine::block::Sample;

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

impl Fold for Variance {
    fn resize(&mut self, n_cells: usize) {
        self.cells.resize(n_cells, State::default());
    }

    fn bytes_per_cell() -> usize {
        size_of::<State>()
    }

    fn add(&mut self, cell: usize, sample: Sample<'_>, remarks: &mut Remarks<'_>) {
        let Sample::Float(v) = sample else {
            remarks.histogram_ignored(self.name);
            return;
        };
        let state = &mut self.cells[cell];
        state.count += 1.0;
        let delta = v - state.mean;
        state.mean += delta / state.count;
        state.squares += delta * (v - state.mean);
    }

    fn finish(&mut self, cell: usize, _: &mut Remarks<'_>) -> Option<Value> {
        let State { count, squares, .. } = self.cells[cell];
        let variance = squares / count;
        (count > 0.0).then_some(Value::Float(if self.root { variance.sqrt() } else { variance }))
    }
}

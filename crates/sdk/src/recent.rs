use std::marker::PhantomData;

use crate::clock::Clock;
use crate::core::Core;
use crate::error::RegisterError;
use crate::kind::Kind;
use crate::labels::Labels;
use crate::region::schema::Cell;
use crate::registry::{Instrument, Opts, Registry};
use crate::slices;

/// A family of counts of the last minutes, as [`Opts::window`] says. It is not exposed: who keeps one makes a picture of it. Of processes that share their registry those
/// that live and those that are gone add up, slice by slice.
pub(crate) struct Recent<L> {
    core: &'static Core,
    labels: PhantomData<fn(L)>,
}

/// A window has at most so many slices, of whole seconds: one second each up to five minutes.
const MAX_SLICES: u64 = 300;

/// What counts of a family have in common.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    n_slices: usize,
    /// How long a slice is.
    slice_s: u64,
    clock: Clock,
}

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        (self.n_slices, self.slice_s) == (other.n_slices, other.slice_s)
    }
}

impl Shape {
    /// Of windows that reach back as far as `opts` say.
    fn of(opts: &Opts, clock: Clock) -> Self {
        let window_s = opts.window_length().as_secs().max(1);
        let slice_s = window_s.div_ceil(MAX_SLICES);
        Self { n_slices: window_s.div_ceil(slice_s) as usize, slice_s, clock }
    }

    #[cfg(test)]
    pub(crate) const fn seconds(n_slices: usize, clock: Clock) -> Self {
        Self { n_slices, slice_s: 1, clock }
    }

    /// One cell for each slice.
    pub(crate) fn n_cells(&self) -> usize {
        self.n_slices
    }

    /// What its description in a region says beside the number of cells.
    pub(crate) fn parameters(&self) -> Vec<u64> {
        vec![self.slice_s]
    }

    /// Whether there are such counts.
    pub(crate) fn is_possible(parameters: &[u64], cells: &[Cell]) -> bool {
        matches!(parameters, [(1..)]) && !cells.is_empty() && cells.iter().all(|cell| *cell == Cell::Slice)
    }

    /// The number of the slice that is now, since the Unix epoch.
    fn slice_now(&self) -> u32 {
        u32::try_from((self.clock)().as_secs() / self.slice_s).unwrap_or(u32::MAX)
    }
}

/// How often something came in the window, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) n: u64,
    /// The beginning of the first slice in which it came, in seconds since the Unix epoch.
    pub(crate) since_s: u64,
}

impl<L: Labels> Recent<L> {
    /// The family, of which the counts are wanted.
    pub(crate) fn core(self) -> &'static Core {
        self.core
    }

    /// Counts one event.
    #[expect(clippy::needless_pass_by_value, reason = "labels are written where they are used")]
    pub(crate) fn count(self, labels: L::At<'_>) {
        let shape = self.shape();
        slices::count(self.core.record(&labels).cells(shape.n_slices), shape.slice_now());
    }

    /// How often it came in the window that ends now, of the cells of a series. `None` if it did not.
    pub(crate) fn counted(self, cells: &[u64]) -> Option<Counted> {
        let shape = self.shape();
        let of = |(number, n): (u32, u64)| Counted { n, since_s: u64::from(number) * shape.slice_s };
        let both = |a: Counted, b: Counted| Counted { n: a.n + b.n, since_s: a.since_s.min(b.since_s) };
        slices::counted(cells, shape.slice_now()).map(of).reduce(both)
    }

    fn shape(self) -> &'static Shape {
        let Kind::Recent(shape) = &self.core.description.kind else {
            unreachable!("BUG: the family was registered as another type");
        };
        shape
    }
}

impl<L: Labels> Instrument for Recent<L> {
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError> {
        let kind = Kind::Recent(Shape::of(&opts, registry.clock()));
        Ok(Self { core: registry.family::<L>(opts, kind)?, labels: PhantomData })
    }
}

impl<L> Clone for Recent<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Recent<L> {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_window_has_slices_of_seconds_and_not_too_many() {
        let slices = |window_s| {
            let opts = Opts::new("n", "N.").window(Duration::from_secs(window_s));
            let shape = Shape::of(&opts, &|| Duration::ZERO);
            (shape.n_slices, shape.slice_s)
        };
        assert_eq!(
            [0, 1, 60, 300, 301, 3_600].map(slices),
            [(1, 1), (1, 1), (60, 1), (300, 1), (151, 2), (300, 12)]
        );
    }
}

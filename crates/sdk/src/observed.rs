use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::core::Core;
use crate::counter::add_f64;
use crate::labels::Labels;

/// A family of counters whose total is kept elsewhere, for instance by the operating system or a driver, and read from there. `L` are its labels.
pub struct ObservedCounter<L = ()> {
    core: &'static Core,
    labels: PhantomData<fn(L)>,
}

/// One counter that is observed.
#[derive(Debug, Clone, Copy)]
pub struct ObservedCounterHandle {
    /// Those of a counter, and the bits of the total that was seen last.
    cells: &'static [AtomicU64; Self::N_CELLS],
}

impl ObservedCounterHandle {
    pub(crate) const N_CELLS: usize = 3;

    /// Says what the total is. If it is less than the last time it began again from zero meanwhile, and counts in full. What is negative or not a number is ignored.
    ///
    /// One observer at a time: totals that two bring in the wrong order look like a new beginning.
    pub fn observe(self, total: f64) {
        if !(total >= 0.0 && total.is_finite()) {
            return;
        }
        let last = f64::from_bits(self.cells[2].swap(total.to_bits(), Ordering::Relaxed));
        add_f64(&self.cells[1], if total >= last { total - last } else { total });
    }
}

impl<L: Labels> ObservedCounter<L> {
    pub(crate) fn new(core: &'static Core) -> Self {
        Self { core, labels: PhantomData }
    }

    /// The counter with these labels. It is made if it is not there.
    #[expect(clippy::needless_pass_by_value, reason = "labels are written where they are used")]
    pub fn with(&self, labels: L::At<'_>) -> ObservedCounterHandle {
        ObservedCounterHandle { cells: self.core.record(&labels).array() }
    }

    /// Takes the counter with these labels out of the exposition. Returns whether it was there.
    #[expect(clippy::needless_pass_by_value, reason = "labels are written where they are used")]
    pub fn remove(&self, labels: L::At<'_>) -> bool {
        self.core.remove(&labels)
    }
}

/// Without labels the family is its one counter.
impl ObservedCounter {
    /// As [`ObservedCounterHandle::observe`].
    pub fn observe(&self, total: f64) {
        self.with(()).observe(total);
    }
}

impl<L> Clone for ObservedCounter<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for ObservedCounter<L> {}

impl<L> fmt::Debug for ObservedCounter<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObservedCounter({})", self.core.description.name)
    }
}

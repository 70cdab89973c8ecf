use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::core::Core;
use crate::labels::{LabelValue, Labels};
use crate::region::process;

/// A family of state sets: which of the states `S` holds, as one series for each state. `L` are its labels.
pub struct StateSet<S, L = ()> {
    core: &'static Core,
    types: PhantomData<fn(S, L)>,
}

/// One state set. A copy of the handle costs nothing, and it stays valid for ever.
pub struct StateSetHandle<S> {
    /// The number of the state that holds, counted from 1; 0 at first: none does. And when it was set, which decides between processes.
    cells: &'static [AtomicU64; N_CELLS],
    states: PhantomData<fn(S)>,
}

/// How many cells a state set has.
pub(crate) const N_CELLS: usize = 2;

impl<S: LabelValue> StateSetHandle<S> {
    /// Says which state holds.
    #[inline]
    pub fn set(self, state: S) {
        self.cells[0].store(state.index() as u64 + 1, Ordering::Relaxed);
        self.cells[1].store(process::uptime_ns(), Ordering::Relaxed);
    }
}

/// The index of the state that holds, if one does.
pub(crate) fn state(cells: &[AtomicU64; N_CELLS]) -> Option<usize> {
    (cells[0].load(Ordering::Relaxed) as usize).checked_sub(1)
}

impl<S: LabelValue, L: Labels> StateSet<S, L> {
    pub(crate) fn new(core: &'static Core) -> Self {
        Self { core, types: PhantomData }
    }

    /// The state set with these labels. It is made if it is not there.
    #[inline]
    #[expect(clippy::needless_pass_by_value, reason = "labels are written where they are used")]
    pub fn with(&self, labels: L::At<'_>) -> StateSetHandle<S> {
        StateSetHandle { cells: self.core.record(&labels).array(), states: PhantomData }
    }

    /// Takes the state set with these labels out of the exposition. Returns whether it was there.
    #[expect(clippy::needless_pass_by_value, reason = "labels are written where they are used")]
    pub fn remove(&self, labels: L::At<'_>) -> bool {
        self.core.remove(&labels)
    }
}

/// Without labels the family is its one state set.
impl<S: LabelValue> StateSet<S> {
    /// Says which state holds.
    #[inline]
    pub fn set(&self, state: S) {
        self.with(()).set(state);
    }
}

impl<S, L> Clone for StateSet<S, L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, L> Copy for StateSet<S, L> {}

impl<S, L> fmt::Debug for StateSet<S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateSet({})", self.core.description.name)
    }
}

impl<S> Clone for StateSetHandle<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for StateSetHandle<S> {}

impl<S> fmt::Debug for StateSetHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateSetHandle({:?})", state(self.cells))
    }
}

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::core::Core;
use crate::exemplar::{Exemplar, Slot, TraceContext};
use crate::kind::Kind;
use crate::labels::Labels;
use crate::record::Record;

/// A family of counters: values that only go up. `L` are its labels.
pub struct Counter<L = ()> {
    core: &'static Core,
    labels: PhantomData<fn(L)>,
}

/// One counter. A copy of the handle costs nothing, and it stays valid for ever. What is counted while its series is removed is not
/// exposed; if the series is made again it begins from zero, and this is its handle.
#[derive(Debug, Clone, Copy)]
pub struct CounterHandle {
    /// Whole events, and the bits of the sum of all fractions.
    cells: &'static [AtomicU64; Self::N_CELLS],
    exemplar: Option<Slot<'static>>,
}

impl CounterHandle {
    pub(crate) const N_CELLS: usize = 2;

    /// Counts one event.
    #[inline]
    pub fn inc(self) {
        self.cells[0].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts `n` events.
    #[inline]
    pub fn inc_by(self, n: u64) {
        self.cells[0].fetch_add(n, Ordering::Relaxed);
    }

    /// Adds an amount that may have a fraction, for instance seconds. What is negative or not a number is ignored: a counter never goes down.
    #[inline]
    pub fn add(self, amount: f64) {
        if amount > 0.0 {
            add_f64(&self.cells[1], amount);
        }
    }

    /// Counts one event, and keeps where it is in the traces if the family has [`Opts::exemplars`](crate::Opts::exemplars).
    pub fn inc_traced(self, trace: TraceContext) {
        self.inc();
        if let Some(slot) = self.exemplar {
            slot.set(trace, 1.0);
        }
    }

    /// What was counted so far.
    pub fn get(self) -> f64 {
        let (whole, rest) = self.parts();
        whole as f64 + rest
    }

    /// The events, and the sum of what may have fractions.
    pub(crate) fn parts(self) -> (u64, f64) {
        let [whole, rest] = self.cells;
        (whole.load(Ordering::Relaxed), f64::from_bits(rest.load(Ordering::Relaxed)))
    }

    pub(crate) fn exemplar(self) -> Option<Exemplar> {
        self.exemplar.and_then(Slot::get)
    }

    #[inline]
    pub(crate) fn of(has_exemplar: bool, record: Record) -> Self {
        let exemplar = if has_exemplar { record.array_behind(Self::N_CELLS).map(Slot::of) } else { None };
        Self { cells: record.array(), exemplar }
    }
}

/// Adds to a number whose bits are in a cell.
#[inline]
pub(crate) fn add_f64(cell: &AtomicU64, amount: f64) {
    let mut old = cell.load(Ordering::Relaxed);
    loop {
        let new = (f64::from_bits(old) + amount).to_bits();
        match cell.compare_exchange_weak(old, new, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => old = now,
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "labels are written where they are used")]
impl<L: Labels> Counter<L> {
    pub(crate) fn new(core: &'static Core) -> Self {
        Self { core, labels: PhantomData }
    }

    /// The family, of which the counts are wanted.
    pub(crate) fn core(self) -> &'static Core {
        self.core
    }

    /// The counter with these labels. It is made if it is not there; beyond a limit of the family it is the one of the overflow series.
    #[inline]
    pub fn with(&self, labels: L::At<'_>) -> CounterHandle {
        let has_exemplar = matches!(self.core.description.kind, Kind::Counter { has_exemplars: true });
        CounterHandle::of(has_exemplar, self.core.record(&labels))
    }

    /// Takes the counter with these labels out of the exposition. Returns whether it was there.
    pub fn remove(&self, labels: L::At<'_>) -> bool {
        self.core.remove(&labels)
    }
}

/// Without labels the family is its one counter.
impl Counter {
    /// Counts one event.
    #[inline]
    pub fn inc(&self) {
        self.with(()).inc();
    }

    /// Counts `n` events.
    #[inline]
    pub fn inc_by(&self, n: u64) {
        self.with(()).inc_by(n);
    }

    /// As [`CounterHandle::add`].
    #[inline]
    pub fn add(&self, amount: f64) {
        self.with(()).add(amount);
    }
}

impl<L> Clone for Counter<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Counter<L> {}

impl<L> fmt::Debug for Counter<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Counter({})", self.core.description.name)
    }
}

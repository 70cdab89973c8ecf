use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock::now;
use crate::core::Core;
use crate::counter::add_f64;
use crate::exemplar::{self, Exemplar, Slot, TraceContext};
use crate::kind::Kind;
use crate::labels::Labels;
use crate::record::Record;

/// A family of histograms with fixed buckets. `L` are its labels.
pub struct Histogram<L = ()> {
    core: &'static Core,
    labels: PhantomData<fn(L)>,
}

/// One histogram. A copy of the handle costs nothing, and it stays valid for ever. What is observed while its series is removed is not
/// exposed; if the series is made again it begins from zero, and this is its handle.
#[derive(Debug, Clone, Copy)]
pub struct HistogramHandle {
    bounds: &'static [f64],
    /// The bits of the sum, then a count for each bound and one for what is greater than all; then an exemplar for each of these if there are some.
    cells: &'static [AtomicU64],
}

impl HistogramHandle {
    /// How many cells a histogram with these bounds has.
    pub(crate) fn n_cells(bounds: &[f64]) -> usize {
        bounds.len() + 2
    }

    /// Counts a value. A bucket has what is less than or equal to its bound; what is not a number is above all bounds.
    #[inline]
    pub fn observe(self, value: f64) {
        self.observe_many(value, 1);
    }

    /// Counts a value `n` times.
    #[inline]
    pub fn observe_many(self, value: f64, n: u64) {
        self.cells[1 + bucket_of(self.bounds, value)].fetch_add(n, Ordering::Relaxed);
        add_f64(&self.cells[0], value * n as f64);
    }

    /// As [`observe`](Self::observe), and keeps where the event is in the traces, one for each bucket, if the family has [`Opts::exemplars`](crate::Opts::exemplars).
    pub fn observe_traced(self, value: f64, trace: TraceContext) {
        self.observe_traced_at(value, trace, now());
    }

    /// As [`observe_traced`](Self::observe_traced), of an event that was at another time than now: `time` after the Unix epoch. For what is told later, replayed or simulated.
    pub fn observe_traced_at(self, value: f64, trace: TraceContext, time: Duration) {
        self.observe(value);
        if let Some(slot) = self.exemplar_slots().nth(bucket_of(self.bounds, value)) {
            slot.set_at(trace, value, time);
        }
    }

    /// Starts a clock that is observed, in seconds, when the guard is dropped.
    #[must_use = "what is observed is the time until this is dropped"]
    pub fn timer(self) -> Timer {
        Timer { histogram: Some(self), started: Instant::now() }
    }

    /// The sum of all values, and how many there are in each bucket alone, the one above all bounds last.
    pub(crate) fn read(self) -> (f64, impl Iterator<Item = u64>) {
        let counts = self.cells[1..Self::n_cells(self.bounds)].iter().map(|c| c.load(Ordering::Relaxed));
        (f64::from_bits(self.cells[0].load(Ordering::Relaxed)), counts)
    }

    /// Of each bucket the exemplar, if there is one. Nothing if the family has none.
    pub(crate) fn exemplars(self) -> impl Iterator<Item = Option<Exemplar>> {
        self.exemplar_slots().map(Slot::get)
    }

    fn exemplar_slots(self) -> impl Iterator<Item = Slot<'static>> {
        self.cells[Self::n_cells(self.bounds)..].as_chunks().0.iter().map(Slot::of)
    }

    #[inline]
    pub(crate) fn of(bounds: &'static [f64], has_exemplars: bool, record: Record) -> Self {
        let n_exemplars = if has_exemplars { bounds.len() + 1 } else { 0 };
        Self { bounds, cells: record.cells(Self::n_cells(bounds) + n_exemplars * exemplar::N_CELLS) }
    }
}

/// The number of the bucket of a value; the one above all bounds has that of a bound more.
#[inline]
pub(crate) fn bucket_of(bounds: &[f64], value: f64) -> usize {
    // Counting all bounds is quicker than a search with its branches for as few as there are.
    bounds.len() - bounds.iter().filter(|bound| value <= **bound).count()
}

/// See [`HistogramHandle::timer`].
#[derive(Debug)]
pub struct Timer {
    histogram: Option<HistogramHandle>,
    started: Instant,
}

impl Timer {
    /// Observes nothing.
    pub fn discard(mut self) {
        self.histogram = None;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(histogram) = self.histogram {
            histogram.observe(self.started.elapsed().as_secs_f64());
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "labels are written where they are used")]
impl<L: Labels> Histogram<L> {
    pub(crate) fn new(core: &'static Core) -> Self {
        Self { core, labels: PhantomData }
    }

    /// The histogram with these labels. It is made if it is not there; beyond a limit of the family it is the one of the overflow series.
    #[inline]
    pub fn with(&self, labels: L::At<'_>) -> HistogramHandle {
        Self::handle(self.core, &labels)
    }

    #[inline]
    pub(crate) fn handle(core: &'static Core, labels: &impl Labels) -> HistogramHandle {
        let Kind::Histogram { bounds, has_exemplars } = core.description.kind else {
            unreachable!("BUG: the family was registered as another type");
        };
        HistogramHandle::of(bounds, has_exemplars, core.record(labels))
    }

    pub(crate) fn core(self) -> &'static Core {
        self.core
    }

    /// Takes the histogram with these labels out of the exposition. Returns whether it was there.
    pub fn remove(&self, labels: L::At<'_>) -> bool {
        self.core.remove(&labels)
    }
}

/// Without labels the family is its one histogram.
impl Histogram {
    /// As [`HistogramHandle::observe`].
    #[inline]
    pub fn observe(&self, value: f64) {
        self.with(()).observe(value);
    }

    /// As [`HistogramHandle::timer`].
    #[must_use = "what is observed is the time until this is dropped"]
    pub fn timer(&self) -> Timer {
        self.with(()).timer()
    }
}

impl<L> Clone for Histogram<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Histogram<L> {}

impl<L> fmt::Debug for Histogram<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Histogram({})", self.core.description.name)
    }
}

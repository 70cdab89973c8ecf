use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::core::Core;
use crate::counter::add_f64;
use crate::exemplar::{self, Slot, TraceContext};
use crate::gate::Gate;
use crate::histogram::bucket_of;
use crate::journal::Journal;
use crate::kind::Kind;
use crate::labels::Labels;
use crate::record::Record;
use crate::region::schema::Cell;
use crate::sketch::{self, Place, Sketch};

/// A family of histograms with exponential buckets, which need no bounds to be chosen: quantiles are right within a few per cent wherever the values lie. `L` are its labels.
///
/// Values are told apart as finely as [`Opts::schema`](crate::Opts::schema) says, and less so when they need more than [`Opts::max_buckets`](crate::Opts::max_buckets)
/// buckets: then each gets twice as wide. All buckets are exposed in the protobuf format, which Prometheus and Bellwether ask for if `scrape_native_histograms` is on. The text
/// formats have no way to say them; they get the buckets of [`Opts::buckets`](crate::Opts::buckets), which are counted beside if they are given, else only count and sum.
///
/// ```
/// use bellwether_sdk::{Opts, Registry};
///
/// let registry = Registry::new();
/// let opts = Opts::new("request_seconds", "Time of requests.").unit("seconds").buckets(&[0.1, 1.0]);
/// let time = registry.native_histogram::<()>(opts)?;
/// time.observe(0.034);
/// time.observe(2.5);
/// assert!(registry.text().contains("request_seconds_bucket{le=\"0.1\"} 1\n"));
/// # Ok::<(), bellwether_sdk::RegisterError>(())
/// ```
pub struct NativeHistogram<L = ()> {
    core: &'static Core,
    labels: PhantomData<fn(L)>,
}

/// One histogram. A copy of the handle costs nothing, and it stays valid for ever. What is observed while its series is removed is not
/// exposed; if the series is made again it begins from zero, and this is its handle.
#[derive(Debug, Clone, Copy)]
pub struct NativeHistogramHandle {
    shape: &'static Shape<'static>,
    cells: &'static [AtomicU64],
}

/// What histograms of a family have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape<'b> {
    pub(crate) schema: i32,
    pub(crate) max_buckets: usize,
    pub(crate) zero_threshold: f64,
    /// Bounds of the classic buckets, none if there are no such buckets.
    pub(crate) bounds: &'b [f64],
    pub(crate) has_exemplars: bool,
}

/// The classic form of a histogram.
pub(crate) struct Classic {
    /// How many values there are up to each bound.
    pub(crate) cumulative: Vec<u64>,
    /// How many there are.
    pub(crate) count: u64,
    /// For each bucket one of its values, if one was kept; the one above all bounds is the last.
    pub(crate) exemplars: Vec<Option<exemplar::Exemplar>>,
}

/// So many exemplars are kept, each for values of other magnitudes.
const N_EXEMPLARS: usize = 8;
/// In front of the sketch: the bits of the sum, and how often came what is not a number.
const HEAD: usize = 2;

impl Shape<'_> {
    /// Head, sketch, classic buckets, exemplars, a journal of all but the exemplars, and the gate at the end.
    pub(crate) fn n_cells(&self) -> usize {
        self.journal().at + Journal::n_cells(self.exemplars_at()) + 1
    }

    /// What a cell is.
    pub(crate) fn cell(&self, idx: usize) -> Cell {
        if idx == 0 {
            Cell::Amount
        } else if idx < HEAD || (self.classic_at()..self.exemplars_at()).contains(&idx) {
            Cell::Count
        } else if (self.exemplars_at()..self.journal().at).contains(&idx) {
            Cell::Exemplar
        } else if idx + 1 == self.n_cells() {
            Cell::Gate
        } else {
            Cell::Sketch
        }
    }

    pub(crate) fn journal(&self) -> Journal {
        let len = self.exemplars_at();
        let n_exemplars = if self.has_exemplars { N_EXEMPLARS } else { 0 };
        Journal { at: len + n_exemplars * exemplar::N_CELLS, first: 0, len, n_parts: 1 }
    }

    /// Whether the cells of a series are such as a process writes.
    pub(crate) fn is_possible(&self, cells: &[u64]) -> bool {
        sketch::is_possible(&cells[HEAD..self.classic_at()])
    }

    fn classic_at(&self) -> usize {
        HEAD + Sketch::n_cells(self.max_buckets)
    }

    fn n_classic(&self) -> usize {
        if self.bounds.is_empty() { 0 } else { self.bounds.len() + 1 }
    }

    fn exemplars_at(&self) -> usize {
        self.classic_at() + self.n_classic()
    }

    fn sketch<'c>(&self, cells: &'c [AtomicU64]) -> Sketch<'c> {
        Sketch::of(&cells[HEAD..self.classic_at()], self.schema, self.zero_threshold)
    }

    /// Adds what the cells of one series hold to those of another one. Nobody else may be at either.
    pub(crate) fn add_cells(&self, into: &[AtomicU64], from: &[AtomicU64]) {
        add_f64(&into[0], f64::from_bits(from[0].load(Ordering::Relaxed)));
        into[1].fetch_add(from[1].load(Ordering::Relaxed), Ordering::Relaxed);
        self.sketch(into).absorb(self.sketch(from));
        let classic = self.classic_at()..self.exemplars_at();
        for (own, more) in into[classic.clone()].iter().zip(&from[classic]) {
            own.fetch_add(more.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        let exemplars = self.exemplars_at()..self.journal().at;
        let (own, more) = (&into[exemplars.clone()], &from[exemplars]);
        for (own, more) in own.as_chunks().0.iter().zip(more.as_chunks().0) {
            Slot::of(own).take_later(Slot::of(more));
        }
    }
}

#[cfg(test)]
impl Shape<'_> {
    /// How many values are in the sketch, and in the classic buckets.
    pub(crate) fn counts(&self, cells: &[AtomicU64]) -> (u64, u64) {
        let sketch = self.sketch(cells);
        let in_sketch = sketch.zero_count() + sketch.counts().map(|count| count.n).sum::<u64>();
        let classic = cells[self.classic_at()..self.exemplars_at()].iter();
        (in_sketch, classic.map(|cell| cell.load(Ordering::Relaxed)).sum())
    }

    /// What the cells of a series say, wherever in them it is.
    pub(crate) fn held(&self, cells: &[AtomicU64]) -> Vec<u64> {
        let values =
            |cells: &[AtomicU64]| cells.iter().map(|c| c.load(Ordering::Relaxed)).collect::<Vec<_>>();
        let sketch = self.sketch(cells).held();
        let behind = &cells[self.classic_at()..];
        [values(&cells[..HEAD]), sketch, values(behind)].concat()
    }
}

impl NativeHistogramHandle {
    /// Counts a value. What is not a number is in no bucket, but in the count.
    #[inline]
    pub fn observe(self, value: f64) {
        self.observe_many(value, 1);
    }

    /// Counts a value `n` times.
    pub fn observe_many(self, value: f64, n: u64) {
        let (sketch, gate) = (self.sketch(), self.gate());
        let place = sketch.place(value);
        let count = || {
            if !sketch.add(place, n) {
                return false;
            }
            if place == Place::None {
                self.cells[1].fetch_add(n, Ordering::Relaxed);
            }
            if !self.shape.bounds.is_empty() {
                let classic = &self.cells[self.shape.classic_at()..];
                classic[bucket_of(self.shape.bounds, value)].fetch_add(n, Ordering::Relaxed);
            }
            add_f64(&self.cells[0], value * n as f64);
            true
        };
        while !gate.shared(count) {
            self.alone(|| sketch.make_room(place));
        }
    }

    /// As [`observe`](Self::observe), and keeps where the event is in the traces if the family has [`Opts::exemplars`](crate::Opts::exemplars).
    pub fn observe_traced(self, value: f64, trace: TraceContext) {
        self.observe(value);
        // Values of the same power of two replace each other.
        let magnitude = (value.to_bits() >> 52) as usize;
        if let Some(slot) = self.exemplar_slots().nth(magnitude % N_EXEMPLARS) {
            slot.set(trace, value);
        }
    }

    /// Adds what another histogram of the same family counted, which stays as it is: for those who count apart and are done. Returns false, and does nothing, if it is of another family.
    ///
    /// ```
    /// use bellwether_sdk::{Labels, Opts, Registry};
    ///
    /// #[derive(Labels)]
    /// struct Worker<'a> {
    ///     worker: &'a str,
    /// }
    ///
    /// let registry = Registry::new();
    /// let sizes = registry.native_histogram::<Worker<'static>>(Opts::new("sizes", "Sizes."))?;
    /// let (seven, all) = (sizes.with(Worker { worker: "7" }), sizes.with(Worker { worker: "all" }));
    /// seven.observe(12.0);
    /// assert!(all.absorb(seven) && sizes.remove(Worker { worker: "7" }));
    /// assert!(registry.text().contains("sizes_count{worker=\"all\"} 1\n"));
    /// # Ok::<(), bellwether_sdk::RegisterError>(())
    /// ```
    pub fn absorb(self, other: Self) -> bool {
        if !std::ptr::eq(self.shape, other.shape) {
            return false;
        }
        // Not both at once: two that absorb each other would wait for ever.
        let copy = other.gate().shared(|| copied(other.cells));
        self.alone(|| self.shape.add_cells(self.cells, &copy));
        true
    }

    /// Starts a clock that is observed, in seconds, when the guard is dropped.
    #[must_use = "what is observed is the time until this is dropped"]
    pub fn timer(self) -> NativeTimer {
        NativeTimer { histogram: Some(self), started: Instant::now() }
    }

    pub(crate) fn sum(self) -> f64 {
        f64::from_bits(self.cells[0].load(Ordering::Relaxed))
    }

    /// Calls `read` with the buckets, which keep their bounds meanwhile, and with how often came what is not a number.
    pub(crate) fn read<T>(self, read: impl FnOnce(Sketch<'static>, u64) -> T) -> T {
        self.gate().shared(|| read(self.sketch(), self.cells[1].load(Ordering::Relaxed)))
    }

    /// The classic form.
    pub(crate) fn classic(self) -> Classic {
        let at = self.shape.classic_at();
        let cells = &self.cells[at..at + self.shape.n_classic()];
        let mut count = 0;
        let cumulative = cells.iter().map(|cell| {
            count += cell.load(Ordering::Relaxed);
            count
        });
        let mut cumulative: Vec<u64> = cumulative.collect();
        let in_sketch = |sketch: Sketch<'_>, n_nan| {
            let in_buckets: u64 = sketch.counts().map(|count| count.n).sum();
            let infinite: u64 = sketch.infinite_counts().iter().sum();
            in_buckets + infinite + sketch.zero_count() + n_nan
        };
        let count = cumulative.pop().unwrap_or_else(|| self.read(in_sketch));
        let mut exemplars = vec![None; self.shape.bounds.len() + 1];
        for exemplar in self.exemplars() {
            exemplars[bucket_of(self.shape.bounds, exemplar.value)] = Some(exemplar);
        }
        Classic { cumulative, count, exemplars }
    }

    pub(crate) fn exemplars(self) -> impl Iterator<Item = exemplar::Exemplar> {
        self.exemplar_slots().filter_map(Slot::get)
    }

    fn exemplar_slots(self) -> impl Iterator<Item = Slot<'static>> {
        let n = if self.shape.has_exemplars { N_EXEMPLARS } else { 0 };
        self.cells[self.shape.exemplars_at()..].as_chunks().0.iter().take(n).map(Slot::of)
    }

    /// Calls `change` while nobody counts.
    fn alone(self, change: impl FnOnce()) {
        self.gate().alone(|| self.shape.journal().change(self.cells, 1, change));
    }

    /// Lets a series that was removed begin again from nothing.
    pub(crate) fn revive(self, record: Record) {
        let journal = self.shape.journal();
        self.gate().alone(|| {
            journal.change_unseen(self.cells, || record.clear(journal.at));
            record.expose();
        });
    }

    fn sketch(self) -> Sketch<'static> {
        self.shape.sketch(self.cells)
    }

    fn gate(self) -> Gate {
        Gate::of(&self.cells[self.cells.len() - 1])
    }

    #[cfg(test)]
    pub(crate) fn with_cells(shape: &'static Shape<'static>, cells: &'static [AtomicU64]) -> Self {
        Self { shape, cells }
    }

    #[inline]
    pub(crate) fn of(shape: &'static Shape<'static>, record: Record) -> Self {
        Self { shape, cells: record.cells(shape.n_cells()) }
    }
}

/// What cells hold at the moment.
pub(crate) fn copied(cells: &[AtomicU64]) -> Vec<AtomicU64> {
    cells.iter().map(|cell| AtomicU64::new(cell.load(Ordering::Relaxed))).collect()
}

/// See [`NativeHistogramHandle::timer`].
#[derive(Debug)]
pub struct NativeTimer {
    histogram: Option<NativeHistogramHandle>,
    started: Instant,
}

impl NativeTimer {
    /// Observes nothing.
    pub fn discard(mut self) {
        self.histogram = None;
    }
}

impl Drop for NativeTimer {
    fn drop(&mut self) {
        if let Some(histogram) = self.histogram {
            histogram.observe(self.started.elapsed().as_secs_f64());
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "labels are written where they are used")]
impl<L: Labels> NativeHistogram<L> {
    pub(crate) fn new(core: &'static Core) -> Self {
        Self { core, labels: PhantomData }
    }

    /// The histogram with these labels. It is made if it is not there; beyond a limit of the family it is the one of the overflow series.
    #[inline]
    pub fn with(&self, labels: L::At<'_>) -> NativeHistogramHandle {
        let Kind::NativeHistogram(shape) = &self.core.description.kind else {
            unreachable!("BUG: the family was registered as another type");
        };
        NativeHistogramHandle::of(shape, self.core.record(&labels))
    }

    /// Takes the histogram with these labels out of the exposition. Returns whether it was there.
    pub fn remove(&self, labels: L::At<'_>) -> bool {
        self.core.remove(&labels)
    }
}

/// Without labels the family is its one histogram.
impl NativeHistogram {
    /// As [`NativeHistogramHandle::observe`].
    #[inline]
    pub fn observe(&self, value: f64) {
        self.with(()).observe(value);
    }

    /// As [`NativeHistogramHandle::timer`].
    #[must_use = "what is observed is the time until this is dropped"]
    pub fn timer(&self) -> NativeTimer {
        self.with(()).timer()
    }
}

impl<L> Clone for NativeHistogram<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for NativeHistogram<L> {}

impl<L> fmt::Debug for NativeHistogram<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NativeHistogram({})", self.core.description.name)
    }
}

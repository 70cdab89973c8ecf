use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::core::Core;
use crate::counter::add_f64;
use crate::exemplar::{self, Slot, TraceContext};
use crate::gate::Gate;
use crate::histogram::bucket_of;
use crate::kind::Kind;
use crate::labels::Labels;
use crate::record::Record;
use crate::sketch::{Place, Sketch};

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
    shape: &'static Shape,
    cells: &'static [AtomicU64],
}

/// What histograms of a family have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape {
    pub(crate) schema: i32,
    pub(crate) max_buckets: usize,
    pub(crate) zero_threshold: f64,
    /// Bounds of the classic buckets, none if there are no such buckets.
    pub(crate) bounds: &'static [f64],
    pub(crate) has_exemplars: bool,
}

/// The classic form of a histogram.
pub(crate) struct Classic {
    /// How many values there are up to each bound.
    pub(crate) cumulative: Vec<u64>,
    /// How many there are.
    pub(crate) count: u64,
}

/// So many exemplars are kept, each for values of other magnitudes.
const N_EXEMPLARS: usize = 8;
/// In front of the sketch: the bits of the sum, and how often came what is not a number.
const HEAD: usize = 2;

impl Shape {
    /// Head, sketch, classic buckets, exemplars, and the gate at the end.
    pub(crate) fn n_cells(&self) -> usize {
        self.exemplars_at() + if self.has_exemplars { N_EXEMPLARS * exemplar::N_CELLS } else { 0 } + 1
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
            gate.alone(|| sketch.make_room(place));
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

    /// Starts a clock that is observed, in seconds, when the guard is dropped.
    #[must_use = "what is observed is the time until this is dropped"]
    pub fn timer(self) -> NativeTimer {
        NativeTimer { histogram: Some(self), started: Instant::now() }
    }

    pub(crate) fn sum(self) -> f64 {
        f64::from_bits(self.cells[0].load(Ordering::Relaxed))
    }

    /// Calls `read` with the buckets, which keep their bounds meanwhile, and with how often came what is not a number.
    pub(crate) fn read<T>(self, read: impl FnOnce(Sketch, u64) -> T) -> T {
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
        let in_sketch = |sketch: Sketch, n_nan| {
            let in_buckets: u64 = sketch.counts().map(|count| count.n).sum();
            let infinite: u64 = sketch.infinite_counts().iter().sum();
            in_buckets + infinite + sketch.zero_count() + n_nan
        };
        let count = cumulative.pop().unwrap_or_else(|| self.read(in_sketch));
        Classic { cumulative, count }
    }

    pub(crate) fn exemplars(self) -> impl Iterator<Item = exemplar::Exemplar> {
        self.exemplar_slots().filter_map(Slot::get)
    }

    fn exemplar_slots(self) -> impl Iterator<Item = Slot> {
        let n = if self.shape.has_exemplars { N_EXEMPLARS } else { 0 };
        self.cells[self.shape.exemplars_at()..].as_chunks().0.iter().take(n).map(Slot::of)
    }

    /// Calls `change` while nobody counts.
    pub(crate) fn alone(self, change: impl FnOnce()) {
        self.gate().alone(change);
    }

    fn sketch(self) -> Sketch {
        let cells = &self.cells[HEAD..self.shape.classic_at()];
        Sketch::of(cells, self.shape.schema, self.shape.zero_threshold)
    }

    fn gate(self) -> Gate {
        Gate::of(&self.cells[self.cells.len() - 1])
    }

    #[inline]
    pub(crate) fn of(shape: &'static Shape, record: Record) -> Self {
        Self { shape, cells: record.cells(shape.n_cells()) }
    }
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

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, milliseconds};
use crate::core::Core;
use crate::counter::add_f64;
use crate::exponential::upper_bound;
use crate::gate::Gate;
use crate::journal::Journal;
use crate::kind::Kind;
use crate::labels::Labels;
use crate::native::copied;
use crate::record::Record;
use crate::region::schema::Cell;
use crate::sketch::{self, Sketch};

/// A family of summaries: quantiles of what was observed in the last ten minutes, with the count and the sum of everything. `L` are its labels.
///
/// Quantiles are right within 1.1 %, as long as values of the same two minutes differ by less than a factor of four billion (2^32), the factors of values above and below zero multiplied; with each doubling of that exponent the error
/// doubles. Quantiles that were exposed cannot be added up any more, which is what histograms are for. Before, summaries can: those of processes that share what they count
/// ([`Registry::share`](crate::Registry::share)) by themselves, others with [`SummaryHandle::absorb`].
///
/// ```
/// use bellwether_sdk::{Opts, Registry};
///
/// let registry = Registry::new();
/// let opts = Opts::new("queue_wait_seconds", "Time in the queue.").unit("seconds").quantiles(&[0.5, 0.99]);
/// let wait = registry.summary::<()>(opts)?;
/// for i in 1..=100 {
///     wait.observe(f64::from(i) / 100.0);
/// }
/// let median = wait.with(()).quantile(0.5);
/// assert!((median - 0.5).abs() < 0.5 * 0.015);
/// assert!(registry.text().contains("queue_wait_seconds_count 100\n"));
/// # Ok::<(), bellwether_sdk::RegisterError>(())
/// ```
pub struct Summary<L = ()> {
    core: &'static Core,
    labels: PhantomData<fn(L)>,
}

/// One summary. A copy of the handle costs nothing, and it stays valid for ever. What is observed while its series is removed is not
/// exposed; if the series is made again it begins from zero, and this is its handle.
#[derive(Clone, Copy)]
pub struct SummaryHandle {
    shape: &'static Shape,
    cells: &'static [AtomicU64],
}

/// What summaries of a family have in common.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) quantiles: &'static [f64],
    /// How far back quantiles reach.
    pub(crate) window: Duration,
    pub(crate) clock: Clock,
}

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        (self.quantiles, self.window) == (other.quantiles, other.window)
    }
}

impl fmt::Debug for SummaryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SummaryHandle").finish_non_exhaustive()
    }
}

/// The window is cut into so many slices, of which the oldest is forgotten as a whole.
const N_SLICES: usize = 5;
/// 32 buckets per power of two: the middle of one is within (2^(1/32) - 1) / (2^(1/32) + 1), or 1.1 %, of all that is in it.
const SCHEMA: i32 = 5;
/// Enough for 32 powers of two. Those that are not used cost addresses, but no memory.
const N_BUCKETS: usize = 1024;
/// In front of the slices: the count, and the bits of the sum. Both are of all that was ever observed.
const HEAD: usize = 2;
/// A slice: its number since the Unix epoch plus one, 0 if there was none yet, and a sketch of it. Slices of several processes with the same number add up.
const SLICE: usize = 1 + Sketch::n_cells(N_BUCKETS);
/// Of one slice at a time.
pub(crate) const JOURNAL: Journal =
    Journal { at: HEAD + N_SLICES * SLICE, first: HEAD, len: SLICE, n_parts: N_SLICES };
/// The gate is the last.
pub(crate) const N_CELLS: usize = JOURNAL.at + Journal::n_cells(SLICE) + 1;

impl Shape {
    fn slice_now(&self) -> u64 {
        let slice_ms = (milliseconds(self.window) / N_SLICES as u64).max(1);
        milliseconds((self.clock)()) / slice_ms
    }
}

/// What a cell is.
pub(crate) fn cell(idx: usize) -> Cell {
    match idx {
        0 => Cell::Count,
        1 => Cell::Amount,
        _ if idx + 1 == N_CELLS => Cell::Gate,
        _ => Cell::Sketch,
    }
}

/// Whether the cells of a series are such as a process writes.
pub(crate) fn is_possible(cells: &[u64]) -> bool {
    (0..N_SLICES).all(|idx| sketch::is_possible(&cells[HEAD + idx * SLICE + 1..HEAD + (idx + 1) * SLICE]))
}

/// The number of a slice.
fn number(cells: &[AtomicU64], idx: usize) -> &AtomicU64 {
    &cells[HEAD + idx * SLICE]
}

/// The sketch of a slice.
fn sketch(cells: &[AtomicU64], idx: usize) -> Sketch<'_> {
    let at = HEAD + idx * SLICE + 1;
    Sketch::of(&cells[at..at + SLICE - 1], SCHEMA, 0.0)
}

/// Adds what the cells of one series hold to those of another one of the same window. Nobody else may be at either.
pub(crate) fn add_cells(into: &[AtomicU64], from: &[AtomicU64]) {
    (0..N_SLICES).for_each(|idx| add_slice(into, from, idx));
    add_totals(into, from);
}

/// Adds one of the slices.
fn add_slice(into: &[AtomicU64], from: &[AtomicU64], idx: usize) {
    let theirs = number(from, idx).load(Ordering::Relaxed);
    // Of two slices in the same place, the earlier one is out of the window by now.
    if theirs > number(into, idx).load(Ordering::Relaxed) {
        sketch(into, idx).clear();
        number(into, idx).store(theirs, Ordering::Relaxed);
    }
    if theirs == number(into, idx).load(Ordering::Relaxed) {
        sketch(into, idx).absorb(sketch(from, idx));
    }
}

fn add_totals(into: &[AtomicU64], from: &[AtomicU64]) {
    into[0].fetch_add(from[0].load(Ordering::Relaxed), Ordering::Relaxed);
    add_f64(&into[1], f64::from_bits(from[1].load(Ordering::Relaxed)));
}

/// What the cells of a series say, wherever in them it is.
#[cfg(test)]
pub(crate) fn held(cells: &[AtomicU64]) -> Vec<u64> {
    let slices = (0..N_SLICES).flat_map(|idx| {
        [vec![number(cells, idx).load(Ordering::Relaxed)], sketch(cells, idx).held()].concat()
    });
    let behind = cells[..HEAD].iter().chain(&cells[JOURNAL.at..]);
    slices.chain(behind.map(|cell| cell.load(Ordering::Relaxed))).collect()
}

impl SummaryHandle {
    /// Counts a value. What is not a number is in the count and in no quantile.
    pub fn observe(self, value: f64) {
        let now = self.shape.slice_now();
        let place = self.sketch(0).place(value);
        let idx = (now % N_SLICES as u64) as usize;
        let sketch = self.sketch(idx);
        let count = || {
            if self.number(idx).load(Ordering::Relaxed) <= now || !sketch.add(place, 1) {
                return false;
            }
            self.cells[0].fetch_add(1, Ordering::Relaxed);
            add_f64(&self.cells[1], value);
            true
        };
        while !self.gate().shared(count) {
            self.alone(idx, || {
                let number = self.number(idx);
                if number.load(Ordering::Relaxed) <= now {
                    sketch.clear();
                    number.store(now + 1, Ordering::Relaxed);
                }
                sketch.make_room(place);
            });
        }
    }

    /// The value that a share `q` of what was observed in the window did not exceed. NaN if nothing was.
    pub fn quantile(self, q: f64) -> f64 {
        self.distribution().quantile(q)
    }

    /// Adds what another summary of the same family observed, which stays as it is: for those who observe apart and are done. Quantiles are as right as if one had observed
    /// everything. Returns false, and does nothing, if it is of another family.
    pub fn absorb(self, other: Self) -> bool {
        if !std::ptr::eq(self.shape, other.shape) {
            return false;
        }
        // Not both at once: two that absorb each other would wait for ever.
        let copy = other.gate().shared(|| copied(other.cells));
        for idx in 0..N_SLICES {
            self.alone(idx, || add_slice(self.cells, &copy, idx));
        }
        add_totals(self.cells, &copy);
        true
    }

    /// How often values were observed, and their sum.
    pub(crate) fn totals(self) -> (u64, f64) {
        (self.cells[0].load(Ordering::Relaxed), f64::from_bits(self.cells[1].load(Ordering::Relaxed)))
    }

    /// What was observed in the window.
    pub(crate) fn distribution(self) -> Distribution {
        let now = self.shape.slice_now();
        let mut values = Vec::new();
        self.gate().shared(|| {
            for idx in 0..N_SLICES {
                let is_recent = self.number(idx).load(Ordering::Relaxed) + N_SLICES as u64 > now + 1;
                if is_recent && self.number(idx).load(Ordering::Relaxed) > 0 {
                    self.sketch(idx).each_value(&mut values);
                }
            }
        });
        values.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
        Distribution { count: values.iter().map(|(_, n)| n).sum(), values }
    }

    /// Calls `change`, which changes a slice, while nobody observes.
    fn alone(self, idx: usize, change: impl FnOnce()) {
        self.gate().alone(|| JOURNAL.change(self.cells, idx + 1, change));
    }

    /// Lets a series that was removed begin again from nothing.
    pub(crate) fn revive(self, record: Record) {
        self.gate().alone(|| {
            JOURNAL.change_unseen(self.cells, || record.clear(JOURNAL.at));
            record.expose();
        });
    }

    fn number(self, idx: usize) -> &'static AtomicU64 {
        number(self.cells, idx)
    }

    fn sketch(self, idx: usize) -> Sketch<'static> {
        sketch(self.cells, idx)
    }

    fn gate(self) -> Gate {
        Gate::of(&self.cells[N_CELLS - 1])
    }

    #[inline]
    pub(crate) fn of(shape: &'static Shape, record: Record) -> Self {
        Self { shape, cells: record.cells(N_CELLS) }
    }
}

impl Sketch<'_> {
    /// Appends a value for each bucket and how often it came.
    fn each_value(self, values: &mut Vec<(f64, u64)>) {
        let schema = self.schema();
        values.extend(self.counts().map(|count| {
            let (lower, upper) = (upper_bound(count.bucket - 1, schema), upper_bound(count.bucket, schema));
            // As far from both bounds, as a share of them. Not their product first, which may be too great.
            let middle = 2.0 * lower * (upper / (lower + upper));
            (if count.is_negative { -middle } else { middle }, count.n)
        }));
        let [infinite, negative] = self.infinite_counts();
        let others = [(0.0, self.zero_count()), (f64::INFINITY, infinite), (f64::NEG_INFINITY, negative)];
        values.extend(others.into_iter().filter(|(_, n)| *n > 0));
    }
}

/// Values and how often each came.
#[derive(Debug)]
pub(crate) struct Distribution {
    /// In the order of the values.
    values: Vec<(f64, u64)>,
    count: u64,
}

impl Distribution {
    /// The value at the rank `q * count`, rounded up. NaN if there is none.
    pub(crate) fn quantile(&self, q: f64) -> f64 {
        let rank = (q * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let at_rank = self.values.iter().find(|(_, n)| {
            seen += n;
            seen >= rank
        });
        at_rank.or(self.values.last()).map_or(f64::NAN, |(value, _)| *value)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "labels are written where they are used")]
impl<L: Labels> Summary<L> {
    pub(crate) fn new(core: &'static Core) -> Self {
        Self { core, labels: PhantomData }
    }

    /// The summary with these labels. It is made if it is not there; beyond a limit of the family it is the one of the overflow series.
    #[inline]
    pub fn with(&self, labels: L::At<'_>) -> SummaryHandle {
        let Kind::Summary(shape) = &self.core.description.kind else {
            unreachable!("BUG: the family was registered as another type");
        };
        SummaryHandle::of(shape, self.core.record(&labels))
    }

    /// Takes the summary with these labels out of the exposition. Returns whether it was there.
    pub fn remove(&self, labels: L::At<'_>) -> bool {
        self.core.remove(&labels)
    }
}

/// Without labels the family is its one summary.
impl Summary {
    /// As [`SummaryHandle::observe`].
    pub fn observe(&self, value: f64) {
        self.with(()).observe(value);
    }
}

impl<L> Clone for Summary<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Summary<L> {}

impl<L> fmt::Debug for Summary<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Summary({})", self.core.description.name)
    }
}

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::core::Core;
use crate::counter::add_f64;
use crate::kind::Kind;
use crate::labels::Labels;
use crate::record::Record;
use crate::region::process;

/// A family of gauges: values that go up and down. `L` are its labels.
pub struct Gauge<L = ()> {
    core: &'static Core,
    labels: PhantomData<fn(L)>,
}

/// One gauge. A copy of the handle costs nothing, and it stays valid for ever. What is set while its series is removed is not
/// exposed; if the series is made again it begins from zero, and this is its handle.
#[derive(Debug, Clone, Copy)]
pub struct GaugeHandle {
    /// The bits of the value.
    cells: &'static [AtomicU64; Self::N_CELLS],
    /// How often it was set, where that is asked for: a value that is set again and again is not idle.
    writes: Option<&'static AtomicU64>,
    /// When it was set last, if that decides between processes.
    stamp: Option<&'static AtomicU64>,
}

impl GaugeHandle {
    pub(crate) const N_CELLS: usize = 1;

    /// Sets the value.
    #[inline]
    pub fn set(self, value: f64) {
        self.cells[0].store(value.to_bits(), Ordering::Relaxed);
        self.note_write();
    }

    /// Adds to the value; a negative amount takes away from it.
    #[inline]
    pub fn add(self, amount: f64) {
        add_f64(&self.cells[0], amount);
        self.note_write();
    }

    /// Adds one.
    #[inline]
    pub fn inc(self) {
        self.add(1.0);
    }

    /// Takes one away.
    #[inline]
    pub fn dec(self) {
        self.add(-1.0);
    }

    /// Sets the value if it is greater than the present one: a high-water mark.
    pub fn set_max(self, value: f64) {
        self.note_write();
        let mut old = self.cells[0].load(Ordering::Relaxed);
        while value > f64::from_bits(old) {
            let swapped = self.cells[0].compare_exchange_weak(
                old,
                value.to_bits(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return,
                Err(now) => old = now,
            }
        }
    }

    /// The value.
    pub fn get(self) -> f64 {
        f64::from_bits(self.cells[0].load(Ordering::Relaxed))
    }

    /// Adds one now and takes it away when the guard is dropped, whatever happens in between: for what is in flight.
    #[must_use = "the gauge goes down again when this is dropped"]
    pub fn track(self) -> InFlight {
        self.inc();
        InFlight(self)
    }

    #[inline]
    fn note_write(self) {
        if let Some(writes) = self.writes {
            writes.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(stamp) = self.stamp {
            stamp.store(process::uptime_ns(), Ordering::Relaxed);
        }
    }

    #[inline]
    pub(crate) fn of(counts_writes: bool, record: Record) -> Self {
        let writes = if counts_writes { record.cells(Self::N_CELLS + 1).last() } else { None };
        Self { cells: record.array(), writes, stamp: None }
    }
}

/// See [`GaugeHandle::track`].
#[derive(Debug)]
pub struct InFlight(GaugeHandle);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[expect(clippy::needless_pass_by_value, reason = "labels are written where they are used")]
impl<L: Labels> Gauge<L> {
    pub(crate) fn new(core: &'static Core) -> Self {
        Self { core, labels: PhantomData }
    }

    /// The gauge with these labels. It is made if it is not there; beyond a limit of the family it is the one of the overflow series.
    #[inline]
    pub fn with(&self, labels: L::At<'_>) -> GaugeHandle {
        Self::handle(self.core, &labels)
    }

    #[inline]
    pub(crate) fn handle(core: &'static Core, labels: &impl Labels) -> GaugeHandle {
        let Kind::Gauge { counts_writes, is_stamped } = core.description.kind else {
            return GaugeHandle::of(false, core.record(labels));
        };
        let record = core.record(labels);
        let stamp = if is_stamped { record.cells(core.description.n_cells).last() } else { None };
        GaugeHandle { stamp, ..GaugeHandle::of(counts_writes, record) }
    }

    /// Takes the gauge with these labels out of the exposition. Returns whether it was there.
    pub fn remove(&self, labels: L::At<'_>) -> bool {
        self.core.remove(&labels)
    }
}

/// Without labels the family is its one gauge.
impl Gauge {
    /// Sets the value.
    #[inline]
    pub fn set(&self, value: f64) {
        self.with(()).set(value);
    }

    /// As [`GaugeHandle::add`].
    #[inline]
    pub fn add(&self, amount: f64) {
        self.with(()).add(amount);
    }

    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.with(()).inc();
    }

    /// Takes one away.
    #[inline]
    pub fn dec(&self) {
        self.with(()).dec();
    }

    /// As [`GaugeHandle::track`].
    #[must_use = "the gauge goes down again when this is dropped"]
    pub fn track(&self) -> InFlight {
        self.with(()).track()
    }
}

impl<L> Clone for Gauge<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Gauge<L> {}

impl<L> fmt::Debug for Gauge<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gauge({})", self.core.description.name)
    }
}

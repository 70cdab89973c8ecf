use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::collector::Collector;
use crate::counter::{Counter, CounterHandle};
use crate::error::RegisterError;
use crate::gauge::{Gauge, GaugeHandle, InFlight};
use crate::histogram::{Histogram, HistogramHandle, Timer};
use crate::registry::Registry;
use crate::{Labels, MetricSet};

#[derive(Labels)]
struct OfPool<'a> {
    pool: &'a str,
}

#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "connection_pool")]
struct Families {
    /// Connections in use.
    active_connections: Gauge<OfPool<'static>>,
    /// Connections open and unused.
    idle_connections: Gauge<OfPool<'static>>,
    /// Callers that wait for a connection.
    waiting_requests: Gauge<OfPool<'static>>,
    /// Largest size of the pool.
    max_connections: Gauge<OfPool<'static>>,
    /// Most connections in use at a time since the process started.
    active_connections_peak: Gauge<OfPool<'static>>,
    /// Most connections in use at a time since the last scrape.
    active_connections_high_water: Gauge<OfPool<'static>>,
    /// Waits for a connection that took too long.
    timeouts: Counter<OfPool<'static>>,
    /// Time until a caller had its connection.
    #[metric(unit = "seconds")]
    wait: Histogram<OfPool<'static>>,
}

/// The connection pools of a service.
#[derive(Debug, Clone, Copy)]
pub struct Pools {
    families: Families,
    marks: &'static Marks,
}

/// By the name of the pool: the most connections in use since the last scrape, and where that is exposed.
type Marks = Mutex<BTreeMap<String, Mark>>;

#[derive(Debug, Clone, Copy)]
struct Mark {
    highest: &'static AtomicU64,
    active: GaugeHandle,
    high_water: GaugeHandle,
}

impl Mark {
    fn note(self, active: f64) {
        self.highest.fetch_max(active.max(0.0) as u64, Ordering::Relaxed);
    }

    /// Exposes the mark, and begins a new one with the connections that are in use.
    fn expose(self) {
        let active = self.active.get().max(0.0);
        let highest = self.highest.swap(active as u64, Ordering::Relaxed);
        self.high_water.set(active.max(highest as f64));
    }
}

/// A connection pool.
///
/// ```
/// use bellwether_sdk::Registry;
/// use bellwether_sdk::domain::Pools;
///
/// let registry = Registry::new();
/// let pool = Pools::register(&registry)?.pool("orders", 10);
/// {
///     let waiting = pool.wait();
///     // The driver hands out a connection.
///     let _checkout = waiting.acquired();
///     assert!(registry.text().contains("connection_pool_active_connections{pool=\"orders\"} 1\n"));
/// }
/// assert!(registry.text().contains("connection_pool_active_connections{pool=\"orders\"} 0\n"));
/// # Ok::<(), bellwether_sdk::RegisterError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Pool {
    active: GaugeHandle,
    idle: GaugeHandle,
    waiting: GaugeHandle,
    max: GaugeHandle,
    peak: GaugeHandle,
    mark: Mark,
    timeouts: CounterHandle,
    wait: HistogramHandle,
}

/// What a driver says about its pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Connections in use.
    pub active: u64,
    /// Connections open and unused.
    pub idle: u64,
    /// Callers that wait for a connection.
    pub waiting: u64,
    /// Largest size of the pool.
    pub max: u64,
}

fn lock(marks: &Marks) -> MutexGuard<'_, BTreeMap<String, Mark>> {
    marks.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pools {
    /// Registers the families, once for a registry.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let families = Families::register(registry)?;
        // As long as the families, which is for ever.
        let marks: &'static Marks = Box::leak(Box::default());
        let expose = || lock(marks).values().for_each(|mark| mark.expose());
        registry.before_exposition(expose).keep();
        Ok(Self { families, marks })
    }

    /// The pool of this name, which can have up to `max` connections.
    pub fn pool(&self, name: &str, max: u64) -> Pool {
        let (families, of) = (&self.families, || OfPool { pool: name });
        let active = families.active_connections.with(of());
        let mark = || Mark {
            highest: Box::leak(Box::default()),
            active,
            high_water: families.active_connections_high_water.with(of()),
        };
        let pool = Pool {
            active,
            mark: *lock(self.marks).entry(name.to_owned()).or_insert_with(mark),
            idle: families.idle_connections.with(of()),
            waiting: families.waiting_requests.with(of()),
            max: families.max_connections.with(of()),
            peak: families.active_connections_peak.with(of()),
            timeouts: families.timeouts.with(of()),
            wait: families.wait.with(of()),
        };
        pool.max.set(max as f64);
        pool
    }

    /// Asks a driver about its pool in the background, until the answer is dropped. Pools of `sqlx` and `deadpool` have adapters that also see waits and timeouts, behind the features of these names.
    pub fn observe_every(
        &self,
        registry: &Registry,
        name: &str,
        every: Duration,
        mut stats: impl FnMut() -> PoolStats + Send + 'static,
    ) -> io::Result<Collector> {
        let pool = self.pool(name, 0);
        registry.collector(&format!("pool {name}"), every, move || {
            pool.observe(stats());
            Ok::<(), Infallible>(())
        })
    }
}

impl Pool {
    /// Begins to wait for a connection. What becomes of it is said to the guard; if that is dropped, the caller gave up.
    #[must_use = "waiting ends when this is dropped"]
    pub fn wait(self) -> Waiting {
        Waiting { pool: self, _in_line: self.waiting.track(), timer: Some(self.wait.timer()) }
    }

    /// Takes over what the driver says.
    pub fn observe(self, stats: PoolStats) {
        self.active.set(stats.active as f64);
        self.idle.set(stats.idle as f64);
        self.waiting.set(stats.waiting as f64);
        self.max.set(stats.max as f64);
        self.peak.set_max(stats.active as f64);
        self.mark.note(stats.active as f64);
    }

    /// How many connections are open and unused.
    pub fn set_idle(self, n: u64) {
        self.idle.set(n as f64);
    }
}

/// A caller that waits for a connection.
#[derive(Debug)]
pub struct Waiting {
    pool: Pool,
    _in_line: InFlight,
    timer: Option<Timer>,
}

impl Waiting {
    /// The caller has its connection, and keeps it until the guard is dropped.
    #[must_use = "the connection is given back when this is dropped"]
    pub fn acquired(mut self) -> Checkout {
        // Observes the time.
        self.timer = None;
        let active = self.pool.active.track();
        let n_active = self.pool.active.get();
        self.pool.peak.set_max(n_active);
        self.pool.mark.note(n_active);
        Checkout { _active: active }
    }

    /// It took too long.
    pub fn timed_out(mut self) {
        self.timer = None;
        self.pool.timeouts.inc();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.take() {
            timer.discard();
        }
    }
}

/// A connection that is in use.
#[derive(Debug)]
pub struct Checkout {
    _active: InFlight,
}

use std::convert::Infallible;
use std::io;
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
    /// Waits for a connection that took too long.
    timeouts: Counter<OfPool<'static>>,
    /// Time until a caller had its connection.
    #[metric(unit = "seconds")]
    wait: Histogram<OfPool<'static>>,
}

/// The connection pools of a service.
#[derive(Debug, Clone, Copy)]
pub struct Pools(Families);

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

impl Pools {
    /// Registers the families.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Families::register(registry).map(Self)
    }

    /// The pool of this name, which can have up to `max` connections.
    pub fn pool(&self, name: &str, max: u64) -> Pool {
        let (families, of) = (&self.0, || OfPool { pool: name });
        let pool = Pool {
            active: families.active_connections.with(of()),
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

    /// Asks a driver about its pool in the background, until the answer is dropped. With `sqlx`, for instance:
    ///
    /// ```text
    /// pools.observe_every(&registry, "orders", every, move || PoolStats {
    ///     active: u64::from(pool.size()) - pool.num_idle() as u64,
    ///     idle: pool.num_idle() as u64,
    ///     waiting: 0,
    ///     max: u64::from(pool.options().get_max_connections()),
    /// })
    /// ```
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
        self.pool.peak.set_max(self.pool.active.get());
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

//! A tokio runtime: how much there is to do, and how long a task waits until its turn.
//!
//! ```
//! use bellwether_sdk::Registry;
//! use bellwether_sdk::runtime::Runtime;
//!
//! let registry = Registry::new();
//! let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
//! let runtime = Runtime::register(&registry, tokio.handle().clone())?;
//! runtime.refresh();
//! assert!(registry.text().contains("tokio_runtime_workers 2\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Runtime::refresh`] belongs into a collector. Each one sends an empty task through the runtime and observes how long it waits in `tokio_runtime_scheduling_delay_seconds`: what blocks a worker
//! shows there first.

use std::time::Instant;

use tokio::runtime::Handle;

use crate::error::RegisterError;
use crate::gauge::Gauge;
use crate::histogram::Histogram;
use crate::observed::ObservedCounter;
use crate::registry::Registry;
use crate::{Labels, MetricSet};

/// From a tenth of a millisecond, which is usual, to where users notice.
const DELAYS: &[f64] = &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

#[derive(Labels)]
struct OfWorker<'a> {
    worker: &'a str,
}

#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "tokio_runtime")]
struct Families {
    /// Worker threads of the runtime.
    workers: Gauge,
    /// Tasks that are not over.
    alive_tasks: Gauge,
    /// Tasks that wait for any worker.
    global_queue_depth: Gauge,
    /// Time that a worker did something.
    #[metric(unit = "seconds")]
    worker_busy: ObservedCounter<OfWorker<'static>>,
    /// How often a worker had nothing to do.
    worker_parks: ObservedCounter<OfWorker<'static>>,
    /// Time until a task that was spawned ran.
    #[metric(unit = "seconds", buckets = DELAYS)]
    scheduling_delay: Histogram,
}

/// The metrics of a runtime.
#[derive(Debug, Clone)]
pub struct Runtime {
    families: Families,
    handle: Handle,
}

impl Runtime {
    /// Registers the families.
    pub fn register(registry: &Registry, handle: Handle) -> Result<Self, RegisterError> {
        Ok(Self { families: Families::register(registry)?, handle })
    }

    /// Reads the values anew, and sends a task through the runtime.
    pub fn refresh(&self) {
        let (families, metrics) = (self.families, self.handle.metrics());
        families.workers.set(metrics.num_workers() as f64);
        families.alive_tasks.set(metrics.num_alive_tasks() as f64);
        families.global_queue_depth.set(metrics.global_queue_depth() as f64);
        #[cfg(target_has_atomic = "64")]
        for idx in 0..metrics.num_workers() {
            let worker = idx.to_string();
            let of = || OfWorker { worker: &worker };
            families.worker_busy.with(of()).observe(metrics.worker_total_busy_duration(idx).as_secs_f64());
            families.worker_parks.with(of()).observe(metrics.worker_park_count(idx) as f64);
        }
        let spawned = Instant::now();
        self.handle.spawn(async move {
            families.scheduling_delay.observe(spawned.elapsed().as_secs_f64());
        });
    }
}

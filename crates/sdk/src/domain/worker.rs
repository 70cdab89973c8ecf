use std::time::Instant;

use crate::buckets;
use crate::clock;
use crate::counter::Counter;
use crate::error::RegisterError;
use crate::gauge::{Gauge, GaugeHandle, InFlight};
use crate::histogram::Histogram;
use crate::registry::Registry;
use crate::track::Status;
use crate::{Labels, MetricSet};

#[derive(Labels)]
struct OfWorker<'a> {
    worker_type: &'a str,
}

#[derive(Labels)]
struct OfTask<'a> {
    task_type: &'a str,
}

#[derive(Labels)]
struct OfRun<'a> {
    task_type: &'a str,
    status: Status,
}

#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "worker")]
struct Families {
    /// Workers that run.
    active: Gauge<OfWorker<'static>>,
    /// When a worker was alive the last time.
    #[metric(unit = "seconds")]
    heartbeat_timestamp: Gauge<OfWorker<'static>>,
    /// Tasks under way.
    tasks_in_flight: Gauge<OfTask<'static>>,
    /// Tasks that ended.
    tasks_completed: Counter<OfRun<'static>>,
    /// Time of a task.
    #[metric(unit = "seconds", buckets = buckets::WORKFLOW_SECONDS)]
    task_duration: Histogram<OfTask<'static>>,
    /// Attempts after the first one of a task.
    task_retries: Counter<OfTask<'static>>,
}

/// The workers of a service.
///
/// ```
/// use bellwether_sdk::Registry;
/// use bellwether_sdk::domain::Workers;
///
/// let registry = Registry::new();
/// let workers = Workers::register(&registry)?;
/// let worker = workers.start("exporter");
/// worker.beat();
/// let task = workers.task("export");
/// task.retry();
/// task.succeed();
/// drop(workers.task("export"));
/// let text = registry.text();
/// assert!(text.contains("worker_active{worker_type=\"exporter\"} 1\n"));
/// assert!(text.contains("worker_tasks_completed_total{task_type=\"export\",status=\"success\"} 1\n"));
/// assert!(text.contains("worker_tasks_completed_total{task_type=\"export\",status=\"cancelled\"} 1\n"));
/// # Ok::<(), bellwether_sdk::RegisterError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Workers(Families);

/// A worker that runs until this is dropped.
#[derive(Debug)]
pub struct Worker {
    _active: InFlight,
    heartbeat: GaugeHandle,
}

/// A task that is under way. Dropped, it panicked if the thread does, and was cancelled otherwise.
#[derive(Debug)]
pub struct Task {
    families: Families,
    kind: String,
    started: Instant,
    status: Option<Status>,
    _in_flight: InFlight,
}

impl Workers {
    /// Registers the families.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Families::register(registry).map(Self)
    }

    /// A worker of this type begins.
    #[must_use = "the worker ends when this is dropped"]
    pub fn start(&self, worker_type: &str) -> Worker {
        let worker = Worker {
            _active: self.0.active.with(OfWorker { worker_type }).track(),
            heartbeat: self.0.heartbeat_timestamp.with(OfWorker { worker_type }),
        };
        worker.beat();
        worker
    }

    /// A task of this type begins.
    #[must_use = "the task ends when this is dropped"]
    pub fn task(&self, task_type: &str) -> Task {
        Task {
            families: self.0,
            kind: task_type.to_owned(),
            started: Instant::now(),
            status: None,
            _in_flight: self.0.tasks_in_flight.with(OfTask { task_type }).track(),
        }
    }
}

impl Worker {
    /// It is alive.
    pub fn beat(&self) {
        self.heartbeat.set(clock::wall().as_secs_f64());
    }
}

impl Task {
    /// It begins again after it failed.
    pub fn retry(&self) {
        self.families.task_retries.with(OfTask { task_type: &self.kind }).inc();
    }

    /// It is over and worked.
    pub fn succeed(self) {
        self.end(Status::Success);
    }

    /// It is over and failed.
    pub fn fail(self) {
        self.end(Status::Failure);
    }

    /// It is over.
    pub fn end(mut self, status: Status) {
        self.status = Some(status);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let dropped = if std::thread::panicking() { Status::Panic } else { Status::Cancelled };
        let (task_type, status) = (self.kind.as_str(), self.status.unwrap_or(dropped));
        self.families.tasks_completed.with(OfRun { task_type, status }).inc();
        let time = self.families.task_duration.with(OfTask { task_type });
        time.observe(self.started.elapsed().as_secs_f64());
    }
}

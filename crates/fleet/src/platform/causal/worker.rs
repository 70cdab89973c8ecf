use bellwether_sdk::{CounterHandle, GaugeHandle, HistogramHandle, Registry};

use super::api::QUEUES;
use crate::generated::causal as pack;
use crate::generated::causal::{Causal, ExportRequestsStatus, Status};
use crate::metrics::{Trace, observe};
use crate::sim::registered;

/// A kind of task; its index is that of its queue.
pub(super) struct TaskKind {
    pub(super) name: &'static str,
    worker_type: &'static str,
    /// How many of them one worker process runs at a time.
    pub(super) slots: usize,
    pub(super) median_s: f64,
    pub(super) spread: f64,
}

pub(super) const ANALYSIS: usize = 0;
pub(super) const EXPORT: usize = 1;
pub(super) static TASK_KINDS: [TaskKind; 2] = [
    TaskKind { name: "run_causal_analysis", worker_type: "analysis", slots: 4, median_s: 10.0, spread: 0.5 },
    TaskKind {
        name: "export_employee_metrics",
        worker_type: "export",
        slots: 2,
        median_s: 50.0,
        spread: 0.4,
    },
];
/// The kinds of export.
const EXPORT_TYPE: &str = "employee_metrics";
/// Attempts before a task has failed for good.
pub(super) const ATTEMPTS_MAX: u32 = 4;
/// A task that runs longer is killed.
pub(super) const TASK_TIMEOUT_S: f64 = 900.0;

/// A task in a queue or at work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    pub(super) kind: usize,
    pub(super) attempt: u32,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskEnd {
    Success = 0,
    Failure = 1,
    Retry = 2,
    Timeout = 3,
}
const TASK_ENDS: [Status; 4] = [Status::Success, Status::Failure, Status::Retry, Status::Timeout];
const RESULTS: [ExportRequestsStatus; 2] = [ExportRequestsStatus::Success, ExportRequestsStatus::Failure];

/// One worker process.
pub(super) struct Worker {
    /// The tasks at work, each with its number.
    pub(super) running: Vec<(u64, Task)>,
    pub(super) slowness: f64,
    metrics: Causal,
    ids: WorkerInstruments,
}

/// The series of one process.
struct WorkerInstruments {
    active: [GaugeHandle; 2],
    completed: [[CounterHandle; 4]; 2],
    duration: [HistogramHandle; 2],
    queues: [QueueInstruments; 2],
    /// Worked, failed.
    export_requests: [CounterHandle; 2],
    export_duration: HistogramHandle,
    export_size: HistogramHandle,
    proposals: CounterHandle,
    /// Worked, failed.
    executions: [CounterHandle; 2],
    rollbacks: CounterHandle,
}

struct QueueInstruments {
    depth: GaugeHandle,
    enqueued: CounterHandle,
    dequeued: CounterHandle,
}

impl Worker {
    pub(super) fn new(registry: &Registry, slowness: f64) -> Self {
        let metrics = registered(registry);
        // What has no labels is there as soon as it is registered, also what only the API counts.
        registry.remove_all_series();
        Self { running: Vec::new(), slowness, metrics, ids: WorkerInstruments::of(&metrics) }
    }

    /// A new process counts from zero.
    pub(super) fn start(&mut self) {
        self.ids = WorkerInstruments::of(&self.metrics);
    }

    pub(super) fn running(&self, kind: usize) -> usize {
        self.running.iter().filter(|(_, task)| task.kind == kind).count()
    }

    pub(super) fn started(&mut self, number: u64, task: Task) {
        self.running.push((number, task));
        self.ids.queues[task.kind].dequeued.inc();
    }

    /// The task that ended; `None` if it was lost with the process.
    pub(super) fn ended(&mut self, number: u64) -> Option<Task> {
        let idx = self.running.iter().position(|(it, _)| *it == number)?;
        Some(self.running.swap_remove(idx).1)
    }

    /// A task that is tried again goes back to its queue, where it is seen after a pause.
    pub(super) fn completed(&self, kind: usize, end: TaskEnd, seconds: f64, traced: Option<(Trace, i64)>) {
        self.ids.completed[kind][end as usize].inc();
        observe(self.ids.duration[kind], seconds, traced);
        if end == TaskEnd::Retry {
            self.ids.queues[kind].enqueued.inc();
        }
    }

    pub(super) fn exported(&self, written: Option<f64>, seconds: f64) {
        self.ids.export_requests[usize::from(written.is_none())].inc();
        self.ids.export_duration.observe(seconds);
        if let Some(bytes) = written {
            self.ids.export_size.observe(bytes);
        }
    }

    pub(super) fn proposed(&self) {
        self.ids.proposals.inc();
    }

    pub(super) fn executed(&self, worked: bool, rolled_back: bool) {
        self.ids.executions[usize::from(!worked)].inc();
        if rolled_back {
            self.ids.rollbacks.inc();
        }
    }

    /// A worker keeps one child more than it has work for, as autoscaling does.
    pub(super) fn set_gauges(&self, queue_depth: [usize; 2]) {
        for (kind, gauge) in self.ids.active.into_iter().enumerate() {
            let children = (self.running(kind) + 1).min(TASK_KINDS[kind].slots);
            gauge.set(children as f64);
        }
        for (queue, depth) in self.ids.queues.iter().zip(queue_depth) {
            queue.depth.set(depth as f64);
        }
    }
}

impl WorkerInstruments {
    /// All series that a worker counts in, at zero if they are new or were removed.
    fn of(causal: &Causal) -> Self {
        let kind = [&TASK_KINDS[ANALYSIS], &TASK_KINDS[EXPORT]];
        let of_export = pack::ExportDurationSecondsLabels { export_type: EXPORT_TYPE };
        Self {
            active: kind.map(|it| {
                causal.worker_active.with(pack::WorkerActiveLabels { worker_type: it.worker_type })
            }),
            completed: kind.map(|it| {
                TASK_ENDS.map(|status| {
                    let labels = pack::WorkerTasksCompletedLabels { task_type: it.name, status };
                    causal.worker_tasks_completed.with(labels)
                })
            }),
            duration: kind.map(|it| {
                let labels = pack::WorkerTaskDurationSecondsLabels { task_type: it.name };
                causal.worker_task_duration_seconds.with(labels)
            }),
            queues: QUEUES.map(|queue_name| {
                let labels = pack::QueueDepthLabels { queue_name };
                QueueInstruments {
                    depth: causal.queue_depth.with(labels),
                    enqueued: causal.queue_enqueued.with(labels),
                    dequeued: causal.queue_dequeued.with(labels),
                }
            }),
            export_requests: RESULTS.map(|status| {
                let labels = pack::ExportRequestsLabels { export_type: EXPORT_TYPE, status };
                causal.export_requests.with(labels)
            }),
            export_duration: causal.export_duration_seconds.with(of_export),
            export_size: causal.export_size_bytes.with(of_export),
            proposals: causal.intervention_proposals.with(()),
            executions: RESULTS.map(|status| {
                causal.intervention_executions.with(pack::InterventionExecutionsLabels { status })
            }),
            rollbacks: causal.intervention_rollbacks.with(()),
        }
    }
}

use super::api::QUEUES;
use super::catalogue as c;
use crate::metrics::{Counter, Exporter, Gauge, HistogramId, Trace};
use crate::sim::Process;

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
const TASK_ENDS: [&str; 4] = ["success", "failure", "retry", "timeout"];

/// One worker process.
pub(super) struct Worker {
    /// The tasks at work, each with its number.
    pub(super) running: Vec<(u64, Task)>,
    pub(super) slowness: f64,
    ids: WorkerInstruments,
}

struct WorkerInstruments {
    active: [Gauge; 2],
    completed: [[Counter; 4]; 2],
    duration: [HistogramId; 2],
    dequeued: [Counter; 2],
    export_requests: [Counter; 2],
    export_duration: HistogramId,
    export_size: HistogramId,
    proposals: Counter,
    executions: [Counter; 2],
    rollbacks: Counter,
}

impl Worker {
    pub(super) fn new(process: &mut Process, slowness: f64) -> Self {
        Self { running: Vec::new(), slowness, ids: WorkerInstruments::register(&mut process.exporter) }
    }

    pub(super) fn running(&self, kind: usize) -> usize {
        self.running.iter().filter(|(_, task)| task.kind == kind).count()
    }

    pub(super) fn started(&mut self, exporter: &mut Exporter, number: u64, task: Task) {
        self.running.push((number, task));
        exporter.inc(self.ids.dequeued[task.kind]);
    }

    /// The task that ended; `None` if it was lost with the process.
    pub(super) fn ended(&mut self, number: u64) -> Option<Task> {
        let idx = self.running.iter().position(|(it, _)| *it == number)?;
        Some(self.running.swap_remove(idx).1)
    }

    pub(super) fn completed(
        &self,
        exporter: &mut Exporter,
        kind: usize,
        end: TaskEnd,
        seconds: f64,
        traced: Option<(Trace, i64)>,
    ) {
        exporter.inc(self.ids.completed[kind][end as usize]);
        exporter.observe(self.ids.duration[kind], seconds, traced);
    }

    pub(super) fn exported(&self, exporter: &mut Exporter, written: Option<f64>, seconds: f64) {
        exporter.inc(self.ids.export_requests[usize::from(written.is_none())]);
        exporter.observe(self.ids.export_duration, seconds, None);
        if let Some(bytes) = written {
            exporter.observe(self.ids.export_size, bytes, None);
        }
    }

    pub(super) fn proposed(&self, exporter: &mut Exporter) {
        exporter.inc(self.ids.proposals);
    }

    pub(super) fn executed(&self, exporter: &mut Exporter, worked: bool, rolled_back: bool) {
        exporter.inc(self.ids.executions[usize::from(!worked)]);
        if rolled_back {
            exporter.inc(self.ids.rollbacks);
        }
    }

    /// A worker keeps one child more than it has work for, as autoscaling does.
    pub(super) fn set_gauges(&self, exporter: &mut Exporter) {
        for (kind, gauge) in self.ids.active.into_iter().enumerate() {
            let children = (self.running(kind) + 1).min(TASK_KINDS[kind].slots);
            exporter.set(gauge, children as f64);
        }
    }
}

impl WorkerInstruments {
    fn register(e: &mut Exporter) -> Self {
        let kind = [&TASK_KINDS[ANALYSIS], &TASK_KINDS[EXPORT]];
        Self {
            active: kind.map(|it| e.gauge(&c::WORKERS_ACTIVE, &[it.worker_type])),
            completed: kind
                .map(|it| TASK_ENDS.map(|end| e.counter(&c::TASKS_COMPLETED, &[it.name, it.name, end]))),
            duration: kind.map(|it| e.histogram(&c::TASK_DURATION, &[it.name])),
            dequeued: QUEUES.map(|queue| e.counter(&c::QUEUE_DEQUEUED, &[queue])),
            export_requests: ["success", "failure"]
                .map(|status| e.counter(&c::EXPORT_REQUESTS, &[EXPORT_TYPE, EXPORT_TYPE, status])),
            export_duration: e.histogram(&c::EXPORT_DURATION, &[EXPORT_TYPE]),
            export_size: e.histogram(&c::EXPORT_SIZE, &[EXPORT_TYPE]),
            proposals: e.counter(&c::INTERVENTION_PROPOSALS, &[]),
            executions: ["success", "failure"]
                .map(|status| e.counter(&c::INTERVENTION_EXECUTIONS, &[status])),
            rollbacks: e.counter(&c::INTERVENTION_ROLLBACKS, &[]),
        }
    }
}

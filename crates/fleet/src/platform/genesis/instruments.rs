//! What the processes of Genesis expose beside the metrics of the pack.

use bellwether_sdk::{Counter, Gauge, Labels, MetricSet};

#[derive(Labels)]
pub(super) struct OfAgent<'a> {
    pub(super) agent: &'a str,
}

/// Every process.
#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "process")]
pub(super) struct ProcessMetrics {
    /// Time that has passed since the start of the process.
    #[metric(unit = "seconds")]
    pub(super) uptime: Gauge,
    /// Unix time at which the process was started.
    #[metric(unit = "seconds")]
    pub(super) start_time: Gauge,
    /// Processor time that the process has spent.
    #[metric(unit = "seconds")]
    pub(super) cpu: Counter,
    /// Memory that the process occupies.
    #[metric(unit = "bytes")]
    pub(super) resident_memory: Gauge,
}

/// What the agents say of themselves; the pack computes it out of the tasks.
#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "genesis")]
pub(super) struct AgentMetrics {
    /// Share of an agent's tasks of the last five minutes that went well.
    pub(super) agent_success_rate: Gauge<OfAgent<'static>>,
}

//! What the processes of Genesis expose.

use bellwether_sdk::{Counter, Gauge, LabelValue, Labels, MetricSet};

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, LabelValue)]
pub(super) enum TaskEnd {
    Success,
    Failure,
    Cancelled,
    Timeout,
}

impl TaskEnd {
    pub(super) const ALL: [Self; 4] = [Self::Success, Self::Failure, Self::Cancelled, Self::Timeout];
}

#[derive(Labels)]
pub(super) struct EndOfTask<'a> {
    pub(super) agent: &'a str,
    pub(super) status: TaskEnd,
}

#[derive(Labels)]
pub(super) struct OfAgent<'a> {
    pub(super) agent: &'a str,
}

#[derive(Labels)]
pub(super) struct OfQueue<'a> {
    pub(super) queue: &'a str,
}

#[derive(Labels)]
pub(super) struct OfUpstream<'a> {
    pub(super) upstream: &'a str,
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

/// The hosts of the agents.
#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "genesis")]
pub(super) struct AgentMetrics {
    /// Tasks that an agent ended, by outcome.
    #[metric(name = "genesis_agent_tasks", unit = "tasks")]
    pub(super) agent_tasks: Counter<EndOfTask<'static>>,
    /// Share of an agent's tasks of the last five minutes that went well.
    pub(super) agent_success_rate: Gauge<OfAgent<'static>>,
}

/// The backend.
#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "genesis")]
pub(super) struct BackendMetrics {
    /// Agents that worked in the last minute.
    #[metric(name = "genesis_active_agents", unit = "agents")]
    pub(super) active_agents: Gauge,
    /// Tasks that wait for their agent.
    pub(super) task_queue_depth: Gauge<OfQueue<'static>>,
    /// Whether the backend reaches a data source (1) or not (0).
    pub(super) upstream_up: Gauge<OfUpstream<'static>>,
}

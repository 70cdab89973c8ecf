use crate::generated::genesis::{AgentTasksLabels, Genesis, Status};

/// The agents, five to each agent host.
pub(super) const AGENTS: [&str; 15] = [
    "qa_agent",
    "builder_agent",
    "deploy_agent",
    "analyst_agent",
    "support_agent",
    "spec_agent",
    "security_agent",
    "research_agent",
    "content_agent",
    "seo_agent",
    "billing_agent",
    "email_agent",
    "legal_agent",
    "marketing_agent",
    "maintenance_agent",
];
pub(super) const AGENTS_PER_HOST: usize = 5;
pub(super) const QA_AGENT: usize = 0;
/// The agents that write scheduled reports.
pub(super) const REPORTERS: [usize; 2] = [3, 7];
pub(super) const QUEUES: [&str; 2] = ["default", "priority"];
pub(super) const DEFAULT: usize = 0;
pub(super) const PRIORITY: usize = 1;
/// Tasks that an agent works on at a time.
const SLOTS: usize = 2;
/// An agent that did nothing for this long is not active.
const ACTIVE_FOR_MS: i64 = 60_000;

const STATUSES: [Status; 4] = [Status::Success, Status::Failure, Status::Cancelled, Status::Timeout];

/// One agent with the tasks that wait for it, per queue.
pub(super) struct Agent {
    name: &'static str,
    metrics: Genesis,
    pub(super) waiting: [usize; 2],
    pub(super) running: usize,
    worked_ms: i64,
}

impl Agent {
    pub(super) fn new(metrics: Genesis, name: &'static str) -> Self {
        let agent = Self { name, metrics, waiting: [0, 0], running: 0, worked_ms: i64::MIN };
        agent.count_from_zero();
        agent
    }

    /// Exposes all outcomes, those that never happened as well.
    fn count_from_zero(&self) {
        for status in STATUSES {
            self.metrics.agent_tasks.with(AgentTasksLabels { agent: self.name, status });
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.iter().sum()
    }

    /// Takes the next task if the agent is free: the priority queue first.
    pub(super) fn take(&mut self, now_ms: i64) -> bool {
        let next = [PRIORITY, DEFAULT].into_iter().find(|queue| self.waiting[*queue] > 0);
        let Some(queue) = next.filter(|_| self.running < SLOTS) else { return false };
        self.waiting[queue] -= 1;
        self.running += 1;
        self.worked_ms = now_ms;
        true
    }

    pub(super) fn ended(&mut self, end: Status, now_ms: i64) {
        self.running -= 1;
        self.worked_ms = now_ms;
        self.metrics.agent_tasks.with(AgentTasksLabels { agent: self.name, status: end }).inc();
    }

    pub(super) fn is_active(&self, now_ms: i64) -> bool {
        self.running > 0 || self.worked_ms > now_ms - ACTIVE_FOR_MS
    }

    /// The host's process was replaced: tasks at work are taken up again, the counts are gone.
    pub(super) fn restarted(&mut self) {
        self.waiting[DEFAULT] += self.running;
        self.running = 0;
        self.count_from_zero();
    }
}

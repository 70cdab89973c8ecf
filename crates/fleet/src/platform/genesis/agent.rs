use super::catalogue as c;
use crate::metrics::{Counter, Exporter, Gauge, RecentValues};

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskEnd {
    Success = 0,
    Failure = 1,
    Cancelled = 2,
    Timeout = 3,
}
const TASK_ENDS: [&str; 4] = ["success", "failure", "cancelled", "timeout"];

/// One agent with the tasks that wait for it, per queue.
pub(super) struct Agent {
    pub(super) waiting: [usize; 2],
    pub(super) running: usize,
    recent: RecentValues,
    worked_ms: i64,
    ends: [Counter; 4],
    success_rate: Gauge,
}

impl Agent {
    pub(super) fn new(e: &mut Exporter, name: &str) -> Self {
        Self {
            waiting: [0, 0],
            running: 0,
            recent: RecentValues::default(),
            worked_ms: i64::MIN,
            ends: TASK_ENDS.map(|end| e.counter(&c::AGENT_TASKS, &[name, end])),
            success_rate: e.gauge(&c::AGENT_SUCCESS_RATE, &[name]),
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

    pub(super) fn ended(&mut self, e: &mut Exporter, end: TaskEnd, now_ms: i64) {
        self.running -= 1;
        self.worked_ms = now_ms;
        self.recent.push(f64::from(u8::from(end == TaskEnd::Success)), now_ms);
        e.inc(self.ends[end as usize]);
    }

    pub(super) fn is_active(&self, now_ms: i64) -> bool {
        self.running > 0 || self.worked_ms > now_ms - ACTIVE_FOR_MS
    }

    /// The host's process was replaced: tasks at work are taken up again, the counts are gone.
    pub(super) fn restarted(&mut self) {
        self.waiting[DEFAULT] += self.running;
        self.running = 0;
        self.recent.clear();
    }

    pub(super) fn set_gauges(&self, e: &mut Exporter, now_ms: i64) {
        let recent = self.recent.sorted(now_ms);
        let rate = (!recent.is_empty()).then(|| recent.iter().sum::<f64>() / recent.len() as f64);
        e.set(self.success_rate, rate);
    }
}

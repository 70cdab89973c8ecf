use bellwether_sdk::{Gauge, Labels, Registry};

use super::instruments::{Instruments, Verdict};
use crate::generated::cugar::{BudgetUsedLabels, Cugar as Metrics, LatencyMsLabels, Percentile, Unit};
use crate::metrics::{RecentValues, Trace, observe, quantile};
use crate::sim::registered;

/// Tools with their share of the calls.
pub(super) const TOOLS: [(&str, f64); 5] = [
    ("web_search", 0.35),
    ("crm_lookup", 0.2),
    ("mail_draft", 0.15),
    ("document_store", 0.2),
    ("calculator", 0.1),
];
pub(super) const WEB_SEARCH: usize = 0;
/// Domains with their share of the calls.
pub(super) const DOMAINS: [(&str, f64); 4] =
    [("intelligence", 0.45), ("crm", 0.25), ("content", 0.18), ("analytics", 0.12)];
pub(super) const CONTENT: usize = 2;

/// What executions of one kind may spend until it is refilled.
pub(super) struct Budget {
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    /// Its share of the executions.
    pub(super) share: f64,
    /// What an execution takes, as a median.
    pub(super) median: f64,
    pub(super) limit: f64,
}

pub(super) static BUDGETS: [Budget; 3] = [
    Budget { name: "research", unit: Unit::Tokens, share: 0.5, median: 900.0, limit: 2_400_000.0 },
    Budget { name: "outreach", unit: Unit::Usd, share: 0.3, median: 0.9, limit: 1_500.0 },
    Budget { name: "support", unit: Unit::Seconds, share: 0.2, median: 0.9, limit: 1_000.0 },
];
pub(super) const RESEARCH: usize = 0;

const PERCENTILES: [(Percentile, f64); 3] =
    [(Percentile::P50, 0.5), (Percentile::P95, 0.95), (Percentile::P99, 0.99)];

/// One gateway process: its window of recent executions and what it reports.
pub(super) struct Gateway {
    metrics: Metrics,
    ids: Instruments,
    latencies_ms: RecentValues,
    /// 1 for an execution that went well, else 0.
    outcomes: RecentValues,
    /// How long the last approval waited that ended.
    last_wait_ms: Option<i64>,
    running: u32,
    pub(super) ended: u64,
    pub(super) slowness: f64,
}

/// The golden signals of a window; `None` without executions.
pub(super) struct GoldenSignals {
    pub(super) success_rate: f64,
    /// By [`PERCENTILES`].
    pub(super) latency_ms: [f64; 3],
}

impl Gateway {
    pub(super) fn new(registry: &Registry, slowness: f64) -> Self {
        let metrics: Metrics = registered(registry);
        let gateway = Self {
            metrics,
            ids: Instruments::of(&metrics),
            latencies_ms: RecentValues::default(),
            outcomes: RecentValues::default(),
            last_wait_ms: None,
            running: 0,
            ended: 0,
            slowness,
        };
        gateway.place_golden_signals();
        gateway
    }

    /// Series stand in the order in which they were made first, which must not depend on when somebody looks.
    fn place_golden_signals(&self) {
        for (percentile, _) in PERCENTILES {
            self.metrics.latency_ms.with(LatencyMsLabels { percentile });
        }
    }

    /// The process was replaced by one that has counted nothing yet.
    pub(super) fn restarted(&mut self) {
        self.ids = Instruments::of(&self.metrics);
        self.place_golden_signals();
        self.latencies_ms.clear();
        self.outcomes.clear();
        self.last_wait_ms = None;
        self.running = 0;
        self.ended = 0;
    }

    pub(super) fn execution_began(&mut self) {
        self.running += 1;
    }

    pub(super) fn execution_ended(&mut self, worked: bool, seconds: f64, now_ms: i64, trace: Option<Trace>) {
        self.running -= 1;
        self.ended += 1;
        self.outcomes.push(f64::from(u8::from(worked)), now_ms);
        self.latencies_ms.push(seconds * 1000.0, now_ms);
        self.ids.executions.inc();
        self.ids.outcomes[usize::from(!worked)].inc();
        observe(self.ids.duration, seconds, trace.map(|trace| (trace, now_ms)));
    }

    pub(super) fn tool_called(&self, tool: usize, worked: bool) {
        self.ids.tool_calls[tool].inc();
        if !worked {
            self.ids.tool_errors[tool].inc();
        }
    }

    pub(super) fn domain_called(&self, domain: usize, worked: bool) {
        self.ids.domain_usage[domain].inc();
        if !worked {
            self.ids.domain_errors[domain].inc();
        }
    }

    pub(super) fn spent(&self, budget: usize, amount: f64, exceeded: bool) {
        self.ids.budget_used[budget].add(amount);
        if exceeded {
            self.ids.budget_exceeded[budget].inc();
        }
    }

    /// What was spent is compared with the limit as it is, so what is spent of the next filling counts from zero.
    pub(super) fn budgets_refilled(&self) {
        for Budget { name, unit, .. } in &BUDGETS {
            let labels = BudgetUsedLabels { budget: name, unit: *unit };
            self.metrics.budget_used.remove(labels);
            self.metrics.budget_used.with(labels);
        }
    }

    pub(super) fn approval_ended(&mut self, verdict: Verdict, wait_ms: i64) {
        self.ids.approvals[verdict as usize].inc();
        if verdict == Verdict::Timeout {
            self.ids.approval_timeouts.inc();
        }
        self.ids.approval_wait.observe(wait_ms as f64 / 1000.0);
        self.last_wait_ms = Some(wait_ms);
    }

    pub(super) fn golden_signals(&self, now_ms: i64) -> Option<GoldenSignals> {
        let success_rate = mean(&self.outcomes.sorted(now_ms))?;
        let latencies_ms = self.latencies_ms.sorted(now_ms);
        let latency_ms = PERCENTILES.map(|(_, q)| quantile(&latencies_ms, q).unwrap_or_default());
        Some(GoldenSignals { success_rate, latency_ms })
    }

    pub(super) fn set_gauges(&self, now_ms: i64) {
        let signals = self.golden_signals(now_ms);
        let signals = signals.as_ref();
        let Metrics { success_rate, error_rate, latency_ms, approval_wait_time_ms, .. } = self.metrics;
        show(success_rate, (), signals.map(|it| it.success_rate));
        show(error_rate, (), signals.map(|it| 1.0 - it.success_rate));
        for (idx, (percentile, _)) in PERCENTILES.into_iter().enumerate() {
            show(latency_ms, LatencyMsLabels { percentile }, signals.map(|it| it.latency_ms[idx]));
        }
        show(approval_wait_time_ms, (), self.last_wait_ms.map(|it| it as f64));
        self.ids.active.set(f64::from(self.running));
        for (gauge, budget) in self.ids.budget_limit.into_iter().zip(&BUDGETS) {
            gauge.set(budget.limit);
        }
    }
}

/// Sets a gauge, or takes it out of the exposition while there is nothing to say.
fn show<L: Labels>(gauge: Gauge<L>, labels: L::At<'_>, value: Option<f64>) {
    match value {
        Some(value) => gauge.with(labels).set(value),
        None => {
            gauge.remove(labels);
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

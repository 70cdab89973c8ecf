use super::catalogue as c;
use crate::metrics::{Counter, Exporter, Gauge, HistogramId, RecentValues, quantile};
use crate::sim::Process;

/// Tools with their share of the calls.
pub(super) const TOOLS: [(&str, f64); 5] = [
    ("web_search", 0.35),
    ("crm_lookup", 0.2),
    ("mail_draft", 0.15),
    ("document_store", 0.2),
    ("calculator", 0.1),
];
pub(super) const WEB_SEARCH: usize = 0;
pub(super) const TOOL_ERRORS: [&str; 3] = ["timeout", "rate_limited", "bad_response"];
/// Domains with their share of the calls.
pub(super) const DOMAINS: [(&str, f64); 4] =
    [("intelligence", 0.45), ("crm", 0.25), ("content", 0.18), ("analytics", 0.12)];
pub(super) const CONTENT: usize = 2;
/// Budgets with their share of the executions and their credits per window.
pub(super) const BUDGETS: [(&str, f64, f64); 3] =
    [("research", 0.5, 2400.0), ("outreach", 0.3, 1500.0), ("support", 0.2, 1000.0)];
pub(super) const RESEARCH: usize = 0;

/// How an approval ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Approved = 0,
    Rejected = 1,
    Timeout = 2,
}
const VERDICTS: [&str; 3] = ["approved", "rejected", "timeout"];
const PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];

/// One gateway process: its window of recent executions and what it reports.
pub(super) struct Gateway {
    latencies_ms: RecentValues,
    /// 1 for an execution that went well, else 0.
    outcomes: RecentValues,
    approval_waits_ms: RecentValues,
    pub(super) ended: u64,
    pub(super) slowness: f64,
    ids: Instruments,
}

struct Instruments {
    success_rate: Gauge,
    error_rate: Gauge,
    latency: [Gauge; 3],
    executions: Counter,
    /// Successful, failed.
    outcomes: [Counter; 2],
    tool_calls: [Counter; 5],
    tool_errors: [[Counter; 3]; 5],
    budget_used: [Counter; 3],
    budget_limit: [Gauge; 3],
    budget_exceeded: Counter,
    approvals: [Counter; 3],
    approval_timeouts: Counter,
    approval_wait: Gauge,
    approval_wait_seconds: HistogramId,
    domain_usage: [Counter; 4],
    domain_errors: [Counter; 4],
    duration: HistogramId,
}

/// The golden signals of a window; `None` without executions.
pub(super) struct GoldenSignals {
    pub(super) success_rate: f64,
    pub(super) latency_ms: [f64; 3],
}

impl Gateway {
    pub(super) fn new(process: &mut Process, slowness: f64) -> Self {
        Self {
            latencies_ms: RecentValues::default(),
            outcomes: RecentValues::default(),
            approval_waits_ms: RecentValues::default(),
            ended: 0,
            slowness,
            ids: Instruments::register(&mut process.exporter),
        }
    }

    pub(super) fn forget(&mut self) {
        self.latencies_ms.clear();
        self.outcomes.clear();
        self.approval_waits_ms.clear();
        self.ended = 0;
    }

    pub(super) fn execution_ended(
        &mut self,
        e: &mut Exporter,
        worked: bool,
        seconds: f64,
        now_ms: i64,
        trace: Option<crate::metrics::Trace>,
    ) {
        self.ended += 1;
        self.outcomes.push(f64::from(u8::from(worked)), now_ms);
        self.latencies_ms.push(seconds * 1000.0, now_ms);
        e.inc(self.ids.executions);
        e.inc(self.ids.outcomes[usize::from(!worked)]);
        e.observe(self.ids.duration, seconds, trace.map(|trace| (trace, now_ms)));
    }

    pub(super) fn tool_called(&self, e: &mut Exporter, tool: usize, error: Option<usize>) {
        e.inc(self.ids.tool_calls[tool]);
        if let Some(error) = error {
            e.inc(self.ids.tool_errors[tool][error]);
        }
    }

    pub(super) fn domain_called(&self, e: &mut Exporter, domain: usize, worked: bool) {
        e.inc(self.ids.domain_usage[domain]);
        if !worked {
            e.inc(self.ids.domain_errors[domain]);
        }
    }

    pub(super) fn spent(&self, e: &mut Exporter, budget: usize, credits: f64, exceeded: bool) {
        e.add(self.ids.budget_used[budget], credits);
        if exceeded {
            e.inc(self.ids.budget_exceeded);
        }
    }

    pub(super) fn approval_ended(&mut self, e: &mut Exporter, verdict: Verdict, wait_ms: i64, now_ms: i64) {
        e.inc(self.ids.approvals[verdict as usize]);
        if verdict == Verdict::Timeout {
            e.inc(self.ids.approval_timeouts);
        }
        e.observe(self.ids.approval_wait_seconds, wait_ms as f64 / 1000.0, None);
        self.approval_waits_ms.push(wait_ms as f64, now_ms);
    }

    pub(super) fn golden_signals(&self, now_ms: i64) -> Option<GoldenSignals> {
        let success_rate = mean(&self.outcomes.sorted(now_ms))?;
        let latencies_ms = self.latencies_ms.sorted(now_ms);
        let latency_ms = PERCENTILES.map(|(_, q)| quantile(&latencies_ms, q).unwrap_or_default());
        Some(GoldenSignals { success_rate, latency_ms })
    }

    pub(super) fn set_gauges(&self, e: &mut Exporter, now_ms: i64) {
        let signals = self.golden_signals(now_ms);
        let signals = signals.as_ref();
        e.set(self.ids.success_rate, signals.map(|it| it.success_rate));
        e.set(self.ids.error_rate, signals.map(|it| 1.0 - it.success_rate));
        for (idx, gauge) in self.ids.latency.into_iter().enumerate() {
            e.set(gauge, signals.map(|it| it.latency_ms[idx]));
        }
        e.set(self.ids.approval_wait, mean(&self.approval_waits_ms.sorted(now_ms)));
        for (gauge, (_, _, limit)) in self.ids.budget_limit.into_iter().zip(BUDGETS) {
            e.set(gauge, limit);
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

impl Instruments {
    fn register(e: &mut Exporter) -> Self {
        Self {
            success_rate: e.gauge(&c::SUCCESS_RATE, &[]),
            error_rate: e.gauge(&c::ERROR_RATE, &[]),
            latency: PERCENTILES.map(|(it, _)| e.gauge(&c::LATENCY, &[it])),
            executions: e.counter(&c::EXECUTIONS, &[]),
            outcomes: [e.counter(&c::EXECUTIONS_SUCCESSFUL, &[]), e.counter(&c::EXECUTIONS_FAILED, &[])],
            tool_calls: TOOLS.map(|(it, _)| e.counter(&c::TOOL_CALLS, &[it])),
            tool_errors: TOOLS
                .map(|(it, _)| TOOL_ERRORS.map(|error| e.counter(&c::TOOL_ERRORS, &[it, error]))),
            budget_used: BUDGETS.map(|(it, ..)| e.counter(&c::BUDGET_USED, &[it])),
            budget_limit: BUDGETS.map(|(it, ..)| e.gauge(&c::BUDGET_LIMIT, &[it])),
            budget_exceeded: e.counter(&c::BUDGET_EXCEEDED, &[]),
            approvals: VERDICTS.map(|it| e.counter(&c::APPROVALS, &[it])),
            approval_timeouts: e.counter(&c::APPROVAL_TIMEOUTS, &[]),
            approval_wait: e.gauge(&c::APPROVAL_WAIT, &[]),
            approval_wait_seconds: e.histogram(&c::APPROVAL_WAIT_SECONDS, &[]),
            domain_usage: DOMAINS.map(|(it, _)| e.counter(&c::DOMAIN_USAGE, &[it])),
            domain_errors: DOMAINS.map(|(it, _)| e.counter(&c::DOMAIN_ERRORS, &[it])),
            duration: e.histogram(&c::EXECUTION_DURATION, &[]),
        }
    }
}

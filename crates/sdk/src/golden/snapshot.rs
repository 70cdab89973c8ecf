//! What golden signals say at one moment.

use std::fmt::Write as _;
use std::time::Duration;

use super::{ApprovalOutcome, Budget};
use crate::{LabelValue as _, json};

/// Calls in the window of one domain, or of one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The domain or tool.
    pub name: String,
    /// How many calls there were.
    pub calls: u64,
    /// How many of them failed.
    pub errors: u64,
}

/// Approvals in the window. Where none ended there are no waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Approvals {
    /// How many ended in each way.
    pub by_outcome: Vec<(ApprovalOutcome, u64)>,
    /// The time that half of them waited at most, within 1 %.
    pub wait_p50: Option<Duration>,
    /// The time that 95 % of them waited at most.
    pub wait_p95: Option<Duration>,
}

/// Golden signals over the last minutes, of all processes that share the registry. Without traffic there are no rates and no latencies.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The name of the service.
    pub service: &'static str,
    /// How far it looks back.
    pub window: Duration,
    /// Executions since the start of the application.
    pub total_executions: u64,
    /// Executions in the window.
    pub executions: u64,
    /// The share of them that worked, 0 to 1.
    pub success_rate: Option<f64>,
    /// The share of them that failed, 0 to 1.
    pub error_rate: Option<f64>,
    /// How many there were each second of the window; if it is longer than this process and its first execution are old, since the earlier of both.
    pub executions_per_second: Option<f64>,
    /// The time that half of them were not above, within 1 %.
    pub latency_p50: Option<Duration>,
    /// The time that 95 % of them were not above.
    pub latency_p95: Option<Duration>,
    /// The time that 99 % of them were not above.
    pub latency_p99: Option<Duration>,
    /// Executions by domain.
    pub domains: Vec<Usage>,
    /// Calls by tool.
    pub tools: Vec<Usage>,
    /// All budgets of this process, whether something was spent in the window or not.
    pub budgets: Vec<Budget>,
    /// Approvals that ended.
    pub approvals: Approvals,
}

impl Snapshot {
    /// The snapshot as JSON. What is not known is null.
    pub fn json(&self) -> String {
        let mut out = String::from(r#"{"service":"#);
        json::text(&mut out, self.service);
        let _ = write!(
            out,
            r#","window_seconds":{},"total_executions":{},"executions":{}"#,
            self.window.as_secs(),
            self.total_executions,
            self.executions
        );
        let numbers = [
            ("success_rate", self.success_rate),
            ("error_rate", self.error_rate),
            ("executions_per_second", self.executions_per_second),
            ("latency_p50_ms", self.latency_p50.map(milliseconds)),
            ("latency_p95_ms", self.latency_p95.map(milliseconds)),
            ("latency_p99_ms", self.latency_p99.map(milliseconds)),
        ];
        write_numbers(&mut out, &numbers);
        for (name, usages) in [("domains", &self.domains), ("tools", &self.tools)] {
            let _ = write!(out, r#","{name}":"#);
            json::array(&mut out, usages, |out, usage| {
                out.push_str(r#"{"name":"#);
                json::text(out, &usage.name);
                let _ = write!(out, r#","calls":{},"errors":{}}}"#, usage.calls, usage.errors);
            });
        }
        out.push_str(r#","budgets":"#);
        json::array(&mut out, &self.budgets, |out, budget| {
            out.push_str(r#"{"name":"#);
            json::text(out, &budget.name);
            let _ = write!(out, r#","unit":"{}","exceeded":{}"#, budget.unit.as_str(), budget.exceeded);
            let used = Some(budget.used);
            let percent = budget.used_percent();
            write_numbers(out, &[("used", used), ("limit", budget.limit), ("used_percent", percent)]);
            out.push('}');
        });
        out.push_str(r#","approvals":{"#);
        for (outcome, n) in &self.approvals.by_outcome {
            let _ = write!(out, r#""{}":{n},"#, outcome.as_str());
        }
        // What stands in front of the first number is there already.
        out.pop();
        let waits = [
            ("wait_p50_ms", self.approvals.wait_p50.map(milliseconds)),
            ("wait_p95_ms", self.approvals.wait_p95.map(milliseconds)),
        ];
        write_numbers(&mut out, &waits);
        out.push_str("}}");
        out
    }
}

/// Further members of an object.
fn write_numbers(out: &mut String, numbers: &[(&str, Option<f64>)]) {
    for (name, number) in numbers {
        let _ = write!(out, r#","{name}":"#);
        json::number(out, *number);
    }
}

/// Whole microseconds are exact enough.
pub(super) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

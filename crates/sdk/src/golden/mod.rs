//! The golden signals of an agent system over the last minutes: how much there is to do, how much of it works, how long it takes; by domain and by tool.
//!
//! ```
//! use bellwether_sdk::Registry;
//! use bellwether_sdk::golden::Golden;
//! use bellwether_sdk::track::Status;
//! use std::time::Duration;
//!
//! let golden = Golden::builder("cugar").window(Duration::from_mins(5)).register(&Registry::new())?;
//! assert_eq!(golden.snapshot().success_rate, None);
//!
//! golden.execution("intelligence", Status::Success, Duration::from_millis(120));
//! golden.execution("intelligence", Status::Failure, Duration::from_secs(3));
//! golden.tool_call("search", Status::Success);
//! let snapshot = golden.snapshot();
//! assert_eq!((snapshot.executions, snapshot.success_rate), (2, Some(0.5)));
//! // What the route /dashboard sends.
//! assert!(snapshot.json().starts_with(r#"{"service":"cugar","window_seconds":300,"total_executions":2,"#));
//! # Ok::<(), bellwether_sdk::RegisterError>(())
//! ```
//!
//! A window is a view for people. Alerts belong on the counters and the histogram, which add up over instances and over any time, and are exposed beside it; `p` is the name of the service:
//!
//! | Family | Labels |
//! |---|---|
//! | `p_executions_total`, which is the sum of `p_executions_successful_total` and `p_executions_failed_total` | |
//! | `p_execution_duration_seconds`, a histogram | |
//! | `p_tool_calls_total`, `p_tool_errors_total` | `tool` |
//! | `p_domain_usage_total`, `p_domain_errors_total` | `domain` |
//! | `p_budget_used_total` and `p_budget_limit`, in the unit of the budget | `budget`, `unit` |
//! | `p_budget_exceeded_total` | `budget` |
//! | `p_approvals_total` | `outcome` |
//! | `p_approval_timeouts_total`; `p_approval_wait_seconds`, a histogram | |
//! | `p_success_rate`, `p_error_rate`, gauges of the window, see [`Golden::expose`] | |
//! | `p_latency_ms`, a gauge of the window | `percentile` |

mod budget;
mod sketch;
mod window;

use std::fmt::{self, Write as _};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::collector::Collector;
use crate::counter::Counter;
use crate::error::RegisterError;
use crate::gauge::Gauge;
use crate::histogram::Histogram;
use crate::json;
use crate::region::GaugeMerge;
use crate::registry::{Opts, Registry};
use crate::track::Status;
use crate::{LabelValue, Labels};

pub use budget::{Budget, BudgetUnit};
use budget::{BudgetLabels, BudgetName, Budgets};
use window::Window;

/// Bounds of how long approvals wait, in seconds: people answer them.
const WAIT_SECONDS: &[f64] =
    &[1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 14_400.0, 86_400.0];

/// How a request for an approval ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, LabelValue)]
pub enum ApprovalOutcome {
    /// Somebody said yes.
    Approved,
    /// Somebody said no.
    Rejected,
    /// Nobody said anything in time.
    Timeout,
}

#[derive(Labels)]
struct Approval {
    outcome: ApprovalOutcome,
}

#[derive(Labels)]
struct Tool<'a> {
    tool: &'a str,
}

#[derive(Labels)]
struct Domain<'a> {
    domain: &'a str,
}

#[derive(Clone, Copy, LabelValue)]
enum Percentile {
    P50,
    P95,
    P99,
}

#[derive(Labels)]
struct Latency {
    percentile: Percentile,
}

/// What is said about golden signals before they are registered.
#[derive(Debug, Clone, Copy)]
pub struct Builder {
    service: &'static str,
    window: Duration,
    buckets: &'static [f64],
}

impl Builder {
    /// How far back a snapshot looks, in whole seconds up to an hour. Five minutes if nothing is said.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window.clamp(Duration::from_secs(1), Duration::from_hours(1));
        self
    }

    /// The bounds of the histogram, in seconds. [`buckets::SECONDS`](crate::buckets::SECONDS) if nothing is said.
    #[must_use]
    pub fn buckets(mut self, seconds: &'static [f64]) -> Self {
        self.buckets = seconds;
        self
    }

    /// Registers the families.
    pub fn register(self, registry: &Registry) -> Result<Golden, RegisterError> {
        // The names of families live as long as the families, which is for ever.
        let opts = |name: &str, help| Opts::new(format!("{}_{name}", self.service).leak(), help);
        let window = Window::new(self.window.as_secs() as usize);
        let instruments = Instruments {
            executions: registry.counter(opts("executions", "Executions that ended."))?,
            successful: registry.counter(opts("executions_successful", "Executions that worked."))?,
            failed: registry.counter(opts("executions_failed", "Executions that failed."))?,
            duration: registry.histogram(
                opts("execution_duration_seconds", "Time of an execution.")
                    .unit("seconds")
                    .buckets(self.buckets),
            )?,
            tool_calls: registry.counter(opts("tool_calls", "Calls of tools."))?,
            tool_errors: registry.counter(opts("tool_errors", "Calls of tools that failed."))?,
            domain_usage: registry.counter(opts("domain_usage", "Executions by domain."))?,
            domain_errors: registry.counter(opts("domain_errors", "Executions that failed, by domain."))?,
            budget_used: registry
                .counter(opts("budget_used", "What was spent of a budget, in its own unit."))?,
            budget_limit: registry.gauge(
                opts("budget_limit", "What may be spent of a budget, in its own unit.")
                    .merge(GaugeMerge::MaxLive),
            )?,
            budget_exceeded: registry.counter(opts("budget_exceeded", "Times a budget was overrun."))?,
            approvals: registry.counter(opts("approvals", "Approval requests that ended.").init())?,
            approval_timeouts: registry
                .counter(opts("approval_timeouts", "Approval requests that nobody answered in time."))?,
            approval_wait: registry.histogram(
                opts("approval_wait_seconds", "How long approvals waited for an answer.")
                    .unit("seconds")
                    .buckets(WAIT_SECONDS),
            )?,
            success_rate: registry
                .gauge(opts("success_rate", "Share of executions in the window that worked."))?,
            error_rate: registry
                .gauge(opts("error_rate", "Share of executions in the window that failed."))?,
            latency: registry
                .gauge(opts("latency_ms", "Latency percentiles of the window, in milliseconds."))?,
        };
        // Without traffic there is no rate, and 0 would be one.
        instruments.success_rate.remove(());
        instruments.error_rate.remove(());
        let shared = Shared {
            service: self.service,
            started: Instant::now(),
            length: self.window,
            total: AtomicU64::new(0),
            window: Mutex::new(window),
            budgets: Budgets::default(),
            instruments,
        };
        Ok(Golden { shared: Arc::new(shared) })
    }
}

struct Instruments {
    executions: Counter,
    successful: Counter,
    failed: Counter,
    duration: Histogram,
    tool_calls: Counter<Tool<'static>>,
    tool_errors: Counter<Tool<'static>>,
    domain_usage: Counter<Domain<'static>>,
    domain_errors: Counter<Domain<'static>>,
    budget_used: Counter<BudgetLabels<'static>>,
    budget_limit: Gauge<BudgetLabels<'static>>,
    budget_exceeded: Counter<BudgetName<'static>>,
    approvals: Counter<Approval>,
    approval_timeouts: Counter,
    approval_wait: Histogram,
    success_rate: Gauge,
    error_rate: Gauge,
    latency: Gauge<Latency>,
}

struct Shared {
    service: &'static str,
    started: Instant,
    length: Duration,
    /// Executions since the start.
    total: AtomicU64,
    window: Mutex<Window>,
    budgets: Budgets,
    instruments: Instruments,
}

impl Shared {
    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn second(&self) -> u64 {
        self.started.elapsed().as_secs()
    }
}

/// The golden signals of a service. A clone has the same ones.
#[derive(Clone)]
pub struct Golden {
    shared: Arc<Shared>,
}

impl Golden {
    /// Golden signals of a service, whose name is the beginning of the families' names.
    pub fn builder(service: &'static str) -> Builder {
        Builder { service, window: Duration::from_mins(5), buckets: crate::buckets::SECONDS }
    }

    /// Counts an execution that ended. Whatever is no success failed: also what was cancelled.
    pub fn execution(&self, domain: &str, status: impl Into<Status>, took: Duration) {
        let is_ok = status.into().is_success();
        let (shared, instruments) = (&*self.shared, &self.shared.instruments);
        shared.window().execution(shared.second(), domain, is_ok, took.as_secs_f64());
        shared.total.fetch_add(1, Ordering::Relaxed);
        instruments.executions.inc();
        instruments.domain_usage.with(Domain { domain }).inc();
        instruments.duration.observe(took.as_secs_f64());
        let errors = instruments.domain_errors.with(Domain { domain });
        if is_ok {
            instruments.successful.inc();
        } else {
            instruments.failed.inc();
            errors.inc();
        }
    }

    /// Counts a call of a tool.
    pub fn tool_call(&self, tool: &str, status: impl Into<Status>) {
        let is_ok = status.into().is_success();
        let (shared, instruments) = (&*self.shared, &self.shared.instruments);
        shared.window().tool_call(shared.second(), tool, is_ok);
        instruments.tool_calls.with(Tool { tool }).inc();
        let errors = instruments.tool_errors.with(Tool { tool });
        if !is_ok {
            errors.inc();
        }
    }

    /// Says what may be spent of a budget from now on: of this limit nothing is used yet.
    pub fn limit_budget(&self, budget: &str, unit: BudgetUnit, limit: f64) {
        let (shared, instruments) = (&*self.shared, &self.shared.instruments);
        shared.budgets.limit(budget, unit, limit);
        instruments.budget_limit.with(BudgetLabels { budget, unit }).set(limit);
        // It is there before the first overrun, so that a rate sees that.
        instruments.budget_exceeded.with(BudgetName { budget });
    }

    /// Spends some of a budget. What is negative or not a number is ignored. The amount that goes beyond the limit counts as one overrun; what is spent beyond it afterwards is part of the same.
    pub fn spend(&self, budget: &str, unit: BudgetUnit, amount: f64) {
        if !(amount > 0.0 && amount.is_finite()) {
            return;
        }
        let (shared, instruments) = (&*self.shared, &self.shared.instruments);
        instruments.budget_used.with(BudgetLabels { budget, unit }).add(amount);
        let exceeded = instruments.budget_exceeded.with(BudgetName { budget });
        if shared.budgets.spend(budget, unit, amount) {
            exceeded.inc();
        }
    }

    /// Counts a request for an approval that ended, after waiting for so long.
    pub fn approval(&self, outcome: ApprovalOutcome, waited: Duration) {
        let (shared, instruments) = (&*self.shared, &self.shared.instruments);
        shared.window().approval(shared.second(), outcome, waited.as_secs_f64());
        instruments.approvals.with(Approval { outcome }).inc();
        instruments.approval_wait.observe(waited.as_secs_f64());
        if outcome == ApprovalOutcome::Timeout {
            instruments.approval_timeouts.inc();
        }
    }

    /// Begins an execution, which counts when the guard is dropped: as a failure, unless [`Execution::succeed`] was called.
    #[must_use = "the execution is over when this is dropped"]
    pub fn start(&self, domain: &str) -> Execution {
        Execution {
            golden: self.clone(),
            domain: domain.to_owned(),
            started: Instant::now(),
            status: Status::Failure,
        }
    }

    /// What happened in the window that ends now.
    pub fn snapshot(&self) -> Snapshot {
        let shared = &*self.shared;
        let sums = shared.window().sums(shared.second());
        let executions = sums.succeeded + sums.failed;
        let rate = |n: u64| (executions > 0).then(|| n as f64 / executions as f64);
        let span = shared.length.min(shared.started.elapsed()).max(Duration::from_secs(1));
        let latency = |q| sums.latencies.quantile(q).map(Duration::from_secs_f64);
        Snapshot {
            service: shared.service,
            window: shared.length,
            total_executions: shared.total.load(Ordering::Relaxed),
            executions,
            success_rate: rate(sums.succeeded),
            error_rate: rate(sums.failed),
            executions_per_second: (executions > 0).then(|| executions as f64 / span.as_secs_f64()),
            latency_p50: latency(0.5),
            latency_p95: latency(0.95),
            latency_p99: latency(0.99),
            domains: sums.domains,
            tools: sums.tools,
            budgets: shared.budgets.all(),
            approvals: Approvals {
                by_outcome: ApprovalOutcome::ALL.iter().copied().zip(sums.approvals).collect(),
                wait_p50: sums.waits.quantile(0.5).map(Duration::from_secs_f64),
                wait_p95: sums.waits.quantile(0.95).map(Duration::from_secs_f64),
            },
        }
    }

    /// Sets the gauges of the window to what a snapshot says now. Without traffic they are not exposed at all, so that no rule takes an idle service for one where everything fails.
    pub fn expose(&self) {
        let (snapshot, instruments) = (self.snapshot(), &self.shared.instruments);
        let set = |gauge: &Gauge, rate: Option<f64>| match rate {
            Some(rate) => gauge.set(rate),
            None => drop(gauge.remove(())),
        };
        set(&instruments.success_rate, snapshot.success_rate);
        set(&instruments.error_rate, snapshot.error_rate);
        let percentiles = [
            (Percentile::P50, snapshot.latency_p50),
            (Percentile::P95, snapshot.latency_p95),
            (Percentile::P99, snapshot.latency_p99),
        ];
        for (percentile, latency) in percentiles {
            match latency {
                Some(latency) => instruments.latency.with(Latency { percentile }).set(milliseconds(latency)),
                None => drop(instruments.latency.remove(Latency { percentile })),
            }
        }
    }

    /// Calls [`Golden::expose`] in the background, until the answer is dropped.
    pub fn expose_every(&self, registry: &Registry, every: Duration) -> io::Result<Collector> {
        let golden = self.clone();
        let name = format!("{}_golden", self.shared.service);
        registry.collector(&name, every, move || {
            golden.expose();
            Ok::<(), std::convert::Infallible>(())
        })
    }
}

impl fmt::Debug for Golden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Golden({})", self.shared.service)
    }
}

/// An execution that is under way, see [`Golden::start`].
#[derive(Debug)]
pub struct Execution {
    golden: Golden,
    domain: String,
    started: Instant,
    status: Status,
}

impl Execution {
    /// It is over, and worked.
    pub fn succeed(mut self) {
        self.status = Status::Success;
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        self.golden.execution(&self.domain, self.status, self.started.elapsed());
    }
}

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

/// Golden signals over the last minutes. Without traffic there are no rates and no latencies.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The name of the service.
    pub service: &'static str,
    /// How far it looks back.
    pub window: Duration,
    /// Executions since the start of the process.
    pub total_executions: u64,
    /// Executions in the window.
    pub executions: u64,
    /// The share of them that worked, 0 to 1.
    pub success_rate: Option<f64>,
    /// The share of them that failed, 0 to 1.
    pub error_rate: Option<f64>,
    /// How many there were each second; since the start if the window is longer.
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
    /// All budgets, whether something was spent in the window or not.
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
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

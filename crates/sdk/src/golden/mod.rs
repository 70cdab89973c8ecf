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
//! Processes that share their registry ([`Registry::share`]) have one window: a snapshot in any of them tells what all did, those included that are gone. Only budgets are
//! each process's own.
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
mod snapshot;
mod window;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::collector::Collector;
use crate::counter::Counter;
use crate::error::RegisterError;
use crate::gauge::Gauge;
use crate::histogram::Histogram;
use crate::region::GaugeMerge;
use crate::registry::{Opts, Registry};
use crate::track::Status;
use crate::{LabelValue, Labels};

pub use budget::{Budget, BudgetUnit};
use budget::{BudgetLabels, BudgetName, Budgets};
use snapshot::milliseconds;
pub use snapshot::{Approvals, Snapshot, Usage};
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
    /// How far back a snapshot looks, in whole seconds up to an hour. Five minutes if nothing is said. The oldest second of it is forgotten as a whole; of a longer window as many
    /// seconds as are a 300th part of it.
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
        // Only one process exposes them, so any merge but a sum of those that lived will do.
        let of_all = |name, help| opts(name, help).merge(GaugeMerge::MaxLive);
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
                .gauge(of_all("success_rate", "Share of executions in the window that worked."))?,
            error_rate: registry
                .gauge(of_all("error_rate", "Share of executions in the window that failed."))?,
            latency: registry
                .gauge(of_all("latency_ms", "Latency percentiles of the window, in milliseconds."))?,
        };
        // Without traffic there is no rate, and 0 would be one.
        instruments.success_rate.remove(());
        instruments.error_rate.remove(());
        let window = Window::register(registry, self.service, self.window, instruments.executions)?;
        let shared = Shared {
            service: self.service,
            registry: registry.clone(),
            started: (registry.clock())(),
            length: self.window,
            window,
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
    registry: Registry,
    /// When it was registered, since the Unix epoch.
    started: Duration,
    length: Duration,
    window: Window,
    budgets: Budgets,
    instruments: Instruments,
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
        shared.window.execution(domain, is_ok, took.as_secs_f64());
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
        shared.window.tool_call(tool, is_ok);
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
        shared.window.approval(outcome, waited.as_secs_f64());
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

    /// What happened in the window that ends now, in all processes that share the registry.
    pub fn snapshot(&self) -> Snapshot {
        let shared = &*self.shared;
        let sums = shared.window.sums(&shared.registry);
        let executions = sums.succeeded + sums.failed;
        let rate = |n: u64| (executions > 0).then(|| n as f64 / executions as f64);
        // The others may be older than this process, which what they did tells.
        let begun = sums.since.map_or(shared.started, |since| since.min(shared.started));
        let age = (shared.registry.clock())().saturating_sub(begun);
        let span = shared.length.min(age).max(Duration::from_secs(1));
        let latency = |q| sums.latencies.quantile(q).map(Duration::from_secs_f64);
        Snapshot {
            service: shared.service,
            window: shared.length,
            total_executions: sums.total,
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
    ///
    /// Of processes that share their registry only the one that [leads](Registry::leads) exposes them, for all.
    pub fn expose(&self) {
        let instruments = &self.shared.instruments;
        let snapshot = self.shared.registry.leads().then(|| self.snapshot());
        let snapshot = snapshot.as_ref();
        let set = |gauge: &Gauge, rate: Option<f64>| match rate {
            Some(rate) => gauge.set(rate),
            None => drop(gauge.remove(())),
        };
        set(&instruments.success_rate, snapshot.and_then(|it| it.success_rate));
        set(&instruments.error_rate, snapshot.and_then(|it| it.error_rate));
        let percentiles = [
            (Percentile::P50, snapshot.and_then(|it| it.latency_p50)),
            (Percentile::P95, snapshot.and_then(|it| it.latency_p95)),
            (Percentile::P99, snapshot.and_then(|it| it.latency_p99)),
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

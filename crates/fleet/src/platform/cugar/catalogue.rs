use crate::metrics::Family;

// Golden signals, over the last five minutes of one process; without executions there is nothing to say.
pub(super) static SUCCESS_RATE: Family = Family::gauge(
    "cugar_success_rate",
    "ratio",
    &[],
    "Share of the last five minutes' executions that went well.",
);
pub(super) static ERROR_RATE: Family = Family::gauge(
    "cugar_error_rate",
    "ratio",
    &[],
    "Share of the last five minutes' executions that went wrong.",
);
pub(super) static LATENCY: Family = Family::gauge(
    "cugar_latency_ms",
    "milliseconds",
    &["percentile"],
    "Time that the last five minutes' executions took, by percentile.",
);

// Counters.
pub(super) static EXECUTIONS: Family =
    Family::counter("cugar_executions", "executions", &[], "Executions that ended, well or not.");
pub(super) static EXECUTIONS_SUCCESSFUL: Family =
    Family::counter("cugar_executions_successful", "executions", &[], "Executions that went well.");
pub(super) static EXECUTIONS_FAILED: Family =
    Family::counter("cugar_executions_failed", "executions", &[], "Executions that went wrong.");
pub(super) static TOOL_CALLS: Family =
    Family::counter("cugar_tool_calls", "calls", &["tool"], "Calls of tools, repeated ones included.");
pub(super) static TOOL_ERRORS: Family =
    Family::counter("cugar_tool_errors", "calls", &["tool", "error_type"], "Calls of tools that went wrong.");
pub(super) static BUDGET_USED: Family =
    Family::counter("cugar_budget_used", "not stated", &["budget"], "Credits spent from a budget.");
pub(super) static BUDGET_EXCEEDED: Family =
    Family::counter("cugar_budget_exceeded", "events", &[], "Executions that found their budget overrun.");
pub(super) static APPROVALS: Family =
    Family::counter("cugar_approvals", "approvals", &["outcome"], "Approvals asked of people, by outcome.");
pub(super) static DOMAIN_USAGE: Family =
    Family::counter("cugar_domain_usage", "calls", &["domain"], "Calls that a domain served.");

// Gauges.
pub(super) static APPROVAL_WAIT: Family = Family::gauge(
    "cugar_approval_wait_time_ms",
    "milliseconds",
    &[],
    "Mean wait of the approvals that ended in the last five minutes.",
);

// What the platform's alerts and panels need besides.
pub(super) static APPROVAL_TIMEOUTS: Family = Family::counter(
    "cugar_approval_timeouts",
    "approvals",
    &[],
    "Approvals that nobody gave or refused in time.",
);
pub(super) static DOMAIN_ERRORS: Family = Family::counter(
    "cugar_domain_errors",
    "calls",
    &["domain"],
    "Calls that a domain answered with an error.",
);
pub(super) static BUDGET_LIMIT: Family = Family::gauge(
    "cugar_budget_limit",
    "not stated",
    &["budget"],
    "Credits that a budget has for ten minutes.",
);
pub(super) static EXECUTION_DURATION: Family = Family::histogram(
    "cugar_execution_duration_seconds",
    "seconds",
    &[],
    &[0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0],
    "Time that an execution took, without the time it waited for people.",
);
pub(super) static APPROVAL_WAIT_SECONDS: Family = Family::histogram(
    "cugar_approval_wait_seconds",
    "seconds",
    &[],
    &[5.0, 10.0, 20.0, 30.0, 60.0, 90.0, 120.0, 180.0, 300.0],
    "Time that an approval took.",
);

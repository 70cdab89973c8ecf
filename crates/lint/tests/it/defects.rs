//! The rules of the five platforms' guides as they were written first. Each must be refused, for the reason that the list of defects gives.

use bellwether_lint::{Options, Severity};

use crate::{findings, ids};

/// The ids of a defect, the rule as the guide has it or means it, and the rule of lint that refuses it.
const DEFECTS: &[(&[&str], &str, &str)] = &[
    (
        &["C4"],
        "{alert: HighAPIErrorRate, expr: 'rate(http_requests_total{status=~\"5..\"}[5m]) > 0.05', for: 5m}",
        "rate-as-share",
    ),
    (
        &["V4"],
        "{alert: HighErrorRate, expr: 'rate(devskyy_errors_total[5m]) > 0.05', for: 5m}",
        "rate-as-share",
    ),
    (
        &["D8"],
        "{alert: PhaseFailures, expr: 'rate(dag_node_executions_total{status=\"failure\"}[5m]) > 0.1', for: 5m}",
        "rate-as-share",
    ),
    (
        &["C7"],
        "{alert: HighAPILatency, expr: 'histogram_quantile(0.95, rate(http_request_duration_seconds_bucket[5m])) > 2', for: 5m}",
        "quantile-buckets",
    ),
    (
        &["D7"],
        "{alert: HighAPILatency, expr: 'histogram_quantile(0.95, rate(dag_api_request_duration_seconds_bucket[5m])) > 5', for: 5m}",
        "quantile-buckets",
    ),
    (
        &["V15"],
        "{alert: SlowRequests, expr: 'histogram_quantile(0.95, rate(devskyy_request_duration_seconds_bucket[5m])) > 1.0', for: 5m}",
        "quantile-buckets",
    ),
    (&["C14"], "{alert: APIServiceDown, expr: 'up{job=\"api\"} == 0', for: 1m}", "absent-missing"),
    (
        &["D11"],
        "{alert: DatabaseUnhealthy, expr: 'dag_health_check_status{check_type=\"database\"} == 0', for: 1m}",
        "absent-missing",
    ),
    (
        &["C19"],
        "{alert: LowCacheHitRate, expr: 'sum(rate(cache_hits_total[5m])) / (sum(rate(cache_hits_total[5m])) + sum(rate(cache_misses_total[5m]))) < 0.5', for: 10m}",
        "min-traffic",
    ),
    (
        &["U2", "D23"],
        "{alert: LowSuccessRate, expr: 'sum(rate(cugar_executions_successful_total[5m])) / sum(rate(cugar_executions_total[5m])) < 0.9', for: 5m}",
        "min-traffic",
    ),
    (
        &["D1", "D2"],
        "{alert: HighWorkflowFailureRate, expr: 'rate(dag_workflow_executions_total{status=\"failure\"}[5m]) / rate(dag_workflow_executions_total[5m]) > 0.1', for: 5m}",
        "self-division",
    ),
    (
        &["V5"],
        "{record: 'devskyy:errors:ratio', expr: 'rate(devskyy_errors_total[5m]) / rate(devskyy_requests_total[5m])'}",
        "ratio-labels",
    ),
    (&["U4"], "{alert: LowSuccessRate, expr: 'cugar_success_rate < 90', for: 5m}", "precomputed"),
    (
        &["U5", "U16"],
        "{alert: HighLatencyP95, expr: 'cugar_latency_ms{percentile=\"p95\"} > 5000', for: 10m}",
        "precomputed",
    ),
    (&["G9"], "{alert: AgentFailing, expr: 'genesis_agent_success_rate < 0.9', for: 10m}", "precomputed"),
    (&["G8"], "{alert: HighCPU, expr: 'process_cpu_seconds_total > 80', for: 5m}", "counter-raw"),
    (&["U8"], "{alert: BudgetUsed, expr: 'cugar_budget_used_total > 90', for: 5m}", "counter-raw"),
    (
        &["U13"],
        "{alert: FrequentBudgetExceeded, expr: 'sum(increase(cugar_budget_exceeded_total[1h])) > 5', labels: {severity: warning}}",
        "for-missing",
    ),
    (
        &["U13"],
        "{alert: DomainErrors, expr: 'sum by (domain) (increase(cugar_domain_errors_total[5m])) > 5', for: 1m}",
        "label-missing",
    ),
    (
        &["U15"],
        "{alert: NoRecentExecutions, expr: 'sum(increase(cugar_executions_total[30m])) == 0', for: 30m}",
        "for-on-window",
    ),
];

#[test]
fn the_guides_rules_are_refused_for_their_reason() {
    for (defects, rule, by) in DEFECTS {
        let found = findings(&format!("- {rule}"), &Options::default());
        let reason = found.iter().find(|finding| finding.rule == *by);
        let reason =
            reason.unwrap_or_else(|| panic!("{defects:?} is not refused by {by}: {:?}", ids(&found)));
        assert!(reason.severity >= Severity::Warning, "{defects:?}: {reason}");
    }
}

#[test]
fn two_windows_need_no_for() {
    let of = |expr: &str| {
        let rest = "labels: {severity: x}, annotations: {summary: x}";
        findings(
            &format!(
                "- {{alert: Burns, expr: '{expr}', {rest}}}\n- {{record: 'e:ratio1h', expr: 'x'}}\n- {{record: 'e:ratio5m', expr: 'x'}}"
            ),
            &Options::default(),
        )
    };
    assert_eq!(ids(&of("e:ratio1h > 0.1 and e:ratio5m > 0.1")), [] as [&str; 0]);
    assert_eq!(ids(&of("e:ratio1h > 0.1 and x > 0.1")), ["for-missing"]);
}

#[test]
fn the_corrected_rules_are_not_refused_for_it() {
    let corrected = [
        (
            "sum by (workflow_name) (rate(dag_workflow_executions_total{status=\"failure\"}[5m])) / sum by (workflow_name) (rate(dag_workflow_executions_total[5m])) > 0.1 and sum by (workflow_name) (rate(dag_workflow_executions_total[5m])) > 0.01",
            "HighWorkflowFailureRate",
        ),
        (
            "min(dag_health_check_status{check_type=\"database\"}) == 0 or absent(dag_health_check_status{check_type=\"database\"})",
            "DatabaseUnhealthy",
        ),
        (
            "histogram_quantile(0.95, sum by (le, endpoint) (rate(dag_api_request_duration_seconds_bucket[5m]))) > 5",
            "HighAPILatency",
        ),
        ("sum(dag_active_workflows) > 100", "TooManyActiveWorkflows"),
        ("dag_memory_usage_bytes > 2147483648", "HighMemoryUsage"),
        (
            "sum by (database) (devskyy_db_connections_active) / sum by (database) (devskyy_db_pool_size) > 0.9",
            "DatabasePoolExhaustion",
        ),
        ("circuit_breaker_state{state=\"open\"} == 1", "CircuitBreakerOpen"),
        ("sum by (pool) (rate(connection_pool_timeouts_total[5m])) > 1", "ConnectionPoolTimeouts"),
        ("sum(increase(cugar_approval_timeouts_total[5m])) > 0", "ApprovalTimeouts"),
        (
            "sum(rate(x_failures_total[5m])) / sum(rate(x_total[5m])) > 0.2 and sum(rate(x_failures_total[5m])) > 0.016",
            "Guarded",
        ),
        (
            "1 - sum(rate(cpu_seconds_total{mode=\"idle\"}[5m])) / sum(rate(cpu_seconds_total[5m])) > 0.9",
            "Busy",
        ),
        ("rate(devskyy_system_network_bytes_total[5m]) > 1e9", "Network"),
        (
            "sum by (budget, unit) (cugar_budget_used_total) / max by (budget, unit) (cugar_budget_limit) > 0.9",
            "BudgetUsed",
        ),
        ("cugar_budget_limit - cugar_budget_used_total < 10", "BudgetLeft"),
    ];
    for (expr, alert) in corrected {
        let rule = format!(
            "- {{alert: {alert}, expr: '{expr}', for: 5m, labels: {{severity: warning}}, annotations: {{summary: x}}}}"
        );
        let found = findings(&rule, &Options::default());
        assert!(found.is_empty(), "{alert}: {found:#?}");
    }
}

//! What the server tells about its rules on `/metrics`, group by group, and about the Alertmanagers that it tells. The names are those of Prometheus with our
//! prefix.

use bellwether_alerts::external::SenderStatus;
use bellwether_exposition::MetricType;
use bellwether_rules::GroupView;

use crate::own_metrics::Metrics;
use crate::state::AppState;

/// Name behind the prefix, type, help, and the value for a group.
type Row = (&'static str, MetricType, &'static str, fn(&GroupView) -> f64);

const ROWS: [Row; 10] = [
    ("evaluations_total", MetricType::Counter, "Evaluations of rules.", |g| g.stats.evaluations as f64),
    ("evaluation_failures_total", MetricType::Counter, "Evaluations of rules that failed.", |g| {
        g.stats.failures as f64
    }),
    (
        "group_iterations_total",
        MetricType::Counter,
        "Slots of the schedule that came, missed ones included.",
        |g| g.stats.iterations as f64,
    ),
    (
        "group_iterations_missed_total",
        MetricType::Counter,
        "Slots left out because the evaluation before them took too long.",
        |g| g.stats.missed as f64,
    ),
    ("group_interval_seconds", MetricType::Gauge, "How often the group is evaluated.", |g| {
        g.interval_ms as f64 / 1000.0
    }),
    ("group_last_duration_seconds", MetricType::Gauge, "How long the last evaluation took.", |g| {
        g.stats.last_duration.as_secs_f64()
    }),
    (
        "group_last_evaluation_timestamp_seconds",
        MetricType::Gauge,
        "The time that was evaluated last, in seconds since the Unix epoch; 0 if there was none.",
        |g| g.stats.evaluated_at_ms.unwrap_or(0) as f64 / 1000.0,
    ),
    (
        "group_last_evaluation_samples",
        MetricType::Gauge,
        "How many samples the last evaluation stored.",
        |g| g.stats.last_samples as f64,
    ),
    ("group_evaluation_seconds_total", MetricType::Counter, "How long all evaluations took.", |g| {
        g.stats.total_duration.as_secs_f64()
    }),
    ("group_rules", MetricType::Gauge, "How many rules the group has.", |g| g.rules.len() as f64),
];

pub(crate) fn rules(metrics: &mut Metrics<'_>, state: &AppState) {
    let groups = state.rules.groups(false);
    for (name, metric_type, help, value) in ROWS {
        let rows = groups
            .iter()
            .map(|group| (vec![("rule_group", format!("{};{}", group.file, group.name))], value(group)));
        metrics.family(&format!("bellwether_rule_{name}"), metric_type, help, &rows.collect());
    }
    let findings = state.lint.counts().into_iter().map(|((rule, severity), n)| {
        (vec![("rule", rule.to_owned()), ("severity", severity.as_str().to_owned())], n as f64)
    });
    metrics.family(
        "bellwether_rule_lint_findings",
        MetricType::Gauge,
        "What lint finds in the rules that are evaluated, by its rule.",
        &findings.collect(),
    );
}

/// The same for an Alertmanager.
type SenderRow = (&'static str, MetricType, &'static str, fn(&SenderStatus) -> f64);

const SENDER_ROWS: [SenderRow; 6] = [
    ("alerts_sent_total", MetricType::Counter, "Alerts that the Alertmanager has taken.", |s| s.sent as f64),
    (
        "alerts_dropped_total",
        MetricType::Counter,
        "Alerts that it was not told: it did not take them, or newer ones needed their room.",
        |s| s.dropped as f64,
    ),
    ("errors_total", MetricType::Counter, "Requests that failed.", |s| s.errors as f64),
    ("queue_length", MetricType::Gauge, "Alerts that wait to be sent.", |s| s.queued as f64),
    ("queue_capacity", MetricType::Gauge, "How many may wait.", |s| s.capacity as f64),
    ("last_request_duration_seconds", MetricType::Gauge, "How long the last request took.", |s| {
        s.last_duration.as_secs_f64()
    }),
];

pub(crate) fn alertmanagers(metrics: &mut Metrics<'_>, state: &AppState) {
    let senders = state.external.status();
    for (name, metric_type, help, value) in SENDER_ROWS {
        let rows = senders.iter().map(|s| (vec![("alertmanager", s.url.clone())], value(s)));
        metrics.family(
            &format!("bellwether_external_alertmanager_{name}"),
            metric_type,
            help,
            &rows.collect(),
        );
    }
}

//! Rules as people write them who know what they do: nothing is said about them.

use bellwether_lint::{Options, Severity};
use bellwether_model::MetricType;

use crate::{findings, ids};

/// Each is the condition of an alert whose text is about the label behind it.
const RIGHT: &[(&str, &str)] = &[
    // The label that tells the part from the whole is summed over.
    (
        "sum without (status) (rate(runs_total{status=\"failure\"}[5m])) / sum without (status) (rate(runs_total[5m])) > 0.1 and sum without (status) (rate(runs_total[5m])) > 1",
        "name",
    ),
    // What both sides are summed without is the same.
    (
        "sum without (instance) (rate(errors_total[5m])) / sum without (instance) (rate(requests_total[5m])) > 0.1 and sum without (instance) (rate(requests_total[5m])) > 1",
        "job",
    ),
    (
        "node_filesystem_avail_bytes / node_filesystem_size_bytes * 100 < 10 and on (instance, device) node_filesystem_readonly == 0",
        "mountpoint",
    ),
    (
        "kube_pod_status_ready{condition=\"true\"} * on (namespace, pod) group_left (node) kube_pod_info == 0",
        "node",
    ),
    ("label_replace(up == 0, \"host\", \"$1\", \"instance\", \"(.*):.*\")", "host"),
    ("max by (job) (time() - push_time_seconds) > 3600", "job"),
    ("count by (job) (up == 0) / count by (job) (up) > 0.5", "job"),
    ("changes(process_start_time_seconds[1h]) > 3", "instance"),
    ("increase(errors_total[10m]) > 0", "instance"),
    ("rate(request_seconds_sum[5m]) / rate(request_seconds_count[5m]) > 1", "instance"),
    (
        "sum by (job) (rate(http_requests_total{code=~\"5..\"}[5m])) > 2 unless sum by (job) (rate(http_requests_total[5m])) > 10",
        "job",
    ),
    ("deriv(disk_used_bytes[1h]) > 0 and predict_linear(disk_used_bytes[1h], 3600) > 1e9", "device"),
    ("100 - (avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) * 100) > 90", "instance"),
    (
        "sum by (instance) (rate(node_cpu_seconds_total{mode!=\"idle\"}[5m])) / count by (instance) (node_cpu_seconds_total{mode=\"idle\"}) > 0.9",
        "instance",
    ),
    ("ALERTS{alertname=\"Other\", alertstate=\"firing\"} == 1", "job"),
    ("count_values(\"version\", build_info) > 1", "version"),
    ("up{job=~\"a|b\"} == 0 or absent(up{job=\"a\"}) or absent(up{job=\"b\"})", "instance"),
    ("max_over_time(rate(jobs_total[1m])[10m:1m]) > 5", "instance"),
];

#[test]
fn nothing_is_said_about_rules_that_are_right() {
    for (expr, label) in RIGHT {
        let rule = format!(
            "- alert: A\n  expr: '{expr}'\n  for: 5m\n  labels: {{severity: page}}\n  annotations: {{summary: '{{{{ $labels.{label} }}}}'}}\n"
        );
        let found = findings(&rule, &Options::default());
        assert_eq!(ids(&found), [""; 0], "{expr}: {found:#?}");
    }
}

#[test]
fn a_name_alone_makes_no_error_of_a_rate() {
    let of = |told: &[MetricType]| {
        let metric_types = told.iter().map(|kind| ("received_bytes".to_owned(), *kind)).collect();
        let options = Options { metric_types, ..Options::default() };
        let rule = "- {alert: A, expr: 'rate(received_bytes[5m]) > 1', for: 1m, labels: {severity: x}, annotations: {summary: x}}";
        let found = findings(rule, &options);
        found.into_iter().map(|finding| (finding.rule, finding.severity)).collect::<Vec<_>>()
    };
    assert_eq!(of(&[]), [("rate-of-gauge", Severity::Warning)], "by its name");
    assert_eq!(of(&[MetricType::Gauge]), [("rate-of-gauge", Severity::Error)], "by its type");
    assert_eq!(of(&[MetricType::Counter]), [], "its type is right, and its name wrong");
    let rule = "- {record: 'a:b', expr: 'rate(sum(received_total)[5m:1m])'}";
    let [found] = &findings(rule, &Options::default())[..] else { panic!("one") };
    assert_eq!(found.severity, Severity::Error, "a sum is no counter, whatever it is of");
}

#[test]
fn a_part_that_is_still_divided_by_itself_is_told() {
    for expr in [
        "sum without (instance) (rate(runs_total{status=\"failure\"}[5m])) / sum without (instance) (rate(runs_total[5m])) > 0.1",
        "rate(runs_total{status=\"failure\"}[5m]) / rate(runs_total[5m]) > 0.1",
    ] {
        let found = findings(&format!("- alert: A\n  expr: '{expr}'\n"), &Options::default());
        assert!(ids(&found).contains(&"self-division"), "{expr}: {found:#?}");
    }
    let other = "sum without (a) (rate(errors_total[5m])) / sum without (b) (rate(requests_total[5m])) > 0.1";
    let found = findings(&format!("- alert: A\n  expr: '{other}'\n"), &Options::default());
    assert!(ids(&found).contains(&"ratio-labels"), "{found:#?}");
}

//! Each rule refuses the pack with the defect that it is named for, and takes the corrected one.

use bellwether_packs::generate::{OutputKind, generate};
use bellwether_packs::lint::{Level, RULES, lint};
use bellwether_packs::schema::Pack;

/// A rule, the defects of the guides that it prevents, a pack with the defect, what is said, and the same pack without it.
struct Case {
    rule: &'static str,
    defects: &'static [&'static str],
    wrong: &'static str,
    says: &'static str,
    right: &'static str,
}

fn parse(text: &str) -> Pack {
    let text = format!("pack: x\nversion: 1.0.0\n{text}");
    Pack::parse("x.yaml", text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

macro_rules! runs {
    () => {
        "metrics:\n- {name: runs_total, type: counter, help: x, labels: {flow: {max: 9}, status: [success, failure]}}\n"
    };
}

macro_rules! took {
    ($bounds:literal) => {
        concat!(
            "metrics:\n- {name: took_seconds, type: histogram, unit: seconds, help: x, buckets: ",
            $bounds,
            "}\n"
        )
    };
}

const CASES: &[Case] = &[
    Case {
        rule: "counter-total",
        defects: &["U6", "V9"],
        wrong: "metrics: [{name: executions_failed, type: counter, help: x}]",
        says: "x.yaml:3:18: error: counter executions_failed does not end in _total",
        right: "metrics: [{name: executions_failed_total, type: counter, help: x, aliases: [executions_failed]}]",
    },
    Case {
        rule: "counter-total",
        defects: &["U6", "V9"],
        wrong: "metrics: [{name: depth_total, type: gauge, help: x}]",
        says: "gauge depth_total ends in _total",
        right: "metrics: [{name: depth, type: gauge, help: x}]",
    },
    Case {
        rule: "unit-suffix",
        defects: &["U7", "D18", "V24"],
        wrong: "metrics: [{name: latency_ms, type: gauge, unit: milliseconds, help: x}]",
        says: "warning: latency_ms is in milliseconds, and the base unit is seconds",
        right: "metrics: [{name: latency_seconds, type: gauge, unit: seconds, help: x}]",
    },
    Case {
        rule: "unit-suffix",
        defects: &["U7", "D18", "V24"],
        wrong: "metrics: [{name: size, type: gauge, unit: bytes, help: x}]",
        says: "size has the unit bytes, and its name does not say so",
        right: "metrics: [{name: size_bytes, type: gauge, unit: bytes, help: x}]",
    },
    Case {
        rule: "reserved-suffix",
        defects: &["C20", "V23"],
        wrong: "metrics: [{name: graph_nodes_count, type: gauge, help: x}, {name: retry_count_total, type: counter, help: x}]",
        says: "graph_nodes_count ends in _count, which is a part of a histogram or summary",
        right: "metrics: [{name: graph_nodes, type: gauge, help: x, aliases: [graph_nodes_count]}]",
    },
    Case {
        rule: "namespace",
        defects: &["C11"],
        wrong: "namespace: app_\nmetrics: [{name: queue_depth, type: gauge, help: x}]",
        says: "queue_depth does not begin with app_",
        right: "namespace: app_\nmetrics: [{name: app_queue_depth, type: gauge, help: x}]",
    },
    Case {
        rule: "unique-name",
        defects: &[],
        wrong: "metrics: [{name: a, type: gauge, help: x}, {name: b, type: gauge, help: x, aliases: [a]}]",
        says: "the name \"a\" is there twice, the first time at line 3",
        right: "metrics: [{name: a, type: gauge, help: x}, {name: b, type: gauge, help: x}]",
    },
    Case {
        rule: "unique-name",
        defects: &[],
        wrong: "metrics: [{name: runs_total, type: counter, help: x}, {name: runs, type: gauge, help: x}]",
        says: "the family \"runs\" is there twice",
        right: "metrics: [{name: runs_total, type: counter, help: x}, {name: active_runs, type: gauge, help: x}]",
    },
    Case {
        rule: "type-fields",
        defects: &["D12", "V10", "V29"],
        wrong: "metrics: [{name: took_seconds, type: histogram, help: x}]",
        says: "histogram took_seconds has no buckets",
        right: "metrics: [{name: took_seconds, type: histogram, help: x, buckets: [1]}]",
    },
    Case {
        rule: "type-fields",
        defects: &["D12", "V10", "V29"],
        wrong: "metrics: [{name: depth, type: gauge, help: x, observed: true}]",
        says: "gauge depth cannot be observed",
        right: "metrics: [{name: sent_bytes_total, type: counter, help: x, observed: true}]",
    },
    Case {
        rule: "type-fields",
        defects: &["D12", "V10", "V29"],
        wrong: "metrics: [{name: size_bytes, type: summary, help: x}, {name: health, type: state_set, help: x}]",
        says: "state_set health has no states",
        right: "metrics: [{name: health, type: state_set, help: x, states: [healthy, unhealthy]}]",
    },
    Case {
        rule: "deprecation",
        defects: &[],
        wrong: "metrics: [{name: a, type: gauge, help: x, stability: deprecated}]",
        says: "a is deprecated and does not say everything",
        right: "metrics: [{name: a, type: gauge, help: x, stability: deprecated, replaced_by: a, until: 2.0.0}]",
    },
    Case {
        rule: "bounded-label",
        defects: &["D3", "V20", "G10"],
        wrong: "metrics: [{name: a, type: gauge, help: x, labels: {top_k: {}}}]",
        says: "x.yaml:3:52: error: nothing bounds the values of label top_k of a",
        right: "metrics: [{name: a, type: gauge, help: x, labels: {top_k: ['10', '100', more]}}]",
    },
    Case {
        rule: "bounded-label",
        defects: &["D3", "V20", "G10"],
        wrong: "metrics: [{name: a, type: gauge, help: x, labels: {workflow_execution_id: {max: 9}}}]",
        says: "label workflow_execution_id of a is another value for each event",
        right: "metrics: [{name: a, type: gauge, help: x, labels: {workflow_name: {max: 9}}}]",
    },
    Case {
        rule: "series-count",
        defects: &["D3", "V20"],
        wrong: "metrics: [{name: a, type: gauge, help: x, labels: {route: {max: 300}, tool: {max: 300}}}]",
        says: "a can have 90000 series for each process",
        right: "metrics: [{name: a, type: gauge, help: x, max_series: 500, labels: {route: {max: 300}, tool: {max: 300}}}]",
    },
    Case {
        rule: "label-value",
        defects: &["C21"],
        wrong: concat!(runs!(), "rates: [{name: r, of: 'runs_total{status=\"succes\"}'}]"),
        says: "label status of runs_total is never \"succes\"; did you mean \"success\"?",
        right: concat!(runs!(), "rates: [{name: r, of: 'runs_total{status=\"success\"}'}]"),
    },
    Case {
        rule: "label-value",
        defects: &["C21"],
        wrong: concat!(runs!(), "expressions: [{name: r, expr: 'sum(rate(runs_total{state!=\"x\"}[5m]))'}]"),
        says: "runs_total has no label state",
        right: concat!(
            runs!(),
            "expressions: [{name: r, expr: 'sum(rate(runs_total{status!=\"success\"}[5m]))'}]"
        ),
    },
    Case {
        rule: "known-label",
        defects: &["C8", "C9", "U10"],
        wrong: concat!(runs!(), "rates: [{name: r, of: runs_total, by: [pool]}]"),
        says: "\"r\" is grouped by pool, which runs_total does not have",
        right: concat!(runs!(), "rates: [{name: r, of: runs_total, by: [flow]}]"),
    },
    Case {
        rule: "known-series",
        defects: &["U3", "G5"],
        wrong: concat!(runs!(), "alerts: [{name: T, when: 'increase(approval_timeouts_total[5m]) > 0'}]"),
        says: "alert \"T\": nothing exposes approval_timeouts_total",
        right: concat!(
            runs!(),
            "external: {approval_timeouts_total: counter}\nalerts: [{name: T, when: 'increase(approval_timeouts_total[5m]) > 0'}]"
        ),
    },
    Case {
        rule: "expression-types",
        defects: &["G8"],
        wrong: concat!(runs!(), "quantiles: [{name: q, q: 0.9, of: runs_total}]"),
        says: "runs_total is a counter, and this needs a histogram",
        right: concat!(runs!(), "rates: [{name: q, of: runs_total}]"),
    },
    Case {
        rule: "ratio-groups",
        defects: &["D1", "D2", "V5"],
        wrong: concat!(
            runs!(),
            "panels: [{title: P, show: 'rate(runs_total{status=\"success\"}[5m]) / rate(runs_total[5m]) * 100'}]"
        ),
        says: "divides series that are not grouped by the same labels",
        right: concat!(
            runs!(),
            "ratios: [{name: r, num: 'status=\"success\"', of: runs_total}]\npanels: [{title: P, show: r}]"
        ),
    },
    Case {
        rule: "ratio-groups",
        defects: &["D1", "D2", "V5"],
        wrong: concat!(
            runs!(),
            "panels: [{title: P, show: 'sum by (flow) (rate(runs_total[5m])) / sum(rate(runs_total[5m]))'}]"
        ),
        says: "divides series that are not grouped by the same labels",
        right: concat!(
            runs!(),
            "panels: [{title: P, show: 'sum by (flow) (rate(runs_total[5m])) / on () group_left () sum(rate(runs_total[5m]))'}]"
        ),
    },
    Case {
        rule: "rate-as-share",
        defects: &["V4", "C4", "D8"],
        wrong: "metrics: [{name: errors_total, type: counter, help: x}]\nalerts: [{name: E, when: 'rate(errors_total[5m]) > 0.05'}]",
        says: "alert \"E\" compares failures per second with 0.05, as if they were a share",
        right: concat!(
            runs!(),
            "ratios: [{name: r, num: 'status=\"failure\"', of: runs_total}]\nalerts: [{name: E, when: r > 0.05}]"
        ),
    },
    Case {
        rule: "quantile-le",
        defects: &["D7", "C7", "V15"],
        wrong: concat!(
            took!("[1, 10]"),
            "panels: [{title: P, show: 'histogram_quantile(0.95, rate(took_seconds_bucket[5m]))'}]"
        ),
        says: "is a quantile of each series, not of all observations",
        right: concat!(
            took!("[1, 10]"),
            "panels: [{title: P, show: 'histogram_quantile(0.95, sum by (le) (rate(took_seconds_bucket[5m])))'}]"
        ),
    },
    Case {
        rule: "counter-rate",
        defects: &["G8", "G9"],
        wrong: concat!(runs!(), "panels: [{title: P, show: runs_total}]"),
        says: "runs_total is a counter, whose value only says how long its process has run",
        right: concat!(
            runs!(),
            "panels: [{title: P, show: 'sum by (flow) (rate(runs_total[5m]))'}, {title: Q, show: sum(runs_total)}]"
        ),
    },
    Case {
        rule: "counter-rate",
        defects: &["G8", "G9"],
        wrong: "metrics: [{name: depth, type: gauge, help: x}]\npanels: [{title: P, show: 'rate(depth[5m])'}]",
        says: "depth is a gauge, and rate takes every fall of it for a restart",
        right: "metrics: [{name: depth, type: gauge, help: x}]\npanels: [{title: P, show: 'deriv(depth[5m])'}]",
    },
    Case {
        rule: "threshold-in-buckets",
        defects: &["C1", "C5", "V7"],
        wrong: concat!(
            took!("[0.1, 0.5, 1]"),
            "quantiles: [{name: p95, q: 0.95, of: took_seconds}]\nalerts: [{name: Slow, when: p95 > 2}]"
        ),
        says: "alert \"Slow\" compares a quantile of took_seconds with 2, and its buckets reach from 0.1 to 1",
        right: concat!(
            took!("[0.1, 0.5, 1, 2, 5]"),
            "quantiles: [{name: p95, q: 0.95, of: took_seconds}]\nalerts: [{name: Slow, when: p95 > 2}]"
        ),
    },
    Case {
        rule: "for-and-severity",
        defects: &["U13"],
        wrong: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9}]",
        says: "alert \"D\" does not say how long its condition must hold",
        right: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9, for: 0s, severity: info}]",
    },
    Case {
        rule: "for-and-severity",
        defects: &["U13"],
        wrong: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9, for: 1m}]",
        says: "alert \"D\" does not say how bad it is",
        right: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9, for: 1m, severity: info}]",
    },
    Case {
        rule: "precomputed",
        defects: &["U4", "U5", "G9"],
        wrong: "metrics: [{name: success_rate, type: gauge, help: x}]\nalerts: [{name: S, when: success_rate < 0.9}]",
        says: "alert \"S\" is about success_rate, which the application has computed",
        right: concat!(
            runs!(),
            "ratios: [{name: r, num: 'status=\"success\"', of: runs_total}]\nalerts: [{name: S, when: r < 0.9}]"
        ),
    },
    Case {
        rule: "precomputed",
        defects: &["U4", "U5", "G9"],
        wrong: "metrics: [{name: latency, type: gauge, help: x, labels: {percentile: [p50, p95]}}]\nalerts: [{name: L, when: 'latency{percentile=\"p95\"} > 5'}]",
        says: "alert \"L\" is about latency, which the application has computed",
        right: concat!(
            took!("[1, 10]"),
            "quantiles: [{name: p95, q: 0.95, of: took_seconds}]\nalerts: [{name: L, when: p95 > 5}]"
        ),
    },
    Case {
        rule: "min-traffic",
        defects: &["U2", "D23", "C19"],
        wrong: concat!(
            runs!(),
            "ratios: [{name: r, num: 'status=\"success\"', of: runs_total}]\nalerts: [{name: S, when: r < 0.9}]"
        ),
        says: "error: alert \"S\" is about a share and does not say of how many events",
        right: concat!(
            runs!(),
            "ratios: [{name: r, num: 'status=\"success\"', of: runs_total}]\nalerts: [{name: S, when: r < 0.9, min_traffic: 1/m}]"
        ),
    },
    Case {
        rule: "absent",
        defects: &["C14", "D11", "U15"],
        wrong: "alerts: [{name: Down, when: 'up{job=\"api\"} == 0'}]",
        says: "alert \"Down\" is about something that is down, and does not fire when its series are gone altogether",
        right: "alerts: [{name: Down, when: 'up{job=\"api\"} == 0', absent: true}]",
    },
    Case {
        rule: "absent",
        defects: &["C14", "D11", "U15"],
        wrong: concat!(
            runs!(),
            "rates: [{name: n, of: runs_total, per: window, window: 30m}]\nalerts: [{name: Idle, when: n == 0}]"
        ),
        says: "alert \"Idle\" is about something that is down",
        right: concat!(
            runs!(),
            "rates: [{name: n, of: runs_total, per: window, window: 30m}]\nalerts: [{name: Idle, when: n == 0, absent: true}]"
        ),
    },
    Case {
        rule: "duplicate-alert",
        defects: &["U14"],
        wrong: concat!(
            runs!(),
            "ratios: [{name: good, num: 'status=\"success\"', of: runs_total}, {name: bad, num: 'status=\"failure\"', of: runs_total}]\n",
            "alerts: [{name: Low, when: good < 0.9}, {name: High, when: bad > 0.1}]"
        ),
        says: "alert \"High\" has the same condition as \"Low\"",
        right: concat!(
            runs!(),
            "ratios: [{name: good, num: 'status=\"success\"', of: runs_total}, {name: bad, num: 'status=\"failure\"', of: runs_total}]\n",
            "alerts: [{name: Low, when: good < 0.9}, {name: High, when: bad > 0.2}]"
        ),
    },
    Case {
        rule: "duplicate-alert",
        defects: &["U14"],
        wrong: concat!(
            runs!(),
            "ratios: [{name: good, num: 'status=\"success\"', of: runs_total}]\n",
            "alerts: [{name: Low, when: good < 0.9}, {name: High, when: 1 - good > 0.1}]"
        ),
        says: "alert \"High\" has the same condition as \"Low\"",
        right: concat!(
            runs!(),
            "ratios: [{name: good, num: 'status=\"success\"', of: runs_total}]\n",
            "alerts: [{name: Low, when: good < 0.9}, {name: High, when: 1 - good > 0.1, inhibited_by: [Low]}]"
        ),
    },
    Case {
        rule: "alert-text",
        defects: &[],
        wrong: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9}]",
        says: "warning: alert \"D\" does not say what is wrong",
        right: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9, annotations: {summary: deep}}]",
    },
    Case {
        rule: "alert-tests",
        defects: &[],
        wrong: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9, tests: {fires: {series: {depth: 10x30}}}}]",
        says: "warning: alert \"D\" has not both a case in which it fires and one in which it does not",
        right: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9, tests: {fires: {series: {depth: 10x30}}, quiet: {series: {depth: 1x30}}}}]",
    },
    Case {
        rule: "runbook",
        defects: &[],
        wrong: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9}]",
        says: "warning: alert \"D\" does not say where people read what to do",
        right: "metrics: [{name: depth, type: gauge, help: x}]\nrunbooks: docs/runbooks/x.md\nalerts: [{name: D, when: depth > 9}]",
    },
    Case {
        rule: "objective-tests",
        defects: &[],
        wrong: "metrics: [{name: runs_total, type: counter, help: x, labels: {code: {max: 9}}}]\nratios: [{name: good, num: 'code!~\"5..\"', of: runs_total}]\nslos: [{name: s, objective: 99, sli: good}]",
        says: "warning: objective \"s\" has no tests of its alerts: no good and bad events of good can be made up",
        right: "metrics: [{name: runs_total, type: counter, help: x, labels: {code: {max: 9, examples: ['200', '500']}}}]\nratios: [{name: good, num: 'code!~\"5..\"', of: runs_total}]\nslos: [{name: s, objective: 99, sli: good}]",
    },
    Case {
        rule: "alert-case",
        defects: &[],
        wrong: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9, tests: {quiet: {series: {dept: 1x9}}}}]",
        says: "x.yaml:4:62: error: alert \"D\": nothing exposes dept",
        right: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9, tests: {quiet: {series: {depth: 1x9}}}}]",
    },
    Case {
        rule: "alert-case",
        defects: &[],
        wrong: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9, tests: {quiet: {series: {depth: 1x}}}}]",
        says: "depth with \"1x\" is not a series",
        right: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9, tests: {quiet: {series: {depth: 1x3}}}}]",
    },
    Case {
        rule: "template",
        defects: &[],
        wrong: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9, annotations: {summary: '{{ $value | humanise }}'}}]",
        says: "alert \"D\" makes a rule that is refused",
        right: "metrics: [{name: depth, type: gauge, help: x}]\nalerts: [{name: D, when: depth > 9, annotations: {summary: '{{ $value | humanize }}'}}]",
    },
    Case {
        rule: "ports",
        defects: &["C2", "V14"],
        wrong: "services: [{name: worker, ports: [9090]}]",
        says: "worker listens on 9090, which is the port of the server that scrapes it",
        right: "services: [{name: worker, ports: [9464]}, {name: prometheus, ports: [9090]}]",
    },
    Case {
        rule: "ports",
        defects: &["C2", "V14"],
        wrong: "services: [{name: api, ports: [8000]}, {name: metrics, ports: [8000]}]",
        says: "metrics and api both listen on port 8000 of one host",
        right: "services: [{name: api, ports: [8000], container: true}, {name: metrics, ports: [8000], container: true}]",
    },
    Case {
        rule: "localhost-target",
        defects: &["D5", "V17"],
        wrong: "services: [{name: api, container: true}]\nscrape: [{job: api, targets: ['localhost:8003']}]",
        says: "x.yaml:4:31: error: localhost:8003 is the container of the server itself, not that of api",
        right: "services: [{name: api, container: true}]\nscrape: [{job: api, targets: ['api:8003']}]",
    },
    Case {
        rule: "notified",
        defects: &["D6", "V18", "C15"],
        wrong: "scrape: [{job: api, targets: ['api:1']}]\nalerts: [{name: Down, when: up == 0}]",
        says: "the pack scrapes and has 1 alerts, and nobody is told about them",
        right: "scrape: [{job: api, targets: ['api:1']}]\nalerts: [{name: Down, when: up == 0}]\nalertmanagers: ['alertmanager:9093']",
    },
    Case {
        rule: "shared-volume",
        defects: &["V2"],
        wrong: "services: [{name: app, volumes: {/tmp/prometheus: data}}, {name: prometheus, volumes: {/prometheus: data}}]",
        says: "prometheus and app both mount the volume data",
        right: "services: [{name: app, volumes: {/tmp/prometheus: regions}}, {name: prometheus, volumes: {/prometheus: data}}]",
    },
    Case {
        rule: "pinned-image",
        defects: &["D20", "V27"],
        wrong: "services: [{name: grafana, image: 'registry:5000/grafana:latest'}]",
        says: "warning: image registry:5000/grafana:latest of grafana is another one tomorrow",
        right: "services: [{name: grafana, image: 'registry:5000/grafana:11.2.0'}]",
    },
    Case {
        rule: "counts",
        defects: &["V8", "C17"],
        wrong: "counts: {metrics: 9, groups: {application: 1}}\nmetrics: [{name: a, type: gauge, help: x, group: application}]",
        says: "there should be 9 metrics, and there are 1",
        right: "counts: {metrics: 1, groups: {application: 1}}\nmetrics: [{name: a, type: gauge, help: x, group: application}]",
    },
    Case {
        rule: "references",
        defects: &[],
        wrong: "metrics: [{name: a, type: gauge, help: x, labels: {kind: [b]}, aliases: [{name: c, labels: {knd: type}}]}]",
        says: "there is no label \"knd\"; did you mean \"kind\"?",
        right: "metrics: [{name: a, type: gauge, help: x, labels: {kind: [b]}, aliases: [{name: c, labels: {kind: type}}]}]",
    },
    Case {
        rule: "references",
        defects: &[],
        wrong: "slos: [{name: s, objective: 99, sli: sucess}]\nratios: [{name: success, num: a, of: a}]\nmetrics: [{name: a, type: gauge, help: x}]",
        says: "there is no ratio \"sucess\"; did you mean \"success\"?",
        right: "slos: [{name: s, objective: 99, sli: success}]\nratios: [{name: success, num: a, of: a}]\nmetrics: [{name: a, type: gauge, help: x}]",
    },
    Case {
        rule: "references",
        defects: &[],
        wrong: "scrape: [{job: j, targets: ['j:1'], exposes: [qeue, a]}]\nmetrics: [{name: a, type: gauge, help: x}, {name: b, type: gauge, help: x, group: queue}]",
        says: "there is no metric or group of metrics \"qeue\"; did you mean \"queue\"?",
        right: "scrape: [{job: j, targets: ['j:1'], exposes: [queue, a]}]\nmetrics: [{name: a, type: gauge, help: x}, {name: b, type: gauge, help: x, group: queue}]",
    },
];

#[test]
fn each_rule_refuses_its_defect_and_takes_the_correction() {
    for Case { rule, defects, wrong, says, right } in CASES {
        let findings = lint(&parse(wrong));
        let of_rule: Vec<_> = findings.iter().filter(|finding| finding.rule == *rule).collect();
        assert!(
            of_rule.iter().any(|finding| finding.to_string().contains(says) && finding.defects == *defects),
            "{rule}: {wrong}\nsays {findings:#?}\nand not {says}"
        );
        let findings = lint(&parse(right));
        let left: Vec<_> = findings.iter().filter(|finding| finding.rule == *rule).collect();
        assert!(left.is_empty(), "{rule}: {right}\nis refused: {left:#?}");
    }
}

#[test]
fn every_rule_has_a_case() {
    for rule in RULES {
        assert!(CASES.iter().any(|case| case.rule == rule.id), "no case for {}", rule.id);
    }
}

/// What the lint of packs was made for, by the ids in the guides of the five teams.
const PREVENTED: [&str; 35] = [
    "U6", "V9", "C20", "V23", "U3", "G5", "C1", "C5", "V7", "D1", "D2", "V5", "V4", "C4", "D7", "C7", "V15",
    "U13", "U4", "U5", "U2", "D23", "C14", "D11", "D3", "V20", "C2", "V14", "D5", "V17", "D6", "V18", "V2",
    "V8", "U14",
];

#[test]
fn every_defect_that_lint_was_made_for_has_a_rule() {
    for defect in &PREVENTED {
        assert!(RULES.iter().any(|rule| rule.defects.contains(defect)), "{defect}");
    }
}

#[test]
fn rules_are_set_aside_where_the_author_says_why() {
    let metric =
        |allow: &str| format!("metrics: [{{name: a_count, type: gauge, help: x, allow: {{{allow}}}}}]");
    let count = |text: &str| lint(&parse(text)).len();
    assert_eq!(count(&metric("")), 1);
    assert_eq!(count(&metric("reserved-suffix: old dashboards use it")), 0);
    assert_eq!(count(&metric("namespace: another rule")), 1);
    assert_eq!(count(&format!("{}\nallow: {{reserved-suffix: as it is}}", metric(""))), 0);
}

/// Otherwise something would have to be made of what has no meaning.
#[test]
fn what_has_no_meaning_cannot_be_set_aside() {
    let metrics = "metrics: [{name: a_total, type: counter, help: x}]";
    let wrong = [
        "alerts: [{name: D, when: foo > 9, for: 1m, severity: info, allow: {known-series: from elsewhere}}]",
        "slos: [{name: s, objective: 99, sli: nope}]",
        "expressions: [{name: e, expr: e + 1, allow: {expression-types: x}}]\nrecordings: [{record: r, expr: e}]",
        "panels: [{title: P, show: nope + 1}]",
        "dashboards: [{title: D, variables: [nope], panels: [{title: P, show: a_total}]}]",
    ];
    for wrong in wrong {
        let allow = "allow: {known-series: x, expression-types: x, references: x}";
        let pack = parse(&format!("{metrics}\n{wrong}\n{allow}"));
        generate(&pack, OutputKind::ALL).expect_err(wrong);
    }
}

#[test]
fn what_a_name_is_allowed_its_users_need_not_be() {
    let pack = parse(
        "metrics: [{name: used_total, type: counter, help: x}]\n\
         expressions: [{name: use, expr: used_total / 2, allow: {counter-rate: used up since the start}}]\n\
         panels: [{title: P, show: use}, {title: Q, show: used_total * 2}]",
    );
    let found: Vec<String> = lint(&pack).iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("panel \"Q\": used_total is a counter"), "{found:?}");
}

#[test]
fn findings_come_in_the_order_of_the_file() {
    let pack =
        parse("metrics:\n- {name: a_count, type: gauge, help: x}\n- {name: b, type: counter, help: x}\n");
    let findings = lint(&pack);
    let lines: Vec<u32> = findings.iter().map(|finding| finding.position.line).collect();
    assert_eq!(lines, [4, 5]);
    assert!(findings.iter().all(|finding| finding.level == Level::Error));
    assert_eq!(
        findings[0].to_string(),
        "x.yaml:4:10: error: a_count ends in _count, which is a part of a histogram or summary; \
         call it a or the like, and keep a_count as an alias [reserved-suffix: C20, V23]"
    );
}

//! What a server tells besides the examples of the documentation.

use bellwether_lint::{AskError, LiveOptions, Options, RuleSource, Server, Severity, learn, lint_live};
use bellwether_model::MetricType;
use serde_json::{Value, json};

use crate::server::MemoryServer;
use crate::{ids, in_a_group};

/// Everything else that lint demands.
const REST: &str = "for: 5m, labels: {severity: info}, annotations: {summary: x}";

#[test]
fn a_series_that_is_gone_is_missed_since_its_last_sample() {
    let server = MemoryServer::new("gone 1x10 _x1000\nhere 1x1000");
    let rules = format!("- {{alert: A, expr: gone > 5, {REST}}}\n- {{alert: B, expr: here > 5, {REST}}}");
    let found = server.findings(&rules, &Options::default());
    assert_eq!(ids(&found), ["series-missing"], "{found:#?}");
    // Now is 2027-01-15T08:00:00Z; the last sample is a thousand minutes old, and series count for five minutes more.
    assert!(
        found[0].message.starts_with("there has been no series gone since 2027-01-14T15:"),
        "{}",
        found[0]
    );
}

#[test]
fn what_is_recorded_or_absent_is_not_missed() {
    let server = MemoryServer::new("here 1x1000");
    let rules = format!(
        "- {{record: 'a:b', expr: sum(here)}}\n- {{alert: A, expr: 'a:b > 5', {REST}}}\n- {{alert: B, expr: absent(nothing), {REST}}}"
    );
    let found = server.findings(&rules, &Options::default());
    // The alert that something is absent fires all the time, which is not often.
    assert_eq!(ids(&found), [] as [&str; 0], "{found:#?}");
}

#[test]
fn comments_set_live_findings_aside_and_are_judged_by_them() {
    let server = MemoryServer::new("here 1x1000");
    let rules = |metric: &str| {
        format!(
            "# lint: disable=series-missing it comes with the next release\n- {{alert: A, expr: {metric} > 5, {REST}}}"
        )
    };
    assert_eq!(ids(&server.findings(&rules("soon"), &Options::default())), [] as [&str; 0]);
    assert_eq!(ids(&server.findings(&rules("here"), &Options::default())), ["unused-disable"]);
    let offline = crate::findings(&rules("soon"), &Options::default());
    assert_eq!(ids(&offline), [] as [&str; 0], "without a server nobody knows");
}

#[test]
fn what_the_server_refuses_is_told() {
    let server = MemoryServer::new("a{x=\"1\"} 1x100\na{x=\"2\"} 1x100\nb{y=\"1\"} 1x100");
    let found =
        server.findings(&format!("- {{alert: A, expr: b / on () a > 1, {REST}}}"), &Options::default());
    let refused =
        found.iter().find(|finding| finding.rule == "query-cost").unwrap_or_else(|| panic!("{found:#?}"));
    assert!(refused.message.contains("found duplicate series for the match group"), "{refused}");
}

/// A server with a configuration and types, or none at all.
struct Told(Result<Value, AskError>);

impl Server for Told {
    fn ask(&self, path: &str, _: &[(&'static str, String)]) -> Result<Value, AskError> {
        self.0.clone().map(|told| told[path].clone())
    }

    fn follow(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn intervals_labels_and_types_are_learnt() {
    let config = "global:\n  evaluation_interval: 30s\n  external_labels:\n    cluster: eu\nscrape_configs:\n- job_name: a\n  scrape_interval: 5m\n";
    let server = Told(Ok(json!({
        "status/config": { "yaml": config },
        "metadata": { "x": [{ "type": "gauge" }], "y": [{ "type": "gauge" }, { "type": "counter" }] },
    })));
    let mut options = Options::default();
    learn(&server, &mut options).expect("learns");
    assert_eq!(options.evaluation_interval_ms, 30_000);
    assert_eq!(options.scrape_intervals_ms, [("a".to_owned(), 300_000)].into());
    assert_eq!(options.external_labels, [("cluster".to_owned(), "eu".to_owned())].into());
    assert_eq!(
        options.metric_types,
        [("x".to_owned(), MetricType::Gauge)].into(),
        "what contradicts itself is not known"
    );
    let found = crate::findings(&format!("- {{alert: A, expr: 'rate(x[10m]) > 1', {REST}}}"), &options);
    assert_eq!(ids(&found), ["rate-of-gauge"], "by its type: the name tells nothing");
    assert_eq!(found[0].severity, Severity::Error);
}

#[test]
fn a_server_that_does_not_answer_is_an_error() {
    let server = Told(Err(AskError::Unreachable("connection refused".to_owned())));
    let source =
        RuleSource::parse("rules.yml", in_a_group("- {alert: A, expr: up == 0}").as_bytes()).expect("valid");
    let asked = lint_live(&[source], &Options::default(), &server, &LiveOptions::default());
    assert_eq!(asked.expect_err("fails").to_string(), "the server cannot be asked: connection refused");
    let learnt = learn(&server, &mut Options::default());
    assert!(learnt.is_err());
}

#[test]
fn links_are_followed_only_if_asked_for() {
    let server = MemoryServer::new("up 1x1000");
    let rules = "- {alert: A, expr: up > 5, for: 1m, labels: {severity: x}, annotations: {summary: x, runbook_url: 'https://wiki.example/gone'}}\n\
                 - {alert: B, expr: up > 6, for: 1m, labels: {severity: x}, annotations: {summary: x, runbook_url: 'https://wiki.example/down'}}";
    let source = || RuleSource::parse("rules.yml", in_a_group(rules).as_bytes()).expect("valid");
    let of = |check_links| {
        let live = LiveOptions { check_links, ..LiveOptions::default() };
        let options = Options { now_ms: 1_800_000_000_000, ..Options::default() };
        lint_live(&[source()], &options, &server, &live).expect("asked")
    };
    // `up` is 0 or 1, so both comparisons are found as well.
    let dead: Vec<_> = of(true).into_iter().filter(|finding| finding.rule == "runbook-dead").collect();
    assert!(
        matches!(dead.as_slice(), [one] if one.message.contains("gone, and there: HTTP status 404")),
        "{dead:#?}"
    );
    assert!(!ids(&of(false)).contains(&"runbook-dead"));
}

//! `bellwether lint rules`: exit codes, and what it takes from configurations.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::admin::command;
use crate::http_api::push_to;
use crate::support::{Bellwether, free_port, prometheus, root, wait_for};

/// The exit code and the ids of the rules that found something.
fn lint(dir: &Path, args: &[&str]) -> (Option<i32>, Vec<String>) {
    let output = Command::new(Bellwether::binary())
        .args(["lint", "rules", "--format", "json"])
        .args(args)
        .current_dir(dir)
        .output()
        .expect("runs");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    let findings = answer["findings"].as_array().into_iter().flatten();
    let ids = findings.filter_map(|finding| finding["rule"].as_str().map(str::to_owned)).collect();
    (output.status.code(), ids)
}

const RULES: &str = "groups:
- name: g
  rules:
  - alert: Busy
    expr: sum(rate(requests_total{job=\"batch\"}[5m])) > 100
    for: 1m
    labels: {severity: page}
    annotations: {summary: busy}
";

#[test]
fn configurations_tell_intervals_and_routes() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("written");
    write("rules.yml", RULES);
    assert_eq!(lint(dir.path(), &["rules.yml"]), (Some(0), Vec::new()));

    write(
        "bw.yml",
        "global: {evaluation_interval: 2m}\nrule_files: [rules.yml]\nscrape_configs:\n- {job_name: batch, scrape_interval: 3m, scrape_timeout: 1m}\n",
    );
    let (code, ids) = lint(dir.path(), &["--config", "bw.yml"]);
    assert_eq!(
        (code, ids),
        (Some(3), vec!["range-too-short".to_owned(), "for-shorter-than-interval".to_owned()])
    );

    write("wrong.yml", "global: {scrape_intervall: 1s}\n");
    let (code, ids) = lint(dir.path(), &["--config", "wrong.yml"]);
    assert_eq!((code, ids), (Some(1), vec!["invalid-config".to_owned()]), "in the form that was asked for");

    write(
        "am.yml",
        "route: {receiver: nobody, routes: [{matchers: ['severity=\"page\"'], receiver: pager}, {matchers: ['alertname=\"Watchdog\"'], receiver: switch}, {matchers: ['severity=\"ticket\"'], receiver: desk}]}\n\
         receivers: [{name: nobody}, {name: pager}, {name: switch, webhook_configs: [{url: 'http://127.0.0.1:9'}]}, {name: desk, webhook_configs: [{url: 'http://127.0.0.1:9'}]}]\n",
    );
    let unreached = |n: usize| (Some(3), vec!["receiver-unreached".to_owned(); n]);
    let to_switch = lint(dir.path(), &["--alertmanager", "am.yml", "rules.yml"]);
    assert_eq!(to_switch, unreached(1), "the desk; the server's own alert comes to the switch");
    write("own.yml", "rules: {builtin_alerts: false}\n");
    let without = lint(dir.path(), &["--alertmanager", "am.yml", "--config", "own.yml", "rules.yml"]);
    assert_eq!(without, unreached(2), "nothing comes to the switch");

    let demand = ["--require-label", "team", "--require-annotation", "summary=[A-Z].*", "rules.yml"];
    let (code, ids) = lint(dir.path(), &demand);
    assert_eq!((code, ids), (Some(3), vec!["label-missing".to_owned(), "annotation-missing".to_owned()]));
}

#[test]
fn refused_files_and_command_lines_have_their_own_exit_codes() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("bad.yml"), RULES.replace("100", "100)")).expect("written");
    assert_eq!(lint(dir.path(), &["bad.yml"]), (Some(1), vec!["promql-syntax".to_owned()]));
    assert_eq!(lint(dir.path(), &["--format", "xml", "bad.yml"]).0, Some(2));
    let (success, said) = command(dir.path(), &["lint", "rules"]);
    assert!(!success && said.contains("no rule files: name some"), "{said}");
}

const LIVE_RULES: &str = "groups:
- name: g
  rules:
  - {alert: NoMetric, expr: 'rate(hits_totl[5m]) > 9', for: 1m}
  - {alert: NoLabel, expr: 'rate(hits_total{route=\"/a\"}[5m]) > 9', for: 1m}
  - {alert: NoValue, expr: 'rate(hits_total{path=\"/z\"}[5m]) > 9', for: 1m}
  - {alert: NoPair, expr: 'rate(hits_total[5m]) + on (job, path) group_left () rate(misses_total[5m]) > 9', for: 1m}
  - {alert: Fine, expr: 'rate(hits_total{path=\"/a\"}[5m]) > 9', for: 1m}
  - {alert: Often, expr: 'hits_sum_of_some % 2 == 1', for: 0s}
";

/// A sample each minute in the last forty: counters that grow, and a number that is odd every other minute.
fn pushed_to(url: &str) {
    let now_ms = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis() as i64;
    let minutes: Vec<(i64, f64)> =
        (0..=40).map(|minute| (now_ms - 60_000 * (40 - minute), minute as f64)).collect();
    let (status, said) = push_to(
        url,
        &[
            (&[("__name__", "hits_total"), ("job", "api"), ("path", "/a")], &minutes),
            (&[("__name__", "misses_total"), ("job", "api"), ("path", "/b")], &minutes),
            (&[("__name__", "hits_sum_of_some"), ("job", "api")], &minutes),
        ],
    );
    assert!(status == 204 || status == 200, "{status} {said}");
}

#[test]
fn a_running_server_tells_what_is_there() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("rules.yml"), LIVE_RULES).expect("written");
    fs::write(dir.path().join("prometheus.yml"), "{}").expect("written");
    let ours = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml", "--storage.tsdb.path=ours"]);
    let (_process, theirs) = prometheus(dir.path(), &["--web.enable-remote-write-receiver"]);
    for url in [&ours.url, &theirs] {
        pushed_to(url);
        let live = [
            "--live",
            url,
            "--live-lookback",
            "1h",
            "--max-firings",
            "5",
            "--require-label",
            "",
            "--require-annotation",
            "",
            "rules.yml",
        ];
        let (code, ids) = lint(dir.path(), &live);
        assert_eq!(
            ids,
            ["series-missing", "label-unseen", "value-unseen", "sides-never-match", "noisy-alert"],
            "{url}"
        );
        assert_eq!(code, Some(3), "{url}");
    }
}

#[test]
fn a_server_that_does_not_answer_is_an_error_and_no_finding() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("rules.yml"), LIVE_RULES).expect("written");
    let url = format!("http://127.0.0.1:{}", free_port());
    let (success, said) = command(dir.path(), &["lint", "rules", "--live", &url, "rules.yml"]);
    assert!(
        !success && said.starts_with("bellwether: the server cannot be asked: http://127.0.0.1:"),
        "{said}"
    );
    assert!(!said.contains("rules.yml"), "{said}");
}

#[test]
fn the_server_tells_what_lint_says_about_its_rules() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("rules.yml"), RULES.replace("    for: 1m\n", "")).expect("written");
    fs::write(dir.path().join("prometheus.yml"), "rule_files: [rules.yml]\n").expect("written");
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    // The rules are looked at beside the start.
    let lint = wait_for("findings", || {
        let groups = server.api("rules", &[("lint", "true"), ("rule_group[]", "g")]);
        let lint = groups["groups"][0]["rules"][0]["lint"].as_array()?.clone();
        (!lint.is_empty()).then_some(lint)
    });
    assert_eq!(
        (lint.len(), &lint[0]["rule"], &lint[0]["severity"]),
        (1, &"for-missing".into(), &"warning".into())
    );
    assert!(lint[0]["message"].is_string() && lint[0]["remedy"].is_string());
    assert_eq!(
        server.api("rules", &[("rule_group[]", "g")])["groups"][0]["rules"][0]["lint"],
        Value::Null,
        "only if asked for"
    );
    let (_, metrics) = server.get("/metrics");
    assert!(metrics.contains("bellwether_rule_lint_findings{rule=\"for-missing\",severity=\"warning\"} 1"));
}

#[test]
fn nothing_is_said_about_the_rules_of_packs() {
    let dir = tempfile::tempdir().expect("a folder");
    for pack in ["causal", "cugar", "dag", "devskyy", "gen_ai", "genesis", "http", "process", "system"] {
        let made = command(dir.path(), &["pack", "gen", pack, "--out", ".", "--kinds", "rules"]);
        assert!(made.0, "{}", made.1);
        // Links to runbooks begin at the folder of the repository.
        let rules = dir.path().join(format!("{pack}.rules.yml"));
        assert_eq!(lint(&root(), &[rules.to_str().expect("UTF-8")]), (Some(0), Vec::new()), "{pack}");
    }
}

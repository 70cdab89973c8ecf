//! `bellwether test rules`: the verdicts of `promtool`, and what it does not have.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::Value;

use crate::admin::command;
use crate::support::{Bellwether, require};

/// How many test files are compared at the least.
const CORPUS: usize = 300;

/// The packs with tests of their alerts.
const PACKS: [&str; 9] =
    ["causal", "cugar", "dag", "devskyy", "gen_ai", "genesis", "http", "process", "system"];

/// Whether each file passes, as the output of `test rules` says it.
fn verdicts(program: &Path, dir: &Path, args: &[String]) -> BTreeMap<String, bool> {
    let output = Command::new(program).args(["test", "rules"]).args(args).current_dir(dir).output();
    let output = output.unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    // promtool writes failures to the other stream, so only what succeeds is looked for.
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut verdicts: BTreeMap<String, bool> = BTreeMap::new();
    let mut file = String::new();
    for line in said.lines() {
        if let Some(name) = line.strip_prefix("Unit Testing:  ") {
            name.clone_into(&mut file);
            verdicts.insert(file.clone(), false);
        } else if line.starts_with("  SUCCESS") {
            verdicts.insert(file.clone(), true);
        }
    }
    verdicts
}

/// The rules of objectives are many, and the tests of alerts are not about them.
fn leave_out_objectives(file: &Path) {
    let text = fs::read_to_string(file).expect("a rule file");
    let (head, groups) = text.split_once("groups:\n").expect("groups");
    let groups: Vec<&str> = groups
        .split("\n- name: ")
        .map(|group| group.strip_prefix("- name: ").unwrap_or(group).trim_end())
        .collect();
    let kept: Vec<&str> = groups.into_iter().filter(|group| !group.contains("slo:")).collect();
    fs::write(file, format!("{head}groups:\n- name: {}\n", kept.join("\n- name: "))).expect("written");
}

/// The tests of a generated file as files of their own: as they are, with a wrong expectation, and about alerts instead of series.
fn split(dir: &Path, file: &str, names: &mut Vec<String>) {
    let text = fs::read_to_string(dir.join(file)).expect("a test file");
    let (head, tests) = text.split_once("tests:\n").expect("tests");
    for (number, test) in tests.split("\n- name: ").enumerate() {
        let test = test.strip_prefix("- name: ").unwrap_or(test).trim_end();
        let (before, _) = test.split_once("  promql_expr_test:").expect("an expectation");
        let (_, alert) = test.split_once("alertname=\"").expect("an alert");
        let (alert, _) = alert.split_once('"').expect("the name of the alert");
        let (_, time) = test.split_once("eval_time: ").expect("a time");
        let time = time.lines().next().expect("a time");
        let wrong = if test.contains("exp_samples:") {
            test.replace("      value: 1", "      value: 2")
        } else {
            format!(
                "{test}\n    exp_samples:\n    - labels: ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}}\n      value: 1"
            )
        };
        let about_alerts = format!(
            "{before}  alert_rule_test:\n  - eval_time: {time}\n    alertname: {alert}\n    exp_alerts: []"
        );
        // Each third test also about alerts, so that all take no longer than they must.
        let texts = [Some(test), Some(&*wrong), number.is_multiple_of(3).then_some(&*about_alerts)];
        for text in texts.into_iter().flatten() {
            let name = format!("corpus-{}.test.yml", names.len());
            fs::write(dir.join(&name), format!("{head}tests:\n- name: {text}\n")).expect("written");
            names.push(name);
        }
    }
}

#[test]
fn verdicts_are_those_of_promtool() {
    require("promtool");
    let dir = tempfile::tempdir().expect("a folder");
    let mut names = Vec::new();
    for pack in PACKS {
        let made = command(dir.path(), &["pack", "gen", pack, "--out", ".", "--kinds", "rules,rule-tests"]);
        assert!(made.0, "{}", made.1);
        leave_out_objectives(&dir.path().join(format!("{pack}.rules.yml")));
        split(dir.path(), &format!("{pack}.rules.test.yml"), &mut names);
    }
    // Beside each other: each takes some seconds of one processor.
    let (theirs, ours) = thread::scope(|scope| {
        let theirs = scope.spawn(|| verdicts(Path::new("promtool"), dir.path(), &names));
        let ours = verdicts(&Bellwether::binary(), dir.path(), &names);
        (theirs.join().expect("verdicts"), ours)
    });
    assert_eq!(ours.len(), names.len());
    let compared = names.len() + compare_upstream_files();
    let passed = ours.values().filter(|passed| **passed).count();
    println!(
        "test rules: {compared} files compared with promtool; of {} from packs {passed} pass",
        names.len()
    );
    for (file, passed) in &theirs {
        let text = || fs::read_to_string(dir.path().join(file)).expect("there");
        assert_eq!(ours.get(file), Some(passed), "promtool says {passed}: {}", text());
    }
    assert!(passed * 3 > names.len() && passed < names.len(), "{passed} pass");
    assert!(compared >= CORPUS, "{compared}");
}

/// Files that Debian's release does not read as the current one does: histograms as samples, `start_timestamp`, and the default of `interval`. It has no `--run` either.
const NEWER_THAN_DEBIAN: [&str; 3] = ["unittest.yml", "start-time-test.yml", "no-test-group-interval.yml"];

/// Upstream's files; how many were compared. Where they are not at hand, none is missed.
fn compare_upstream_files() -> usize {
    let folder = std::env::var_os("CONFORMANCE_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    let folder = folder.join("config/unit-tests");
    let Ok(bytes) = fs::read(folder.join("expectations.json")) else {
        return CORPUS;
    };
    let cases: Value = serde_json::from_slice(&bytes).expect("JSON");
    let mut compared = 0;
    for case in cases["cases"].as_array().expect("a list") {
        let file = case["file"].as_str().expect("a file");
        // Whatever version: the expectations were recorded with the current one, and are held in the room of rules.
        if NEWER_THAN_DEBIAN.contains(&file) || case["run"].is_array() {
            continue;
        }
        let [theirs, ours] = [PathBuf::from("promtool"), Bellwether::binary()].map(|program| {
            let output = Command::new(program).args(["test", "rules", file]).current_dir(&folder).output();
            output.expect("runs").status.success()
        });
        assert_eq!(ours, theirs, "{case}");
        compared += 1;
    }
    compared
}

const RULES: &str = "groups:
- name: g
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: Down
    expr: job:up:sum == 0
    for: 1m
    labels: {severity: page}
  - alert: Unseen
    expr: up > 5
";

const TESTS: &str = "rule_files: [rules.yml]
alertmanager_config: am.yml
tests:
- name: goes down
  interval: 1m
  input_series: [{series: 'up{job=\"a\"}', values: '1 0 0 0'}]
  alert_rule_test:
  - {eval_time: 3m, alertname: Down, exp_alerts: [{exp_labels: {job: a, severity: page}}]}
  route_test:
  - {labels: {alertname: Down, severity: page}, exp_receivers: [pager], exp_group_keys: ['{}/{severity=\"page\"}:{alertname=\"Down\"}']}
";

const ROUTES: &str = "route:
  receiver: mail
  group_by: [alertname]
  routes: [{matchers: ['severity=\"page\"'], receiver: pager}]
receivers: [{name: mail}, {name: pager}]
";

fn folder(tests: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in [("rules.yml", RULES), ("tests.yml", tests), ("am.yml", ROUTES)] {
        fs::write(dir.path().join(name), text).expect("written");
    }
    dir
}

#[test]
fn routes_are_tested() {
    let dir = folder(TESTS);
    let (success, said) = command(dir.path(), &["test", "rules", "tests.yml"]);
    assert!(success && said.contains("SUCCESS: 1 test\n"), "{said}");

    let dir = folder(&TESTS.replace("exp_receivers: [pager]", "exp_receivers: [mail]"));
    let (success, said) = command(dir.path(), &["test", "rules", "tests.yml"]);
    assert!(!success, "{said}");
    assert!(said.contains("tests.yml:10:5: goes down: receivers of"), "{said}");
    assert!(said.contains("  exp: mail\n  got: pager"), "{said}");

    let dir = folder(&TESTS.replace("alertmanager_config: am.yml\n", ""));
    let (success, said) = command(dir.path(), &["test", "rules", "tests.yml"]);
    assert!(!success && said.contains("tests.yml: route_test needs alertmanager_config"), "{said}");
}

#[test]
fn failures_are_shown_beside_each_other_and_written_for_programs() {
    let dir = folder(&TESTS.replace("severity: page}}]", "severity: mail}}]"));
    let (success, said) =
        command(dir.path(), &["test", "rules", "--diff", "--debug", "--junit", "out.xml", "tests.yml"]);
    assert!(!success, "{said}");
    assert!(said.contains("alertname: Down, time: 180000 ms\n"), "{said}");
    let expected = "Labels:{job=\"a\", severity=\"mail\"} Annotations:{}";
    let got = "Labels:{job=\"a\", severity=\"page\"} Annotations:{}";
    assert!(said.contains(&format!("  ! {expected}   | {got}\n")), "{said}");
    assert!(
        said.contains(
            "DEBUG: goes down: 60000 ms: {alertname=\"Down\", job=\"a\", severity=\"page\"} pending"
        ),
        "{said}"
    );
    assert!(
        said.contains(
            "DEBUG: goes down: 120000 ms: {alertname=\"Down\", job=\"a\", severity=\"page\"} firing"
        ),
        "{said}"
    );
    let xml = fs::read_to_string(dir.path().join("out.xml")).expect("written");
    assert!(xml.contains("<testsuite name=\"tests.yml\" tests=\"1\" failures=\"1\" errors=\"0\">"), "{xml}");
    assert!(xml.contains("<failure message=\"alertname: Down, time: 180000 ms\">"), "{xml}");
    assert!(xml.contains("severity=&quot;mail&quot;"), "{xml}");
}

#[test]
fn rules_that_nobody_tests_are_named() {
    let dir = folder(TESTS);
    let code = |args: &[&str]| {
        let mut program = Command::new(Bellwether::binary());
        let output =
            program.args(["test", "rules"]).args(args).current_dir(dir.path()).output().expect("runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (exit, said) = code(&["--coverage", "tests.yml"]);
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("rules.yml:10:5: no test looks at Unseen\ntests look at 2 of 3 rules\n"), "{said}");
    assert_eq!(code(&["--coverage=66", "tests.yml"]).0, Some(0));
    assert_eq!(code(&["--coverage=67", "tests.yml"]).0, Some(3));
}

#[test]
fn a_missing_rule_file_may_count_as_a_failure() {
    let dir = folder(&TESTS.replace("[rules.yml]", "[rules.yml, more/*.yml]"));
    let (success, said) = command(dir.path(), &["test", "rules", "tests.yml"]);
    assert!(success && said.contains("WARNING: no file match pattern more/*.yml"), "{said}");
    let (success, said) = command(dir.path(), &["test", "rules", "--warn-as-error", "tests.yml"]);
    assert!(!success && said.contains("FAILED: a warning counts as a failure"), "{said}");
}

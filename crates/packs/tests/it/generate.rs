//! What is made of packs, judged by those who read it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use bellwether_packs::generate::{GeneratedFile, OutputKind, generate};
use bellwether_packs::lint::lint;
use bellwether_packs::schema::{Metric, MetricKind, Pack, Receiver};
use bellwether_promql::syntax::{ParserOptions, parse_expr};
use bellwether_rules::slo::ABSENT_SUFFIX;
use bellwether_rules::{RuleFile, RuleFileOptions, RuleKind, UnitTestOptions, run_unit_tests};

/// The packs of the repository.
pub(crate) fn packs() -> Vec<(PathBuf, Pack)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../packs"));
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("there are packs")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 2, "{paths:?}");
    paths
        .into_iter()
        .map(|path| (path.clone(), Pack::load(&path).unwrap_or_else(|e| panic!("{e}"))))
        .collect()
}

pub(crate) fn all(pack: &Pack) -> Vec<GeneratedFile> {
    generate(pack, OutputKind::ALL).unwrap_or_else(|e| panic!("{e}"))
}

pub(crate) fn text<'f>(files: &'f [GeneratedFile], name: &str) -> &'f str {
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let file = files.iter().find(|file| file.name == name);
    &file.unwrap_or_else(|| panic!("no {name} in {names:?}")).text
}

/// Writes files into a folder of their own.
fn written(files: &[GeneratedFile]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for file in files {
        std::fs::write(folder.path().join(&file.name), &file.text).expect("written");
    }
    folder
}

/// What a program of Debian's says, which must succeed.
fn tool(program: &str, folder: &Path, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(folder).output();
    let output =
        output.unwrap_or_else(|e| panic!("{program} is missing ({e}); `scripts/setup.sh peers` installs it"));
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {said}");
    said
}

fn promtool(folder: &Path, args: &[&str]) {
    tool("promtool", folder, args);
}

/// Files of `pack` are read by promtool and by our own reader, and the tests of the alerts pass with both. Those of objectives, which take a while, are left to promtool here; a test
/// of the program runs them, too.
fn judge_rules(pack: &Pack, files: &[GeneratedFile]) {
    let folder = written(files);
    let rules = format!("{}.rules.yml", pack.name);
    if files.iter().any(|file| file.name == rules) {
        promtool(folder.path(), &["check", "rules", &rules]);
        let parsed = RuleFile::parse(&rules, text(files, &rules).as_bytes(), &RuleFileOptions::default());
        parsed.unwrap_or_else(|e| panic!("{e}"));
    }
    for tests in files.iter().map(|file| &file.name).filter(|name| name.ends_with(".test.yml")) {
        promtool(folder.path(), &["test", "rules", tests]);
        if tests.ends_with(".slos.test.yml") {
            continue;
        }
        let options =
            UnitTestOptions { find_files: |path| vec![path.to_owned()], ..UnitTestOptions::default() };
        let report = run_unit_tests(&folder.path().join(tests), &options).unwrap_or_else(|e| panic!("{e}"));
        let failures: Vec<String> = report.failures().map(ToString::to_string).collect();
        assert!(failures.is_empty(), "{failures:?}");
        assert!(!report.outcomes.is_empty());
    }
}

#[test]
fn the_packs_of_the_repository_are_clean() {
    for (path, pack) in packs() {
        let findings: Vec<String> = lint(&pack).iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "{}:\n{}", path.display(), findings.join("\n"));
    }
}

#[test]
fn rules_and_their_tests_are_taken_by_promtool_and_by_us() {
    for (_, pack) in packs() {
        judge_rules(&pack, &all(&pack));
    }
}

#[test]
fn configurations_are_taken_by_promtool() {
    let mut checked = 0;
    for (_, pack) in packs() {
        let files = all(&pack);
        let name = format!("{}.prometheus.yml", pack.name);
        if !files.iter().any(|file| file.name == name) {
            continue;
        }
        let folder = written(&files);
        for path in pack.scrape.iter().filter_map(|scrape| scrape.token_file.as_ref()) {
            std::fs::write(folder.path().join(path), "secret").expect("written");
        }
        promtool(folder.path(), &["check", "config", &name]);
        checked += 1;
    }
    assert!(checked >= 3, "{checked}");
}

/// The names and severities of all alerts in a rule file.
fn alerts_of(rules: &str) -> Vec<(String, String)> {
    let rules = RuleFile::parse("rules.yml", rules.as_bytes(), &RuleFileOptions::default());
    let rules = rules.unwrap_or_else(|e| panic!("{e}"));
    let alerts = rules.groups.iter().flat_map(|group| &group.rules).filter_map(|rule| {
        let RuleKind::Alerting { alert, .. } = &rule.kind else { return None };
        Some((alert.clone(), rule.labels.get("severity").expect("has one").clone()))
    });
    alerts.collect()
}

#[test]
fn configurations_of_the_alertmanager_are_taken_by_amtool_and_reach_those_who_are_meant() {
    let mut routed = 0;
    for (_, pack) in packs() {
        let files = all(&pack);
        let name = format!("{}.alertmanager.yml", pack.name);
        if pack.receivers.is_empty() {
            assert!(!files.iter().any(|file| file.name == name));
            continue;
        }
        let folder = written(&files);
        let said = tool("amtool", folder.path(), &["check-config", &name]);
        assert!(said.contains(&format!("{} receivers", pack.receivers.len())), "{said}");
        for (alert, severity) in alerts_of(text(&files, &format!("{}.rules.yml", pack.name))) {
            let wants = |receiver: &&Receiver| {
                receiver.severities.is_empty() || receiver.severities.iter().any(|s| s.as_str() == severity)
            };
            let meant: Vec<&str> =
                pack.receivers.iter().filter(wants).map(|receiver| receiver.name.as_str()).collect();
            assert!(!meant.is_empty(), "{}: nobody is told of {alert}, which is {severity}", pack.name);
            let config = format!("--config.file={name}");
            let receivers = format!("--verify.receivers={}", meant.join(","));
            let labels = [format!("alertname={alert}"), format!("severity={severity}")];
            tool(
                "amtool",
                folder.path(),
                &["config", "routes", "test", &config, &receivers, &labels[0], &labels[1]],
            );
            routed += 1;
        }
    }
    assert!(routed > 60, "{routed} alerts of five packs");
}

#[test]
fn a_pack_that_uses_every_key_is_made() {
    let everything = include_str!("everything.yaml");
    let pack = Pack::parse("everything.yaml", everything.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    let files = all(&pack);
    let kinds: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "everything.rules.yml",
            "everything.aliases.yml",
            "everything.rules.test.yml",
            "everything.slos.test.yml",
            "everything.prometheus.yml",
            "everything.alertmanager.yml",
            "everything-everything.dashboard.json",
            "everything-main.dashboard.json",
            "everything.md",
            "everything.rs",
        ]
    );
    let folder = written(&files);
    promtool(folder.path(), &["check", "rules", "everything.rules.yml", "everything.aliases.yml"]);
    std::fs::write(folder.path().join("metrics_token"), "secret").expect("written");
    promtool(folder.path(), &["check", "config", "everything.prometheus.yml"]);
    tool("amtool", folder.path(), &["check-config", "everything.alertmanager.yml"]);
}

#[test]
fn every_alert_of_the_repository_has_both_cases() {
    for (_, pack) in packs() {
        let files = all(&pack);
        for alert in &pack.alerts {
            let tests = text(&files, &format!("{}.rules.test.yml", pack.name));
            for what in ["fires", "is quiet"] {
                assert!(tests.contains(&format!("name: {} {what}\n", alert.name)), "{} {what}", alert.name);
            }
        }
        // Those of objectives, each of which has three cases.
        let rules = text(&files, &format!("{}.rules.yml", pack.name));
        for alert in rules.lines().filter_map(|line| line.strip_prefix("  - alert: ")) {
            let is_of_objective = !pack.alerts.iter().any(|other| other.name.value == alert);
            if !is_of_objective || alert.ends_with(ABSENT_SUFFIX) {
                continue;
            }
            let tests = text(&files, &format!("{}.slos.test.yml", pack.name));
            let tiers = rules.matches(&format!("- alert: {alert}\n")).count();
            for (what, number) in [("fires", tiers), ("is quiet", 2 * tiers)] {
                let cases = tests.matches(&format!("name: {alert} {what} ")).count();
                assert_eq!(cases, number, "{alert} {what}");
            }
        }
    }
}

#[test]
fn a_case_that_does_not_hold_fails() {
    let pack = Pack::parse(
        "x.yaml",
        b"pack: x\nversion: 1.0.0\nmetrics: [{name: depth, type: gauge, help: x}]\n\
          alerts: [{name: D, when: depth > 9, for: 1m, severity: info, annotations: {summary: x}, \
          tests: {fires: {series: {depth: 5x30}}, quiet: {series: {depth: 5x30}}}}]",
    )
    .unwrap_or_else(|e| panic!("{e}"));
    let folder = written(&all(&pack));
    let options = UnitTestOptions { find_files: |path| vec![path.to_owned()], ..UnitTestOptions::default() };
    let report = run_unit_tests(&folder.path().join("x.rules.test.yml"), &options).expect("runs");
    assert_eq!(report.failures().count(), 1, "only the case that should fire fails");
}

#[test]
fn what_never_succeeded_has_a_success_ratio_and_fires() {
    let pack = Pack::parse(
        "x.yaml",
        b"pack: x
version: 1.0.0
metrics: [{name: runs_total, type: counter, help: x, labels: {flow: {max: 9}, status: [success, failure]}}]
ratios: [{name: good, num: 'status=\"success\"', of: runs_total, by: [flow]}]
alerts:
- name: Failing
  when: 1 - good > 0.1
  for: 5m
  severity: critical
  min_traffic: 1/m
  tests:
    fires: {series: {'runs_total{flow=\"a\",status=\"failure\"}': 0+3x20}, labels: [{flow: a}]}
    quiet: [{series: {'runs_total{flow=\"a\",status=\"failure\"}': 0 0 1x20}}, {series: {'runs_total{flow=\"a\",status=\"success\"}': 0+3x20}}]
",
    )
    .unwrap_or_else(|e| panic!("{e}"));
    judge_rules(&pack, &all(&pack));
}

#[test]
fn a_cache_that_only_misses_has_a_hit_ratio_and_fires() {
    let pack = Pack::parse(
        "x.yaml",
        b"pack: x
version: 1.0.0
metrics:
- {name: hits_total, type: counter, help: x, labels: {layer: {max: 9}}}
- {name: misses_total, type: counter, help: x, labels: {layer: {max: 9}}}
ratios: [{name: hit_ratio, num: hits_total, of: [hits_total, misses_total], by: [layer]}]
alerts:
- name: Cold
  when: hit_ratio < 0.5
  for: 5m
  severity: info
  min_traffic: 1/m
  tests:
    fires: {series: {'misses_total{layer=\"a\"}': 0+3x20, 'hits_total{layer=\"b\"}': 0+3x20}, labels: [{layer: a}]}
    quiet: {series: {'hits_total{layer=\"b\"}': 0+3x20}}
",
    )
    .unwrap_or_else(|e| panic!("{e}"));
    judge_rules(&pack, &all(&pack));
}

#[test]
fn the_same_pack_gives_the_same_bytes_and_says_which_it_was() {
    for (_, pack) in packs() {
        let files = all(&pack);
        assert_eq!(files, all(&pack));
        for file in &files {
            let origin = format!("from pack {} {} ({}.yaml)", pack.name, pack.version, pack.name);
            assert!(file.text.contains(&origin), "{}: {}", file.name, file.text);
        }
    }
}

#[test]
fn dashboards_have_a_panel_for_each_of_the_pack() {
    for (_, pack) in packs() {
        let files = all(&pack);
        let mut panels = 0;
        for file in files.iter().filter(|file| file.name.ends_with(".dashboard.json")) {
            let dashboard: serde_json::Value = serde_json::from_str(&file.text).expect("JSON");
            let mut taken = Vec::new();
            for panel in dashboard["panels"].as_array().expect("panels") {
                let place = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().expect("a place"));
                let [x, y, w, h] = place;
                assert!(x + w <= 24, "{panel}");
                let overlaps =
                    |[ox, oy, ow, oh]: &[u64; 4]| x < ox + ow && *ox < x + w && y < oy + oh && *oy < y + h;
                assert!(!taken.iter().any(overlaps), "{panel} lies on another panel");
                taken.push(place);
                panels += usize::from(panel["type"] != "row");
                for target in panel["targets"].as_array().into_iter().flatten() {
                    let expr = target["expr"].as_str().expect("PromQL");
                    parse_expr(expr, &ParserOptions::default()).unwrap_or_else(|e| panic!("{expr}: {e}"));
                }
            }
        }
        assert_eq!(panels, pack.panels().count());
    }
}

#[test]
fn variables_narrow_every_selector_that_has_the_label() {
    let (_, pack) = packs().into_iter().find(|(_, pack)| pack.name.value == "http").expect("there");
    let files = all(&pack);
    let dashboard: serde_json::Value =
        serde_json::from_str(text(&files, "http-http-server.dashboard.json")).expect("JSON");
    let success = &dashboard["panels"][1];
    assert_eq!(success["title"], "Success");
    assert_eq!(
        success["targets"][0]["expr"],
        r#"(sum(rate(http_requests_total{method=~"$method",route=~"$route",status!~"5.."}[5m])) or 0 * sum(rate(http_requests_total{method=~"$method",route=~"$route"}[5m]))) / sum(rate(http_requests_total{method=~"$method",route=~"$route"}[5m]))"#
    );
    assert_eq!(success["fieldConfig"]["defaults"]["unit"], "percentunit");
}

#[test]
fn the_reference_counts_itself() {
    let (_, pack) = packs().into_iter().find(|(_, pack)| pack.name.value == "process").expect("there");
    let files = all(&pack);
    let page = text(&files, "process.md");
    assert!(page.contains("8 metrics: 1 counter, 7 gauge."), "{page}");
    assert!(page.contains("### cpu (2)"), "{page}");
    assert!(page.contains("## Alerts (2)"), "{page}");
    assert!(
        page.contains("Addresses that the process may reserve. Of several processes: the greatest. |"),
        "{page}"
    );
}

const DEPLOYED: &str = "
pack: app
version: 1.0.0
metrics: [{name: depth, type: gauge, help: x, labels: {queue: [a, b]}}]
alerts:
- {name: Deep, when: depth > 9, for: 1m, severity: warning, inhibited_by: [Deeper]}
- {name: Deeper, when: depth > 99, for: 1m, severity: critical}
scrape:
- {job: app, targets: [app, 'other:1'], port: 8003, interval: 15s, timeout: 10s, path: /m, scheme: https, token_file: token, labels: {team: core}}
alertmanagers: ['alertmanager:9093']
receivers:
- {name: hook, type: webhook, to: 'http://hooks.example/x'}
- {name: pager, type: pagerduty, to: 'file:/run/secrets/key', severities: [critical]}
";

#[test]
fn the_configuration_scrapes_loads_the_rules_and_notifies() {
    let pack = Pack::parse("app.yaml", DEPLOYED.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    let files = all(&pack);
    let folder = written(&files);
    std::fs::write(folder.path().join("token"), "secret").expect("written");
    promtool(folder.path(), &["check", "config", "app.prometheus.yml"]);
    assert_eq!(
        text(&files, "app.prometheus.yml"),
        "# Generated by `bellwether pack gen` from pack app 1.0.0 (app.yaml); change that file instead.\n\
         rule_files:\n- app.rules.yml\nalerting:\n  alertmanagers:\n  - static_configs:\n    - targets:\n      \
         - alertmanager:9093\nscrape_configs:\n- job_name: app\n  metrics_path: /m\n  scheme: https\n  \
         authorization:\n    credentials_file: token\n  scrape_interval: 15s\n  \
         scrape_timeout: 10s\n  static_configs:\n  - targets:\n    - app:8003\n    - other:1\n    labels:\n      team: core\n"
    );
    let page = text(&files, "app.md");
    for want in [
        "| app | `https://app:8003/m`, `https://other:1/m` | 15s |",
        "| pager | pagerduty | critical |",
        "| hook | webhook | all |",
    ] {
        assert!(page.contains(want), "{page}");
    }
    let alertmanager = text(&files, "app.alertmanager.yml");
    for want in ["routing_key_file: /run/secrets/key", "severity=~\"critical\"", "alertname=\"Deeper\""] {
        assert!(alertmanager.contains(want), "{alertmanager}");
    }
}

#[test]
fn objectives_burn_as_fast_as_their_budget_allows() {
    let (_, pack) = packs().into_iter().find(|(_, pack)| pack.name.value == "http").expect("there");
    let files = all(&pack);
    let rules = text(&files, "http.rules.yml");
    // 2 % of the budget of 30 days within an hour is 14.4 times the allowed 0.5 %.
    for want in [
        "ratio_rate1h{slo_id=\"http-http_availability\"} > 0.072 and slo:sli_error:ratio_rate5m{slo_id=\"http-http_availability\"} > 0.072",
        "ratio_rate6h{slo_id=\"http-http_availability\"} > 0.03 and slo:sli_error:ratio_rate30m{slo_id=\"http-http_availability\"} > 0.03",
        "record: slo:sli_error:ratio_rate3d",
        "record: slo:period_error_budget_remaining:ratio",
    ] {
        assert!(rules.contains(want), "{rules}\nlacks {want}");
    }
}

#[test]
fn old_names_are_recorded_with_their_labels() {
    let pack = Pack::parse(
        "x.yaml",
        b"pack: x
version: 1.0.0
metrics:
- {name: jobs_total, type: counter, help: x, labels: {task_type: {max: 9}}, aliases: [{name: tasks, labels: {task_type: type}}]}
- {name: took_seconds, type: histogram, unit: seconds, help: x, buckets: [1], aliases: [took]}
- {name: health, type: state_set, help: x, states: [up, down], aliases: [condition]}
",
    )
    .unwrap_or_else(|e| panic!("{e}"));
    let files = all(&pack);
    promtool(written(&files).path(), &["check", "rules", "x.aliases.yml"]);
    let rules = text(&files, "x.aliases.yml");
    for want in [
        "record: tasks\n    expr: sum without (task_type) (label_replace(jobs_total, \"type\", \"$1\", \"task_type\", \"(.*)\"))",
        "record: took_bucket\n    expr: took_seconds_bucket",
        "record: took_count\n    expr: took_seconds_count",
        "record: condition\n    expr: sum without (health) (label_replace(health, \"condition\", \"$1\", \"health\", \"(.*)\"))",
    ] {
        assert!(rules.contains(want), "{rules}\nlacks {want}");
    }
}

#[test]
fn a_pack_with_errors_gives_nothing() {
    let pack =
        Pack::parse("x.yaml", b"pack: x\nversion: 1.0.0\nmetrics: [{name: a, type: counter, help: x}]")
            .unwrap_or_else(|e| panic!("{e}"));
    let refused = generate(&pack, OutputKind::ALL).expect_err("refused");
    assert_eq!(refused.findings.len(), 1);
    assert!(refused.to_string().contains("x.yaml has 1 errors: x.yaml:3:18: error: counter a"), "{refused}");
}

/// The module that `bellwether pack gen` makes of packs/http.yaml, compiled into this test.
#[rustfmt::skip]
#[expect(dead_code, unreachable_pub, reason = "it is made for a library, and the test uses a part of it")]
#[path = "generated/http.rs"]
mod http;

/// Those of the packs that take the place of guides.
#[rustfmt::skip]
#[expect(dead_code, unreachable_pub, reason = "it is made for a library, and the test uses a part of it")]
#[path = "../../../fleet/src/generated/causal.rs"]
mod causal;
#[rustfmt::skip]
#[expect(dead_code, unreachable_pub, reason = "it is made for a library, and the test uses a part of it")]
#[path = "../../../fleet/src/generated/devskyy.rs"]
mod devskyy;
#[rustfmt::skip]
#[expect(dead_code, unreachable_pub, reason = "it is made for a library, and the test uses a part of it")]
#[path = "../../../fleet/src/generated/cugar.rs"]
mod cugar;
#[rustfmt::skip]
#[expect(dead_code, unreachable_pub, reason = "it is made for a library, and the test uses a part of it")]
#[path = "../../../fleet/src/generated/dag.rs"]
mod dag;
#[rustfmt::skip]
#[expect(dead_code, unreachable_pub, reason = "it is made for a library, and the test uses a part of it")]
#[expect(clippy::enum_variant_names, reason = "all routes begin with /api")]
#[path = "../../../fleet/src/generated/genesis.rs"]
mod genesis;

/// Those of machines and of calls of models.
#[rustfmt::skip]
#[expect(dead_code, unreachable_pub, reason = "it is made for a library, and the test uses a part of it")]
#[expect(clippy::struct_field_names, reason = "the conventions say how labels are called")]
#[path = "generated/gen_ai.rs"]
mod gen_ai;
#[rustfmt::skip]
#[expect(dead_code, unreachable_pub, reason = "it is made for a library, and the test uses a part of it")]
#[path = "generated/system.rs"]
mod system;

/// That of a pack with every type of metric.
#[rustfmt::skip]
#[expect(dead_code, unreachable_pub, reason = "it is made for a library, and the test uses a part of it")]
#[path = "generated/types.rs"]
mod types;

const TYPES: &str = include_str!("generated/types.yaml");

#[test]
fn the_compiled_modules_are_those_that_are_made() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/generated/");
    let types = Pack::parse("types.yaml", TYPES.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    // Those of the platforms that the fleet simulates are compiled there, and compared by its tests.
    let compiled = ["http", "gen_ai", "system"];
    let packs = packs().into_iter().map(|(_, pack)| pack);
    let packs: Vec<Pack> =
        packs.filter(|pack| compiled.contains(&pack.name.as_str())).chain([types]).collect();
    assert_eq!(packs.len(), compiled.len() + 1);
    let mut old = Vec::new();
    for pack in packs {
        let file = &format!("{}.rs", pack.name);
        let made = generate(&pack, &[OutputKind::Rust]).unwrap_or_else(|e| panic!("{e}"));
        let path = format!("{folder}{file}");
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        if std::env::var_os("BELLWETHER_ACCEPT").is_some() {
            std::fs::write(&path, text(&made, file)).expect("written");
        }
        if committed != text(&made, file) {
            old.push(path);
        }
    }
    assert!(old.is_empty(), "{old:?} are old; run this test with BELLWETHER_ACCEPT=1");
}

#[test]
fn a_generated_module_exposes_what_the_pack_says() {
    use bellwether_sdk::{MetricSet as _, Registry};
    let registry = Registry::new();
    let http = http::Http::register(&registry).expect("registers");
    http.requests.with(http::RequestsLabels { method: http::Method::Get, route: "/x", status: "200" }).inc();
    http.request_duration_seconds
        .with(http::RequestDurationSecondsLabels { method: http::Method::Get, route: "/x" })
        .observe(0.3);
    let text = registry.text();
    assert!(text.contains("http_requests_total{method=\"GET\",route=\"/x\",status=\"200\"} 1\n"), "{text}");
    assert!(
        text.contains("http_request_duration_seconds_bucket{method=\"GET\",route=\"/x\",le=\"0.5\"} 1\n"),
        "{text}"
    );
}

#[test]
fn every_type_has_its_instrument() {
    use bellwether_sdk::{LabelValue as _, MetricSet as _, Registry};
    let registry = Registry::new();
    let set = types::Types::register(&registry).expect("registers");
    set.health.set(types::Health::Degraded);
    set.breaker_state.with(types::BreakerStateLabels { breaker: "db" }).set(types::BreakerState::HalfOpen);
    set.platform.set(types::PlatformLabels { version: "1.2" });
    set.jobs.with(types::JobsLabels { r#type: types::Type::Value2xx }).inc();
    set.calls.with(types::CallsLabels { path: "/A/17", user: "ann" }).inc();
    set.calls.with(types::CallsLabels { path: "/a/17", user: "user 4711" }).inc();
    assert_eq!(types::Type::parse("4xx"), Ok(types::Type::Value4xx));
    set.size_bytes.observe(100.0);
    set.sent_bytes.observe(7.0);
    set.took_seconds.observe(0.5);
    let text = registry.text();
    for want in [
        "types_size_bytes{quantile=\"0.5\"} ",
        "types_took_seconds_count 1\n",
        "types_sent_bytes_total 7\n",
        "types_health{types_health=\"degraded\"} 1\n",
        "types_breaker_state{breaker=\"db\",types_breaker_state=\"half_open\"} 1\n",
        "types_platform_info{version=\"1.2\"} 1\n",
        "types_jobs_total{type=\"2xx\"} 1\n",
        // What nobody has counted is there as well.
        "types_jobs_total{type=\"4xx\"} 0\n",
        "types_level{level=\"high\"} 0\n",
        "types_calls_total{path=\"/a/17\",user=\"ann\"} 1\n",
        "types_calls_total{path=\"/a/17\",user=\"_overflow\"} 1\n",
        "old_calls_total{handler=\"/a/17\",user=\"ann\"} 1\n",
    ] {
        assert!(text.contains(want), "{text}\nlacks {want}");
    }
}

#[test]
fn processes_are_joined_as_the_pack_says() {
    let (_, pack) = packs().into_iter().find(|(_, pack)| pack.name.value == "dag").expect("there");
    let module = text(&all(&pack), "dag.rs").to_owned();
    let field = |name: &str| {
        let start = module.find(&format!("    #[metric(name = {name:?}")).expect("there");
        module[start..].lines().next().expect("a line").to_owned()
    };
    // One process that cannot reach the database is enough; connections add up, which needs no word.
    assert!(field("dag_health_check_status").contains("merge = GaugeMerge::MinLive"));
    assert!(!field("dag_database_connections").contains("merge"));
}

/// The beginnings on the pages of the packs.
#[test]
fn the_code_on_the_pages_counts() {
    use std::time::Duration;

    use bellwether_sdk::host::Machine;
    use bellwether_sdk::{MetricSet as _, Registry};
    let registry = Registry::new();

    let causal = causal::Causal::register(&registry).expect("registers");
    let neo4j = causal::ConnectionPoolActiveConnectionsLabels { pool: causal::Pool::Neo4j };
    let connection = causal.connection_pool_active_connections.with(neo4j).track();
    causal
        .circuit_breaker
        .with(causal::CircuitBreakerLabels { breaker: "neo4j" })
        .set(causal::CircuitBreaker::HalfOpen);
    let labels = causal::WorkerTasksCompletedLabels {
        task_type: "run_causal_analysis",
        status: causal::Status::Timeout,
    };
    causal.worker_tasks_completed.with(labels).inc();
    assert!(registry.text().contains("\nconnection_pool_active_connections{pool=\"neo4j\"} 1\n"));
    drop(connection);

    let devskyy = devskyy::Devskyy::register(&registry).expect("registers");
    let export = devskyy::GdprProcessingDurationSecondsLabels { request_type: devskyy::RequestType::Export };
    let timer = devskyy.gdpr_processing_duration_seconds.with(export).timer();
    let labels = devskyy::GdprRequestsLabels {
        request_type: devskyy::RequestType::Export,
        status: devskyy::Status::Error,
    };
    devskyy.gdpr_requests.with(labels).inc();
    devskyy.health_status.set(devskyy::HealthStatus::Degraded);
    devskyy
        .component_health
        .with(devskyy::ComponentHealthLabels { component: devskyy::Component::Cache })
        .set(0.0);
    drop(timer);

    let host = bellwether_sdk::Registry::new();
    let machine = Machine::register(&host).expect("registers");
    let collector =
        host.collector("machine", Duration::from_secs(15), move || machine.refresh()).expect("starts");
    drop(collector);
    system::System::register(&registry).expect("registers beside the others");
    gen_ai::GenAi::register(&registry).expect("registers beside the others");

    let dag = dag::Dag::register(&registry).expect("registers");
    let running = dag.active_workflows.track();
    dag.workflow_executions
        .with(dag::WorkflowExecutionsLabels { workflow_name: "sdlc_parallel", status: dag::Status::Success })
        .inc();
    assert!(registry.text().contains("\ndag_active_workflows 1\n"));
    drop(running);

    let genesis = genesis::Genesis::register(&registry).expect("registers");
    genesis
        .agent_tasks
        .with(genesis::AgentTasksLabels { agent: "qa_agent", status: genesis::Status::Success })
        .inc();

    let cugar = cugar::Cugar::register(&registry).expect("registers");
    let running = cugar.active_executions.track();
    let timer = cugar.execution_duration_seconds.timer();
    cugar.executions.inc();
    cugar.executions_successful.inc();
    cugar.approvals.with(cugar::ApprovalsLabels { outcome: cugar::Outcome::Approved }).inc();
    drop((timer, running));

    let text = registry.text();
    for want in [
        "connection_pool_active_connections{pool=\"neo4j\"} 0\n",
        "circuit_breaker{breaker=\"neo4j\",circuit_breaker=\"half_open\"} 1\n",
        "worker_tasks_completed_total{task_type=\"run_causal_analysis\",status=\"timeout\"} 1\n",
        "devskyy_gdpr_requests_total{request_type=\"export\",status=\"error\"} 1\n",
        "devskyy_gdpr_processing_duration_seconds_count{request_type=\"export\"} 1\n",
        "devskyy_health_status{devskyy_health_status=\"degraded\"} 1\n",
        "devskyy_component_health{component=\"cache\"} 0\n",
        "dag_workflow_executions_total{workflow_name=\"sdlc_parallel\",status=\"success\"} 1\n",
        "dag_active_workflows 0\n",
        "genesis_agent_tasks_total{agent=\"qa_agent\",status=\"success\"} 1\n",
        "cugar_executions_successful_total 1\n",
        "cugar_approvals_total{outcome=\"approved\"} 1\n",
        "cugar_execution_duration_seconds_count 1\n",
        "cugar_approval_timeouts_total 0\n",
    ] {
        assert!(text.contains(want), "{text}\nlacks {want}");
    }
}

#[test]
fn the_golden_signals_of_the_instruments_are_those_of_the_pack() {
    use std::time::Duration;

    use bellwether_sdk::Registry;
    use bellwether_sdk::golden::{ApprovalOutcome, BudgetUnit, Golden};
    use bellwether_sdk::track::Status;

    let (_, pack) = packs().into_iter().find(|(_, pack)| pack.name.value == "cugar").expect("there");
    let registry = Registry::new();
    let golden = Golden::builder("cugar")
        .buckets(&[0.5, 1.0, 3.0, 5.0, 10.0, 30.0])
        .register(&registry)
        .expect("registers");
    golden.execution("intelligence", Status::Success, Duration::from_millis(120));
    golden.execution("intelligence", Status::Failure, Duration::from_secs(3));
    golden.tool_call("search", Status::Failure);
    golden.limit_budget("llm", BudgetUnit::Usd, 10.0);
    golden.spend("llm", BudgetUnit::Usd, 11.0);
    golden.approval(ApprovalOutcome::Timeout, Duration::from_mins(5));
    golden.expose();
    let text = registry.text();
    let mut families = 0;
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE cugar_")) {
        let (name, kind) = line.split_once(' ').expect("a type");
        let metric = pack.metric(&format!("cugar_{name}")).unwrap_or_else(|| panic!("no cugar_{name}"));
        assert_eq!(metric.kind.as_str(), kind, "{name}");
        let prefix = format!("cugar_{name}{{");
        for series in text.lines().filter(|line| line.starts_with(&prefix)) {
            for label in metric.label_names() {
                assert!(series.contains(&format!("{label}=\"")), "{series} has no {label}");
            }
            assert_eq!(series.matches("=\"").count(), metric.labels.len(), "{series}");
        }
        families += 1;
    }
    assert_eq!(families, 17, "{text}");
    // Each execution is one or the other.
    for want in ["cugar_executions_total 2\n", "_successful_total 1\n", "_failed_total 1\n"] {
        assert!(text.contains(want), "{text}\nlacks {want}");
    }
}

/// Families of an exposition with their types, and the labels of their series.
fn families(text: &str) -> BTreeMap<&str, (&str, BTreeSet<&str>)> {
    let mut families: BTreeMap<&str, (&str, BTreeSet<&str>)> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            families.insert(name, (kind, BTreeSet::new()));
        } else if let Some((name, labels)) = line.split_once('{') {
            let names =
                labels.split(['{', ',']).filter_map(|label| label.split_once('=')).map(|(name, _)| name);
            // Of a histogram, the series without `le` has its labels.
            let family = if families.contains_key(name) { name } else { name.trim_end_matches("_count") };
            if let Some((_, known)) = families.get_mut(family) {
                known.extend(names);
            }
        }
    }
    families
}

/// Compares what a registry exposes with a pack: what is expected is there, and what both have is of the same type and has no other labels. The families that the pack lacks.
fn expose_what_pack_says(
    name: &str,
    registry: &bellwether_sdk::Registry,
    is_expected: impl Fn(&Metric) -> bool,
) -> Vec<String> {
    let (_, pack) = packs().into_iter().find(|(_, pack)| pack.name.value == name).expect("there");
    let text = registry.text();
    let exposed = families(&text);
    for metric in pack.metrics.iter().filter(|metric| is_expected(metric)) {
        let is_there = exposed.contains_key(metric.name.as_str());
        assert!(is_there, "no recorder has {} of pack {name}: {exposed:?}", metric.name);
    }
    let mut beyond = Vec::new();
    for (family, (kind, labels)) in &exposed {
        let Some(metric) = pack.metric(family) else {
            beyond.push((*family).to_owned());
            continue;
        };
        // The text format knows no state sets.
        let is_state_set = metric.kind == MetricKind::StateSet;
        assert_eq!(*kind, if is_state_set { "gauge" } else { metric.kind.as_str() }, "type of {family}");
        let is_unknown = |label: &&&str| metric.label(label).is_none() && !(is_state_set && *label == family);
        let unknown: Vec<&&str> = labels.iter().filter(is_unknown).collect();
        assert!(unknown.is_empty(), "{family} has the labels {unknown:?}, which the pack lacks");
    }
    beyond
}

/// The recorders of the SDK and the packs name the same things alike.
#[test]
fn recorders_expose_what_packs_say() {
    use bellwether_sdk::Registry;
    use bellwether_sdk::domain::{Breakers, Caches, Pools, Queues, Workers};
    use bellwether_sdk::host::{Cgroup, Machine, Process};

    let domain = Registry::new();
    drop(Pools::register(&domain).expect("registers").pool("neo4j", 10).wait().acquired());
    let cache = Caches::register(&domain).expect("registers").cache("memory", "graph");
    cache.hit();
    cache.miss();
    cache.set_size(1, 1);
    let queue = Queues::register(&domain).expect("registers").queue("export");
    queue.dequeue(queue.enqueue());
    let breaker = Breakers::register(&domain).expect("registers").breaker("neo4j");
    breaker.success();
    breaker.failure();
    let workers = Workers::register(&domain).expect("registers");
    let _worker = workers.start("export");
    workers.task("export").succeed();

    let host = Registry::new();
    let machine = Machine::register(&host).expect("registers");
    machine.refresh().expect("this is Linux");
    Cgroup::register(&host).expect("registers");

    let process = Registry::new();
    Process::register(&process).expect("registers").refresh().expect("this is Linux");

    // What the recorders have beyond the guide is not in the pack.
    let of_guide = ["cache_", "circuit_breaker", "connection_pool_", "queue_", "worker_"];
    let beyond = expose_what_pack_says("causal", &domain, |metric| {
        of_guide.iter().any(|prefix| metric.name.starts_with(prefix))
    });
    assert!(beyond.contains(&"queue_wait_seconds".to_owned()), "{beyond:?}");
    // Not every machine has limits, disks and interfaces.
    let beyond =
        expose_what_pack_says("system", &host, |metric| metric.labels.is_empty() && metric.note.is_empty());
    assert_eq!(beyond, [""; 0]);
    // Addresses need not have a limit.
    let beyond = expose_what_pack_says("process", &process, |metric| !metric.name.contains("_max_bytes"));
    assert_eq!(beyond, [""; 0]);
}

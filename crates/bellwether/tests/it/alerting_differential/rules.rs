//! Random rules over the same data: what Debian's Prometheus and the server say of them, and which series they write.
//!
//! Both evaluate each second, at moments of their own. So the data changes each [`STEP_MS`] only, and what is compared are the times over which a series has a value.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use bellwether_model::{Clock as _, SystemClock, stale_nan};
use bellwether_promql::conformance::Choices as _;
use serde_json::{Value, json};

use super::{assert_none, seeds};
use crate::differential::random::Random;
use crate::http_api::push_to;
use crate::rules::timeless;
use crate::support::{Bellwether, form, prometheus, request, wait_for, wait_within};

/// How long the data stays as it is.
const STEP_MS: i64 = 4_000;
/// How often it changes while all evaluations are compared. Then it stays.
const STEPS: usize = 5;
/// How long it stays after that.
const REST_MS: i64 = 120_000;
/// How far apart the moments may be at which the two see a change, on a machine that has other things to do.
const APART_MS: i64 = 2_500;
const SETTLING: Duration = Duration::from_secs(20);

const SERIES: [(&str, &str); 5] = [("a", "x"), ("b", "x"), ("c", "y"), ("d", "y"), ("e", "")];
const EXPRESSIONS: [&str; 24] = [
    "m > 5",
    "m",
    "m * 2 < 9",
    "sum by (zone) (m)",
    "sum(m) > 20",
    "count by (zone) (m > 3)",
    "m{s=\"a\"}",
    "m{zone=\"y\"} >= 5",
    "absent(m{s=\"b\"})",
    "absent(nothing{a=\"b\"})",
    "max without (s) (m)",
    "topk(2, m)",
    "m > bool 5",
    "m unless m > 4",
    "m and on (zone) m{s=\"a\"} > 2",
    "label_replace(m, 'zone', '$1', 's', '(.)')",
    "vector(1)",
    "m - on (s, zone) m",
    "quantile(0.5, m)",
    "scalar(m{s=\"c\"}) > bool 1",
    "m / 0",
    // These fail where there are enough series.
    "m * on (zone) m",
    "label_replace(m, 's', '', '', '')",
    // Later versions fail even where a comparison leaves no two matches, so this one leaves all.
    "m{s=~\"a|b\"} == bool on (nowhere) m{s=~\"c|d\"}",
];

fn labels(random: &mut Random) -> Value {
    let mut labels = json!({});
    for _ in 0..random.below(3) {
        let name = random.pick(&["team", "zone", "s", "of"]);
        labels[name] = random
            .pick(&[
                "",
                "a",
                "{{ $labels.s }}",
                "{{ $value }}",
                "{{ $labels.zone | toUpper }}!",
                "{{ $labels.s | humanize }}",
            ])
            .into();
    }
    labels
}

fn rule(random: &mut Random, name: &str, before: &[String]) -> Value {
    let mut expr = random.pick(&EXPRESSIONS).to_owned();
    if !before.is_empty() && random.one_in(4) {
        expr = format!("{} {}", before[random.below(before.len())], random.pick(&["", "> 4", "* 2", "== 0"]));
    }
    if random.one_in(3) {
        // No templates in the labels of recorded series.
        let labels: Value = labels(random)
            .as_object()
            .expect("a map")
            .iter()
            .filter(|(_, text)| !text.to_string().contains("{{"))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        return json!({"record": format!("r_{name}"), "expr": expr, "labels": labels});
    }
    let mut rule = json!({"alert": format!("A_{name}"), "expr": expr, "labels": labels(random)});
    if random.one_in(2) {
        rule["annotations"] = json!({"text": "{{ $labels.s }} has {{ $value }}", "more": "{{ range query \"sort(m)\" }}{{ .Labels.s }}{{ end }}"});
    }
    if random.one_in(2) {
        rule["for"] = random.pick(&["1s", "2s", "1m"]).into();
    }
    if random.one_in(3) {
        rule["keep_firing_for"] = random.pick(&["1s", "1m"]).into();
    }
    rule
}

fn groups(n: u64) -> Vec<Value> {
    let mut groups = Vec::new();
    for seed in seeds(n) {
        let mut random = Random::new(seed);
        let (mut rules, mut recorded) = (Vec::new(), Vec::new());
        for idx in 0..=random.below(4) {
            let rule = rule(&mut random, &format!("{seed}_{idx}"), &recorded);
            recorded.extend(rule["record"].as_str().map(str::to_owned));
            rules.push(rule);
        }
        let mut group = json!({"name": format!("g{seed}"), "interval": "1s", "rules": rules});
        if random.one_in(4) {
            group["limit"] = random.pick(&[0, 1, 2, 4]).into();
        }
        groups.push(group);
    }
    groups
}

/// The same groups after somebody has worked on them.
fn altered(groups: &[Value]) -> Vec<Value> {
    let mut altered = Vec::new();
    for (idx, group) in groups.iter().enumerate() {
        let mut group = group.clone();
        let rules = group["rules"].as_array_mut().expect("rules");
        match idx % 5 {
            0 => {}
            1 => drop(rules.pop()),
            2 => rules.reverse(),
            3 => rules
                .iter_mut()
                .filter(|rule| rule["alert"].is_string())
                .for_each(|rule| rule["annotations"] = json!({"new": "{{ $value }}"})),
            _ => {
                rules
                    .iter_mut()
                    .filter(|rule| rule["for"] == "1m")
                    .for_each(|rule| rule["for"] = "1s".into());
            }
        }
        altered.push(group);
    }
    altered
}

fn write_rules(dir: &Path, groups: &[Value]) {
    fs::write(dir.join("rules.yml"), json!({"groups": groups}).to_string()).expect("written");
}

/// Values of each series, `None` where it is not there, for [`STEPS`] steps and the time after them. No two have the same value at a time: `topk` may choose either of them.
fn values(random: &mut Random) -> BTreeMap<(&'static str, &'static str), Vec<Option<f64>>> {
    let mut values: BTreeMap<_, Vec<_>> = SERIES.into_iter().map(|series| (series, Vec::new())).collect();
    for _ in 0..=STEPS {
        let mut left = vec![0.0, 1.0, 2.5, 4.0, 5.0, 6.0, 7.0, 8.0, f64::NAN];
        for values in values.values_mut() {
            values.push((random.below(5) > 0).then(|| left.remove(random.below(left.len()))));
        }
    }
    values
}

/// Writes the data, a sample each half second from `begin_ms` on.
fn write(url: &str, begin_ms: i64, values: &BTreeMap<(&str, &str), Vec<Option<f64>>>) {
    for ((s, zone), values) in values {
        let mut samples = Vec::new();
        for (step, value) in values.iter().enumerate() {
            let from_ms = begin_ms + step as i64 * STEP_MS;
            let length_ms = if step == STEPS { REST_MS } else { STEP_MS };
            match value {
                Some(value) => samples.extend((0..length_ms / 500).map(|i| (from_ms + 500 * i, *value))),
                None => samples.push((from_ms, stale_nan())),
            }
        }
        let (status, said) = push_to(url, &[(&[("__name__", "m"), ("s", s), ("zone", zone)], &samples)]);
        assert!(status == 200 || status == 204, "{url}: {status} {said}");
    }
}

fn get(url: &str, path: &str) -> Value {
    let (status, body) = request("GET", &format!("{url}/api/v1/{path}"), &[], b"");
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {body}"))
}

/// What is said of the rules and alerts, without times. Only that a rule fails is compared, and not the words.
fn said(url: &str) -> BTreeMap<String, Value> {
    let mut said = BTreeMap::new();
    let answer = timeless(get(url, "rules"));
    for group in answer["data"]["groups"].as_array().expect("groups") {
        for (idx, rule) in group["rules"].as_array().expect("rules").iter().enumerate() {
            let mut rule = rule.clone();
            let fields = rule.as_object_mut().expect("a rule");
            fields.remove("lastError");
            if let Some(Value::Array(alerts)) = fields.get_mut("alerts") {
                alerts.iter_mut().for_each(drop_empty_annotations);
            }
            said.insert(format!("{} {idx}", group["name"]), rule);
        }
    }
    let mut alerts = timeless(get(url, "alerts"))["data"]["alerts"].take();
    let alerts = alerts.as_array_mut().expect("alerts");
    alerts.iter_mut().for_each(drop_empty_annotations);
    let mut alerts: Vec<String> = alerts.iter().map(Value::to_string).collect();
    alerts.sort();
    said.insert("alerts".to_owned(), alerts.into());
    said
}

/// Prometheus keeps an annotation that comes to nothing; we do not.
fn drop_empty_annotations(alert: &mut Value) {
    alert["annotations"].as_object_mut().expect("annotations").retain(|_, text| *text != "");
}

/// From when to when a series had a value.
#[derive(Debug, Clone, PartialEq)]
struct Run {
    value: String,
    from_ms: i64,
    to_ms: i64,
}

/// The runs of all series that rules wrote in a time, its begin left out.
fn runs(url: &str, from_ms: i64, to_ms: i64) -> BTreeMap<String, Vec<Run>> {
    let query = format!("{{__name__=~\"r_.*|ALERTS|ALERTS_FOR_STATE\"}}[{}ms]", to_ms - from_ms);
    let path =
        format!("query?{}", form(&[("query", &query), ("time", &format!("{}", to_ms as f64 / 1000.0))]));
    let mut found = BTreeMap::new();
    for series in get(url, &path)["data"]["result"].as_array().expect("series") {
        let since = series["metric"]["__name__"] == "ALERTS_FOR_STATE";
        let mut runs: Vec<Run> = Vec::new();
        for sample in series["values"].as_array().expect("values") {
            let ts_ms = (sample[0].as_f64().expect("a time") * 1000.0).round() as i64;
            // Both began at a moment of their own.
            let value = if since { "since" } else { sample[1].as_str().expect("a value") };
            match runs.last_mut() {
                Some(run) if run.value == value && ts_ms - run.to_ms < APART_MS => run.to_ms = ts_ms,
                _ => runs.push(Run { value: value.to_owned(), from_ms: ts_ms, to_ms: ts_ms }),
            }
        }
        // Prometheus writes a label whose template comes to nothing with the template as its value, though the alert lacks it.
        let mut labels = series["metric"].as_object().expect("labels").clone();
        labels.retain(|_, value| !value.as_str().is_some_and(|text| text.contains("{{")));
        found.insert(Value::Object(labels).to_string(), runs);
    }
    found
}

/// Whether both have the same runs until a time. One that begins right before it may be missing, because each evaluates at moments of its own.
fn are_alike(ours: &[Run], theirs: &[Run], end_ms: i64) -> bool {
    let n = ours.len().min(theirs.len());
    ours[n..].iter().chain(&theirs[n..]).all(|run| end_ms - run.from_ms < APART_MS)
        && ours.iter().zip(theirs).all(|(a, b)| {
            a.value == b.value
                && (a.from_ms - b.from_ms).abs() < APART_MS
                && (a.to_ms - b.to_ms).abs() < APART_MS
        })
}

fn shown(runs: &[Run], begin_ms: i64) -> String {
    runs.iter().fold(String::new(), |mut text, run| {
        let seconds = |ms: i64| (ms - begin_ms) as f64 / 1000.0;
        let _ = write!(text, " {} from {} to {},", run.value, seconds(run.from_ms), seconds(run.to_ms));
        text
    })
}

#[test]
fn rules_come_to_the_same_as_in_prometheus() {
    let (dir, peer_dir) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let groups = groups(30);
    let config =
        "global: {evaluation_interval: 1s, external_labels: {site: here}}\nrule_files: [rules.yml]\n";
    for (dir, config) in
        [(&dir, format!("{config}rules: {{builtin_alerts: false}}\n")), (&peer_dir, config.to_owned())]
    {
        write_rules(dir.path(), &groups);
        fs::write(dir.path().join("prometheus.yml"), config).expect("written");
    }
    let ours = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml", "--web.enable-lifecycle"]);
    let (_peer, theirs) =
        prometheus(peer_dir.path(), &["--web.enable-remote-write-receiver", "--web.enable-lifecycle"]);
    let urls = [ours.url.as_str(), theirs.as_str()];
    for url in urls {
        wait_for("a first evaluation of all rules", || {
            (!get(url, "rules").to_string().contains("\"unknown\"")).then_some(())
        });
    }

    let first = seeds(1).next().expect("one");
    let values = values(&mut Random::new(!first));
    let begin_ms = SystemClock::new().now_ms() + 2_000;
    for url in urls {
        write(url, begin_ms, &values);
    }
    let end_ms = begin_ms + STEPS as i64 * STEP_MS;
    wait_within(Duration::from_mins(2), "the last change of the data", || {
        (SystemClock::new().now_ms() > end_ms + STEP_MS).then_some(())
    });
    let mut differing = Vec::new();
    compare_said(urls, &groups, "before the reload", &mut differing);

    let [got, want] = urls.map(|url| runs(url, begin_ms - 1, end_ms));
    let samples = want.values().map(Vec::len).sum::<usize>();
    for name in got.keys().chain(want.keys()).collect::<std::collections::BTreeSet<_>>() {
        let [got, want] = [&got, &want].map(|runs| runs.get(name).cloned().unwrap_or_default());
        if !are_alike(&got, &want, end_ms) {
            differing.push(format!(
                "{name}\n  ours:  {}\n  theirs:{}",
                shown(&got, begin_ms),
                shown(&want, begin_ms)
            ));
        }
    }

    let altered = altered(&groups);
    for (dir, url) in [(&dir, urls[0]), (&peer_dir, urls[1])] {
        write_rules(dir.path(), &altered);
        let (status, said) = request("POST", &format!("{url}/-/reload"), &[], b"");
        assert_eq!(status, 200, "{url}: {said}");
    }
    compare_said(urls, &altered, "after the reload", &mut differing);
    println!(
        "rules: {} groups, {} series with {samples} changes compared, {} differ",
        groups.len(),
        want.len(),
        differing.len()
    );
    assert_none(&format!("rules of seed {first} differ; data: {values:?}"), &differing);
    assert!(samples > 100, "{samples} changes are too few");
}

/// Compares what both say of the groups, once that is the same.
fn compare_said(urls: [&str; 2], groups: &[Value], when: &str, differing: &mut Vec<String>) {
    let deadline = Instant::now() + SETTLING;
    loop {
        let [ours, theirs] = urls.map(said);
        let names: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let different: Vec<&String> =
            names.into_iter().filter(|name| ours.get(*name) != theirs.get(*name)).collect();
        if different.is_empty() {
            return;
        }
        if Instant::now() >= deadline {
            for name in different {
                let group = groups.iter().find(|group| name.starts_with(&group["name"].to_string()));
                differing.push(format!(
                    "{name} {when}\n  ours:   {:?}\n  theirs: {:?}\n  {}",
                    ours.get(name).map(Value::to_string),
                    theirs.get(name).map(Value::to_string),
                    group.map_or(String::new(), Value::to_string)
                ));
            }
            return;
        }
        thread::sleep(Duration::from_millis(200));
    }
}

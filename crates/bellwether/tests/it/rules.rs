//! Rules that run: what the API tells about them is what Prometheus tells about the same files over the same data.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::alertmanager::listed_in_parts;
use crate::support::{
    Bellwether, Process, exchange, fetch, form, free_port, prometheus, request, require, target, wait_for,
    wait_http,
};

const RULES: &str = r#"groups:
- name: records
  rules:
  - record: job:queue_length:sum
    expr: sum by(job)(queue_length)
  - record: labelled
    expr: 2*job:queue_length:sum
    labels: {team: a, job: ""}
- name: alerts
  limit: 10
  rules:
  - alert: QueueLong
    expr: queue_length>5
    labels: {severity: page, of: '{{ $labels.queue }}'}
    annotations: {summary: 'queue {{ $labels.queue }} has {{ $value }}'}
  - alert: QueueLongForHours
    expr: queue_length > 5
    for: 2h
  - alert: QueueKept
    expr: queue_length > 5
    keep_firing_for: 90s
  - alert: Nothing
    expr: queue_length > 500
  - alert: Wrong
    expr: queue_length * on() group_left() queue_length
  - alert: Twice
    expr: queue_length > 0
    labels: {queue: same}
"#;

/// What is the same at any time: times, durations, and the folder of files are left out, alerts are in the order of their labels.
pub(crate) fn timeless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            for name in ["evaluationTime", "lastEvaluation", "activeAt", "keepFiringSince"] {
                if let Some(found) = map.get_mut(name) {
                    *found = "some".into();
                }
            }
            // In which order series are named is up to chance.
            if let Some(Value::String(error)) = map.get_mut("lastError")
                && let Some((_, rest)) = error.split_once("];")
            {
                *error = rest.to_owned();
            }
            if let Some(Value::String(file)) = map.get_mut("file") {
                *file = Path::new(file).file_name().expect("a name").to_string_lossy().into_owned();
            }
            if let Some(Value::Array(alerts)) = map.get_mut("alerts") {
                alerts.sort_by_key(|alert| alert["labels"].to_string());
            }
            // Nothing in its file says where the target listens.
            let labels = std::mem::take(map).into_iter().filter(|(name, _)| name != "instance");
            Value::Object(labels.map(|(name, value)| (name, timeless(value))).collect())
        }
        Value::Array(list) => std::mem::take(list).into_iter().map(timeless).collect(),
        _ => value,
    }
}

fn setup(dir: &Path) {
    let exposition = "# TYPE queue_length gauge\nqueue_length{queue=\"a\"} 7\nqueue_length{queue=\"b\"} 12.5\nqueue_length{queue=\"c\"} 1\n";
    let port = target("text/plain", || exposition.as_bytes().to_vec());
    fs::write(dir.join("rules.yml"), RULES).expect("written");
    let config = format!(
        "global: {{evaluation_interval: 1s}}\nrule_files: ['rules*.yml']\nscrape_configs:\n- job_name: app\n  scrape_interval: 1s\n  \
         static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
    );
    fs::write(dir.join("prometheus.yml"), &config).expect("written");
    fs::write(dir.join("bellwether.yml"), config + "rules: {builtin_alerts: false}\n").expect("written");
}

/// What a server tells once all rules were evaluated over data.
fn settled(url: &str, path: &str) -> Value {
    let read = |path: &str| -> Value {
        serde_json::from_slice(&fetch(&format!("{url}{path}"), "application/json").1).expect("JSON")
    };
    wait_for("alerts of all rules", || {
        let rules = read("/api/v1/rules");
        let groups = rules["data"]["groups"].as_array()?;
        let rules = || groups.iter().filter_map(|group| group["rules"].as_array()).flatten();
        let has_alerts = rules().any(|rule| rule["alerts"].as_array().is_some_and(|list| !list.is_empty()));
        let is_evaluated = rules().all(|rule| rule["health"] != "unknown");
        let fails = rules().filter(|rule| rule["health"] == "err").count() == 2;
        (has_alerts && is_evaluated && fails).then_some(())
    });
    read(path)
}

#[test]
fn rules_and_alerts_are_told_as_prometheus_does() {
    let dir = tempfile::tempdir().expect("a folder");
    setup(dir.path());
    let ours = Bellwether::serve(dir.path(), &["--config.file=bellwether.yml"]);
    let peer_dir = tempfile::tempdir().expect("a folder");
    for file in ["rules.yml", "prometheus.yml"] {
        fs::copy(dir.path().join(file), peer_dir.path().join(file)).expect("copied");
    }
    let (_peer, peer_url) = prometheus(peer_dir.path(), &[]);
    for path in ["/api/v1/rules", "/api/v1/alerts", "/api/v1/rules?type=alert", "/api/v1/rules?type=record"] {
        let (got, mut want) = (settled(&ours.url, path), settled(&peer_url, path));
        // Debian's version lists groups of which no rule is wanted; later ones do not.
        if let Some(Value::Array(groups)) = want.pointer_mut("/data/groups") {
            groups.retain(|group| group["rules"] != json!([]));
        }
        assert_eq!(timeless(got), timeless(want), "{path}");
    }
    let (status, body) = request("GET", &format!("{peer_url}/api/v1/rules?type=x"), &[], b"");
    let want: Value = serde_json::from_str(&body).expect("JSON");
    let (our_status, body) = ours.get("/api/v1/rules?type=x");
    let got: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((our_status, &got["errorType"]), (status, &want["errorType"]));
}

#[test]
fn rules_are_listed_in_parts_and_by_labels() {
    let dir = tempfile::tempdir().expect("a folder");
    setup(dir.path());
    let server = Bellwether::serve(dir.path(), &["--config.file=bellwether.yml"]);
    settled(&server.url, "/api/v1/rules");
    let names = |params: &[(&str, &str)]| -> Vec<String> {
        let data = server.api("rules", params);
        let groups = data["groups"].as_array().expect("groups").iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().expect("rules").iter());
        rules.map(|rule| rule["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(
        names(&[("rule_name[]", "QueueLong"), ("rule_name[]", "labelled")]),
        ["QueueLong", "labelled"]
    );
    assert_eq!(names(&[("rule_group[]", "records")]), ["job:queue_length:sum", "labelled"]);
    assert_eq!(names(&[("file[]", "nowhere.yml")]), Vec::<String>::new());
    assert_eq!(names(&[("match[]", "{severity=\"page\"}")]), ["QueueLong"]);
    // What a template will make is not known.
    assert_eq!(names(&[("match[]", "{of=~\".+\"}")]), Vec::<String>::new());
    assert_eq!(names(&[("match[]", "{team=\"a\"}"), ("match[]", "{queue=\"same\"}")]), ["Twice", "labelled"]);
    let first = server.api("rules", &[("group_limit", "1")]);
    assert_eq!(first["groups"][0]["name"], "alerts");
    let token = first["groupNextToken"].as_str().expect("more groups");
    let second = server.api("rules", &[("group_limit", "1"), ("group_next_token", token)]);
    assert_eq!((&second["groups"][0]["name"], &second["groupNextToken"]), (&json!("records"), &Value::Null));
    let without = server.api("rules", &[("exclude_alerts", "true"), ("type", "alert")]);
    assert_eq!(
        (&without["groups"][0]["rules"][0]["alerts"], &without["groups"][0]["rules"][0]["state"]),
        (&Value::Null, &json!("firing"))
    );
    for (params, why) in [
        (&[("group_next_token", "x"), ("group_limit", "1")][..], "were rule groups changed?"),
        (&[("group_next_token", token)], "group_limit needs to be paired with group_next_token"),
        (&[("group_limit", "0")], "group_limit needs to be greater than 0"),
        (&[("group_limit", "-1")], "group_limit needs to be greater than 0"),
        (&[("group_limit", "x")], "group_limit needs to be a valid number"),
    ] {
        let (status, body) = server.get(&format!("/api/v1/rules?{}", form(params)));
        assert!(status == 400 && body.contains(why), "{params:?}: {status} {body}");
    }
}

#[test]
fn a_reload_takes_new_rules_and_refuses_wrong_ones() {
    let dir = tempfile::tempdir().expect("a folder");
    setup(dir.path());
    let server = Bellwether::serve(dir.path(), &["--config.file=bellwether.yml", "--web.enable-lifecycle"]);
    settled(&server.url, "/api/v1/rules");
    let since = |server: &Bellwether| {
        let data = server.api("rules", &[("rule_name[]", "QueueLongForHours")]);
        data["groups"][0]["rules"][0]["alerts"][0]["activeAt"].as_str().expect("an alert").to_owned()
    };
    let before = since(&server);
    let reload = || server.post("/-/reload", &[], b"");
    fs::write(
        dir.path().join("rules.yml"),
        RULES.replace("for: 2h", "for: 3h\n    annotations: {new: 'yes'}"),
    )
    .expect("written");
    assert_eq!(reload().0, 200);
    let data = wait_for("the new annotation", || {
        let data = server.api("alerts", &[]);
        let alerts = data["alerts"].as_array()?.clone();
        alerts.into_iter().find(|alert| alert["annotations"]["new"] == "yes")
    });
    assert_eq!(
        (data["activeAt"].as_str(), since(&server).as_str()),
        (Some(before.as_str()), before.as_str())
    );
    fs::write(dir.path().join("rules2.yml"), "groups:\n- name: g\n  rules:\n  - {record: r, expr: 'sum('}\n")
        .expect("written");
    let (status, body) = reload();
    assert_eq!(status, 500);
    assert!(body.contains("rules2.yml:4:"), "{body}");
    assert!(server.get("/metrics").1.contains("bellwether_config_last_reload_successful 0"));
    // The old rules go on.
    let evaluated = |server: &Bellwether| server.value("job:queue_length:sum");
    assert_eq!(evaluated(&server), Some(20.5));
}

#[test]
fn alerts_survive_a_crash_and_their_history_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    setup(dir.path());
    let mut server = Bellwether::serve(dir.path(), &["--config.file=bellwether.yml"]);
    settled(&server.url, "/api/v1/rules");
    let alerts = |server: &Bellwether| {
        let data = server.api("alerts", &[]);
        let mut alerts: Vec<String> = data["alerts"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|alert| {
                // What is pending moves on by the slots that were missed.
                let since =
                    if alert["state"] == "firing" { alert["activeAt"].to_string() } else { String::new() };
                format!("{} {} {since}", alert["state"], alert["labels"])
            })
            .collect();
        alerts.sort();
        alerts
    };
    // Alerts show before they are written down, and are told after.
    wait_for("what is written down", || {
        (server.api("alerts/history", &[])["events"].as_array()?.len() == 6).then_some(())
    });
    let before = alerts(&server);
    assert_eq!(before.len(), 6, "{before:?}");
    server.process.kill();
    drop(server);
    let server = Bellwether::serve(dir.path(), &["--config.file=bellwether.yml"]);
    server.wait_ready();
    assert_eq!(alerts(&server), before);
    let params = [("match[]", "{alertname=\"QueueLong\", queue=\"a\"}")];
    let events = server.api("alerts/history", &params);
    let [event] = &events["events"].as_array().expect("a list")[..] else { panic!("one event: {events}") };
    assert_eq!(
        (&event["from"], &event["to"], &event["value"]),
        (&json!("inactive"), &json!("firing"), &json!("7"))
    );
    assert_eq!(event["annotations"]["summary"], "queue a has 7");
    // All of them again, two at a time. Several are of one moment.
    let all = server.api("alerts/history", &[])["events"].as_array().expect("a list").clone();
    assert_eq!(listed_in_parts(&server, "alerts/history", "events", &[], 2), all);
    assert_eq!((&event["rule"]["group"], &event["rule"]["name"]), (&json!("alerts"), &json!("QueueLong")));
    assert_eq!(events["truncated"], false);
}

/// Starts Debian's Alertmanager with receivers that go nowhere.
fn alertmanager(dir: &Path) -> (Process, u16) {
    require("prometheus-alertmanager");
    let port = free_port();
    fs::write(dir.join("alertmanager.yml"), "route: {receiver: none}\nreceivers: [{name: none}]\n")
        .expect("written");
    let process = Process::spawn(
        Command::new("prometheus-alertmanager")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args([
                "--config.file=alertmanager.yml",
                "--storage.path=alertmanager-data",
                "--cluster.listen-address=",
            ])
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    wait_http(&format!("http://127.0.0.1:{port}/-/ready"));
    (process, port)
}

#[test]
fn an_alertmanager_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    setup(dir.path());
    let (_process, port) = alertmanager(dir.path());
    let config = fs::read_to_string(dir.path().join("bellwether.yml")).expect("there");
    let config = config.replace(
        "evaluation_interval: 1s",
        "evaluation_interval: 1s, external_labels: {site: x, job: other}",
    );
    let alerting = format!(
        "alerting:\n  alert_relabel_configs: [{{source_labels: [alertname], regex: QueueKept, action: drop}}]\n  alertmanagers:\n  \
         - static_configs: [{{targets: ['127.0.0.1:{port}', 'left-out:1']}}]\n    \
         relabel_configs: [{{source_labels: [__address__], regex: 'left-out.*', action: drop}}]\n    \
         alert_relabel_configs: [{{target_label: by, replacement: us}}]\n"
    );
    fs::write(dir.path().join("bellwether.yml"), config + &alerting).expect("written");
    let server = Bellwether::serve(
        dir.path(),
        &["--config.file=bellwether.yml", "--web.external-url=http://bw.example/x", "--web.route-prefix=/"],
    );
    let url = format!("http://127.0.0.1:{port}/api/v2/alerts");
    assert_eq!(
        server.api("alertmanagers", &[]),
        json!({
            "activeAlertmanagers": [{"url": url}],
            "droppedAlertmanagers": [{"url": "http://left-out:1/api/v2/alerts"}],
        })
    );
    let received = || -> Vec<Value> {
        let (_, body) = request("GET", &url, &[], b"");
        serde_json::from_str(&body).expect("a list")
    };
    let alerts = wait_for("two alerts", || Some(received()).filter(|alerts| alerts.len() == 2));
    let alert = alerts.iter().find(|a| a["labels"]["queue"] == "a").expect("queue a");
    let labels = json!({
        "alertname": "QueueLong", "job": "app", "queue": "a", "of": "a", "severity": "page", "site": "x", "by": "us",
        "instance": alert["labels"]["instance"],
    });
    assert_eq!(alert["labels"], labels);
    assert_eq!(alert["annotations"], json!({"summary": "queue a has 7"}));
    let link = alert["generatorURL"].as_str().expect("a link");
    let graph =
        "http://bw.example/x/graph?g0.expr=queue_length+%3E+5&g0.tab=0&g0.range_input=1h&g0.end_input=";
    assert!(link.starts_with(graph), "{link}");
    let rule = &server.api("rules", &[("rule_name[]", "QueueLong")])["groups"][0]["rules"][0];
    assert_eq!(alert["startsAt"].as_str(), rule["alerts"][0]["activeAt"].as_str());
    let metrics = server.get("/metrics").1;
    let sent = format!("bellwether_external_alertmanager_alerts_sent_total{{alertmanager=\"{url}\"}} 2");
    assert!(metrics.contains(&sent), "{metrics}");
}

#[test]
fn the_server_watches_itself_and_the_router_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("bellwether.yml"), "global: {evaluation_interval: 1s}\n").expect("written");
    let server = Bellwether::serve(dir.path(), &[]);
    let alert = wait_for("the watchdog", || {
        let (_, body) = server.get("/api/v2/alerts");
        let alerts: Value = serde_json::from_str(&body).ok()?;
        alerts.as_array()?.iter().find(|alert| alert["labels"]["alertname"] == "Watchdog").cloned()
    });
    let link = alert["generatorURL"].as_str().expect("a link");
    assert!(link.starts_with(&format!("{}/graph?g0.expr=vector%281%29&g0.tab=0", server.url)), "{link}");
    // The link leads to a page.
    let answer = exchange("GET", link, &[], b"");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let groups = server.api("rules", &[("file[]", "bellwether")])["groups"].clone();
    let names: Vec<&str> =
        groups[0]["rules"].as_array().expect("rules").iter().filter_map(|r| r["name"].as_str()).collect();
    let want = [
        "Watchdog",
        "RuleEvaluationFailing",
        "RuleGroupTooSlow",
        "NotificationsFailing",
        "ConfigReloadFailed",
    ];
    assert_eq!(names, want);
    // Each of them asks for what there is.
    let metrics = server.get("/metrics").1;
    for name in [
        "rule_evaluation_failures_total",
        "rule_group_iterations_missed_total",
        "config_last_reload_successful",
    ] {
        assert!(metrics.contains(&format!("# TYPE bellwether_{name} ")), "{name}");
    }
}

/// How often the server is killed: three times, or as often as `BELLWETHER_KILLS` says.
fn kills() -> usize {
    std::env::var("BELLWETHER_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(3)
}

/// An alert as it is told: state, since when, and until when it is kept.
fn alert_states(server: &Bellwether) -> Vec<(String, String)> {
    let data = server.api("alerts", &[]);
    let alerts = data["alerts"].as_array().expect("a list").iter();
    let mut alerts: Vec<(String, String)> = alerts
        .map(|a| {
            (a["labels"].to_string(), format!("{} {}", a["state"].as_str().unwrap_or(""), a["activeAt"]))
        })
        .collect();
    alerts.sort();
    alerts
}

#[test]
fn kills_at_any_moment_lose_no_alert() {
    let dir = tempfile::tempdir().expect("a folder");
    setup(dir.path());
    let rules = "groups:\n- name: g\n  rules:\n  - {alert: Fires, expr: queue_length > 5}\n  \
                 - {alert: Waits, expr: queue_length > 5, for: 1h}\n  \
                 - {alert: Kept, expr: vector(time() % 4) < 2, keep_firing_for: 1h}\n";
    fs::write(dir.path().join("rules.yml"), rules).expect("written");
    let start = || Bellwether::serve(dir.path(), &["--config.file=bellwether.yml"]);
    let is_durable = |server: &Bellwether| {
        let events = server.api("alerts/history", &[])["events"].as_array().map_or(0, Vec::len);
        (events >= 5).then_some(())
    };
    let mut server = start();
    wait_for("all alerts", || is_durable(&server));
    let firing = |alerts: &[(String, String)]| -> Vec<(String, String)> {
        alerts.iter().filter(|(_, state)| state.starts_with("firing")).cloned().collect()
    };
    let first = alert_states(&server);
    assert_eq!((first.len(), firing(&first).len()), (5, 3), "{first:?}");
    for kill in 0..kills() {
        // Moments that fall on all parts of a second, of which each has an evaluation.
        let moment = std::time::Duration::from_millis((kill as u64 * 377) % 1000);
        std::thread::sleep(moment);
        server.process.kill();
        drop(server);
        server = start();
        let now = alert_states(&server);
        assert_eq!(firing(&now), firing(&first), "kill {kill}: what fires goes on, since the same time");
        // What is pending moves by the time that the server was away, and no more.
        let waits = now.iter().filter(|(labels, _)| labels.contains("Waits"));
        assert_eq!(waits.count(), 2, "kill {kill}: {now:?}");
    }
    // No `for` began anew: what waits has waited for as long as the server ran.
    let events = server.api("alerts/history", &[("match[]", "{alertname=~\"Fires|Waits|Kept\"}")]);
    assert_eq!(
        events["events"].as_array().map(Vec::len),
        Some(5),
        "nothing ended and nothing began: {events}"
    );
}

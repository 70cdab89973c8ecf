//! Who is told, and why not: what Alertmanager cannot be asked.

use std::fs;

use serde_json::json;

use super::{Hook, config, get, post, serve};
use crate::support::{Bellwether, wait_for};

#[test]
fn labels_are_followed_through_the_tree() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = serve(dir.path(), &config("http://127.0.0.1:1"));
    let alerts = json!([{"labels": {"alertname": "Down", "severity": "critical", "job": "db"}}]);
    assert_eq!(post(&server.url, "alerts", &alerts).0, 200);
    let silence = json!({
        "matchers": [{"name": "alertname", "value": "Slow", "isRegex": false}],
        "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z", "createdBy": "ann", "comment": "known",
    });
    let (status, said) = post(&server.url, "silences", &silence);
    assert_eq!(status, 200, "{said}");

    let page = server.api("route", &[("labels", r#"{alertname="X",severity="page"}"#)]);
    let [route] = page["routes"].as_array().expect("a list").as_slice() else { panic!("one route: {page}") };
    assert_eq!(route["path"], json!(["{}", "{severity=\"page\"}"]));
    assert_eq!((&route["receiver"], &route["integrations"]), (&json!("pager"), &json!(["webhook"])));
    assert_eq!(route["groupKey"], r#"{}/{severity="page"}:{alertname="X"}"#);
    assert_eq!((&page["silencedBy"], &page["inhibitedBy"]), (&json!([]), &json!([])));

    let muted = server.api("route", &[("labels", r#"{alertname="Slow",severity="warning",job="db"}"#)]);
    assert_eq!(muted["routes"][0]["receiver"], "team");
    assert_eq!(muted["silencedBy"][0]["comment"], "known");
    assert_eq!(muted["inhibitedBy"][0]["labels"]["alertname"], "Down");

    let tree = server.api("route/tree", &[]);
    assert_eq!(tree["routes"][0]["matchers"], json!(["severity=\"page\""]));
    assert_eq!(tree["inhibitRules"][0]["equal"], json!(["job"]));
    let (status, said) = server.get("/api/v1/route?labels=a%21%3Db");
    assert_eq!(status, 400, "{said}");
}

#[test]
fn a_silence_is_previewed() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = serve(dir.path(), &config("http://127.0.0.1:1"));
    let alerts = json!([{"labels": {"alertname": "Down", "job": "db"}}, {"labels": {"alertname": "Slow", "job": "api"}}]);
    assert_eq!(post(&server.url, "alerts", &alerts).0, 200);
    let preview = |body: &str| {
        let headers = [("Content-Type", "application/json")];
        server.post("/api/v1/silences/preview", &headers, body.as_bytes())
    };
    let (status, said) = preview(r#"{"matchers": [{"name": "job", "value": "d.", "isRegex": true}]}"#);
    assert_eq!(status, 200, "{said}");
    let found: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(found["data"]["now"].as_array().map(Vec::len), Some(1), "{said}");
    assert_eq!(found["data"]["now"][0]["labels"]["alertname"], "Down");
    let (status, said) = preview(r#"{"matchers": []}"#);
    assert_eq!(status, 400, "{said}");
}

#[test]
fn a_preview_has_alerts_that_nobody_was_told_of() {
    let dir = tempfile::tempdir().expect("a folder");
    let rules = "groups:\n- name: g\n  rules:\n  - {alert: Here, expr: vector(1), labels: {job: web}}\n  - {alert: Waits, expr: vector(1), for: 1h, labels: {job: web}}\n";
    fs::write(dir.path().join("rules.yml"), rules).expect("written");
    // Without an Alertmanager configuration nobody is told.
    let config =
        "global: {evaluation_interval: 1s, external_labels: {region: eu}}\nrule_files: [rules.yml]\n";
    fs::write(dir.path().join("bellwether.yml"), config).expect("written");
    let server = Bellwether::serve(dir.path(), &["--config.file=bellwether.yml"]);
    let body = r#"{"matchers": [{"name": "job", "value": "web", "isRegex": false}, {"name": "region", "value": "eu", "isRegex": false}]}"#;
    let seen = wait_for("an alert of the last day", || {
        let headers = [("Content-Type", "application/json")];
        let (status, said) = server.post("/api/v1/silences/preview", &headers, body.as_bytes());
        assert_eq!(status, 200, "{said}");
        let found: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        let last_day = found["data"]["lastDay"].as_array()?.clone();
        (!last_day.is_empty()).then_some(last_day)
    });
    let [seen] = &seen[..] else { panic!("only what fired: {seen:?}") };
    assert_eq!(seen["labels"], json!({"alertname": "Here", "job": "web", "region": "eu"}));
    assert!(seen["lastFiredAt"].is_string() && seen.get("lastNotifiedAt").is_none(), "{seen}");
}

#[test]
fn what_was_told_is_kept_with_its_words() {
    let dir = tempfile::tempdir().expect("a folder");
    let hook = Hook::start();
    let server = serve(dir.path(), &config(&hook.url));
    let alerts =
        json!([{"labels": {"alertname": "Down", "severity": "page"}, "annotations": {"summary": "gone"}}]);
    assert_eq!(post(&server.url, "alerts", &alerts).0, 200);
    hook.wait_for("the page", |path, _| path == "/pager");
    let told = wait_for("the record", || {
        let told = server.api("notifications", &[("receiver", "pager")]);
        told["notifications"].as_array()?.first().cloned()
    });
    assert_eq!((&told["status"], &told["integration"]), (&json!("sent"), &json!("webhook[0]")));
    assert_eq!(told["reason"], "first notification");
    assert_eq!(told["alerts"][0]["labels"]["alertname"], "Down");
    assert!(told["body"].as_str().is_some_and(|body| body.contains("gone")), "{told}");
    assert_eq!(server.api("notifications", &[("status", "failed")])["notifications"], json!([]));
    let receivers = server.api("receivers", &[]);
    let pager = &receivers["receivers"][1]["integrations"][0];
    assert_eq!(
        (&pager["type"], &pager["sent"], &pager["supported"]),
        (&json!("webhook"), &json!(1), &json!(true))
    );
    assert!(pager["lastSuccess"].is_string() && pager["lastFailure"].is_null(), "{pager}");
    let (_, metrics) = server.get("/metrics");
    assert!(metrics.contains("bellwether_alerts_received_total{status=\"firing\"} 1"), "{metrics}");
    let refused = "bellwether_notifications_failed_total{integration=\"webhook\",reason=\"serverError\"} 0";
    assert!(metrics.contains(refused), "{metrics}");
    assert!(metrics.contains("bellwether_notifications_total{integration=\"webhook\"} 1"), "{metrics}");
    assert_eq!(get(&server.url, "alerts/groups")[0]["receiver"]["name"], "pager");
}

#[test]
fn a_receiver_is_tried_and_pages_of_other_sites_cannot_do_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let hook = Hook::start();
    let server = serve(dir.path(), &config(&hook.url));
    let path = "/api/v1/receivers/pager/test";
    let (status, said) = server.post(path, &[("Origin", "http://evil.example")], &[]);
    assert_eq!(status, 403, "{said}");
    let (status, said) = server.post(path, &[], &[]);
    assert_eq!(status, 200, "{said}");
    let answer: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let result = &answer["data"]["results"][0];
    assert_eq!((&result["integration"], &result["status"]), (&json!("webhook[0]"), &json!("ok")), "{said}");
    hook.wait_for("the test", |path, _| path == "/pager");
    let noted = wait_for("the record of the test", || {
        let told = server.api("notifications", &[("kind", "test")]);
        told["notifications"].as_array()?.first().cloned()
    });
    assert_eq!(
        (&noted["kind"], &noted["askedBy"], &noted["receiver"], &noted["status"]),
        (&json!("test"), &json!("127.0.0.1"), &json!("pager"), &json!("sent"))
    );
    assert_eq!(noted["reason"], "test message, asked for by 127.0.0.1");
    assert_eq!(server.api("notifications", &[("kind", "alert")])["notifications"], json!([]));
    assert_eq!(server.get("/api/v1/notifications?kind=page").0, 400);
    assert_eq!(server.post("/api/v1/receivers/nobody/test", &[], &[]).0, 404);
}

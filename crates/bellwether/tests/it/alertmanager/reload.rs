//! The configuration of the Alertmanager is read with the other one, and again when that is.

use std::fs;

use super::{NO_ALERTS, config, get, serve};
use crate::support::Bellwether;

#[test]
fn a_bad_file_keeps_the_old_one_and_says_where() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("alertmanager.yml");
    let server = serve(dir.path(), &config("http://127.0.0.1:1"));
    let names = || get(&server.url, "receivers").to_string();
    assert_eq!(names(), r#"[{"name":"team"},{"name":"pager"}]"#);
    fs::write(&file, "route: {receiver: nobody}\nreceivers: [{name: somebody}]\n").expect("written");
    let (status, said) = server.post("/-/reload", &[], &[]);
    assert_eq!(status, 500, "{said}");
    assert!(said.contains("alertmanager.yml:1:19: undefined receiver \"nobody\""), "{said}");
    assert_eq!(names(), r#"[{"name":"team"},{"name":"pager"}]"#);

    fs::write(&file, "route: {receiver: somebody}\nreceivers: [{name: somebody}]\n").expect("written");
    let (status, said) = server.post("/alertmanager/-/reload", &[], &[]);
    assert_eq!(status, 200, "{said}");
    assert_eq!(names(), r#"[{"name":"somebody"}]"#);
}

#[test]
fn the_key_of_the_configuration_file_is_enough() {
    let dir = tempfile::tempdir().expect("a folder");
    let text = "alertmanager:\n  route: {receiver: own}\n  receivers:\n  - name: own\n    webhook_configs: [{url: 'http://h/hunter2'}]\n  \
                - name: far\n    sns_configs: [{topic_arn: x, sigv4: {}}]\n";
    fs::write(dir.path().join("bellwether.yml"), text).expect("written");
    let server = Bellwether::serve(dir.path(), &[]);
    assert_eq!(get(&server.url, "receivers")[0]["name"], "own");
    let shown = get(&server.url, "status")["config"]["original"].as_str().unwrap_or("").to_owned();
    assert!(shown.contains("receiver: own") && !shown.contains("hunter2"), "{shown}");
    let log = server.log();
    assert!(log.contains("WARN") && log.contains("sns integration, which is not supported"), "{log}");
    assert!(log.contains("bellwether.yml:2:3"), "{log}");
}

#[test]
fn without_configuration_alerts_are_kept_and_nobody_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("bellwether.yml"), NO_ALERTS).expect("written");
    let server = Bellwether::serve(dir.path(), &[]);
    let alert = serde_json::json!([{"labels": {"alertname": "A"}}]);
    assert_eq!(super::post(&server.url, "alerts", &alert).0, 200);
    assert_eq!(get(&server.url, "alerts")[0]["status"]["state"], "active");
    for path in ["healthy", "ready"] {
        assert_eq!(server.get(&format!("/alertmanager/-/{path}")), (200, "OK".to_owned()));
    }
}

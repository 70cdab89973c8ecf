//! Debian's `amtool` against the running server.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Hook, config, serve};
use crate::support::require;

/// Runs `amtool`, with nothing of the user's own settings, and returns what it says.
fn amtool(dir: &Path, url: &str, args: &[&str]) -> String {
    require("amtool");
    let output = Command::new("amtool")
        .arg(format!("--alertmanager.url={url}"))
        .args(args)
        .current_dir(dir)
        .env("HOME", dir)
        .env("USER", "ann")
        .output()
        .expect("amtool runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "amtool {args:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn json(said: &str) -> Vec<Value> {
    let value: Value = serde_json::from_str(said).unwrap_or_else(|e| panic!("{e}: {said}"));
    value.as_array().cloned().unwrap_or_default()
}

#[test]
fn alerts_are_added_and_queried() {
    let dir = tempfile::tempdir().expect("a folder");
    let hook = Hook::start();
    let server = serve(dir.path(), &config(&hook.url));
    // Below the prefix that an Alertmanager of its own would have, and beside Prometheus' API.
    for url in [format!("{}/alertmanager", server.url), server.url.clone()] {
        let ask = |args: &[&str]| amtool(dir.path(), &url, args);
        ask(&["alert", "add", "Down", "severity=page", "job=db", "--annotation=summary=gone"]);
        ask(&["alert", "add", "alertname=Slow", "severity=warning", "job=db"]);
        let all = json(&ask(&["alert", "query", "-o", "json"]));
        assert_eq!(all.len(), 2, "{all:?}");
        let down = json(&ask(&["alert", "query", "-o", "json", "--receiver=pager"]));
        assert_eq!(down[0]["labels"]["alertname"], "Down");
        assert_eq!(down[0]["annotations"]["summary"], "gone");
        assert_eq!(json(&ask(&["alert", "query", "-o", "json", "alertname=~Sl.*"])).len(), 1);
        assert!(ask(&["alert", "query", "-o", "extended"]).contains("Down"));
    }
    let told = hook.wait_for("the page", |path, _| path == "/pager");
    assert_eq!(told["alerts"][0]["labels"]["alertname"], "Down");
}

#[test]
fn silences_are_made_changed_ended_and_taken_along() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = serve(dir.path(), &config("http://127.0.0.1:1"));
    let url = format!("{}/alertmanager", server.url);
    let ask = |args: &[&str]| amtool(dir.path(), &url, args);
    let of = |args: &[&str]| json(&ask(&[&["silence", "query", "-o", "json"], args].concat()));

    let id = ask(&[
        "silence",
        "add",
        "alertname=Down",
        "job=~d.*",
        "--author=ann",
        "--comment=upgrade",
        "--duration=1h",
    ]);
    let id = id.trim();
    let silences = of(&[]);
    assert_eq!(silences.len(), 1);
    assert_eq!((&silences[0]["id"], &silences[0]["createdBy"]), (&id.into(), &"ann".into()));
    ask(&["alert", "add", "Down", "job=db"]);
    assert_eq!(json(&ask(&["alert", "query", "-o", "json", "--silenced"])).len(), 1);
    assert_eq!(of(&["alertname=Down"]).len(), 1);
    assert_eq!(of(&["alertname=Other"]).len(), 0);

    let same = ask(&["silence", "update", id, "--duration=2h", "--comment=longer"]);
    assert!(same.contains(id), "a longer one is the same: {same}");
    let updated = of(&[]);
    assert_eq!(updated[0]["comment"], "longer");
    assert!(updated[0]["endsAt"].as_str() > silences[0]["endsAt"].as_str());

    fs::write(dir.path().join("silences.json"), ask(&["silence", "query", "-o", "json"])).expect("written");
    ask(&["silence", "expire", id]);
    assert_eq!(of(&[]).len(), 0);
    let expired = of(&["--expired", "--within=1h"]);
    assert_eq!(expired[0]["status"]["state"], "expired");
    assert_eq!(json(&ask(&["alert", "query", "-o", "json", "--active"])).len(), 1);

    ask(&["silence", "import", "silences.json"]);
    let imported = of(&[]);
    assert_eq!(imported.len(), 1);
    assert_ne!(imported[0]["id"], id, "one that is over stays over");
    assert_eq!(imported[0]["matchers"], updated[0]["matchers"]);
}

#[test]
fn the_configuration_is_shown_and_routes_are_tested() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = serve(dir.path(), &config("http://127.0.0.1:1"));
    let ask = |args: &[&str]| amtool(dir.path(), &server.url, args);
    assert!(ask(&["config", "show"]).contains("receiver: team"));
    let tree = ask(&["config", "routes"]);
    assert!(tree.contains("{severity=\"page\"}  receiver: pager"), "{tree}");
    assert_eq!(ask(&["config", "routes", "test", "severity=page"]).trim(), "pager");
    assert_eq!(ask(&["config", "routes", "test", "severity=warning"]).trim(), "team");
    assert!(ask(&["cluster", "show"]).contains("disabled"));
    // Both need no server, and both must like the file that the server likes.
    let checked = ask(&["check-config", "alertmanager.yml"]);
    assert!(checked.contains("SUCCESS") && checked.contains("2 receivers"), "{checked}");
    fs::write(dir.path().join("a.tmpl"), "{{ define \"a\" }}{{ .Status | toUpper }}{{ end }}")
        .expect("written");
    let made =
        ask(&["template", "render", "--template.glob=*.tmpl", "--template.text={{ template \"a\" . }}"]);
    assert_eq!(made.trim(), "ALERTSTATUS", "amtool has made-up data");
}

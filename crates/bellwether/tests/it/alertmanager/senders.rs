//! Other servers send alerts.

use std::fs;

use super::{Hook, config, get, serve};
use crate::support::{prometheus, wait_for};

#[test]
fn prometheus_sends_its_alerts_and_people_are_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let hook = Hook::start();
    let server = serve(dir.path(), &config(&hook.url));
    let folder = dir.path().join("prometheus");
    fs::create_dir(&folder).expect("made");
    let address = server.url.trim_start_matches("http://");
    fs::write(
        folder.join("prometheus.yml"),
        format!(
            "global: {{evaluation_interval: 1s, external_labels: {{site: here}}}}\nrule_files: [rules.yml]\nalerting:\n  \
             alertmanagers:\n  - path_prefix: /alertmanager\n    static_configs: [{{targets: ['{address}']}}]\n"
        ),
    )
    .expect("written");
    fs::write(
        folder.join("rules.yml"),
        "groups:\n- name: g\n  rules:\n  - alert: Always\n    expr: vector(1)\n    labels: {severity: page}\n    \
         annotations: {summary: 'it is {{ $value }}'}\n",
    )
    .expect("written");
    // It finds us some seconds after the alert fires for the first time.
    let (_prometheus, _) = prometheus(&folder, &["--rules.alert.resend-delay=1s"]);
    let alert = wait_for("the alert", || get(&server.url, "alerts").as_array()?.first().cloned());
    assert_eq!(
        alert["labels"],
        serde_json::json!({"alertname": "Always", "severity": "page", "site": "here"})
    );
    assert_eq!(alert["receivers"][0]["name"], "pager");
    assert!(
        alert["generatorURL"].as_str().is_some_and(|url| url.contains("/graph?g0.expr=vector")),
        "{alert}"
    );
    let told = hook.wait_for("the message", |path, body| path == "/pager" && body["status"] == "firing");
    assert_eq!(told["alerts"][0]["annotations"]["summary"], "it is 1");
}

//! Other people's programs talk to the server.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Bellwether, Process, node_exporter, prometheus, python, require, root, wait_for};

/// A server that has scraped a node exporter at least twice.
fn server_with_data(dir: &Path) -> (Bellwether, Process) {
    let (exporter, port) = node_exporter();
    fs::write(
        dir.join("prometheus.yml"),
        format!("scrape_configs:\n- job_name: node\n  scrape_interval: 1s\n  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"),
    )
    .expect("written");
    let server = Bellwether::serve(dir, &["--config.file=prometheus.yml"]);
    wait_for("two scrapes", || (server.value("count_over_time(up[1m])")? >= 2.0).then_some(()));
    (server, exporter)
}

fn promtool(args: &[&str]) -> String {
    require("promtool");
    let output = Command::new("promtool").args(args).output().expect("promtool runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "promtool {args:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn promtool_queries_the_server() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, _exporter) = server_with_data(dir.path());
    let url = server.url.as_str();
    let said = promtool(&["query", "instant", url, "up{job=\"node\"}"]);
    assert!(said.contains("=> 1 @["), "{said}");
    let said = promtool(&["query", "range", "--step=1s", url, "up"]);
    assert!(said.contains("up{instance="), "{said}");
    let said = promtool(&["query", "series", "--match=node_load1", url]);
    assert!(said.contains("__name__=\"node_load1\""), "{said}");
    let said = promtool(&["query", "labels", url, "job"]);
    assert_eq!(said.trim(), "node");
    let said = promtool(&["query", "instant", "-o", "json", url, "scalar(up)"]);
    assert!(said.contains("\"1\""), "{said}");
}

#[test]
fn promtool_reads_our_own_metrics_without_complaint() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, _exporter) = server_with_data(dir.path());
    let (status, metrics) = server.get("/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains("bellwether_build_info"), "{metrics}");
    let file = dir.path().join("metrics.txt");
    fs::write(&file, &metrics).expect("written");
    let output = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(fs::File::open(&file).expect("there"))
        .output()
        .expect("promtool runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_python_api_client_works() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, _exporter) = server_with_data(dir.path());
    let output = Command::new(python())
        .arg(root().join("tests/apps/api_client.py"))
        .arg(&server.url)
        .output()
        .expect("python runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn prometheus_pushes_with_remote_write() {
    let (_exporter, exporter_port) = node_exporter();
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &[]);
    let prometheus_dir = dir.path().join("prometheus");
    fs::create_dir(&prometheus_dir).expect("made");
    fs::write(
        prometheus_dir.join("prometheus.yml"),
        format!(
            "global:\n  scrape_interval: 1s\n  external_labels: {{sender: prometheus}}\nscrape_configs:\n- job_name: node\n  \
             static_configs: [{{targets: ['127.0.0.1:{exporter_port}']}}]\nremote_write:\n- url: {}/api/v1/write\n  \
             queue_config: {{batch_send_deadline: 500ms}}\n  metadata_config: {{send_interval: 1s}}\n",
            server.url
        ),
    )
    .expect("written");
    let _prometheus = prometheus(&prometheus_dir, &[]);
    let selector = "{job=\"node\",sender=\"prometheus\"}";
    wait_for("pushed samples", || (server.value(&format!("up{selector}")) == Some(1.0)).then_some(()));
    wait_for("many series", || (server.value(&format!("count({selector})"))? > 200.0).then_some(()));
    wait_for("metadata", || {
        (server.api("metadata", &[("metric", "node_load1")])["node_load1"][0]["type"] == "gauge")
            .then_some(())
    });
    // Another Prometheus reads from us by federation.
    let (status, text) = server.get("/federate?match[]=node_load1");
    assert_eq!(status, 200);
    assert!(text.contains("# TYPE node_load1") && text.contains("sender=\"prometheus\""), "{text}");
}

//! A reload takes the whole new configuration or keeps the old one.

use std::fs;

use crate::support::{Bellwether, node_exporter, wait_for};

#[test]
fn a_bad_file_keeps_the_old_configuration_and_says_where() {
    let (_exporter, port) = node_exporter();
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("prometheus.yml");
    let config = |job: &str, extra: &str| {
        format!(
            "scrape_configs:\n- job_name: {job}\n  scrape_interval: 1s\n{extra}  static_configs:\n  - targets: ['127.0.0.1:{port}']\n"
        )
    };
    fs::write(&file, config("first", "")).expect("written");
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    wait_for("the first job", || (server.value("up{job=\"first\"}") == Some(1.0)).then_some(()));

    fs::write(&file, config("second", "  scrape_intervall: 5s\n")).expect("written");
    let (status, said) = server.post("/-/reload", &[], &[]);
    assert_eq!(status, 500, "{said}");
    assert!(said.contains("prometheus.yml:4:3"), "{said}");
    assert!(said.contains("scrape_intervall") && said.contains("scrape_interval"), "{said}");
    let (_, metrics) = server.get("/metrics");
    assert!(metrics.contains("bellwether_config_last_reload_successful 0"), "{metrics}");
    assert_eq!(server.api("targets", &[])["activeTargets"][0]["scrapePool"], "first");

    fs::write(&file, config("second", "")).expect("written");
    let (status, said) = server.post("/-/reload", &[], &[]);
    assert_eq!(status, 200, "{said}");
    wait_for("the second job", || (server.value("up{job=\"second\"}") == Some(1.0)).then_some(()));
    wait_for("the first job to be stale", || server.query("up{job=\"first\"}").is_empty().then_some(()));
    let (_, metrics) = server.get("/metrics");
    assert!(metrics.contains("bellwether_config_last_reload_successful 1"));

    fs::write(&file, config("third", "")).expect("written");
    server.process.signal("HUP");
    wait_for("the third job", || (server.value("up{job=\"third\"}") == Some(1.0)).then_some(()));
}

#[test]
fn the_configuration_in_use_is_shown_without_secrets() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(
        dir.path().join("prometheus.yml"),
        "scrape_configs:\n- job_name: secret\n  basic_auth: {username: u, password: hunter2hunter2}\n",
    )
    .expect("written");
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    let yaml = server.api("status/config", &[])["yaml"].as_str().unwrap_or("").to_owned();
    assert!(yaml.contains("job_name: secret") && yaml.contains("<secret>"), "{yaml}");
    assert!(!yaml.contains("hunter2") && !server.log().contains("hunter2"));
}

#[test]
fn pages_of_other_sites_cannot_reload() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &[]);
    let (status, said) = server.post("/-/reload", &[("Origin", "http://evil.example")], &[]);
    assert_eq!(status, 403, "{said}");
    let (status, _) = server.post("/-/quit", &[], &[]);
    assert_eq!(status, 403);
}

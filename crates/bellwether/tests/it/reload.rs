//! A reload takes the whole new configuration or keeps the old one.

use std::fs;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::http_api::push;
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
fn a_reload_that_fails_is_told_with_its_time_and_reason_until_one_works() {
    const MAIN: &str = "rule_files: [rules.yml]\npacks: [own.yml]\n";
    const RULES: &str = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up == 0}\n";
    const ROUTES: &str = "route: {receiver: team}\nreceivers:\n- name: team\n";
    const PACK: &str = "pack: own\nversion: 1.0.0\nmetrics:\n- {name: own_things_total, type: counter, help: Things that there were}\n";
    let dir = tempfile::tempdir().expect("a folder");
    let write = |file: &str, text: &str| fs::write(dir.path().join(file), text).expect("written");
    let right = [("prometheus.yml", MAIN), ("rules.yml", RULES), ("am.yml", ROUTES), ("own.yml", PACK)];
    for (file, text) in right {
        write(file, text);
    }
    let server =
        Bellwether::serve(dir.path(), &["--config.file=prometheus.yml", "--alertmanager.config.file=am.yml"]);
    let status = || server.api("status/runtimeinfo", &[]);
    let reason = |status: &Value| status["lastReloadFailure"]["reason"].as_str().map(str::to_owned);
    let before = status();
    assert_eq!((&before["reloadConfigSuccess"], &before["lastReloadFailure"]), (&json!(true), &Value::Null));
    let mut loaded = before["lastConfigTime"].clone();

    let wrong = [
        (
            "prometheus.yml",
            "scrape_configs:\n- job_name: a\n  scrape_intervall: 5s\n",
            "prometheus.yml:3:3: ",
            "field scrape_intervall not found",
        ),
        ("rules.yml", "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up ==}\n", "rules.yml:4:", "expr"),
        ("am.yml", "route: {receiver: crew}\nreceivers:\n- name: team\n", "am.yml:1:", "crew"),
        ("own.yml", "pack: own\nversion: 1.0.0\nmetric: []\n", "own.yml:3:1: ", "metric"),
    ];
    for (file, text, place, field) in wrong {
        write(file, text);
        server.process.signal("HUP");
        let failed = wait_for("the reload to fail", || Some(status()).filter(|s| reason(s).is_some()));
        let told = reason(&failed).expect("a reason");
        assert!(told.starts_with(place) && told.contains(field), "{told}");
        assert_eq!(failed["reloadConfigSuccess"], false);
        assert_eq!(failed["lastConfigTime"], loaded, "the old one is in use");
        let (code, said) = server.post("/-/reload", &[], &[]);
        assert_eq!(code, 500);
        assert_eq!(said, format!("failed to reload config, the old one stays in use:\n{told}\n"));
        let again = status();
        let times = [
            &failed["lastConfigTime"],
            &failed["lastReloadFailure"]["time"],
            &again["lastReloadFailure"]["time"],
        ];
        let times =
            times.map(|text| OffsetDateTime::parse(text.as_str().unwrap_or(""), &Rfc3339).expect("a time"));
        assert!(times.is_sorted(), "each attempt has its time: {times:?}");

        let (_, text) = right.into_iter().find(|(name, _)| *name == file).expect("one of them");
        write(file, text);
        assert_eq!(server.post("/-/reload", &[], &[]).0, 200);
        let mended = status();
        assert_eq!(
            (&mended["reloadConfigSuccess"], &mended["lastReloadFailure"]),
            (&json!(true), &Value::Null)
        );
        assert_ne!(mended["lastConfigTime"], loaded);
        loaded = mended["lastConfigTime"].clone();
    }

    // One attempt tells what is wrong with rules and routes.
    write("rules.yml", "groups: nobody\n");
    write("am.yml", "route: nobody\n");
    assert_eq!(server.post("/-/reload", &[], &[]).0, 500);
    let told = reason(&status()).expect("a reason");
    assert!(told.contains("am.yml:1:8: ") && told.contains("\nrules.yml:1:9: "), "{told}");
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

#[test]
fn a_job_that_cannot_be_started_is_named_with_its_place() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("prometheus.yml");
    fs::write(&file, "scrape_configs:\n- job_name: a\n").expect("written");
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    let refuse = |tls: &str| {
        fs::write(&file, format!("scrape_configs:\n- job_name: a\n- job_name: b\n  {tls}\n"))
            .expect("written");
        let (status, said) = server.post("/-/reload", &[], &[]);
        assert_eq!(status, 500, "{said}");
        assert!(said.contains("prometheus.yml:3:13: ") && said.contains("\"b\""), "{said}");
        said
    };
    assert!(refuse("tls_config: {ca_file: nope.pem}").contains("nope.pem: no such file or directory"));
    assert!(refuse("proxy_url: not a url").contains("proxy_url"));
    assert!(refuse("scrape_failure_log_file: nowhere/x.log").contains("nowhere/x.log"));
    assert!(!server.api("status/config", &[])["yaml"].as_str().unwrap_or("").contains("job_name: b"));
}

#[test]
fn files_that_are_missing_are_told_before_a_scrape_needs_them() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(
        dir.path().join("prometheus.yml"),
        "rule_files: [no-rules.yml, 'more/*.yml']\nscrape_configs:\n- job_name: a\n  basic_auth: {username: u, password_file: no-password}\n",
    )
    .expect("written");
    let problems = [
        "prometheus.yml:3:13: job \"a\": basic_auth.password_file no-password cannot be read: No such file or directory",
        "rule_files: no-rules.yml does not exist",
    ];
    // The password may be put there later, so the server starts without it, as Prometheus does.
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    let log = server.log();
    let check = std::process::Command::new(Bellwether::binary())
        .args(["check", "config", "prometheus.yml"])
        .current_dir(dir.path())
        .output()
        .expect("runs");
    assert_eq!(check.status.code(), Some(1));
    let said = String::from_utf8_lossy(&check.stdout);
    for problem in problems {
        // `FILE:LINE:COLUMN: error: what is wrong`
        assert!(said.replace("error: ", "").contains(problem), "{said}");
        assert!(log.contains(problem), "{log}");
    }
    assert!(!said.contains("more/"), "a pattern may match nothing: {said}");
}

#[test]
fn retention_and_window_of_late_samples_are_reloaded() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("prometheus.yml");
    fs::write(&file, "{}").expect("written");
    let server =
        Bellwether::serve(dir.path(), &["--config.file=prometheus.yml", "--storage.tsdb.retention.time=30d"]);
    let now_ms = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis() as i64;
    let day_ms = 24 * 60 * 60 * 1000;
    let push =
        |days_back: i64| push(&server, &[(&[("__name__", "pushed")], &[(now_ms - days_back * day_ms, 1.0)])]);
    let retention = || server.api("status/runtimeinfo", &[])["storageRetention"].clone();
    assert_eq!(retention(), "30d");
    assert_eq!(push(0).0, 204);
    let (status, said) = push(1);
    assert!(status == 400 && said.contains("out of order"), "{status} {said}");
    fs::write(&file, "storage: {tsdb: {out_of_order_time_window: 20d, retention: {time: 10d, size: 5GB}}}")
        .expect("written");
    assert_eq!(server.post("/-/reload", &[], &[]).0, 200);
    assert_eq!(retention(), "10d or 5GiB");
    assert_eq!(push(9).0, 204);
    let (status, said) = push(11);
    assert!(status == 400 && said.contains("out of bounds"), "{status} {said}");
}

/// Whoever opens a pipe for writing waits until somebody reads.
#[test]
fn a_reload_that_hangs_does_not_keep_the_server_from_stopping() {
    let dir = tempfile::tempdir().expect("a folder");
    let pipe = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let file = dir.path().join("prometheus.yml");
    fs::write(&file, "scrape_configs:\n- job_name: a\n").expect("written");
    let mut server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml", "--log.level=debug"]);
    fs::write(&file, "scrape_configs:\n- job_name: a\n  scrape_failure_log_file: pipe\n").expect("written");
    server.process.signal("HUP");
    wait_for("the reload to begin", || {
        server.log().contains("reading the configuration again").then_some(())
    });
    assert_eq!(server.process.terminate(), Some(0));
}

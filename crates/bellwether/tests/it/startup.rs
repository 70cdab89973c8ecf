//! Starting and stopping.

use std::path::Path;

use crate::http_api::push;
use crate::support::{Bellwether, wait_for};

#[test]
fn an_empty_folder_is_enough() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = Bellwether::serve(dir.path(), &[]);
    assert_eq!(server.get("/-/healthy").0, 200);
    // Without any configuration the server scrapes itself.
    wait_for("its own `up`", || (server.value("up{job=\"bellwether\"}") == Some(1.0)).then_some(()));
    assert!(dir.path().join("data").is_dir());
    assert_eq!(server.process.terminate(), Some(0), "{}", server.log());
}

#[test]
fn what_was_stored_is_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = Bellwether::serve(dir.path(), &[]);
    wait_for("a sample", || server.value("up"));
    let range = [("query", "count_over_time(up[1h])")];
    let before = server.api("query", &range)["result"][0]["value"][1].clone();
    assert_eq!(server.process.terminate(), Some(0));
    let server = Bellwether::serve(dir.path(), &[]);
    let after = server.api("query", &range)["result"][0]["value"][1].clone();
    let count = |v: &serde_json::Value| v.as_str().and_then(|s| s.parse::<f64>().ok()).unwrap_or(0.0);
    assert!(count(&after) >= count(&before) && count(&before) >= 1.0, "{before} then {after}");
}

#[test]
fn one_data_folder_serves_one_process() {
    let dir = tempfile::tempdir().expect("a folder");
    let _first = Bellwether::serve(dir.path(), &[]);
    let second = std::process::Command::new(Bellwether::binary())
        .args(["serve", "--web.listen-address=127.0.0.1:0"])
        .current_dir(dir.path())
        .output()
        .expect("runs");
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("data/ is in use by another process (pid "), "{said}");
}

#[test]
fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let dir = tempfile::tempdir().expect("a folder");
    let output = std::process::Command::new(Bellwether::binary())
        .args(["serve", &format!("--web.listen-address={address}")])
        .current_dir(dir.path())
        .output()
        .expect("runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&address), "{said}");
}

#[test]
fn the_demo_refuses_a_folder_with_real_data() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = Bellwether::serve(dir.path(), &[]);
    wait_for("a sample", || server.value("up"));
    server.process.terminate();
    let output = std::process::Command::new(Bellwether::binary())
        .args(["demo", "--web.listen-address=127.0.0.1:0", "--storage.tsdb.path=data"])
        .current_dir(dir.path())
        .output()
        .expect("runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("real data"), "{said}");
}

#[test]
fn the_demo_shows_five_labelled_platforms() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut demo =
        Bellwether::start("demo", dir.path(), &["--storage.tsdb.path=demo-data", "--fleet.history=10m"]);
    demo.wait_ready();
    let platforms = wait_for("all platforms to be up", || {
        let up = demo.query("count by (platform) (up{demo=\"true\"} == 1)");
        (up.len() == 5).then_some(up)
    });
    let mut names: Vec<&str> = platforms.iter().filter_map(|p| p["metric"]["platform"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["causal", "cugar", "dag", "devskyy", "genesis"]);
    assert_eq!(demo.api("status/runtimeinfo", &[])["demo"], true);
    // The history is there from the first minute.
    let before = demo.value("count({demo=\"true\"} offset 5m)").unwrap_or(0.0);
    assert!(before > 1000.0, "{before} series have history");
    assert_eq!(demo.process.terminate(), Some(0), "{}", demo.log());
    // A demo folder is not mistaken for a real one either.
    let moved = std::process::Command::new("mv").args(["demo-data", "data"]).current_dir(dir.path()).status();
    assert!(moved.expect("mv runs").success());
    let output = std::process::Command::new(Bellwether::binary())
        .args(["serve", "--web.listen-address=127.0.0.1:0"])
        .current_dir(dir.path())
        .output()
        .expect("runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("demo"));
}

#[test]
fn the_demo_is_as_busy_as_asked_for() {
    let requests = |rate: &str| {
        let dir = tempfile::tempdir().expect("a folder");
        let mut demo = Bellwether::start("demo", dir.path(), &[rate, "--fleet.history=10m"]);
        demo.wait_ready();
        let requests = "sum(increase(devskyy_requests_total[6m] offset 2m))";
        let requests = wait_for("the simulated past", || demo.value(requests).filter(|it| *it > 0.0));
        assert_eq!(demo.process.terminate(), Some(0), "{}", demo.log());
        requests
    };
    let (few, many) = (requests("--rate=40"), requests("--rate=400"));
    assert!((8.0..12.0).contains(&(many / few)), "{few} and {many} requests");
}

#[test]
fn the_demo_refuses_a_load_that_cannot_be() {
    for (rate, problem) in [
        ("0", "0 arrivals per second: the demo fleet takes more than 0 and at most 1000"),
        ("-3", "-3 arrivals per second: the demo fleet takes more than 0 and at most 1000"),
        ("NaN", "NaN arrivals per second: the demo fleet takes more than 0 and at most 1000"),
        ("1e9", "1000000000 arrivals per second: the demo fleet takes more than 0 and at most 1000"),
        ("much", "\"much\" is not a number of arrivals per second, such as 100"),
    ] {
        let output = std::process::Command::new(Bellwether::binary())
            .args(["demo", "--rate", rate])
            .output()
            .expect("runs");
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(problem) && said.contains("--rate"), "{said}");
    }
}

/// A server that opens its store for as long as it runs: a long log takes minutes, and here the list of parts is a pipe that nobody writes to.
fn start_opening(dir: &Path) -> Bellwether {
    std::fs::create_dir(dir.join("data")).expect("created");
    let pipe = std::process::Command::new("mkfifo").arg("data/MANIFEST").current_dir(dir).status();
    assert!(pipe.expect("mkfifo runs").success());
    Bellwether::start("serve", dir, &[])
}

#[test]
fn a_stop_is_heard_while_the_store_is_being_opened() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = start_opening(dir.path());
    assert_eq!(server.process.terminate(), Some(0), "{}", server.log());
    let log = server.log();
    assert!(log.contains("stopped while the store was being opened"), "{log}");
    assert!(!log.contains(" ready "), "{log}");
}

#[test]
fn the_space_to_keep_free_can_be_chosen() {
    let dir = tempfile::tempdir().expect("a folder");
    let push_to = |server: &Bellwether| push(server, &[(&[("__name__", "m")], &[(1_000, 1.0)])]);
    let keep = "--storage.tsdb.retention.time=100y";
    let greedy = Bellwether::serve(dir.path(), &["--storage.min-free=1EB", keep]);
    let (status, said) = push_to(&greedy);
    assert_eq!(status, 503, "{said}");
    assert!(
        said.contains("storage is full") && said.contains("1152921504606846976 must stay free"),
        "{said}"
    );
    drop(greedy);
    let modest = Bellwether::serve(dir.path(), &["--storage.min-free=1KB", keep]);
    let (status, said) = push_to(&modest);
    assert!(status < 300, "{said}");
}

#[test]
fn everybody_is_told_to_wait_while_the_store_is_being_opened() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = start_opening(dir.path());
    assert_eq!(server.get("/-/healthy").0, 200);
    let (status, body) = server.get("/-/ready");
    assert_eq!(status, 503, "{body}");
    assert!(body.starts_with("Bellwether is not ready: starting: "), "{body}");
    let (status, body) = server.get("/api/v1/query?query=up");
    let answer: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(
        (status, &answer["status"], &answer["errorType"]),
        (503, &"error".into(), &"unavailable".into())
    );
    assert!(answer["error"].as_str().is_some_and(|e| e.contains("not ready")), "{body}");
    let (status, said) = push(&server, &[(&[("__name__", "m")], &[(1_000, 1.0)])]);
    assert_eq!(status, 503, "senders keep it: {said}");
    let (status, body) = server.get("/api/v2/alerts");
    assert!(status == 503 && body.starts_with("\"Bellwether is not ready: starting: "), "{status} {body}");
    let (status, body) = server.get("/api/v1/status/walreplay");
    let answer: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, &answer["status"]), (200, &"success".into()), "{body}");
}

#[test]
fn the_third_crash_in_a_row_leads_to_safe_mode() {
    let dir = tempfile::tempdir().expect("a folder");
    let is_safe = |server: &Bellwether| {
        let [storage, runtime] = ["storage", "runtimeinfo"].map(|s| server.api(&format!("status/{s}"), &[]));
        assert_eq!(storage["safeMode"], runtime["safeMode"]);
        let (_, metrics) = server.get("/metrics");
        let said = metrics.contains("\nbellwether_tsdb_safe_mode 1\n");
        assert_eq!(storage["safeMode"], said, "{storage}");
        (said, storage["failedStarts"].as_u64())
    };
    for failed in 0..2 {
        let mut server = Bellwether::serve(dir.path(), &[]);
        assert_eq!(is_safe(&server), (false, Some(failed)));
        server.process.kill();
    }
    let mut server = Bellwether::serve(dir.path(), &[]);
    assert_eq!(is_safe(&server), (true, Some(2)));
    assert!(server.log().contains("safe mode"), "{}", server.log());
    wait_for("its own `up`", || (server.value("up{job=\"bellwether\"}") == Some(1.0)).then_some(()));
    // Whoever stops it properly wants it to be as it was.
    assert_eq!(server.process.terminate(), Some(0), "{}", server.log());
    let server = Bellwether::serve(dir.path(), &[]);
    assert_eq!(is_safe(&server), (false, Some(0)));
}

#[test]
fn parts_can_be_read_without_mappings_and_room_be_reserved() {
    let dir = tempfile::tempdir().expect("a folder");
    // So much must stay free that what is free is scarce.
    let free = {
        let mut server = Bellwether::serve(dir.path(), &[]);
        let free = server.api("status/storage", &[])["freeBytes"].as_u64().expect("known");
        assert_eq!(server.process.terminate(), Some(0), "{}", server.log());
        free
    };
    let reserve = || std::fs::metadata(dir.path().join("data/reserve")).map(|m| m.len()).ok();
    let mut count = Vec::new();
    for (mode, bytes, expected) in [("pread", "1MiB", Some(1 << 20)), ("mmap", "0", None)] {
        let flags = [
            "--web.enable-admin-api",
            "--storage.tsdb.retention.time=100y",
            &format!("--storage.read-mode={mode}"),
            &format!("--storage.reserve={bytes}"),
            &format!("--storage.min-free={}B", free / 2),
        ];
        let mut server = Bellwether::serve(dir.path(), &flags);
        assert_eq!(reserve(), expected);
        let flags = server.api("status/flags", &[]);
        assert_eq!(
            (&flags["storage.read-mode"], &flags["storage.reserve"]),
            (&mode.into(), &if bytes == "0" { "0B" } else { bytes }.into())
        );
        if count.is_empty() {
            let samples: Vec<(i64, f64)> = (1..=500).map(|i| (i * 1_000, i as f64)).collect();
            assert_eq!(push(&server, &[(&[("__name__", "m")], &samples)]).0, 204);
            assert_eq!(server.post("/api/v1/admin/tsdb/compact", &[], &[]).0, 204);
        }
        assert!(server.api("status/storage", &[])["parts"].as_array().is_some_and(|parts| !parts.is_empty()));
        let sum = server.api("query", &[("query", "sum_over_time(m[10m])"), ("time", "600")]);
        count.push(sum["result"][0]["value"][1].clone());
        assert_eq!(server.process.terminate(), Some(0), "{}", server.log());
    }
    assert_eq!(count, ["125250", "125250"]);
}

#[test]
fn the_memory_of_series_can_be_limited() {
    let dir = tempfile::tempdir().expect("a folder");
    let flags = ["--storage.memory-budget=2KiB", "--storage.tsdb.retention.time=100y"];
    let server = Bellwether::serve(dir.path(), &flags);
    let push_as =
        |i: usize, ts_ms| push(&server, &[(&[("__name__", "m"), ("i", &i.to_string())], &[(ts_ms, 1.0)])]);
    let refused = (0..100).find_map(|i| Some(push_as(i, 1_000)).filter(|(status, _)| *status >= 300));
    let (status, said) = refused.expect("a hundred series take more");
    assert_eq!(status, 400, "{said}");
    assert!(said.contains("more than the 2KiB allowed (storage.memory-budget)"), "{said}");
    assert!(said.contains("i=\""), "it names the series: {said}");
    let (status, said) = push_as(0, 2_000);
    assert!(status < 300, "a known series goes on: {said}");
    let (_, metrics) = server.get("/metrics");
    assert!(metrics.contains("\nbellwether_tsdb_head_memory_budget_bytes 2048\n"), "{metrics}");
    let (_, storage) = server.get("/api/v1/status/storage");
    assert!(storage.contains(r#""memoryBudgetBytes":2048"#), "{storage}");
}

//! What operators do to the store: deletions and snapshots, beside Debian's Prometheus where the two can be compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::http_api::push_to;
use crate::support::{Answer, Bellwether, Process, exchange, form, prometheus};

/// Debian's Prometheus and this server, both with the same: ten series with samples at every second of a minute.
fn servers(dir: &Path) -> (Bellwether, Process, String, i64) {
    let peer = dir.join("peer");
    fs::create_dir(&peer).expect("made");
    for folder in [dir, &peer] {
        fs::write(folder.join("prometheus.yml"), "{}").expect("written");
    }
    let (process, peer_url) =
        prometheus(&peer, &["--web.enable-admin-api", "--web.enable-remote-write-receiver"]);
    let server = Bellwether::serve(dir, &["--config.file=prometheus.yml", "--web.enable-admin-api"]);
    let now_ms = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis() as i64;
    let start = now_ms / 1000 * 1000 - 60_000;
    for url in [&server.url, &peer_url] {
        for i in 0..10 {
            let samples: Vec<(i64, f64)> = (0..60).map(|n| (start + n * 1000, f64::from(i))).collect();
            assert_eq!(push(url, i, &samples), 204);
        }
    }
    (server, process, peer_url, start)
}

/// Pushes samples of a series; returns the status.
pub(crate) fn push(url: &str, i: i32, samples: &[(i64, f64)]) -> u16 {
    push_to(url, &[(&[("__name__", "lab_series"), ("i", &i.to_string())], samples)]).0
}

/// How many samples of the last hour a selector finds.
fn count(base: &str, selector: &str) -> u64 {
    let query = form(&[("query", &format!("sum(count_over_time({selector}[1h]))"))]);
    let answer = exchange("GET", &format!("{base}/api/v1/query?{query}"), &[], &[]).json();
    answer["data"]["result"][0]["value"][1].as_str().and_then(|v| v.parse().ok()).unwrap_or(0)
}

pub(crate) fn admin(base: &str, method: &str, what: &str, params: &str) -> Answer {
    let pairs: Vec<(&str, &str)> = params.split('&').filter_map(|pair| pair.split_once('=')).collect();
    exchange(method, &format!("{base}/api/v1/admin/tsdb/{what}?{}", form(&pairs)), &[], &[])
}

/// What is listed, by where.
fn listed(base: &str) -> BTreeMap<&'static str, usize> {
    let n = |path: &str| {
        let answer = exchange("GET", &format!("{base}/api/v1/{path}"), &[], &[]).json();
        answer["data"].as_array().map_or(0, Vec::len)
    };
    BTreeMap::from([
        ("series", n("series?match[]=lab_series")),
        ("label values", n("label/i/values")),
        ("label values of a selection", n("label/i/values?match[]=lab_series")),
    ])
}

#[test]
fn prometheus_deletes_the_same() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, _process, peer, start) = servers(dir.path());
    let mut differences = Vec::new();
    for (method, what, params) in [
        ("POST", "delete_series", ""),
        ("POST", "delete_series", "match[]=lab_series{"),
        ("POST", "delete_series", "match[]=lab_series[5m]"),
        ("POST", "delete_series", "match[]=lab_series&start=x"),
        ("POST", "delete_series", "match[]=lab_series&end=x"),
        ("GET", "delete_series", "match[]=lab_series"),
        ("POST", "delete_series", "match[]=nope"),
        ("POST", "delete_series", "match[]=lab_series{i=\"1\"}"),
        ("PUT", "delete_series", "match[]=lab_series{i=\"2\"}&match[]=lab_series{i=\"3\"}"),
        ("POST", "delete_series", "match[]=lab_series{i=\"4\"}&start=1&end=2"),
        ("POST", "delete_series", "match[]=lab_series{i=\"5\"}&start=2&end=1"),
        ("GET", "clean_tombstones", ""),
        ("POST", "clean_tombstones", ""),
        ("PUT", "clean_tombstones", ""),
    ] {
        let [ours, theirs] = [&server.url, &peer].map(|base| {
            let answer = admin(base, method, what, params);
            // What is said where a method is not allowed is not JSON, and words of its own on both sides.
            (answer.status, if answer.status == 405 { String::new() } else { answer.body })
        });
        let parse = |(status, body): &(u16, String)| (*status, serde_json::from_str::<Value>(body).ok());
        if parse(&ours) != parse(&theirs) {
            differences.push(format!("{method} {what} {params}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let samples = |base: &str| {
        let query = form(&[("query", "lab_series[1h]")]);
        let answer = exchange("GET", &format!("{base}/api/v1/query?{query}"), &[], &[]).json();
        let mut series = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        series.sort_by_key(|s| s["metric"]["i"].as_str().unwrap_or("").to_owned());
        series
    };
    assert_eq!((samples(&server.url).len(), samples(&server.url)), (7, samples(&peer)));
    // A series goes on behind its newest sample, deleted or not: that one once more, with another value, an older one, a newer one.
    let last = start + 59_000;
    for (sample, status) in
        [((last, 1.0), 204), ((last, 5.0), 400), ((last - 500, 1.0), 400), ((last + 1000, 1.0), 204)]
    {
        assert_eq!([push(&server.url, 1, &[sample]), push(&peer, 1, &[sample])], [status; 2], "{sample:?}");
        assert_eq!(samples(&server.url), samples(&peer), "{sample:?}");
    }
    assert_eq!(samples(&server.url).len(), 8);
    let mut theirs = listed(&peer);
    // Prometheus takes the newest chunk to go on for ever, so it lists series in memory of which all is deleted.
    assert_eq!(theirs.insert("series", 8), Some(10));
    assert_eq!(listed(&server.url), theirs);
}

/// As of blocks of Prometheus.
#[test]
fn deleted_series_of_parts_are_not_listed_and_their_labels_are() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &["--web.enable-admin-api"]);
    let now_ms = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis() as i64;
    (0..10).for_each(|i| assert_eq!(push(&server.url, i, &[(now_ms, 1.0)]), 204));
    assert_eq!(admin(&server.url, "POST", "compact", "").status, 204);
    assert_eq!(admin(&server.url, "POST", "delete_series", "match[]=lab_series{i=\"1\"}").status, 204);
    let want = BTreeMap::from([("series", 9), ("label values", 10), ("label values of a selection", 10)]);
    assert_eq!(listed(&server.url), want);
}

#[test]
fn deletions_need_the_flag_and_survive_a_kill() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = Bellwether::serve(dir.path(), &[]);
    for what in ["delete_series", "clean_tombstones", "compact"] {
        let refused = admin(&server.url, "POST", what, "match[]=up");
        assert_eq!(refused.status, 503);
        assert!(refused.body.contains("admin APIs disabled"), "{}", refused.body);
    }
    server.process.kill();
    let push = |server: &Bellwether, ts: i64| {
        (0..2).for_each(|i| assert_eq!(push(&server.url, i, &[(ts, 1.0)]), 204));
    };
    let now_ms = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis() as i64;
    let mut server = Bellwether::serve(dir.path(), &["--web.enable-admin-api"]);
    (0..10).for_each(|n| push(&server, now_ms - 60_000 + n * 1000));
    assert_eq!(admin(&server.url, "POST", "compact", "").status, 204);
    (10..20).for_each(|n| push(&server, now_ms - 60_000 + n * 1000));
    let from = (now_ms - 60_000 + 5000) as f64 / 1000.0;
    let deleted =
        admin(&server.url, "POST", "delete_series", &format!("match[]=lab_series{{i=\"0\"}}&start={from}"));
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    server.process.kill();
    let server = Bellwether::serve(dir.path(), &["--web.enable-admin-api"]);
    assert_eq!(
        (count(&server.url, "lab_series{i=\"0\"}"), count(&server.url, "lab_series{i=\"1\"}")),
        (5, 20)
    );
    assert_eq!(admin(&server.url, "POST", "clean_tombstones", "").status, 204);
    assert_eq!(
        (count(&server.url, "lab_series{i=\"0\"}"), count(&server.url, "lab_series{i=\"1\"}")),
        (5, 20)
    );
}

/// The lines that a command of the program writes, and whether it succeeds.
pub(crate) fn command(dir: &Path, args: &[&str]) -> (bool, String) {
    let output = std::process::Command::new(Bellwether::binary())
        .args(args)
        .current_dir(dir)
        .env_remove("BELLWETHER_URL")
        .output()
        .expect("runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn prometheus_makes_snapshots_the_same() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, _process, peer, _) = servers(dir.path());
    for params in ["skip_head=x", "skip_head=yes"] {
        let [ours, theirs] = [&server.url, &peer].map(|base| admin(base, "POST", "snapshot", params));
        assert_eq!((ours.status, ours.json()), (theirs.status, theirs.json()), "{params}");
    }
    for (method, params) in [("POST", ""), ("PUT", "skip_head=true"), ("POST", "skip_head=0"), ("GET", "")] {
        let [ours, theirs] = [&server.url, &peer].map(|base| admin(base, method, "snapshot", params));
        assert_eq!(ours.status, theirs.status, "{method} {params}");
        if ours.status != 200 {
            continue;
        }
        // A name is a time and 16 hexadecimal digits on both sides.
        let form = |answer: &Answer| {
            let answer = answer.json();
            let name = answer["data"]["name"].as_str().unwrap_or("").to_owned();
            let form = |c: char| if c.is_ascii_hexdigit() { 'x' } else { c };
            (
                answer["status"].clone(),
                answer["data"].as_object().map(serde_json::Map::len),
                name.chars().map(form).collect::<String>(),
            )
        };
        assert_eq!(form(&ours), form(&theirs), "{method} {params}");
        let answer = ours.json();
        let name = answer["data"]["name"].as_str().expect("a name");
        assert!(dir.path().join("data/snapshots").join(name).join("SNAPSHOT").exists());
    }
}

/// A backup of a server that is written to is restored and has everything that was acknowledged before.
#[test]
fn a_backup_of_a_running_server_becomes_a_store() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &["--web.enable-admin-api"]);
    let now_ms = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis() as i64;
    let at = |n: i64| now_ms - 600_000 + n * 1000;
    for n in 0..50 {
        assert_eq!(push(&server.url, 0, &[(at(n), n as f64)]), 204);
        if n == 20 {
            assert_eq!(admin(&server.url, "POST", "compact", "").status, 204);
        }
    }
    let stop = std::sync::atomic::AtomicBool::new(false);
    let backup = ["backup", "--server", &server.url, "copy"];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0_i64.. {
                assert_eq!(push(&server.url, 1, &[(at(0) + n, n as f64)]), 204);
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
            }
        });
        let (success, said) = command(dir.path(), &backup);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(success && said.contains("all verified"), "{said}");
    });
    assert_eq!(
        fs::read_dir(dir.path().join("data/snapshots")).expect("there").count(),
        0,
        "it is not left behind"
    );
    let (success, said) = command(dir.path(), &backup);
    assert!(!success && said.contains("copy is not empty"), "{said}");
    let (success, said) = command(dir.path(), &["restore", "copy", "data"]);
    assert!(!success && said.contains("data is not empty"), "{said}");
    let (success, said) = command(dir.path(), &["restore", "copy", "second"]);
    assert!(success, "{said}");
    let second = Bellwether::serve(dir.path(), &["--storage.tsdb.path=second", "--web.enable-admin-api"]);
    let series = "lab_series{i=\"0\"}";
    assert_eq!((count(&second.url, series), count(&server.url, series)), (50, 50));
    assert_eq!(second.value("sum_over_time(lab_series{i=\"0\"}[1h])"), Some((0..50).sum::<i64>() as f64));
    assert_eq!(push(&second.url, 0, &[(at(50), 1.0)]), 204);
    assert_eq!(count(&second.url, series), 51);
    drop(second);

    // Once more from the folder of the second one, which no server uses now.
    let (success, said) = command(dir.path(), &["backup", "--data-dir", "second", "copy2"]);
    assert!(success, "{said}");
    let file =
        fs::read_dir(dir.path().join("copy2/parts")).expect("there").next().expect("a part").expect("there");
    let file = file.path().join("dir.bin");
    let mut bytes = fs::read(&file).expect("there");
    bytes[40] ^= 1;
    fs::write(&file, bytes).expect("written");
    let (success, said) = command(dir.path(), &["restore", "copy2", "third"]);
    assert!(!success && said.contains("dir.bin: checksum of the file"), "{said}");
    assert!(!dir.path().join("third").exists());
    let (success, said) = command(dir.path(), &["backup", "--data-dir", "nowhere", "copy3"]);
    assert!(!success && said.contains("nowhere is not the folder of a store"), "{said}");
    let (success, said) = command(dir.path(), &["backup", "--data-dir", "data", "copy3"]);
    assert!(!success && said.contains("is in use by another process"), "{said}");
}

/// The status says what is there, and what was lost when the store was opened; so do the metrics.
#[test]
fn the_status_of_the_store_tells_what_is_there_and_what_is_lost() {
    let dir = tempfile::tempdir().expect("a folder");
    let args = ["--web.enable-admin-api", "--storage.tsdb.retention.size=1GB", "--storage.wal-sync=always"];
    let mut server = Bellwether::serve(dir.path(), &args);
    let now_ms = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis() as i64;
    for i in 0..4 {
        assert_eq!(push(&server.url, i, &[(now_ms - 2000, 1.0), (now_ms - 1000, 2.0)]), 204);
    }
    assert_eq!(admin(&server.url, "POST", "compact", "").status, 204);
    assert_eq!(admin(&server.url, "POST", "delete_series", "match[]=lab_series{i=\"1\"}").status, 204);
    assert_eq!(push(&server.url, 0, &[(now_ms, 3.0)]), 204);
    let status = server.api("status/storage", &[]);
    assert_eq!(status["storeId"].as_str().map(str::len), Some(32));
    assert_eq!((&status["path"], &status["syncMode"]), (&"data/".into(), &"always".into()));
    assert_eq!(status["refusesWrites"], Value::Null);
    let n = |value: &Value| value.as_f64().unwrap_or(-1.0);
    assert!(n(&status["freeBytes"]) > n(&status["minFreeBytes"]) && n(&status["minFreeBytes"]) > 0.0);
    let log = &status["log"];
    assert!(
        n(&log["segments"]) >= 1.0 && n(&log["bytes"]) > 64.0 && log["lastSeq"] == log["syncedSeq"],
        "{log}"
    );
    assert!(n(&status["head"]["samples"]) >= 1.0 && n(&status["head"]["maxTime"]) >= now_ms as f64);
    assert_eq!(
        (&status["ingest"]["refusedSamples"], &status["ingest"]["lateSamples"]),
        (&0.into(), &0.into())
    );
    assert!(n(&status["ingest"]["samples"]) >= 9.0 && n(&status["ingest"]["series"]) >= 4.0, "{status}");
    let part = status["parts"].as_array().and_then(|parts| parts.iter().find(|p| n(&p["samples"]) >= 8.0));
    let part = part.unwrap_or_else(|| panic!("{status}"));
    assert_eq!(part["deletedIntervals"], 1);
    assert!((n(&part["bytesPerSample"]) - n(&part["bytes"]) / n(&part["samples"])).abs() < 1e-9);
    assert_eq!(status["tombstones"]["intervals"], 1);
    assert_eq!(
        (n(&status["retention"]["bytes"]), n(&status["retention"]["timeMs"])),
        ((1_u64 << 30) as f64, 15.0 * 86_400_000.0)
    );
    assert!(n(&status["upkeep"]["rounds"]) >= 1.0 && n(&status["upkeep"]["lastRun"]) >= now_ms as f64);
    assert!(n(&status["usedBytes"]) >= n(&part["bytes"]) + n(&log["bytes"]));
    assert_eq!((&status["recovery"]["clean"], &status["corruptions"]), (&true.into(), &0.into()));
    server.process.kill();

    let part = dir.path().join(format!("data/parts/{:016}/dir.bin", part["id"].as_u64().expect("a number")));
    let mut bytes = fs::read(&part).expect("there");
    bytes[40] ^= 1;
    fs::write(&part, bytes).expect("written");
    let server = Bellwether::serve(dir.path(), &args);
    let status = server.api("status/storage", &[]);
    let problem = &status["recovery"]["problems"][0];
    assert_eq!((&status["recovery"]["clean"], &problem["kind"]), (&false.into(), &"part".into()), "{status}");
    assert!(problem["what"].as_str().is_some_and(|what| what.contains("dir.bin: ")), "{problem}");
    assert!(dir.path().join(problem["quarantined"].as_str().expect("moved")).exists());
    assert_eq!(status["quarantine"]["files"], 7, "with the deletions");
    let (_, metrics) = server.get("/metrics");
    for line in [
        "bellwether_storage_corruptions_total{kind=\"part\"} 1",
        "bellwether_storage_corruptions_total{kind=\"read\"} 0",
        "bellwether_storage_recovery_clean 0",
        "bellwether_storage_quarantined_files 7",
        "bellwether_storage_upkeep_last_failed 0",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line}\n{metrics}");
    }
}

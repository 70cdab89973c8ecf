//! What may be brought into the store, by whichever way it comes, and what the process does when its memory runs out.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;

use bellwether_model::Labels;
use bellwether_wire::{Sample, WriteRequestWriter, WriteSeries, compress_write_request};
use serde_json::{Value, json};

use crate::http_api::push;
use crate::support::{Answer, Bellwether, exchange, form, target, wait_for};

const TEXT: &str = "text/plain; version=0.0.4";

fn now_ms() -> i64 {
    std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis() as i64
}

fn serve(dir: &Path, config: &str, args: &[&str]) -> Bellwether {
    fs::write(dir.join("prometheus.yml"), config).expect("written");
    Bellwether::serve(dir, &[&["--config.file=prometheus.yml"], args].concat())
}

/// Pushes a sample each for `series` of a metric, and one for the series `good`, which comes last.
fn flood(server: &Bellwether, metric: &str, series: std::ops::Range<usize>, ts_ms: i64) -> Answer {
    let samples = [Sample { ts_ms, value: 1.0 }];
    let flood = series.map(|i| {
        Labels::from_pairs([
            ("__name__", metric),
            ("instance", "host-17.example:9100"),
            ("id", &format!("user-{i}")),
        ])
    });
    let mut message = Vec::new();
    let mut writer = WriteRequestWriter::new(&mut message);
    for labels in flood.chain([Labels::from_pairs([("__name__", "good")])]) {
        writer.series(&WriteSeries { labels: &labels, samples: &samples, exemplars: &[], histograms: &[] });
    }
    let mut body = Vec::new();
    compress_write_request(&message, &mut body).expect("small enough");
    let headers = [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy")];
    exchange("POST", &format!("{}/api/v1/write", server.url), &headers, &body)
}

fn series(server: &Bellwether) -> u64 {
    server.api("status/tsdb", &[])["headStats"]["numSeries"].as_u64().expect("a number")
}

/// The value of a metric of the server itself, which is written as `name{labels}`.
fn own_metric(server: &Bellwether, name: &str) -> f64 {
    let metrics = server.get("/metrics").1;
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {metrics}"))
}

/// The only target of a job.
fn target_of(server: &Bellwether) -> Option<Value> {
    let targets = server.api("targets", &[])["activeTargets"].take();
    Some(targets[0].clone()).filter(|target| target["health"] != "unknown")
}

fn resident_bytes(server: &Bellwether) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process.id())).expect("it runs");
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells");
    kib.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// A fifth of what a careless label makes in two minutes, at once.
#[test]
fn a_flood_of_series_is_stopped_and_named() {
    const ALLOWED: usize = 100_000;
    const PUSHED: usize = 200_000;
    const BATCH: usize = 10_000;
    let dir = tempfile::tempdir().expect("a folder");
    let config = format!("limits: {{max_series_per_metric: {ALLOWED}}}");
    let mut server = serve(dir.path(), &config, &[]);
    let (before, start) = (resident_bytes(&server), now_ms());
    for from in (0..PUSHED).step_by(BATCH) {
        let ts_ms = start + from as i64 / BATCH as i64;
        let answer = flood(&server, "flood_total", from..from + BATCH, ts_ms);
        if from < ALLOWED {
            assert_eq!(answer.status, 204, "{}", answer.body);
            continue;
        }
        assert_eq!((answer.status, answer.header("retry-after")), (400, ""), "{}", answer.body);
        let first = answer.body.lines().next().unwrap_or("");
        assert!(
            first.starts_with(
                r#"metric "flood_total" of the default tenant: the metric has the 100000 series allowed (max_series_per_metric) for series flood_total{id="user-1"#
            ),
            "{first}"
        );
    }
    let grown = resident_bytes(&server).saturating_sub(before);
    println!("{} bytes of resident memory for each of {ALLOWED} series", grown / ALLOWED as u64);
    assert!(grown < 3 * 1024 * ALLOWED as u64, "{grown} bytes for {ALLOWED} series");

    let check = |server: &Bellwether, refused: u64, ahead_ms: i64| {
        let found = server.api("status/cardinality", &[]);
        let offender = json!({"limit": "max_series_per_metric", "tenant": "", "metric": "flood_total", "samples": refused});
        assert_eq!(found["refused"], json!([offender]));
        assert_eq!(server.api("status/tsdb", &[])["refusedByLimit"], json!([offender]));
        let name = r#"bellwether_ingest_refused_total{limit="max_series_per_metric"}"#;
        assert_eq!(own_metric(server, name), refused as f64);
        // Those that are there go on, and so does everything else.
        let later = now_ms() + ahead_ms;
        assert_eq!(flood(server, "flood_total", 0..BATCH, later).status, 204);
        assert_eq!(flood(server, "other_total", 0..10, later).status, 204);
        let good = server.api("query", &[("query", "good"), ("time", &(later / 1000 + 1).to_string())]);
        assert_eq!(good["result"][0]["value"][1], "1", "{good}");
    };
    check(&server, (PUSHED - ALLOWED) as u64, 1000);
    let n = series(&server);
    assert!(n > ALLOWED as u64 && n < ALLOWED as u64 + 1000, "{n}");

    server.process.kill();
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    assert!(series(&server) >= n, "{} of {n}", series(&server));
    assert_eq!(flood(&server, "flood_total", 150_000..150_005, now_ms() + 2000).status, 400);
    check(&server, 5, 3000);
}

#[test]
fn what_a_rate_refuses_may_come_again_later() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = serve(dir.path(), "limits: {max_new_series_per_minute: 60}", &[]);
    let ts_ms = now_ms();
    let answer = flood(&server, "m", 0..100, ts_ms);
    assert_eq!(answer.status, 429, "{}", answer.body);
    let after: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((30..=60).contains(&after), "{after}");
    let reason = r#"metric "m" of the default tenant: the tenant has had the 60 new series per minute allowed (max_new_series_per_minute) for series m{"#;
    assert!(answer.body.starts_with(reason), "{}", answer.body);
    let taken = series(&server);
    assert!((60..100).contains(&taken), "{taken}: the part that was allowed is stored");
    fs::write(dir.path().join("prometheus.yml"), "{}").expect("written");
    assert_eq!(server.post("/-/reload", &[], &[]).0, 200);
    assert_eq!(flood(&server, "m", 0..100, ts_ms).status, 204, "the same once more");
    assert!(series(&server) >= 101);
}

#[test]
fn limits_are_reloaded_as_a_whole_or_not_at_all() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("prometheus.yml");
    let server = serve(dir.path(), "limits: {max_labels_per_series: 2}", &[]);
    let wide = |n: i64| {
        push(&server, &[(&[("__name__", "wide"), ("a", "1"), ("b", &n.to_string())], &[(now_ms(), 1.0)])])
    };
    let (status, said) = wide(0);
    assert_eq!(status, 400, "{said}");
    assert!(
        said.contains(r#"metric "wide" of the default tenant: 3 labels, more than the 2 allowed"#),
        "{said}"
    );
    fs::write(&file, "limits:\n  max_labels_per_series: 64\n  max_future: soon\n").expect("written");
    let (status, said) = server.post("/-/reload", &[], &[]);
    assert!(status == 500 && said.contains("prometheus.yml:3:15: "), "{status} {said}");
    assert_eq!(wide(1).0, 400, "the old limits stay");
    fs::write(&file, "limits: {max_labels_per_series: 3}").expect("written");
    server.process.signal("HUP");
    wait_for("the new limits", || (wide(2).0 == 204).then_some(()));
    let shown = server.api("status/config", &[])["yaml"].as_str().unwrap_or("").to_owned();
    assert!(shown.contains("limits:\n  max_labels_per_series: 3\n"), "{shown}");
}

#[test]
fn a_target_with_a_series_that_may_not_be_is_down() {
    let labels = |n: usize| (0..n).map(|i| format!("l{i}=\"x\"")).collect::<Vec<_>>().join(",");
    // With job, instance and the name 65 labels.
    let port = target(TEXT, move || format!("fine 1\nwide{{{}}} 1\n", labels(62)).into_bytes());
    let dir = tempfile::tempdir().expect("a folder");
    let job = "scrape_configs: [{job_name: a, scrape_interval: 1s, static_configs: [{targets: ['127.0.0.1:PORT']}]}]";
    let server = serve(dir.path(), &job.replace("PORT", &port.to_string()), &[]);
    let found = wait_for("a scrape", || target_of(&server));
    assert_eq!(found["health"], "down");
    assert_eq!(
        found["lastError"],
        r#"metric "wide" of the default tenant: 65 labels, more than the 64 allowed (max_labels_per_series)"#
    );
    assert_eq!(wait_for("its report", || server.value("up")), 0.0);
    assert!(server.query("fine").is_empty(), "nothing of such a scrape is stored");
    fs::write(
        dir.path().join("prometheus.yml"),
        format!("limits: {{max_labels_per_series: 65}}\n{}", job.replace("PORT", &port.to_string())),
    )
    .expect("written");
    assert_eq!(server.post("/-/reload", &[], &[]).0, 200);
    wait_for("a good scrape", || (server.value("up") == Some(1.0)).then_some(()));
    assert_eq!(server.value("fine"), Some(1.0));
}

#[test]
fn a_target_with_too_many_series_is_down_and_keeps_those_it_has() {
    let n_scrapes = std::sync::atomic::AtomicUsize::new(0);
    let port = target(TEXT, move || {
        let n = n_scrapes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let lines = (0..if n == 0 { 8 } else { 12 }).map(|i| format!("many{{i=\"{i}\"}} {n}\n"));
        (lines.collect::<String>() + "fine 1\n").into_bytes()
    });
    let dir = tempfile::tempdir().expect("a folder");
    let config = format!(
        "limits: {{max_series_per_metric: 10}}\nscrape_configs: [{{job_name: a, scrape_interval: 1s, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]"
    );
    let server = serve(dir.path(), &config, &[]);
    let found = wait_for("a bad scrape", || target_of(&server).filter(|target| target["health"] == "down"));
    assert_eq!(
        found["lastError"],
        r#"metric "many" of the default tenant: the metric has the 10 series allowed (max_series_per_metric); 2 of the samples were not stored"#
    );
    wait_for("its report", || (server.value("up") == Some(0.0)).then_some(()));
    assert_eq!(server.value("count(many)"), Some(10.0));
    assert_eq!(server.value("count(many > 0)"), Some(10.0), "those that were there go on");
    assert_eq!(server.value("fine"), Some(1.0));
}

#[test]
fn samples_of_the_future_are_refused_whichever_way_they_come() {
    let ahead_ms = 20 * 60_000;
    let port = target(TEXT, move || format!("timed 1 {}\nfine 1\n", now_ms() + ahead_ms).into_bytes());
    let dir = tempfile::tempdir().expect("a folder");
    let jobs = format!(
        "scrape_configs: [{{job_name: a, scrape_interval: 1s, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]"
    );
    let server = serve(dir.path(), &jobs, &[]);
    let push = || push(&server, &[(&[("__name__", "pushed")], &[(now_ms() + ahead_ms, 1.0)])]);
    let (status, said) = push();
    assert_eq!(status, 400, "{said}");
    assert!(
        said.contains("ms in the future, more than the 600000 ms allowed (max_future) for series pushed"),
        "{said}"
    );
    wait_for("a scrape", || (server.value("up") == Some(1.0)).then_some(()));
    let later = ((now_ms() + ahead_ms) / 1000 + 10).to_string();
    let at_that_time = |metric| server.api("query", &[("query", metric), ("time", &later)])["result"].clone();
    assert_eq!((at_that_time("timed"), at_that_time("pushed")), (json!([]), json!([])));
    assert!(own_metric(&server, r#"bellwether_ingest_refused_total{limit="max_future"}"#) >= 2.0);
    fs::write(dir.path().join("prometheus.yml"), format!("limits: {{max_future: 1h}}\n{jobs}"))
        .expect("written");
    assert_eq!(server.post("/-/reload", &[], &[]).0, 200);
    assert_eq!(push().0, 204);
    wait_for("the timed sample", || (at_that_time("timed") != json!([])).then_some(()));
}

#[test]
fn bodies_that_are_read_at_once_are_bounded() {
    const BODY_BYTES: usize = 16 << 20;
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &[]);
    let address = server.url.trim_start_matches("http://").to_owned();
    // All but their last byte: there is room for fifteen, and the sixteenth comes to the limit.
    let piece = vec![0; BODY_BYTES - 1];
    let slow: Vec<TcpStream> = (0..16)
        .map(|_| {
            let mut client = TcpStream::connect(&address).expect("connected");
            let head = format!(
                "POST /api/v1/write HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
            );
            client.write_all(head.as_bytes()).and_then(|()| client.write_all(&piece)).expect("sent");
            client
        })
        .collect();
    let held = (BODY_BYTES - 1) as f64 * 16.0;
    wait_for("the bodies", || (own_metric(&server, "bellwether_write_body_bytes") == held).then_some(()));
    let refused = flood(&server, "m", 0..100, now_ms());
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"), "{}", refused.body);
    assert!(refused.body.contains("268435456 bytes allowed (bytes in decode)"), "{}", refused.body);
    assert_eq!(own_metric(&server, r#"bellwether_writes_refused_total{limit="bytes_in_decode"}"#), 1.0);
    assert_eq!(server.value("vector(1)"), Some(1.0), "only writes wait");
    drop(slow);
    wait_for("the memory of the bodies", || {
        (flood(&server, "m", 0..100, now_ms()).status == 204).then_some(())
    });
    assert_eq!(own_metric(&server, "bellwether_write_body_bytes"), 0.0);
}

#[test]
fn a_process_without_memory_takes_nothing_and_stays_alive() {
    let dir = tempfile::tempdir().expect("a folder");
    // Whatever it does, it uses more.
    let server = Bellwether::serve(dir.path(), &["--memory.limit=1MiB"]);
    wait_for("somebody to look", || {
        (own_metric(&server, "bellwether_memory_used_bytes") > 0.0).then_some(())
    });
    let refused = exchange("GET", &format!("{}/api/v1/query?query=1", server.url), &[], &[]);
    assert_eq!(refused.status, 503, "{}", refused.body);
    let refused = refused.json();
    let why = refused["error"].as_str().unwrap_or("");
    assert_eq!(refused["errorType"], "unavailable");
    assert!(
        why.contains("of the 1MiB of memory allowed (--memory.limit)") && why.contains("new queries"),
        "{why}"
    );
    for path in ["label/__name__/values", "series?match[]=up"] {
        let (status, said) = server.get(&format!("/api/v1/{path}"));
        assert!(status == 503 && said.contains("--memory.limit"), "{path}: {status} {said}");
    }
    let refused = flood(&server, "m", 0..1, now_ms());
    assert_eq!((refused.status, refused.header("retry-after")), (503, "5"), "{}", refused.body);
    assert!(refused.body.contains("(--memory.limit)") && refused.body.contains("writes"), "{}", refused.body);
    let found = wait_for("a scrape", || target_of(&server));
    assert_eq!(found["health"], "down");
    assert!(found["lastError"].as_str().unwrap_or("").contains("(--memory.limit)"), "{found}");
    for path in ["/-/healthy", "/-/ready", "/api/v1/status/flags"] {
        assert_eq!(server.get(path).0, 200, "{path}");
    }
    let memory = server.api("status/runtimeinfo", &[])["memory"].clone();
    assert_eq!((&memory["limitBytes"], &memory["state"]), (&json!(1 << 20), &json!("no_writes")));
    assert!(memory["queriesRefused"].as_u64() >= Some(3), "{memory}");
    assert!(own_metric(&server, r#"bellwether_memory_refused_total{what="write"}"#) >= 2.0);
    assert_eq!(series(&server), 0);
}

#[test]
fn the_largest_query_goes_when_memory_runs_out() {
    const SERIES: usize = 2_000;
    let dir = tempfile::tempdir().expect("a folder");
    let server = serve(
        dir.path(),
        "{}",
        &["--memory.limit=384MiB", "--query.max-memory=100GiB", "--query.max-memory-per-query=100GiB"],
    );
    let start = now_ms();
    assert_eq!(flood(&server, "m", 0..SERIES, start).status, 204);
    let rows = "last_over_time(m[4h])";
    let params = form(&[
        ("query", &[rows; 8].join(" + ")),
        ("start", &(start / 1000).to_string()),
        ("end", &(start / 1000 + 10_990).to_string()),
        ("step", "1"),
    ]);
    let killed = exchange("GET", &format!("{}/api/v1/query_range?{params}", server.url), &[], &[]);
    assert_eq!(killed.status, 503, "{}", killed.body.get(..1000).unwrap_or(&killed.body));
    let killed = killed.json();
    let why = killed["error"].as_str().unwrap_or("");
    assert!(why.contains("cancelled as the largest one") && why.contains("--memory.limit"), "{why}");
    assert_eq!(own_metric(&server, r#"bellwether_memory_refused_total{what="running_query"}"#), 1.0);
    // Its memory is free again, and everything goes on.
    let asked = wait_for("the memory to be free", || {
        let answer = exchange("GET", &format!("{}/api/v1/query?query=count(m)", server.url), &[], &[]);
        (answer.status == 200).then_some(answer)
    });
    assert_eq!(asked.json()["data"]["result"][0]["value"][1], SERIES.to_string());
    assert_eq!(flood(&server, "m", 0..SERIES, now_ms() + 1).status, 204);
}

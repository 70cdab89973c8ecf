//! `bellwether query` and `bellwether promql`, as people and scripts call them.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use bellwether_model::{Histogram, Labels, histogram::Span};
use bellwether_wire::{
    HistogramSample, WireHistogram, WriteRequestWriter, WriteSeries, compress_write_request,
};
use serde_json::{Value, json};

use crate::http_api::push;
use crate::support::{Bellwether, Process, free_port, read_request, require, respond, wait_for, wait_http};

/// What a call of the program gave.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Calls the program; the width is that of no terminal.
fn call(server: &str, args: &[&str]) -> Said {
    let mut command = Command::new(Bellwether::binary());
    command.args(args).env("BELLWETHER_URL", server).env_remove("COLUMNS");
    let output = command.stdin(Stdio::null()).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// What a call that must succeed wrote to standard output.
fn ask(server: &str, args: &[&str]) -> String {
    let said = call(server, args);
    assert_eq!(said.code, Some(0), "{args:?}: {said:?}");
    said.out
}

fn json_of(server: &str, args: &[&str]) -> Value {
    let out = ask(server, &[args, &["--format=json"]].concat());
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"))
}

/// Two counters and the buckets of a classic and a native histogram, at t = 0, 10, ... 100 s.
fn with_data() -> (tempfile::TempDir, Bellwether) {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &["--storage.tsdb.retention.time=100y"]);
    let line = |slope: f64| -> Vec<(i64, f64)> { (0..=10).map(|i| (i * 10_000, slope * i as f64)).collect() };
    let (one, two) = (line(1.0), line(2.5));
    let (status, said) = push(
        &server,
        &[
            (&[("__name__", "hits_total"), ("job", "api"), ("path", "/a")], &one),
            (&[("__name__", "hits_total"), ("job", "api"), ("path", "/b")], &two),
            (&[("__name__", "wait_bucket"), ("job", "api"), ("le", "1")], &one),
            (&[("__name__", "wait_bucket"), ("job", "api"), ("le", "5")], &one),
            (&[("__name__", "wait_bucket"), ("job", "api"), ("le", "+Inf")], &two),
        ],
    );
    assert!(status == 204 || status == 200, "{status} {said}");
    push_native(&server);
    (dir, server)
}

fn push_native(server: &Bellwether) {
    let histograms: Vec<Histogram> = (1..=3_u32)
        .map(|i| Histogram {
            count: u64::from(i * 3),
            sum: f64::from(i) * 4.0,
            positive_spans: vec![Span { offset: 0, length: 2 }],
            positive_deltas: vec![i64::from(i), i64::from(i)],
            ..Histogram::default()
        })
        .collect();
    let samples: Vec<HistogramSample<'_>> = (0..)
        .zip(&histograms)
        .map(|(i, histogram)| HistogramSample { ts_ms: i * 10_000, histogram: WireHistogram::Int(histogram) })
        .collect();
    let labels = Labels::from_pairs([("__name__", "latency"), ("job", "api")]);
    let (mut message, mut body) = (Vec::new(), Vec::new());
    let mut writer = WriteRequestWriter::new(&mut message);
    writer.series(&WriteSeries { labels: &labels, samples: &[], exemplars: &[], histograms: &samples });
    compress_write_request(&message, &mut body).expect("small enough");
    let headers = [
        ("Content-Type", "application/x-protobuf"),
        ("Content-Encoding", "snappy"),
        ("X-Prometheus-Remote-Write-Version", "0.1.0"),
    ];
    let (status, said) = server.post("/api/v1/write", &headers, &body);
    assert!(status == 204 || status == 200, "{status} {said}");
}

#[test]
fn instant_results_are_tables() {
    let (_dir, server) = with_data();
    let url = server.url.as_str();
    let instant = |expr: &str| ask(url, &["query", "instant", "--time=20", expr]);
    assert_eq!(
        instant("hits_total"),
        "2 series at 1970-01-01T00:00:20Z\ncommon: hits_total{job=\"api\"}\n\npath  VALUE\n/a        2\n/b        5\n"
    );
    assert!(instant("sort_desc(hits_total)").ends_with("/b        5\n/a        2\n"));
    assert!(
        instant("latency").contains("latency{job=\"api\"}  9 obs, sum 12  ▁█\n"),
        "{}",
        instant("latency")
    );
    assert_eq!(instant("scalar(hits_total{path=\"/a\"})"), "2\n");
    assert_eq!(instant("\"text\""), "text\n");
    assert_eq!(instant("nothing_of_that_name"), "no series\n");
    let plain = ask(url, &["query", "instant", "--time=20", "--format=plain", "hits_total{path=\"/a\"}"]);
    assert_eq!(plain, "hits_total{job=\"api\", path=\"/a\"} => 2 @[20]\n");
    assert_eq!(
        json_of(url, &["query", "instant", "--time=1970-01-01T00:00:20Z", "hits_total{path=\"/a\"}"])["result"],
        json!([{"metric": {"__name__": "hits_total", "job": "api", "path": "/a"}, "value": [20, "2"]}])
    );
    let window = ask(url, &["query", "instant", "--time=20", "hits_total{path=\"/a\"}[1m]"]);
    assert!(window.starts_with("1 series, 1970-01-01T00:00:00Z to 1970-01-01T00:00:20Z\n"), "{window}");
}

#[test]
fn ranges_have_lines_of_bars() {
    let (_dir, server) = with_data();
    let url = server.url.as_str();
    let range = ["query", "range", "--start=0", "--end=70", "--step=10s"];
    assert_eq!(
        ask(url, &[&range[..], &["hits_total / 3"]].concat()),
        "2 series, 1970-01-01T00:00:00Z to 1970-01-01T00:01:10Z, step 10s\ncommon: {job=\"api\"}\n\n\
         path  MIN     LAST      MAX  TREND\n\
         /a      0  2.33333  2.33333  ▁▂▃▄▅▆▇█\n\
         /b      0  5.83333  5.83333  ▁▂▃▄▅▆▇█\n"
    );
    let matrix = json_of(url, &[&range[..], &["hits_total{path=\"/b\"}"]].concat());
    assert_eq!(matrix["result"][0]["values"].as_array().map(Vec::len), Some(8));
    let relative = ask(url, &["query", "range", "--start", "-1h", "--end", "now", "vector(1)"]);
    assert!(relative.contains("step 14s") && relative.contains('▄'), "{relative}");
}

#[test]
fn narrow_terminals_break_label_sets() {
    let (_dir, server) = with_data();
    let output = Command::new(Bellwether::binary())
        .args(["query", "series", "--match={__name__=~\"hits_total|wait_bucket\"}", "--start=0", "--end=100"])
        .args(["--server", &server.url])
        .env("COLUMNS", "10")
        .output()
        .expect("the program runs");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.starts_with("5 series\ncommon: {job=\"api\"}\n"), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 40), "{out}");
}

#[test]
fn series_and_labels_are_listed() {
    let (_dir, server) = with_data();
    let url = server.url.as_str();
    let listing = ["--match=hits_total", "--start=0", "--end=100"];
    let list = |args: &[&str]| ask(url, &[args, &listing].concat());
    assert_eq!(list(&["query", "series"]), "2 series\ncommon: hits_total{job=\"api\"}\n\npath\n/a\n/b\n");
    assert_eq!(
        list(&["query", "series", "--format=plain"]),
        "hits_total{job=\"api\", path=\"/a\"}\nhits_total{job=\"api\", path=\"/b\"}\n"
    );
    assert_eq!(list(&["query", "labels"]), "__name__\njob\npath\n");
    assert_eq!(list(&["query", "labels", "path"]), "/a\n/b\n");
    assert_eq!(list(&["query", "labels", "path", "--limit=1"]), "/a\n");
    assert_eq!(json_of(url, &["query", "labels", "job"]), json!(["api"]));
}

#[test]
fn bucket_use_is_counted() {
    let (_dir, server) = with_data();
    let url = server.url.as_str();
    let analyze = ["query", "analyze", "--type=histogram", "--duration=10m", "--time=100"];
    let matches = ["--match=wait_bucket", "--match=latency", "--match=hits_total"];
    let said = call(url, &[&analyze[..], &matches].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let rows: Vec<Vec<&str>> = said.out.lines().skip(3).map(|l| l.split_whitespace().collect()).collect();
    // The bucket up to 5 never has an observation of its own, and at t = 0 nothing has.
    assert_eq!(rows[0], ["metric", "KIND", "SCRAPES", "MIN", "AVG", "MAX", "TOTAL"]);
    assert_eq!(rows[1], ["latency", "native", "3", "2", "2", "2", "2"]);
    assert_eq!(rows[2], ["wait", "classic", "11", "0", "1.81818", "2", "3"]);
    assert!(said.err.contains("info: 2 series belong to no histogram"), "{said:?}");
    let answer = json_of(url, &[&analyze[..], &["--match=latency"]].concat());
    assert_eq!(answer[0]["populated"], json!({"min": 2, "avg": 2.0, "max": 2}));
}

#[test]
fn refusals_name_the_place_and_the_exit_code_the_culprit() {
    let (_dir, server) = with_data();
    let url = server.url.as_str();
    let check = |args: &[&str], code: i32, parts: &[&str]| {
        let said = call(url, args);
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{args:?}: {said:?}");
        assert!(parts.iter().all(|part| said.err.contains(part)), "{parts:?} in {said:?}");
    };
    check(
        &["query", "instant", "sum by (x) (\n  rate(up[5m])"],
        1,
        &["2:15: parse error: unclosed left parenthesis\n      rate(up[5m])\n                  ^\n"],
    );
    check(&["query", "instant", "label_replace(up, \"a\", \"b\", \"c\", \"(\")"], 1, &["label_replace"]);
    check(&["query", "series", "--match={"], 1, &["parse error", "    {\n     ^"]);
    check(&["query", "range", "--start=0", "--end=9999999", "--step=1s", "up"], 1, &["11,000"]);
    check(&["query", "range", "--start=10", "--end=0", "up"], 2, &["--end lies before --start"]);
    check(&["query", "range", "--start=soon", "up"], 2, &["write it like 2026-01-02T15:04:05Z"]);
    check(
        &["query", "instant", "--server=localhost:9090", "up"],
        2,
        &["write it like http://127.0.0.1:9090"],
    );
    check(&["query", "series"], 2, &["--match"]);
    check(&["query", "instant", "--server=http://127.0.0.1:1", "up"], 1, &["connection refused"]);
    check(
        &["promql", "format", "sum(x"],
        1,
        &["1:6: parse error: unclosed left parenthesis", "    sum(x\n         ^"],
    );
    check(&["promql", "format"], 2, &["--file"]);
}

#[test]
fn warnings_go_to_standard_error() {
    let (_dir, server) = with_data();
    let said = call(
        &server.url,
        &["query", "instant", "--time=20", "rate(wait_bucket[1m]) and quantile(2, hits_total)"],
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.err.contains("warning: ") && said.err.contains("quantile value should be between 0 and 1"),
        "{said:?}"
    );
    assert!(!said.out.contains("quantile"), "{said:?}");
}

/// A server that refuses POST and answers GET with text that a terminal would obey.
fn read_only_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("a connection");
            let sent = read_request(&stream).expect("a request");
            let (status, body) = if sent.line.starts_with("GET") {
                (
                    "200 OK",
                    "{\"status\":\"success\",\"warnings\":[\"w\\u001b[1m\"],\"infos\":[\"i\"],\
                  \"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"a\":\"\\u001b[2J\"},\"value\":[1,\"1\"]}]}}",
                )
            } else {
                ("405 Method Not Allowed", "read only")
            };
            respond(&stream, status, "application/json", body.as_bytes());
        }
    });
    url
}

#[test]
fn servers_that_only_read_are_asked_with_get() {
    let said = call(&read_only_server(), &["query", "instant", "up"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.err, "warning: w\\u{1b}[1m\ninfo: i\n");
    assert!(said.out.contains("{a=\"\\x1b[2J\"}"), "{said:?}");
}

#[test]
fn what_is_no_prometheus_is_said() {
    let (_dir, server) = with_data();
    let said = call(&format!("{}/nowhere", server.url), &["query", "instant", "up"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("HTTP status 404") || said.err.contains("404"), "{said:?}");
}

#[test]
fn expressions_come_from_arguments_files_and_pipes() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("query.promql");
    fs::write(&file, "sum by(a)(rate(x[5m]))\n").expect("written");
    let want = "sum by (a) (rate(x[5m]))\n";
    let file = file.to_str().expect("text");
    assert_eq!(ask("", &["promql", "format", "sum by(a)(rate(x[5m]))"]), want);
    assert_eq!(ask("", &["promql", "format", "--file", file]), want);
    let piped = Command::new(Bellwether::binary())
        .args(["promql", "format", "-"])
        .stdin(fs::File::open(file).expect("there"))
        .output()
        .expect("the program runs");
    assert_eq!(String::from_utf8_lossy(&piped.stdout), want);
    assert_eq!(ask("", &["promql", "format", "--", "-x"]), "-x\n");
    let tree: Value =
        serde_json::from_str(&ask("", &["promql", "explain", "--format=json", "rate(x[5m])"])).expect("JSON");
    assert_eq!((&tree["kind"], &tree["children"][0]["text"]), (&json!("call"), &json!("x[5m]")));
}

/// Debian's Prometheus that has scraped itself at least twice.
fn prometheus(dir: &Path) -> (Process, String) {
    require("prometheus");
    let port = free_port();
    fs::write(
        dir.join("prometheus.yml"),
        format!("scrape_configs:\n- job_name: self\n  scrape_interval: 1s\n  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"),
    )
    .expect("written");
    let process = Process::spawn(
        Command::new("prometheus")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    let url = format!("http://127.0.0.1:{port}");
    wait_http(&format!("{url}/-/ready"));
    wait_for("three scrapes", || {
        let counted = json_of(&url, &["query", "instant", "count_over_time(up[1m]) >= 3"]);
        counted["result"].as_array().is_some_and(|result| !result.is_empty()).then_some(())
    });
    (process, url)
}

#[test]
fn prometheus_is_asked_the_same_way() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_prometheus, url) = prometheus(dir.path());
    let url = url.as_str();
    let said = ask(url, &["query", "instant", "up"]);
    assert!(said.starts_with("1 series at ") && said.contains("job=\"self\""), "{said}");
    let said = ask(url, &["query", "range", "--start=-1m", "--step=1s", "process_open_fds"]);
    assert!(said.contains("TREND") && said.contains('▄') || said.contains('█'), "{said}");
    let said = ask(url, &["query", "series", "--match=up"]);
    assert!(said.contains("up{instance="), "{said}");
    assert_eq!(ask(url, &["query", "labels", "job", "--match=up"]), "self\n");
    let said = ask(url, &["query", "analyze", "--match=prometheus_http_request_duration_seconds_bucket"]);
    assert!(said.contains("classic"), "{said}");
    let refused = call(url, &["query", "instant", "sum(up"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.err.contains("1:7: parse error: unclosed left parenthesis\n    sum(up\n          ^"),
        "{refused:?}"
    );
}

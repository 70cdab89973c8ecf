//! Whoever sends nonsense learns what is wrong with it, and nothing else suffers.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use crate::http_api::push;
use crate::support::{Bellwether, form, wait_for};

fn refused(server: &Bellwether, path: &str, params: &[(&str, &str)]) -> (u16, String, String) {
    let (status, text) = server.get(&format!("/api/v1/{path}?{}", form(params)));
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    assert_eq!(answer["status"], "error", "{text}");
    (status, answer["errorType"].as_str().unwrap_or("").into(), answer["error"].as_str().unwrap_or("").into())
}

#[test]
fn bad_queries_get_a_position_and_a_status() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &[]);
    let check = |path: &str, params: &[(&str, &str)], want_status: u16, want_type: &str, want: &str| {
        let (status, kind, message) = refused(&server, path, params);
        assert_eq!((status, kind.as_str()), (want_status, want_type), "{path} {params:?}: {message}");
        assert!(message.contains(want), "{path} {params:?}: {message}");
    };
    check(
        "query",
        &[("query", "sum(rate(x[5m])")],
        400,
        "bad_data",
        "1:16: parse error: unclosed left parenthesis",
    );
    check("query", &[("query", "rate(x)")], 400, "bad_data", "1:6: parse error: expected type range vector");
    check("query", &[], 400, "bad_data", "parse error: no expression found in input");
    check(
        "query",
        &[("query", "1"), ("time", "yesterday")],
        400,
        "bad_data",
        "invalid parameter \"time\": Invalid time value for 'time': cannot parse",
    );
    check("query", &[("query", "1"), ("timeout", "soon")], 400, "bad_data", "invalid parameter \"timeout\"");
    let range = |start, end, step| [("query", "up"), ("start", start), ("end", end), ("step", step)];
    check(
        "query_range",
        &range("100", "0", "1"),
        400,
        "bad_data",
        "end timestamp must not be before start time",
    );
    check(
        "query_range",
        &range("0", "100", "0"),
        400,
        "bad_data",
        "zero or negative query resolution step widths",
    );
    check(
        "query_range",
        &range("0", "100000", "1"),
        400,
        "bad_data",
        "exceeded maximum resolution of 11,000 points",
    );
    check("query_range", &[("query", "up")], 400, "bad_data", "invalid parameter \"start\"");
    check("series", &[], 400, "bad_data", "no match[] parameter provided");
    check(
        "series",
        &[("match[]", "{}")],
        400,
        "bad_data",
        "match[] must contain at least one non-empty matcher",
    );
    check("series", &[("match[]", "x{")], 400, "bad_data", "invalid parameter \"match[]\"");
    check(
        "query_exemplars",
        &[("query", "x"), ("start", "5"), ("end", "1")],
        400,
        "bad_data",
        "end timestamp must not be before start",
    );
    check("labels", &[("limit", "-1")], 400, "bad_data", "limit must be non-negative");
    let deep = "(".repeat(2_000) + "1" + &")".repeat(2_000);
    check("query", &[("query", &deep)], 400, "bad_data", "250");
    assert_eq!(server.get("/api/v1/nope").0, 404);
    assert_eq!(server.get("/-/healthy").0, 200);
}

#[test]
fn a_failing_query_is_told_apart_from_a_bad_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let server =
        Bellwether::serve(dir.path(), &["--query.max-samples=10", "--storage.tsdb.retention.time=100y"]);
    let samples: Vec<(i64, f64)> = (0..50).map(|i| (i * 1000, 1.0)).collect();
    push(&server, &[(&[("__name__", "many")], &samples)]);
    let (status, kind, message) =
        refused(&server, "query", &[("query", "sum_over_time(many[1m])"), ("time", "50")]);
    assert_eq!((status, kind.as_str()), (422, "execution"), "{message}");
    assert!(message.contains("query processing would load too many samples into memory"), "{message}");
    push(
        &server,
        &[(&[("__name__", "l"), ("a", "1")], &[(0, 1.0)]), (&[("__name__", "l"), ("a", "2")], &[(0, 1.0)])],
    );
    let (status, kind, message) = refused(&server, "query", &[("query", "l + on () l"), ("time", "1")]);
    assert_eq!((status, kind.as_str()), (422, "execution"), "{message}");
    assert!(message.contains("duplicate series"), "{message}");
}

/// Serves `body` as an exposition to everybody who asks.
fn exposition(body: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    port
}

#[test]
fn a_broken_exposition_fails_that_scrape_and_names_the_line() {
    let bad = exposition("good 1\nalso_good 2\nbad{ 3\n");
    let good = exposition("fine 1\n");
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(
        dir.path().join("prometheus.yml"),
        format!(
            "scrape_configs:\n- job_name: mixed\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['127.0.0.1:{bad}', '127.0.0.1:{good}']\n\
             - job_name: small\n  scrape_interval: 1s\n  sample_limit: 1\n  static_configs:\n  - targets: ['127.0.0.1:{good}']\n\
             - job_name: tiny\n  scrape_interval: 1s\n  body_size_limit: 3B\n  static_configs:\n  - targets: ['127.0.0.1:{good}']\n"
        ),
    )
    .expect("written");
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    let up = |instance: u16, job: &str| {
        server.value(&format!("up{{job=\"{job}\",instance=\"127.0.0.1:{instance}\"}}"))
    };
    wait_for("all first scrapes", || {
        (up(bad, "mixed") == Some(0.0)
            && up(good, "mixed") == Some(1.0)
            && up(good, "small") == Some(1.0)
            && up(good, "tiny") == Some(0.0))
        .then_some(())
    });
    assert!(server.query("good").is_empty(), "nothing of a broken scrape is kept");
    let targets = server.api("targets", &[]);
    let errors: Vec<(String, String)> = targets["activeTargets"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|t| {
            (
                format!(
                    "{}/{}",
                    t["scrapePool"].as_str().unwrap_or(""),
                    t["labels"]["instance"].as_str().unwrap_or("")
                ),
                t["lastError"].as_str().unwrap_or("").to_owned(),
            )
        })
        .collect();
    let error_of =
        |pool: String| errors.iter().find(|(p, _)| *p == pool).map(|(_, e)| e.clone()).unwrap_or_default();
    let error = error_of(format!("mixed/127.0.0.1:{bad}"));
    assert!(error.contains("line 3"), "{error}");
    let error = error_of(format!("tiny/127.0.0.1:{good}"));
    assert!(error.contains("body size limit"), "{error}");
}

#[test]
fn refused_writes_say_why_and_keep_the_good_part() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &["--storage.tsdb.retention.time=100y"]);
    let snappy = [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy")];
    let (status, said) = server.post("/api/v1/write", &snappy, b"not snappy at all");
    assert_eq!(status, 400, "{said}");
    let (status, said) = server.post("/api/v1/write", &[("Content-Type", "text/plain")], b"x");
    assert_eq!(status, 415, "{said}");
    // A block that claims to hold 2 GiB is refused before any memory is set aside.
    let (status, said) = server.post("/api/v1/write", &snappy, &[0xff, 0xff, 0xff, 0xff, 0x07, 0x00]);
    assert!((400..=413).contains(&status), "{status} {said}");

    let (status, _) = push(&server, &[(&[("__name__", "kept")], &[(2000, 1.0)])]);
    assert!(status < 300);
    let (status, said) = push(
        &server,
        &[
            (&[("__name__", "kept")], &[(1000, 1.0)]),
            (&[("job", "nameless")], &[(3000, 1.0)]),
            (&[("__name__", "good")], &[(3000, 7.0)]),
        ],
    );
    assert_eq!(status, 400, "{said}");
    assert!(said.contains("out of order"), "{said}");
    assert_eq!(
        server.api("query", &[("query", "good"), ("time", "3")])["result"][0]["value"],
        json!([3, "7"])
    );
    // Sending the same sample again is no error: senders retry.
    assert!(push(&server, &[(&[("__name__", "good")], &[(3000, 7.0)])]).0 < 300);
}

#[test]
fn a_bad_configuration_is_refused_before_anything_starts() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(
        dir.path().join("bad.yml"),
        "scrape_configs:\n- job_name: a\n  static_config:\n  - targets: [x]\n",
    )
    .expect("written");
    let run = |args: &[&str]| {
        let output =
            Command::new(Bellwether::binary()).args(args).current_dir(dir.path()).output().expect("runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    for args in [&["serve", "--config.file=bad.yml"][..], &["check", "config", "bad.yml"]] {
        let (code, said) = run(args);
        assert_ne!(code, Some(0));
        assert!(said.contains("bad.yml:3:3") && said.contains("static_configs"), "{said}");
    }
    assert!(!dir.path().join("data").exists(), "nothing was created");
    let (code, said) = run(&["serve", "--config.file=missing.yml"]);
    assert_ne!(code, Some(0));
    assert!(said.contains("missing.yml"), "{said}");
}

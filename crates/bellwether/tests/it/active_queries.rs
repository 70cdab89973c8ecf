//! What runs can be seen and ended, and what ran is in the query log.

use std::fs;
use std::thread;

use serde_json::{Value, json};

use crate::http_api::push;
use crate::support::{Bellwether, exchange, form, wait_for};

/// A query that takes minutes: some hundred million additions, in a build without optimisation even more.
const ENDLESS: &str = "quantile_over_time(0.5, sum_over_time(vector(1)[3h:1s])[3h:1s])";

fn active(server: &Bellwether) -> Vec<Value> {
    server.api("status/active_queries", &[])["queries"].as_array().cloned().unwrap_or_default()
}

fn with_text(server: &Bellwether, text: &str) -> Option<Value> {
    active(server).into_iter().find(|q| q["query"] == text)
}

fn ask(server: &Bellwether, query: &str) -> thread::JoinHandle<(u16, String)> {
    let params = form(&[("query", query), ("start", "0"), ("end", "9000"), ("step", "1")]);
    let url = format!("{}/api/v1/query_range?{params}", server.url);
    thread::spawn(move || crate::support::request("GET", &url, &[], &[]))
}

fn kill(server: &Bellwether, id: &Value, headers: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}/api/v1/status/active_queries/{id}", server.url);
    let answer = exchange("DELETE", &url, headers, &[]);
    let body = if answer.body.is_empty() { Value::Null } else { answer.json() };
    (answer.status, body)
}

#[test]
fn a_running_query_is_listed_and_can_be_killed() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &["--query.max-concurrency=1"]);
    assert_eq!(active(&server), Vec::<Value>::new());
    let running = ask(&server, ENDLESS);
    let found = wait_for("the query to run", || {
        with_text(&server, ENDLESS).filter(|query| query["state"] == "running")
    });
    assert_eq!(found["kind"], "query_range");
    assert!(found["client"].as_str().is_some_and(|c| c.starts_with("127.0.0.1:")), "{found}");
    assert!(found["startTime"].as_str().is_some_and(|t| t.ends_with('Z')), "{found}");
    assert!(found["durationSeconds"].is_number() && found["memoryBytes"].is_u64(), "{found}");
    // There is one place, so the next one waits, and it can be killed while it waits.
    let waiting = ask(&server, "vector(2)");
    let queued = wait_for("the query to queue", || with_text(&server, "vector(2)"));
    assert_eq!(queued["state"], "queued");

    // A page of another site may not do that.
    let (status, body) = kill(&server, &found["id"], &[("Sec-Fetch-Site", "cross-site")]);
    assert_eq!((status, &body["errorType"]), (403, &json!("forbidden")), "{body}");
    let (status, body) = kill(&server, &found["id"], &[("Origin", "http://a.example")]);
    assert_eq!(status, 403, "{body}");

    for (query, client) in [(&queued, waiting), (&found, running)] {
        assert_eq!(kill(&server, &query["id"], &[]), (204, Value::Null));
        let (status, text) = client.join().expect("an answer");
        assert_eq!(status, 499, "{text}");
        assert_eq!(
            text,
            r#"{"status":"error","errorType":"canceled","error":"query was cancelled by an operator"}"#
        );
    }
    wait_for("the threads to stop", || active(&server).is_empty().then_some(()));
    let (status, body) = kill(&server, &found["id"], &[]);
    assert_eq!((status, &body["errorType"]), (404, &json!("not_found")), "{body}");
    assert_eq!(kill(&server, &json!("x"), &[]).0, 400);
    assert_eq!(server.get("/api/v1/query?query=1").0, 200);
}

#[test]
fn what_ran_at_a_crash_is_named_and_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = Bellwether::serve(dir.path(), &[]);
    let running = ask(&server, ENDLESS);
    wait_for("the query to run", || with_text(&server, ENDLESS).filter(|query| query["state"] == "running"));
    server.process.kill();
    assert_eq!(running.join().expect("no panic").0, 0);

    let mut server = Bellwether::serve(dir.path(), &[]);
    let warning = "this query ran when the server ended unexpectedly";
    assert!(
        server.log().lines().any(|line| line.contains(warning) && line.contains(ENDLESS)),
        "{}",
        server.log()
    );
    let refused = &server.api("status/active_queries", &[])["refusedAfterCrash"];
    assert_eq!(
        (&refused[0]["query"], &refused[0]["kind"], &refused[1]),
        (&json!(ENDLESS), &json!("query_range"), &Value::Null)
    );
    let (status, text) = ask(&server, ENDLESS).join().expect("an answer");
    assert_eq!(status, 422, "{text}");
    let told = text.contains(warning)
        && text.contains("--query.refuse-after-crash")
        && text.contains("refused for another");
    assert!(told, "{text}");
    assert_eq!(ask(&server, "vector(2)").join().expect("an answer").0, 200);

    // A second crash forgets nothing; a stop does.
    server.process.kill();
    let mut server = Bellwether::serve(dir.path(), &[]);
    assert_eq!(ask(&server, ENDLESS).join().expect("an answer").0, 422);
    assert_eq!(server.process.terminate(), Some(0));
    assert!(!dir.path().join("data/queries.active").exists());

    // A damaged file never hinders a start.
    fs::write(dir.path().join("data/queries.active"), "nonsense").expect("written");
    let server = Bellwether::serve(dir.path(), &[]);
    assert_eq!(server.api("status/active_queries", &[])["refusedAfterCrash"], json!([]));
    assert!(server.log().contains("cannot tell which queries ran"), "{}", server.log());
}

#[test]
fn the_query_log_has_a_line_for_each_query() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = dir.path().join("prometheus.yml");
    let log = dir.path().join("queries.log");
    fs::write(&config, "global: {query_log_file: queries.log}\n").expect("written");
    let server = Bellwether::serve(
        dir.path(),
        &["--config.file=prometheus.yml", "--storage.tsdb.retention.time=100y"],
    );
    let lines = || -> Vec<Value> {
        let text = fs::read_to_string(&log).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    push(
        &server,
        &[(&[("__name__", "l"), ("a", "1")], &[(0, 1.0)]), (&[("__name__", "l"), ("a", "2")], &[(0, 1.0)])],
    );
    server.api("query_range", &[("query", "l"), ("start", "0.5"), ("end", "60"), ("step", "15")]);
    server.get(&format!("/api/v1/query?{}", form(&[("query", "l + on () l"), ("time", "1")])));
    // What does not parse is no query yet, and a listing is none either.
    server.get(&format!("/api/v1/query?{}", form(&[("query", "sum(")])));
    server.api("labels", &[]);
    let found = lines();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(
        found[0]["params"],
        json!({"query": "l", "start": "1970-01-01T00:00:00.500Z", "end": "1970-01-01T00:01:00.000Z", "step": 15})
    );
    assert_eq!(
        found[0]["httpRequest"],
        json!({"clientIP": "127.0.0.1", "method": "GET", "path": "/api/v1/query_range"})
    );
    assert_eq!(found[0]["stats"]["samples"]["totalQueryableSamples"], 8);
    for timing in ["evalTotalTime", "execQueueTime", "execTotalTime", "innerEvalTime", "queryPreparationTime"]
    {
        assert!(found[0]["stats"]["timings"][timing].is_number(), "{timing} in {}", found[0]);
    }
    assert!(found[0]["time"].is_string() && found[0]["error"].is_null());
    assert_eq!((&found[0]["level"], &found[0]["msg"]), (&json!("INFO"), &json!("promql query logged")));
    assert!(found[1]["error"].as_str().is_some_and(|e| e.contains("duplicate series")), "{}", found[1]);
    assert_eq!(
        (&found[1]["params"]["step"], &found[1]["params"]["start"]),
        (&json!(0), &found[1]["params"]["end"])
    );

    // After a rotation, the next reload starts the file anew.
    fs::remove_file(&log).expect("removed");
    assert_eq!(server.post("/-/reload", &[], &[]).0, 200);
    server.api("query", &[("query", "1")]);
    assert_eq!(lines().len(), 1);
    // A file that cannot be opened is a mistake of the configuration, and the old file stays in use.
    fs::write(&config, "global: {query_log_file: missing/queries.log}\n").expect("written");
    let (status, said) = server.post("/-/reload", &[], &[]);
    assert_eq!(status, 500);
    assert!(said.contains("query_log_file") && said.contains("missing/queries.log"), "{said}");
    server.api("query", &[("query", "2")]);
    assert_eq!(lines().len(), 2);
    fs::write(&config, "{}").expect("written");
    assert_eq!(server.post("/-/reload", &[], &[]).0, 200);
    server.api("query", &[("query", "3")]);
    assert_eq!(lines().len(), 2);
    assert!(server.get("/metrics").1.contains("\nbellwether_query_log_enabled 0"));
}

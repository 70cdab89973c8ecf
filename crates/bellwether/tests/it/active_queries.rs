//! What runs can be seen and ended.

use std::thread;

use serde_json::{Value, json};

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

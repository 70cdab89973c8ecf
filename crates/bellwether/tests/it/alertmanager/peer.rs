//! The same calls are made to Debian's Alertmanager, and the answers are compared field by field.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{config, serve};
use crate::support::{Process, exchange, free_port, require, wait_http};

/// How long groups may take to appear.
const SETTLING: Duration = Duration::from_secs(5);

/// Debian's Alertmanager on the `alertmanager.yml` of the folder.
pub(crate) fn alertmanager(dir: &Path) -> (Process, String) {
    require("prometheus-alertmanager");
    let port = free_port();
    let process = Process::spawn(
        Command::new("prometheus-alertmanager")
            .args(["--config.file=alertmanager.yml", "--storage.path=upstream", "--cluster.listen-address="])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    let url = format!("http://127.0.0.1:{port}");
    wait_http(&format!("{url}/-/ready"));
    (process, url)
}

/// A call, and what may differ in its answer.
enum Call {
    Get(&'static str),
    Post(&'static str, Value),
    /// A body that is no JSON, or not of the shape that is wanted. Both say so in their own words.
    Malformed(&'static str, &'static str, &'static str),
}

use Call::{Get, Malformed, Post};

/// An answer without what cannot be equal: when things were changed, ids that are made at random, and what Debian's version does not have yet.
pub(crate) fn comparable(mut body: Value) -> Value {
    match &mut body {
        Value::Array(items) => return items.drain(..).map(comparable).collect(),
        Value::Object(fields) => {
            for name in ["updatedAt", "mutedBy", "id", "silenceID", "uptime", "versionInfo", "config"] {
                fields.remove(name);
            }
            if let Some(silences) = fields.get_mut("silencedBy") {
                *silences = silences.as_array().map_or(0, Vec::len).into();
            }
            // A silence that began in the past begins when it is made.
            if fields.contains_key("matchers") && fields["startsAt"] != "2098-01-01T00:00:00.000Z" {
                fields.remove("startsAt");
            }
            for field in fields.values_mut() {
                *field = comparable(field.take());
            }
        }
        // Go shows what it has put around a pattern.
        Value::String(text) => *text = text.replace("[)$`", "[`"),
        _ => {}
    }
    body
}

fn answer(url: &str, call: &Call) -> (u16, Value) {
    let json_type = [("Content-Type", "application/json")];
    let answer = match call {
        Get(path) => exchange("GET", &format!("{url}/api/v2/{path}"), &[], &[]),
        Post(path, body) => {
            exchange("POST", &format!("{url}/api/v2/{path}"), &json_type, body.to_string().as_bytes())
        }
        Malformed(path, content_type, body) => {
            let headers = [("Content-Type", *content_type)];
            exchange("POST", &format!("{url}/api/v2/{path}"), &headers, body.as_bytes())
        }
    };
    let body = serde_json::from_str(&answer.body).unwrap_or_else(|_| Value::from(answer.body.as_str()));
    match call {
        // Which code is in the body counts, not the words of a parser.
        Malformed(..) => (answer.status, body["code"].clone()),
        _ => (answer.status, comparable(body)),
    }
}

/// An alert with times, so that nothing depends on when it is sent.
fn alert(labels: &Value) -> Value {
    json!({
        "labels": labels,
        "annotations": {"summary": "s"},
        "startsAt": "2024-01-01T00:00:00.123Z",
        "endsAt": "2099-01-01T02:00:00Z",
        "generatorURL": "http://prometheus/graph",
    })
}

fn silence(matchers: &Value, starts_at: &str, ends_at: &str) -> Value {
    json!({"matchers": matchers, "startsAt": starts_at, "endsAt": ends_at, "createdBy": "ann", "comment": "c"})
}

fn calls() -> Vec<Call> {
    let past = "2020-01-01T00:00:00Z";
    let future = "2099-01-01T00:00:00Z";
    let equal = |name: &str, value: &str| json!([{"name": name, "value": value, "isRegex": false}]);
    vec![
        Get("status"),
        Get("receivers"),
        Get("alerts"),
        Get("silences"),
        Post(
            "alerts",
            json!([
                alert(&json!({"alertname": "Down", "severity": "page", "job": "db"})),
                alert(&json!({"alertname": "Slow", "severity": "warning", "job": "db", "instance": "a"})),
                alert(&json!({"alertname": "Slow", "severity": "warning", "job": "api"})),
                alert(&json!({"alertname": "Slow", "severity": "critical", "job": "db", "empty": ""})),
            ]),
        ),
        Post(
            "alerts",
            json!([
                {"labels": {"alertname": "Backwards"}, "startsAt": future, "endsAt": past},
                {"labels": {}},
                {"labels": {"": "x"}},
                alert(&json!({"alertname": "Good"})),
            ]),
        ),
        Post("alerts", json!([{"labels": {"alertname": "Over"}, "startsAt": past, "endsAt": past}])),
        Post("alerts", json!([{"annotations": {}}])),
        Post("alerts", json!([])),
        Malformed("alerts", "application/json", "[{\"labels\":"),
        Malformed("alerts", "application/json", "{}"),
        Malformed("alerts", "application/json", ""),
        Malformed("alerts", "application/json", "[{\"labels\":{\"a\":1}}]"),
        Malformed("alerts", "application/json", "[{\"labels\":{\"a\":\"b\"},\"startsAt\":\"x\"}]"),
        Malformed("alerts", "text/plain", "[]"),
        Malformed("silences", "application/json", "no"),
        Get("alerts"),
        Get("alerts?active=false"),
        Get("alerts?active=no"),
        Get("alerts?inhibited=false"),
        Get("alerts?silenced=false&unprocessed=false"),
        Get("alerts?receiver=pag.*"),
        Get("alerts?receiver=page"),
        Get("alerts?filter=job%3D%22db%22&filter=alertname%21%3D%22Down%22"),
        Get("alerts?filter=instance%3D%22%22"),
        Get("alerts?filter=job%3D~%22d.%7Capi%22"),
        Get("alerts?filter=nothing"),
        Get("alerts?filter=a%3D~%5B"),
        Get("alerts?receiver=%5B"),
        Get("alerts/groups"),
        Get("alerts/groups?receiver=team&inhibited=false"),
        Get("alerts/groups?filter=job%3Ddb"),
        Post("silences", silence(&equal("job", "api"), past, future)),
        Post("silences", silence(&equal("alertname", "Later"), "2098-01-01T00:00:00Z", future)),
        Post(
            "silences",
            silence(
                &json!([{"name": "a", "value": "x.*", "isRegex": true, "isEqual": false}, {"name": "b", "value": "y", "isRegex": false}]),
                past,
                "2098-06-01T00:00:00Z",
            ),
        ),
        Get("silences"),
        Get("silences?filter=job%3Dapi"),
        Get("silences?filter=job%3D~api"),
        Get("silences?filter=x"),
        Get("alerts"),
        Get("alerts?silenced=false"),
        Post("silences", silence(&json!([]), past, future)),
        Post("silences", silence(&equal("a", ""), past, future)),
        Post("silences", silence(&equal("", "a"), past, future)),
        Post("silences", silence(&json!([{"name": "a", "value": "[", "isRegex": true}]), past, future)),
        Post("silences", silence(&json!([{"name": "a", "isRegex": true}]), past, future)),
        Post("silences", silence(&equal("a", "b"), future, past)),
        Post("silences", silence(&equal("a", "b"), "2019-01-01T00:00:00Z", past)),
        Post(
            "silences",
            json!({"matchers": equal("a", "b"), "startsAt": past, "endsAt": future, "comment": "c"}),
        ),
        Post(
            "silences",
            json!({"id": "00000000-0000-4000-8000-000000000000", "matchers": equal("a", "b"), "startsAt": past, "endsAt": future, "createdBy": "ann", "comment": "c"}),
        ),
        Post(
            "silences",
            json!({"id": "x", "matchers": equal("a", "b"), "startsAt": past, "endsAt": future, "createdBy": "ann", "comment": "c"}),
        ),
        Get("silence/00000000-0000-4000-8000-000000000000"),
        Get("silence/x"),
        Get("nothing"),
    ]
}

/// Both answers, asked for again while they differ: groups are made a moment after alerts are taken.
fn answers(ours: &str, theirs: &str, call: &Call) -> [(u16, Value); 2] {
    let ask = || [answer(ours, call), answer(theirs, call)];
    let mut both = ask();
    let deadline = Instant::now() + SETTLING;
    while matches!(call, Get(_)) && both[0] != both[1] && Instant::now() < deadline {
        std::thread::yield_now();
        both = ask();
    }
    both
}

#[test]
fn answers_are_those_of_debians_alertmanager() {
    let dir = tempfile::tempdir().expect("a folder");
    // Nobody is there to be told, and the inhibition holds at once.
    let ours = serve(dir.path(), &config("http://127.0.0.1:1"));
    let (_theirs, theirs) = alertmanager(dir.path());
    let mut differing = Vec::new();
    for call in calls() {
        let what = match &call {
            Get(path) => format!("GET {path}"),
            Post(path, body) => format!("POST {path} {body}"),
            Malformed(path, _, body) => format!("POST {path} {body}"),
        };
        let [got, expected] = answers(&ours.url, &theirs, &call);
        if got != expected {
            differing.push(format!(
                "{what}\n  ours:   {} {}\n  theirs: {} {}",
                got.0, got.1, expected.0, expected.1
            ));
        }
    }
    assert!(differing.is_empty(), "{} answers differ:\n{}", differing.len(), differing.join("\n"));
}

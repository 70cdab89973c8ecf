//! Debian's Prometheus and this server scrape the same target and are asked the same questions.
//!
//! Debian has Prometheus 2.42; where Prometheus 3 answers differently the difference is listed here with the reason.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::{Answer, Bellwether, exchange, form, prometheus, target, wait_for};

/// What the target exposes: every type, exemplars, labels that need escapes, values that JSON has no numbers for.
const EXPOSITION: &str = r#"# HELP lab_requests Requests served.
# TYPE lab_requests counter
lab_requests_total{code="200",path="/a"} 10 # {trace_id="abc"} 1 1700000000.5
lab_requests_total{code="500",path="/b \"q\" \\ é"} 3 # {trace_id="def"} 0.25 1700000001
# HELP lab_temp_celsius Temperature.
# TYPE lab_temp_celsius gauge
# UNIT lab_temp_celsius celsius
lab_temp_celsius 21.5
lab_temp_celsius{room="n"} NaN
lab_temp_celsius{room="i"} +Inf
# HELP lab_latency_seconds Latency.
# TYPE lab_latency_seconds histogram
# UNIT lab_latency_seconds seconds
lab_latency_seconds_bucket{le="0.1"} 5 # {trace_id="h1"} 0.05 1700000002.25
lab_latency_seconds_bucket{le="1.0"} 8
lab_latency_seconds_bucket{le="+Inf"} 9
lab_latency_seconds_sum 4.2
lab_latency_seconds_count 9
# TYPE lab_rpc_seconds summary
lab_rpc_seconds{quantile="0.5"} 0.1
lab_rpc_seconds_sum 1
lab_rpc_seconds_count 4
# TYPE lab_untyped unknown
lab_untyped 1
# EOF
"#;

/// Questions whose answers must be the same to the last character of every string, whatever the order of keys.
const SAME: &[(&str, &str)] = &[
    // Queries and their parameters.
    ("query", "query=1&time=1"),
    ("query", "query=1.5e21&time=-1.5"),
    ("query", "query=\"x\"&time=1"),
    ("query", "query=vector(1e21)&time=1"),
    ("query", "query=vector(1e-7)&time=1.25"),
    ("query", "query=nope&time=1"),
    ("query", "query=nope[5m]&time=1"),
    ("query", "query=1&time=2015-07-01T20:10:51.781Z"),
    ("query", "query=1&time=2015-07-01T20:10:51+02:00"),
    ("query", "query=1&time=x"),
    ("query", "query=1&time=2015-07-01"),
    ("query", "query=1&timeout=x"),
    ("query", "query=1&timeout=1e30"),
    ("query", "query=1&timeout=1m&time=1"),
    ("query", "query=foo bar"),
    ("query", "query=sum("),
    ("query", "query=rate(up)"),
    ("query", "query={}"),
    ("query", "query=label_replace(vector(1), \"a\", \"b\", \"c\", \"(\")"),
    ("query", "query=lab_latency_seconds_bucket / 2&time=1"),
    ("query_range", "query=1&start=1&end=2&step=0.5"),
    ("query_range", "query=1&start=1&end=2&step=500ms"),
    ("query_range", "query=1&start=1&end=1&step=1d12h"),
    ("query_range", "query=time()&start=1.5&end=3.5&step=1"),
    ("query_range", "query=nope&start=1&end=2&step=1"),
    ("query_range", "query=1"),
    ("query_range", "query=1&start=1"),
    ("query_range", "query=1&start=1&end=2"),
    ("query_range", "query=1&start=2&end=1&step=1"),
    ("query_range", "query=1&start=1&end=2&step=0"),
    ("query_range", "query=1&start=1&end=2&step=-1"),
    ("query_range", "query=1&start=1&end=2&step=x"),
    ("query_range", "query=1&start=1&end=2&step=1e30"),
    ("query_range", "query=1&start=x&end=2&step=1"),
    ("query_range", "query=1&start=0&end=11001&step=1"),
    ("query_range", "query=1&start=0&end=2&step=1&timeout=x"),
    // What there is.
    ("series", "match[]=up"),
    ("series", "match[]={job=\"lab\"}"),
    ("series", "match[]=lab_requests_total&match[]=up"),
    ("series", "match[]=nope"),
    ("series", "match[]=up&start=1&end=2"),
    ("series", ""),
    ("series", "match[]={}"),
    ("series", "match[]=up[5m]"),
    ("series", "match[]=up&start=x"),
    ("labels", ""),
    ("labels", "match[]=up"),
    ("labels", "match[]=lab_requests_total&match[]=up"),
    ("labels", "match[]=nope"),
    ("labels", "match[]={}"),
    ("labels", "match[]=up{"),
    ("labels", "start=1&end=2"),
    ("labels", "start=x"),
    ("labels", "start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z"),
    ("label/__name__/values", ""),
    ("label/__name__/values", "match[]={code!=\"\"}"),
    ("label/path/values", ""),
    ("label/nope/values", ""),
    ("label/path/values", "start=1&end=2"),
    ("label/path/values", "match[]={}"),
    ("metadata", ""),
    ("metadata", "metric=lab_latency_seconds"),
    ("metadata", "metric=lab_requests"),
    ("metadata", "metric=nope"),
    ("metadata", "limit=0"),
    ("metadata", "limit=-1"),
    ("metadata", "limit=x"),
    ("targets/metadata", "metric=lab_temp_celsius"),
    ("targets/metadata", "match_target={job=\"nope\"}"),
    ("targets/metadata", "match_target=x{"),
    ("targets/metadata", "limit=0"),
    ("targets/metadata", "limit=x"),
    ("scrape_pools", ""),
    ("query_exemplars", "query=lab_requests_total"),
    ("query_exemplars", "query=histogram_quantile(0.9, rate(lab_latency_seconds_bucket[5m]))"),
    ("query_exemplars", "query=lab_requests_total&start=1700000001&end=1700000001.5"),
    ("query_exemplars", "query=nope"),
    ("query_exemplars", "query=sum("),
    ("query_exemplars", "query=nope&start=x"),
    ("query_exemplars", "query=nope&start=5&end=1"),
    ("format_query", "query=sum by(a)(rate(x[5m]))>1"),
    ("format_query", "query=sum("),
    ("alertmanagers", ""),
];

/// Questions whose answers have values of the moment: their shapes must agree. Then what this server has and Prometheus 2.42 does not.
const ALIKE: &[(&str, &str, &[&str])] = &[
    ("query", "query=lab_temp_celsius", &[]),
    ("query", "query=up[1m]", &[]),
    ("query", "query=up&stats=all", &[]),
    ("query_range", "query=sum(up)&start=1&end=3&step=1&stats=true", &[]),
    ("targets", "", TARGETS),
    ("targets", "state=active", TARGETS),
    ("targets", "state=dropped", TARGETS),
    ("targets", "state=nonsense", TARGETS),
    ("targets", "scrapePool=nope", TARGETS),
    ("status/config", "", &[]),
    // Prometheus has none of these two.
    ("status/buildinfo", "", &[".data.product"]),
    (
        "status/runtimeinfo",
        "",
        &[
            ".data.demo",
            ".data.memory",
            ".data.storagePath",
            ".data.unsupported",
            ".data.clockJumps",
            ".data.damagedFiles",
            ".data.lastReloadFailure",
            ".data.lastClockJump",
            ".data.lastClockJumpSeconds",
            ".data.safeMode",
            // Since Prometheus 3.
            ".data.GOMEMLIMIT",
            ".data.hostname",
            ".data.serverTime",
        ],
    ),
    ("status/tsdb", "", &[".data.refusedByLimit"]),
    // Documented, and not there.
    ("status/walreplay", "", &[".data.state"]),
];

/// What a target has beyond those of Prometheus 2.42.
const TARGETS: &[&str] = &[
    // Since Prometheus 3.
    ".data.droppedTargetCounts",
    ".data.droppedTargets[].scrapePool",
    // This server's own.
    ".data.activeTargets[].lastErrorColumn",
    ".data.activeTargets[].lastErrorLine",
    ".data.activeTargets[].lastScrapeSamples",
    ".data.activeTargets[].missedScrapes",
    ".data.activeTargets[].nextScrape",
    ".data.activeTargets[].packs",
    ".data.invalidTargets",
];

/// The kinds of values in an answer, by their place. Everything in an array has the same place.
fn shape(value: &Value, place: &str, found: &mut BTreeMap<String, String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) => {
            for item in items {
                shape(item, &format!("{place}[]"), found);
            }
            "array"
        }
        Value::Object(map) => {
            for (key, value) in map {
                shape(value, &format!("{place}.{key}"), found);
            }
            "object"
        }
    };
    let kinds = found.entry(place.to_owned()).or_default();
    if !kinds.contains(kind) {
        kinds.push_str(kind);
        kinds.push(' ');
    }
}

fn shape_of(answer: &Answer) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    shape(&answer.json(), "", &mut found);
    found
}

/// Asks with GET and, where Prometheus allows it, with POST.
fn ask(base: &str, endpoint: &str, params: &str) -> Vec<Answer> {
    let pairs: Vec<(&str, &str)> = params.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let (url, form) = (format!("{base}/api/v1/{endpoint}"), form(&pairs));
    let mut answers = vec![exchange("GET", &format!("{url}?{form}"), &[], &[])];
    if matches!(endpoint, "query" | "query_range" | "query_exemplars" | "series" | "labels" | "format_query")
    {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        answers.push(exchange("POST", &url, &headers, form.as_bytes()));
    }
    answers
}

/// The two servers, which have scraped the target.
fn servers(dir: &std::path::Path) -> (Bellwether, crate::support::Process, String) {
    let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let port = target(openmetrics, || EXPOSITION.as_bytes().to_vec());
    let peer = dir.join("peer");
    fs::create_dir(&peer).expect("made");
    // Else our own rules write series that the other one does not have, whenever their slot comes.
    for (folder, more) in [(dir, "rules: {builtin_alerts: false}\n"), (&*peer, "")] {
        fs::write(
            folder.join("prometheus.yml"),
            format!(
                "{more}global: {{scrape_interval: 1s, external_labels: {{region: x}}}}\nscrape_configs:\n- job_name: lab\n  \
                 static_configs: [{{targets: ['127.0.0.1:{port}', '127.0.0.1:1']}}]\n  \
                 relabel_configs: [{{source_labels: [__address__], regex: '.*:1', action: drop}}]\n"
            ),
        )
        .expect("written");
    }
    let (process, peer_url) = prometheus(&peer, &["--enable-feature=exemplar-storage"]);
    let server = Bellwether::serve(dir, &["--config.file=prometheus.yml"]);
    for url in [&server.url, &peer_url] {
        wait_for("two scrapes", || {
            let query = form(&[("query", "count_over_time(lab_untyped[1m]) > 1")]);
            let answer = exchange("GET", &format!("{url}/api/v1/query?{query}"), &[], &[]);
            answer.json()["data"]["result"][0].is_object().then_some(())
        });
    }
    (server, process, peer_url)
}

#[test]
fn prometheus_gives_the_same_answers() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, _process, peer) = servers(dir.path());
    let mut differences = Vec::new();
    for (endpoint, params) in SAME {
        for (ours, theirs) in ask(&server.url, endpoint, params).iter().zip(ask(&peer, endpoint, params)) {
            let head = |answer: &Answer| (answer.status, answer.header("content-type").to_owned());
            if head(ours) != head(&theirs) || ours.json() != theirs.json() {
                differences.push(format!(
                    "{endpoint}?{params}\n  ours   {} {}\n  theirs {} {}",
                    ours.status, ours.body, theirs.status, theirs.body
                ));
            }
        }
    }
    for (endpoint, params, more) in ALIKE {
        for (ours, theirs) in ask(&server.url, endpoint, params).iter().zip(ask(&peer, endpoint, params)) {
            assert_eq!((ours.status, theirs.status), (200, 200), "{endpoint}?{params}");
            let mut shape = shape_of(ours);
            shape.retain(|place, _| !more.iter().any(|prefix| place.starts_with(prefix)));
            let want = shape_of(&theirs);
            if shape != want {
                differences.push(format!("{endpoint}?{params}\n  ours   {shape:?}\n  theirs {want:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn prometheus_federates_the_same() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, _process, peer) = servers(dir.path());
    for selectors in [
        "match[]={job=\"lab\"}&match[]=lab_untyped",
        "match[]={__name__=~\"lab_.*\"}",
        "match[]=nope",
        "",
        "match[]=up{",
        "match[]=up[5m]",
    ] {
        let pairs: Vec<(&str, &str)> = selectors.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let [ours, theirs] = [&server.url, &peer].map(|base| {
            let answer = exchange("GET", &format!("{base}/federate?{}", form(&pairs)), &[], &[]);
            let media_type =
                answer.header("content-type").split("; escaping").next().unwrap_or("").to_owned();
            let lines: Vec<String> = answer
                .body
                .lines()
                // The two scraped at different times and took different times.
                .filter(|line| !line.contains("duration_seconds{"))
                .map(|line| match line.rsplit_once(' ') {
                    Some((series, ts)) if ts.len() == 13 => format!("{series} TIME"),
                    _ => line.to_owned(),
                })
                .collect();
            (answer.status, media_type, lines)
        });
        assert_eq!(ours, theirs, "{selectors}");
    }
}

#[test]
fn each_scrapes_the_metrics_of_the_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let peer = dir.path().join("peer");
    fs::create_dir(&peer).expect("made");
    let server = Bellwether::serve(dir.path(), &[]);
    let job = |address: &str| {
        format!(
            "scrape_configs:\n- job_name: other\n  scrape_interval: 1s\n  static_configs: [{{targets: ['{address}']}}]\n"
        )
    };
    let address = |url: &str| url.trim_start_matches("http://").to_owned();
    fs::write(peer.join("prometheus.yml"), job(&address(&server.url))).expect("written");
    let (_process, peer_url) = prometheus(&peer, &[]);
    let second = dir.path().join("second");
    fs::create_dir(&second).expect("made");
    fs::write(second.join("prometheus.yml"), job(&address(&peer_url))).expect("written");
    let second = Bellwether::serve(&second, &["--config.file=prometheus.yml"]);
    for (url, metric) in [
        (&peer_url, "bellwether_http_request_duration_seconds_bucket"),
        (&second.url, "prometheus_build_info"),
    ] {
        wait_for(metric, || {
            let query = form(&[("query", metric)]);
            let answer = exchange("GET", &format!("{url}/api/v1/query?{query}"), &[], &[]);
            answer.json()["data"]["result"][0].is_object().then_some(())
        });
    }
}

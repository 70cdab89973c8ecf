//! The Prometheus HTTP API: envelopes, status codes, both methods.

use bellwether_model::Labels;
use bellwether_wire::{Sample, WriteRequestWriter, WriteSeries, compress_write_request};
use serde_json::{Value, json};

use crate::support::{Bellwether, form};

/// A float series: labels, and times in milliseconds with values.
pub(crate) type Pushed<'a> = (&'a [(&'a str, &'a str)], &'a [(i64, f64)]);

/// Pushes float series.
pub(crate) fn push(server: &Bellwether, series: &[Pushed<'_>]) -> (u16, String) {
    let (mut message, mut body) = (Vec::new(), Vec::new());
    let mut writer = WriteRequestWriter::new(&mut message);
    for (labels, samples) in series {
        let labels = Labels::from_pairs(labels.iter().copied());
        let samples: Vec<Sample> =
            samples.iter().map(|(ts_ms, value)| Sample { ts_ms: *ts_ms, value: *value }).collect();
        writer.series(&WriteSeries { labels: &labels, samples: &samples, exemplars: &[], histograms: &[] });
    }
    compress_write_request(&message, &mut body).expect("small enough");
    server.post(
        "/api/v1/write",
        &[
            ("Content-Type", "application/x-protobuf"),
            ("Content-Encoding", "snappy"),
            ("X-Prometheus-Remote-Write-Version", "0.1.0"),
        ],
        &body,
    )
}

/// Two counters at t = 0, 10, ... 100 s.
fn with_data() -> (tempfile::TempDir, Bellwether) {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &["--storage.tsdb.retention.time=100y"]);
    let a: Vec<(i64, f64)> = (0..=10).map(|i| (i * 10_000, i as f64)).collect();
    let b: Vec<(i64, f64)> = (0..=10).map(|i| (i * 10_000, 2.0 * i as f64)).collect();
    let (status, said) = push(
        &server,
        &[
            (&[("__name__", "hits_total"), ("job", "api"), ("path", "/a")], &a),
            (&[("__name__", "hits_total"), ("job", "api"), ("path", "/b")], &b),
        ],
    );
    assert!(status == 204 || status == 200, "{status} {said}");
    (dir, server)
}

fn answer(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn queries_answer_in_prometheus_envelopes() {
    let (_dir, server) = with_data();
    let (status, text) =
        server.get(&format!("/api/v1/query?{}", form(&[("query", "hits_total"), ("time", "100")])));
    assert_eq!(status, 200);
    assert_eq!(
        answer(&text),
        json!({"status": "success", "data": {"resultType": "vector", "result": [
            {"metric": {"__name__": "hits_total", "job": "api", "path": "/a"}, "value": [100, "10"]},
            {"metric": {"__name__": "hits_total", "job": "api", "path": "/b"}, "value": [100, "20"]},
        ]}})
    );
    // The same by POST, with an RFC 3339 time.
    let body = form(&[("query", "sum(hits_total)"), ("time", "1970-01-01T00:01:40Z")]);
    let (status, text) = server.post(
        "/api/v1/query",
        &[("Content-Type", "application/x-www-form-urlencoded")],
        body.as_bytes(),
    );
    assert_eq!(status, 200, "{text}");
    assert_eq!(answer(&text)["data"]["result"][0]["value"], json!([100, "30"]));

    let params = [("query", "hits_total{path=\"/a\"}"), ("start", "0.5"), ("end", "30.5"), ("step", "15")];
    assert_eq!(
        server.api("query_range", &params),
        json!({"resultType": "matrix", "result": [{
            "metric": {"__name__": "hits_total", "job": "api", "path": "/a"},
            "values": [[0.5, "0"], [15.5, "1"], [30.5, "3"]],
        }]})
    );
    assert_eq!(server.api("query", &[("query", "1.5"), ("time", "7")])["result"], json!([7, "1.5"]));
    assert_eq!(server.api("query", &[("query", "\"x\""), ("time", "7")])["resultType"], "string");
    let matrix = server.api("query", &[("query", "hits_total{path=\"/a\"}[20s]"), ("time", "100")]);
    assert_eq!(matrix["result"][0]["values"], json!([[90, "9"], [100, "10"]]));
}

#[test]
fn series_and_labels_are_found() {
    let (_dir, server) = with_data();
    let matching = [("match[]", "hits_total"), ("start", "0"), ("end", "100")];
    let series = server.api("series", &matching);
    assert_eq!(series.as_array().map(Vec::len), Some(2));
    assert_eq!(series[0], json!({"__name__": "hits_total", "job": "api", "path": "/a"}));
    assert_eq!(server.api("labels", &matching), json!(["__name__", "job", "path"]));
    assert_eq!(server.api("label/path/values", &matching), json!(["/a", "/b"]));
    assert_eq!(server.api("label/path/values", &[("match[]", "hits_total"), ("limit", "1")]), json!(["/a"]));
    assert_eq!(server.api("label/nope/values", &[]), json!([]));
    let either =
        [("match[]", "hits_total{path=\"/a\"}"), ("match[]", "hits_total{path=\"/b\"}"), ("start", "0")];
    assert_eq!(server.api("series", &either).as_array().map(Vec::len), Some(2));
}

#[test]
fn the_language_is_open() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &[]);
    assert_eq!(
        server.api("format_query", &[("query", "sum by(a)(rate(x[5m]))>1")]),
        json!("sum by (a) (rate(x[5m])) > 1")
    );
    let tree = server.api("parse_query", &[("query", "sum by (a) (rate(x{b=~\"c\"}[5m] offset 1m))")]);
    assert_eq!(tree["type"], "aggregation");
    assert_eq!(tree["grouping"], json!(["a"]));
    let selector = &tree["expr"]["args"][0];
    assert_eq!(selector["type"], "matrixSelector");
    assert_eq!((&selector["range"], &selector["offset"]), (&json!(300_000), &json!(60_000)));
    assert_eq!(selector["matchers"][0], json!({"name": "b", "value": "c", "type": "=~"}));
}

#[test]
fn status_pages_have_prometheus_fields() {
    let (_dir, server) = with_data();
    let build = server.api("status/buildinfo", &[]);
    for field in ["version", "revision", "branch", "buildUser", "buildDate", "goVersion"] {
        assert!(build[field].is_string(), "{field} in {build}");
    }
    let runtime = server.api("status/runtimeinfo", &[]);
    for field in ["startTime", "CWD", "reloadConfigSuccess", "lastConfigTime", "storageRetention"] {
        assert!(!runtime[field].is_null(), "{field} in {runtime}");
    }
    assert_eq!(server.api("status/flags", &[])["storage.tsdb.retention.time"], "100y");
    let tsdb = server.api("status/tsdb", &[]);
    assert_eq!(tsdb["seriesCountByMetricName"][0]["name"].as_str().map(str::is_empty), Some(false));
    assert!(tsdb["headStats"]["numSeries"].as_u64() >= Some(2), "{tsdb}");
    assert!(server.api("status/config", &[])["yaml"].is_string());
}

#[test]
fn every_answer_carries_the_security_headers() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &[]);
    for path in ["/", "/api/v1/query", "/metrics", "/nope", "/explore"] {
        let answer =
            ureq::get(format!("{}{path}", server.url)).config().http_status_as_error(false).build().call();
        let answer = answer.expect("an answer");
        let header =
            |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
        assert!(header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert!(!header("x-request-id").is_empty(), "{path}");
    }
    assert_eq!(server.get("/a/../metrics").0, 400);
}

#[test]
fn a_prefix_moves_everything() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::start("serve", dir.path(), &["--web.external-url=http://example.org/obs/bw/"]);
    let base = server.url.trim_end_matches("/obs/bw").to_owned();
    server.wait_ready();
    assert_eq!(server.url, format!("{base}/obs/bw"));
    assert_eq!(server.get("/api/v1/query?query=1").0, 200);
    assert_eq!(server.get("/metrics").0, 200);
    assert_eq!(crate::support::request("GET", &format!("{base}/api/v1/query?query=1"), &[], &[]).0, 404);
}

#[test]
fn a_range_query_with_one_step_is_still_a_matrix() {
    let (_dir, server) = with_data();
    for (query, metric, value) in [
        ("hits_total{path=\"/a\"}", json!({"__name__": "hits_total", "job": "api", "path": "/a"}), "10"),
        ("1.5", json!({}), "1.5"),
        ("sort(sum(hits_total))", json!({}), "30"),
    ] {
        let params = [("query", query), ("start", "100"), ("end", "100"), ("step", "15")];
        let want = json!({"resultType": "matrix", "result": [{"metric": metric, "values": [[100, value]]}]});
        assert_eq!(server.api("query_range", &params), want, "{query}");
    }
}

#[test]
fn queries_say_what_they_cost_if_asked() {
    let (_dir, server) = with_data();
    let instant = [("query", "rate(hits_total[50s])"), ("time", "100")];
    assert_eq!(server.api("query", &instant).get("stats"), None);
    let with_stats = [instant[0], instant[1], ("stats", "all")];
    let range = [("query", "hits_total"), ("start", "0"), ("end", "100"), ("step", "10"), ("stats", "1")];
    for (stats, samples) in
        [(&server.api("query", &with_stats)["stats"], 10), (&server.api("query_range", &range)["stats"], 22)]
    {
        assert_eq!(stats["samples"]["totalQueryableSamples"], samples, "{stats}");
        assert!(stats["samples"]["peakSamples"].as_u64() >= Some(2), "{stats}");
        for timing in [
            "evalTotalTime",
            "resultSortTime",
            "queryPreparationTime",
            "innerEvalTime",
            "execQueueTime",
            "execTotalTime",
        ] {
            assert!(stats["timings"][timing].is_number(), "{timing} in {stats}");
        }
    }
}

#[test]
fn samples_are_counted_per_step_if_the_server_allows_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &["--enable-feature=promql-per-step-stats"]);
    let params = [("query", "1"), ("start", "1.5"), ("end", "2.5"), ("step", "1"), ("stats", "all")];
    let samples = &server.api("query_range", &params)["stats"]["samples"];
    assert_eq!(samples["totalQueryableSamplesPerStep"], json!([[1.5, 0], [2.5, 0]]));
}

#[test]
fn the_lookback_delta_can_be_set_per_query() {
    let (_dir, server) = with_data();
    let count = |lookback: &str| {
        let params = [("query", "hits_total"), ("time", "109"), ("lookback_delta", lookback)];
        server.api("query", &params)["result"].as_array().map(Vec::len)
    };
    assert_eq!(count("5s"), Some(0));
    assert_eq!(count("10"), Some(2));
    // Zero and less are the default.
    assert_eq!((count("0"), count("-1")), (Some(2), Some(2)));
}

#[test]
fn instant_vectors_have_an_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let args = ["--storage.tsdb.retention.time=100y", "--enable-feature=promql-experimental-functions"];
    let server = Bellwether::serve(dir.path(), &args);
    let names: Vec<String> = (10..60).map(|i| i.to_string()).collect();
    let labels: Vec<[(&str, &str); 2]> =
        names.iter().map(|i| [("__name__", "x"), ("i", i.as_str())]).collect();
    let pushed: Vec<Pushed<'_>> =
        labels.iter().rev().map(|labels| (labels.as_slice(), [(1000, 1.0)].as_slice())).collect();
    assert!(push(&server, &pushed).0 < 300);
    let order = |query: &str| {
        let data = server.api("query", &[("query", query), ("time", "1")]);
        let found = data["result"].as_array().cloned().unwrap_or_default();
        found.iter().map(|s| s["metric"]["i"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    for query in ["x", "x + 1", "max by (i) (x)", "sort(x)", "sort_desc(x)", "x * on (i) x"] {
        assert_eq!(order(query), names, "{query}");
    }
    // Of equal series always the same ones are taken.
    assert_eq!(order("topk(3, x)"), ["10", "11", "12"]);
    // What the query puts in order stays so.
    let backwards: Vec<String> = names.iter().rev().cloned().collect();
    assert_eq!(order("sort_by_label_desc(x, \"i\") * 2"), backwards);
}

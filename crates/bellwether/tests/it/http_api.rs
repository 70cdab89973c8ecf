//! The Prometheus HTTP API: envelopes, status codes, both methods.

use bellwether_model::Labels;
use bellwether_wire::{Sample, WriteRequestWriter, WriteSeries, compress_write_request};
use serde_json::{Value, json};

use crate::support::{Bellwether, exchange, form};

/// A float series: labels, and times in milliseconds with values.
pub(crate) type Pushed<'a> = (&'a [(&'a str, &'a str)], &'a [(i64, f64)]);

/// Pushes float series.
pub(crate) fn push(server: &Bellwether, series: &[Pushed<'_>]) -> (u16, String) {
    push_to(&server.url, series)
}

/// Pushes float series to any server that takes remote write.
pub(crate) fn push_to(url: &str, series: &[Pushed<'_>]) -> (u16, String) {
    let mut message = Vec::new();
    let mut writer = WriteRequestWriter::new(&mut message);
    for (labels, samples) in series {
        let labels = Labels::from_pairs(labels.iter().copied());
        let samples: Vec<Sample> =
            samples.iter().map(|(ts_ms, value)| Sample { ts_ms: *ts_ms, value: *value }).collect();
        writer.series(&WriteSeries { labels: &labels, samples: &samples, exemplars: &[], histograms: &[] });
    }
    push_message(url, &message)
}

/// Pushes a message that is written already.
pub(crate) fn push_message(url: &str, message: &[u8]) -> (u16, String) {
    let mut body = Vec::new();
    compress_write_request(message, &mut body).expect("small enough");
    let headers = [
        ("Content-Type", "application/x-protobuf"),
        ("Content-Encoding", "snappy"),
        ("X-Prometheus-Remote-Write-Version", "0.1.0"),
    ];
    crate::support::request("POST", &format!("{url}/api/v1/write"), &headers, &body)
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

/// A question that was quick so often that it is answered at once gets the whole answer also on the day when it is not quick.
#[test]
fn a_quick_question_may_become_a_long_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &["--storage.tsdb.retention.time=100y"]);
    let samples: Vec<(i64, f64)> = (1..=200_000).map(|i| (i * 1_000, i as f64)).collect();
    assert!(push(&server, &[(&[("__name__", "long")], &samples)]).0 < 300);
    let ask = |time: &str| {
        let (status, text) = server.post(
            "/api/v1/query",
            &[("Content-Type", "application/x-www-form-urlencoded")],
            form(&[("query", "quantile_over_time(0.5, long[200000s])"), ("time", time)]).as_bytes(),
        );
        assert_eq!(status, 200, "{text}");
        answer(&text)["data"]["result"].clone()
    };
    let count = |name: &str| {
        let metrics = server.get("/metrics").1;
        let line =
            metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{metrics}"));
        line.trim().parse::<f64>().unwrap_or_else(|e| panic!("{line}: {e}"))
    };
    crate::support::wait_for("a right guess and a wrong one", || {
        // Before the first sample there is nothing to read.
        for _ in 0..3 {
            assert_eq!(ask("0.5"), json!([]));
        }
        assert_eq!(ask("200000")[0]["value"], json!([200_000, "100000.5"]));
        let guesses =
            ["bellwether_queries_answered_at_once_total", "bellwether_queries_given_up_at_once_total"];
        guesses.iter().all(|name| count(name) > 0.0).then_some(())
    });
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
fn queries_are_explained_part_by_part() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &[]);
    let tree = server.api("explain", &[("query", "sum(rate(x[5m])) > 1")]);
    assert_eq!(
        (&tree["span"], &tree["kind"], &tree["role"]),
        (&json!([0, 20]), &json!("binaryExpr"), &json!("query"))
    );
    let kinds = |node: &Value| -> Vec<(Value, Value, Value)> {
        let children = node["children"].as_array().cloned().unwrap_or_default();
        children.iter().map(|c| (c["kind"].clone(), c["role"].clone(), c["span"].clone())).collect()
    };
    assert_eq!(
        kinds(&tree),
        [
            (json!("aggregation"), json!("left"), json!([0, 16])),
            (json!("numberLiteral"), json!("right"), json!([19, 20])),
        ]
    );
    assert_eq!(kinds(&tree["children"][0]), [(json!("call"), json!("operand"), json!([4, 15]))]);
    assert!(tree["sentence"].as_str().is_some_and(|s| s.ends_with('.')), "{tree}");
    let (status, text) = server.get("/api/v1/explain?query=sum(");
    assert_eq!(status, 400);
    assert_eq!(
        answer(&text)["error"],
        "invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis"
    );
}

#[test]
fn features_are_listed_by_the_names_of_prometheus() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &["--web.enable-lifecycle"]);
    let features = server.api("features", &[]);
    for (category, name, is_on) in [
        ("api", "lifecycle", true),
        ("api", "admin", false),
        ("api", "remote_write_receiver", true),
        ("promql", "anchored", false),
        ("promql", "per_step_stats", false),
        ("promql_functions", "rate", true),
        ("promql_functions", "info", false),
        ("promql_operators", "topk", true),
        ("promql_operators", "limitk", false),
        ("promql_operators", "=~", true),
        ("promql_operators", "unless", true),
        ("scrape", "start_timestamp_zero_ingestion", false),
        ("service_discovery_providers", "kubernetes", true),
        ("service_discovery_providers", "static", true),
        ("tsdb", "native_histograms", true),
    ] {
        assert_eq!(features[category][name], json!(is_on), "{category} {name}");
    }
    let more = tempfile::tempdir().expect("a folder");
    let flag = "--enable-feature=promql-experimental-functions,promql-extended-range-selectors,promql-per-step-stats";
    let features = Bellwether::serve(more.path(), &[flag]).api("features", &[]);
    for (category, name) in [
        ("promql", "anchored"),
        ("promql", "per_step_stats"),
        ("promql_functions", "info"),
        ("promql_operators", "limitk"),
    ] {
        assert_eq!(features[category][name], json!(true), "{category} {name}");
    }
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
fn the_cardinality_leads_from_the_largest_metric_to_its_labels() {
    let (_dir, server) = with_data();
    let found = server.api("status/cardinality", &[("limit", "3"), ("window", "2h")]);
    let series = found["total"]["series"].as_u64().expect("a number");
    assert_eq!(found["total"]["createdSeries"], series, "the store was empty at the start: {found}");
    assert_eq!(found["windowSeconds"], 7200.0);
    assert!(found["observedSeconds"].as_f64() < Some(7200.0), "the server has just started: {found}");
    assert!(found["metricsBySeries"].as_array().is_some_and(|m| (1..=3).contains(&m.len())), "{found}");
    let metric = &found["metricsBySeries"][0];
    let name = metric["name"].as_str().expect("a name");
    let chosen = server.api("status/cardinality/breakdown", &[("label", "__name__"), ("value", name)]);
    for field in ["series", "createdSeries", "memoryBytes"] {
        assert!(chosen["total"][field].as_u64() > Some(0), "{field} in {chosen}");
    }
    assert_eq!(chosen["total"]["series"], metric["series"]);
    assert_eq!(chosen["metrics"], json!([{"name": name, "series": metric["series"]}]));
    assert_eq!(chosen["examinedSeries"], metric["series"]);
    let label = &chosen["labels"][0];
    assert!(label["distinctSeriesWithout"].as_u64() <= metric["series"].as_u64(), "{chosen}");
    assert!(label["topValues"][0]["name"].is_string() && label["name"].is_string(), "{chosen}");
    let nothing = server.api("status/cardinality/breakdown", &[("label", "no such label")]);
    assert_eq!((&nothing["total"]["series"], &nothing["labels"]), (&json!(0), &json!([])));
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
    assert_eq!(server.get("/api/v2/status").0, 200);
    assert_eq!(server.get("/alertmanager/api/v2/status").0, 200);
    assert_eq!(crate::support::request("GET", &format!("{base}/api/v1/query?query=1"), &[], &[]).0, 404);
    // A proxy may serve this below yet another path, so where links of Prometheus lead is told as seen from there.
    assert_eq!(leads_to(&server, "/graph?g0.expr=up"), "explore?q=up");
}

/// Where an address leads.
fn leads_to(server: &Bellwether, address: &str) -> String {
    let agent = ureq::Agent::config_builder().max_redirects(0).max_redirects_will_error(false).build();
    let answer = ureq::Agent::from(agent).get(format!("{}{address}", server.url)).call().expect("an answer");
    assert_eq!(answer.status().as_u16(), 302, "{address}");
    answer.headers()["location"].to_str().expect("text").to_owned()
}

#[test]
fn addresses_of_the_pages_of_prometheus_lead_to_ours() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &[]);
    for (address, want) in [
        ("/graph", "explore"),
        ("/graph?g0.expr=up%20%3D%3D%200&g0.tab=1", "explore?q=up%20%3D%3D%200&tab=table"),
        (
            "/graph?g0.expr=up+%3D%3D+0&g0.tab=0&g0.range_input=6h",
            "explore?q=up%20%3D%3D%200&from=now-6h&to=now",
        ),
        ("/query?g0.expr=up&g0.show_tree=0&g0.tab=table", "explore?q=up&tab=table"),
        ("/targets", "system/targets"),
        ("/targets?search=a+b", "system/targets?f=a%20b"),
        ("/targets?scrapePool=node&showUnhealthy=false", "system/targets?f=node"),
        ("/service-discovery?search=node", "system/targets?f=node"),
        ("/status", "system/status"),
        ("/status?x=a%20b", "system/status?x=a%20b"),
        ("/flags", "system/status?tab=flags"),
        ("/config?x=1", "system/status?tab=config&x=1"),
        ("/tsdb-status", "system/cardinality"),
    ] {
        assert_eq!(leads_to(&server, address), want, "{address}");
    }
    for address in ["/alerts?search=x", "/rules", "/explore?q=up", "/system/targets"] {
        let (status, page) = server.get(address);
        assert!(status == 200 && page.starts_with("<!doctype html>"), "{address}: {status}");
    }
    assert_eq!(server.post("/graph", &[], &[]).0, 405);
}

/// Query parameters, written `name=value` with `&` between.
fn url_of(server: &Bellwether, endpoint: &str, params: &str) -> String {
    let pairs: Vec<(&str, &str)> = params.split('&').filter_map(|pair| pair.split_once('=')).collect();
    format!("{}/api/v1/{endpoint}?{}", server.url, form(&pairs))
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
fn bad_parameters_are_refused_in_the_words_of_prometheus() {
    let (_dir, server) = with_data();
    let range = |rest: &str| format!("query=up&{rest}");
    for (endpoint, params, message) in [
        (
            "query",
            "query=1&time=x",
            "invalid parameter \"time\": Invalid time value for 'time': cannot parse \"x\" to a valid timestamp",
        ),
        (
            "query",
            "query=1&timeout=x",
            "invalid parameter \"timeout\": cannot parse \"x\" to a valid duration",
        ),
        ("query", "query=1&limit=-1", "invalid parameter \"limit\": limit must be non-negative"),
        (
            "query",
            "query=1&lookback_delta=x",
            "error parsing lookback delta duration: cannot parse \"x\" to a valid duration",
        ),
        ("query", "query=sum(", "invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis"),
        ("query_range", &range(""), "invalid parameter \"start\": cannot parse \"\" to a valid timestamp"),
        (
            "query_range",
            &range("start=1"),
            "invalid parameter \"end\": cannot parse \"\" to a valid timestamp",
        ),
        (
            "query_range",
            &range("start=2&end=1&step=1"),
            "invalid parameter \"end\": end timestamp must not be before start time",
        ),
        (
            "query_range",
            &range("start=1&end=2"),
            "invalid parameter \"step\": cannot parse \"\" to a valid duration",
        ),
        (
            "query_range",
            &range("start=1&end=2&step=0"),
            "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
        ),
        (
            "query_range",
            &range("start=0&end=11001&step=1"),
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ),
        ("series", "", "no match[] parameter provided"),
        (
            "series",
            "match[]={}",
            "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher",
        ),
        (
            "series",
            "match[]=up{",
            "invalid parameter \"match[]\": 1:4: parse error: unexpected end of input inside braces",
        ),
        ("labels", "match[]={}", "match[] must contain at least one non-empty matcher"),
        ("labels", "match[]=up{", "1:4: parse error: unexpected end of input inside braces"),
        (
            "labels",
            "start=x",
            "invalid parameter \"start\": Invalid time value for 'start': cannot parse \"x\" to a valid timestamp",
        ),
        ("label/U__/values", "", "invalid label name: \"\""),
        ("label/%FF/values", "", "invalid label name: it is not UTF-8"),
        ("metadata", "limit=x", "limit must be a number"),
        ("metadata", "limit_per_metric=x", "limit_per_metric must be a number"),
        ("targets/metadata", "limit=x", "limit must be a number"),
        ("query_exemplars", "query=sum(", "1:5: parse error: unclosed left parenthesis"),
        ("query_exemplars", "query=up&start=2&end=1", "end timestamp must not be before start timestamp"),
        ("status/tsdb", "limit=0", "limit must be a positive number"),
        ("status/cardinality", "limit=20000", "limit must not exceed 10000"),
        ("status/cardinality", "window=0s", "invalid parameter \"window\": it must be a positive duration"),
        (
            "status/cardinality/breakdown",
            "value=x",
            "label must name a label, for instance __name__ for the series of a metric",
        ),
    ] {
        let answer = exchange("GET", &url_of(&server, endpoint, params), &[], &[]);
        assert_eq!(answer.status, 400, "{endpoint} {params}");
        let want =
            format!("{{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":{}}}", Value::from(message));
        assert_eq!(answer.body, want, "{endpoint} {params}");
    }
    let all_of_time = "start=-9223309901257974.000000&end=9223309901257974.000000&step=0.001";
    assert_eq!(exchange("GET", &url_of(&server, "query_range", &range(all_of_time)), &[], &[]).status, 400);
    // Eleven thousand steps are allowed, so one point more.
    let url = url_of(&server, "query_range", &range("start=0&end=11000&step=1"));
    assert_eq!(exchange("GET", &url, &[], &[]).status, 200);
}

#[test]
fn odd_names_and_ranges_of_listings_are_no_errors() {
    let (_dir, server) = with_data();
    // Any UTF-8 text is a label name.
    for name in ["a-b", "1a", "a%20b", "a.b", "U__a_2e_b"] {
        assert_eq!(server.api(&format!("label/{name}/values"), &[]), json!([]), "{name}");
    }
    let odd = [("__name__", "http.requests"), ("a.b", "x"), ("é", "y")];
    assert!(push(&server, &[(&odd, &[(0, 1.0)])]).0 < 300);
    for (name, value) in [("a.b", "x"), ("U__a_2e_b", "x"), ("U___e9_", "y"), ("%C3%A9", "y")] {
        assert_eq!(server.api(&format!("label/{name}/values"), &[]), json!([value]), "{name}");
    }
    let selector = [("match[]", "{\"http.requests\"}")];
    assert_eq!(server.api("series", &selector), json!([{"__name__": "http.requests", "a.b": "x", "é": "y"}]));
    assert_eq!(server.api("labels", &selector), json!(["__name__", "a.b", "é"]));
    let backwards = [("match[]", "hits_total"), ("start", "60"), ("end", "30")];
    for listing in ["series", "labels", "label/path/values"] {
        assert_eq!(server.api(listing, &backwards), json!([]), "{listing}");
    }
}

#[test]
fn metadata_is_limited_as_asked() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &[]);
    let count =
        |limit: &str| server.api("metadata", &[("limit", limit)]).as_object().map(serde_json::Map::len);
    crate::support::wait_for("the first scrape", || (count("") > Some(2)).then_some(()));
    assert_eq!((count("0"), count("2")), (Some(0), Some(2)));
    assert!(count("-1") > Some(2));
    assert_eq!(server.api("targets/metadata", &[("limit", "0")]), json!([]));
    assert!(server.api("targets/metadata", &[("limit", "-1")])[0]["target"].is_object());
}

#[test]
fn targets_are_chosen_by_state() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(
        dir.path().join("prometheus.yml"),
        "scrape_configs:\n- job_name: one\n  static_configs: [{targets: ['127.0.0.1:1', '127.0.0.1:2']}]\n  \
         relabel_configs: [{source_labels: [__address__], regex: '.*:2', action: drop}]\n",
    )
    .expect("written");
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    let count = |state: &str| {
        let targets = server.api("targets", &[("state", state)]);
        let count = |list: &str| targets[list].as_array().map(Vec::len);
        (count("activeTargets"), count("droppedTargets"))
    };
    crate::support::wait_for("the targets", || (count("any") == (Some(1), Some(1))).then_some(()));
    assert_eq!(count(""), (Some(1), Some(1)));
    assert_eq!(count("Active"), (Some(1), Some(0)));
    assert_eq!(count("dropped"), (Some(0), Some(1)));
    assert_eq!(count("nonsense"), (Some(0), Some(0)));
}

#[test]
fn rules_that_were_not_evaluated_say_so() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(
        dir.path().join("prometheus.yml"),
        "rule_files: ['rules-*.yml']\nrules: {builtin_alerts: false}\n",
    )
    .expect("written");
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    assert_eq!(server.api("rules", &[]), json!({"groups": []}));
    assert_eq!(server.api("alerts", &[]), json!({"alerts": []}));
    assert_eq!(
        server.api("alertmanagers", &[]),
        json!({"activeAlertmanagers": [], "droppedAlertmanagers": []})
    );
    let replay = json!({"min": 0, "max": 0, "current": 0, "state": "done"});
    assert_eq!(server.api("status/walreplay", &[]), replay);
    // There are rules now. What was not evaluated yet says so.
    std::fs::write(
        dir.path().join("rules-1.yml"),
        "groups: [{name: g, interval: 1h, rules: [{alert: Down, expr: up == 0}, {record: a:b, expr: up}]}]\n",
    )
    .expect("written");
    assert_eq!(server.post("/-/reload", &[], &[]).0, 200);
    let rules = server.api("rules", &[])["groups"][0]["rules"].clone();
    for (rule, name) in [(&rules[0], "Down"), (&rules[1], "a:b")] {
        assert_eq!((&rule["name"], &rule["health"]), (&json!(name), &json!("unknown")), "{rules}");
    }
    assert_eq!(rules[0]["state"], "unknown");
}

#[test]
fn other_origins_may_read_only_if_allowed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (open, some, none) = (dir.path().join("1"), dir.path().join("2"), dir.path().join("3"));
    for folder in [&open, &some, &none] {
        std::fs::create_dir(folder).expect("made");
    }
    let allowed = |server: &Bellwether, origin: &str| {
        let url = format!("{}/api/v1/query?query=1", server.url);
        let preflight = exchange("OPTIONS", &url, &[("Origin", origin)], &[]);
        let answer = exchange("GET", &url, &[("Origin", origin)], &[]);
        assert_eq!((preflight.status, answer.status), (204, 200));
        let header = "access-control-allow-origin";
        assert_eq!(preflight.header(header), answer.header(header));
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        let methods = preflight.header("access-control-allow-methods");
        assert_eq!(methods, if answer.header(header).is_empty() { "" } else { "GET, POST, OPTIONS" });
        let silence = format!("{}/api/v2/silence/1", server.url);
        let preflight = exchange("OPTIONS", &silence, &[("Origin", origin)], &[]);
        let methods = preflight.header("access-control-allow-methods");
        assert_eq!(methods, if answer.header(header).is_empty() { "" } else { "GET, POST, DELETE, OPTIONS" });
        answer.header(header).to_owned()
    };
    let server = Bellwether::serve(&open, &["--web.cors.origin=.*"]);
    assert_eq!(allowed(&server, "http://a.example"), "*");
    let server = Bellwether::serve(&some, &["--web.cors.origin=https?://a\\.example"]);
    assert_eq!(allowed(&server, "http://a.example"), "http://a.example");
    assert_eq!(allowed(&server, "http://a.example.org"), "");
    assert!(
        server.api("status/flags", &[])["web.cors.origin"].as_str().is_some_and(|s| s.starts_with("http"))
    );
    let server = Bellwether::serve(&none, &[]);
    assert_eq!(allowed(&server, "http://a.example"), "");
}

#[test]
fn wrong_methods_and_paths_are_told_in_plain_text() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &[]);
    for (method, path, status, text) in [
        ("PUT", "/api/v1/query", 405, "Method Not Allowed\n"),
        ("DELETE", "/api/v1/labels", 405, "Method Not Allowed\n"),
        ("POST", "/api/v1/targets", 405, "Method Not Allowed\n"),
        ("POST", "/metrics", 405, "Method Not Allowed\n"),
        ("GET", "/-/reload", 405, "Method Not Allowed\n"),
        ("GET", "/api/v1/nope", 404, "no such endpoint: /api/v1/nope\n"),
        ("GET", "/api", 404, "no such endpoint: /api\n"),
        ("GET", "/-/nope", 404, "no such endpoint: /-/nope\n"),
    ] {
        let answer = exchange(method, &format!("{}{path}", server.url), &[], &[]);
        assert_eq!((answer.status, answer.body.as_str()), (status, text), "{method} {path}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.header("allow").is_empty(), status == 404);
    }
}

#[test]
fn federation_orders_by_name_and_labels_and_answers_errors_in_text() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("prometheus.yml"), "global: {external_labels: {region: x}}\n")
        .expect("written");
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    let now_ms =
        server.api("query", &[("query", "time()")])["result"][0].as_f64().map_or(0, |s| (s * 1000.0) as i64);
    let one = [(now_ms, 1.0)];
    let (status, said) = push(
        &server,
        &[
            (&[("__name__", "b"), ("a", "1"), ("room", "n")], &one),
            (&[("__name__", "b"), ("a", "1")], &one),
            (&[("__name__", "a"), ("region", "own"), ("instance", "i")], &one),
        ],
    );
    assert!(status < 300, "{said}");
    let federate = |selector: &str| {
        let url = format!("{}/federate?{}", server.url, form(&[("match[]", selector)]));
        let answer = exchange("GET", &url, &[], &[]);
        (answer.status, answer.header("content-type").to_owned(), answer.body)
    };
    // A selector may match everything here. The external labels come last, and `instance` is there even if it is empty.
    let (status, content_type, text) = federate("{a=~\".*\"}");
    assert_eq!(status, 200, "{text}");
    assert!(content_type.starts_with("text/plain; version=0.0.4"), "{content_type}");
    assert_eq!(
        text,
        format!(
            "# TYPE a untyped\na{{instance=\"i\",region=\"own\"}} 1 {now_ms}\n\
             # TYPE b untyped\nb{{a=\"1\",instance=\"\",region=\"x\"}} 1 {now_ms}\n\
             b{{a=\"1\",room=\"n\",instance=\"\",region=\"x\"}} 1 {now_ms}\n"
        )
    );
    let (status, content_type, text) = federate("b{");
    assert_eq!((status, content_type.as_str()), (400, "text/plain; charset=utf-8"));
    assert_eq!(text, "1:3: parse error: unexpected end of input inside braces\n");
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

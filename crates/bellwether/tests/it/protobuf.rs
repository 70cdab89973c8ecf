//! The protobuf format as real programs write it, and native histograms beside a real Prometheus that scrapes the same target.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bellwether_exposition::testkit::{Bucket, Exemplar, Histogram, Metric, MetricFamily, MetricValue, Side};
use bellwether_exposition::{
    CreatedHandling, Event, EventReader, LabelBuf, MetricType, NativeHistograms, ProtobufReader, Reader,
    TypeAndUnitLabels,
};
use bellwether_model::{Clock as _, SystemClock};
use serde_json::Value;

use crate::support::{Bellwether, exchange, fetch, form, node_exporter, prometheus, target, wait_for};

const PROTOBUF: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// Each series of a body with the bits of its value.
fn series<'a>(mut reader: impl EventReader<'a>) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut labels = LabelBuf::new();
    while let Some(event) = reader.next_expecting(&[]) {
        if let Event::Series(series) = event.expect("a valid exposition") {
            reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
            labels.sort();
            let mut key = String::new();
            for (name, value) in labels.iter() {
                write!(key, "{name}={value:?};").expect("a string takes everything");
            }
            assert_eq!(found.insert(key, series.value.to_bits()), None, "a series is there twice");
        }
    }
    found
}

/// Reads a program's metrics as text, as protobuf and as text again, until each series that has the same value in both texts had it in protobuf
/// as well. Once is not enough: a value may change and change back.
fn both_formats_say_the_same(url: &str) {
    let text = || series(Reader::text(&fetch(url, "text/plain;version=0.0.4").1));
    let mut unequal: Option<BTreeSet<String>> = None;
    wait_for("the same values in both formats", || {
        let before = text();
        let (content_type, body) = fetch(url, PROTOBUF);
        assert!(content_type.starts_with("application/vnd.google.protobuf"), "{content_type}");
        let protobuf = series(ProtobufReader::new(&body, NativeHistograms::Instead, CreatedHandling::Series));
        let after = text();
        let constant = before.iter().filter(|(series, value)| after.get(*series) == Some(value));
        let constant: Vec<_> = constant.collect();
        assert!(constant.len() * 2 > before.len(), "{} of {} compared", constant.len(), before.len());
        for series in protobuf.keys() {
            assert!(
                before.contains_key(series) || after.contains_key(series),
                "{series} is in protobuf only"
            );
        }
        let differs = constant.into_iter().filter(|(series, value)| protobuf.get(*series) != Some(value));
        let differs: BTreeSet<String> = differs.map(|(series, _)| series.clone()).collect();
        let still = match &unequal {
            None => differs,
            Some(unequal) => unequal.intersection(&differs).cloned().collect(),
        };
        let done = still.is_empty();
        unequal = Some(still);
        done.then_some(())
    });
}

#[test]
fn real_programs_say_the_same_in_protobuf_as_in_text() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("prometheus.yml"), "scrape_configs: []\n").expect("written");
    let (_prometheus, peer) = prometheus(dir.path(), &[]);
    let (_exporter, port) = node_exporter();
    let exporter = format!("127.0.0.1:{port}");
    both_formats_say_the_same(&format!("{peer}/metrics"));
    both_formats_say_the_same(&format!("http://{exporter}/metrics"));

    let ours = dir.path().join("ours");
    fs::create_dir(&ours).expect("made");
    let peer = peer.trim_start_matches("http://");
    let job = |protocol: &str| {
        format!(
            "- job_name: {protocol}\n  scrape_interval: 1s\n  scrape_protocols: [{protocol}]\n  \
             static_configs: [{{targets: ['{peer}', '{exporter}']}}]\n"
        )
    };
    let config = format!("scrape_configs:\n{}{}", job("PrometheusProto"), job("PrometheusText0.0.4"));
    fs::write(ours.join("prometheus.yml"), config).expect("written");
    let server = Bellwether::serve(&ours, &["--config.file=prometheus.yml"]);
    wait_for("all to be up", || (server.value("sum(sum_over_time(up[1m]) > 1)")? >= 8.0).then_some(()));
    let names = |job: &str| {
        let selector = format!("{{job=\"{job}\",__name__!~\"promhttp_.*|prometheus_http_.*|scrape_.*|up\"}}");
        let series = server.api("series", &[("match[]", &selector)]);
        let mut series: Vec<String> = series.as_array().expect("a list").iter().map(without_job).collect();
        series.sort();
        series
    };
    // The first scrape of a program makes series about scrapes, so both are compared when they have them.
    let same = || (names("PrometheusProto") == names("PrometheusText0.0.4")).then_some(());
    wait_for("the same series in both formats", same);
    assert!(names("PrometheusProto").len() > 700, "{}", names("PrometheusProto").len());
    let kind = server.api("metadata", &[("metric", "prometheus_http_request_duration_seconds")]);
    assert_eq!(kind["prometheus_http_request_duration_seconds"][0]["type"], "histogram");
}

fn without_job(series: &Value) -> String {
    let mut series = series.as_object().expect("labels").clone();
    series.remove("job");
    Value::Object(series).to_string()
}

fn label(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

/// What the target exposes in the second `second` of some hour: every type, every form of histogram, with the time of that second, so that whoever
/// scrapes it stores the same.
fn exposition(second: i64) -> Vec<u8> {
    let n = (second % 3600) as u64 + 1;
    let timestamp_ms = second * 1000;
    let metric = |labels, value| Metric { labels, timestamp_ms, value };
    let number = |value| MetricValue::Number { value, exemplar: None, created: None };
    let family = |name: &str, metric_type, metrics| MetricFamily {
        name: name.to_owned(),
        help: format!("The {metric_type} of the lab."),
        metric_type,
        metrics,
        ..MetricFamily::default()
    };
    let exemplar = Exemplar {
        labels: label("trace_id", &n.to_string()),
        value: 0.7,
        timestamp: Some((second, 500_000_000)),
    };
    let integers = Histogram {
        count: 7 * n,
        sum: n as f64 * 6.25,
        buckets: vec![
            Bucket { count: 4 * n, upper_bound: 1.0, exemplar: Some(exemplar), ..Bucket::default() },
            Bucket { count: 7 * n, upper_bound: f64::INFINITY, ..Bucket::default() },
        ],
        schema: 1,
        zero_threshold: 0.001,
        zero_count: n,
        // An empty bucket at the end, which is not kept.
        positive: Side {
            spans: vec![(-1, 2), (2, 2)],
            deltas: vec![n as i64, n as i64, 0, -2 * n as i64],
            counts: Vec::new(),
        },
        negative: Side { spans: vec![(0, 1)], deltas: vec![n as i64], counts: Vec::new() },
        ..Histogram::default()
    };
    let floats = Histogram {
        float_count: 2.5 * n as f64,
        sum: 0.5 * n as f64,
        schema: 3,
        zero_threshold: 1e-9,
        float_zero_count: 0.5 * n as f64,
        positive: Side { spans: vec![(4, 2)], deltas: Vec::new(), counts: vec![n as f64, n as f64] },
        packed: true,
        ..Histogram::default()
    };
    let classic = Histogram {
        count: 3 * n,
        sum: 1.5,
        buckets: vec![Bucket { count: n, upper_bound: 0.25, ..Bucket::default() }],
        ..Histogram::default()
    };
    let summary = MetricValue::Summary {
        count: n,
        sum: 2.0,
        quantiles: vec![(0.5, 0.25), (0.9, f64::NAN)],
        created: None,
    };
    let families = [
        family(
            "lab_requests_total",
            MetricType::Counter,
            vec![metric(label("code", "200"), number(n as f64))],
        ),
        family("lab_temperature", MetricType::Gauge, vec![metric(Vec::new(), number(-1.5))]),
        family(
            "lab_other",
            MetricType::Unknown,
            vec![metric(label("odd", "é \"\\\n"), number(f64::INFINITY))],
        ),
        family("lab_rpc_seconds", MetricType::Summary, vec![metric(Vec::new(), summary)]),
        family(
            "lab_latency_seconds",
            MetricType::Histogram,
            vec![
                metric(label("path", "/"), MetricValue::Histogram(integers)),
                metric(label("path", "/floats"), MetricValue::Histogram(floats.clone())),
            ],
        ),
        family("lab_size", MetricType::Histogram, vec![metric(Vec::new(), MetricValue::Histogram(classic))]),
        family(
            "lab_queue",
            MetricType::GaugeHistogram,
            vec![metric(Vec::new(), MetricValue::Histogram(floats))],
        ),
    ];
    let mut body = Vec::new();
    for family in families {
        family.push_delimited(&mut body);
    }
    body
}

fn now_s() -> i64 {
    SystemClock::new().now_ms() / 1000
}

fn config(dir: &Path, port: u16, more: &str) {
    fs::create_dir_all(dir).expect("made");
    let job = format!(
        "scrape_configs:\n- job_name: lab\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n{more}  \
         static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
    );
    fs::write(dir.join("prometheus.yml"), job).expect("written");
}

#[test]
fn prometheus_stores_the_same_native_histograms() {
    let dir = tempfile::tempdir().expect("a folder");
    let port = target(PROTOBUF, || exposition(now_s()));
    let peer_dir = dir.path().join("peer");
    config(&peer_dir, port, "");
    config(dir.path(), port, "  scrape_native_histograms: true\n");
    let features = "--enable-feature=native-histograms,exemplar-storage";
    let (_prometheus, peer) = prometheus(&peer_dir, &[features]);
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    // Between the seconds, so that no sample lies on the edge of a window, which Prometheus counted until 2.x and leaves out since.
    let ask = |base: &str, query: &str, at: i64| -> Value {
        let params = form(&[("query", query), ("time", &format!("{at}.5"))]);
        let mut answer = exchange("GET", &format!("{base}/api/v1/query?{params}"), &[], &[]).json();
        if let Some(result) = answer["data"]["result"].as_array_mut() {
            result.sort_by_key(|series| series["metric"].to_string());
        }
        answer["data"].take()
    };
    // Both must have scraped in the same seconds, several in a row; then nothing depends on who scrapes when.
    let at = wait_for("the same eight seconds in both", || {
        let at = now_s() - 1;
        let has_all = |base: &str| {
            let seconds = ask(base, "lab_temperature[8s]", at);
            seconds["result"][0]["values"].as_array().is_some_and(|values| values.len() == 8)
        };
        (has_all(&server.url) && has_all(&peer)).then_some(at)
    });
    for query in [
        "{job=\"lab\",__name__=~\"lab_.*\"}",
        "lab_latency_seconds[6s]",
        "lab_requests_total[6s]",
        "lab_size_bucket[6s]",
        "histogram_count(lab_latency_seconds)",
        "histogram_sum(lab_latency_seconds)",
        // On bounds of buckets: inside of them Prometheus interpolated linearly until 2.x and exponentially since.
        "histogram_quantile(1, lab_latency_seconds)",
        "histogram_quantile(1, rate(lab_latency_seconds[5s]))",
        "histogram_fraction(1, 2, lab_latency_seconds)",
        "rate(lab_latency_seconds[5s])",
        "sum(rate(lab_latency_seconds[5s]))",
        "histogram_count(lab_queue)",
        "delta(lab_queue[5s])",
        "histogram_quantile(0.5, rate(lab_size_bucket[5s]))",
        "lab_rpc_seconds",
    ] {
        let (ours, theirs) = (ask(&server.url, query, at), ask(&peer, query, at));
        assert!(theirs["result"][0].is_object(), "{query}: {theirs}");
        assert_eq!(ours, theirs, "{query}");
    }
}

#[test]
fn classic_and_native_forms_are_kept_side_by_side() {
    let dir = tempfile::tempdir().expect("a folder");
    let port = target(PROTOBUF, || exposition(now_s()));
    config(
        dir.path(),
        port,
        "  scrape_native_histograms: true\n  always_scrape_classic_histograms: true\n  \
         convert_classic_histograms_to_nhcb: true\n",
    );
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    wait_for("scrapes", || (server.value("count_over_time(lab_temperature[1m])")? >= 2.0).then_some(()));
    let agree = |native: &str, classic: &str| {
        let both = format!("{native} - on () {classic}");
        assert_eq!(server.value(&both), Some(0.0), "{both}");
    };
    agree("histogram_count(lab_latency_seconds{path=\"/\"})", "lab_latency_seconds_count{path=\"/\"}");
    agree("histogram_sum(lab_latency_seconds{path=\"/\"})", "lab_latency_seconds_sum{path=\"/\"}");
    // One that has no native form gets one with its own bounds.
    agree("histogram_count(lab_size)", "lab_size_bucket{le=\"+Inf\"}");
    assert_eq!(server.query("lab_size_bucket").len(), 2);
    // A float histogram without classic buckets has only its native form.
    assert!(server.query("lab_latency_seconds_count{path=\"/floats\"}").is_empty());
    let exemplars = server
        .api("query_exemplars", &[("query", "lab_latency_seconds"), ("start", "0"), ("end", "9999999999")]);
    assert_eq!(exemplars[0]["seriesLabels"]["__name__"], "lab_latency_seconds");
    assert_eq!(exemplars[0]["exemplars"][0]["value"], "0.7");
}

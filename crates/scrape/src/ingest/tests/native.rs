//! Protobuf expositions on their way into the store.
use bellwether_exposition::testkit::{Bucket, Exemplar, Histogram, Metric, MetricFamily, MetricValue, Side};
use bellwether_exposition::{MetricType, NativeHistograms};

use super::ClassicHandling::{Convert, ConvertAndKeep, Keep};
use super::*;

const PROTOBUF: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

fn with(native: NativeHistograms, classic: ClassicHandling) -> IngestSettings {
    let histograms = HistogramSettings { native, classic, ..HistogramSettings::CLASSIC };
    IngestSettings { histograms, ..settings() }
}

fn body(families: &[MetricFamily]) -> Vec<u8> {
    let mut body = Vec::new();
    for family in families {
        family.push_delimited(&mut body);
    }
    body
}

fn family(name: &str, metric_type: MetricType, values: Vec<(&str, MetricValue)>) -> MetricFamily {
    let metric = |(path, value): (&str, MetricValue)| Metric {
        labels: vec![("path".to_owned(), path.to_owned())],
        timestamp_ms: 0,
        value,
    };
    MetricFamily {
        name: name.to_owned(),
        metric_type,
        metrics: values.into_iter().map(metric).collect(),
        ..MetricFamily::default()
    }
}

fn number(value: f64) -> MetricValue {
    MetricValue::Number { value, exemplar: None, created: None }
}

fn exemplar(trace: &str, value: f64, seconds: i64) -> Exemplar {
    Exemplar {
        labels: vec![("trace_id".to_owned(), trace.to_owned())],
        value,
        timestamp: Some((seconds, 500_000_000)),
    }
}

/// Four observations in both forms: one of zero, one up to 1, two up to 2.
fn both_forms() -> Histogram {
    Histogram {
        count: 4,
        sum: 4.5,
        buckets: vec![
            Bucket { count: 2, upper_bound: 1.0, exemplar: Some(exemplar("c", 0.7, 2)), ..Bucket::default() },
            Bucket { count: 4, upper_bound: 2.0, ..Bucket::default() },
        ],
        schema: 0,
        zero_threshold: 1e-128,
        zero_count: 1,
        positive: Side { spans: vec![(0, 2)], deltas: vec![1, 1], counts: Vec::new() },
        created: Some((1, 250_000_000)),
        ..Histogram::default()
    }
}

fn histogram(histogram: Histogram) -> Vec<u8> {
    body(&[family("h", MetricType::Histogram, vec![("/", MetricValue::Histogram(histogram))])])
}

#[test]
fn the_job_chooses_the_forms_of_a_histogram() {
    let classic = ["h_bucket:+Inf", "h_bucket:1.0", "h_bucket:2.0", "h_count", "h_sum"];
    let check = |native, handling, has_native: bool, has_classic: bool| {
        let mut scrapes = Scrapes::new(with(native, handling));
        for _ in 0..2 {
            scrapes.scrape_bytes(PROTOBUF, &histogram(both_forms())).expect("valid");
        }
        let native_series = scrapes.samples(r#"h{job="j", path="/"}"#);
        let want: &[&str] = if has_native { &["1:histogram(4)", "2:histogram(4)"] } else { &[] };
        assert_eq!(native_series, want, "{native:?} {handling:?}");
        let n_classic = scrapes.store.series().len() - usize::from(has_native);
        assert_eq!(n_classic, if has_classic { classic.len() } else { 0 }, "{native:?} {handling:?}");
        if has_classic {
            assert_eq!(scrapes.samples(r#"h_bucket{job="j", le="1.0", path="/"}"#), ["1:2", "2:2"]);
            assert_eq!(scrapes.samples(r#"h_bucket{job="j", le="+Inf", path="/"}"#), ["1:4", "2:4"]);
            assert_eq!(scrapes.samples(r#"h_sum{job="j", path="/"}"#), ["1:4.5", "2:4.5"]);
        }
    };
    check(NativeHistograms::Ignore, Keep, false, true);
    check(NativeHistograms::Instead, Keep, true, false);
    check(NativeHistograms::Beside, Keep, true, true);
    // The native form wins over one that is made from the buckets; without it, there is one with custom buckets.
    check(NativeHistograms::Instead, Convert, true, false);
    check(NativeHistograms::Beside, ConvertAndKeep, true, true);
    check(NativeHistograms::Ignore, Convert, true, false);
    check(NativeHistograms::Ignore, ConvertAndKeep, true, true);
}

#[test]
fn histograms_are_stored_as_they_are_meant() {
    let stored = |exposed: Histogram, metric_type| {
        let mut ingest = Ingest::new(Arc::new(with(NativeHistograms::Instead, Keep)), Arc::default());
        let mut batch = AppendBatch::default();
        let body = body(&[family("h", metric_type, vec![("/", MetricValue::Histogram(exposed))])]);
        let (_, result) = ingest.read(&body, PROTOBUF, 1_000, &mut batch);
        result.expect("valid");
        match &batch.samples[0].value {
            Value::Histogram(h) => h.to_string(),
            Value::Float(v) => panic!("{v} is no histogram"),
        }
    };
    assert_eq!(
        stored(both_forms(), MetricType::Histogram),
        "{count:4, sum:4.5, [-1e-128,1e-128]:1, (0.5,1]:1, (1,2]:2}"
    );
    // Finer than any that can be kept: buckets 0 to 3 of schema 9 are 0, 1, 1 and 2 of schema 8.
    let fine = Histogram {
        count: 4,
        sum: 4.0,
        buckets: Vec::new(),
        schema: 9,
        zero_count: 0,
        positive: Side { spans: vec![(0, 4)], deltas: vec![1, 0, 0, 0], counts: Vec::new() },
        ..both_forms()
    };
    assert_eq!(
        stored(fine, MetricType::Histogram),
        "{count:4, sum:4, (0.9972960560854698,1]:1, (1,1.0027112750502025]:2, (1.0027112750502025,1.0054299011128027]:1}"
    );
    // Float counts, an empty bucket inside, buckets below zero.
    let floats = Histogram {
        float_count: 3.5,
        sum: 0.5,
        schema: 1,
        zero_threshold: 0.25,
        float_zero_count: 0.5,
        positive: Side { spans: vec![(2, 3)], deltas: Vec::new(), counts: vec![1.0, 0.0, 0.5] },
        negative: Side { spans: vec![(0, 1)], deltas: Vec::new(), counts: vec![1.5] },
        packed: true,
        ..Histogram::default()
    };
    assert_eq!(
        stored(floats, MetricType::GaugeHistogram),
        "{count:3.5, sum:0.5, [-1,-0.7071067811865475):1.5, [-0.25,0.25]:0.5, \
         (1.414213562373095,2]:1, (2.82842712474619,4]:0.5}"
    );
}

#[test]
fn a_histogram_that_contradicts_itself_fails_the_scrape() {
    let mut scrapes = Scrapes::new(with(NativeHistograms::Instead, Keep));
    scrapes.scrape_bytes(PROTOBUF, &histogram(both_forms())).expect("valid");
    let error = scrapes
        .scrape_bytes(PROTOBUF, &histogram(Histogram { count: 3, ..both_forms() }))
        .expect_err("four observations in buckets");
    assert_eq!(
        error,
        "native histogram h of the target is not valid: 4 observations found in buckets, but the Count field is 3: \
         histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)"
    );
    // A marker of the same kind, so that it ends the histogram and not a series of floats.
    assert_eq!(scrapes.samples(r#"h{job="j", path="/"}"#), ["1:histogram(4)", "2:stale histogram"]);
    let spans = Side { spans: vec![(0, u32::MAX)], deltas: vec![1, 1], counts: Vec::new() };
    scrapes
        .scrape_bytes(PROTOBUF, &histogram(Histogram { positive: spans, ..both_forms() }))
        .expect_err("four thousand million buckets are claimed");
}

#[test]
fn limits_hold_for_native_histograms() {
    let mut limited = with(NativeHistograms::Instead, Keep);
    limited.histograms.bucket_limit = 1;
    let mut scrapes = Scrapes::new(limited);
    let near = Side { spans: vec![(1, 2)], deltas: vec![1, 1], counts: Vec::new() };
    scrapes
        .scrape_bytes(PROTOBUF, &histogram(Histogram { positive: near, ..both_forms() }))
        .expect("merged once, both buckets are one");
    let error = scrapes
        .scrape_bytes(PROTOBUF, &histogram(both_forms()))
        .expect_err("buckets on both sides of 1 are never merged");
    assert_eq!(error, "histogram bucket limit exceeded (limit: 1)");

    let mut limited = with(NativeHistograms::Instead, Keep);
    limited.sample_limit = 2;
    let mut scrapes = Scrapes::new(limited);
    let three = |name| {
        let h = || MetricValue::Histogram(both_forms());
        body(&[family(name, MetricType::Histogram, vec![("a", h()), ("b", h()), ("c", h())])])
    };
    let error = scrapes.scrape_bytes(PROTOBUF, &three("h")).expect_err("three histograms");
    assert_eq!(error, "sample limit exceeded (samples after relabelling: 3, limit: 2)");
}

#[test]
fn exemplars_and_start_times_come_along() {
    let mut histogram = both_forms();
    histogram.exemplars = vec![exemplar("b", 1.5, 20), exemplar("a", 0.5, 10), Exemplar::default()];
    let families = [
        family(
            "c_total",
            MetricType::Counter,
            vec![(
                "/",
                MetricValue::Number {
                    value: 3.0,
                    exemplar: Some(exemplar("d", 1.0, 5)),
                    created: Some((7, 0)),
                },
            )],
        ),
        family("h", MetricType::Histogram, vec![("/", MetricValue::Histogram(histogram))]),
    ];
    let mut scrapes = Scrapes::new(IngestSettings {
        created: CreatedHandling::StartTimestamp,
        ..with(NativeHistograms::Beside, Keep)
    });
    scrapes.ts_ms = 100_000;
    scrapes.scrape_bytes(PROTOBUF, &body(&families)).expect("valid");
    assert_eq!(
        scrapes.store.exemplars(),
        [
            r#"c_total{job="j", path="/"} {trace_id="d"} 1 5500"#,
            r#"h{job="j", path="/"} {trace_id="a"} 0.5 10500"#,
            r#"h{job="j", path="/"} {trace_id="b"} 1.5 20500"#,
            r#"h_bucket{job="j", le="1.0", path="/"} {trace_id="c"} 0.7 2500"#,
        ]
    );
    let starts = |created| {
        let mut ingest = Ingest::new(
            Arc::new(IngestSettings { created, ..with(NativeHistograms::Instead, Keep) }),
            Arc::default(),
        );
        let mut batch = AppendBatch::default();
        ingest.read(&body(&families), PROTOBUF, 100_000, &mut batch).1.expect("valid");
        batch.samples.iter().map(|sample| sample.start_ts_ms).collect::<Vec<_>>()
    };
    assert_eq!(starts(CreatedHandling::StartTimestamp), [7_000, 1_250]);
    assert_eq!(starts(CreatedHandling::Series), [0, 0]);
}

#[test]
fn a_target_may_change_its_format() {
    let mut scrapes = Scrapes::new(with(NativeHistograms::Instead, Keep));
    let gauge = body(&[family("g", MetricType::Gauge, vec![("/", number(1.0))])]);
    scrapes.scrape_bytes(PROTOBUF, &gauge).expect("valid");
    scrapes.scrape("# TYPE g gauge\ng{path=\"/\"} 2\n").expect("valid");
    let counts = scrapes.scrape_bytes(PROTOBUF, &gauge).expect("valid");
    assert_eq!((counts.total, counts.series_added), (1, 1));
    assert_eq!(scrapes.samples(r#"g{job="j", path="/"}"#), ["1:1", "2:2", "3:1"]);
}

#[test]
fn each_format_has_its_own_rules() {
    let mut scrapes = Scrapes::new(settings());
    // Text lets the comma be missing, OpenMetrics does not.
    scrapes.scrape("m{a=\"1\" b=\"2\"} 1\n").expect("valid");
    scrapes.scrape_as(OPENMETRICS, "m{a=\"1\" b=\"2\"} 1\n# EOF\n").expect_err("expected comma");
    assert_eq!(scrapes.samples(r#"m{a="1", b="2", job="j"}"#), ["1:1", "2:stale"]);
}

#[test]
fn metadata_is_learned_and_errors_name_the_byte() {
    let mut described = family("g_volts", MetricType::Gauge, vec![("/", number(1.0))]);
    (described.help, described.unit) = ("Tension.".to_owned(), "volts".to_owned());
    let body = body(&[described]);
    let mut scrapes = Scrapes::new(settings());
    scrapes.scrape_bytes(PROTOBUF, &body).expect("valid");
    assert_eq!(scrapes.store.take_metadata(), [r#"g_volts gauge "volts" "Tension.""#]);
    let error = scrapes.scrape_bytes(PROTOBUF, &body[..body.len() - 1]).expect_err("cut off");
    assert_eq!(error, "protobuf: length exceeds the message in MetricFamily (byte 1)");
    assert_eq!(scrapes.samples(r#"g_volts{job="j", path="/"}"#), ["1:1", "2:stale"]);
}

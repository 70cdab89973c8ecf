//! What the writer writes, the readers and the validator read back.
use bellwether_exposition::{
    CreatedHandling, EscapingScheme, Event, Family, LabelBuf, MetricType, Number, OutputFormat, Part, Reader,
    Sample, SampleExemplar, Syntax, TypeAndUnitLabels, Writer, render_labels, validate_openmetrics,
};
use proptest::prelude::*;

const TEXT: OutputFormat = OutputFormat { syntax: Syntax::Text1_0_0, escaping: EscapingScheme::AllowUtf8 };
const OPENMETRICS: OutputFormat =
    OutputFormat { syntax: Syntax::OpenMetrics1_0_0, escaping: EscapingScheme::AllowUtf8 };

fn reader(body: &str, format: OutputFormat) -> Reader<'_> {
    if format.syntax.is_openmetrics() {
        Reader::openmetrics(body.as_bytes(), CreatedHandling::StartTimestamp)
    } else {
        Reader::text(body.as_bytes())
    }
}

/// Labels, value and time.
type WrittenExemplar = (Vec<(String, String)>, f64, Option<i64>);

#[derive(Debug, Clone)]
struct Written {
    labels: Vec<(String, String)>,
    value: f64,
    timestamp_ms: Option<i64>,
    exemplar: Option<WrittenExemplar>,
}

fn label_name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z_][a-zA-Z0-9_]{0,8}", "[^\u{0}]{1,6}"]
        .prop_filter("reserved", |name| !matches!(name.as_str(), "__name__" | "le" | "quantile"))
}

fn labels() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::btree_map(label_name(), any::<String>(), 0..4).prop_map(|map| map.into_iter().collect())
}

/// Exemplars are stricter than series: no NUL bytes and no line feed that is not escaped.
fn exemplar() -> impl Strategy<Value = Option<WrittenExemplar>> {
    let labels = prop::collection::btree_map("[a-z]{1,5}", "[^\u{0}]{0,8}", 0..3);
    prop::option::of((
        labels.prop_map(|map| map.into_iter().collect()),
        -1e9..1e9,
        prop::option::of(0..1_i64 << 41),
    ))
}

fn written() -> impl Strategy<Value = Written> {
    (labels(), any::<f64>(), prop::option::of(0..1_i64 << 41), exemplar())
        .prop_map(|(labels, value, timestamp_ms, exemplar)| Written { labels, value, timestamp_ms, exemplar })
}

fn pairs(labels: &[(String, String)]) -> Vec<(&str, &str)> {
    labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect()
}

/// The lexer of the formats ends label values at no byte but the quote, yet drops NUL bytes next to quotes; Prometheus does so too.
fn has_nul(written: &[Written]) -> bool {
    written.iter().any(|w| w.labels.iter().any(|(_, value)| value.contains('\0')))
}

/// OpenMetrics times are seconds; Prometheus multiplies and cuts off, and so may lose a millisecond.
fn read_back(timestamp_ms: Option<i64>, openmetrics: bool) -> Option<i64> {
    timestamp_ms.map(|ms| if openmetrics { (ms as f64 / 1000.0 * 1000.0) as i64 } else { ms })
}

proptest! {
    #[test]
    fn samples_come_back(
        name in prop_oneof!["[a-zA-Z_:][a-zA-Z0-9_:]{0,12}", "[^\u{0}]{1,8}"],
        help in "[^\u{0}\\s][^\u{0}]{0,20}",
        written in prop::collection::vec(written(), 0..6),
        openmetrics: bool,
        rendered: bool,
    ) {
        prop_assume!(!has_nul(&written));
        let format = if openmetrics { OPENMETRICS } else { TEXT };
        let mut body = String::new();
        let mut writer = Writer::new(&mut body, format);
        writer.family(&Family { name: &name, metric_type: MetricType::Gauge, help: &help, unit: "" });
        for w in &written {
            let exemplar_labels = w.exemplar.as_ref().map(|(labels, ..)| pairs(labels)).unwrap_or_default();
            let exemplar = w.exemplar.as_ref().map(|(_, value, timestamp_ms)| SampleExemplar {
                labels: &exemplar_labels,
                value: *value,
                timestamp_ms: *timestamp_ms,
            });
            let sample = Sample {
                timestamp_ms: w.timestamp_ms,
                exemplar,
                ..Sample::new(Part::Value, Number::Float(w.value))
            };
            if rendered {
                let mut text = String::new();
                render_labels(&mut text, format.escaping, pairs(&w.labels));
                writer.rendered_sample(&sample, &text);
            } else {
                writer.sample(&sample, pairs(&w.labels));
            }
        }
        writer.finish();

        let mut reader = reader(&body, format);
        let mut left = written.iter();
        let (mut labels, mut scratch) = (LabelBuf::new(), String::new());
        while let Some(event) = reader.next() {
            match event.map_err(|e| TestCaseError::fail(format!("{e}\n{body}")))? {
                Event::Help { family, text } => {
                    prop_assert!(family.means(&name));
                    prop_assert_eq!(text.unescape(&mut scratch), &help);
                }
                Event::Type { family, metric_type } => {
                    prop_assert!(family.means(&name));
                    prop_assert_eq!(metric_type, MetricType::Gauge);
                }
                Event::Series(series) => {
                    let want = left.next().expect("as many series as written");
                    reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
                    let mut want_labels = vec![("__name__", name.as_str())];
                    want_labels.extend(pairs(&want.labels));
                    prop_assert_eq!(labels.iter().collect::<Vec<_>>(), want_labels);
                    // OpenMetrics floats have no negative zero.
                    prop_assert!(series.value == want.value || (series.value.is_nan() && want.value.is_nan()));
                    prop_assert_eq!(series.timestamp_ms, read_back(want.timestamp_ms, openmetrics));
                    let got = series.exemplar.map(|exemplar| {
                        let labels: Vec<_> = exemplar
                            .labels()
                            .map(|l| (l.name.as_written().to_owned(), l.value.unescape(&mut scratch).to_owned()))
                            .collect();
                        (labels, exemplar.value, exemplar.timestamp_ms)
                    });
                    let want = want.exemplar.clone().filter(|_| openmetrics);
                    let want = want.map(|(labels, value, ms)| (labels, value, read_back(ms, true)));
                    prop_assert_eq!(got, want);
                }
                other => return Err(TestCaseError::fail(format!("unexpected {other:?}"))),
            }
        }
        prop_assert!(left.next().is_none());
    }
}

/// One family of each type, as an application would write it.
fn families(format: OutputFormat) -> String {
    let mut body = String::new();
    let mut writer = Writer::new(&mut body, format);
    let family = |name, metric_type, unit| Family { name, metric_type, help: "some \"help\"\n", unit };
    let sample = |part, value| Sample::new(part, Number::Count(value));
    writer.family(&family("requests_total", MetricType::Counter, ""));
    let exemplar =
        SampleExemplar { labels: &[("trace_id", "abc")], value: 0.5, timestamp_ms: Some(1_520_879_607_789) };
    writer.sample(&Sample { exemplar: Some(exemplar), ..sample(Part::Value, 3) }, [("path", "/\\\"\n")]);
    writer.created("path=\"/\\\\\\\"\\n\"", 1_520_872_607_123);
    writer.family(&family("process_cpu_seconds", MetricType::Counter, "seconds"));
    writer.sample(&Sample::new(Part::Value, Number::Float(29_323.4)), []);
    writer.family(&family("up", MetricType::Gauge, "volts"));
    writer.sample(&Sample { timestamp_ms: Some(-1500), ..sample(Part::Value, 1) }, []);
    writer.family(&family("latency_seconds", MetricType::Histogram, "seconds"));
    for (bound, count) in [(0.5, 1), (1.0, 2), (f64::INFINITY, 2)] {
        writer.sample(&Sample { bound: Some(bound), ..sample(Part::Bucket, count) }, [("path", "/")]);
    }
    writer.sample(&Sample::new(Part::Sum, Number::Float(1.0)), [("path", "/")]);
    writer.sample(&sample(Part::Count, 2), [("path", "/")]);
    writer.family(&family("queue", MetricType::GaugeHistogram, ""));
    writer.sample(&Sample { bound: Some(f64::INFINITY), ..sample(Part::Bucket, 2) }, []);
    writer.sample(&sample(Part::Count, 2), []);
    writer.sample(&sample(Part::Sum, 2), []);
    writer.family(&family("rpc_seconds", MetricType::Summary, "seconds"));
    writer.sample(&Sample { bound: Some(1.0), ..Sample::new(Part::Value, Number::Float(1e-7)) }, []);
    writer.sample(&sample(Part::Sum, 0), []);
    writer.sample(&sample(Part::Count, 0), []);
    writer.family(&family("build", MetricType::Info, ""));
    writer.sample(&sample(Part::Value, 1), [("version", "1")]);
    writer.family(&family("state", MetricType::StateSet, ""));
    writer.sample(&sample(Part::Value, 1), [("state", "on")]);
    writer.family(&family("my.thing", MetricType::Unknown, ""));
    writer.sample(&Sample::new(Part::Value, Number::Float(1e6)), [("a.b", "1"), ("c", "2")]);
    writer.finish();
    body
}

#[test]
fn openmetrics_is_strictly_valid() {
    for escaping in
        [EscapingScheme::AllowUtf8, EscapingScheme::Underscores, EscapingScheme::Dots, EscapingScheme::Values]
    {
        // The state set's label must be named like the family, which escaped names are only if both are escaped alike.
        let body = families(OutputFormat { escaping, ..OPENMETRICS });
        let valid = validate_openmetrics(body.as_bytes());
        assert!(valid.is_ok(), "{valid:?}\n{body}");
    }
}

#[test]
fn openmetrics_as_written() {
    let body = families(OPENMETRICS);
    for line in [
        "# HELP requests some \\\"help\\\"\\n",
        "# TYPE requests counter",
        r#"requests_total{path="/\\\"\n"} 3 # {trace_id="abc"} 0.5 1520879607.789"#,
        r#"requests_created{path="/\\\"\n"} 1520872607.123"#,
        "# UNIT process_cpu_seconds seconds",
        "process_cpu_seconds_total 29323.4",
        "up 1 -1.500",
        r#"latency_seconds_bucket{path="/",le="1.0"} 2"#,
        "queue_gcount 2",
        r#"rpc_seconds{quantile="1.0"} 1e-07"#,
        r#"build_info{version="1"} 1"#,
        r#"# TYPE "my.thing" unknown"#,
        r#"{"my.thing","a.b"="1",c="2"} 1e+06"#,
        "# EOF",
    ] {
        assert!(body.lines().any(|l| l == line), "{line:?} is missing in\n{body}");
    }
    assert!(!body.contains("# UNIT up"), "the name does not end in the unit");
}

#[test]
fn text_as_written() {
    let body = families(OutputFormat::FALLBACK);
    for line in [
        "# HELP requests_total some \"help\"\\n",
        "# TYPE requests_total counter",
        r#"requests_total{path="/\\\"\n"} 3"#,
        "up 1 -1500",
        r#"latency_seconds_bucket{path="/",le="1"} 2"#,
        "# TYPE queue histogram",
        "# TYPE build_info gauge",
        "# TYPE my_thing untyped",
        r#"my_thing{a_b="1",c="2"} 1e+06"#,
    ] {
        assert!(body.lines().any(|l| l == line), "{line:?} is missing in\n{body}");
    }
    assert!(!body.contains("_created") && !body.contains("# UNIT") && !body.contains("EOF"), "{body}");
}

#[test]
fn start_timestamps_come_back() {
    let body = families(OPENMETRICS);
    let starts: Vec<_> = reader(&body, OPENMETRICS)
        .filter_map(|event| match event.expect("valid") {
            Event::Series(series) => series.start_timestamp_ms,
            _ => None,
        })
        .collect();
    assert_eq!(starts, [1_520_872_607_123]);
}

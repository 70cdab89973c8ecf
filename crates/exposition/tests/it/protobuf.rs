//! Protobuf expositions are read as they were meant, and damaged ones are refused without harm.
use std::collections::HashMap;
use std::fmt::Write as _;

use bellwether_exposition::testkit::{
    Bucket, Exemplar, Histogram, Metric, MetricFamily, MetricValue, Side, Timestamp,
};
use bellwether_exposition::{
    BucketSide, CreatedHandling, Event, EventReader as _, LabelBuf, MetricType, NORMAL_NAN_BITS,
    NativeCounts, NativeHistograms, NativePart, Place, ProtobufReader, RawLabels, TypeAndUnitLabels,
};
use proptest::prelude::*;

fn body(families: &[MetricFamily]) -> Vec<u8> {
    let mut body = Vec::new();
    for family in families {
        family.push_delimited(&mut body);
    }
    body
}

/// What a body says, an entry per line, and the keys of its series.
#[derive(Debug, Default, PartialEq)]
struct Told {
    entries: Vec<String>,
    keys: Vec<Vec<u8>>,
    /// The labels of the same series.
    labels: Vec<String>,
    expected: usize,
    error: Option<String>,
}

/// Reads a body whose series are expected to come in the order of `known`.
fn read(body: &[u8], native: NativeHistograms, created: CreatedHandling, known: &[Vec<u8>]) -> Told {
    let mut reader = ProtobufReader::new(body, native, created);
    let mut told = Told::default();
    let (mut labels, mut key) = (LabelBuf::new(), Vec::new());
    while let Some(event) = reader.next_expecting(known.get(told.keys.len()).map_or(&[], Vec::as_slice)) {
        let entry = match event {
            Err(error) => {
                assert!(matches!(error.place(), Place::Byte(offset) if offset <= body.len()), "{error}");
                told.error = Some(error.to_string());
                continue;
            }
            Ok(Event::Help { family, text }) => {
                format!("help {} {:?}", family.as_written(), text.as_written())
            }
            Ok(Event::Type { family, metric_type }) => format!("type {} {metric_type}", family.as_written()),
            Ok(Event::Unit { family, unit }) => format!("unit {} {unit}", family.as_written()),
            Ok(Event::Comment(_)) => panic!("the format has no comments"),
            Ok(Event::Series(series)) => {
                reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
                told.keys.push(series.key(&mut key).to_vec());
                told.labels.push(shown_labels(&labels));
                told.expected += usize::from(series.is_expected());
                let exemplar = series.exemplar.map(|e| shown_exemplar(e.labels(), e.value, e.timestamp_ms));
                let (at, since) = (series.timestamp_ms, series.start_timestamp_ms);
                shown(&labels, &format!("{:?}", series.value), at, since, exemplar)
            }
            Ok(Event::Histogram { series, histogram }) => {
                reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
                told.keys.push(series.key(&mut key).to_vec());
                told.labels.push(shown_labels(&labels));
                told.expected += usize::from(series.is_expected());
                assert_eq!(series.value.to_bits(), histogram.sum.to_bits());
                let (mut positive, mut negative) = (Side::default(), Side::default());
                histogram.each_part(|side, part| {
                    let side = if side == BucketSide::Positive { &mut positive } else { &mut negative };
                    match part {
                        NativePart::Span { offset, length } => side.spans.push((offset, length)),
                        NativePart::Delta(delta) => side.deltas.push(delta),
                        NativePart::Count(count) => side.counts.push(count),
                    }
                });
                let counts = match histogram.counts {
                    NativeCounts::Integers { count, zero_count } => format!("{count} {zero_count}"),
                    NativeCounts::Floats { count, zero_count } => format!("{count:?} {zero_count:?}"),
                };
                let value = native_value(&Native {
                    is_gauge: histogram.is_gauge,
                    schema: histogram.schema,
                    zero_threshold: histogram.zero_threshold,
                    counts,
                    sum: histogram.sum,
                    positive: &positive,
                    negative: &negative,
                });
                let exemplars: Vec<_> = histogram
                    .exemplars()
                    .map(|e| shown_exemplar(e.labels(), e.value, e.timestamp_ms))
                    .collect();
                let exemplars = (!exemplars.is_empty()).then(|| exemplars.join(" "));
                shown(&labels, &value, series.timestamp_ms, series.start_timestamp_ms, exemplars)
            }
        };
        told.entries.push(entry);
    }
    told
}

struct Native<'n> {
    is_gauge: bool,
    schema: i32,
    zero_threshold: f64,
    counts: String,
    sum: f64,
    positive: &'n Side,
    negative: &'n Side,
}

fn native_value(n: &Native<'_>) -> String {
    format!(
        "{} schema {} zero {:?} counts {} sum {:?} {:?} {:?}",
        if n.is_gauge { "gauge" } else { "counter" },
        n.schema,
        n.zero_threshold,
        n.counts,
        n.sum,
        n.positive,
        n.negative,
    )
}

fn shown(
    labels: &LabelBuf,
    value: &str,
    timestamp_ms: Option<i64>,
    start_ms: Option<i64>,
    exemplar: Option<String>,
) -> String {
    line(&shown_labels(labels), value, timestamp_ms, start_ms, exemplar)
}

fn shown_labels(labels: &LabelBuf) -> String {
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    labels.join(",")
}

fn line(
    labels: &str,
    value: &str,
    timestamp_ms: Option<i64>,
    start_ms: Option<i64>,
    exemplar: Option<String>,
) -> String {
    let mut text = format!("{labels} {value}");
    let mut add = |what: &str, value: Option<String>| {
        if let Some(value) = value {
            write!(text, " {what} {value}").expect("a string takes everything");
        }
    };
    add("at", timestamp_ms.map(|ms| ms.to_string()));
    add("since", start_ms.map(|ms| ms.to_string()));
    add("exemplar", exemplar);
    text
}

fn shown_exemplar(labels: RawLabels<'_>, value: f64, timestamp_ms: Option<i64>) -> String {
    let labels: Vec<_> = labels.map(|l| (l.name.as_written(), l.value.as_written())).collect();
    format!("{labels:?} {value:?} {timestamp_ms:?}")
}

/// What a family says, worked out from what it is made of.
fn meaning(family: &MetricFamily, native: NativeHistograms, created: CreatedHandling, out: &mut Vec<String>) {
    if family.metrics.is_empty() {
        return;
    }
    out.push(format!("help {} {:?}", family.name, family.help));
    if !family.unit.is_empty() {
        out.push(format!("unit {} {}", family.name, family.unit));
    }
    out.push(format!("type {} {}", family.name, family.metric_type));
    for metric in &family.metrics {
        let labels = |suffix: &str, bound: Option<(&str, f64)>| {
            let mut text = format!("__name__={:?}", format!("{}{suffix}", family.name));
            for (name, value) in &metric.labels {
                write!(text, ",{name}={value:?}").expect("a string takes everything");
            }
            if let Some((name, bound)) = bound {
                let mut written = String::new();
                bellwether_exposition::write_openmetrics_float(&mut written, bound);
                write!(text, ",{name}={written:?}").expect("a string takes everything");
            }
            text
        };
        let at = Some(metric.timestamp_ms).filter(|ms| *ms != 0);
        let since = |created_at: &Option<Timestamp>| {
            created_at.filter(|_| created == CreatedHandling::StartTimestamp).map(to_ms)
        };
        let mut tell = |labels: String, value: &str, since: Option<i64>, exemplar: Option<String>| {
            out.push(line(&labels, value, at, since, exemplar));
        };
        match &metric.value {
            MetricValue::Number { value, exemplar, created } => {
                let is_counter = family.metric_type == MetricType::Counter;
                let exemplar = exemplar.as_ref().filter(|_| is_counter).map(exemplar_meaning);
                let since = since(created).filter(|_| is_counter);
                tell(labels("", None), &format!("{:?}", normal(*value)), since, exemplar);
            }
            MetricValue::Summary { count, sum, quantiles, created } => {
                tell(labels("_count", None), &format!("{:?}", *count as f64), since(created), None);
                tell(labels("_sum", None), &format!("{:?}", normal(*sum)), since(created), None);
                for (quantile, value) in quantiles {
                    let labels = labels("", Some(("quantile", *quantile)));
                    tell(labels, &format!("{:?}", normal(*value)), since(created), None);
                }
            }
            MetricValue::Histogram(h) => {
                let has_spans = !h.positive.spans.is_empty() || !h.negative.spans.is_empty();
                let is_native = native != NativeHistograms::Ignore
                    && (has_spans || h.zero_threshold > 0.0 || h.zero_count > 0);
                if is_native {
                    let floats = h.float_count > 0.0 || h.float_zero_count > 0.0;
                    let value = native_value(&Native {
                        is_gauge: family.metric_type == MetricType::GaugeHistogram,
                        schema: h.schema,
                        zero_threshold: h.zero_threshold,
                        counts: if floats {
                            format!("{:?} {:?}", h.float_count, h.float_zero_count)
                        } else {
                            format!("{} {}", h.count, h.zero_count)
                        },
                        sum: normal(h.sum),
                        positive: &h.positive,
                        negative: &h.negative,
                    });
                    let of_buckets = h.buckets.iter().filter_map(|b| b.exemplar.as_ref());
                    let exemplars: Vec<&Exemplar> = if h.exemplars.is_empty() {
                        of_buckets.collect()
                    } else {
                        h.exemplars.iter().collect()
                    };
                    let timed = exemplars.into_iter().filter(|e| e.timestamp.is_some());
                    let timed: Vec<String> = timed.map(exemplar_meaning).collect();
                    let timed = (!timed.is_empty()).then(|| timed.join(" "));
                    tell(labels("", None), &value, since(&h.created), timed);
                    if native == NativeHistograms::Instead || h.buckets.is_empty() {
                        continue;
                    }
                }
                let count = if h.float_count == 0.0 { h.count as f64 } else { normal(h.float_count) };
                tell(labels("_count", None), &format!("{count:?}"), since(&h.created), None);
                tell(labels("_sum", None), &format!("{:?}", normal(h.sum)), since(&h.created), None);
                let mut complete = false;
                for bucket in &h.buckets {
                    if complete {
                        break;
                    }
                    complete = bucket.upper_bound == f64::INFINITY;
                    let float = normal(bucket.float_count);
                    let value = if float == 0.0 { bucket.count as f64 } else { float };
                    let labels = labels("_bucket", Some(("le", bucket.upper_bound)));
                    let exemplar = bucket.exemplar.as_ref().map(exemplar_meaning);
                    tell(labels, &format!("{value:?}"), since(&h.created), exemplar);
                }
                if !complete {
                    let labels = labels("_bucket", Some(("le", f64::INFINITY)));
                    tell(labels, &format!("{count:?}"), since(&h.created), None);
                }
            }
        }
    }
}

fn normal(value: f64) -> f64 {
    if value.is_nan() { f64::from_bits(NORMAL_NAN_BITS) } else { value }
}

fn to_ms((seconds, nanos): Timestamp) -> i64 {
    seconds * 1000 + i64::from(nanos / 1_000_000)
}

fn exemplar_meaning(exemplar: &Exemplar) -> String {
    format!("{:?} {:?} {:?}", exemplar.labels, normal(exemplar.value), exemplar.timestamp.map(to_ms))
}

fn labels() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof!["[a-z]{1,8}", "\\PC{1,6}"];
    prop::collection::btree_map(name, any::<String>(), 0..4).prop_map(|map| map.into_iter().collect())
}

fn timestamp() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of((-1_i64 << 40..1 << 40, 0..1_000_000_000_i32))
}

fn exemplar() -> impl Strategy<Value = Exemplar> {
    (labels(), any::<f64>(), timestamp()).prop_map(|(labels, value, timestamp)| Exemplar {
        labels,
        value,
        timestamp,
    })
}

fn side() -> impl Strategy<Value = Side> {
    let lists = (
        prop::collection::vec((any::<i32>(), any::<u32>()), 0..3),
        prop::collection::vec(any::<i64>(), 0..5),
        prop::collection::vec(any::<f64>().prop_filter("comparable", |v| !v.is_nan()), 0..5),
    );
    lists.prop_map(|(spans, deltas, counts)| Side { spans, deltas, counts })
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let bucket = (any::<u64>(), float(), any::<f64>(), prop::option::of(exemplar())).prop_map(
        |(count, float_count, upper_bound, exemplar)| Bucket { count, float_count, upper_bound, exemplar },
    );
    let classic = (any::<u64>(), float(), any::<f64>(), prop::collection::vec(bucket, 0..4), timestamp());
    let native = (any::<i32>(), float(), prop_oneof![Just(0), any::<u64>()], float(), side(), side());
    (classic, native, prop::collection::vec(exemplar(), 0..3), any::<bool>()).prop_map(
        |(classic, native, exemplars, packed)| {
            let (count, float_count, sum, buckets, created) = classic;
            let (schema, zero_threshold, zero_count, float_zero_count, positive, negative) = native;
            Histogram {
                count,
                float_count,
                sum,
                buckets,
                created,
                schema,
                zero_threshold,
                zero_count,
                float_zero_count,
                positive,
                negative,
                exemplars,
                packed,
            }
        },
    )
}

/// Often zero, because zero says that the other kind of counts is meant.
fn float() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..1e6]
}

fn value(metric_type: MetricType) -> BoxedStrategy<MetricValue> {
    match metric_type {
        MetricType::Summary => {
            (any::<u64>(), any::<f64>(), prop::collection::vec((0.0..1.0, any::<f64>()), 0..4), timestamp())
                .prop_map(|(count, sum, quantiles, created)| MetricValue::Summary {
                    count,
                    sum,
                    quantiles,
                    created,
                })
                .boxed()
        }
        MetricType::Histogram | MetricType::GaugeHistogram => {
            histogram().prop_map(MetricValue::Histogram).boxed()
        }
        _ => (any::<f64>(), prop::option::of(exemplar()), timestamp())
            .prop_map(|(value, exemplar, created)| MetricValue::Number { value, exemplar, created })
            .boxed(),
    }
}

fn family() -> impl Strategy<Value = MetricFamily> {
    let metric_type = prop::sample::select(vec![
        MetricType::Counter,
        MetricType::Gauge,
        MetricType::Summary,
        MetricType::Unknown,
        MetricType::Histogram,
        MetricType::GaugeHistogram,
    ]);
    (metric_type, prop_oneof!["[a-z_]{1,8}", "\\PC{1,6}"], any::<String>(), any::<bool>()).prop_flat_map(
        |(metric_type, name, help, has_unit)| {
            let metric = (labels(), prop_oneof![Just(0), any::<i64>()], value(metric_type))
                .prop_map(|(labels, timestamp_ms, value)| Metric { labels, timestamp_ms, value });
            prop::collection::vec(metric, 0..4).prop_map(move |metrics| {
                let (name, unit) =
                    if has_unit { (format!("{name}_volts"), "volts") } else { (name.clone(), "") };
                MetricFamily { name, help: help.clone(), unit: unit.to_owned(), metric_type, metrics }
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn reads_what_was_meant(families in prop::collection::vec(family(), 0..4)) {
        let body = body(&families);
        for native in [NativeHistograms::Ignore, NativeHistograms::Instead, NativeHistograms::Beside] {
            for created in [CreatedHandling::Series, CreatedHandling::StartTimestamp] {
                let mut want = Vec::new();
                for family in &families {
                    meaning(family, native, created, &mut want);
                }
                let told = read(&body, native, created, &[]);
                prop_assert_eq!(&told.error, &None);
                prop_assert_eq!(&told.entries, &want);
                prop_assert_eq!(told.expected, 0);
                // The second time everything is expected, and says the same.
                let again = read(&body, native, created, &told.keys);
                prop_assert_eq!(again.expected, told.keys.len());
                prop_assert_eq!(&again.entries, &want);
                prop_assert_eq!(&again.keys, &told.keys);
                // What is expected but does not come changes nothing.
                let mut shifted = told.keys.clone();
                shifted.rotate_left(1.min(told.keys.len()));
                prop_assert_eq!(&read(&body, native, created, &shifted).entries, &want);
            }
        }
    }

    #[test]
    fn the_same_key_means_the_same_labels(families in prop::collection::vec(family(), 0..6)) {
        let body = body(&families);
        let told = read(&body, NativeHistograms::Beside, CreatedHandling::Series, &[]);
        let mut by_key: HashMap<&[u8], &str> = HashMap::new();
        for (key, labels) in told.keys.iter().zip(&told.labels) {
            prop_assert!(key[0] < b' ', "a line of a text format could begin like that");
            prop_assert_eq!(*by_key.entry(key).or_insert(labels), labels);
        }
    }

    #[test]
    fn damage_does_no_harm(
        families in prop::collection::vec(family(), 1..3),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        len in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut body = body(&families);
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if is_cut {
            body.truncate(len.index(body.len() + 1));
        }
        let told = read(&body, NativeHistograms::Beside, CreatedHandling::StartTimestamp, &[]);
        let again = read(&body, NativeHistograms::Beside, CreatedHandling::StartTimestamp, &told.keys);
        prop_assert_eq!(told.entries, again.entries);
    }
}

/// A gauge with one label.
fn gauge(name: &str, value: f64) -> MetricFamily {
    MetricFamily {
        name: name.to_owned(),
        metric_type: MetricType::Gauge,
        metrics: vec![Metric {
            labels: vec![("a".to_owned(), "1".to_owned())],
            value: MetricValue::Number { value, exemplar: None, created: None },
            ..Metric::default()
        }],
        ..MetricFamily::default()
    }
}

#[test]
fn errors_name_byte_field_and_family() {
    let check = |body: &[u8], want: &str| {
        let told = read(body, NativeHistograms::Beside, CreatedHandling::Series, &[]);
        assert_eq!(told.error.as_deref(), Some(want), "{body:?}");
    };
    let first = body(&[gauge("up", 1.0)]);
    let with = |message: &[u8]| {
        let mut body = first.clone();
        body.push(message.len() as u8);
        body.extend(message);
        body
    };
    assert_eq!(first.len(), 28);
    check(&with(b"")[..27], "protobuf: length exceeds the message in MetricFamily (byte 1)");
    check(&with(b"\x0a\x01\xff"), "protobuf: invalid UTF-8 in MetricFamily.name (byte 29)");
    check(&with(b"\x22\x00"), "invalid metric name:  (byte 29)");
    check(&with(b"\x0a\x01x\x18\x09\x22\x00"), "unknown metric type for metric \"x\": 9 (byte 29)");
    check(&with(b"\x0a\x01x\x18\x01\x2a\x01v\x22\x00"), "unit \"v\" not a suffix of metric \"x\" (byte 29)");
    check(
        &with(b"\x0a\x07x_total\x18\x00\x2a\x01v\x22\x00"),
        "unit \"v\" not a suffix of counter \"x_total\" (byte 29)",
    );
    check(
        &with(b"\x0a\x01x\x18\x01\x22\x04\x12\x02\x08\x01"),
        "protobuf: field has the wrong wire type in Metric value of metric family \"x\" (byte 38)",
    );
    check(
        &with(b"\x0a\x01x\x18\x01\x22\x05\x0a\x03\x0a\x01\xff"),
        "protobuf: invalid UTF-8 in LabelPair.name of metric family \"x\" (byte 38)",
    );
    check(
        &with(b"\x0a\x01x\x18\x01\x22\x04\x0a\x02\x12\x00"),
        "protobuf: empty label name in LabelPair.name of metric family \"x\" (byte 36)",
    );
    check(
        &with(b"\x0a\x01x\x18\x04\x22\x06\x3a\x04\x6a\x02\x01\x80"),
        "protobuf: unexpected end of message in Histogram.positive_delta of metric family \"x\" (byte 41)",
    );
}

#[test]
fn too_many_buckets_are_refused_before_they_are_kept() {
    let mut family = gauge("h", 0.0);
    family.metric_type = MetricType::Histogram;
    let positive = |n| Side { spans: vec![(0, n as u32)], deltas: vec![0; n], ..Side::default() };
    let mut check = |n_buckets: usize, want: bool| {
        let positive = positive(n_buckets);
        family.metrics[0].value =
            MetricValue::Histogram(Histogram { positive, packed: true, ..Histogram::default() });
        let told = read(&body(&[family.clone()]), NativeHistograms::Instead, CreatedHandling::Series, &[]);
        assert_eq!(told.error.is_some(), want, "{n_buckets}: {:?}", told.error);
    };
    check(9_999, false);
    check(10_000, true);
}

#[test]
fn labels_may_stand_anywhere_in_a_metric() {
    let metric =
        b"\x12\x09\x09\0\0\0\0\0\0\xf0\x3f\x0a\x06\x0a\x01a\x12\x011\x30\x07\x0a\x06\x0a\x01b\x12\x012";
    let mut message = b"\x0a\x01x\x18\x01\x22".to_vec();
    message.push(metric.len() as u8);
    message.extend(metric);
    let mut body = vec![message.len() as u8];
    body.extend(message);
    let told = read(&body, NativeHistograms::Ignore, CreatedHandling::Series, &[]);
    assert_eq!(told.entries[2..], [r#"__name__="x",a="1",b="2" 1.0 at 7"#]);
}

#[test]
fn types_and_units_become_labels() {
    let mut family = gauge("room_volts", 1.0);
    family.unit = "volts".to_owned();
    family.metrics[0].labels.push(("__unit__".to_owned(), "own".to_owned()));
    let body = body(&[family]);
    let mut reader = ProtobufReader::new(&body, NativeHistograms::Ignore, CreatedHandling::Series);
    let mut labels = LabelBuf::new();
    while let Some(event) = reader.next() {
        if let Event::Series(series) = event.expect("valid") {
            reader.read_labels(&series, TypeAndUnitLabels::Add, &mut labels);
        }
    }
    assert_eq!(
        labels.iter().collect::<Vec<_>>(),
        [("__name__", "room_volts"), ("__type__", "gauge"), ("__unit__", "volts"), ("a", "1")]
    );
}

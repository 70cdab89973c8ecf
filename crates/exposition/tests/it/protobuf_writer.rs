//! What the protobuf writer writes, the reader reads back, and it is what Go clients would have written.
use std::collections::BTreeMap;

use bellwether_exposition::testkit::{Bucket, Exemplar, Histogram, Metric, MetricFamily, MetricValue};
use bellwether_exposition::{
    BucketSample, BucketSide, CreatedHandling, EscapingScheme, Event, Family, HistogramSample, MetricType,
    NativeHistograms, NativePart, NativeSample, ProtobufReader, ProtobufWriter, SampleExemplar,
    render_protobuf_label,
};
use proptest::prelude::*;

fn labels(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in pairs {
        render_protobuf_label(&mut out, EscapingScheme::AllowUtf8, name, value);
    }
    out
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The events of a body as text, without the places of names in it.
fn events(body: &[u8]) -> Vec<String> {
    let reader = ProtobufReader::new(body, NativeHistograms::Ignore, CreatedHandling::Series);
    let shown = |event: Event<'_>| match event {
        Event::Series(series) => {
            let exemplar = series.exemplar.map(|e| {
                let labels: Vec<_> =
                    e.labels().map(|l| (l.name.as_written(), l.value.as_written())).collect();
                format!("{labels:?} {} {:?}", e.value, e.timestamp_ms)
            });
            let mut key = Vec::new();
            format!("{:?} {:?} {exemplar:?}", String::from_utf8_lossy(series.key(&mut key)), series.value)
        }
        other => format!("{other:?}"),
    };
    reader.map(|event| shown(event.expect("it is valid"))).collect()
}

#[test]
fn families_are_those_of_go_clients() {
    const IDS: &[(&str, &str)] = &[("trace_id", "ab"), ("span_id", "cd")];
    let exemplar = SampleExemplar { labels: IDS, value: 0.7, timestamp_ms: Some(-1_500) };
    let go_exemplar = Exemplar { labels: owned(IDS), value: 0.7, timestamp: Some((-2, 500_000_000)) };
    let pairs: &[(&str, &str)] = &[("a", "x\"\n"), ("b.c", "")];
    let labels = labels(pairs);
    let family = |name, metric_type, unit| Family { name, metric_type, help: "Help \"it\".", unit };
    let mut body = Vec::new();
    let mut writer = ProtobufWriter::new(&mut body, EscapingScheme::AllowUtf8);
    writer.family(&family("c_seconds", MetricType::Counter, "seconds"));
    writer.number(&labels, 2.5, Some(&exemplar));
    writer.number(&[], f64::NAN, None);
    writer.family(&family("g", MetricType::Gauge, ""));
    writer.number(&labels, -0.0, Some(&exemplar));
    writer.family(&family("i", MetricType::Info, ""));
    writer.number(&labels, 1.0, None);
    writer.family(&family("s", MetricType::Summary, ""));
    writer.summary(&labels, 3, 1.5, [(0.5, 0.25), (0.99, f64::NAN)]);
    writer.family(&family("h", MetricType::Histogram, ""));
    let buckets = [
        BucketSample { upper_bound: 0.5, cumulative_count: 1, exemplar: None },
        BucketSample { upper_bound: f64::INFINITY, cumulative_count: 3, exemplar: Some(exemplar) },
    ];
    writer.histogram(&labels, &HistogramSample { count: 3, sum: 4.5, buckets: &buckets, native: None });
    writer.finish();

    let go_family = |name: &str,
                     metric_type,
                     unit: &str,
                     values: Vec<(Vec<(String, String)>, MetricValue)>| {
        let metrics = values.into_iter().map(|(labels, value)| Metric { labels, timestamp_ms: 0, value });
        let (name, unit) = (name.to_owned(), unit.to_owned());
        MetricFamily { name, help: "Help \"it\".".to_owned(), unit, metric_type, metrics: metrics.collect() }
    };
    let number = |value, exemplar| MetricValue::Number { value, exemplar, created: None };
    let bucket = |upper_bound, count, exemplar| Bucket { upper_bound, count, exemplar, float_count: 0.0 };
    let histogram = Histogram {
        count: 3,
        sum: 4.5,
        buckets: vec![bucket(0.5, 1, None), bucket(f64::INFINITY, 3, Some(go_exemplar.clone()))],
        ..Histogram::default()
    };
    let quantiles = vec![(0.5, 0.25), (0.99, f64::NAN)];
    let summary = MetricValue::Summary { count: 3, sum: 1.5, quantiles, created: None };
    let one = |value| vec![(owned(pairs), value)];
    let counters = vec![(owned(pairs), number(2.5, Some(go_exemplar))), (vec![], number(f64::NAN, None))];
    let mut want = Vec::new();
    for family in [
        go_family("c_seconds_total", MetricType::Counter, "seconds", counters),
        go_family("g", MetricType::Gauge, "", one(number(-0.0, None))),
        go_family("i_info", MetricType::Gauge, "", one(number(1.0, None))),
        go_family("s", MetricType::Summary, "", one(summary)),
        go_family("h", MetricType::Histogram, "", one(MetricValue::Histogram(histogram))),
    ] {
        family.push_delimited(&mut want);
    }
    assert_eq!(events(&body), events(&want));
}

#[test]
fn names_are_escaped() {
    let mut body = Vec::new();
    let mut writer = ProtobufWriter::new(&mut body, EscapingScheme::Underscores);
    let family = Family { name: "a.b", metric_type: MetricType::Counter, help: "", unit: "" };
    writer.family(&family);
    writer.number(&[], 1.0, None);
    writer.finish();
    assert!(events(&body).iter().any(|event| event.contains("a_b_total")), "{:?}", events(&body));
}

proptest! {
    #[test]
    fn native_buckets_come_back(
        positive in prop::collection::btree_map(-300_i32..300, 1_u64..1 << 40, 0..40),
        negative in prop::collection::btree_map(any::<i32>(), 1_u64..9, 0..6),
        schema in -4_i32..=8,
        zero_count in 0_u64..3,
    ) {
        let pairs = |side: &BTreeMap<i32, u64>| side.iter().map(|(k, n)| (*k, *n)).collect::<Vec<_>>();
        let (above, below) = (pairs(&positive), pairs(&negative));
        let native = NativeSample { schema, zero_threshold: 1e-9, zero_count, positive: &above, negative: &below, exemplars: &[] };
        let sample = HistogramSample { count: 7, sum: 1.5, buckets: &[], native: Some(native) };
        let mut body = Vec::new();
        let mut writer = ProtobufWriter::new(&mut body, EscapingScheme::Underscores);
        writer.family(&Family { name: "h", metric_type: MetricType::Histogram, help: "", unit: "" });
        writer.histogram(&[], &sample);
        writer.finish();
        let mut reader = ProtobufReader::new(&body, NativeHistograms::Instead, CreatedHandling::Series);
        let histogram = reader.find_map(|event| match event.expect("it is valid") {
            Event::Histogram { histogram, .. } => Some(histogram),
            _ => None,
        });
        let histogram = histogram.expect("it is native");
        prop_assert_eq!((histogram.schema, histogram.sum), (schema, 1.5));
        let mut numbers: [Vec<i32>; 2] = [vec![], vec![]];
        let mut counts: [Vec<i64>; 2] = [vec![], vec![]];
        let (mut next, mut n_spans) = ([0_i32; 2], 0);
        histogram.each_part(|side, part| {
            let side = usize::from(side == BucketSide::Negative);
            match part {
                NativePart::Span { offset, length } => {
                    n_spans += 1;
                    for i in 0..length as i32 {
                        numbers[side].push(next[side].wrapping_add(offset).wrapping_add(i));
                    }
                    next[side] = next[side].wrapping_add(offset).wrapping_add(length as i32);
                }
                NativePart::Delta(delta) => {
                    let last = counts[side].last().copied().unwrap_or(0);
                    counts[side].push(last + delta);
                }
                NativePart::Count(_) => panic!("counts are integers"),
            }
        });
        prop_assert!(n_spans > 0 || zero_count > 0, "a reader sees that it is native");
        for (side, want) in [positive, negative].into_iter().enumerate() {
            let got = numbers[side].iter().zip(&counts[side]).filter(|(_, n)| **n > 0);
            let got: BTreeMap<i32, u64> = got.map(|(k, n)| (*k, *n as u64)).collect();
            prop_assert_eq!(got, want);
        }
    }
}

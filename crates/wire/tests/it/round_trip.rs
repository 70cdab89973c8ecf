//! What the encoder writes, the decoder reads back.
use bellwether_model::{
    CounterResetHint, Exemplar, FloatHistogram, Histogram, Labels, MetricMetadata, MetricType, Span, Value,
    histogram::CUSTOM_BUCKETS_SCHEMA,
};
use bellwether_wire::{
    HistogramSample, Sample, WireHistogram, WriteLimits, WriteRequestWriter, WriteSeries,
    compress_write_request, receive_write,
};
use proptest::prelude::*;

fn labels() -> impl Strategy<Value = Labels> {
    let others = prop::collection::btree_map("[a-z]\\PC{0,8}", "\\PC{1,20}", 0..6);
    ("\\PC{1,20}", others).prop_map(|(name, others)| {
        let pairs = others.into_iter().chain([("__name__".to_owned(), name)]);
        Labels::from_pairs(pairs)
    })
}

fn hint() -> impl Strategy<Value = CounterResetHint> {
    prop::sample::select(vec![
        CounterResetHint::Unknown,
        CounterResetHint::Reset,
        CounterResetHint::NotReset,
        CounterResetHint::Gauge,
    ])
}

/// Spans with one count for each of their buckets.
fn side() -> impl Strategy<Value = (Vec<Span>, Vec<u32>)> {
    prop::collection::vec((0..1000_i32, prop::collection::vec(0..1000_u32, 1..4)), 0..4).prop_map(|runs| {
        let spans = runs.iter().map(|(offset, counts)| Span { offset: *offset, length: counts.len() as u32 });
        (spans.collect(), runs.iter().flat_map(|(_, counts)| counts.iter().copied()).collect())
    })
}

fn deltas(counts: &[u32]) -> Vec<i64> {
    let mut previous = 0;
    counts.iter().map(|n| i64::from(*n) - i64::from(std::mem::replace(&mut previous, *n))).collect()
}

prop_compose! {
    fn int_histogram()(
        counter_reset_hint in hint(),
        schema in -4..=8_i32,
        zero_threshold in 0.0..1.0,
        zero_count in 0..1000_u64,
        sum in prop::num::f64::NORMAL,
        positive in side(),
        negative in side(),
    ) -> Histogram {
        let in_buckets: u64 = positive.1.iter().chain(&negative.1).map(|n| u64::from(*n)).sum();
        Histogram {
            counter_reset_hint, schema, zero_threshold, zero_count, sum,
            count: zero_count + in_buckets,
            positive_deltas: deltas(&positive.1),
            negative_deltas: deltas(&negative.1),
            positive_spans: positive.0,
            negative_spans: negative.0,
            custom_values: None,
        }
    }
}

prop_compose! {
    fn float_histogram()(
        counter_reset_hint in hint(),
        bounds in prop::collection::vec(0.1..10.0_f64, 0..5),
        counts in prop::collection::vec(0.0..1e9_f64, 0..5),
        count in prop::num::f64::NORMAL,
        sum in prop::num::f64::NORMAL,
    ) -> FloatHistogram {
        let bounds: Vec<f64> = bounds.iter().scan(0.0, |end, width| { *end += width; Some(*end) }).collect();
        let n = counts.len().min(bounds.len() + 1);
        FloatHistogram {
            counter_reset_hint, count, sum,
            schema: CUSTOM_BUCKETS_SCHEMA,
            positive_spans: if n == 0 { Vec::new() } else { vec![Span { offset: 0, length: n as u32 }] },
            positive_buckets: counts[..n].to_vec(),
            custom_values: (!bounds.is_empty()).then(|| bounds.into()),
            ..FloatHistogram::default()
        }
    }
}

#[derive(Debug, Clone)]
struct Written {
    labels: Labels,
    samples: Vec<(i64, u64)>,
    exemplars: Vec<Exemplar>,
    ints: Vec<(i64, Histogram)>,
    floats: Vec<(i64, FloatHistogram)>,
}

fn written() -> impl Strategy<Value = Written> {
    let exemplar = (prop::collection::btree_map("[a-z]{1,8}", "\\PC{1,8}", 0..3), -1e9..1e9, any::<i64>())
        .prop_map(|(labels, value, ts_ms)| Exemplar { labels: Labels::from_pairs(labels), value, ts_ms });
    (
        labels(),
        prop::collection::vec((any::<i64>(), any::<u64>()), 0..4),
        prop::collection::vec(exemplar, 0..3),
        prop::collection::vec((any::<i64>(), int_histogram()), 0..2),
        prop::collection::vec((any::<i64>(), float_histogram()), 0..2),
    )
        .prop_map(|(labels, samples, exemplars, ints, floats)| Written {
            labels,
            samples,
            exemplars,
            ints,
            floats,
        })
}

/// The samples as the decoder is to return them: floats bit by bit, histograms with float counts.
fn expected(written: &[Written]) -> Vec<(Labels, i64, Result<u64, FloatHistogram>)> {
    written
        .iter()
        .flat_map(|w| {
            let samples = w.samples.iter().map(|(ts_ms, bits)| (*ts_ms, Ok(*bits)));
            let ints = w.ints.iter().map(|(ts_ms, h)| (*ts_ms, Err(h.to_float())));
            let floats = w.floats.iter().map(|(ts_ms, h)| (*ts_ms, Err(h.clone())));
            samples.chain(ints).chain(floats).map(|(ts_ms, value)| (w.labels.clone(), ts_ms, value))
        })
        .collect()
}

proptest! {
    #[test]
    fn a_request_comes_back(
        written in prop::collection::vec(written(), 0..5),
        families in prop::collection::vec(("\\PC{1,20}", "\\PC{0,40}", "[a-z]{0,6}"), 0..3),
    ) {
        let (mut message, mut body) = (Vec::new(), Vec::new());
        let mut writer = WriteRequestWriter::new(&mut message);
        for w in &written {
            let samples: Vec<_> =
                w.samples.iter().map(|(ts_ms, bits)| Sample { ts_ms: *ts_ms, value: f64::from_bits(*bits) }).collect();
            let ints = w.ints.iter().map(|(ts_ms, h)| HistogramSample { ts_ms: *ts_ms, histogram: WireHistogram::Int(h) });
            let floats =
                w.floats.iter().map(|(ts_ms, h)| HistogramSample { ts_ms: *ts_ms, histogram: WireHistogram::Float(h) });
            let histograms: Vec<_> = ints.chain(floats).collect();
            writer.series(&WriteSeries {
                labels: &w.labels,
                samples: &samples,
                exemplars: &w.exemplars,
                histograms: &histograms,
            });
        }
        for (family, help, unit) in &families {
            let metadata = MetricMetadata {
                metric_type: MetricType::Summary,
                unit: unit.clone(),
                help: help.clone(),
            };
            writer.metadata(family, &metadata);
        }
        compress_write_request(&message, &mut body).expect("compressible");

        let decoded = receive_write(&body, &WriteLimits::default(), &mut Vec::new()).expect("own output");
        prop_assert!(decoded.rejected.is_empty(), "{:?}", decoded.rejected);
        let got: Vec<_> = decoded
            .batch
            .samples
            .iter()
            .map(|sample| {
                let value = match &sample.value {
                    Value::Float(value) => Ok(value.to_bits()),
                    Value::Histogram(histogram) => Err((**histogram).clone()),
                };
                (sample.labels.clone(), sample.ts_ms, value)
            })
            .collect();
        prop_assert_eq!(got, expected(&written));
        let exemplars: Vec<_> = decoded.batch.exemplars.iter().map(|e| (&e.labels, &e.exemplar)).collect();
        let want: Vec<_> = written.iter().flat_map(|w| w.exemplars.iter().map(|e| (&w.labels, e))).collect();
        prop_assert_eq!(exemplars, want);
        let metadata: Vec<_> = decoded
            .batch
            .metadata
            .iter()
            .map(|m| (m.family.clone(), m.metadata.help.clone(), m.metadata.unit.clone()))
            .collect();
        prop_assert_eq!(metadata, families);
    }
}

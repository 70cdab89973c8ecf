//! How fast results are written as JSON. Items are points.

use std::sync::Arc;

use bellwether_api::bench::write_result;
use bellwether_model::{FloatHistogram, Labels, Span, Value};
use bellwether_promql::engine::{InstantSample, QueryValue, RangeSeries};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use mimalloc::MiMalloc;

/// As in the server.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const SERIES: usize = 500;
const STEPS: i64 = 60;
const START_MS: i64 = 1_748_736_000_000;

fn main() {
    divan::main();
}

/// What the values look like.
const VALUES: [&str; 4] = ["counts", "decimals", "ratios", "tiny"];

fn value(kind: &str, series: usize, step: i64) -> f64 {
    let n = (series * 7919) as f64 + step as f64 * 104_729.0;
    match kind {
        "counts" => n,
        "decimals" => n / 1000.0,
        "ratios" => 1.0 / (n + 3.0).sqrt(),
        _ => 1e-9 / (n + 3.0),
    }
}

fn labels(series: usize) -> Labels {
    Labels::from_pairs([
        ("__name__", "http_requests_total".to_owned()),
        ("instance", format!("10.0.0.{series}:9090")),
        ("job", "api".to_owned()),
        ("path", "/v1/\"things\"".to_owned()),
    ])
}

/// One point of each series.
#[divan::bench(args = VALUES)]
fn vector(bencher: Bencher<'_, '_>, kind: &str) {
    let sample = |i| InstantSample { labels: labels(i), ts_ms: START_MS, value: value(kind, i, 0).into() };
    write(bencher, &QueryValue::Vector((0..SERIES).map(sample).collect()), SERIES);
}

/// Sixty points of each series.
#[divan::bench(args = VALUES)]
fn matrix(bencher: Bencher<'_, '_>, kind: &str) {
    let series = |i| {
        // Every other query does not start at a whole second.
        let start_ms = START_MS + (i as i64 % 2) * 250;
        let floats = (0..STEPS).map(|step| (start_ms + step * 60_000, value(kind, i, step))).collect();
        RangeSeries { labels: labels(i), floats, histograms: Vec::new() }
    };
    write(bencher, &QueryValue::Matrix((0..SERIES).map(series).collect()), SERIES * STEPS as usize);
}

/// Histograms of ten buckets.
#[divan::bench]
fn histograms(bencher: Bencher<'_, '_>) {
    let histogram = FloatHistogram {
        schema: 3,
        count: 55.0,
        sum: 12.5,
        positive_spans: vec![Span { offset: -3, length: 10 }],
        positive_buckets: (1..=10).map(f64::from).collect(),
        ..FloatHistogram::default()
    };
    let value = Value::Histogram(Arc::new(histogram));
    let sample = |i| InstantSample { labels: labels(i), ts_ms: START_MS, value: value.clone() };
    write(bencher, &QueryValue::Vector((0..SERIES).map(sample).collect()), SERIES);
}

fn write(bencher: Bencher<'_, '_>, value: &QueryValue, points: usize) {
    let bytes = write_result(value.clone());
    bencher
        .counter(ItemsCount::new(points))
        .counter(BytesCount::new(bytes))
        .with_inputs(|| value.clone())
        .bench_values(write_result);
}

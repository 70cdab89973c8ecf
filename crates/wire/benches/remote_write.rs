//! How long a write request takes per sample, as Prometheus sends it: one sample for each series, ten labels, 2,000 series in a request.
//!
//! `known` and `unknown` are what a receiver does until the store has the batch, for series that it has seen and for others; `receive` decompresses and decodes, `decode` only
//! decodes, `encode` is what a sender pays without compression. Throughput is in samples per second.
use std::hint::black_box;

use bellwether_model::{AppendBatch, AppendError, AppendReport, Appender, Labels, SeriesRef, Tenant};
use bellwether_wire::{
    Sample, WriteLimits, WriteReceiver, WriteRequestWriter, WriteSeries, compress_write_request,
    decode_write_request, receive_write,
};
use divan::Bencher;
use divan::counter::ItemsCount;

const SERIES: usize = 2000;

fn main() {
    divan::main();
}

fn series() -> Vec<(Labels, Sample)> {
    let series = |idx: usize| {
        let (pod, path) =
            (format!("checkout-7d9f8b6c5-{:05}", idx % 500), format!("/api/v1/orders/{}", idx % 40));
        let (code, instance) =
            ((200 + idx % 5).to_string(), format!("10.12.{}.{}:8080", idx % 200, idx % 250));
        let labels = Labels::from_pairs([
            ("__name__", "http_server_request_duration_seconds_count"),
            ("cluster", "eu-central-1-production"),
            ("code", &code),
            ("container", "checkout"),
            ("instance", &instance),
            ("job", "kubernetes-pods"),
            ("method", "POST"),
            ("namespace", "shop"),
            ("path", &path),
            ("pod", &pod),
        ]);
        (labels, Sample { ts_ms: 1_700_000_000_000 + idx as i64, value: idx as f64 * 1.5 })
    };
    (0..SERIES).map(series).collect()
}

fn encode_all(series: &[(Labels, Sample)], message: &mut Vec<u8>) {
    message.clear();
    let mut writer = WriteRequestWriter::new(message);
    for (labels, sample) in series {
        writer.series(&WriteSeries {
            labels,
            samples: std::slice::from_ref(sample),
            exemplars: &[],
            histograms: &[],
        });
    }
}

fn message() -> Vec<u8> {
    let mut message = Vec::new();
    encode_all(&series(), &mut message);
    message
}

/// A store that keeps nothing.
struct Nowhere;

impl Appender for Nowhere {
    fn append(&self, _: &Tenant, batch: &AppendBatch) -> Result<AppendReport, AppendError> {
        let samples = (0..batch.samples.len() as u64).map(|i| Ok(SeriesRef(i))).collect();
        Ok(AppendReport { samples, ..AppendReport::default() })
    }
}

fn body() -> Vec<u8> {
    let mut body = Vec::new();
    compress_write_request(&message(), &mut body).expect("compressible");
    body
}

#[divan::bench]
fn known(bencher: Bencher<'_, '_>) {
    let (body, receiver) = (body(), WriteReceiver::new(WriteLimits::default()));
    bencher.counter(ItemsCount::new(SERIES)).bench_local(|| {
        receiver.receive(&Nowhere, &Tenant::default(), black_box(&body)).expect("well-formed")
    });
}

#[divan::bench]
fn unknown(bencher: Bencher<'_, '_>) {
    let body = body();
    let receiver = || WriteReceiver::new(WriteLimits::default());
    bencher.counter(ItemsCount::new(SERIES)).with_inputs(receiver).bench_local_refs(|receiver| {
        receiver.receive(&Nowhere, &Tenant::default(), black_box(&body)).expect("well-formed")
    });
}

#[divan::bench]
fn receive(bencher: Bencher<'_, '_>) {
    let (body, mut scratch) = (body(), Vec::new());
    bencher.counter(ItemsCount::new(SERIES)).bench_local(|| {
        receive_write(black_box(&body), &WriteLimits::default(), &mut scratch).expect("well-formed")
    });
}

#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let message = message();
    bencher.counter(ItemsCount::new(SERIES)).bench_local(|| {
        decode_write_request(black_box(&message), &WriteLimits::default()).expect("well-formed")
    });
}

#[divan::bench]
fn encode(bencher: Bencher<'_, '_>) {
    let (series, mut message) = (series(), Vec::new());
    bencher.counter(ItemsCount::new(SERIES)).bench_local(|| {
        encode_all(black_box(&series), &mut message);
        message.len()
    });
}

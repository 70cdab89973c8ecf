//! Remote write 1.0: `prometheus.WriteRequest`, compressed with snappy.

use bellwether_exposition::MetricType;
use bellwether_protobuf::MessageWriter;

use super::families::{Family, Sample};

/// How many series go into one request, as many as Prometheus sends.
const MAX_SERIES: usize = 2_000;

pub(super) const HEADERS: [(&str, &str); 3] = [
    ("content-type", "application/x-protobuf"),
    ("content-encoding", "snappy"),
    ("x-prometheus-remote-write-version", "0.1.0"),
];

/// The bodies of requests with all series and the metadata of their families. `target` are labels that each series gets; what it had under that name becomes `exported_name`, as in
/// a scrape.
pub(super) fn requests(families: &[Family], target: &[(&str, &str)], now_ms: i64) -> Vec<Vec<u8>> {
    let mut requests = Vec::new();
    let mut message = Vec::new();
    let mut n_series = 0;
    for family in families {
        for sample in &family.samples {
            if n_series == MAX_SERIES {
                requests.push(compressed(&message));
                message.clear();
                n_series = 0;
            }
            series(&mut MessageWriter::new(&mut message), sample, target, now_ms);
            n_series += 1;
        }
        MessageWriter::new(&mut message).message(3, |metadata| {
            metadata.varint(1, type_number(family.metric_type));
            metadata.string(2, &family.series_name());
            metadata.string(4, &family.help);
            metadata.string(5, &family.unit);
        });
    }
    if !message.is_empty() {
        requests.push(compressed(&message));
    }
    requests
}

fn series(message: &mut MessageWriter<'_>, sample: &Sample, target: &[(&str, &str)], now_ms: i64) {
    let is_targets = |name: &str| target.iter().any(|(of_target, _)| *of_target == name);
    let own = sample.labels.iter().map(|(name, value)| {
        let name = if is_targets(name) { format!("exported_{name}") } else { name.clone() };
        (name, value.as_str())
    });
    let of_target = target.iter().map(|(name, value)| ((*name).to_owned(), *value));
    let name = ("__name__".to_owned(), sample.name.as_str());
    let mut labels: Vec<(String, &str)> = own.chain(of_target).chain([name]).collect();
    labels.sort_unstable();
    message.message(1, |series| {
        for (name, value) in labels {
            series.message(1, |label| {
                label.string(1, &name);
                label.string(2, value);
            });
        }
        series.message(2, |of_now| {
            of_now.double(1, sample.value);
            of_now.int64(2, now_ms);
        });
    });
}

fn compressed(message: &[u8]) -> Vec<u8> {
    // It fails only for more than 4 GiB, which as many series do not have.
    snap::raw::Encoder::new().compress_vec(message).unwrap_or_default()
}

fn type_number(metric_type: MetricType) -> u64 {
    match metric_type {
        MetricType::Unknown => 0,
        MetricType::Counter => 1,
        MetricType::Gauge => 2,
        MetricType::Histogram => 3,
        MetricType::GaugeHistogram => 4,
        MetricType::Summary => 5,
        MetricType::Info => 6,
        MetricType::StateSet => 7,
    }
}

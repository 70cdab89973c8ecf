//! OTLP over HTTP: `ExportMetricsServiceRequest` in protobuf, with totals since the start of the process.
//!
//! Field numbers are those of opentelemetry-proto 1.x, `opentelemetry/proto/metrics/v1/metrics.proto`.

use bellwether_exposition::MetricType;
use bellwether_protobuf::MessageWriter;

use super::families::{Family, Sample};

pub(super) const HEADERS: [(&str, &str); 1] = [("content-type", "application/x-protobuf")];

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;

/// When what is counted began, and when it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) start_ns: u64,
    pub(super) now_ns: u64,
}

/// The body of a request with all families, which belong to a service (`job`) and an instance of it.
pub(super) fn request(families: &[Family], job: &str, instance: &str, times: Times) -> Vec<u8> {
    let mut out = Vec::new();
    MessageWriter::new(&mut out).message(1, |resource_metrics| {
        resource_metrics.message(1, |resource| {
            attribute(resource, 1, "service.name", job);
            attribute(resource, 1, "service.instance.id", instance);
        });
        resource_metrics.message(2, |scope_metrics| {
            scope_metrics.message(1, |scope| {
                scope.string(1, "bellwether-sdk");
                scope.string(2, env!("CARGO_PKG_VERSION"));
            });
            for family in families {
                scope_metrics.message(2, |metric| metric_of(metric, family, times));
            }
        });
    });
    out
}

fn metric_of(metric: &mut MessageWriter<'_>, family: &Family, times: Times) {
    let is_info = family.metric_type == MetricType::Info;
    metric.string(1, &if is_info { family.series_name() } else { family.name.clone() });
    metric.string(2, &family.help);
    metric.string(3, unit(&family.unit));
    match family.metric_type {
        MetricType::Counter => metric.message(7, |sum| {
            for sample in &family.samples {
                sum.message(1, |point| number(point, sample, Some(times.start_ns), times));
            }
            sum.varint(2, CUMULATIVE);
            sum.varint(3, 1);
        }),
        MetricType::Histogram => metric.message(9, |histogram| {
            for group in groups(family, "le") {
                histogram.message(1, |point| buckets(point, family, group, times));
            }
            histogram.varint(2, CUMULATIVE);
        }),
        MetricType::Summary => metric.message(11, |summary| {
            for group in groups(family, "quantile") {
                summary.message(1, |point| quantiles(point, family, group, times));
            }
        }),
        _ => metric.message(5, |gauge| {
            for sample in &family.samples {
                gauge.message(1, |point| number(point, sample, None, times));
            }
        }),
    }
}

/// The unit in UCUM if it has another name there.
fn unit(unit: &str) -> &str {
    match unit {
        "seconds" => "s",
        "bytes" => "By",
        "ratio" => "1",
        other => other,
    }
}

fn attribute(message: &mut MessageWriter<'_>, field: u32, key: &str, value: &str) {
    message.message(field, |attribute| {
        attribute.string(1, key);
        attribute.message(2, |any| any.bytes(1, value.as_bytes()));
    });
}

fn attributes(message: &mut MessageWriter<'_>, field: u32, sample: &Sample, except: &str) {
    for (name, value) in sample.labels.iter().filter(|(name, _)| name != except) {
        attribute(message, field, name, value);
    }
}

fn number(point: &mut MessageWriter<'_>, sample: &Sample, start_ns: Option<u64>, times: Times) {
    point.fixed64(2, start_ns.unwrap_or_default());
    point.fixed64(3, times.now_ns);
    point.present_double(4, sample.value);
    attributes(point, 7, sample, "");
}

/// The samples of each histogram or summary of a family: those that have the same labels but for this one stand together.
fn groups<'f>(family: &'f Family, except: &str) -> impl Iterator<Item = &'f [Sample]> {
    fn key<'s>(sample: &'s Sample, except: &str) -> impl Iterator<Item = &'s (String, String)> {
        sample.labels.iter().filter(move |(name, _)| name != except)
    }
    family.samples.chunk_by(move |a, b| key(a, except).eq(key(b, except)))
}

/// The value of the sample of a group that has this suffix.
fn part(family: &Family, group: &[Sample], suffix: &str) -> Option<f64> {
    let is_it = |sample: &&Sample| sample.name.strip_prefix(family.name.as_str()) == Some(suffix);
    group.iter().find(is_it).map(|sample| sample.value)
}

/// The samples of a group with this label as a number, in order.
fn by_label<'g>(group: &'g [Sample], label: &'g str) -> impl Iterator<Item = (f64, f64)> + 'g {
    group.iter().filter_map(move |sample| {
        let (_, value) = sample.labels.iter().find(|(name, _)| name == label)?;
        Some((value.parse().ok()?, sample.value))
    })
}

fn buckets(point: &mut MessageWriter<'_>, family: &Family, group: &[Sample], times: Times) {
    let (mut bounds, mut counts, mut below) = (Vec::new(), Vec::new(), 0.0);
    for (bound, cumulative) in by_label(group, "le") {
        if bound.is_finite() {
            bounds.push(bound);
        }
        counts.push((cumulative - below) as u64);
        below = cumulative;
    }
    point.fixed64(2, times.start_ns);
    point.fixed64(3, times.now_ns);
    point.fixed64(4, part(family, group, "_count").unwrap_or(below) as u64);
    if let Some(sum) = part(family, group, "_sum") {
        point.present_double(5, sum);
    }
    point.packed_fixed64(6, &counts);
    point.packed_double(7, &bounds);
    attributes(point, 9, &group[0], "le");
}

fn quantiles(point: &mut MessageWriter<'_>, family: &Family, group: &[Sample], times: Times) {
    point.fixed64(2, times.start_ns);
    point.fixed64(3, times.now_ns);
    point.fixed64(4, part(family, group, "_count").unwrap_or_default() as u64);
    point.double(5, part(family, group, "_sum").unwrap_or_default());
    for (quantile, value) in by_label(group, "quantile") {
        point.message(6, |at| {
            at.double(1, quantile);
            at.double(2, value);
        });
    }
    attributes(point, 7, &group[0], "quantile");
}

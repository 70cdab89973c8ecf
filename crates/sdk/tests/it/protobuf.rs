//! What an exposition in protobuf says, read back.

use bellwether_exposition::{
    BucketSide, CreatedHandling, EscapingScheme, Event, EventReader as _, LabelBuf, NativeCounts,
    NativeHistograms, NativePart, ProtobufReader, TypeAndUnitLabels,
};
use bellwether_model::histogram::{FloatHistogram, Span};
use bellwether_sdk::Registry;

/// The native histograms of a registry, by their names and labels, and all other series as lines.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) histograms: Vec<(String, FloatHistogram)>,
    pub(crate) lines: Vec<String>,
    pub(crate) exemplars: Vec<String>,
}

pub(crate) fn read(registry: &Registry, native: NativeHistograms) -> Read {
    let mut body = Vec::new();
    registry.encode_protobuf(&mut body, EscapingScheme::Underscores);
    read_body(&body, native)
}

pub(crate) fn read_body(body: &[u8], native: NativeHistograms) -> Read {
    let mut reader = ProtobufReader::new(body, native, CreatedHandling::Series);
    let (mut read, mut labels) = (Read::default(), LabelBuf::new());
    while let Some(event) = reader.next() {
        match event.expect("it is valid") {
            Event::Type { family, metric_type } => {
                read.lines.push(format!("{} is a {metric_type}", family.as_written()));
            }
            Event::Series(series) => {
                reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
                let name = shown(&labels);
                if let Some(exemplar) = series.exemplar {
                    let ids: Vec<_> = exemplar
                        .labels()
                        .map(|l| format!("{}={}", l.name.as_written(), l.value.as_written()))
                        .collect();
                    assert!(exemplar.timestamp_ms.is_some_and(|t| t > 1_700_000_000_000), "it has a time");
                    read.exemplars.push(format!("{name} {} {}", ids.join(","), exemplar.value));
                }
                read.lines.push(format!("{name} {:?}", series.value));
            }
            Event::Histogram { series, histogram } => {
                reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
                let name = shown(&labels);
                for exemplar in histogram.exemplars() {
                    let id = exemplar.labels().next().expect("it has labels").value;
                    read.exemplars.push(format!("{name} {} {}", id.as_written(), exemplar.value));
                }
                let NativeCounts::Integers { count, zero_count } = histogram.counts else {
                    panic!("counts are integers");
                };
                let mut float = FloatHistogram {
                    schema: histogram.schema,
                    zero_threshold: histogram.zero_threshold,
                    zero_count: zero_count as f64,
                    count: count as f64,
                    sum: histogram.sum,
                    ..FloatHistogram::default()
                };
                let mut last = [0_i64; 2];
                histogram.each_part(|side, part| {
                    let (spans, buckets, last) = match side {
                        BucketSide::Positive => {
                            (&mut float.positive_spans, &mut float.positive_buckets, &mut last[0])
                        }
                        BucketSide::Negative => {
                            (&mut float.negative_spans, &mut float.negative_buckets, &mut last[1])
                        }
                    };
                    match part {
                        NativePart::Span { offset, length } => spans.push(Span { offset, length }),
                        NativePart::Delta(delta) => {
                            *last += delta;
                            buckets.push(*last as f64);
                        }
                        NativePart::Count(_) => panic!("counts are integers"),
                    }
                });
                float.validate().expect("it is a valid histogram");
                read.histograms.push((name, float));
            }
            _ => {}
        }
    }
    read
}

fn shown(labels: &LabelBuf) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

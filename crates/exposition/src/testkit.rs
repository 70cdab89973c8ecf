//! Writes protobuf expositions for tests, as Go clients do, and also such as no client should.
use bellwether_protobuf::{MessageWriter, push_varint};

use crate::MetricType;

/// `io.prometheus.client.MetricFamily`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricFamily {
    /// The name.
    pub name: String,
    /// The help text.
    pub help: String,
    /// The unit.
    pub unit: String,
    /// The type; info and state sets do not exist in this format and become untyped.
    pub metric_type: MetricType,
    /// The metrics.
    pub metrics: Vec<Metric>,
}

/// `io.prometheus.client.Metric`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metric {
    /// The labels.
    pub labels: Vec<(String, String)>,
    /// The time of the sample; 0 for none.
    pub timestamp_ms: i64,
    /// What was measured.
    pub value: MetricValue,
}

/// The value of a metric, which must fit the type of its family.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricValue {
    /// A counter, a gauge, or something untyped. Only counters have exemplars and creation times.
    Number {
        /// The value.
        value: f64,
        /// An exemplar.
        exemplar: Option<Exemplar>,
        /// When it began to count.
        created: Option<Timestamp>,
    },
    /// A summary.
    Summary {
        /// All observations.
        count: u64,
        /// Their sum.
        sum: f64,
        /// Quantiles and their values.
        quantiles: Vec<(f64, f64)>,
        /// When it began to count.
        created: Option<Timestamp>,
    },
    /// A histogram, classic, native or both.
    Histogram(Histogram),
}

impl Default for MetricValue {
    fn default() -> Self {
        Self::Number { value: 0.0, exemplar: None, created: None }
    }
}

/// `google.protobuf.Timestamp`: seconds since the Unix epoch and nanoseconds.
pub type Timestamp = (i64, i32);

/// `io.prometheus.client.Exemplar`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exemplar {
    /// The labels.
    pub labels: Vec<(String, String)>,
    /// The observed value.
    pub value: f64,
    /// When it was observed.
    pub timestamp: Option<Timestamp>,
}

/// `io.prometheus.client.Histogram`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// All observations.
    pub count: u64,
    /// The same of a histogram with float counts.
    pub float_count: f64,
    /// Their sum.
    pub sum: f64,
    /// The classic form.
    pub buckets: Vec<Bucket>,
    /// When it began to count.
    pub created: Option<Timestamp>,
    /// The resolution of the native form.
    pub schema: i32,
    /// Half the width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: u64,
    /// The same of a histogram with float counts.
    pub float_zero_count: f64,
    /// Buckets above zero.
    pub positive: Side,
    /// Buckets below zero.
    pub negative: Side,
    /// Exemplars of the native form.
    pub exemplars: Vec<Exemplar>,
    /// Whether deltas and counts are written as one field each. Go clients write a field for each of them.
    pub packed: bool,
}

/// `io.prometheus.client.Bucket`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bucket {
    /// Observations up to the bound.
    pub count: u64,
    /// The same of a histogram with float counts.
    pub float_count: f64,
    /// The bound.
    pub upper_bound: f64,
    /// An exemplar.
    pub exemplar: Option<Exemplar>,
}

/// The native buckets on one side of zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Side {
    /// Offset and length of each run of buckets.
    pub spans: Vec<(i32, u32)>,
    /// Integer buckets.
    pub deltas: Vec<i64>,
    /// Float buckets.
    pub counts: Vec<f64>,
}

impl MetricFamily {
    /// Appends the family with its length in front.
    pub fn push_delimited(&self, out: &mut Vec<u8>) {
        let mut message = Vec::new();
        let mut writer = MessageWriter::new(&mut message);
        writer.string(1, &self.name);
        writer.string(2, &self.help);
        let (type_code, content) = match self.metric_type {
            MetricType::Counter => (0, 3),
            MetricType::Gauge => (1, 2),
            MetricType::Summary => (2, 4),
            MetricType::Histogram => (4, 7),
            MetricType::GaugeHistogram => (5, 7),
            MetricType::Info | MetricType::StateSet | MetricType::Unknown => (3, 5),
        };
        writer.present_varint(3, type_code);
        for metric in &self.metrics {
            writer.message(4, |writer| metric.write(content, writer));
        }
        writer.string(5, &self.unit);
        push_varint(out, message.len() as u64);
        out.extend(message);
    }
}

impl Metric {
    fn write(&self, content: u32, writer: &mut MessageWriter<'_>) {
        write_labels(&self.labels, writer);
        writer.message(content, |writer| self.value.write(writer));
        writer.int64(6, self.timestamp_ms);
    }
}

impl MetricValue {
    fn write(&self, writer: &mut MessageWriter<'_>) {
        match self {
            Self::Number { value, exemplar, created } => {
                writer.present_double(1, *value);
                write_exemplar(2, exemplar.as_ref(), writer);
                write_timestamp(3, *created, writer);
            }
            Self::Summary { count, sum, quantiles, created } => {
                writer.varint(1, *count);
                writer.double(2, *sum);
                for (quantile, value) in quantiles {
                    writer.message(3, |writer| {
                        writer.double(1, *quantile);
                        writer.double(2, *value);
                    });
                }
                write_timestamp(4, *created, writer);
            }
            Self::Histogram(histogram) => histogram.write(writer),
        }
    }
}

impl Histogram {
    fn write(&self, writer: &mut MessageWriter<'_>) {
        writer.varint(1, self.count);
        writer.double(2, self.sum);
        for bucket in &self.buckets {
            writer.message(3, |writer| {
                writer.varint(1, bucket.count);
                writer.double(2, bucket.upper_bound);
                write_exemplar(3, bucket.exemplar.as_ref(), writer);
                writer.double(4, bucket.float_count);
            });
        }
        writer.double(4, self.float_count);
        writer.sint32(5, self.schema);
        writer.double(6, self.zero_threshold);
        writer.varint(7, self.zero_count);
        writer.double(8, self.float_zero_count);
        self.write_side(9, &self.negative, writer);
        self.write_side(12, &self.positive, writer);
        write_timestamp(15, self.created, writer);
        for exemplar in &self.exemplars {
            write_exemplar(16, Some(exemplar), writer);
        }
    }

    /// Writes spans, deltas and counts as the fields from `first` on.
    fn write_side(&self, first: u32, side: &Side, writer: &mut MessageWriter<'_>) {
        for (offset, length) in &side.spans {
            writer.message(first, |writer| {
                writer.sint32(1, *offset);
                writer.varint(2, u64::from(*length));
            });
        }
        if self.packed {
            writer.packed_sint64(first + 1, &side.deltas);
            writer.packed_double(first + 2, &side.counts);
        } else {
            for delta in &side.deltas {
                writer.present_varint(first + 1, ((delta << 1) ^ (delta >> 63)) as u64);
            }
            for count in &side.counts {
                writer.present_double(first + 2, *count);
            }
        }
    }
}

fn write_labels(labels: &[(String, String)], writer: &mut MessageWriter<'_>) {
    for (name, value) in labels {
        writer.message(1, |writer| {
            writer.string(1, name);
            writer.string(2, value);
        });
    }
}

fn write_exemplar(number: u32, exemplar: Option<&Exemplar>, writer: &mut MessageWriter<'_>) {
    if let Some(exemplar) = exemplar {
        writer.message(number, |writer| {
            write_labels(&exemplar.labels, writer);
            writer.double(2, exemplar.value);
            write_timestamp(3, exemplar.timestamp, writer);
        });
    }
}

fn write_timestamp(number: u32, timestamp: Option<Timestamp>, writer: &mut MessageWriter<'_>) {
    if let Some((seconds, nanos)) = timestamp {
        writer.message(number, |writer| {
            writer.int64(1, seconds);
            writer.int64(2, i64::from(nanos));
        });
    }
}

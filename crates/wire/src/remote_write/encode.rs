use bellwether_model::{
    CounterResetHint, Exemplar, FloatHistogram, Histogram, Labels, MetricMetadata, MetricType, Span,
};

use crate::snappy::{self, SnappyError};
use bellwether_protobuf::MessageWriter;

/// A float sample to be sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The time in milliseconds since the Unix epoch.
    pub ts_ms: i64,
    /// The value, staleness markers included.
    pub value: f64,
}

/// A native histogram to be sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistogramSample<'a> {
    /// The time in milliseconds since the Unix epoch.
    pub ts_ms: i64,
    /// The histogram.
    pub histogram: WireHistogram<'a>,
}

/// A native histogram in the form in which it is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WireHistogram<'a> {
    /// With integer counts.
    Int(&'a Histogram),
    /// With float counts.
    Float(&'a FloatHistogram),
}

/// A series to be sent, with what it has to send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WriteSeries<'a> {
    /// The labels, the metric name included.
    pub labels: &'a Labels,
    /// Float samples in the order of time.
    pub samples: &'a [Sample],
    /// Exemplars in the order of time.
    pub exemplars: &'a [Exemplar],
    /// Native histograms in the order of time.
    pub histograms: &'a [HistogramSample<'a>],
}

/// Writes a `prometheus.WriteRequest` into a buffer, series by series.
#[derive(Debug)]
pub struct WriteRequestWriter<'b> {
    message: MessageWriter<'b>,
}

impl<'b> WriteRequestWriter<'b> {
    /// Writes behind what `out` holds already; in protobuf, messages that follow each other are one message.
    pub fn new(out: &'b mut Vec<u8>) -> Self {
        Self { message: MessageWriter::new(out) }
    }

    /// Appends a series.
    pub fn series(&mut self, series: &WriteSeries<'_>) {
        write_series(&mut self.message, series);
    }

    /// Appends the metadata of a family.
    pub fn metadata(&mut self, family: &str, metadata: &MetricMetadata) {
        self.message.message(3, |message| {
            message.varint(1, metric_type_number(metadata.metric_type));
            message.string(2, family);
            message.string(4, &metadata.help);
            message.string(5, &metadata.unit);
        });
    }
}

/// Compresses a message into the body of a write request. `body` is replaced. A message of 4 GiB or more cannot be sent.
pub fn compress_write_request(message: &[u8], body: &mut Vec<u8>) -> Result<(), SnappyError> {
    snappy::compress(message, body)
}

/// Writes a `prometheus.TimeSeries` as field 1, which it is in requests to write and in results of reading.
pub(crate) fn write_series(message: &mut MessageWriter<'_>, series: &WriteSeries<'_>) {
    message.message(1, |message| {
        write_labels(message, series.labels);
        for sample in series.samples {
            message.message(2, |message| {
                message.double(1, sample.value);
                message.int64(2, sample.ts_ms);
            });
        }
        for exemplar in series.exemplars {
            message.message(3, |message| {
                write_labels(message, &exemplar.labels);
                message.double(2, exemplar.value);
                message.int64(3, exemplar.ts_ms);
            });
        }
        for sample in series.histograms {
            message.message(4, |message| write_histogram(message, sample));
        }
    });
}

pub(crate) fn write_labels(message: &mut MessageWriter<'_>, labels: &Labels) {
    for label in labels {
        message.message(1, |message| {
            message.string(1, label.name);
            message.string(2, label.value);
        });
    }
}

fn write_histogram(message: &mut MessageWriter<'_>, sample: &HistogramSample<'_>) {
    match sample.histogram {
        WireHistogram::Int(histogram) => write_int_histogram(message, histogram, sample.ts_ms),
        WireHistogram::Float(histogram) => write_float_histogram(message, histogram, sample.ts_ms),
    }
}

fn write_int_histogram(message: &mut MessageWriter<'_>, histogram: &Histogram, ts_ms: i64) {
    message.present_varint(1, histogram.count);
    message.double(3, histogram.sum);
    message.sint32(4, histogram.schema);
    message.double(5, histogram.zero_threshold);
    message.present_varint(6, histogram.zero_count);
    write_spans(message, 8, &histogram.negative_spans);
    message.packed_sint64(9, &histogram.negative_deltas);
    write_spans(message, 11, &histogram.positive_spans);
    message.packed_sint64(12, &histogram.positive_deltas);
    write_histogram_end(message, histogram.counter_reset_hint, ts_ms, histogram.custom_values.as_deref());
}

fn write_float_histogram(message: &mut MessageWriter<'_>, histogram: &FloatHistogram, ts_ms: i64) {
    message.present_double(2, histogram.count);
    message.double(3, histogram.sum);
    message.sint32(4, histogram.schema);
    message.double(5, histogram.zero_threshold);
    message.present_double(7, histogram.zero_count);
    write_spans(message, 8, &histogram.negative_spans);
    message.packed_double(10, &histogram.negative_buckets);
    write_spans(message, 11, &histogram.positive_spans);
    message.packed_double(13, &histogram.positive_buckets);
    write_histogram_end(message, histogram.counter_reset_hint, ts_ms, histogram.custom_values.as_deref());
}

fn write_histogram_end(
    message: &mut MessageWriter<'_>,
    hint: CounterResetHint,
    ts_ms: i64,
    custom_values: Option<&[f64]>,
) {
    let hint = match hint {
        CounterResetHint::Unknown => 0,
        CounterResetHint::Reset => 1,
        CounterResetHint::NotReset => 2,
        CounterResetHint::Gauge => 3,
    };
    message.varint(14, hint);
    message.int64(15, ts_ms);
    message.packed_double(16, custom_values.unwrap_or_default());
}

fn write_spans(message: &mut MessageWriter<'_>, number: u32, spans: &[Span]) {
    for span in spans {
        message.message(number, |message| {
            message.sint32(1, span.offset);
            message.varint(2, u64::from(span.length));
        });
    }
}

fn metric_type_number(metric_type: MetricType) -> u64 {
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

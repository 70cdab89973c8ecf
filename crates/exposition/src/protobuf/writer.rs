use bellwether_protobuf::{MessageWriter, push_varint};

use crate::{EscapingScheme, Family, MetricType, SampleExemplar};

/// Writes delimited messages of `io.prometheus.client.MetricFamily`: families one after the other, each followed by its metrics, then
/// [`finish`](Self::finish).
///
/// The format has no infos and no state sets; both are gauges, as in text 0.0.4. That families do not repeat is up to the caller.
///
/// ```
/// use bellwether_exposition::{
///     CreatedHandling, EscapingScheme, Event, Family, MetricType, NativeHistograms, ProtobufReader,
///     ProtobufWriter, render_protobuf_label,
/// };
///
/// let (mut body, mut labels) = (Vec::new(), Vec::new());
/// render_protobuf_label(&mut labels, EscapingScheme::Underscores, "job", "node");
/// let mut writer = ProtobufWriter::new(&mut body, EscapingScheme::Underscores);
/// writer.family(&Family { name: "up", metric_type: MetricType::Gauge, help: "Whether it is.", unit: "" });
/// writer.number(&labels, 1.0, None);
/// writer.finish();
/// let mut reader = ProtobufReader::new(&body, NativeHistograms::Ignore, CreatedHandling::Series);
/// assert!(reader.any(|event| matches!(event, Ok(Event::Series(series)) if series.value == 1.0)));
/// ```
#[derive(Debug)]
pub struct ProtobufWriter<'b> {
    out: &'b mut Vec<u8>,
    escaping: EscapingScheme,
    metric_type: MetricType,
    /// Where the family that is being written begins.
    family_at: Option<usize>,
}

/// A histogram to be written as protobuf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistogramSample<'a> {
    /// How many values were observed.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The classic form; empty if there is none. The bucket above all finite bounds may be left out: it is the count.
    pub buckets: &'a [BucketSample<'a>],
    /// The native form.
    pub native: Option<NativeSample<'a>>,
}

/// A bucket of the classic form of a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BucketSample<'a> {
    /// The greatest value in it.
    pub upper_bound: f64,
    /// How many values are up to this bound.
    pub cumulative_count: u64,
    /// One of the values in it.
    pub exemplar: Option<SampleExemplar<'a>>,
}

/// The native form of a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NativeSample<'a> {
    /// The resolution: 2^schema buckets per power of two.
    pub schema: i32,
    /// Half the width of the zero bucket.
    pub zero_threshold: f64,
    /// How many values are in the zero bucket.
    pub zero_count: u64,
    /// Numbers and counts of buckets above zero, the numbers increasing.
    pub positive: &'a [(i32, u64)],
    /// The same below zero.
    pub negative: &'a [(i32, u64)],
    /// Some of the values. Readers take only those with a time.
    pub exemplars: &'a [SampleExemplar<'a>],
}

impl<'b> ProtobufWriter<'b> {
    /// Writes behind what `out` holds already.
    pub fn new(out: &'b mut Vec<u8>, escaping: EscapingScheme) -> Self {
        Self { out, escaping, metric_type: MetricType::Unknown, family_at: None }
    }

    /// Starts a family.
    pub fn family(&mut self, family: &Family<'_>) {
        self.end_family();
        self.family_at = Some(self.out.len());
        self.metric_type = family.metric_type;
        let mut name = String::new();
        let suffix = match family.metric_type {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        let base = family.name.strip_suffix(suffix).unwrap_or(family.name);
        self.escaping.write_name(&mut name, &format!("{base}{suffix}"));
        let type_code = self.type_and_content().0;
        let mut writer = MessageWriter::new(self.out);
        writer.string(1, &name);
        writer.string(2, family.help);
        writer.present_varint(3, type_code);
        writer.string(5, family.unit);
    }

    /// Writes the value of a counter, a gauge, a state, or something untyped, with labels that [`render_protobuf_label`] rendered. Only counters have exemplars.
    pub fn number(&mut self, labels: &[u8], value: f64, exemplar: Option<&SampleExemplar<'_>>) {
        let escaping = self.escaping;
        let exemplar = exemplar.filter(|_| self.metric_type == MetricType::Counter);
        self.metric(labels, |writer| {
            writer.present_double(1, value);
            write_exemplar(writer, 2, escaping, exemplar);
        });
    }

    /// Writes a summary, with labels that [`render_protobuf_label`] rendered. Quantiles are ranks and values.
    pub fn summary(
        &mut self,
        labels: &[u8],
        count: u64,
        sum: f64,
        quantiles: impl IntoIterator<Item = (f64, f64)>,
    ) {
        self.metric(labels, |writer| {
            writer.varint(1, count);
            writer.double(2, sum);
            for (rank, value) in quantiles {
                writer.message(3, |writer| {
                    writer.double(1, rank);
                    writer.double(2, value);
                });
            }
        });
    }

    /// Writes a histogram, with labels that [`render_protobuf_label`] rendered.
    pub fn histogram(&mut self, labels: &[u8], histogram: &HistogramSample<'_>) {
        let escaping = self.escaping;
        self.metric(labels, |writer| {
            writer.varint(1, histogram.count);
            writer.double(2, histogram.sum);
            for bucket in histogram.buckets {
                writer.message(3, |writer| {
                    writer.varint(1, bucket.cumulative_count);
                    writer.double(2, bucket.upper_bound);
                    write_exemplar(writer, 3, escaping, bucket.exemplar.as_ref());
                });
            }
            if let Some(native) = &histogram.native {
                write_native(writer, escaping, native);
            }
        });
    }

    /// Ends the exposition.
    pub fn finish(mut self) {
        self.end_family();
    }

    fn metric(&mut self, labels: &[u8], write: impl FnOnce(&mut MessageWriter<'_>)) {
        let content = self.type_and_content().1;
        MessageWriter::new(self.out).message(4, |writer| {
            writer.append(labels);
            writer.message(content, write);
        });
    }

    /// The code of the type, and the field of a metric that holds the value.
    fn type_and_content(&self) -> (u64, u32) {
        match self.metric_type {
            MetricType::Counter => (0, 3),
            MetricType::Gauge | MetricType::Info | MetricType::StateSet => (1, 2),
            MetricType::Summary => (2, 4),
            MetricType::Unknown => (3, 5),
            MetricType::Histogram => (4, 7),
            MetricType::GaugeHistogram => (5, 7),
        }
    }

    /// Puts the length of the family in front of it.
    fn end_family(&mut self) {
        if let Some(start) = self.family_at.take() {
            let len = self.out.len() - start;
            push_varint(self.out, len as u64);
            let prefix_len = self.out.len() - start - len;
            self.out[start..].rotate_right(prefix_len);
        }
    }
}

/// Renders a label of a metric. What a [`ProtobufWriter`] gets as labels is some of these, one behind the other.
pub fn render_protobuf_label(out: &mut Vec<u8>, escaping: EscapingScheme, name: &str, value: &str) {
    write_label(&mut MessageWriter::new(out), escaping, name, value);
}

fn write_label(writer: &mut MessageWriter<'_>, escaping: EscapingScheme, name: &str, value: &str) {
    let mut escaped = String::new();
    escaping.write_name(&mut escaped, name);
    writer.message(1, |writer| {
        writer.string(1, &escaped);
        writer.string(2, value);
    });
}

fn write_exemplar(
    writer: &mut MessageWriter<'_>,
    number: u32,
    escaping: EscapingScheme,
    exemplar: Option<&SampleExemplar<'_>>,
) {
    let Some(exemplar) = exemplar else { return };
    writer.message(number, |writer| {
        for (name, value) in exemplar.labels {
            write_label(writer, escaping, name, value);
        }
        writer.double(2, exemplar.value);
        if let Some(timestamp_ms) = exemplar.timestamp_ms {
            writer.message(3, |writer| {
                writer.int64(1, timestamp_ms.div_euclid(1000));
                writer.int64(2, timestamp_ms.rem_euclid(1000) * 1_000_000);
            });
        }
    });
}

fn write_native(writer: &mut MessageWriter<'_>, escaping: EscapingScheme, native: &NativeSample<'_>) {
    writer.sint32(5, native.schema);
    writer.double(6, native.zero_threshold);
    writer.varint(7, native.zero_count);
    write_side(writer, 9, native.negative);
    write_side(writer, 12, native.positive);
    if native.positive.is_empty() && native.negative.is_empty() && native.zero_count == 0 {
        // Without observations and a zero bucket, an empty span tells that there is a native form.
        writer.message(12, |_| {});
    }
    for exemplar in native.exemplars {
        write_exemplar(writer, 16, escaping, Some(exemplar));
    }
}

/// Writes the runs of buckets as the field `first`, and how much each count is above the one before as the field behind it.
fn write_side(writer: &mut MessageWriter<'_>, first: u32, buckets: &[(i32, u64)]) {
    /// Up to so many empty buckets are told as such: a new run would take more bytes.
    const MAX_GAP: i32 = 2;
    let mut spans: Vec<(i32, u32)> = Vec::new();
    let mut deltas = Vec::with_capacity(buckets.len());
    let (mut next, mut last_count) = (0, 0);
    for (bucket, count) in buckets {
        let gap = bucket.wrapping_sub(next);
        match spans.last_mut() {
            Some((_, len)) if (0..=MAX_GAP).contains(&gap) => {
                for _ in 0..gap {
                    deltas.push(-last_count);
                    last_count = 0;
                }
                *len += gap as u32 + 1;
            }
            _ => spans.push((gap, 1)),
        }
        let count = *count as i64;
        deltas.push(count - last_count);
        (next, last_count) = (bucket.wrapping_add(1), count);
    }
    for (offset, len) in spans {
        writer.message(first, |writer| {
            writer.sint32(1, offset);
            writer.varint(2, u64::from(len));
        });
    }
    writer.packed_sint64(first + 1, &deltas);
}

//! The protobuf format.

use bellwether_exposition::{
    BucketSample, EscapingScheme, Family, HistogramSample, NativeSample, Number, ProtobufWriter,
    SampleExemplar, render_protobuf_label,
};

use super::{Sink, with_exemplar};
use crate::alias::Named;
use crate::counter::CounterHandle;
use crate::exemplar::Exemplar;
use crate::exponential::{MAX_SCHEMA, bucket, coarser};
use crate::gauge::GaugeHandle;
use crate::histogram::HistogramHandle;
use crate::kind::Kind;
use crate::labels::Values;
use crate::native::NativeHistogramHandle;
use crate::record::{Record, ValueBytes};
use crate::sharded::ShardedCounterHandle;
use crate::sketch::Sketch;
use crate::state_set;
use crate::summary::SummaryHandle;

/// A writer as a [`Sink`].
pub(super) struct Numbers<'w, 'b> {
    pub(super) writer: &'w mut ProtobufWriter<'b>,
    pub(super) escaping: EscapingScheme,
}

impl Sink for Numbers<'_, '_> {
    fn family(&mut self, family: &Family<'_>) {
        self.writer.family(family);
    }

    fn number(&mut self, label: &str, value: &str, number: Number) {
        let mut labels = Vec::new();
        render_protobuf_label(&mut labels, self.escaping, label, value);
        let number = match number {
            Number::Count(count) => count as f64,
            Number::Float(value) => value,
        };
        self.writer.number(&labels, number, None);
    }
}

/// Writes a family and its series, if there are some.
pub(super) fn family(writer: &mut ProtobufWriter<'_>, named: Named, escaping: EscapingScheme) {
    let core = named.core;
    let mut records = core.records().peekable();
    if records.peek().is_none() {
        return;
    }
    writer.family(&named.metadata());
    let mut labels = LabelFields::new(escaping);
    for record in records {
        labels.render(named, record);
        series(writer, named, record, &mut labels);
    }
}

fn series(writer: &mut ProtobufWriter<'_>, named: Named, record: Record, labels: &mut LabelFields) {
    match &named.core.description.kind {
        kind @ (Kind::Counter { .. } | Kind::ObservedCounter) => {
            let counter = CounterHandle::of(matches!(kind, Kind::Counter { has_exemplars: true }), record);
            with_exemplar(counter.exemplar(), |exemplar| {
                writer.number(&labels.fields, counter.get(), exemplar.as_ref());
            });
        }
        Kind::ShardedCounter => {
            writer.number(&labels.fields, ShardedCounterHandle::of(record).get() as f64, None);
        }
        Kind::Gauge { .. } => writer.number(&labels.fields, GaugeHandle::of(false, record).get(), None),
        Kind::Histogram { bounds, has_exemplars } => {
            let histogram = HistogramHandle::of(bounds, *has_exemplars, record);
            let (sum, counts) = histogram.read();
            let mut exemplars = histogram.exemplars();
            let mut count = 0;
            let buckets = bounds.iter().chain([&f64::INFINITY]).zip(counts);
            let buckets: Vec<_> = buckets
                .map(|(upper_bound, n)| {
                    count += n;
                    (*upper_bound, count, exemplars.next().flatten())
                })
                .collect();
            with_exemplars(buckets.iter().map(|bucket| bucket.2), |exemplars| {
                let with_exemplar =
                    |((upper_bound, cumulative_count, _), exemplar): (&(f64, u64, _), &_)| BucketSample {
                        upper_bound: *upper_bound,
                        cumulative_count: *cumulative_count,
                        exemplar: *exemplar,
                    };
                let buckets: Vec<_> = buckets.iter().zip(exemplars).map(with_exemplar).collect();
                let sample = HistogramSample { count, sum, buckets: &buckets, native: None };
                writer.histogram(&labels.fields, &sample);
            });
        }
        Kind::NativeHistogram(shape) => {
            let histogram = NativeHistogramHandle::of(shape, record);
            let classic = histogram.classic();
            // Nobody waits for what is written: the buckets are copied first.
            let (native, n_nan) = histogram.read(|sketch, n_nan| (Native::of(sketch), n_nan));
            // Readers that do not know exemplars of the native form find them in the classic one, if there is one.
            let n_classic = shape.bounds.len();
            let exemplars =
                classic.exemplars.iter().copied().take(n_classic).chain(histogram.exemplars().map(Some));
            with_exemplars(exemplars, |exemplars| {
                let (of_buckets, of_native) = exemplars.split_at(n_classic);
                let buckets = shape.bounds.iter().zip(&classic.cumulative).zip(of_buckets);
                let buckets: Vec<_> = buckets
                    .map(|((upper_bound, cumulative_count), exemplar)| BucketSample {
                        upper_bound: *upper_bound,
                        cumulative_count: *cumulative_count,
                        exemplar: *exemplar,
                    })
                    .collect();
                let exemplars: Vec<SampleExemplar<'_>> = of_native.iter().copied().flatten().collect();
                let sample = HistogramSample {
                    count: native.count() + n_nan,
                    sum: histogram.sum(),
                    buckets: &buckets,
                    native: Some(native.sample(&exemplars)),
                };
                writer.histogram(&labels.fields, &sample);
            });
        }
        Kind::Summary(shape) => {
            let summary = SummaryHandle::of(shape, record);
            let distribution = summary.distribution();
            let (count, sum) = summary.totals();
            let quantiles = shape.quantiles.iter().map(|rank| (*rank, distribution.quantile(*rank)));
            writer.summary(&labels.fields, count, sum, quantiles);
        }
        Kind::StateSet(states) => {
            let state = state_set::state(record.array());
            let len = labels.fields.len();
            for (idx, name) in states.iter().enumerate() {
                labels.fields.truncate(len);
                render_protobuf_label(&mut labels.fields, labels.escaping, named.metadata().name, name);
                writer.number(&labels.fields, if state == Some(idx) { 1.0 } else { 0.0 }, None);
            }
        }
        Kind::Info => writer.number(&labels.fields, 1.0, None),
        Kind::Recent(_) => {}
    }
}

/// The native form of a histogram.
struct Native {
    schema: i32,
    zero_threshold: f64,
    zero_count: u64,
    /// The buckets of positive and of negative values.
    sides: [Vec<(i32, u64)>; 2],
}

impl Native {
    fn of(sketch: Sketch<'_>) -> Self {
        Self {
            schema: sketch.schema(),
            zero_threshold: sketch.zero_threshold(),
            zero_count: sketch.zero_count(),
            sides: [false, true].map(|is_negative| side(sketch, is_negative)),
        }
    }

    fn count(&self) -> u64 {
        self.zero_count + self.sides.iter().flatten().map(|(_, n)| n).sum::<u64>()
    }

    fn sample<'n>(&'n self, exemplars: &'n [SampleExemplar<'n>]) -> NativeSample<'n> {
        let [positive, negative] = &self.sides;
        let Self { schema, zero_threshold, zero_count, .. } = *self;
        NativeSample { schema, zero_threshold, zero_count, positive, negative, exemplars }
    }
}

/// The buckets of one sign. Infinite values are in the one behind that of the greatest number.
fn side(sketch: Sketch<'_>, is_negative: bool) -> Vec<(i32, u64)> {
    let counts = sketch.counts().filter(|count| count.is_negative == is_negative);
    let mut side: Vec<(i32, u64)> = counts.map(|count| (count.bucket, count.n)).collect();
    let n_infinite = sketch.infinite_counts()[usize::from(is_negative)];
    if n_infinite > 0 {
        side.push((coarser(bucket(f64::MAX), MAX_SCHEMA, sketch.schema()) + 1, n_infinite));
    }
    side
}

/// Calls `write` with exemplars as the format wants them.
fn with_exemplars(
    exemplars: impl Iterator<Item = Option<Exemplar>>,
    write: impl FnOnce(&[Option<SampleExemplar<'_>>]),
) {
    let ids: Vec<Option<(String, String, Exemplar)>> = exemplars
        .map(|exemplar| {
            exemplar.map(|e| (format!("{:032x}", e.trace.trace_id), format!("{:016x}", e.trace.span_id), e))
        })
        .collect();
    let labels: Vec<[(&str, &str); 2]> = ids
        .iter()
        .map(|ids| match ids {
            Some((trace_id, span_id, _)) => [("trace_id", trace_id.as_str()), ("span_id", span_id.as_str())],
            None => [("", ""); 2],
        })
        .collect();
    let samples = ids.iter().zip(&labels).map(|(ids, labels)| {
        let (_, _, Exemplar { value, timestamp_ms, .. }) = ids.as_ref()?;
        Some(SampleExemplar { labels, value: *value, timestamp_ms: Some(*timestamp_ms) })
    });
    write(&samples.collect::<Vec<_>>());
}

/// Renders the labels of one series of a family after the other.
struct LabelFields {
    escaping: EscapingScheme,
    fields: Vec<u8>,
    open: ValueBytes,
}

impl LabelFields {
    fn new(escaping: EscapingScheme) -> Self {
        Self { escaping, fields: Vec::new(), open: ValueBytes::default() }
    }

    fn render(&mut self, named: Named, record: Record) {
        let core = named.core;
        let fields = core.description.fields;
        let n_open = fields.iter().filter(|field| matches!(field.values, Values::Open(_))).count();
        record.read_values(core.description.n_cells, n_open, &mut self.open);
        self.fields.clear();
        let mut closed_index = record.closed_index() as usize;
        let mut open = self.open.iter();
        for field in fields {
            let value = match field.values {
                Values::Closed(values) => {
                    let value = values[closed_index % values.len()];
                    closed_index /= values.len();
                    value
                }
                Values::Open(_) => open.next().unwrap_or_default(),
            };
            render_protobuf_label(&mut self.fields, self.escaping, named.label(field.name), value);
        }
    }
}

//! Delimited messages of `io.prometheus.client.MetricFamily`: the format that has native histograms.
mod classic;
mod error;
mod exemplar;
mod family;
mod histogram;
mod label;
mod metric;
mod number;
mod series;
mod timestamp;
mod writer;

use bellwether_protobuf::Fields;

use classic::ClassicSeries;
use error::{FieldError, InField};
use family::{Family, METRIC};
use histogram::Histogram;
pub use histogram::{BucketSide, MAX_NATIVE_BUCKETS, NativeCounts, NativeHistogram, NativePart};
pub(crate) use label::LabelFields;
use label::check_labels;
use metric::{Metric, Simple};
use series::MetricPart;
pub(crate) use series::MetricSeries;
pub use writer::{BucketSample, HistogramSample, NativeSample, ProtobufWriter, render_protobuf_label};

use crate::reader::push_schema;
use crate::{
    CreatedHandling, Escaped, Event, EventReader, LabelBuf, MetricType, ParseError, Series,
    TypeAndUnitLabels, float,
};

/// What becomes of the native form of histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NativeHistograms {
    /// It is left out; every histogram is a classic one.
    Ignore,
    /// A histogram that has it is told in this form only.
    Instead,
    /// It comes first, and then the classic form if the histogram has buckets of that as well.
    Beside,
}

/// Reads a stream of protobuf messages entry by entry, borrowing from it.
///
/// The entries are those that a [`Reader`](crate::Reader) of a text format would find: the metadata of a family, then its samples, histograms and
/// summaries taken apart into counts, sums, buckets and quantiles. Nothing is allocated for them.
///
/// `next` returns the entries in the order of the body, then `None`; after an error it returns `None` too.
#[derive(Debug, Clone)]
pub struct ProtobufReader<'a> {
    body: &'a [u8],
    rest: Fields<'a>,
    native: NativeHistograms,
    created: CreatedHandling,
    family: Family<'a>,
    /// The fields of the family that have not been read for metrics.
    metrics: Fields<'a>,
    /// The labels of the metric that was read last.
    labels: &'a [u8],
    labels_offset: usize,
    labels_are_checked: bool,
    timestamp_ms: Option<i64>,
    /// The metric that was read last is a histogram that was told in its native form.
    is_native: bool,
    next: Next<'a>,
}

/// What comes next.
#[derive(Debug, Clone, Copy)]
enum Next<'a> {
    Family,
    Unit,
    Type,
    Metric,
    Classic(ClassicSeries<'a>),
    Nothing,
}

/// What is found: an event, the end of the metric or family that was at hand, or an error.
type Step<'a> = Result<Option<Event<'a>>, ParseError>;

impl<'a> ProtobufReader<'a> {
    /// Reads `body`. Creation timestamps become start timestamps if `created` says so, else they are left out.
    pub fn new(body: &'a [u8], native: NativeHistograms, created: CreatedHandling) -> Self {
        Self {
            body,
            rest: Fields::new(body),
            native,
            created,
            family: Family::NONE,
            metrics: Fields::new(&[]),
            labels: &[],
            labels_offset: 0,
            labels_are_checked: false,
            timestamp_ms: None,
            is_native: false,
            next: Next::Family,
        }
    }

    fn step(&mut self, expected: &[u8]) -> Step<'a> {
        match self.next {
            Next::Family => self.family(),
            Next::Unit => {
                self.next = Next::Type;
                let Family { name, unit, .. } = self.family;
                Ok((!unit.is_empty()).then_some(Event::Unit { family: Escaped::plain(name), unit }))
            }
            Next::Type => {
                self.next = Next::Metric;
                let Family { name, metric_type, .. } = self.family;
                Ok(Some(Event::Type { family: Escaped::plain(name), metric_type }))
            }
            Next::Metric => self.metric(expected).map_err(|error| error.in_family(self.family.name)),
            Next::Classic(classic) => {
                self.classic(classic, expected).map_err(|error| error.in_family(self.family.name))
            }
            Next::Nothing => Ok(None),
        }
    }

    fn family(&mut self) -> Step<'a> {
        if self.rest.is_empty() {
            self.next = Next::Nothing;
            return Ok(None);
        }
        let message = self.rest.delimited().in_field("MetricFamily").map_err(|error| error.in_family(""))?;
        self.family = Family::read(message)?;
        if !self.family.has_metrics {
            return Ok(None);
        }
        self.metrics = message;
        self.next = Next::Unit;
        let Family { name, help, .. } = self.family;
        Ok(Some(Event::Help { family: Escaped::plain(name), text: Escaped::plain(help) }))
    }

    fn metric(&mut self, expected: &[u8]) -> Result<Option<Event<'a>>, FieldError> {
        let message = loop {
            match self.metrics.next_field().in_field("MetricFamily")? {
                Some(field) if field.number == METRIC => {
                    break field.message().in_field("MetricFamily.metric")?;
                }
                Some(_) => {}
                None => {
                    self.next = Next::Family;
                    return Ok(None);
                }
            }
        };
        let metric_type = self.family.metric_type;
        let metric = Metric::read(message, self.body, metric_type)?;
        (self.labels, self.labels_offset) = (metric.labels, metric.labels_offset);
        self.timestamp_ms = metric.timestamp_ms;
        self.labels_are_checked = false;
        self.is_native = false;
        match metric_type {
            MetricType::Summary => {
                self.next = Next::Classic(ClassicSeries::of_summary(metric.content)?);
                Ok(None)
            }
            MetricType::Histogram | MetricType::GaugeHistogram => {
                self.histogram(&Histogram::read(metric.content)?, expected)
            }
            _ => {
                let simple = Simple::read(metric.content, metric_type)?;
                let mut series =
                    self.series(MetricPart::Value, simple.value, simple.start_timestamp_ms, expected)?;
                series.exemplar = simple.exemplar;
                Ok(Some(Event::Series(series)))
            }
        }
    }

    fn histogram(
        &mut self,
        histogram: &Histogram<'a>,
        expected: &[u8],
    ) -> Result<Option<Event<'a>>, FieldError> {
        self.is_native = self.native != NativeHistograms::Ignore && histogram.is_native();
        if !self.is_native {
            self.next = Next::Classic(ClassicSeries::of_histogram(histogram));
            return Ok(None);
        }
        if self.native == NativeHistograms::Beside && histogram.has_buckets {
            self.next = Next::Classic(ClassicSeries::of_histogram(histogram));
        }
        let start = histogram.start_timestamp_ms;
        let series = self.series(MetricPart::Native, histogram.sum, start, expected)?;
        let is_gauge = self.family.metric_type == MetricType::GaugeHistogram;
        Ok(Some(Event::Histogram { series, histogram: histogram.native(is_gauge) }))
    }

    fn classic(
        &mut self,
        mut classic: ClassicSeries<'a>,
        expected: &[u8],
    ) -> Result<Option<Event<'a>>, FieldError> {
        let Some(sample) = classic.next()? else {
            self.next = Next::Metric;
            return Ok(None);
        };
        self.next = Next::Classic(classic);
        let mut series = self.series(sample.part, sample.value, classic.start_timestamp_ms, expected)?;
        series.exemplar = sample.exemplar;
        Ok(Some(Event::Series(series)))
    }

    /// A series of the metric that was read last. Its labels are looked at only if it is not the expected one, and once per metric.
    fn series(
        &mut self,
        part: MetricPart,
        value: f64,
        start_timestamp_ms: Option<i64>,
        expected: &[u8],
    ) -> Result<Series<'a>, FieldError> {
        let Family { name: family, metric_type, .. } = self.family;
        let metric = MetricSeries { family, labels: self.labels, metric_type, part };
        let is_expected = metric.has_key(expected);
        if !is_expected && !self.labels_are_checked {
            check_labels(Fields::nested_at(self.labels, self.labels_offset))?;
            self.labels_are_checked = true;
        }
        let mut series = Series::of_metric(metric, is_expected, value);
        series.timestamp_ms = self.timestamp_ms;
        if self.created == CreatedHandling::StartTimestamp {
            series.start_timestamp_ms = start_timestamp_ms;
        }
        Ok(series)
    }
}

impl<'a> EventReader<'a> for ProtobufReader<'a> {
    fn next_expecting(&mut self, expected: &[u8]) -> Option<Result<Event<'a>, ParseError>> {
        while !matches!(self.next, Next::Nothing) {
            match self.step(expected) {
                Ok(Some(event)) => return Some(Ok(event)),
                Ok(None) => {}
                Err(error) => {
                    self.next = Next::Nothing;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    fn read_labels(&self, series: &Series<'a>, schema: TypeAndUnitLabels, labels: &mut LabelBuf) {
        let Some(metric) = series.metric() else {
            debug_assert!(false, "BUG: a series of another reader");
            return;
        };
        labels.clear();
        let suffix = metric.part.suffix();
        let write_name = |text: &mut String| {
            text.push_str(metric.family);
            text.push_str(suffix);
        };
        let Family { metric_type, unit, .. } = self.family;
        let replaced = push_schema(labels, write_name, schema, |_| (metric_type, unit));
        for label in series.labels().filter(|label| !replaced.has(label.name)) {
            labels.push(label.name.as_written(), label.value.as_written());
        }
        if let Some((name, bound)) = metric.part.bound() {
            labels
                .push_with(|text| text.push_str(name), |text, _| float::write_openmetrics_float(text, bound));
        }
    }

    fn is_classic_histogram(&self) -> bool {
        self.family.metric_type == MetricType::Histogram && !self.is_native
    }
}

impl<'a> Iterator for ProtobufReader<'a> {
    type Item = Result<Event<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_expecting(&[])
    }
}

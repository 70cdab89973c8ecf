//! `io.prometheus.client.Metric`, and the messages of metrics that have one value.
use bellwether_protobuf::Fields;

use super::error::{FieldError, InField};
use super::exemplar::read_exemplar;
use super::label::LABEL;
use super::number::normal;
use super::timestamp::read_timestamp;
use crate::{Exemplar, MetricType};

/// How the first byte of a label looks: field 1, with a length.
const LABEL_KEY: u8 = 0x0a;

/// One metric of a family.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric<'a> {
    /// From the first label to the last one. Clients write them together; what stands between them, if they do not, is stepped over when labels
    /// are read.
    pub(super) labels: &'a [u8],
    /// Where that is in the body.
    pub(super) labels_offset: usize,
    pub(super) timestamp_ms: Option<i64>,
    /// The message that the family's type has; empty if the metric has none, which means zeros.
    pub(super) content: Fields<'a>,
}

impl<'a> Metric<'a> {
    pub(super) fn read(
        message: Fields<'a>,
        body: &'a [u8],
        metric_type: MetricType,
    ) -> Result<Self, FieldError> {
        let (content_number, content_name) = content_field(metric_type);
        let mut metric =
            Self { labels: &[], labels_offset: 0, timestamp_ms: None, content: Fields::new(&[]) };
        let mut labels: Option<(usize, usize)> = None;
        let mut fields = message;
        loop {
            let start = fields.offset();
            if fields.next_short(LABEL_KEY).is_some() {
                labels = Some((labels.map_or(start, |(first, _)| first), fields.offset()));
                continue;
            }
            let Some(field) = fields.next_field().in_field("Metric")? else { break };
            match field.number {
                LABEL => {
                    field.message().in_field("Metric.label")?;
                    labels = Some((labels.map_or(start, |(first, _)| first), fields.offset()));
                }
                // Zero is what an absent field reads as, so it cannot be told from none.
                6 => {
                    let ts_ms = field.varint().in_field("Metric.timestamp_ms")? as i64;
                    metric.timestamp_ms = Some(ts_ms).filter(|ts_ms| *ts_ms != 0);
                }
                number if number == content_number => {
                    metric.content = field.message().in_field(content_name)?;
                }
                _ => {}
            }
        }
        if let Some((start, end)) = labels {
            metric.labels = &body[start..end];
            metric.labels_offset = start;
        }
        Ok(metric)
    }
}

/// The field of a `Metric` that holds the value of a family of this type.
fn content_field(metric_type: MetricType) -> (u32, &'static str) {
    match metric_type {
        MetricType::Gauge => (2, "Metric.gauge"),
        MetricType::Counter => (3, "Metric.counter"),
        MetricType::Summary => (4, "Metric.summary"),
        MetricType::Histogram | MetricType::GaugeHistogram => (7, "Metric.histogram"),
        MetricType::Unknown | MetricType::Info | MetricType::StateSet => (5, "Metric.untyped"),
    }
}

/// `Counter`, `Gauge` or `Untyped`; the latter two have nothing but a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Simple<'a> {
    pub(super) value: f64,
    pub(super) exemplar: Option<Exemplar<'a>>,
    pub(super) start_timestamp_ms: Option<i64>,
}

impl<'a> Simple<'a> {
    pub(super) fn read(mut message: Fields<'a>, metric_type: MetricType) -> Result<Self, FieldError> {
        let is_counter = metric_type == MetricType::Counter;
        let mut simple = Self { value: 0.0, exemplar: None, start_timestamp_ms: None };
        while let Some(field) = message.next_field().in_field("Metric")? {
            match field.number {
                1 => simple.value = normal(field.double().in_field("Metric value")?),
                2 if is_counter => simple.exemplar = Some(read_exemplar(&field)?),
                3 if is_counter => {
                    let start = read_timestamp(&field, "Counter.created_timestamp")?;
                    simple.start_timestamp_ms = Some(start);
                }
                _ => {}
            }
        }
        Ok(simple)
    }
}

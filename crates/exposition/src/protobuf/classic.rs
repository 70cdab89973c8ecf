//! `Summary`, and `Histogram` in its classic form: one message, several series.
use bellwether_protobuf::Fields;

use super::error::{FieldError, InField};
use super::exemplar::read_exemplar;
use super::histogram::Histogram;
use super::number::normal;
use super::series::MetricPart;
use super::timestamp::read_timestamp;
use crate::Exemplar;

/// The number of the field with the buckets of a histogram or the quantiles of a summary.
const BOUNDS: u32 = 3;

/// The series of one metric that are still to be told: count, sum, then one per bound.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClassicSeries<'a> {
    next: Next,
    kind: Kind,
    count: f64,
    sum: f64,
    pub(super) start_timestamp_ms: Option<i64>,
    /// The fields behind the bound that was told last.
    bounds: Fields<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Next {
    Count,
    Sum,
    Bounds,
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Histogram,
    Summary,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClassicSample<'a> {
    pub(super) part: MetricPart,
    pub(super) value: f64,
    pub(super) exemplar: Option<Exemplar<'a>>,
}

impl<'a> ClassicSeries<'a> {
    pub(super) fn of_histogram(histogram: &Histogram<'a>) -> Self {
        Self {
            next: Next::Count,
            kind: Kind::Histogram,
            count: histogram.classic_count(),
            sum: histogram.sum,
            start_timestamp_ms: histogram.start_timestamp_ms,
            bounds: histogram.message,
        }
    }

    /// Reads everything of a `Summary` but the quantiles.
    pub(super) fn of_summary(message: Fields<'a>) -> Result<Self, FieldError> {
        let mut summary = Self {
            next: Next::Count,
            kind: Kind::Summary,
            count: 0.0,
            sum: 0.0,
            start_timestamp_ms: None,
            bounds: message,
        };
        let mut fields = message;
        while let Some(field) = fields.next_field().in_field("Summary")? {
            match field.number {
                1 => summary.count = field.varint().in_field("Summary.sample_count")? as f64,
                2 => summary.sum = normal(field.double().in_field("Summary.sample_sum")?),
                4 => {
                    let start = read_timestamp(&field, "Summary.created_timestamp")?;
                    summary.start_timestamp_ms = Some(start);
                }
                _ => {}
            }
        }
        Ok(summary)
    }

    /// The next series, or `None` if there is none left.
    pub(super) fn next(&mut self) -> Result<Option<ClassicSample<'a>>, FieldError> {
        let plain = |part, value| Ok(Some(ClassicSample { part, value, exemplar: None }));
        match self.next {
            Next::Count => {
                self.next = Next::Sum;
                plain(MetricPart::Count, self.count)
            }
            Next::Sum => {
                self.next = Next::Bounds;
                plain(MetricPart::Sum, self.sum)
            }
            Next::Bounds => {
                while let Some(field) = self.bounds.next_field().in_field("Metric")? {
                    if field.number != BOUNDS {
                        continue;
                    }
                    let sample = match self.kind {
                        Kind::Histogram => read_bucket(field.message().in_field("Histogram.bucket")?)?,
                        Kind::Summary => read_quantile(field.message().in_field("Summary.quantile")?)?,
                    };
                    if sample.part == MetricPart::Bucket(f64::INFINITY) {
                        self.next = Next::Nothing;
                    }
                    return Ok(Some(sample));
                }
                self.next = Next::Nothing;
                match self.kind {
                    // The bucket that goes without saying.
                    Kind::Histogram => plain(MetricPart::Bucket(f64::INFINITY), self.count),
                    Kind::Summary => Ok(None),
                }
            }
            Next::Nothing => Ok(None),
        }
    }
}

/// `io.prometheus.client.Bucket`
fn read_bucket(mut message: Fields<'_>) -> Result<ClassicSample<'_>, FieldError> {
    let (mut count, mut float_count, mut bound, mut exemplar) = (0, 0.0, 0.0, None);
    while let Some(field) = message.next_field().in_field("Bucket")? {
        match field.number {
            1 => count = field.varint().in_field("Bucket.cumulative_count")?,
            2 => bound = normal(field.double().in_field("Bucket.upper_bound")?),
            3 => exemplar = Some(read_exemplar(&field)?),
            4 => float_count = normal(field.double().in_field("Bucket.cumulative_count_float")?),
            _ => {}
        }
    }
    let value = if float_count == 0.0 { count as f64 } else { float_count };
    Ok(ClassicSample { part: MetricPart::Bucket(bound), value, exemplar })
}

/// `io.prometheus.client.Quantile`
fn read_quantile(mut message: Fields<'_>) -> Result<ClassicSample<'_>, FieldError> {
    let (mut quantile, mut value) = (0.0, 0.0);
    while let Some(field) = message.next_field().in_field("Quantile")? {
        match field.number {
            1 => quantile = normal(field.double().in_field("Quantile.quantile")?),
            2 => value = normal(field.double().in_field("Quantile.value")?),
            _ => {}
        }
    }
    Ok(ClassicSample { part: MetricPart::Quantile(quantile), value, exemplar: None })
}

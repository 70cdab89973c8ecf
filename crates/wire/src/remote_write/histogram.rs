use std::sync::Arc;

use bellwether_model::{CounterResetHint, FloatHistogram, Histogram, Span};

use super::limits::WriteLimits;
use bellwether_protobuf::{Field, Fields, WireError};

/// A count that is an integer or a float; the message says which by the field it uses.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Count {
    Int(u64),
    Float(f64),
}

impl Count {
    fn as_int(self) -> u64 {
        match self {
            Self::Int(count) => count,
            // The other member of the `oneof` reads as zero.
            Self::Float(_) => 0,
        }
    }

    fn as_float(self) -> f64 {
        match self {
            Self::Int(_) => 0.0,
            Self::Float(count) => count,
        }
    }
}

/// A histogram as the message holds it.
#[derive(Debug)]
struct Parts {
    count: Count,
    zero_count: Count,
    sum: f64,
    schema: i32,
    zero_threshold: f64,
    positive: Side,
    negative: Side,
    custom_values: Vec<f64>,
    reset_hint: CounterResetHint,
    ts_ms: i64,
    /// Buckets, spans and bounds that are left before there are too many.
    room: usize,
    is_too_large: bool,
}

#[derive(Debug, Default)]
struct Side {
    spans: Vec<Span>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

/// The custom bounds of the last histogram: consecutive samples share them.
#[derive(Debug, Default)]
pub(super) struct SharedBounds {
    last: Option<Arc<[f64]>>,
}

impl SharedBounds {
    fn share(&mut self, bounds: &[f64]) -> Option<Arc<[f64]>> {
        if bounds.is_empty() {
            return None;
        }
        match &self.last {
            Some(last) if **last == *bounds => {}
            _ => self.last = Some(bounds.into()),
        }
        self.last.clone()
    }
}

/// Reads a `prometheus.Histogram`: its time, and the histogram or why it cannot be stored.
pub(super) fn read_histogram(
    message: Fields<'_>,
    limits: &WriteLimits,
    bounds: &mut SharedBounds,
) -> Result<(i64, Result<FloatHistogram, String>), WireError> {
    let parts = Parts::read(message, limits.max_histogram_buckets)?;
    let ts_ms = parts.ts_ms;
    if parts.is_too_large {
        let limit = limits.max_histogram_buckets;
        return Ok((ts_ms, Err(format!("native histogram has more than {limit} buckets, the limit"))));
    }
    Ok((ts_ms, parts.into_histogram(bounds)))
}

impl Parts {
    fn read(mut message: Fields<'_>, room: usize) -> Result<Self, WireError> {
        let mut parts = Self {
            count: Count::Int(0),
            zero_count: Count::Int(0),
            sum: 0.0,
            schema: 0,
            zero_threshold: 0.0,
            positive: Side::default(),
            negative: Side::default(),
            custom_values: Vec::new(),
            reset_hint: CounterResetHint::Unknown,
            ts_ms: 0,
            room,
            is_too_large: false,
        };
        while let Some(field) = message.next_field()? {
            parts.field(&field)?;
        }
        Ok(parts)
    }

    fn field(&mut self, field: &Field<'_>) -> Result<(), WireError> {
        let mut room = Room { left: &mut self.room, is_exceeded: &mut self.is_too_large };
        match field.number {
            1 => self.count = Count::Int(field.varint()?),
            2 => self.count = Count::Float(field.double()?),
            3 => self.sum = field.double()?,
            4 => self.schema = field.zigzag()? as i32,
            5 => self.zero_threshold = field.double()?,
            6 => self.zero_count = Count::Int(field.varint()?),
            7 => self.zero_count = Count::Float(field.double()?),
            8 => room.push(&mut self.negative.spans, read_span(field.message()?)?),
            9 => field.each_zigzag(|delta| room.push(&mut self.negative.deltas, delta))?,
            10 => field.each_double(|count| room.push(&mut self.negative.counts, count))?,
            11 => room.push(&mut self.positive.spans, read_span(field.message()?)?),
            12 => field.each_zigzag(|delta| room.push(&mut self.positive.deltas, delta))?,
            13 => field.each_double(|count| room.push(&mut self.positive.counts, count))?,
            14 => {
                self.reset_hint = match field.varint()? {
                    1 => CounterResetHint::Reset,
                    2 => CounterResetHint::NotReset,
                    3 => CounterResetHint::Gauge,
                    _ => CounterResetHint::Unknown,
                }
            }
            15 => self.ts_ms = field.varint()? as i64,
            16 => field.each_double(|bound| room.push(&mut self.custom_values, bound))?,
            _ => {}
        }
        Ok(())
    }

    fn into_histogram(self, bounds: &mut SharedBounds) -> Result<FloatHistogram, String> {
        let custom_values = bounds.share(&self.custom_values);
        match self.count {
            Count::Float(count) => {
                let mut histogram = FloatHistogram {
                    counter_reset_hint: self.reset_hint,
                    schema: self.schema,
                    zero_threshold: self.zero_threshold,
                    zero_count: self.zero_count.as_float(),
                    count,
                    sum: self.sum,
                    positive_spans: self.positive.spans,
                    negative_spans: self.negative.spans,
                    positive_buckets: self.positive.counts,
                    negative_buckets: self.negative.counts,
                    custom_values,
                };
                histogram.admit().map_err(|error| error.to_string())?;
                Ok(histogram)
            }
            Count::Int(count) => {
                let mut histogram = Histogram {
                    counter_reset_hint: self.reset_hint,
                    schema: self.schema,
                    zero_threshold: self.zero_threshold,
                    zero_count: self.zero_count.as_int(),
                    count,
                    sum: self.sum,
                    positive_spans: self.positive.spans,
                    negative_spans: self.negative.spans,
                    positive_deltas: self.positive.deltas,
                    negative_deltas: self.negative.deltas,
                    custom_values,
                };
                histogram.admit().map_err(|error| error.to_string())?;
                Ok(histogram.to_float())
            }
        }
    }
}

/// Counts what a histogram holds.
struct Room<'p> {
    left: &'p mut usize,
    is_exceeded: &'p mut bool,
}

impl Room<'_> {
    /// Keeps `item` if there is room.
    fn push<T>(&mut self, items: &mut Vec<T>, item: T) {
        match self.left.checked_sub(1) {
            Some(left) => {
                *self.left = left;
                items.push(item);
            }
            None => *self.is_exceeded = true,
        }
    }
}

/// `prometheus.BucketSpan`
fn read_span(mut message: Fields<'_>) -> Result<Span, WireError> {
    let mut span = Span { offset: 0, length: 0 };
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => span.offset = field.zigzag()? as i32,
            2 => span.length = field.varint()? as u32,
            _ => {}
        }
    }
    Ok(span)
}

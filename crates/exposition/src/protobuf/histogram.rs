//! `io.prometheus.client.Histogram`, which may have a classic form, a native one, or both.
use bellwether_protobuf::{Field, Fields, WireError};

use super::error::{FieldError, InField};
use super::exemplar::read_exemplar;
use super::number::normal;
use super::timestamp::read_timestamp;
use crate::Exemplar;

/// A native histogram may have so many spans and buckets; the reader refuses the exposition otherwise.
pub const MAX_NATIVE_BUCKETS: usize = 10_000;

const BUCKET: u32 = 3;
const EXEMPLARS: u32 = 16;

/// A histogram whose single fields have been read, and whose lists have been checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Histogram<'a> {
    pub(super) message: Fields<'a>,
    pub(super) sum: f64,
    count: u64,
    float_count: f64,
    pub(super) start_timestamp_ms: Option<i64>,
    schema: i32,
    zero_threshold: f64,
    zero_count: u64,
    float_zero_count: f64,
    has_spans: bool,
    pub(super) has_buckets: bool,
    has_native_exemplars: bool,
}

impl<'a> Histogram<'a> {
    pub(super) fn read(message: Fields<'a>) -> Result<Self, FieldError> {
        let mut histogram = Self {
            message,
            sum: 0.0,
            count: 0,
            float_count: 0.0,
            start_timestamp_ms: None,
            schema: 0,
            zero_threshold: 0.0,
            zero_count: 0,
            float_zero_count: 0.0,
            has_spans: false,
            has_buckets: false,
            has_native_exemplars: false,
        };
        let mut n_parts = 0;
        let mut fields = message;
        while let Some(field) = fields.next_field().in_field("Histogram")? {
            match field.number {
                1 => histogram.count = field.varint().in_field("Histogram.sample_count")?,
                2 => histogram.sum = normal(field.double().in_field("Histogram.sample_sum")?),
                BUCKET => histogram.has_buckets = true,
                4 => histogram.float_count = field.double().in_field("Histogram.sample_count_float")?,
                5 => histogram.schema = field.zigzag().in_field("Histogram.schema")? as i32,
                6 => histogram.zero_threshold = field.double().in_field("Histogram.zero_threshold")?,
                7 => histogram.zero_count = field.varint().in_field("Histogram.zero_count")?,
                8 => histogram.float_zero_count = field.double().in_field("Histogram.zero_count_float")?,
                15 => {
                    let start = read_timestamp(&field, "Histogram.created_timestamp")?;
                    histogram.start_timestamp_ms = Some(start);
                }
                EXEMPLARS => {
                    read_exemplar(&field)?;
                    histogram.has_native_exemplars = true;
                }
                _ => {
                    if let Some(list) = List::of(&field) {
                        histogram.has_spans |= list.is_spans();
                        list.each(&field, |_| n_parts += 1).in_field(list.name())?;
                        if n_parts > MAX_NATIVE_BUCKETS {
                            let reason = "native histogram has more than 10000 spans and buckets, the limit,";
                            return Err(FieldError::new(reason, field.offset(), list.name()));
                        }
                    }
                }
            }
        }
        Ok(histogram)
    }

    /// Whether there is a native form. One without observations and zero bucket shows it by a span, which may be empty.
    pub(super) fn is_native(&self) -> bool {
        self.has_spans || self.zero_threshold > 0.0 || self.zero_count > 0
    }

    /// The number of observations in the classic form.
    pub(super) fn classic_count(&self) -> f64 {
        if self.float_count == 0.0 { self.count as f64 } else { normal(self.float_count) }
    }

    /// The native form.
    pub(super) fn native(&self, is_gauge: bool) -> NativeHistogram<'a> {
        let counts = if self.float_count > 0.0 || self.float_zero_count > 0.0 {
            NativeCounts::Floats { count: self.float_count, zero_count: self.float_zero_count }
        } else {
            NativeCounts::Integers { count: self.count, zero_count: self.zero_count }
        };
        NativeHistogram {
            message: self.message,
            exemplars: if self.has_native_exemplars { EXEMPLARS } else { BUCKET },
            is_gauge,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            counts,
            sum: self.sum,
        }
    }
}

/// A native histogram, borrowed from the exposition. Nothing is promised about how its parts fit together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NativeHistogram<'a> {
    message: Fields<'a>,
    /// The field with the exemplars: the list of the histogram, or its classic buckets.
    exemplars: u32,
    /// Whether its buckets may shrink.
    pub is_gauge: bool,
    /// The resolution.
    pub schema: i32,
    /// Half the width of the zero bucket.
    pub zero_threshold: f64,
    /// All observations and those in the zero bucket. They tell whether [`Delta`](NativePart::Delta)s or [`Count`](NativePart::Count)s
    /// belong to the buckets.
    pub counts: NativeCounts,
    /// The sum of the observations.
    pub sum: f64,
}

/// The two ways in which a native histogram counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NativeCounts {
    /// Buckets are differences of integers.
    Integers {
        /// All observations.
        count: u64,
        /// Observations in the zero bucket.
        zero_count: u64,
    },
    /// Buckets are absolute.
    Floats {
        /// All observations.
        count: f64,
        /// Observations in the zero bucket.
        zero_count: f64,
    },
}

/// On which side of zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketSide {
    /// Above.
    Positive,
    /// Below.
    Negative,
}

/// A piece of the lists of a native histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NativePart {
    /// A run of buckets.
    Span {
        /// The distance to the run before, or the index of the first bucket.
        offset: i32,
        /// How many buckets.
        length: u32,
    },
    /// The next bucket, as the difference to the one before.
    Delta(i64),
    /// The next bucket.
    Count(f64),
}

impl<'a> NativeHistogram<'a> {
    /// Calls `visit` for each span and each bucket; those of one side and one kind come in their order. There are at most
    /// [`MAX_NATIVE_BUCKETS`].
    pub fn each_part(&self, mut visit: impl FnMut(BucketSide, NativePart)) {
        let mut fields = self.message;
        while let Ok(Some(field)) = fields.next_field() {
            if let Some(list) = List::of(&field) {
                // The reader has checked all of them.
                let _ = list.each(&field, |part| visit(list.side(), part));
            }
        }
    }

    /// The exemplars that have a time; others could not be told from repetitions. If the histogram has none of its own, they are those of its
    /// classic buckets.
    pub fn exemplars(&self) -> impl Iterator<Item = Exemplar<'a>> + use<'a> {
        let (mut fields, number) = (self.message, self.exemplars);
        std::iter::from_fn(move || {
            while let Ok(Some(field)) = fields.next_field() {
                if field.number != number {
                    continue;
                }
                let exemplar =
                    if number == BUCKET { bucket_exemplar(&field) } else { read_exemplar(&field).ok() };
                if let Some(exemplar) = exemplar.filter(|exemplar| exemplar.timestamp_ms.is_some()) {
                    return Some(exemplar);
                }
            }
            None
        })
    }
}

/// The exemplar of a classic bucket.
fn bucket_exemplar<'a>(bucket: &Field<'a>) -> Option<Exemplar<'a>> {
    let mut fields = bucket.message().ok()?;
    while let Ok(Some(field)) = fields.next_field() {
        if field.number == 3 {
            return read_exemplar(&field).ok();
        }
    }
    None
}

/// One of the repeated fields of a native histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
enum List {
    NegativeSpans,
    NegativeDeltas,
    NegativeCounts,
    PositiveSpans,
    PositiveDeltas,
    PositiveCounts,
}

impl List {
    fn of(field: &Field<'_>) -> Option<Self> {
        Some(match field.number {
            9 => Self::NegativeSpans,
            10 => Self::NegativeDeltas,
            11 => Self::NegativeCounts,
            12 => Self::PositiveSpans,
            13 => Self::PositiveDeltas,
            14 => Self::PositiveCounts,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::NegativeSpans => "Histogram.negative_span",
            Self::NegativeDeltas => "Histogram.negative_delta",
            Self::NegativeCounts => "Histogram.negative_count",
            Self::PositiveSpans => "Histogram.positive_span",
            Self::PositiveDeltas => "Histogram.positive_delta",
            Self::PositiveCounts => "Histogram.positive_count",
        }
    }

    fn side(self) -> BucketSide {
        match self {
            Self::NegativeSpans | Self::NegativeDeltas | Self::NegativeCounts => BucketSide::Negative,
            Self::PositiveSpans | Self::PositiveDeltas | Self::PositiveCounts => BucketSide::Positive,
        }
    }

    fn is_spans(self) -> bool {
        matches!(self, Self::NegativeSpans | Self::PositiveSpans)
    }

    /// Calls `visit` for each part of the list that is in `field`; a list may be spread over several.
    fn each(self, field: &Field<'_>, mut visit: impl FnMut(NativePart)) -> Result<(), WireError> {
        match self {
            Self::NegativeSpans | Self::PositiveSpans => {
                visit(read_span(field.message()?)?);
                Ok(())
            }
            Self::NegativeDeltas | Self::PositiveDeltas => {
                field.each_zigzag(|delta| visit(NativePart::Delta(delta)))
            }
            Self::NegativeCounts | Self::PositiveCounts => {
                field.each_double(|count| visit(NativePart::Count(count)))
            }
        }
    }
}

/// `io.prometheus.client.BucketSpan`
fn read_span(mut message: Fields<'_>) -> Result<NativePart, WireError> {
    let (mut offset, mut length) = (0, 0);
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => offset = field.zigzag()? as i32,
            2 => length = field.varint()? as u32,
            _ => {}
        }
    }
    Ok(NativePart::Span { offset, length })
}

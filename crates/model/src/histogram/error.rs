use super::schema::{CUSTOM_BUCKETS_SCHEMA, MAX_EXPONENTIAL_SCHEMA, MIN_EXPONENTIAL_SCHEMA};

/// Why a histogram is not valid, or why two of them cannot be combined. The messages are those of Prometheus.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HistogramError {
    /// The schema is neither exponential nor [`CUSTOM_BUCKETS_SCHEMA`].
    #[error(
        "histogram has an invalid schema, which must be between {MIN_EXPONENTIAL_SCHEMA} and {MAX_EXPONENTIAL_SCHEMA} for exponential buckets, or {CUSTOM_BUCKETS_SCHEMA} for custom buckets, got schema {0}"
    )]
    InvalidSchema(i32),
    /// The buckets hold more observations than the histogram; some observations may be NaN.
    #[error(
        "{buckets} observations found in buckets, but the Count field is {count}: histogram's observation count should be at least the number of observations found in the buckets"
    )]
    CountNotBigEnough {
        /// Observations in the buckets.
        buckets: u64,
        /// Observations of the histogram.
        count: u64,
    },
    /// The buckets do not hold as many observations as the histogram, and there are no NaN observations.
    #[error(
        "{buckets} observations found in buckets, but the Count field is {count}: histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)"
    )]
    CountMismatch {
        /// Observations in the buckets.
        buckets: u64,
        /// Observations of the histogram.
        count: u64,
    },
    /// A bucket holds a negative number of observations.
    #[error(
        "{side}: bucket number {number} has observation count of {count}: histogram has a bucket whose observation count is negative"
    )]
    NegativeBucketCount {
        /// `positive side` or `negative side`.
        side: &'static str,
        /// The position of the bucket, counted from 1.
        number: usize,
        /// Its count.
        count: String,
    },
    /// A span other than the first starts before the end of the one in front of it.
    #[error(
        "{side}: span number {number} with offset {offset}: histogram has a span whose offset is negative"
    )]
    NegativeSpanOffset {
        /// `positive side`, `negative side` or `custom buckets`.
        side: &'static str,
        /// The position of the span, counted from 1.
        number: usize,
        /// Its offset.
        offset: i32,
    },
    /// The spans reach beyond the indices that the schema can have.
    #[error("{side}: spans reach beyond the bucket index {limit}")]
    SpansTooFar {
        /// `positive side` or `negative side`.
        side: &'static str,
        /// The last index that could be used.
        limit: i64,
    },
    /// The spans do not hold as many buckets as there are counts.
    #[error(
        "{side}: spans need {spans} buckets, have {buckets} buckets: histogram spans specify different number of buckets than provided"
    )]
    SpansBucketsMismatch {
        /// `positive side`, `negative side` or `custom buckets`.
        side: &'static str,
        /// Buckets in the spans.
        spans: u64,
        /// Counts.
        buckets: usize,
    },
    /// The spans use buckets beyond the last custom bound.
    #[error(
        "custom buckets: only {bounds} custom bounds defined which is insufficient to cover total span length of {spans}: histogram custom bounds are too few"
    )]
    CustomBoundsTooFew {
        /// Custom bounds.
        bounds: usize,
        /// Buckets up to the end of the last span.
        spans: i64,
    },
    /// The custom bounds do not increase.
    #[error(
        "custom buckets: previous bound is {previous:.6} and current is {current:.6}: histogram custom bounds must be in strictly increasing order"
    )]
    CustomBoundsInvalid {
        /// A bound.
        previous: f64,
        /// The one behind it.
        current: f64,
    },
    /// A custom bound is infinite; the last bucket reaches to +Inf without being told.
    #[error(
        "custom buckets: last +Inf bound must not be explicitly defined: histogram custom bounds must be finite"
    )]
    CustomBoundsInfinite,
    /// A custom bound is NaN.
    #[error("custom buckets: histogram custom bounds must not be NaN")]
    CustomBoundsNan,
    /// Custom buckets come without a zero bucket.
    #[error("custom buckets: must have zero count of 0")]
    CustomZeroCount,
    /// Custom buckets come without a zero bucket.
    #[error("custom buckets: must have zero threshold of 0")]
    CustomZeroThreshold,
    /// Custom buckets are all on the positive side.
    #[error("custom buckets: must not have negative spans")]
    CustomNegativeSpans,
    /// Custom buckets are all on the positive side.
    #[error("custom buckets: must not have negative buckets")]
    CustomNegativeBuckets,
    /// Exponential buckets take no bounds.
    #[error("histogram with exponential schema must not have custom bounds")]
    ExponentialWithCustomBounds,
    /// One histogram has exponential, the other has custom buckets.
    #[error("cannot apply this operation on histograms with a mix of exponential and custom bucket schemas")]
    IncompatibleSchema,
}

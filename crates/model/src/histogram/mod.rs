//! Native histograms: exponential buckets (schemas -4 to 8) and custom bucket bounds (schema -53).
//!
//! Meaning and invariants follow Prometheus' `model/histogram` and the native histogram specification: positive bucket `i` of
//! schema `s` covers `(b^(i-1), b^i]` with `b = 2^(2^-s)`; with custom bounds, bucket `i` covers `(custom[i-1], custom[i]]`.

use std::sync::Arc;

/// The schema number of histograms with custom bucket bounds.
pub const CUSTOM_BUCKETS_SCHEMA: i32 = -53;

/// A run of consecutive buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// For the first span the index of its first bucket, for the others the gap to the end of the span before (never negative then).
    pub offset: i32,
    /// How many buckets the span holds.
    pub length: u32,
}

/// What is known about a counter reset between a histogram and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CounterResetHint {
    /// Nothing: compare the two to find out.
    #[default]
    Unknown,
    /// This histogram starts anew.
    Reset,
    /// There was no reset.
    NotReset,
    /// A gauge histogram: resets do not apply.
    Gauge,
}

/// A native histogram with float counts; bucket counts are absolute.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FloatHistogram {
    /// What is known about a reset.
    pub counter_reset_hint: CounterResetHint,
    /// Resolution: -4 to 8, or [`CUSTOM_BUCKETS_SCHEMA`].
    pub schema: i32,
    /// Half the width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// Sum of the observations; the staleness marker makes the whole histogram a staleness marker.
    pub sum: f64,
    /// Where the positive buckets lie.
    pub positive_spans: Vec<Span>,
    /// Where the negative buckets lie.
    pub negative_spans: Vec<Span>,
    /// Counts of the positive buckets, as many as the spans hold.
    pub positive_buckets: Vec<f64>,
    /// Counts of the negative buckets, as many as the spans hold.
    pub negative_buckets: Vec<f64>,
    /// Upper bounds for [`CUSTOM_BUCKETS_SCHEMA`], strictly increasing, without `+Inf`. Shared, because consecutive samples
    /// have the same bounds.
    pub custom_values: Option<Arc<[f64]>>,
}

/// A native histogram with integer counts; bucket counts are deltas to the bucket before, as on the wire.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// What is known about a reset.
    pub counter_reset_hint: CounterResetHint,
    /// Resolution: -4 to 8, or [`CUSTOM_BUCKETS_SCHEMA`].
    pub schema: i32,
    /// Half the width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: u64,
    /// All observations.
    pub count: u64,
    /// Sum of the observations.
    pub sum: f64,
    /// Where the positive buckets lie.
    pub positive_spans: Vec<Span>,
    /// Where the negative buckets lie.
    pub negative_spans: Vec<Span>,
    /// Differences between consecutive positive bucket counts.
    pub positive_deltas: Vec<i64>,
    /// Differences between consecutive negative bucket counts.
    pub negative_deltas: Vec<i64>,
    /// As in [`FloatHistogram`].
    pub custom_values: Option<Arc<[f64]>>,
}

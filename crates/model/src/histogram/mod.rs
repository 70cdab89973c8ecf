//! Native histograms: exponential buckets (schemas -4 to 8) and custom bucket bounds (schema -53).
//!
//! Meaning and invariants follow Prometheus' `model/histogram` and the native histogram specification: positive bucket `i` of
//! schema `s` covers `(b^(i-1), b^i]` with `b = 2^(2^-s)`; with custom bounds, bucket `i` covers `(custom[i-1], custom[i]]`.
//!
//! [`FloatHistogram`] is what queries work on, [`Histogram`] is the integer form of the wire. Buckets are stored as [`Span`]s and counts;
//! [`Bucket`]s are how they look from outside. Arithmetic reconciles layouts that differ: resolutions meet at the lower one, zero
//! buckets at the wider one, custom bounds at those that both sides have. What had to be reconciled is told in an [`AddOutcome`].
//! [`HistogramSum`] adds many histograms without losing small counts beside large ones.
//!
//! ```
//! use bellwether_model::histogram::{FloatHistogram, Span};
//!
//! let h = FloatHistogram {
//!     count: 4.0,
//!     sum: 5.0,
//!     positive_spans: vec![Span { offset: 0, length: 3 }],
//!     positive_buckets: vec![1.0, 2.0, 1.0],
//!     ..FloatHistogram::default()
//! };
//! let twice = { let mut sum = h.clone(); sum.add(&h).unwrap(); sum };
//! assert_eq!(twice.count, 8.0);
//! assert_eq!(twice.quantile(1.0).value, 4.0);
//! assert_eq!(h.fraction(1.0, 2.0).value, 0.5);
//! ```
mod add;
mod bucket;
mod classic;
mod compact;
mod custom_bounds;
mod display;
mod equality;
mod error;
mod float_histogram;
mod fraction;
mod integer;
mod kahan;
mod layout;
mod nhcb;
mod quantile;
mod reset;
mod resolution;
mod schema;
mod size;
mod span;
mod sum;
mod trim;
mod validate;
mod variance;
mod zero_bucket;

#[cfg(test)]
mod tests;

pub use add::AddOutcome;
pub use bucket::Bucket;
pub use classic::{BucketQuantile, ClassicBucket, ForcedMonotonicity, bucket_fraction, bucket_quantile};
pub use error::HistogramError;
pub use float_histogram::FloatHistogram;
pub use integer::Histogram;
pub use kahan::kahan_add;
pub use nhcb::{ClassicHistogram, ClassicHistogramError};
pub use quantile::{Estimate, NanObservations};
pub use schema::{
    CUSTOM_BUCKETS_SCHEMA, MAX_EXPONENTIAL_SCHEMA, MIN_EXPONENTIAL_SCHEMA, is_exponential_schema,
};
pub use span::Span;
pub use sum::HistogramSum;
pub use trim::TrimSide;

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

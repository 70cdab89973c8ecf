use std::fmt;

use super::FloatHistogram;
use super::schema::exponential_bound;
use super::span::{Span, indices};
use crate::float::format_float_go;

/// One bucket as it looks from outside: bounds in the order of the number line, and a count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
    /// Whether observations equal to the lower bound are counted here.
    pub lower_inclusive: bool,
    /// Whether observations equal to the upper bound are counted here.
    pub upper_inclusive: bool,
    /// The observations.
    pub count: f64,
    /// The index within its side; 0 for the zero bucket.
    pub index: i32,
}

/// Written as interval and count: `(0.5,1]:3`.
impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{},{}{}:{}",
            if self.lower_inclusive { '[' } else { '(' },
            format_float_go(self.lower),
            format_float_go(self.upper),
            if self.upper_inclusive { ']' } else { ')' },
            format_float_go(self.count)
        )
    }
}

/// One of the two sides of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Positive,
    Negative,
}

impl FloatHistogram {
    /// The positive buckets in ascending order, empty ones that are part of the layout included. With custom bounds these are all buckets.
    pub fn positive_buckets(&self) -> impl DoubleEndedIterator<Item = Bucket> + Clone + '_ {
        self.side_buckets(Side::Positive)
    }

    /// The negative buckets from the zero bucket outwards, that is in descending order of their bounds.
    pub fn negative_buckets(&self) -> impl DoubleEndedIterator<Item = Bucket> + Clone + '_ {
        self.side_buckets(Side::Negative)
    }

    /// The zero bucket, populated or not.
    pub fn zero_bucket(&self) -> Bucket {
        Bucket {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: self.zero_count,
            index: 0,
        }
    }

    /// All buckets in ascending order of their bounds, the zero bucket only if it is populated. Buckets that overlap the zero bucket are
    /// cut at its edge.
    pub fn all_buckets(&self) -> impl DoubleEndedIterator<Item = Bucket> + Clone + '_ {
        let zero = (self.zero_count > 0.0).then(|| self.zero_bucket());
        self.negative_buckets()
            .rev()
            .map(|b| self.outside_zero_bucket(b))
            .chain(zero)
            .chain(self.positive_buckets().map(|b| self.outside_zero_bucket(b)))
    }

    pub(super) fn side(&self, side: Side) -> (&[Span], &[f64]) {
        match side {
            Side::Positive => (&self.positive_spans, &self.positive_buckets),
            Side::Negative => (&self.negative_spans, &self.negative_buckets),
        }
    }

    pub(super) fn side_mut(&mut self, side: Side) -> (&mut Vec<Span>, &mut Vec<f64>) {
        match side {
            Side::Positive => (&mut self.positive_spans, &mut self.positive_buckets),
            Side::Negative => (&mut self.negative_spans, &mut self.negative_buckets),
        }
    }

    fn side_buckets(&self, side: Side) -> impl DoubleEndedIterator<Item = Bucket> + Clone + '_ {
        let (spans, counts) = self.side(side);
        indices(spans).zip(counts.iter()).map(move |(index, count)| self.bucket(side, index, *count))
    }

    fn bucket(&self, side: Side, index: i32, count: f64) -> Bucket {
        let (inner, outer) = (self.bound(index.wrapping_sub(1)), self.bound(index));
        let (lower, upper) = match side {
            Side::Positive => (inner, outer),
            Side::Negative => (-outer, -inner),
        };
        let (lower_inclusive, upper_inclusive) =
            if self.uses_custom_buckets() { (index == 0, true) } else { (lower < 0.0, upper > 0.0) };
        Bucket { lower, upper, lower_inclusive, upper_inclusive, count, index }
    }

    /// The bound away from zero of the bucket `idx`; with custom bounds the upper one.
    pub(super) fn bound(&self, idx: i32) -> f64 {
        if !self.uses_custom_buckets() {
            return exponential_bound(idx, self.schema);
        }
        let bounds = self.custom_bounds();
        match usize::try_from(idx) {
            Ok(idx) => bounds.get(idx).copied().unwrap_or(f64::INFINITY),
            Err(_) => f64::NEG_INFINITY,
        }
    }

    fn outside_zero_bucket(&self, mut bucket: Bucket) -> Bucket {
        if bucket.upper < 0.0 && bucket.upper > -self.zero_threshold {
            bucket.upper = -self.zero_threshold;
        } else if bucket.lower > 0.0 && bucket.lower < self.zero_threshold {
            bucket.lower = self.zero_threshold;
        }
        bucket
    }
}

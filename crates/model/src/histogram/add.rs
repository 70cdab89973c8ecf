use super::bucket::Side;
use super::custom_bounds::common_bounds;
use super::layout::{BucketMap, union};
use super::{CounterResetHint, FloatHistogram, HistogramError};

/// What had to be reconciled when two histograms were combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AddOutcome {
    /// One histogram was marked as a reset, the other one as none; the result is marked as unknown.
    pub counter_reset_collision: bool,
    /// The custom bounds differed; the result has those that both have.
    pub bounds_reconciled: bool,
}

impl FloatHistogram {
    /// Adds `other`. Differences in resolution, zero threshold and custom bounds are reconciled; buckets that only one side has are kept.
    ///
    /// Fails, and changes nothing, if one side has exponential and the other one has custom buckets.
    pub fn add(&mut self, other: &Self) -> Result<AddOutcome, HistogramError> {
        self.add_signed(other, 1.0)
    }

    /// Subtracts `other`; see [`add`](Self::add). The counter reset hint is combined in the same way: whoever shows the difference to a
    /// user has to mark it as a gauge.
    pub fn sub(&mut self, other: &Self) -> Result<AddOutcome, HistogramError> {
        self.add_signed(other, -1.0)
    }

    /// Whether the two histograms have the same kind of buckets, so that they can be combined.
    pub(super) fn check_compatible(&self, other: &Self) -> Result<(), HistogramError> {
        if self.uses_custom_buckets() == other.uses_custom_buckets() {
            Ok(())
        } else {
            Err(HistogramError::IncompatibleSchema)
        }
    }

    /// Whether bucket indices mean the same in both histograms.
    pub(super) fn same_grid(&self, other: &Self) -> bool {
        self.schema == other.schema
            && self.zero_threshold == other.zero_threshold
            && (!self.uses_custom_buckets() || self.custom_bounds() == other.custom_bounds())
    }

    /// Takes the hint of a sum; returns whether the hints contradict each other.
    pub(super) fn combine_hint(&mut self, other: CounterResetHint) -> bool {
        use CounterResetHint::{Gauge, NotReset, Reset, Unknown};
        let (hint, collision) = match (self.counter_reset_hint, other) {
            (a, b) if a == b => (a, false),
            (Gauge, _) | (_, Gauge) => (Gauge, false),
            (Reset, NotReset) | (NotReset, Reset) => (Unknown, true),
            _ => (Unknown, false),
        };
        self.counter_reset_hint = hint;
        collision
    }

    fn add_signed(&mut self, other: &Self, sign: f64) -> Result<AddOutcome, HistogramError> {
        self.check_compatible(other)?;
        let counter_reset_collision = self.combine_hint(other.counter_reset_hint);
        if self.same_grid(other) {
            self.add_on_same_grid(other, sign);
            return Ok(AddOutcome { counter_reset_collision, bounds_reconciled: false });
        }
        let mut other = other.clone();
        let bounds_reconciled = self.uses_custom_buckets();
        if bounds_reconciled {
            let common = common_bounds(self.custom_bounds(), other.custom_bounds());
            for h in [&mut *self, &mut other] {
                let map = BucketMap::fewer_bounds(
                    &h.positive_spans,
                    h.custom_bounds(),
                    common.as_deref().unwrap_or(&[]),
                );
                h.positive_buckets = map.apply(&h.positive_buckets);
                h.positive_spans = map.spans;
                h.custom_values.clone_from(&common);
            }
        } else {
            reconcile_zero_buckets(self, &mut other);
            let schema = self.schema.min(other.schema);
            self.reduce_resolution(schema);
            other.reduce_resolution(schema);
        }
        self.add_on_same_grid(&other, sign);
        if bounds_reconciled {
            self.compact(0);
        }
        Ok(AddOutcome { counter_reset_collision, bounds_reconciled })
    }

    fn add_on_same_grid(&mut self, other: &Self, sign: f64) {
        self.zero_count += sign * other.zero_count;
        self.count += sign * other.count;
        self.sum += sign * other.sum;
        for side in [Side::Positive, Side::Negative] {
            let (other_spans, other_counts) = other.side(side);
            let (spans, counts) = self.side_mut(side);
            if spans == other_spans {
                counts.iter_mut().zip(other_counts).for_each(|(a, b)| *a += sign * b);
                continue;
            }
            let union = union(spans, other_spans);
            let mut sum = union.left.apply(counts);
            union.right.add_to(&mut sum, other_counts, sign);
            *counts = sum;
            *spans = union.left.spans;
        }
    }
}

/// Widens the zero buckets of both until they are equally wide.
fn reconcile_zero_buckets(a: &mut FloatHistogram, b: &mut FloatHistogram) {
    loop {
        if a.zero_threshold > b.zero_threshold {
            b.widen_zero_bucket(a.zero_threshold);
        } else if b.zero_threshold > a.zero_threshold {
            a.widen_zero_bucket(b.zero_threshold);
        } else {
            return;
        }
    }
}

//! How buckets move when a layout changes. A [`BucketMap`] says for each bucket of the old layout where it goes in the new one; the
//! counts follow later, plainly or with compensation. So the algebra of layouts is written once.

use std::cmp::Ordering;

use super::kahan::kahan_add;
use super::schema::{coarser_index, exponential_bound};
use super::span::{Span, SpanBuilder, indices};

/// Where the buckets of one layout go in another one.
#[derive(Debug)]
pub(super) struct BucketMap {
    /// The new layout.
    pub(super) spans: Vec<Span>,
    /// How many buckets the new layout has.
    pub(super) len: usize,
    /// For each old bucket its new position, ascending; `None` if it is dropped.
    pub(super) targets: Vec<Option<usize>>,
}

impl BucketMap {
    /// Buckets under schema `from` go to those under the coarser schema `to`.
    pub(super) fn coarser(spans: &[Span], from: i32, to: i32) -> Self {
        Self::by_index(indices(spans).map(|idx| Some(coarser_index(idx, from, to))))
    }

    /// Buckets that end at or before `threshold` are dropped.
    pub(super) fn outside_zero_bucket(spans: &[Span], schema: i32, threshold: f64) -> Self {
        Self::by_index(indices(spans).map(|idx| (exponential_bound(idx, schema) > threshold).then_some(idx)))
    }

    /// Buckets between `bounds` go to those between `kept`, a sorted subset of the bounds.
    pub(super) fn fewer_bounds(spans: &[Span], bounds: &[f64], kept: &[f64]) -> Self {
        Self::by_index(indices(spans).map(|idx| {
            let target = match usize::try_from(idx).ok().and_then(|idx| bounds.get(idx)) {
                Some(bound) => kept.partition_point(|k| k < bound),
                None => kept.len(),
            };
            Some(target as i32)
        }))
    }

    /// New indices ascend; several old buckets may go to the same new one.
    fn by_index(new_indices: impl Iterator<Item = Option<i32>>) -> Self {
        let (mut spans, mut len, mut last) = (SpanBuilder::default(), 0, None);
        let targets = new_indices
            .map(|idx| {
                let idx = idx?;
                if last != Some(idx) {
                    spans.push(idx);
                    len += 1;
                    last = Some(idx);
                }
                Some(len - 1)
            })
            .collect();
        Self { spans: spans.finish(), len, targets }
    }

    /// Moves counts into the new layout; those that meet are added.
    pub(super) fn apply(&self, counts: &[f64]) -> Vec<f64> {
        let mut moved = vec![0.0; self.len];
        self.add_to(&mut moved, counts, 1.0);
        moved
    }

    /// Adds counts, times `sign`, to those of the new layout.
    pub(super) fn add_to(&self, sum: &mut [f64], counts: &[f64], sign: f64) {
        for (target, v) in self.targets.iter().zip(counts) {
            if let Some(target) = target {
                sum[*target] += sign * v;
            }
        }
    }

    /// Adds compensated counts to the compensated sums of the new layout.
    pub(super) fn add_to_compensated(
        &self,
        sum: &mut [f64],
        c: &mut [f64],
        counts: &[f64],
        counts_c: &[f64],
    ) {
        for (target, (v, v_c)) in self.targets.iter().zip(counts.iter().zip(counts_c)) {
            if let Some(target) = *target {
                (sum[target], c[target]) = kahan_add(*v, sum[target], c[target]);
                if *v_c != 0.0 {
                    (sum[target], c[target]) = kahan_add(*v_c, sum[target], c[target]);
                }
            }
        }
    }
}

/// The layout with the buckets of both, and where the buckets of each go in it.
#[derive(Debug)]
pub(super) struct Union {
    pub(super) left: BucketMap,
    /// Its `spans` are empty; they would be those of `left`.
    pub(super) right: BucketMap,
}

/// Puts two layouts of the same schema together.
pub(super) fn union(left: &[Span], right: &[Span]) -> Union {
    let (mut a, mut b) = (indices(left).peekable(), indices(right).peekable());
    let (mut left, mut right) = (Vec::with_capacity(a.len()), Vec::with_capacity(b.len()));
    let (mut spans, mut len) = (SpanBuilder::default(), 0);
    loop {
        let (idx, order) = match (a.peek(), b.peek()) {
            (None, None) => break,
            (Some(a), None) => (*a, Ordering::Less),
            (None, Some(b)) => (*b, Ordering::Greater),
            (Some(a), Some(b)) => (*a.min(b), a.cmp(b)),
        };
        if order.is_le() {
            a.next();
            left.push(Some(len));
        }
        if order.is_ge() {
            b.next();
            right.push(Some(len));
        }
        spans.push(idx);
        len += 1;
    }
    Union {
        left: BucketMap { spans: spans.finish(), len, targets: left },
        right: BucketMap { spans: Vec::new(), len, targets: right },
    }
}

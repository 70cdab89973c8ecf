use super::bucket::Side;
use super::{Bucket, FloatHistogram};

/// Which observations [`FloatHistogram::trim`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrimSide {
    /// Those below the bound (PromQL's `</`).
    KeepBelow,
    /// Those above the bound (PromQL's `>/`).
    KeepAbove,
}

/// Observations that were kept, and the value that stands for each of them in the new sum.
#[derive(Debug, Clone, Copy)]
struct Kept {
    count: f64,
    middle: f64,
}

impl FloatHistogram {
    /// Keeps only the observations on one side of `bound`.
    ///
    /// The bucket that holds the bound is cut by interpolation, as in [`quantile`](Self::quantile); of buckets with an infinite bound, about which nothing
    /// is known, little is kept. If anything was cut away, count and sum are estimated anew from the buckets.
    pub fn trim(&mut self, bound: f64, keep: TrimSide) {
        let (mut count, mut sum, mut changed) = (0.0, 0.0, false);
        let mut populated = [false, false];
        for (side, populated) in [Side::Positive, Side::Negative].into_iter().zip(&mut populated) {
            let buckets: Vec<Bucket> = match side {
                Side::Positive => self.positive_buckets().collect(),
                Side::Negative => self.negative_buckets().collect(),
            };
            let linear = self.uses_custom_buckets();
            let (_, counts) = self.side_mut(side);
            for (bucket, left) in buckets.iter().zip(counts).filter(|(b, _)| b.count != 0.0) {
                *populated = true;
                let Some(kept) = kept_of_bucket(bucket, bound, keep, side, linear) else {
                    *left = 0.0;
                    changed = true;
                    continue;
                };
                count += kept.count;
                sum += kept.middle * kept.count;
                changed |= *left != kept.count;
                *left = kept.count;
            }
        }
        if self.zero_count > 0.0 {
            let [positive, negative] = populated;
            let mut zero = self.zero_bucket();
            if negative && !positive {
                zero.upper = 0.0;
            }
            if positive && !negative {
                zero.lower = 0.0;
            }
            let kept = kept_of_zero_bucket(&zero, bound, keep);
            changed |= self.zero_count != kept.count;
            self.zero_count = kept.count;
            count += kept.count;
            sum += kept.middle * kept.count;
        }
        if changed {
            self.count = count;
            self.sum = sum;
            self.compact(0);
        }
    }
}

/// What is kept of a bucket; `None` if it lies wholly on the other side.
fn kept_of_bucket(bucket: &Bucket, bound: f64, keep: TrimSide, side: Side, linear: bool) -> Option<Kept> {
    let whole = match keep {
        TrimSide::KeepBelow => bucket.upper <= bound,
        TrimSide::KeepAbove => bucket.lower >= bound,
    };
    if whole {
        let middle = middle(bucket.lower, bucket.upper, side, linear);
        return Some(Kept { count: bucket.count, middle });
    }
    let cut = match keep {
        TrimSide::KeepBelow => bucket.lower < bound,
        TrimSide::KeepAbove => bucket.upper > bound,
    };
    if !cut {
        return None;
    }
    if bucket.lower == f64::NEG_INFINITY || bucket.upper == f64::INFINITY {
        return Some(kept_of_infinite_bucket(bucket, bound, keep));
    }
    let below = bucket.count * fraction_below(bucket, bound, side, linear);
    Some(match keep {
        TrimSide::KeepBelow => Kept { count: below, middle: middle(bucket.lower, bound, side, linear) },
        TrimSide::KeepAbove => {
            Kept { count: bucket.count - below, middle: middle(bound, bucket.upper, side, linear) }
        }
    })
}

/// The share of a bucket's observations below `bound`, which lies inside.
fn fraction_below(bucket: &Bucket, bound: f64, side: Side, linear: bool) -> f64 {
    if linear {
        return (bound - bucket.lower) / (bucket.upper - bucket.lower);
    }
    let (low, high, at) = (bucket.lower.abs().log2(), bucket.upper.abs().log2(), bound.abs().log2());
    match side {
        Side::Positive => (at - low) / (high - low),
        Side::Negative => 1.0 - (at - high) / (low - high),
    }
}

/// Nothing is known about the observations in a bucket with an infinite bound, unless its other bound shows that they are positive or negative.
fn kept_of_infinite_bucket(bucket: &Bucket, bound: f64, keep: TrimSide) -> Kept {
    let finite = |v: f64| if v.is_infinite() { 0.0 } else { v };
    let nothing = |at: f64| Kept { count: 0.0, middle: finite(at) };
    // A first custom bucket that ends above zero is taken to start at zero.
    let from_zero = bucket.upper > 0.0 && bucket.upper != f64::INFINITY;
    if bucket.lower == f64::NEG_INFINITY {
        return match keep {
            TrimSide::KeepBelow if bound > 0.0 && from_zero => {
                Kept { count: bucket.count * bound / bucket.upper, middle: bound / 2.0 }
            }
            TrimSide::KeepBelow if bucket.upper <= 0.0 => Kept { count: bucket.count, middle: bound },
            TrimSide::KeepAbove if bound >= 0.0 && from_zero => Kept {
                count: bucket.count * (1.0 - bound / bucket.upper),
                middle: f64::midpoint(bound, bucket.upper),
            },
            _ => nothing(bucket.upper),
        };
    }
    match keep {
        TrimSide::KeepAbove if bound >= bucket.lower => Kept { count: bucket.count, middle: bound },
        _ => nothing(bucket.lower),
    }
}

fn kept_of_zero_bucket(zero: &Bucket, bound: f64, keep: TrimSide) -> Kept {
    let whole = Kept { count: zero.count, middle: f64::midpoint(zero.lower, zero.upper) };
    let nothing = Kept { count: 0.0, middle: 0.0 };
    let width = zero.upper - zero.lower;
    match keep {
        TrimSide::KeepBelow if bound <= zero.lower => nothing,
        TrimSide::KeepBelow if bound >= zero.upper => whole,
        TrimSide::KeepBelow => Kept {
            count: zero.count * ((bound - zero.lower) / width),
            middle: f64::midpoint(zero.lower, bound),
        },
        TrimSide::KeepAbove if bound <= zero.lower => whole,
        TrimSide::KeepAbove if bound >= zero.upper => nothing,
        TrimSide::KeepAbove => Kept {
            count: zero.count * ((zero.upper - bound) / width),
            middle: f64::midpoint(bound, zero.upper),
        },
    }
}

/// The value that stands for the observations between two bounds.
fn middle(lower: f64, upper: f64, side: Side, linear: bool) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) if upper > 0.0 => upper / 2.0,
        (true, false) => upper,
        (false, true) => lower,
        (false, false) if linear => f64::midpoint(lower, upper),
        (false, false) => {
            let geometric = (lower * upper).abs().sqrt();
            if side == Side::Positive { geometric } else { -geometric }
        }
    }
}

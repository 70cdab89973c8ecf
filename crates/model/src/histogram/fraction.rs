use super::quantile::{Estimate, NanObservations};
use super::{Bucket, FloatHistogram};

impl FloatHistogram {
    /// Estimates which share of the observations lies between `lower` and `upper`. Interpolation is that of [`quantile`](Self::quantile).
    ///
    /// Observations of NaN are outside of every range, but they count as observations.
    pub fn fraction(&self, lower: f64, upper: f64) -> Estimate {
        if self.count == 0.0 || lower.is_nan() || upper.is_nan() {
            return f64::NAN.into();
        }
        if lower >= upper {
            return 0.0.into();
        }
        let (mut lower_rank, mut upper_rank) = (None, None);
        let (mut rank, mut in_buckets) = (0.0, 0.0);
        let mut buckets = self.all_buckets();
        for mut bucket in buckets.by_ref() {
            in_buckets += bucket.count;
            let around_zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
            if around_zero {
                self.narrow_zero_bucket(&mut bucket);
            }
            let linear = self.uses_custom_buckets() || around_zero;
            lower_rank = lower_rank.or_else(|| rank_in(&bucket, lower, rank, linear));
            upper_rank = upper_rank.or_else(|| rank_in(&bucket, upper, rank, linear));
            if lower_rank.is_some() && upper_rank.is_some() {
                break;
            }
            rank += bucket.count;
        }
        let (total, nan_observations) = if self.sum.is_nan() {
            let in_buckets = buckets.fold(in_buckets, |sum, b| sum + b.count);
            let skewed = in_buckets < self.count;
            (in_buckets, if skewed { NanObservations::Skewed } else { NanObservations::None })
        } else {
            (self.count, NanObservations::None)
        };
        let capped = |rank: Option<f64>| rank.filter(|r| *r <= total).unwrap_or(total);
        Estimate { value: (capped(upper_rank) - capped(lower_rank)) / self.count, nan_observations }
    }
}

/// How many observations lie below `v`, if it lies at the start of or inside the bucket; `rank` are those below the bucket.
fn rank_in(bucket: &Bucket, v: f64, rank: f64, linear: bool) -> Option<f64> {
    if bucket.lower >= v {
        return Some(rank);
    }
    if bucket.upper <= v {
        return None;
    }
    if !linear {
        let (low, high, v_log) = (bucket.lower.abs().log2(), bucket.upper.abs().log2(), v.abs().log2());
        let fraction =
            if v > 0.0 { (v_log - low) / (high - low) } else { 1.0 - (v_log - high) / (low - high) };
        return Some(rank + bucket.count * fraction);
    }
    if bucket.lower == f64::NEG_INFINITY {
        return Some(bucket.count);
    }
    // With an infinite upper bound this adds nothing, because the quotient is zero.
    Some(rank + bucket.count * (v - bucket.lower) / (bucket.upper - bucket.lower))
}

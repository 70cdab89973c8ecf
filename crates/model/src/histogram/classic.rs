//! Estimates from classic histograms: cumulative counts by upper bound, as the `le` label gives them.

/// Two counts that differ by less than this share of their size are taken to be equal: what computed them rounded differently.
const SMALL_DELTA: f64 = 1e-12;

/// One bucket of a classic histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassicBucket {
    /// The upper bound.
    pub upper_bound: f64,
    /// The observations up to that bound.
    pub count: f64,
}

/// A quantile, and what had to be assumed to find it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BucketQuantile {
    /// The quantile.
    pub value: f64,
    /// Counts went down with a rising bound, and were raised.
    pub forced_monotonicity: Option<ForcedMonotonicity>,
}

/// Between which buckets counts went down, and by how much at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForcedMonotonicity {
    /// The lowest upper bound whose count was raised.
    pub min_bucket: f64,
    /// The highest one.
    pub max_bucket: f64,
    /// The greatest drop.
    pub max_diff: f64,
}

/// Estimates the quantile `q`, from 0 to 1, with linear interpolation inside the buckets. Sorts and merges `buckets`.
///
/// NaN if there are fewer than two buckets, no bucket up to +Inf, or no observations.
pub fn bucket_quantile(q: f64, buckets: &mut Vec<ClassicBucket>) -> BucketQuantile {
    let plain = |value| BucketQuantile { value, forced_monotonicity: None };
    if q.is_nan() {
        return plain(f64::NAN);
    }
    if q < 0.0 {
        return plain(f64::NEG_INFINITY);
    }
    if q > 1.0 {
        return plain(f64::INFINITY);
    }
    sort_and_merge(buckets);
    if buckets.last().is_none_or(|b| b.upper_bound != f64::INFINITY) {
        return plain(f64::NAN);
    }
    let forced_monotonicity = force_monotonicity(buckets);
    BucketQuantile { value: quantile_of_monotonic(q, buckets), forced_monotonicity }
}

fn quantile_of_monotonic(q: f64, buckets: &[ClassicBucket]) -> f64 {
    let [finite @ .., highest] = buckets else { return f64::NAN };
    let observations = highest.count;
    let Some(last_finite) = finite.last().filter(|_| observations != 0.0) else { return f64::NAN };
    let rank = q * observations;
    let at = finite.partition_point(|b| b.count < rank || b.count.is_nan() || rank.is_nan());
    let Some(bucket) = finite.get(at) else { return last_finite.upper_bound };
    match at.checked_sub(1).map(|below| finite[below]) {
        None if bucket.upper_bound <= 0.0 => bucket.upper_bound,
        None => bucket.upper_bound * (rank / bucket.count),
        Some(below) => {
            let start = below.upper_bound;
            start + (bucket.upper_bound - start) * ((rank - below.count) / (bucket.count - below.count))
        }
    }
}

/// Estimates which share of the observations lies between `lower` and `upper`, with linear interpolation inside the buckets. Sorts and
/// merges `buckets`.
pub fn bucket_fraction(lower: f64, upper: f64, buckets: &mut Vec<ClassicBucket>) -> f64 {
    sort_and_merge(buckets);
    let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else { return f64::NAN };
    let total = last.count;
    if last.upper_bound != f64::INFINITY || total == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    // If the first bound is positive, so are all observations.
    let mut start = if first.upper_bound <= 0.0 { f64::NEG_INFINITY } else { 0.0 };
    let (mut rank, mut lower_rank, mut upper_rank) = (0.0, None, None);
    for bucket in buckets.iter() {
        let rank_of = |v: f64| {
            if start >= v {
                Some(rank)
            } else if bucket.upper_bound <= v {
                None
            } else if start == f64::NEG_INFINITY {
                Some(bucket.count)
            } else {
                Some(rank + (bucket.count - rank) * (v - start) / (bucket.upper_bound - start))
            }
        };
        lower_rank = lower_rank.or_else(|| rank_of(lower));
        upper_rank = upper_rank.or_else(|| rank_of(upper));
        if lower_rank.is_some() && upper_rank.is_some() {
            break;
        }
        rank = bucket.count;
        start = bucket.upper_bound;
    }
    let capped = |rank: Option<f64>| rank.filter(|r| *r <= total).unwrap_or(total);
    (capped(upper_rank) - capped(lower_rank)) / total
}

/// Sorts by upper bound and adds the counts of buckets with the same one.
fn sort_and_merge(buckets: &mut Vec<ClassicBucket>) {
    buckets.sort_by(|a, b| a.upper_bound.total_cmp(&b.upper_bound));
    buckets.dedup_by(|b, kept| {
        let same = b.upper_bound == kept.upper_bound;
        if same {
            kept.count += b.count;
        }
        same
    });
}

/// Raises counts that are lower than one before, as scrapes that are not atomic and sums that were rounded produce them. Differences that
/// can be due to rounding are evened out in silence.
fn force_monotonicity(buckets: &mut [ClassicBucket]) -> Option<ForcedMonotonicity> {
    let (first, rest) = buckets.split_first_mut()?;
    let mut previous = first.count;
    let mut forced: Option<ForcedMonotonicity> = None;
    for bucket in rest {
        if almost_equal(previous, bucket.count) {
            bucket.count = previous;
        } else if bucket.count < previous {
            let drop = previous - bucket.count;
            bucket.count = previous;
            let seen = forced.get_or_insert(ForcedMonotonicity {
                min_bucket: bucket.upper_bound,
                max_bucket: bucket.upper_bound,
                max_diff: drop,
            });
            seen.max_bucket = bucket.upper_bound;
            seen.max_diff = seen.max_diff.max(drop);
        } else {
            previous = bucket.count;
        }
    }
    forced
}

fn almost_equal(a: f64, b: f64) -> bool {
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let (sum, diff) = (a.abs() + b.abs(), (a - b).abs());
    // The common case, far from the border and so without dividing.
    if diff > 2.0 * SMALL_DELTA * sum && diff > 1e-200 {
        return false;
    }
    is_small_beside(diff, sum, a == 0.0 || b == 0.0)
}

fn is_small_beside(diff: f64, sum: f64, any_zero: bool) -> bool {
    if any_zero || sum < f64::MIN_POSITIVE {
        return diff < SMALL_DELTA * f64::MIN_POSITIVE;
    }
    diff / sum.min(f64::MAX) < SMALL_DELTA
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn buckets(list: &[(f64, f64)]) -> Vec<ClassicBucket> {
        list.iter()
            .map(|(upper_bound, count)| ClassicBucket { upper_bound: *upper_bound, count: *count })
            .collect()
    }

    #[test]
    fn quantiles() {
        let check = |q: f64, list: &[(f64, f64)], want: f64| {
            let got = bucket_quantile(q, &mut buckets(list)).value;
            assert!(got == want || (got.is_nan() && want.is_nan()), "{q} {list:?}: {got}");
        };
        let inf = f64::INFINITY;
        let positive = [(inf, 12.0), (0.1, 5.0), (0.2, 8.0), (1.0, 11.0)];
        check(0.0, &positive, 0.0);
        check(0.5, &positive, 0.1 + 0.1 * (1.0 / 3.0));
        check(1.0, &positive, 1.0);
        check(1.1, &positive, inf);
        check(-0.1, &positive, -inf);
        check(f64::NAN, &positive, f64::NAN);
        check(0.5, &[(-0.2, 1.0), (-0.1, 2.0), (inf, 2.0)], -0.2);
        check(0.5, &[(1.0, 1.0)], f64::NAN);
        check(0.5, &[(inf, 1.0)], f64::NAN);
        check(0.5, &[(1.0, 0.0), (inf, 0.0)], f64::NAN);
        check(0.5, &[], f64::NAN);
    }

    #[test]
    fn monotonicity_is_forced_and_told() {
        let list = [(1.0, 10.0), (2.0, 9.0), (3.0, 9.000_000_000_000_001), (4.0, 5.0), (f64::INFINITY, 12.0)];
        let mut b = buckets(&list);
        let got = bucket_quantile(0.5, &mut b);
        assert_eq!(
            got.forced_monotonicity,
            Some(ForcedMonotonicity { min_bucket: 2.0, max_bucket: 4.0, max_diff: 5.0 })
        );
        assert_eq!(b.iter().map(|b| b.count).collect::<Vec<_>>(), [10.0, 10.0, 10.0, 10.0, 12.0]);
        let mut rounded = buckets(&[(1.0, 10.0), (2.0, 10.0 - 1e-14), (f64::INFINITY, 10.0)]);
        assert_eq!(bucket_quantile(0.5, &mut rounded).forced_monotonicity, None);
    }

    #[test]
    fn fractions() {
        let list = [(1.0, 2.0), (2.0, 4.0), (f64::INFINITY, 8.0)];
        let check =
            |lower, upper, want: f64| assert_eq!(bucket_fraction(lower, upper, &mut buckets(&list)), want);
        check(0.0, 1.0, 0.25);
        check(-1.0, 1.5, 0.375);
        check(0.5, 100.0, 0.375);
        check(2.0, f64::INFINITY, 0.5);
        check(2.0, 1.0, 0.0);
        assert!(bucket_fraction(f64::NAN, 1.0, &mut buckets(&list)).is_nan());
        assert!(bucket_fraction(0.0, 1.0, &mut Vec::new()).is_nan());
    }

    proptest! {
        #[test]
        fn counts_far_from_each_other_need_no_division(a: f64, other: f64, share in -5e-12..5e-12_f64, near: bool) {
            let b = if near { a * (1.0 + share) } else { other };
            let (sum, diff) = (a.abs() + b.abs(), (a - b).abs());
            let plain = a == b || (a.is_nan() && b.is_nan()) || is_small_beside(diff, sum, a == 0.0 || b == 0.0);
            prop_assert_eq!(almost_equal(a, b), plain);
        }
    }
}

//! Which times came, each within one percent.

use std::collections::BTreeMap;

/// The relative error of a quantile, at most.
#[cfg(test)]
pub(super) const RELATIVE_ERROR: f64 = 0.01;
/// The ratio of the bounds of a bucket: whatever is between them is within 1 % of the middle.
const GAMMA: f64 = 1.01 / 0.99;
/// Less than this, in seconds, is as good as nothing.
const MIN: f64 = 1e-6;
/// More than this, in seconds, is as good as for ever.
const MAX: f64 = 1e6;

/// Counts by exponential buckets, of which there are 1,383. Those of several processes add up without becoming less exact.
#[derive(Debug, Clone, Default)]
pub(super) struct Sketch {
    counts: BTreeMap<i16, u64>,
}

/// The bucket of a time in seconds: `i` has what is above `GAMMA^(i - 1)` and not above `GAMMA^i`.
pub(super) fn bucket(seconds: f64) -> i16 {
    (seconds.clamp(MIN, MAX).ln() / GAMMA.ln()).ceil() as i16
}

fn middle(bucket: i16) -> f64 {
    2.0 * GAMMA.powi(i32::from(bucket)) / (GAMMA + 1.0)
}

impl FromIterator<(i16, u64)> for Sketch {
    /// Of buckets and how often times in them came.
    fn from_iter<I: IntoIterator<Item = (i16, u64)>>(buckets: I) -> Self {
        let mut counts = BTreeMap::new();
        for (bucket, n) in buckets.into_iter().filter(|(_, n)| *n > 0) {
            *counts.entry(bucket).or_default() += n;
        }
        Self { counts }
    }
}

impl Sketch {
    /// The time in seconds that a share `q` of all is not above. `None` without any.
    pub(super) fn quantile(&self, q: f64) -> Option<f64> {
        let n: u64 = self.counts.values().sum();
        let rank = (q * n as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let found = self.counts.iter().find(|(_, n)| {
            below += *n;
            below >= rank
        });
        found.map(|(bucket, _)| middle(*bucket))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sketch<'s>(seconds: impl IntoIterator<Item = &'s f64>) -> Sketch {
        seconds.into_iter().map(|seconds| (bucket(*seconds), 1)).collect()
    }

    proptest! {
        #[test]
        fn quantiles_are_within_the_error_also_when_merged(
            mut times in prop::collection::vec(1e-6_f64..1e5, 1..300),
            q in 0.0_f64..=1.0,
            n_processes in 1_usize..5,
        ) {
            let of = |process: usize| sketch(times.iter().skip(process).step_by(n_processes)).counts;
            let all: Sketch = (0..n_processes).flat_map(of).collect();
            prop_assert_eq!(&all.counts, &sketch(&times).counts);
            times.sort_by(f64::total_cmp);
            let rank = ((q * times.len() as f64).ceil() as usize).max(1);
            let (exact, found) = (times[rank - 1], all.quantile(q).expect("there are times"));
            prop_assert!((found / exact - 1.0).abs() <= RELATIVE_ERROR + 1e-9, "{found} is not {exact}");
        }
    }

    #[test]
    fn impossible_times_are_somewhere() {
        assert_eq!(sketch(&[]).quantile(0.5), None);
        let all = sketch(&[0.0, -1.0, f64::INFINITY, f64::NAN]);
        assert!(all.quantile(1.0).is_some_and(f64::is_finite));
        let n_buckets = bucket(MAX) - bucket(MIN) + 1;
        assert!(n_buckets < 2_000, "each of {n_buckets} may be a value of a label");
    }
}

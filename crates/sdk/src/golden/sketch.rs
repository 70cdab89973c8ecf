//! Which values came, each within one percent, in as little room as few values need: a slice of a second has only a handful of them, and there are hundreds of slices.

/// The relative error of a quantile, at most.
#[cfg(test)]
pub(super) const RELATIVE_ERROR: f64 = 0.01;
/// The ratio of the bounds of a bucket: whatever is between them is within 1 % of the middle.
const GAMMA: f64 = 1.01 / 0.99;
/// Less than this, in seconds, is as good as nothing.
const MIN: f64 = 1e-9;
/// More than this, in seconds, is as good as for ever.
const MAX: f64 = 1e9;

/// Counts by exponential buckets. Sketches add up without becoming less exact.
#[derive(Debug, Clone, Default)]
pub(super) struct Sketch {
    /// Bucket and count, in the order of buckets.
    counts: Vec<(i16, u32)>,
}

/// The bucket `i` has what is above `GAMMA^(i - 1)` and not above `GAMMA^i`.
fn bucket(value: f64) -> i16 {
    (value.clamp(MIN, MAX).ln() / GAMMA.ln()).ceil() as i16
}

fn middle(bucket: i16) -> f64 {
    2.0 * GAMMA.powi(i32::from(bucket)) / (GAMMA + 1.0)
}

impl Sketch {
    pub(super) fn add(&mut self, value: f64) {
        self.add_many(bucket(value), 1);
    }

    fn add_many(&mut self, bucket: i16, n: u32) {
        match self.counts.binary_search_by_key(&bucket, |(b, _)| *b) {
            Ok(place) => self.counts[place].1 = self.counts[place].1.saturating_add(n),
            Err(place) => self.counts.insert(place, (bucket, n)),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (bucket, n) in &other.counts {
            self.add_many(*bucket, *n);
        }
    }

    pub(super) fn clear(&mut self) {
        self.counts.clear();
    }

    /// The value that a share `q` of all values is not above. `None` without values.
    pub(super) fn quantile(&self, q: f64) -> Option<f64> {
        let n: u64 = self.counts.iter().map(|(_, n)| u64::from(*n)).sum();
        let rank = (q * n as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let found = self.counts.iter().find(|(_, n)| {
            below += u64::from(*n);
            below >= rank
        });
        found.map(|(bucket, _)| middle(*bucket))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn quantiles_are_within_the_error_also_when_merged(
            mut values in prop::collection::vec(1e-6_f64..1e5, 1..300),
            q in 0.0_f64..=1.0,
            n_sketches in 1_usize..5,
        ) {
            let mut sketches = vec![Sketch::default(); n_sketches];
            for (idx, value) in values.iter().enumerate() {
                sketches[idx % n_sketches].add(*value);
            }
            let mut all = Sketch::default();
            for sketch in &sketches {
                all.merge(sketch);
            }
            values.sort_by(f64::total_cmp);
            let rank = ((q * values.len() as f64).ceil() as usize).max(1);
            let (exact, found) = (values[rank - 1], all.quantile(q).expect("there are values"));
            prop_assert!((found / exact - 1.0).abs() <= RELATIVE_ERROR + 1e-9, "{found} is not {exact}");
        }
    }

    #[test]
    fn impossible_durations_are_somewhere() {
        let mut sketch = Sketch::default();
        assert_eq!(sketch.quantile(0.5), None);
        for value in [0.0, -1.0, f64::INFINITY, f64::NAN] {
            sketch.add(value);
        }
        assert!(sketch.quantile(1.0).is_some_and(f64::is_finite));
        sketch.clear();
        assert_eq!(sketch.quantile(0.5), None);
    }
}

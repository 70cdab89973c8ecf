use super::FloatHistogram;

/// A value that was estimated from buckets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Whether observations of NaN, which are in no bucket, touched it.
    pub nan_observations: NanObservations,
}

/// How observations of NaN touched an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NanObservations {
    /// Not at all.
    #[default]
    None,
    /// There are some, so the value is higher than it should be, or a share is of more observations than the buckets hold.
    Skewed,
    /// The wanted observation is one of them, so the value is NaN.
    Hit,
}

impl From<f64> for Estimate {
    fn from(value: f64) -> Self {
        Self { value, nan_observations: NanObservations::None }
    }
}

impl FloatHistogram {
    /// Estimates the quantile `q`, from 0 to 1, of the observations.
    ///
    /// Inside exponential buckets the observations are taken to be spread evenly on a logarithmic scale, inside custom buckets and the
    /// zero bucket on a linear one. A zero bucket beside buckets of one sign only is taken to hold observations of that sign. In a bucket with an infinite
    /// bound the finite one is the result.
    pub fn quantile(&self, q: f64) -> Estimate {
        if q < 0.0 {
            return f64::NEG_INFINITY.into();
        }
        if q > 1.0 {
            return f64::INFINITY.into();
        }
        if self.count == 0.0 || q.is_nan() {
            return f64::NAN.into();
        }
        // NaN observations count as the greatest; they are in no bucket, so the rank has to be counted from below. Otherwise the
        // nearer end is better, because it adds up fewer rounding errors.
        let from_below = self.sum.is_nan() || q < 0.5;
        if from_below {
            self.quantile_at(q * self.count, true, self.all_buckets())
        } else {
            self.quantile_at((1.0 - q) * self.count, false, self.all_buckets().rev())
        }
    }

    fn quantile_at(
        &self,
        rank: f64,
        from_below: bool,
        mut buckets: impl Iterator<Item = super::Bucket>,
    ) -> Estimate {
        let mut count = 0.0;
        let mut hit = None;
        for bucket in buckets.by_ref() {
            hit = Some(bucket);
            if bucket.count != 0.0 {
                count += bucket.count;
                if count >= rank {
                    break;
                }
            }
        }
        // Without any bucket there are only NaN observations, or the histogram is not consistent.
        let Some(mut bucket) = hit else {
            return if self.sum.is_nan() {
                Estimate { value: f64::NAN, nan_observations: NanObservations::Hit }
            } else {
                0.0.into()
            };
        };
        if self.uses_custom_buckets() {
            if bucket.lower == f64::NEG_INFINITY {
                if bucket.upper <= 0.0 {
                    return bucket.upper.into();
                }
                bucket.lower = 0.0;
            } else if bucket.upper == f64::INFINITY {
                return bucket.lower.into();
            }
        } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
            self.narrow_zero_bucket(&mut bucket);
        }
        // Rounding may have added up to more than there is.
        count = count.min(self.count);
        if count < rank {
            return if self.sum.is_nan() {
                Estimate { value: f64::NAN, nan_observations: NanObservations::Hit }
            } else {
                bucket.upper.into()
            };
        }
        let into_bucket = if from_below { rank - (count - bucket.count) } else { count - rank };
        let fraction = into_bucket / bucket.count;
        let nan_observations =
            if self.sum.is_nan() && buckets.fold(count, |sum, b| sum + b.count) < self.count {
                NanObservations::Skewed
            } else {
                NanObservations::None
            };
        let value = if self.uses_custom_buckets() || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
            bucket.lower + (bucket.upper - bucket.lower) * fraction
        } else {
            let (low, high) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
            if bucket.lower > 0.0 {
                (low + (high - low) * fraction).exp2()
            } else {
                -(high + (low - high) * (1.0 - fraction)).exp2()
            }
        };
        Estimate { value, nan_observations }
    }

    /// A zero bucket beside buckets of one sign only ends, or starts, at zero.
    pub(super) fn narrow_zero_bucket(&self, bucket: &mut super::Bucket) {
        match (self.negative_buckets.is_empty(), self.positive_buckets.is_empty()) {
            (true, false) => bucket.lower = 0.0,
            (false, true) => bucket.upper = 0.0,
            _ => {}
        }
    }
}

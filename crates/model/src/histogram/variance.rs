use super::FloatHistogram;
use super::kahan::kahan_add;

impl FloatHistogram {
    /// Estimates the population variance of the observations. Each bucket counts as its middle: the arithmetic one for custom buckets, the geometric one for
    /// exponential buckets, zero for the zero bucket.
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        let (mut sum, mut c) = (0.0, 0.0);
        for bucket in self.all_buckets().filter(|b| b.count != 0.0) {
            let middle = if self.uses_custom_buckets() {
                f64::midpoint(bucket.upper, bucket.lower)
            } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
                0.0
            } else {
                (bucket.upper * bucket.lower).sqrt().copysign(bucket.upper)
            };
            let delta = middle - mean;
            (sum, c) = kahan_add(bucket.count * delta * delta, sum, c);
        }
        (sum + c) / self.count
    }

    /// The square root of the [`variance`](Self::variance).
    pub fn standard_deviation(&self) -> f64 {
        self.variance().sqrt()
    }
}

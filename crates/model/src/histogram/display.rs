use std::fmt;

use super::{Bucket, FloatHistogram};
use crate::float::format_float_go;

/// Written as Prometheus does: count, sum and the buckets that are not empty, from the lowest to the highest.
impl fmt::Display for FloatHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", format_float_go(self.count), format_float_go(self.sum))?;
        let zero = Some(self.zero_bucket());
        let buckets = self.negative_buckets().rev().chain(zero).chain(self.positive_buckets());
        for bucket in buckets.filter(|b: &Bucket| b.count != 0.0) {
            write!(f, ", {bucket}")?;
        }
        f.write_str("}")
    }
}

use std::sync::Arc;

use crate::FloatHistogram;

/// The bits of the NaN that marks a series as stale (Prometheus `value.StaleNaN`). They are kept exactly from the scrape to
/// the disk and back, because any other NaN is an ordinary value.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The staleness marker.
pub fn stale_nan() -> f64 {
    f64::from_bits(STALE_NAN_BITS)
}

/// Whether `v` is the staleness marker, and not just any NaN.
pub fn is_stale_nan(v: f64) -> bool {
    v.to_bits() == STALE_NAN_BITS
}

/// The value of one sample.
#[derive(Debug, Clone)]
pub enum Value {
    /// A float.
    Float(f64),
    /// A native histogram. Integer histograms are converted where they enter: their counts are exact in an `f64` up to 2^53.
    Histogram(Arc<FloatHistogram>),
}

impl Value {
    /// Whether this is a staleness marker: the special NaN, or a histogram whose sum is that NaN.
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Float(v) => is_stale_nan(*v),
            Self::Histogram(h) => is_stale_nan(h.sum),
        }
    }
}

impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Self::Float(v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_marker_is_stale() {
        assert!(stale_nan().is_nan());
        assert!(is_stale_nan(stale_nan()));
        assert!(!is_stale_nan(f64::NAN));
        assert!(Value::from(stale_nan()).is_stale());
    }
}

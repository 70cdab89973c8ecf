use crate::NORMAL_NAN_BITS;

/// The value with any NaN replaced by the normal one: a target cannot mark its own series as stale.
#[inline]
pub(super) fn normal(value: f64) -> f64 {
    if value.is_nan() { f64::from_bits(NORMAL_NAN_BITS) } else { value }
}

//! The buckets of native histograms: between two powers of two there are 2^schema of them, each as much wider than the one before.

/// The finest resolution: 256 buckets per power of two.
pub(crate) const MAX_SCHEMA: i32 = 8;
/// The coarsest: each bucket is 2^16 times as wide as the one before.
pub(crate) const MIN_SCHEMA: i32 = -4;
/// What is closer to zero than this belongs to the zero bucket, as in Prometheus' client for Go: 2^-128.
pub(crate) const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

const PER_POWER: usize = 1 << MAX_SCHEMA;

/// The upper bounds of the buckets between one half and one in the finest resolution.
///
/// Prometheus ships such bounds as tables for each schema: every second one is that of the schema below, the others are the one before times a
/// factor. Coarser bounds are a part of these.
static BOUNDS: [f64; PER_POWER] = bounds();

/// 2^(1/2), 2^(1/4), ... as the tables have them, which is not always the closest number.
const FACTORS: [f64; MAX_SCHEMA as usize] = [
    // The square root of two is one bit greater.
    std::f64::consts::SQRT_2.next_down(),
    1.189_207_115_002_721,
    1.090_507_732_665_257_7,
    1.044_273_782_427_413_8,
    1.021_897_148_654_116_6,
    1.010_889_286_051_700_5,
    1.005_429_901_112_802_7,
    1.002_711_275_050_202_5,
];

const fn bounds() -> [f64; PER_POWER] {
    let mut bounds = [0.5; PER_POWER];
    let mut schema = 0;
    let mut step = PER_POWER;
    while schema < FACTORS.len() {
        let mut idx = step / 2;
        while idx < PER_POWER {
            bounds[idx] = bounds[idx - step / 2] * FACTORS[schema];
            idx += step;
        }
        step /= 2;
        schema += 1;
    }
    bounds
}

/// The bucket of a magnitude in the finest resolution. It must be finite and at least [`ZERO_THRESHOLD`].
#[inline]
pub(crate) fn bucket(magnitude: f64) -> i32 {
    let bits = magnitude.to_bits();
    // The number is `fraction` times two to the power of `exponent`, the fraction from one half on and below one.
    let exponent = (bits >> 52) as i32 - 1022;
    let fraction = f64::from_bits(bits & ((1 << 52) - 1) | 1022 << 52);
    let within = BOUNDS.partition_point(|bound| *bound < fraction);
    (exponent - 1) * PER_POWER as i32 + within as i32
}

/// The bucket of a coarser schema that the bucket of a finer one is in.
#[inline]
pub(crate) fn coarser(bucket: i32, from: i32, to: i32) -> i32 {
    ((bucket - 1) >> (from - to)) + 1
}

/// The upper bound of a bucket. That of the last one is the greatest number.
pub(crate) fn upper_bound(bucket: i32, schema: i32) -> f64 {
    // As a bucket of the finest resolution, the last of those that make this one up.
    let finest = i64::from(bucket) << (MAX_SCHEMA - schema);
    let exponent = finest.div_euclid(PER_POWER as i64) as i32 + 1;
    let fraction = BOUNDS[finest.rem_euclid(PER_POWER as i64) as usize];
    if exponent > 1024 {
        return if fraction == 0.5 && exponent == 1025 { f64::MAX } else { f64::INFINITY };
    }
    // Two steps, because twice the greatest power of two is no number, and half of the least is none either.
    fraction * 2.0 * 2_f64.powi(exponent - 1)
}

#[cfg(test)]
mod tests {
    use bellwether_model::histogram::{FloatHistogram, Span};
    use proptest::prelude::*;

    use super::*;

    /// The bounds of a bucket as the model has them, which computes its tables as they were made at first.
    fn model_bounds(bucket: i32, schema: i32) -> (f64, f64) {
        let histogram = FloatHistogram {
            schema,
            positive_spans: vec![Span { offset: bucket, length: 1 }],
            positive_buckets: vec![1.0],
            ..FloatHistogram::default()
        };
        let bucket = histogram.positive_buckets().next().expect("there is one");
        (bucket.lower, bucket.upper)
    }

    fn magnitudes() -> impl Strategy<Value = f64> {
        let any = (ZERO_THRESHOLD.to_bits()..=f64::MAX.to_bits()).prop_map(f64::from_bits);
        let near_bounds = (0..PER_POWER, -120_i32..=1023, -1_i64..=1).prop_map(|(idx, exponent, off)| {
            f64::from_bits((BOUNDS[idx] * 2_f64.powi(exponent)).to_bits().wrapping_add_signed(off))
        });
        prop_oneof![any, near_bounds]
    }

    proptest! {
        #[test]
        fn a_value_is_within_the_bounds_of_its_bucket(value in magnitudes(), schema in MIN_SCHEMA..=MAX_SCHEMA) {
            let bucket = coarser(bucket(value), MAX_SCHEMA, schema);
            let (lower, upper) = model_bounds(bucket, schema);
            prop_assert!(lower < value && value <= upper, "{value:e} is not in {bucket}: ({lower:e}, {upper:e}]");
            prop_assert_eq!(upper_bound(bucket, schema), upper);
            prop_assert_eq!(upper_bound(bucket - 1, schema), lower);
        }
    }

    #[test]
    fn the_last_bound_is_the_greatest_number() {
        assert_eq!(bucket(f64::MAX), 1024 << MAX_SCHEMA);
        assert_eq!(upper_bound(1024 << MAX_SCHEMA, MAX_SCHEMA), f64::MAX);
        assert_eq!(upper_bound((1024 << MAX_SCHEMA) + 1, MAX_SCHEMA), f64::INFINITY);
    }
}

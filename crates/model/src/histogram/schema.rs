use std::sync::LazyLock;

/// The schema number of histograms with custom bucket bounds.
pub const CUSTOM_BUCKETS_SCHEMA: i32 = -53;
/// The lowest resolution of exponential buckets: each is 2^16 times as wide as the one before.
pub const MIN_EXPONENTIAL_SCHEMA: i32 = -4;
/// The highest resolution of exponential buckets: 256 buckets per power of two.
pub const MAX_EXPONENTIAL_SCHEMA: i32 = 8;

/// The highest resolution that others may send: the specification reserves these schemas for exponential buckets. Nothing finer than
/// [`MAX_EXPONENTIAL_SCHEMA`] is kept.
pub(super) const MAX_RESERVED_SCHEMA: i32 = 52;

/// Whether `schema` stands for exponential buckets.
pub fn is_exponential_schema(schema: i32) -> bool {
    (MIN_EXPONENTIAL_SCHEMA..=MAX_EXPONENTIAL_SCHEMA).contains(&schema)
}

/// The upper bound of the positive bucket `idx` under an exponential schema.
///
/// The bucket that ends at 2^1024 ends at the greatest finite number instead, so that only infinite observations are in the bucket
/// behind it.
pub(super) fn exponential_bound(idx: i32, schema: i32) -> f64 {
    if schema < 0 {
        let exponent = i64::from(idx) << -schema;
        return if exponent == 1024 { f64::MAX } else { power_of_two(exponent) };
    }
    let buckets_per_power = 1_i32 << schema;
    let fraction = FRACTIONS[schema as usize][(idx & (buckets_per_power - 1)) as usize];
    let exponent = (idx >> schema) + 1;
    if fraction == 0.5 && exponent == 1025 {
        return f64::MAX;
    }
    fraction_times_power(fraction, exponent)
}

/// The index under schema `to` of the bucket that holds bucket `idx` of schema `from`, which is at least as fine.
pub(super) fn coarser_index(idx: i32, from: i32, to: i32) -> i32 {
    // Behind the 31st bit there is nothing but the sign.
    ((idx.wrapping_sub(1)) >> (from - to).min(31)).wrapping_add(1)
}

/// `2^exponent`, 0 and infinity included.
fn power_of_two(exponent: i64) -> f64 {
    // `powi` with a power of two is exact down to the subnormal numbers when it is done in two steps.
    if exponent < -1074 {
        0.0
    } else if exponent < -1022 {
        2_f64.powi(exponent as i32 + 100) * 2_f64.powi(-100)
    } else if exponent > 1023 {
        f64::INFINITY
    } else {
        f64::from_bits(((exponent + 1023) as u64) << 52)
    }
}

/// `fraction * 2^exponent` for a fraction in `[0.5, 1)`.
fn fraction_times_power(fraction: f64, exponent: i32) -> f64 {
    if exponent > 1024 {
        return f64::INFINITY;
    }
    (fraction * 2.0) * power_of_two(i64::from(exponent) - 1)
}

/// For each schema from 0 on, the upper bounds of the buckets in `[0.5, 1)`.
///
/// Prometheus ships these as tables, in which the odd entries are the entry before times the growth factor and the even ones are those of the
/// schema below. The bounds are shown to users, so they are computed in the same way down to the last bit.
static FRACTIONS: LazyLock<Vec<Vec<f64>>> = LazyLock::new(|| {
    let mut tables: Vec<Vec<f64>> = vec![vec![0.5]];
    for schema in 1..=MAX_EXPONENTIAL_SCHEMA {
        let factor = exp2_to_published_bits(power_of_two(i64::from(-schema)));
        let coarser = &tables[schema as usize - 1];
        let mut table = Vec::with_capacity(2 * coarser.len());
        for bound in coarser {
            table.push(*bound);
            table.push(bound * factor);
        }
        tables.push(table);
    }
    tables
});

/// `2^x` for `0 < x <= 0.5` by the FreeBSD algorithm, with which the published tables were made. Correctly rounded functions differ from it
/// in the last bit.
fn exp2_to_published_bits(x: f64) -> f64 {
    const LN2_HI: f64 = 6.931_471_803_691_238e-1;
    const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;
    const P: [f64; 5] = [
        1.666_666_666_666_660_2e-1,
        -2.777_777_777_701_559_3e-3,
        6.613_756_321_437_934e-5,
        -1.653_390_220_546_525_2e-6,
        4.138_136_797_057_238_5e-8,
    ];
    let whole = (x + 0.5).trunc();
    let rest = x - whole;
    let (hi, lo) = (rest * LN2_HI, -rest * LN2_LO);
    let r = hi - lo;
    let rr = r * r;
    let c = r - rr * (P[0] + rr * (P[1] + rr * (P[2] + rr * (P[3] + rr * P[4]))));
    let y = 1.0 - ((lo - (r * c) / (2.0 - c)) - hi);
    y * power_of_two(whole as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_that_prometheus_prints() {
        assert_eq!(FRACTIONS[1], [0.5, 0.707_106_781_186_547_5]);
        assert_eq!(
            FRACTIONS[3],
            [
                0.5,
                0.545_253_866_332_628_8,
                0.594_603_557_501_360_5,
                0.648_419_777_325_504_8,
                0.707_106_781_186_547_5,
                0.771_105_412_703_970_4,
                0.840_896_415_253_714_4,
                0.917_004_043_204_671_1
            ]
        );
        assert_eq!(
            FRACTIONS[4],
            [
                0.5,
                0.522_136_891_213_706_9,
                0.545_253_866_332_628_8,
                0.569_394_317_378_345_8,
                0.594_603_557_501_360_5,
                0.620_928_906_036_742,
                0.648_419_777_325_504_8,
                0.677_127_773_468_446_3,
                0.707_106_781_186_547_5,
                0.738_413_072_969_749_6,
                0.771_105_412_703_970_4,
                0.805_245_165_974_627,
                0.840_896_415_253_714_4,
                0.878_126_080_186_649_5,
                0.917_004_043_204_671_1,
                0.957_603_280_698_573_5
            ]
        );
        assert_eq!(
            FRACTIONS[5][..8],
            [
                0.5,
                0.510_948_574_327_058_3,
                0.522_136_891_213_706_9,
                0.533_570_200_338_411_7,
                0.545_253_866_332_628_8,
                0.557_193_371_297_946_2,
                0.569_394_317_378_345_8,
                0.581_862_429_388_788_7
            ]
        );
        assert_eq!(FRACTIONS[8].len(), 256);
        assert!(FRACTIONS[8].windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn bounds_at_the_ends() {
        let check =
            |idx, schema, want: f64| assert_eq!(exponential_bound(idx, schema), want, "{idx} {schema}");
        check(0, 0, 1.0);
        check(1, 0, 2.0);
        check(-1, 0, 0.5);
        check(1, -2, 16.0);
        check(512, -1, f64::MAX);
        check(1024, 0, f64::MAX);
        check(1025, 0, f64::INFINITY);
        check(-1074, 0, f64::from_bits(1));
        check(-1080, 0, 0.0);
        check(2, 1, 2.0);
        // The published bound is one bit below the square root of two.
        check(1, 1, std::f64::consts::SQRT_2.next_down());
        check(262_144, 8, f64::MAX);
        check(262_145, 8, f64::INFINITY);
    }

    #[test]
    fn very_fine_indices_meet_around_one() {
        for (idx, want) in [(i32::MIN + 1, 0), (-1, 0), (0, 0), (1, 1), (i32::MAX, 1)] {
            assert_eq!(coarser_index(idx, MAX_RESERVED_SCHEMA, MAX_EXPONENTIAL_SCHEMA), want, "{idx}");
        }
    }

    #[test]
    fn coarser_indices_hold_the_finer_buckets() {
        for idx in -20..20 {
            let coarse = coarser_index(idx, 3, 1);
            assert!(exponential_bound(coarse, 1) >= exponential_bound(idx, 3) * (1.0 - 1e-15));
            assert!(exponential_bound(coarse - 1, 1) <= exponential_bound(idx - 1, 3) * (1.0 + 1e-15));
        }
    }
}

use bellwether_model::{FloatHistogram, is_stale_nan};

/// By how much two numbers may differ, as a share of their sum.
const TOLERANCE: f64 = 1e-6;

/// Whether two floats are equal up to rounding: staleness markers equal staleness markers, other NaNs other NaNs, zero only zero.
pub fn almost_equal(a: f64, b: f64) -> bool {
    if is_stale_nan(a) || is_stale_nan(b) {
        return is_stale_nan(a) && is_stale_nan(b);
    }
    if (a.is_nan() && b.is_nan()) || a == b {
        return true;
    }
    let (sum, diff) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return diff < TOLERANCE * f64::MIN_POSITIVE;
    }
    diff / sum.min(f64::MAX) < TOLERANCE
}

/// Whether two histograms are equal up to rounding and empty buckets; if not, says in what they differ. The counter reset hint is compared only
/// on request.
pub fn compare_histograms(
    want: &FloatHistogram,
    got: &FloatHistogram,
    with_hint: bool,
) -> Result<(), String> {
    let (mut want, mut got) = (want.clone(), got.clone());
    want.compact(0);
    got.compact(0);
    if with_hint && want.counter_reset_hint != got.counter_reset_hint {
        return Err(differ("counter reset hint", want.counter_reset_hint, got.counter_reset_hint));
    }
    if want.schema != got.schema {
        return Err(differ("schema", want.schema, got.schema));
    }
    if want.zero_threshold != got.zero_threshold {
        return Err(differ("zero threshold", want.zero_threshold, got.zero_threshold));
    }
    if want.custom_bounds() != got.custom_bounds() {
        return Err(differ("custom values", want.custom_bounds(), got.custom_bounds()));
    }
    if want.positive_spans != got.positive_spans {
        return Err(differ("positive spans", &want.positive_spans, &got.positive_spans));
    }
    if want.negative_spans != got.negative_spans {
        return Err(differ("negative spans", &want.negative_spans, &got.negative_spans));
    }
    for (what, a, b) in [
        ("count", want.count, got.count),
        ("sum", want.sum, got.sum),
        ("zero count", want.zero_count, got.zero_count),
    ] {
        if !almost_equal(a, b) {
            return Err(differ(what, a, b));
        }
    }
    for (what, a, b) in [
        ("positive buckets", &want.positive_buckets, &got.positive_buckets),
        ("negative buckets", &want.negative_buckets, &got.negative_buckets),
    ] {
        if a.len() != b.len() || !a.iter().zip(b).all(|(a, b)| almost_equal(*a, *b)) {
            return Err(differ(what, a, b));
        }
    }
    Ok(())
}

fn differ(what: &str, want: impl std::fmt::Debug, got: impl std::fmt::Debug) -> String {
    format!("{what} is {got:?}, expected {want:?}")
}

#[cfg(test)]
mod tests {
    use bellwether_model::{Span, stale_nan};

    use super::*;

    #[test]
    fn floats() {
        let check = |a: f64, b: f64, want| {
            assert_eq!((almost_equal(a, b), almost_equal(b, a)), (want, want), "{a} {b}");
        };
        check(1.0, 1.0 + 1e-7, true);
        check(1.0, 1.000_01, false);
        check(0.0, 1e-300, false);
        check(0.0, -0.0, true);
        check(f64::NAN, f64::NAN, true);
        check(f64::NAN, 1.0, false);
        check(stale_nan(), stale_nan(), true);
        check(stale_nan(), f64::NAN, false);
        check(f64::INFINITY, f64::INFINITY, true);
        check(f64::INFINITY, f64::MAX, false);
        check(f64::MAX, f64::MAX * (1.0 - 1e-9), true);
    }

    #[test]
    fn histograms() {
        let want = FloatHistogram {
            count: 3.0,
            positive_spans: vec![Span { offset: 0, length: 3 }],
            positive_buckets: vec![0.0, 1.0, 2.0],
            ..FloatHistogram::default()
        };
        let mut got = FloatHistogram {
            positive_spans: vec![Span { offset: 1, length: 2 }],
            positive_buckets: vec![1.0, 2.0 + 1e-9],
            ..want.clone()
        };
        assert_eq!(compare_histograms(&want, &got, true), Ok(()));
        got.sum = 1.0;
        assert_eq!(compare_histograms(&want, &got, true), Err("sum is 1.0, expected 0.0".to_owned()));
    }
}

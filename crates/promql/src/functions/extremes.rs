use bellwether_model::Value;

use super::notes::Notes;
use super::window::Window;

/// The greater of two numbers, as Go has it: infinity beats NaN, NaN beats the rest, and 0 is greater than -0.
pub(crate) fn max_of(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else if a > b {
        a
    } else {
        b
    }
}

/// The smaller of two numbers; see [`max_of`].
pub(crate) fn min_of(a: f64, b: f64) -> f64 {
    -max_of(-a, -b)
}

pub(super) fn max_over_time(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    extreme(window, notes, |v, found| v > found).map(|(_, v)| Value::Float(v))
}

pub(super) fn min_over_time(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    extreme(window, notes, |v, found| v < found).map(|(_, v)| Value::Float(v))
}

/// Of equal values the newest counts.
pub(super) fn ts_of_max_over_time(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    extreme(window, notes, |v, found| v >= found).map(|(ts_ms, _)| Value::Float(ts_ms as f64 / 1000.0))
}

/// Of equal values the newest counts.
pub(super) fn ts_of_min_over_time(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    extreme(window, notes, |v, found| v <= found).map(|(ts_ms, _)| Value::Float(ts_ms as f64 / 1000.0))
}

/// The float that wins against all before it, and its time. Anything wins against NaN.
fn extreme(window: &Window<'_>, notes: &mut Notes<'_>, wins: fn(f64, f64) -> bool) -> Option<(i64, f64)> {
    let floats = window.floats;
    let (first_ts, first) = (*floats.ts.first()?, *floats.vals.first()?);
    if !window.histograms.is_empty() {
        notes.histograms_ignored();
    }
    Some(floats.iter().fold((first_ts, first), |(found_ts, found), (ts, v)| {
        if wins(v, found) || found.is_nan() { (ts, v) } else { (found_ts, found) }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_of_two() {
        let check = |a: f64, b: f64, max: f64, min: f64| {
            assert_eq!(
                (max_of(a, b).to_bits(), min_of(a, b).to_bits()),
                (max.to_bits(), min.to_bits()),
                "{a} {b}"
            );
        };
        check(1.0, 2.0, 2.0, 1.0);
        check(2.0, 1.0, 2.0, 1.0);
        check(0.0, -0.0, 0.0, -0.0);
        check(-0.0, 0.0, 0.0, -0.0);
        check(-0.0, -0.0, -0.0, -0.0);
        check(f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, f64::NEG_INFINITY);
        assert_eq!(max_of(f64::INFINITY, f64::NAN), f64::INFINITY);
        assert_eq!(min_of(f64::NAN, f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert!(max_of(1.0, f64::NAN).is_nan() && min_of(f64::NAN, 1.0).is_nan());
    }
}

use bellwether_model::Value;

use super::notes::Notes;
use super::window::Window;

pub(super) fn quantile_over_time(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    let q = window.args[0];
    if window.floats.is_empty() {
        return None;
    }
    if !(0.0..=1.0).contains(&q) {
        notes.invalid_quantile(q);
    }
    if !window.histograms.is_empty() {
        notes.histograms_ignored();
    }
    Some(Value::Float(quantile(q, &mut window.floats.vals.to_vec())))
}

/// The quantile `q`, from 0 to 1, of some numbers: between two numbers it is interpolated. NaN counts as the smallest. Sorts `vals`.
pub(crate) fn quantile(q: f64, vals: &mut [f64]) -> f64 {
    if vals.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    vals.sort_unstable_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(b)));
    let rank = q * (vals.len() - 1) as f64;
    let below = rank.floor();
    let weight = rank - below;
    let idx = below as usize;
    vals[idx] * (1.0 - weight) + vals[(idx + 1).min(vals.len() - 1)] * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles() {
        let check = |q: f64, vals: &[f64], want: f64| {
            let got = quantile(q, &mut vals.to_vec());
            assert!(got == want || (got.is_nan() && want.is_nan()), "{q} {vals:?}: {got}");
        };
        check(0.5, &[3.0, 1.0, 2.0], 2.0);
        check(0.75, &[0.0, 1.0], 0.75);
        check(1.0, &[0.0, 1.0], 1.0);
        check(0.0, &[4.0], 4.0);
        check(-0.1, &[4.0], f64::NEG_INFINITY);
        check(1.1, &[4.0], f64::INFINITY);
        check(f64::NAN, &[4.0], f64::NAN);
        check(0.5, &[], f64::NAN);
        check(1.0, &[f64::NAN, 1.0], 1.0);
        check(0.0, &[1.0, f64::NAN, -1.0], f64::NAN);
    }
}

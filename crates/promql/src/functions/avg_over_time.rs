use std::sync::Arc;

use bellwether_model::Value;
use bellwether_model::histogram::kahan_add;

use super::histogram_sum;
use super::notes::Notes;
use super::window::Window;

pub(super) fn avg_over_time(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    if window.floats.is_empty() {
        let mean = histogram_sum::mean(window.histograms.vals, notes);
        return mean.map(|h| Value::Histogram(Arc::new(h)));
    }
    if !window.histograms.is_empty() {
        notes.mixed_floats_histograms();
        return None;
    }
    Some(Value::Float(mean(window.floats.vals)))
}

/// The mean of at least one number: the sum divided by the count, as long as the sum fits into a float; from there on, the mean itself is corrected with each
/// number, which loses more to rounding.
pub(super) fn mean(vals: &[f64]) -> f64 {
    let (mut sum, mut c) = (vals[0], 0.0);
    for (added, v) in vals.iter().enumerate().skip(1) {
        let (next, next_c) = kahan_add(*v, sum, c);
        if next.is_infinite() {
            let n = added as f64;
            return corrected_mean(sum / n, c / n, added, &vals[added..]);
        }
        (sum, c) = (next, next_c);
    }
    let n = vals.len() as f64;
    sum / n + c / n
}

fn corrected_mean(mut mean: f64, mut c: f64, n: usize, rest: &[f64]) -> f64 {
    for (more, v) in rest.iter().enumerate() {
        let count = (n + more + 1) as f64;
        let share = (count - 1.0) / count;
        (mean, c) = kahan_add(v / count, share * mean, share * c);
    }
    mean + c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means() {
        let check = |vals: &[f64], want: f64| assert_eq!(mean(vals), want, "{vals:?}");
        check(&[3.0], 3.0);
        check(&[1.0, 2.0, 6.0], 3.0);
        check(&[1e100, 1.0, -1e100, 3.0], 1.0);
        check(&[f64::MAX, f64::MAX], f64::MAX);
        check(&[f64::INFINITY, 1.0], f64::INFINITY);
        assert!(mean(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }
}

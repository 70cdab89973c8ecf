use bellwether_model::Value;
use bellwether_model::histogram::kahan_add;

use super::notes::Notes;
use super::window::Window;

pub(super) fn stdvar_over_time(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    variance(window, notes).map(Value::Float)
}

pub(super) fn stddev_over_time(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    variance(window, notes).map(|v| Value::Float(v.sqrt()))
}

/// The population variance by Welford's method, with compensated sums.
fn variance(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<f64> {
    if window.floats.is_empty() {
        return None;
    }
    if !window.histograms.is_empty() {
        notes.histograms_ignored();
    }
    let [variance] = variances([window.floats.vals]);
    Some(variance)
}

/// The variances of windows of the same length. Each depends on the sample before, so several at once keep a processor busy that would wait with one.
pub(super) fn variances<const N: usize>(windows: [&[f64]; N]) -> [f64; N] {
    let len = windows.first().map_or(0, |window| window.len());
    let windows = windows.map(|window| &window[..len]);
    let (mut count, mut means, mut squares) = (0.0, [(0.0, 0.0); N], [(0.0, 0.0); N]);
    for idx in 0..len {
        count += 1.0;
        for ((window, mean), squares) in windows.iter().zip(&mut means).zip(&mut squares) {
            let v = window[idx];
            let delta = v - (mean.0 + mean.1);
            *mean = kahan_add(delta / count, mean.0, mean.1);
            *squares = kahan_add(delta * (v - (mean.0 + mean.1)), squares.0, squares.1);
        }
    }
    squares.map(|(sum, c)| (sum + c) / count)
}

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
    let (mut count, mut mean, mut squares) = (0.0, (0.0, 0.0), (0.0, 0.0));
    for v in window.floats.vals {
        count += 1.0;
        let delta = v - (mean.0 + mean.1);
        mean = kahan_add(delta / count, mean.0, mean.1);
        squares = kahan_add(delta * (v - (mean.0 + mean.1)), squares.0, squares.1);
    }
    Some((squares.0 + squares.1) / count)
}

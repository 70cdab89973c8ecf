use bellwether_model::Value;
use bellwether_model::histogram::kahan_add;

use super::notes::Notes;
use super::window::{Floats, Window};

pub(super) fn deriv(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    // Times near the samples keep the sums small.
    line(window, notes, |floats| floats.ts[0]).map(|line| Value::Float(line.slope))
}

pub(super) fn predict_linear(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    let ahead = window.args[0];
    let line = line(window, notes, |_| window.eval_ms);
    line.map(|line| Value::Float(line.slope * ahead + line.intercept))
}

/// A straight line through the samples.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    /// Change per second.
    slope: f64,
    /// The value at the time of origin.
    intercept: f64,
}

fn line(window: &Window<'_>, notes: &mut Notes<'_>, origin: impl Fn(Floats<'_>) -> i64) -> Option<Line> {
    let floats = window.floats;
    if !floats.is_empty() && !window.histograms.is_empty() {
        notes.histograms_ignored();
    }
    (floats.len() >= 2).then(|| least_squares(floats, origin(floats)))
}

/// The line with the least squares of distances.
fn least_squares(floats: Floats<'_>, origin_ms: i64) -> Line {
    let first = floats.vals[0];
    if floats.vals.iter().all(|v| *v == first) {
        // Rounding must not make a slope out of a constant.
        return if first.is_infinite() {
            Line { slope: f64::NAN, intercept: f64::NAN }
        } else {
            Line { slope: 0.0, intercept: first }
        };
    }
    let [mut x_sum, mut y_sum, mut xy_sum, mut xx_sum] = [(0.0, 0.0); 4];
    for (ts_ms, y) in floats.iter() {
        let x = (ts_ms - origin_ms) as f64 / 1000.0;
        x_sum = kahan_add(x, x_sum.0, x_sum.1);
        y_sum = kahan_add(y, y_sum.0, y_sum.1);
        xy_sum = kahan_add(x * y, xy_sum.0, xy_sum.1);
        xx_sum = kahan_add(x * x, xx_sum.0, xx_sum.1);
    }
    let [x_sum, y_sum, xy_sum, xx_sum] = [x_sum, y_sum, xy_sum, xx_sum].map(|(sum, c)| sum + c);
    let n = floats.len() as f64;
    let slope = (xy_sum - x_sum * y_sum / n) / (xx_sum - x_sum * x_sum / n);
    Line { slope, intercept: y_sum / n - slope * x_sum / n }
}

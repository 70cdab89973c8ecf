use bellwether_model::Value;

use super::notes::Notes;
use super::window::Window;
use crate::engine::QueryError;

/// Double exponential smoothing (Holt's method): a weighted mean in which the past counts exponentially less, and a trend that is smoothed in the
/// same way.
pub(super) fn double_exponential_smoothing(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    let (smoothing, trending) = (window.args[0], window.args[1]);
    let vals = window.floats.vals;
    if !vals.is_empty() && !window.histograms.is_empty() {
        notes.histograms_ignored();
    }
    let [first, second, ..] = vals else { return None };
    let (mut before, mut smoothed, mut trend) = (0.0, *first, second - first);
    for (idx, v) in vals.iter().enumerate().skip(1) {
        // The first trend is the difference of the first two samples.
        if idx > 1 {
            trend = trending * (smoothed - before) + (1.0 - trending) * trend;
        }
        let next = smoothing * v + (1.0 - smoothing) * (smoothed + trend);
        (before, smoothed) = (smoothed, next);
    }
    Some(Value::Float(smoothed))
}

/// Checks that both factors lie between 0 and 1.
pub(super) fn check_smoothing_factors(args: &[f64]) -> Result<(), QueryError> {
    check_factor(args[0], "smoothing factor", "sf")?;
    check_factor(args[1], "trend factor", "tf")
}

fn check_factor(factor: f64, what: &str, short: &str) -> Result<(), QueryError> {
    if factor <= 0.0 || factor >= 1.0 {
        return Err(QueryError::execution(format!(
            "invalid {what}. Expected: 0 < {short} < 1, got: {factor:.6}"
        )));
    }
    Ok(())
}

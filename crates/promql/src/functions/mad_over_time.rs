use bellwether_model::Value;

use super::notes::Notes;
use super::quantile::quantile;
use super::window::Window;

pub(super) fn mad_over_time(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    if window.floats.is_empty() {
        return None;
    }
    if !window.histograms.is_empty() {
        notes.histograms_ignored();
    }
    let mut vals = window.floats.vals.to_vec();
    // NaN has no place in an order, so there is no median either.
    if vals.iter().any(|v| v.is_nan()) {
        return Some(Value::Float(f64::NAN));
    }
    let median = quantile(0.5, &mut vals);
    for v in &mut vals {
        *v = (*v - median).abs();
    }
    Some(Value::Float(quantile(0.5, &mut vals)))
}

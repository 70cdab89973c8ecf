use std::sync::Arc;

use bellwether_model::Value;
use bellwether_model::histogram::kahan_add;

use super::histogram_sum;
use super::notes::Notes;
use super::window::Window;

pub(super) fn sum_over_time(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    if window.floats.is_empty() {
        let sum = histogram_sum::sum(window.histograms.vals, notes);
        return sum.map(|h| Value::Histogram(Arc::new(h)));
    }
    if !window.histograms.is_empty() {
        notes.mixed_floats_histograms();
        return None;
    }
    let (sum, c) = window.floats.vals.iter().fold((0.0, 0.0), |(sum, c), v| kahan_add(*v, sum, c));
    Some(Value::Float(if sum.is_infinite() { sum } else { sum + c }))
}

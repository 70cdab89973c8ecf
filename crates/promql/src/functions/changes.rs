use bellwether_model::Value;

use super::anchor::{Mixed, from_anchor, in_time_order};
use super::notes::Notes;
use super::window::Window;

/// How often a sample differs from the one before it. NaN equals itself; a float differs from any histogram.
pub(super) fn changes(window: &Window<'_>, _: &mut Notes<'_>) -> Option<Value> {
    let (floats, histograms) = from_anchor(window)?;
    let mut samples = in_time_order(floats, histograms).map(|sample| sample.value);
    let mut previous = samples.next()?;
    let mut changes = 0_u32;
    for now in samples {
        let same = match (previous, now) {
            (Mixed::Float(a), Mixed::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Mixed::Histogram(a), Mixed::Histogram(b)) => b.same_data(a),
            _ => false,
        };
        changes += u32::from(!same);
        previous = now;
    }
    Some(Value::Float(changes.into()))
}

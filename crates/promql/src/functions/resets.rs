use bellwether_model::Value;

use super::anchor::{Mixed, from_anchor, in_time_order};
use super::notes::Notes;
use super::start_time::Pair;
use super::window::Window;

/// How often a counter was reset. A change between float and histogram is a reset.
pub(super) fn resets(window: &Window<'_>, _: &mut Notes<'_>) -> Option<Value> {
    let (floats, histograms) = from_anchor(window)?;
    let mut samples = in_time_order(floats, histograms);
    let mut previous = samples.next()?;
    let mut resets = 0_u32;
    for now in samples {
        let restarted = Pair {
            previous_start_ms: previous.start_ms,
            previous_ms: previous.ts_ms,
            start_ms: now.start_ms,
            ms: now.ts_ms,
        }
        .is_reset();
        let reset = match (previous.value, now.value) {
            (Mixed::Float(a), Mixed::Float(b)) => b < a || restarted,
            (Mixed::Histogram(a), Mixed::Histogram(b)) => restarted || b.detect_reset(a),
            _ => true,
        };
        resets += u32::from(reset);
        previous = now;
    }
    Some(Value::Float(resets.into()))
}

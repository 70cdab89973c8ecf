use std::sync::Arc;

use bellwether_model::{ColumnBuffer, CounterResetHint, FloatHistogram};

/// Keeps of each histogram only count and sum, and says whether counters were reset before it.
///
/// `histogram_count` and its like need no more, so nothing has to be computed for the buckets. Resets have to be found before the buckets are gone.
pub(super) fn keep_count_and_sum(buf: &mut ColumnBuffer) {
    let mut previous: Option<Arc<FloatHistogram>> = None;
    for slot in buf.hists.iter_mut().flatten() {
        if slot.is_stale() {
            continue;
        }
        let hint = match (slot.counter_reset_hint, &previous) {
            (CounterResetHint::Unknown, Some(previous)) if slot.detect_reset(previous) => {
                CounterResetHint::Reset
            }
            (CounterResetHint::Unknown, Some(_)) => CounterResetHint::NotReset,
            (hint, _) => hint,
        };
        let stats = FloatHistogram {
            counter_reset_hint: hint,
            schema: slot.schema,
            count: slot.count,
            sum: slot.sum,
            ..FloatHistogram::default()
        };
        previous = Some(std::mem::replace(slot, Arc::new(stats)));
    }
}

use std::time::Duration;

use bellwether_sdk::{HistogramHandle, TraceContext};

/// The trace that an observation belongs to, for exemplars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace(pub(crate) u128);

impl Trace {
    /// The same for the instruments. Its only span has an id made of the trace's.
    fn context(self) -> TraceContext {
        TraceContext { trace_id: self.0, span_id: (self.0 >> 64) as u64 | 1 }
    }
}

/// Counts `value` in a histogram of the instruments; a traced one, with its simulated time, becomes the exemplar of its bucket.
pub(crate) fn observe(histogram: HistogramHandle, value: f64, traced: Option<(Trace, i64)>) {
    match traced {
        Some((trace, ts_ms)) => {
            let time = Duration::from_millis(ts_ms.max(0).unsigned_abs());
            histogram.observe_traced_at(value, trace.context(), time);
        }
        None => histogram.observe(value),
    }
}

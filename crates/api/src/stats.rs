//! What the HTTP surface counts about itself.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// Upper bounds of the request duration buckets, in seconds.
pub(crate) const DURATION_BOUNDS_S: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0];

/// One row of [`ApiStats`].
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestRow {
    /// Requests by duration bucket, not cumulative; the last one is everything above the bounds.
    pub(crate) buckets: [u64; DURATION_BOUNDS_S.len() + 1],
    pub(crate) seconds: f64,
}

/// Counts of requests by handler and status code. Both label values come from closed sets.
#[derive(Debug, Default)]
pub struct ApiStats {
    requests: Mutex<BTreeMap<(&'static str, u16), RequestRow>>,
}

impl ApiStats {
    /// Counts one answered request.
    pub(crate) fn observe_request(&self, handler: &'static str, code: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = DURATION_BOUNDS_S.iter().position(|b| seconds <= *b).unwrap_or(DURATION_BOUNDS_S.len());
        let mut rows = self.requests.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let row = rows.entry((handler, code)).or_default();
        row.buckets[bucket] += 1;
        row.seconds += seconds;
    }

    /// A copy of all rows, in order.
    pub(crate) fn rows(&self) -> Vec<((&'static str, u16), RequestRow)> {
        let rows = self.requests.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        rows.iter().map(|(key, row)| (*key, row.clone())).collect()
    }
}

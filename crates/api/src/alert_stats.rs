//! What was sent to the router over HTTP.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of alerts that came over the API of Alertmanager and were refused. The router counts those that it takes.
#[derive(Debug, Default)]
pub struct AlertStats {
    invalid: AtomicU64,
}

impl AlertStats {
    /// Counts the alerts of a request that were refused.
    pub(crate) fn count_invalid(&self, n: usize) {
        self.invalid.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// How many were refused.
    pub(crate) fn invalid(&self) -> u64 {
        self.invalid.load(Ordering::Relaxed)
    }
}

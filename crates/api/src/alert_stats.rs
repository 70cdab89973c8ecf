//! What was sent to the router over HTTP.

use std::sync::atomic::{AtomicU64, Ordering};

use bellwether_model::Alert;

/// Counts of alerts that came over the API of Alertmanager.
#[derive(Debug, Default)]
pub struct AlertStats {
    firing: AtomicU64,
    resolved: AtomicU64,
    invalid: AtomicU64,
}

impl AlertStats {
    /// Counts what a request brought, with those alerts that were refused.
    pub(crate) fn count_received(&self, alerts: &[Alert], n_invalid: usize, now_ms: i64) {
        let n_resolved = alerts.iter().filter(|alert| alert.is_resolved(now_ms)).count();
        self.firing.fetch_add((alerts.len() - n_resolved) as u64, Ordering::Relaxed);
        self.resolved.fetch_add(n_resolved as u64, Ordering::Relaxed);
        self.invalid.fetch_add(n_invalid as u64, Ordering::Relaxed);
    }

    /// How many came, by what they were.
    pub(crate) fn counts(&self) -> [(&'static str, u64); 3] {
        [("firing", &self.firing), ("resolved", &self.resolved), ("invalid", &self.invalid)]
            .map(|(status, n)| (status, n.load(Ordering::Relaxed)))
    }
}

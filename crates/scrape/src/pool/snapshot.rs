use std::sync::Arc;
use std::time::Duration;

use bellwether_model::Labels;
use parking_lot::Mutex;

use crate::config::ScrapeConfig;
use crate::discovery::{DiscoveryStatus, Provider};
use crate::target::{ActiveTarget, TargetError};

/// The targets of a job at one moment.
#[derive(Debug, Default)]
pub(crate) struct PoolSnapshot {
    /// The job; `None` before the first and after the last order.
    pub(crate) config: Option<Arc<ScrapeConfig>>,
    pub(crate) active: Vec<Entry>,
    /// The labels of targets that relabelling dropped; not necessarily all.
    pub(crate) dropped: Vec<Labels>,
    pub(crate) n_dropped: usize,
    /// Targets that cannot be scraped, and why; not necessarily all.
    pub(crate) invalid: Vec<(String, TargetError)>,
}

/// A target of a snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) target: Arc<ActiveTarget>,
    pub(crate) discovered: Labels,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
}

/// What a pool lets others see.
#[derive(Debug, Default)]
pub(super) struct Published {
    snapshot: Mutex<Arc<PoolSnapshot>>,
    providers: Mutex<Vec<Arc<Provider>>>,
}

impl Published {
    pub(super) fn snapshot(&self) -> Arc<PoolSnapshot> {
        Arc::clone(&self.snapshot.lock())
    }

    pub(super) fn discovery(&self) -> Vec<DiscoveryStatus> {
        let job = self.snapshot().config.as_ref().map(|c| c.job_name.clone()).unwrap_or_default();
        self.providers.lock().iter().map(|provider| provider.status(&job)).collect()
    }

    pub(super) fn set_snapshot(&self, snapshot: PoolSnapshot) {
        *self.snapshot.lock() = Arc::new(snapshot);
    }

    pub(super) fn set_providers(&self, providers: Vec<Arc<Provider>>) {
        *self.providers.lock() = providers;
    }
}

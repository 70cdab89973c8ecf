//! Scrape loops: one task per target.

mod control;
mod pace;
mod scrape_loop;
mod store;

use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Appender, Clock, Tenant};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use control::Control;
pub(crate) use scrape_loop::ScrapeLoop;

use crate::counters::Counters;
use crate::failure_log::FailureLog;
use crate::fetch::Fetch;
use crate::ingest::IngestSettings;
use crate::inspect::Inspector;
use crate::workspace::Workspaces;

/// What all scrape loops of a server share.
pub(crate) struct Environment {
    pub(crate) appender: Arc<dyn Appender>,
    pub(crate) tenant: Tenant,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counters: Counters,
    pub(crate) workspaces: Workspaces,
    /// How many scrapes may be read and stored at a time; getting them is not limited.
    pub(crate) ingest_permits: Arc<Semaphore>,
    /// Spreads the scrapes of several servers over time.
    pub(crate) offset_seed: u64,
    pub(crate) inspector: Option<Arc<dyn Inspector>>,
    pub(crate) shutdown: CancellationToken,
    /// Every task of the scrape manager, so that a shutdown can wait for all of them.
    pub(crate) tasks: TaskTracker,
}

/// How one target is scraped. Replaced as a whole when the configuration changes.
pub(crate) struct LoopConfig {
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) ingest: Arc<IngestSettings>,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) job: Arc<str>,
    pub(crate) failure_log: Option<Arc<FailureLog>>,
    /// Number of targets and limit, if the job has more than it may have; then nothing is scraped.
    pub(crate) target_limit_exceeded: Option<(usize, usize)>,
}

#[cfg(test)]
mod tests;

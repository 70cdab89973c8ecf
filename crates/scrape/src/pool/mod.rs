//! Scrape pools: the targets of one job.

mod job;
mod snapshot;
mod sync;

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot};

pub(crate) use job::{Fetcher, Job, JobSettings};
pub(crate) use snapshot::{Entry, PoolSnapshot};

use crate::discovery::{DiscoveryOptions, DiscoveryStatus};
use crate::run::Environment;
use snapshot::Published;
use sync::PoolTask;

/// Orders wait here while targets are being brought in line; the manager sends few.
const INBOX: usize = 8;

/// The handle of a running pool.
pub(crate) struct Pool {
    inbox: mpsc::Sender<Order>,
    published: Arc<Published>,
}

/// What the manager tells a pool.
pub(super) enum Order {
    /// Scrape as this job says from now on; answer when all targets that are known at once are in place.
    Adopt(Arc<Job>, oneshot::Sender<()>),
    /// The job is gone: end all series and then yourself.
    Retire,
}

impl Pool {
    /// Starts a pool without a job.
    pub(crate) fn start(discovery: DiscoveryOptions, env: &Arc<Environment>) -> Self {
        let (inbox, orders) = mpsc::channel(INBOX);
        let published = Arc::new(Published::default());
        let task = PoolTask::new(Arc::clone(&published), Arc::new(Notify::new()), discovery, Arc::clone(env));
        env.tasks.spawn(task.run(orders));
        Self { inbox, published }
    }

    /// Scrapes as `job` says from now on. Returns false if the pool has ended.
    pub(crate) async fn adopt(&self, job: Arc<Job>) -> bool {
        let (done, in_place) = oneshot::channel();
        self.inbox.send(Order::Adopt(job, done)).await.is_ok() && in_place.await.is_ok()
    }

    /// Ends the pool, once it has ended the series of its targets.
    pub(crate) async fn retire(&self) {
        // A pool that has ended needs no order.
        let _ = self.inbox.send(Order::Retire).await;
    }

    /// Whether the pool still has something to do.
    pub(crate) fn is_alive(&self) -> bool {
        !self.inbox.is_closed()
    }

    /// The targets as of now.
    pub(crate) fn snapshot(&self) -> Arc<PoolSnapshot> {
        self.published.snapshot()
    }

    /// How the sources of targets fare.
    pub(crate) fn discovery(&self) -> Vec<DiscoveryStatus> {
        self.published.discovery()
    }
}

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bellwether_model::{Appender, Clock, Labels};
use bellwether_outbound::{ClientConfigError, HttpClient, HttpClientConfig};
use bellwether_relabel::Trace;
use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Discovery, ScrapeConfig, ScrapeProtocol};
use crate::counters::{Counters, ScrapeCounters};
use crate::discovery::{DiscoveryOptions, DiscoveryStatus, Finder};
use crate::failure_log::FailureLog;
use crate::options::ScrapeOptions;
use crate::pool::{Fetcher, Job, JobSettings, Pool};
use crate::run::Environment;
use crate::target;
use crate::view::{TargetMetadata, TargetMetadataQuery, TargetsView, add_metadata};
use crate::workspace::Workspaces;

/// Why a configuration was not applied. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// Two jobs have the same name.
    #[error("found multiple scrape configs with job name {0:?}")]
    DuplicateJob(String),
    /// Requests cannot be made as the job wants them.
    #[error("scrape config with job name {job:?}: {source}")]
    Client {
        /// The job.
        job: String,
        /// What is wrong.
        #[source]
        source: ClientConfigError,
    },
    /// A log file cannot be opened.
    #[error("scrape config with job name {job:?}: scrape_failure_log_file {}: {source}", path.display())]
    FailureLog {
        /// The job.
        job: String,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The manager has been shut down.
    #[error("scraping has been shut down")]
    Closed,
}

impl ApplyError {
    /// The job that cannot be had, if it is one.
    pub fn job(&self) -> Option<&str> {
        match self {
            Self::DuplicateJob(job) | Self::Client { job, .. } | Self::FailureLog { job, .. } => Some(job),
            Self::Closed => None,
        }
    }
}

/// Scrapes the targets of all jobs. Cheap to clone.
///
/// It needs a tokio runtime with time and I/O, on which all its tasks run.
#[derive(Clone)]
pub struct ScrapeManager {
    inner: Arc<Inner>,
}

struct Inner {
    env: Arc<Environment>,
    options: ScrapeOptions,
    /// Gets all targets in place of HTTP; for tests.
    fetcher: Option<Fetcher>,
    /// One configuration is applied at a time.
    applying: tokio::sync::Mutex<()>,
    pools: Mutex<BTreeMap<String, Managed>>,
    /// Pools of removed jobs whose series are about to end.
    retired: Mutex<BTreeMap<String, Arc<Pool>>>,
}

#[derive(Clone)]
struct Managed {
    pool: Arc<Pool>,
    config: Arc<ScrapeConfig>,
    client: HttpClient,
}

/// A job of the new configuration, checked.
struct Prepared {
    config: Arc<ScrapeConfig>,
    client: HttpClient,
    failure_log: Option<Arc<FailureLog>>,
}

impl ScrapeManager {
    /// A manager without jobs that stores what it scrapes in `appender`.
    pub fn new(appender: Arc<dyn Appender>, clock: Arc<dyn Clock>, options: ScrapeOptions) -> Self {
        Self::with_fetcher(appender, clock, options, None)
    }

    pub(crate) fn with_fetcher(
        appender: Arc<dyn Appender>,
        clock: Arc<dyn Clock>,
        options: ScrapeOptions,
        fetcher: Option<Fetcher>,
    ) -> Self {
        let concurrency = options.ingest_concurrency.max(1);
        let env = Arc::new(Environment {
            appender,
            tenant: options.tenant.clone(),
            clock,
            counters: Counters::default(),
            workspaces: Workspaces::new(2 * concurrency),
            ingest_permits: Arc::new(Semaphore::new(concurrency)),
            offset_seed: options.offset_seed,
            inspector: options.inspector.clone(),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let inner = Inner {
            env,
            options,
            fetcher,
            applying: tokio::sync::Mutex::default(),
            pools: Mutex::default(),
            retired: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Makes the jobs those of `configs`. All of them are checked before anything changes.
    ///
    /// What did not change goes on undisturbed: a target that both configurations have misses no scrape. When this returns, the targets that
    /// stand in the configuration itself are in place; those of other sources follow.
    pub async fn apply(&self, configs: Vec<ScrapeConfig>) -> Result<(), ApplyError> {
        let _one_at_a_time = self.inner.applying.lock().await;
        if self.inner.env.shutdown.is_cancelled() {
            return Err(ApplyError::Closed);
        }
        check_names(&configs)?;
        let inner = Arc::clone(&self.inner);
        let prepared = tokio::task::spawn_blocking(move || inner.prepare(configs))
            .await
            .expect("BUG: preparing jobs does not panic")?;

        let kept: HashSet<String> = prepared.iter().map(|job| job.config.job_name.clone()).collect();
        self.inner.retire_all_but(&kept).await;
        join_all(prepared.into_iter().map(|job| self.inner.adopt(job))).await;
        Ok(())
    }

    /// Stops all scrapes and waits until everything has ended, but no longer than until `deadline`. Returns whether it has.
    ///
    /// No series is ended: they go on after the restart.
    pub async fn shutdown(&self, deadline: Instant) -> bool {
        self.inner.env.shutdown.cancel();
        self.inner.env.tasks.close();
        timeout_at(deadline, self.inner.env.tasks.wait()).await.is_ok()
    }

    /// All targets as of now.
    pub fn targets(&self) -> TargetsView {
        let mut view = TargetsView::default();
        for (job, managed) in self.inner.pools.lock().iter() {
            view.add(job, &managed.pool.snapshot(), self.inner.options.global_address.as_ref());
        }
        view
    }

    /// What targets say about their metrics.
    pub fn target_metadata(&self, query: &TargetMetadataQuery<'_>) -> Vec<TargetMetadata> {
        let mut found = Vec::new();
        for managed in self.inner.pools.lock().values() {
            add_metadata(&mut found, &managed.pool.snapshot(), query);
        }
        found
    }

    /// The names of all jobs, sorted.
    pub fn scrape_pools(&self) -> Vec<String> {
        self.inner.pools.lock().keys().cloned().collect()
    }

    /// How the sources of targets fare, by job; with those that are not supported, and why.
    pub fn discovery(&self) -> Vec<DiscoveryStatus> {
        self.inner.pools.lock().values().flat_map(|managed| managed.pool.discovery()).collect()
    }

    /// Looks for targets that are not scraped, until the finder is dropped or the manager is shut down.
    pub fn find(&self, sections: &[Discovery]) -> Result<Finder, ClientConfigError> {
        Finder::start(sections, &self.inner.discovery_options(), &self.inner.env)
    }

    /// What each relabelling rule of the job does to a target that was discovered with these labels; `None` if there is no such job.
    pub fn relabel_trace(&self, job: &str, discovered: &Labels) -> Option<Trace> {
        let config = self.inner.pools.lock().get(job).map(|managed| Arc::clone(&managed.config))?;
        Some(target::trace(&config, discovered))
    }

    /// What has been done since the start.
    pub fn counters(&self) -> ScrapeCounters {
        self.inner.env.counters.read()
    }
}

impl std::fmt::Debug for ScrapeManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScrapeManager").field("pools", &self.scrape_pools()).finish_non_exhaustive()
    }
}

/// Without its manager nobody could stop a scrape.
impl Drop for Inner {
    fn drop(&mut self) {
        self.env.shutdown.cancel();
    }
}

impl Inner {
    fn discovery_options(&self) -> DiscoveryOptions {
        DiscoveryOptions { client: self.options.client.clone(), resolver: Arc::clone(&self.options.resolver) }
    }

    /// Checks all jobs and opens what they need. Reads certificates, so it blocks.
    fn prepare(&self, configs: Vec<ScrapeConfig>) -> Result<Vec<Prepared>, ApplyError> {
        let mut logs: BTreeMap<PathBuf, Arc<FailureLog>> = BTreeMap::new();
        configs.into_iter().map(|config| self.prepare_job(config, &mut logs)).collect()
    }

    fn prepare_job(
        &self,
        config: ScrapeConfig,
        logs: &mut BTreeMap<PathBuf, Arc<FailureLog>>,
    ) -> Result<Prepared, ApplyError> {
        let before = self.pools.lock().get(&config.job_name).cloned();
        let client = match &before {
            Some(before) if before.config.http == config.http => before.client.clone(),
            _ => self.client(&config.job_name, &config.http)?,
        };
        for discovery in &config.discovery {
            let is_new = before.as_ref().is_none_or(|before| !before.config.discovery.contains(discovery));
            if let Discovery::Http(http) = discovery
                && is_new
            {
                self.client(&config.job_name, &http.http)?;
            }
        }
        if before.is_none_or(|before| *before.config != config) {
            warn_about(&config);
        }
        let failure_log = open_log(&config, logs)?;
        Ok(Prepared { config: Arc::new(config), client, failure_log })
    }

    fn client(&self, job: &str, config: &HttpClientConfig) -> Result<HttpClient, ApplyError> {
        HttpClient::new(config, &self.options.client)
            .map_err(|source| ApplyError::Client { job: job.to_owned(), source })
    }

    async fn retire_all_but(&self, kept: &HashSet<String>) {
        let gone: Vec<(String, Arc<Pool>)> = {
            let mut pools = self.pools.lock();
            let gone = pools.extract_if(.., |job, _| !kept.contains(job));
            gone.map(|(job, managed)| (job, managed.pool)).collect()
        };
        for (job, pool) in gone {
            pool.retire().await;
            self.retired.lock().insert(job, pool);
        }
        self.retired.lock().retain(|_, pool| pool.is_alive());
    }

    async fn adopt(&self, prepared: Prepared) {
        let Prepared { config, client, failure_log } = prepared;
        let job_name = config.job_name.clone();
        let before = self.pools.lock().get(&job_name).cloned();
        // A log that was opened anew has to reach the scrape loops, even if nothing else has changed.
        if let Some(before) = &before
            && *before.config == *config
            && failure_log.is_none()
        {
            return;
        }
        let settings = JobSettings::new(&config, &self.options);
        let fetcher = match &self.fetcher {
            Some(fetcher) => Arc::clone(fetcher),
            None => Job::http_fetcher(Arc::clone(&config), client.clone(), &settings),
        };
        let job = Arc::new(Job::new(Arc::clone(&config), fetcher, failure_log, settings));
        // The pool of a job that was removed a moment ago knows which series it has to go on with.
        let known = before.map(|before| before.pool).or_else(|| self.retired.lock().remove(&job_name));
        let pool = match known {
            Some(pool) if pool.adopt(Arc::clone(&job)).await => pool,
            _ => {
                let pool = Arc::new(Pool::start(self.discovery_options(), &self.env));
                pool.adopt(job).await;
                pool
            }
        };
        self.pools.lock().insert(job_name, Managed { pool, config, client });
    }
}

fn check_names(configs: &[ScrapeConfig]) -> Result<(), ApplyError> {
    let mut seen = HashSet::new();
    match configs.iter().find(|config| !seen.insert(config.job_name.as_str())) {
        None => Ok(()),
        Some(config) => Err(ApplyError::DuplicateJob(config.job_name.clone())),
    }
}

/// Says once what of a job will not happen.
fn warn_about(config: &ScrapeConfig) {
    let job = config.job_name.as_str();
    for mechanism in config.unsupported_discovery() {
        tracing::warn!(job, mechanism, "discovery mechanism is not supported, it finds no targets");
    }
    if config.protocols.contains(&ScrapeProtocol::PrometheusProto) {
        tracing::warn!(job, "protobuf cannot be read, targets are asked for text formats");
    }
}

/// The failure log of a job. Jobs that name the same file share it; it is opened anew, so that it can be rotated.
fn open_log(
    config: &ScrapeConfig,
    logs: &mut BTreeMap<PathBuf, Arc<FailureLog>>,
) -> Result<Option<Arc<FailureLog>>, ApplyError> {
    let path = &config.failure_log_file;
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    if let Some(open) = logs.get(path) {
        return Ok(Some(Arc::clone(open)));
    }
    let log = FailureLog::open(path).map_err(|source| ApplyError::FailureLog {
        job: config.job_name.clone(),
        path: path.clone(),
        source,
    })?;
    let log = Arc::new(log);
    logs.insert(path.clone(), Arc::clone(&log));
    Ok(Some(log))
}

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_model::{Labels, Matcher, MetricMetadata};

use crate::pool::{Entry, PoolSnapshot};
use crate::target::{GlobalAddress, Health, Outcome};

/// All targets of a server at one moment.
#[derive(Debug, Clone, Default)]
pub struct TargetsView {
    /// Targets that are scraped, by pool and URL.
    pub active: Vec<TargetView>,
    /// Targets that relabelling dropped; at most `keep_dropped_targets` per job.
    pub dropped: Vec<DroppedTarget>,
    /// How many targets were dropped, remembered or not, by job.
    pub dropped_counts: BTreeMap<String, usize>,
    /// Discovered targets that cannot be scraped; at most a hundred per job.
    pub invalid: Vec<InvalidTarget>,
}

/// A target that is scraped.
#[derive(Debug, Clone)]
pub struct TargetView {
    /// The labels before relabelling.
    pub discovered_labels: Labels,
    /// The labels that samples get.
    pub labels: Labels,
    /// The job.
    pub scrape_pool: String,
    /// The URL, without secrets.
    pub scrape_url: String,
    /// The URL as seen from other machines, without secrets.
    pub global_url: String,
    /// Why the last scrape failed; empty if it did not.
    pub last_error: String,
    /// Where in the body the error lies, if it lies there: line and column, both counted from 1.
    pub last_error_place: Option<(usize, usize)>,
    /// When the last scrape began, in milliseconds since the Unix epoch.
    pub last_scrape_ms: Option<i64>,
    /// How long it took.
    pub last_scrape_duration: Duration,
    /// Whether it was good.
    pub health: Health,
    /// How often the target is scraped.
    pub scrape_interval: Duration,
    /// How long a scrape may take.
    pub scrape_timeout: Duration,
    /// Samples of the last scrape.
    pub samples_scraped: usize,
    /// Samples of the last scrape that relabelling left.
    pub samples_post_relabel: usize,
    /// Series of the last scrape that the one before did not have.
    pub series_added: usize,
    /// Decoded bytes of the last scrape.
    pub body_bytes: usize,
    /// When the next scrape is due, in milliseconds since the Unix epoch.
    pub next_scrape_ms: Option<i64>,
    /// How many scrapes were left out because one before took too long.
    pub missed_scrapes: u64,
}

/// A target that relabelling dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedTarget {
    /// The job.
    pub scrape_pool: String,
    /// The labels before relabelling.
    pub discovered_labels: Labels,
}

/// A discovered target that cannot be scraped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTarget {
    /// The job.
    pub scrape_pool: String,
    /// Where discovery found it.
    pub place: String,
    /// What is wrong with it.
    pub error: String,
}

/// Which metadata of targets is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct TargetMetadataQuery<'q> {
    /// What the labels of the target have to match.
    pub matchers: &'q [Matcher],
    /// The metric family; all of them if there is none.
    pub metric: Option<&'q str>,
    /// How many results are wanted at most; any number if there is none.
    pub limit: Option<usize>,
}

/// What one target says about one metric family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetMetadata {
    /// The labels of the target.
    pub target: Labels,
    /// The metric family.
    pub metric: String,
    /// What the target says.
    pub metadata: MetricMetadata,
}

impl TargetsView {
    pub(crate) fn add(&mut self, job: &str, pool: &PoolSnapshot, global: Option<&GlobalAddress>) {
        self.active.extend(pool.active.iter().map(|entry| TargetView::new(job, entry, global)));
        self.dropped.extend(pool.dropped.iter().map(|discovered| DroppedTarget {
            scrape_pool: job.to_owned(),
            discovered_labels: discovered.clone(),
        }));
        self.dropped_counts.insert(job.to_owned(), pool.n_dropped);
        self.invalid.extend(pool.invalid.iter().map(|(place, error)| InvalidTarget {
            scrape_pool: job.to_owned(),
            place: place.clone(),
            error: error.to_string(),
        }));
    }
}

impl TargetView {
    fn new(job: &str, entry: &Entry, global: Option<&GlobalAddress>) -> Self {
        let target = &entry.target;
        let status = target.status.lock().clone();
        let health = status.health();
        let error = status.last.as_ref().and_then(|last| last.error.clone());
        let last = status.last.unwrap_or(Outcome::NONE);
        let scrape_url = target.url.shown().to_owned();
        Self {
            discovered_labels: entry.discovered.clone(),
            labels: target.labels.clone(),
            scrape_pool: job.to_owned(),
            global_url: global.map_or_else(|| scrape_url.clone(), |g| target.url.shown_globally(g)),
            scrape_url,
            last_error: error.as_ref().map(ToString::to_string).unwrap_or_default(),
            last_error_place: error.and_then(|error| error.place()),
            last_scrape_ms: (health != Health::Unknown).then_some(last.started_ms),
            last_scrape_duration: last.duration,
            health,
            scrape_interval: entry.interval,
            scrape_timeout: entry.timeout,
            samples_scraped: last.samples_scraped,
            samples_post_relabel: last.samples_post_relabel,
            series_added: last.series_added,
            body_bytes: last.body_bytes,
            next_scrape_ms: status.next_scrape_ms,
            missed_scrapes: status.missed_scrapes,
        }
    }
}

/// Adds what the targets of a pool say, up to the limit of the query.
pub(crate) fn add_metadata(
    out: &mut Vec<TargetMetadata>,
    pool: &PoolSnapshot,
    query: &TargetMetadataQuery<'_>,
) {
    for entry in &pool.active {
        let target = &entry.target;
        let value = |name: &str| target.labels.get(name).unwrap_or_default();
        if !query.matchers.iter().all(|matcher| matcher.matches(value(matcher.name()))) {
            continue;
        }
        let cache = target.metadata.lock();
        let room = query.limit.map_or(usize::MAX, |limit| limit.saturating_sub(out.len()));
        let found = |(metric, metadata): (&str, &MetricMetadata)| TargetMetadata {
            target: target.labels.clone(),
            metric: metric.to_owned(),
            metadata: metadata.clone(),
        };
        match query.metric {
            Some(metric) => {
                out.extend(
                    cache.get(metric).map(|metadata| found((metric, metadata))).into_iter().take(room),
                );
            }
            None => out.extend(cache.iter().take(room).map(found)),
        }
        if query.limit.is_some_and(|limit| out.len() >= limit) {
            return;
        }
    }
}

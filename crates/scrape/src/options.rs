use std::sync::Arc;

use bellwether_model::Tenant;
use bellwether_outbound::ClientOptions;

use crate::config::Limits;
use crate::discovery::Resolver;
use crate::inspect::Inspector;
use crate::target::GlobalAddress;

/// What all jobs of a server have in common.
#[derive(Clone)]
pub struct ScrapeOptions {
    /// How requests are made.
    pub client: ClientOptions,
    /// Who is asked for DNS records.
    pub resolver: Arc<Resolver>,
    /// Whose data it is.
    pub tenant: Tenant,
    /// Differs between servers that scrape the same targets, so that they do not scrape them at the same moment.
    pub offset_seed: u64,
    /// The limits of jobs that set none themselves; zero means that there is no limit.
    pub limits: Limits,
    /// Whether series get the type and unit of their family as labels (the feature `type-and-unit-labels`).
    pub type_and_unit_labels: bool,
    /// Whether `_created` lines of OpenMetrics become start timestamps instead of series.
    pub start_timestamps: bool,
    /// Whether all jobs report timeout, sample limit and body size (the feature `extra-scrape-metrics`).
    pub extra_scrape_metrics: bool,
    /// The address of this server for the world, for links to targets beside it.
    pub global_address: Option<GlobalAddress>,
    /// How many scraped bodies may be read and stored at a time.
    pub ingest_concurrency: usize,
    /// Who else looks at what is scraped.
    pub inspector: Option<Arc<dyn Inspector>>,
}

/// Bodies of jobs without `body_size_limit` may have so many decoded bytes: some half a million samples.
const DEFAULT_BODY_LIMIT_BYTES: u64 = 64 << 20;

impl Default for ScrapeOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            client: ClientOptions::default(),
            resolver: Arc::new(Resolver::system()),
            tenant: Tenant::default(),
            offset_seed: 0,
            limits: Limits { body_size_bytes: DEFAULT_BODY_LIMIT_BYTES, ..Limits::default() },
            type_and_unit_labels: false,
            start_timestamps: false,
            extra_scrape_metrics: false,
            global_address: None,
            ingest_concurrency: 4 * cores,
            inspector: None,
        }
    }
}

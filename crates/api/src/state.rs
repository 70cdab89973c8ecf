use std::sync::Arc;
use std::time::Duration;

use bellwether_alerts::alertmanager::Alertmanager;
use bellwether_alerts::external::ExternalAlertmanagers;
use bellwether_lint::Board;
use bellwether_model::{AnchoredRegex, Appender, Clock, QueryMemory, Queryable, Tenant};
use bellwether_packs::live::LiveCheck;
use bellwether_promql::engine::QueryEngine;
use bellwether_promql::syntax::ParserOptions;
use bellwether_rules::Manager;
use bellwether_rules::slo::LiveObjectives;
use bellwether_scrape::ScrapeManager;
use bellwether_wire::WriteReceiver;
use tokio::sync::Semaphore;

use crate::active::ActiveQueries;
use crate::alert_stats::AlertStats;
use crate::host::Host;
use crate::memory::ProcessMemory;
use crate::pace::Pace;
use crate::query_journal::QueryJournal;
use crate::query_log::QueryLog;
use crate::readiness::Readiness;
use crate::stats::ApiStats;
use crate::storage::StorageAdmin;
use crate::write_gate::WriteGate;

/// What the binary tells the HTTP surface about itself.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Path below which everything is served, without a trailing slash; empty for none.
    pub route_prefix: String,
    /// Name, version and revision of the program, in the order in which `status/buildinfo` shows them.
    pub build: Vec<(&'static str, String)>,
    /// The command line flags and their values, sorted by name.
    pub flags: Vec<(String, String)>,
    /// Whether the demo fleet feeds this server.
    pub demo: bool,
    /// Whether other servers may push with remote write.
    pub remote_write_receiver: bool,
    /// Whether the admin endpoints are served.
    pub admin_api: bool,
    /// Whether `/-/reload` and `/-/quit` are served.
    pub lifecycle: bool,
    /// How old a sample may be to count as the current value, in milliseconds.
    pub lookback_delta_ms: i64,
    /// Longest time a query may take.
    pub query_timeout: Duration,
    /// How many queries run at once; the others wait.
    pub query_concurrency: usize,
    /// Most bytes of an answer.
    pub max_result_bytes: usize,
    /// Limits of remote read.
    pub remote_read: RemoteReadSettings,
    /// What else is on or off, for `features`: category, name, state.
    pub features: Vec<(&'static str, &'static str, bool)>,
    /// Which parts of the query language are on.
    pub parser: ParserOptions,
    /// Allowed values of the `Origin` header for cross-origin reads; none by default.
    pub cors_origin: Option<AnchoredRegex>,
    /// The folder of the store, shown on the status page.
    pub storage_path: String,
}

/// Limits of remote read, as the flags of Prometheus set them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemoteReadSettings {
    /// Most samples of one query whose answer is one message; 0 for no limit.
    pub sample_limit: usize,
    /// How many requests are answered at once; 0 for no limit.
    pub concurrent_limit: usize,
    /// About how many bytes a frame of a streamed answer has.
    pub max_bytes_in_frame: usize,
}

/// What only the binary can do. It is called from request handlers, so it must not block for long.
pub trait Operations: Send + Sync {
    /// Reads the configuration again, checks all of it, and swaps. The error is for people and may have several lines.
    fn reload(&self) -> Result<(), String>;

    /// Asks the process to stop.
    fn quit(&self);

    /// The configuration in use as YAML, secrets replaced.
    fn config_yaml(&self) -> String;

    /// The labels that mark this server's data when it leaves the server.
    fn external_labels(&self) -> Vec<(String, String)>;

    /// How long and how much is kept, in words of the command line.
    fn retention(&self) -> String;

    /// When the configuration was last loaded and whether the last attempt succeeded.
    fn last_reload(&self) -> LastReload;

    /// How often the clock of the machine jumped.
    fn clock_jumps(&self) -> ClockJumps;

    /// The sources of data that the configuration names and this version cannot use, in words.
    fn unsupported(&self) -> Vec<String>;
}

/// The outcome of the last attempt to load the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastReload {
    /// When the configuration in use was loaded, in milliseconds since the Unix epoch.
    pub loaded_at_ms: i64,
    /// Why the last attempt failed, if it did: what is in use is then older than the files.
    pub failure: Option<ReloadFailure>,
}

/// A configuration that was not taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadFailure {
    /// When that was, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// A line per problem, each with its file, line and column where it has one. Without secrets.
    pub reason: String,
}

/// Jumps of the wall clock against the one that never goes back, since the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockJumps {
    /// How many there were.
    pub count: u64,
    /// How far the last one went, in milliseconds; back if it is negative.
    pub last_ms: i64,
    /// The time behind it, in milliseconds since the Unix epoch.
    pub last_at_ms: i64,
}

/// Everything that the handlers need. A clone shares it all.
#[derive(Clone)]
pub struct AppState {
    /// Answers queries.
    pub engine: Arc<dyn QueryEngine>,
    /// Takes what is pushed.
    pub appender: Arc<dyn Appender>,
    /// Reads samples as they are stored.
    pub queryable: Arc<dyn Queryable>,
    /// What operators may ask of the store.
    pub storage: Arc<dyn StorageAdmin>,
    /// Fetches samples.
    pub scrape: Arc<ScrapeManager>,
    /// Evaluates rules.
    pub rules: Manager,
    /// What lint says about them.
    pub lint: Arc<Board>,
    /// Other Alertmanagers, which are told about the alerts of rules.
    pub external: ExternalAlertmanagers,
    /// Compares what is scraped with packs.
    pub packs: Arc<LiveCheck>,
    /// The objectives that are watched.
    pub slos: Arc<LiveObjectives>,
    /// Who is told about alerts, and what of.
    pub alertmanager: Alertmanager,
    /// Counts of alerts that came.
    pub alert_stats: Arc<AlertStats>,
    /// What only the binary can do.
    pub operations: Arc<dyn Operations>,
    /// Whether the server is ready, and why not.
    pub readiness: Arc<Readiness>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// What the binary tells about itself.
    pub settings: Arc<Settings>,
    /// Takes what is pushed with remote write to `appender`.
    pub write_receiver: Arc<WriteReceiver>,
    /// Counts of requests.
    pub stats: Arc<ApiStats>,
    /// How much memory queries may use. Their answers count, too, until the client has taken them.
    pub query_memory: QueryMemory,
    /// The queries that wait or run.
    pub active_queries: Arc<ActiveQueries>,
    /// Which questions are quick.
    pub pace: Arc<Pace>,
    /// Remembers which queries run, for the start after a crash.
    pub query_journal: Arc<dyn QueryJournal>,
    /// Where evaluated queries are logged.
    pub query_log: Arc<QueryLog>,
    /// Lets a bounded number of queries run.
    pub query_gate: Arc<Semaphore>,
    /// Lets a bounded number of remote reads run.
    pub read_gate: Arc<Semaphore>,
    /// Lets a bounded number of writes run, with bodies of bounded size.
    pub write_gate: Arc<WriteGate>,
    /// How much memory the process may use and uses.
    pub memory: Arc<ProcessMemory>,
    /// What the kernel tells about the process and the machine.
    pub host: Arc<Host>,
    /// When the process started, in milliseconds since the Unix epoch.
    pub started_at_ms: i64,
}

/// The tenant of every request: the default one, until authentication names another.
pub(crate) fn tenant() -> Tenant {
    Tenant::default()
}

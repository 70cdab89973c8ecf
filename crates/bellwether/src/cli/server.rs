//! The flags of a server. Those that Prometheus users know have their names.

use std::path::PathBuf;

use bellwether_fleet::ArrivalRate;
use bellwether_model::AnchoredRegex;
use clap::{Args, ValueEnum};

use super::values::{
    anchored_regex, arrival_rate, at_least_one, count, duration_ms, external_url, positive_duration_ms,
    size_bytes, some_bytes, url_path,
};
use crate::rules::RulesArgs;

/// Flags of `serve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// The configuration file.
    #[arg(long = "config.file", value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,
    /// Settings of the HTTP surface.
    #[command(flatten)]
    pub(crate) web: WebArgs,
    /// Settings of the store.
    #[command(flatten)]
    pub(crate) storage: StorageArgs,
    /// Settings of the query engine.
    #[command(flatten)]
    pub(crate) query: QueryArgs,
    /// Settings of the memory.
    #[command(flatten)]
    pub(crate) memory: MemoryArgs,
    /// Settings of the Alertmanager in this program.
    #[command(flatten)]
    pub(crate) alertmanager: AlertmanagerArgs,
    /// Settings of the rules.
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    /// Settings of the log.
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// Features to switch on, as in Prometheus; may be repeated, or a list with commas.
    #[arg(long = "enable-feature", value_name = "FEATURE", value_delimiter = ',')]
    pub(crate) enable_feature: Vec<String>,
}

/// Flags of `demo`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// The flags of every server.
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
    /// First port of the simulated platforms; by default the system chooses free ones.
    #[arg(long = "fleet.base-port", value_name = "PORT")]
    pub(crate) fleet_base_port: Option<u16>,
    /// Seed of the simulation: the same seed gives the same story.
    #[arg(long = "fleet.seed", value_name = "NUMBER", default_value_t = 1)]
    pub(crate) fleet_seed: u64,
    /// How much simulated history an empty store gets before the demo starts; `0` for none.
    #[arg(long = "fleet.history", value_name = "DURATION", default_value = "3h", value_parser = duration_ms)]
    pub(crate) fleet_history_ms: i64,
    /// Requests, tasks, executions and starts of workflows per second on all simulated platforms together, each at its busiest hour; at most 1000. They share them as they always do, and their
    /// pools and workers do not grow: what is too much for them fills queues and is turned away.
    #[arg(long = "rate", value_name = "ARRIVALS", default_value_t = ArrivalRate::USUAL, value_parser = arrival_rate, allow_negative_numbers = true)]
    pub(crate) rate: ArrivalRate,
}

/// Settings of the HTTP surface.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Web")]
pub(crate) struct WebArgs {
    /// Address to listen on; may be repeated.
    #[arg(long = "web.listen-address", value_name = "HOST:PORT", default_value = "127.0.0.1:9090")]
    pub(crate) listen_address: Vec<String>,
    /// The file with TLS, users, headers and a limit of requests, as Prometheus has it. It is read again when it changes.
    #[arg(id = "web_config_file", long = "web.config.file", value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,
    /// The URL under which users reach this server, if a proxy stands in front; its path is the default of the route prefix.
    #[arg(long = "web.external-url", value_name = "URL", default_value = "", value_parser = external_url)]
    pub(crate) external_url: String,
    /// Path below which everything is served.
    #[arg(long = "web.route-prefix", value_name = "PATH", value_parser = url_path)]
    pub(crate) route_prefix: Option<String>,
    /// Allow `POST /-/quit`, and `POST /-/reload` from other machines.
    #[arg(long = "web.enable-lifecycle")]
    pub(crate) enable_lifecycle: bool,
    /// Serve the admin endpoints.
    #[arg(long = "web.enable-admin-api")]
    pub(crate) enable_admin_api: bool,
    /// Accept remote write on `/api/v1/write`; it is accepted unless this is set to false.
    #[arg(long = "web.enable-remote-write-receiver", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) enable_remote_write_receiver: bool,
    /// Regular expression of the origins that may read across origins; none by default.
    #[arg(long = "web.cors.origin", value_name = "REGEX", value_parser = anchored_regex)]
    pub(crate) cors_origin: Option<AnchoredRegex>,
    /// How many connections may be open at once.
    #[arg(long = "web.max-connections", value_name = "NUMBER", default_value_t = 2_000, value_parser = at_least_one)]
    pub(crate) max_connections: usize,
}

/// Settings of the store.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Storage")]
pub(crate) struct StorageArgs {
    /// The folder of the store.
    #[arg(long = "storage.tsdb.path", value_name = "DIR", default_value = "data/")]
    pub(crate) path: PathBuf,
    /// How long samples are kept. The configuration file wins; 15d if neither says anything.
    #[arg(long = "storage.tsdb.retention.time", value_name = "DURATION", value_parser = duration_ms)]
    pub(crate) retention_time_ms: Option<i64>,
    /// How many bytes parts, log and checkpoint may take before the oldest parts go; 0 for no limit. The configuration file wins.
    #[arg(long = "storage.tsdb.retention.size", value_name = "SIZE", value_parser = size_bytes)]
    pub(crate) retention_size: Option<u64>,
    /// How many bytes of the file system must stay free; below that, samples are refused until there is room again. 2 % of it but at
    /// least 512MiB if nothing is said.
    #[arg(long = "storage.min-free", value_name = "SIZE", value_parser = size_bytes)]
    pub(crate) min_free: Option<u64>,
    /// A query that meets damaged data fails, rather than being answered without them and with a warning.
    #[arg(long = "storage.strict-reads")]
    pub(crate) strict_reads: bool,
    /// How much of the disk is taken by a file that is removed when the disk is full, so that data can be moved into parts all the same; 0 for
    /// none. It is there only while free space is scarce.
    #[arg(long = "storage.reserve", value_name = "SIZE", default_value = "64MiB", value_parser = size_bytes)]
    pub(crate) reserve: u64,
    /// How the samples of parts are read: through memory that stands for the files, or with reads, for file systems that may fail later, such as
    /// those in a network.
    #[arg(long = "storage.read-mode", value_name = "MODE", default_value = "mmap")]
    pub(crate) read_mode: ReadModeArg,
    /// How much memory series and samples may take that are not in parts on the disk yet. Near it samples go there before their time;
    /// over it, new series are refused. 60 % of the memory of the machine or of the control group if nothing is said.
    #[arg(long = "storage.memory-budget", value_name = "SIZE", value_parser = some_bytes)]
    pub(crate) memory_budget: Option<u64>,
    /// When the log is synced to the disk: every second, before each acknowledgement, or when a segment is full.
    #[arg(long = "storage.wal-sync", value_name = "MODE", default_value = "interval")]
    pub(crate) wal_sync: WalSync,
    /// Most samples of one query by remote read, if its answer is one message; 0 for no limit.
    #[arg(long = "storage.remote.read-sample-limit", value_name = "NUMBER", default_value = "5e7", value_parser = count)]
    pub(crate) remote_read_sample_limit: usize,
    /// How many remote reads are answered at once; 0 for no limit.
    #[arg(long = "storage.remote.read-concurrent-limit", value_name = "NUMBER", default_value_t = 10)]
    pub(crate) remote_read_concurrent_limit: usize,
    /// About how many bytes a frame of a streamed remote read has. Other servers take at most 50 MB by default.
    #[arg(long = "storage.remote.read-max-bytes-in-frame", value_name = "NUMBER", default_value_t = 1 << 20)]
    pub(crate) remote_read_max_bytes_in_frame: usize,
}

/// When the log is synced to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WalSync {
    /// Every second: a power cut costs at most the last second.
    Interval,
    /// Before each acknowledgement: a power cut costs nothing acknowledged.
    Always,
    /// When a segment is full, as Prometheus does.
    Segment,
}

/// How the samples of parts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReadModeArg {
    /// Through memory that stands for the files.
    Mmap,
    /// With a read for each piece.
    Pread,
}

/// Settings of the query engine.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Query")]
pub(crate) struct QueryArgs {
    /// How old a sample may be to count as the current value.
    #[arg(long = "query.lookback-delta", value_name = "DURATION", default_value = "5m", value_parser = positive_duration_ms)]
    pub(crate) lookback_delta_ms: i64,
    /// How long a query may take.
    #[arg(long = "query.timeout", value_name = "DURATION", default_value = "2m", value_parser = positive_duration_ms)]
    pub(crate) timeout_ms: i64,
    /// How many queries run at once.
    #[arg(long = "query.max-concurrency", value_name = "NUMBER", default_value_t = 20, value_parser = at_least_one)]
    pub(crate) max_concurrency: usize,
    /// How many samples one query may hold in memory.
    #[arg(long = "query.max-samples", value_name = "NUMBER", default_value_t = 50_000_000, value_parser = at_least_one)]
    pub(crate) max_samples: usize,
    /// How much memory all running queries may use together, answers on their way to clients included. A quarter of the memory of the
    /// machine or of the control group if nothing is said.
    #[arg(long = "query.max-memory", value_name = "SIZE", value_parser = some_bytes)]
    pub(crate) max_memory: Option<u64>,
    /// How much of it one query may use. Half of it, but at most 2GiB, if nothing is said.
    #[arg(long = "query.max-memory-per-query", value_name = "SIZE", value_parser = some_bytes)]
    pub(crate) max_memory_per_query: Option<u64>,
    /// How long a query is refused that ran when the server ended unexpectedly; `0s` for not at all.
    #[arg(long = "query.refuse-after-crash", value_name = "DURATION", default_value = "5m", value_parser = duration_ms)]
    pub(crate) refuse_after_crash_ms: i64,
    /// How many bytes the answer to one query may have.
    #[arg(long = "query.max-result-size", value_name = "SIZE", default_value = "256MiB", value_parser = size_bytes)]
    pub(crate) max_result_bytes: u64,
}

/// Settings of the memory.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Memory")]
pub(crate) struct MemoryArgs {
    /// How much memory the process may use. From 85 % of it on new queries are refused, from 92 % on the largest query is cancelled, from
    /// 96 % on writes are refused. 80 % of the memory of the machine or of the control group if nothing is said.
    #[arg(long = "memory.limit", value_name = "SIZE", value_parser = some_bytes)]
    pub(crate) limit: Option<u64>,
}

/// Settings of the Alertmanager in this program.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Alertmanager")]
pub(crate) struct AlertmanagerArgs {
    /// The `alertmanager.yml` that says who is told about which alerts, in place of the key `alertmanager` of the configuration file.
    #[arg(id = "alertmanager_config_file", long = "alertmanager.config.file", value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,
}

/// Settings of the log.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Log")]
pub(crate) struct LogArgs {
    /// Least severity that is written.
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info")]
    pub(crate) level: LogLevel,
    /// How lines are written.
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt")]
    pub(crate) format: LogFormat,
}

/// Severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// Decisions.
    Debug,
    /// Lifecycle.
    Info,
    /// Data or service degraded.
    Warn,
    /// An operator must act.
    Error,
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Logfmt,
    /// For programs.
    Json,
}

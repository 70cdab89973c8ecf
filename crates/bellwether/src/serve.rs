//! `bellwether serve`: opens the store, the engine, the scrape manager and the HTTP surface, in that order, and stops them in the opposite one.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bellwether::config::Config;
use bellwether_api::{
    ApiStats, AppState, ConnectionLimits, Operations as _, Readiness, Settings, Surface, router, serve as serve_http,
};
use bellwether_disk::StdFs;
use bellwether_model::{Clock, SystemClock, format_duration_ms, format_size};
use bellwether_promql::engine::{Engine, EngineOptions};
use bellwether_promql::syntax::ParserOptions;
use bellwether_scrape::ScrapeManager;
use bellwether_tsdb::Tsdb;
use bellwether_wire::WriteLimits;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::cli::{QueryArgs, ServeArgs, StorageArgs, WalSync, WebArgs};
use crate::listen::{listen, route_prefix, stop_signal};
use crate::operations::{ConfigSource, Program, jobs};
use crate::{listen, log};

/// How long samples are kept if nobody says anything.
const DEFAULT_RETENTION_MS: i64 = 15 * 24 * 60 * 60 * 1000;
/// How much memory one query may reserve.
const QUERY_MEMORY_BYTES: usize = 2 << 30;
/// How often the store cuts, drops and tidies up.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(10);
/// How long scrapes in flight may go on after the server was told to stop.
const SCRAPE_DRAIN: Duration = Duration::from_secs(3);

/// What all server commands share.
pub(crate) struct ServerArgs {
    pub(crate) web: WebArgs,
    pub(crate) storage: StorageArgs,
    pub(crate) query: QueryArgs,
    pub(crate) features: Vec<String>,
    pub(crate) flags: Vec<(String, String)>,
    pub(crate) demo: bool,
}

/// Runs `bellwether serve`.
pub(crate) fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    log::start(&args.log);
    let source = ConfigSource { file: config_file(args.config_file.clone()), fallback: String::new(), extra: None };
    let server = ServerArgs {
        flags: flags(&args),
        web: args.web,
        storage: args.storage,
        query: args.query,
        features: args.enable_feature,
        demo: false,
    };
    crate::demo::refuse_demo_data(&server.storage.path)?;
    block_on(run(server, source))
}

/// Runs `future` on the threads that serve sockets and timers.
pub(crate) fn block_on(future: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("bellwether-io")
        .build()
        .context("cannot start threads")?
        .block_on(future)
}

/// The file that was named, or one of those that are looked for in this folder.
fn config_file(named: Option<PathBuf>) -> Option<PathBuf> {
    let usual = ["bellwether.yml", "prometheus.yml"].map(PathBuf::from);
    named.or_else(|| usual.into_iter().find(|file| file.is_file()))
}

/// Runs a server until it is told to stop.
pub(crate) async fn run(args: ServerArgs, mut source: ConfigSource) -> anyhow::Result<ExitCode> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let started_at_ms = clock.now_ms();
    let listeners = listen(&args.web).await?;
    let address = listeners[0].local_addr().context("the socket has no address")?;
    let prefix = route_prefix(&args.web);
    if source.fallback.is_empty() {
        source.fallback = own_scrape_config(&address.to_string(), &prefix);
    }
    let config = source.load().map_err(|problems| anyhow::anyhow!("{problems}"))?;
    warn_if_open(&listeners);

    // Until the store is open, health is answered and everything else is told to wait.
    let readiness = Arc::new(Readiness::starting("replaying the log"));
    let surface = Surface::new(Arc::clone(&readiness));
    let stop = CancellationToken::new();
    let limits =
        ConnectionLimits { max_connections: args.web.max_connections, ..ConnectionLimits::default() };
    let servers: Vec<_> = listeners
        .into_iter()
        .map(|listener| {
            let stopped = stop.clone().cancelled_owned();
            tokio::spawn(serve_http(listener, surface.clone(), limits.clone(), stopped))
        })
        .collect();
    announce(&format!("Bellwether listens on http://{address}{prefix}/"));

    let store = Arc::new(open_store(&args, &config, Arc::clone(&clock)).await?);
    let parser = parser_options(&args.features)?;
    let engine = Engine::new(engine_options(&args, &config, parser), Arc::<Tsdb>::clone(&store));
    let scrape = Arc::new(ScrapeManager::new(Arc::<Tsdb>::clone(&store), Arc::clone(&clock)));
    if args.demo {
        crate::demo::fill_history(&store, &*clock, &source).await?;
    }
    scrape.apply(jobs(&config))?;
    let program = Arc::new(Program::new(source, config, Arc::clone(&scrape), Arc::clone(&clock), stop.clone()));
    let state = AppState {
        engine: Arc::new(engine),
        appender: Arc::<Tsdb>::clone(&store),
        store: Arc::clone(&store),
        scrape: Arc::clone(&scrape),
        operations: Arc::<Program>::clone(&program),
        readiness: Arc::clone(&readiness),
        clock,
        settings: Arc::new(settings(&args, prefix, parser)),
        write_limits: Arc::new(WriteLimits::default()),
        stats: Arc::new(ApiStats::default()),
        query_gate: Arc::new(Semaphore::new(args.query.max_concurrency.max(1))),
        write_gate: Arc::new(Semaphore::new(64)),
        started_at_ms,
    };
    surface.open(router(state));
    readiness.set_ready();
    tracing::info!(%address, "ready");

    let maintenance = tokio::spawn(maintain(Arc::clone(&store), stop.clone()));
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            outcome = stop_signal() => { outcome?; break; }
            _ = hangup.recv() => {
                let program = Arc::clone(&program);
                // The outcome is in the log and in the metrics.
                let _ = tokio::task::spawn_blocking(move || program.reload()).await;
            }
        }
    }
    tracing::info!("stopping");
    readiness.set_stopping();
    stop.cancel();
    for server in servers {
        let _ = server.await;
    }
    scrape.shutdown(SCRAPE_DRAIN).await;
    let _ = maintenance.await;
    tokio::task::spawn_blocking(move || store.close()).await?.context("closing the store")?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// The configuration of a server that has none: it scrapes itself.
fn own_scrape_config(address: &str, prefix: &str) -> String {
    format!(
        "scrape_configs:\n- job_name: bellwether\n  scrape_interval: 5s\n  metrics_path: {prefix}/metrics\n  \
         static_configs:\n  - targets: ['{address}']\n"
    )
}

async fn open_store(args: &ServerArgs, config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Tsdb> {
    let path = args.storage.path.clone();
    let options = store_options(args, config);
    let (store, report) =
        tokio::task::spawn_blocking(move || Tsdb::open(&path, options, Arc::new(StdFs), clock)).await?.with_context(
            || format!("cannot open the store in {}", args.storage.path.display()),
        )?;
    tracing::info!(%report, "store opened");
    if args.demo {
        crate::demo::mark_demo_data(&args.storage.path)?;
    }
    Ok(store)
}

fn store_options(args: &ServerArgs, config: &Config) -> bellwether_tsdb::Options {
    let retention = &config.storage.tsdb.retention;
    let written = (retention.time_ms > 0).then_some(retention.time_ms);
    bellwether_tsdb::Options {
        retention_ms: args.storage.retention_time_ms.or(written).unwrap_or(DEFAULT_RETENTION_MS),
        retention_bytes: args.storage.retention_size.unwrap_or(retention.size_bytes),
        max_exemplars: usize::try_from(config.storage.max_exemplars).unwrap_or(0),
        sync: match args.storage.wal_sync {
            WalSync::Interval => bellwether_disk::SyncPolicy::Interval,
            WalSync::Always => bellwether_disk::SyncPolicy::Always,
            WalSync::Segment => bellwether_disk::SyncPolicy::Segment,
        },
        ..bellwether_tsdb::Options::default()
    }
}

fn parser_options(features: &[String]) -> anyhow::Result<ParserOptions> {
    let mut parser = ParserOptions::default();
    for feature in features {
        match feature.as_str() {
            "promql-experimental-functions" => parser.experimental_functions = true,
            "promql-duration-expr" => parser.duration_expressions = true,
            "promql-extended-range-selectors" => parser.extended_range_selectors = true,
            "promql-binop-fill-modifiers" => parser.fill_modifiers = true,
            other if KNOWN_FEATURES.contains(&other) => {}
            other => tracing::warn!(feature = other, "unknown feature; it has no effect"),
        }
    }
    Ok(parser)
}

/// Features of Prometheus that change something else, or that are always on here.
const KNOWN_FEATURES: [&str; 12] = [
    "promql-delayed-name-removal",
    "promql-per-step-stats",
    "promql-at-modifier",
    "promql-negative-offset",
    "use-start-timestamps",
    "type-and-unit-labels",
    "exemplar-storage",
    "native-histograms",
    "extra-scrape-metrics",
    "remote-write-receiver",
    "memory-snapshot-on-shutdown",
    "created-timestamp-zero-ingestion",
];

fn engine_options(args: &ServerArgs, config: &Config, parser: ParserOptions) -> EngineOptions {
    let on = |feature: &str| args.features.iter().any(|f| f == feature);
    EngineOptions {
        parser,
        lookback_delta_ms: args.query.lookback_delta_ms,
        max_samples: args.query.max_samples,
        default_subquery_step_ms: config.global.evaluation_interval_ms,
        delayed_name_removal: on("promql-delayed-name-removal"),
        use_start_timestamps: on("use-start-timestamps"),
        type_and_unit_labels: on("type-and-unit-labels"),
        per_step_stats: on("promql-per-step-stats"),
    }
}

fn settings(args: &ServerArgs, route_prefix: String, parser: ParserOptions) -> Settings {
    let retention_ms = args.storage.retention_time_ms.unwrap_or(DEFAULT_RETENTION_MS);
    let mut retention = format_duration_ms(retention_ms);
    if let Some(bytes) = args.storage.retention_size.filter(|b| *b > 0) {
        retention = format!("{retention} or {}", format_size(bytes));
    }
    Settings {
        route_prefix,
        build: vec![
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("revision", option_env!("BELLWETHER_REVISION").unwrap_or("unknown").to_owned()),
            ("branch", String::new()),
            ("buildUser", String::new()),
            ("buildDate", String::new()),
            // Clients read this field; there is no Go here.
            ("goVersion", "none".to_owned()),
            ("product", "bellwether".to_owned()),
        ],
        flags: args.flags.clone(),
        demo: args.demo,
        remote_write_receiver: args.web.enable_remote_write_receiver,
        admin_api: args.web.enable_admin_api,
        lifecycle: args.web.enable_lifecycle,
        lookback_delta_ms: args.query.lookback_delta_ms,
        query_timeout: Duration::from_millis(args.query.timeout_ms.max(0).unsigned_abs()),
        query_concurrency: args.query.max_concurrency,
        query_memory_bytes: QUERY_MEMORY_BYTES,
        parser,
        cors_origin: args.web.cors_origin.clone(),
        storage_path: args.storage.path.display().to_string(),
        retention,
    }
}

/// The flags as `status/flags` shows them, under the names of the command line.
fn flags(args: &ServeArgs) -> Vec<(String, String)> {
    shared_flags(&args.web, &args.storage, &args.query, &args.enable_feature, args.config_file.as_ref())
}

/// The flags that all server commands have.
pub(crate) fn shared_flags(
    web: &WebArgs,
    storage: &StorageArgs,
    query: &QueryArgs,
    features: &[String],
    config_file: Option<&PathBuf>,
) -> Vec<(String, String)> {
    let duration = |ms: i64| format_duration_ms(ms);
    let path = |p: Option<&PathBuf>| p.map(|p| p.display().to_string()).unwrap_or_default();
    let retention_ms = storage.retention_time_ms.unwrap_or(DEFAULT_RETENTION_MS);
    let mut flags = vec![
        ("config.file", path(config_file)),
        ("enable-feature", features.join(",")),
        ("query.lookback-delta", duration(query.lookback_delta_ms)),
        ("query.max-concurrency", query.max_concurrency.to_string()),
        ("query.max-samples", query.max_samples.to_string()),
        ("query.timeout", duration(query.timeout_ms)),
        ("storage.tsdb.path", storage.path.display().to_string()),
        ("storage.tsdb.retention.size", format_size(storage.retention_size.unwrap_or(0))),
        ("storage.tsdb.retention.time", duration(retention_ms)),
        ("storage.wal-sync", format!("{:?}", storage.wal_sync).to_lowercase()),
        ("web.cors.origin", web.cors_origin.clone().unwrap_or_default()),
        ("web.enable-admin-api", web.enable_admin_api.to_string()),
        ("web.enable-lifecycle", web.enable_lifecycle.to_string()),
        ("web.enable-remote-write-receiver", web.enable_remote_write_receiver.to_string()),
        ("web.external-url", web.external_url.clone()),
        ("web.listen-address", web.listen_address.join(",")),
        ("web.max-connections", web.max_connections.to_string()),
        ("web.route-prefix", listen::route_prefix(web)),
    ];
    flags.sort_unstable();
    flags.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Lets the store cut, drop and tidy up until the server stops.
async fn maintain(store: Arc<Tsdb>, stop: CancellationToken) {
    let mut sync = tokio::time::interval(Duration::from_secs(1));
    let mut tidy = tokio::time::interval(MAINTENANCE_INTERVAL);
    for timer in [&mut sync, &mut tidy] {
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    loop {
        let store = Arc::clone(&store);
        let outcome = tokio::select! {
            () = stop.cancelled() => return,
            _ = sync.tick() => tokio::task::spawn_blocking(move || store.sync().map_err(|e| e.to_string())).await,
            _ = tidy.tick() => tokio::task::spawn_blocking(move || store.maintain().map(|_| ()).map_err(|e| e.to_string())).await,
        };
        if let Ok(Err(error)) = outcome {
            tracing::error!(%error, "storage maintenance failed");
        }
    }
}

/// Says so if strangers can reach the server without a password.
fn warn_if_open(listeners: &[TcpListener]) {
    for address in listeners.iter().filter_map(|l| l.local_addr().ok()) {
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "listening beyond this machine, and there is no authentication yet: put a proxy in front");
        }
    }
}

/// One line on standard output, for people and for whoever started the program.
pub(crate) fn announce(line: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    // Nobody may be listening; that is no reason to stop.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

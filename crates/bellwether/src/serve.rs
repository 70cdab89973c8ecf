//! `bellwether serve`: opens the store, the engine, the scrape manager and the HTTP surface, in that order, and stops them in the opposite one.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bellwether::config::{AlertmanagerSetup, Config};
use bellwether_api::{
    ActiveQueries, ApiStats, AppState, ConnectionLimits, Host, Operations as _, Pace, ProcessMemory,
    QueryLog, Readiness, RemoteReadSettings, Replay, ReplayWatch, Settings, Surface, WriteGate, router,
    serve as serve_http,
};
use bellwether_disk::RealFs;
use bellwether_model::{Clock, SystemClock, format_duration_ms, format_size};
use bellwether_packs::live::LiveCheck;
use bellwether_promql::engine::{Engine, EngineOptions, QueryEngine};
use bellwether_rules::slo::LiveObjectives;
use bellwether_scrape::{ScrapeManager, ScrapeOptions};
use bellwether_tsdb::{ReplayProgress, Tsdb, TsdbError, forget_starts};
use bellwether_wire::{WriteLimits, WriteReceiver};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::alertmanager::{AlertmanagerSource, Sender};
use crate::cli::{MemoryArgs, QueryArgs, ServeArgs, StorageArgs, WebArgs};
use crate::clock_watch::ClockWatch;
use crate::gates::Gates;
use crate::listen::{external_url, global_address, listen, own_address, route_prefix};
use crate::memory::MemoryBound;
use crate::operations::{Checked, ConfigSource, Program, open_query_log};
use crate::pack_inspector::PackInspector;
use crate::query_journal::Journal;
use crate::query_memory::QueryMemoryLimits;
use crate::rules::{Rules, RulesArgs, Surroundings};
use crate::signals::{Request, Signals};
use crate::storage::{self, Retention, memory_budget};
use crate::{demo, features, log, memory, state};

/// Stack of each thread. The evaluator recurses into the tree of a query, which may be 500 levels high; a level takes some kilobytes, in a build
/// without optimisation above 5. Memory is taken only for what is used.
const STACK_BYTES: usize = 16 << 20;
/// So many remote reads are noted in the journal of running queries beside the queries.
const READS_NOTED: usize = 16;
/// How often the store cuts, drops and tidies up.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(10);
/// How long scrapes in flight may go on after the server was told to stop.
const SCRAPE_DRAIN: Duration = Duration::from_secs(3);
/// Messages that are on their way at a stop have so long.
const NOTIFICATION_DRAIN: Duration = Duration::from_secs(5);
/// How long threads that are still at work may keep the process alive after everything is closed.
const LAST_WORK: Duration = Duration::from_secs(2);
/// So many writes for each processor are decoded and stored at once.
const WRITES_PER_CORE: usize = 4;
/// How much memory the bodies of all writes may take, as they came and decompressed together.
const MAX_WRITE_BODY_BYTES: usize = 256 << 20;

/// What all server commands share.
pub(crate) struct ServerArgs {
    pub(crate) web: WebArgs,
    pub(crate) storage: StorageArgs,
    pub(crate) query: QueryArgs,
    pub(crate) memory: MemoryArgs,
    pub(crate) rules: RulesArgs,
    pub(crate) features: Vec<String>,
    /// Puts simulated history into the store before anything is scraped; only the demo has this.
    pub(crate) history: Option<FillHistory>,
}

impl ServerArgs {
    /// A server with the given flags.
    pub(crate) fn new(args: ServeArgs, history: Option<FillHistory>) -> Self {
        let ServeArgs { web, storage, query, memory, rules, enable_feature, .. } = args;
        Self { web, storage, query, memory, rules, features: enable_feature, history }
    }
}

/// Fills an empty store.
pub(crate) type FillHistory = Box<dyn FnOnce(&Tsdb, &Config) -> anyhow::Result<()> + Send>;

/// Runs `bellwether serve`.
pub(crate) fn serve(mut args: ServeArgs) -> anyhow::Result<ExitCode> {
    log::start(&args.log);
    demo::refuse_demo_data(&args.storage.path)?;
    let alertmanager = AlertmanagerSource::new(args.alertmanager.clone(), AlertmanagerSetup::default());
    let file = config_file(args.config_file.take());
    let source = ConfigSource { file, alertmanager, ..ConfigSource::default() };
    let server = ServerArgs::new(args, None);
    block_on(run(server, source))
}

/// Runs `future` on the threads that serve sockets and timers.
pub(crate) fn block_on(future: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("bellwether-io")
        .thread_stack_size(STACK_BYTES)
        .build()
        .context("cannot start threads")?;
    let outcome = runtime.block_on(future);
    // Work that does not hear that it is no longer wanted, such as opening a file that hangs, must not keep the process alive.
    runtime.shutdown_timeout(LAST_WORK);
    outcome
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
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let prefix = route_prefix(&args.web);
    source.parser = features::language(&args.features);
    // A mistake in the file is told before a port is taken; what stands in for a missing file names the port.
    let from_file = source.file.is_some().then(|| source.load()).transpose();
    let from_file = from_file.map_err(anyhow::Error::msg)?;
    let listeners = listen(&args.web).await?;
    let address = listeners[0].local_addr().context("the socket has no address")?;
    source.fallback = own_scrape_config(address, &prefix);
    let config = match from_file {
        Some(loaded) => loaded,
        None => source.load().map_err(anyhow::Error::msg)?,
    };
    let query_log = Arc::new(QueryLog::default());
    query_log.set_file(open_query_log(&config.config).map_err(anyhow::Error::msg)?);
    warn_if_open(&listeners);

    // Until the store is open, health is answered and everything else is told to wait.
    let progress = Arc::new(ReplayProgress::default());
    let external_url = external_url(&args.web, address, &prefix);
    let readiness = Arc::new(Readiness::replaying(Arc::clone(&clock), watch(&progress)));
    let surface = Surface::new(Arc::clone(&readiness));
    let stop = CancellationToken::new();
    let servers = accept(listeners, &surface, &args.web, &stop);
    announce(&format!("Bellwether listens on http://{}{prefix}/", own_address(address)));

    let retention = Retention::new(&args.storage, &config.config);
    let mut engine_options = engine_options(&args.query, &config.config);
    let mut scrape_options = scrape_options(&args.web, address);
    features::apply(&args.features, &mut engine_options, &mut scrape_options);
    let memory_limits = QueryMemoryLimits::new(&args.query);
    let mut settings = settings(&args, prefix, &engine_options, retention, memory_limits, &source);
    settings.features = features::listed(&engine_options, &scrape_options);
    let read_places = match settings.remote_read.concurrent_limit {
        0 => usize::MAX,
        limit => limit,
    };
    let is_demo = args.history.is_some();
    let data_dir = args.storage.path.clone();
    let opening = open_store(
        args.storage.clone(),
        config,
        args.history,
        Arc::clone(&clock),
        (Arc::clone(&readiness), progress),
    );
    let (store, config) = tokio::select! {
        opened = opening => opened?,
        () = stop_requested(&mut signals) => {
            // What is in the log stays there for the next start, so there is nothing to wait for.
            tracing::info!("stopped while the store was being opened");
            if let Err(error) = forget_starts(&RealFs::new(), &data_dir) {
                tracing::warn!(%error, "this start will count as one that did not go well");
            }
            return Ok(ExitCode::SUCCESS);
        }
    };

    // The store holds the lock of the folder now.
    let (n_running, refuse_ms) =
        (args.query.max_concurrency.saturating_add(READS_NOTED), args.query.refuse_after_crash_ms);
    let query_journal = Arc::new(Journal::open(&data_dir, n_running, clock.now_ms(), refuse_ms));
    let is_safe_mode = store.starts().is_safe_mode;
    let gates = Gates::new(args.query.max_concurrency, read_places, is_safe_mode);
    if is_safe_mode {
        scrape_options.ingest_concurrency = (scrape_options.ingest_concurrency / 2).max(1);
    }
    let clock_watch = Arc::new(ClockWatch::new(Arc::clone(&clock)));
    let engine: Arc<dyn QueryEngine> = Arc::new(Engine::new(engine_options, Arc::new(store.clone())));
    let process_memory = Arc::new(ProcessMemory::new(memory::limit(args.memory.limit)));
    let active_queries = Arc::new(ActiveQueries::default());
    tokio::spawn(memory::watch(Arc::clone(&process_memory), Arc::clone(&active_queries), stop.clone()));
    let appender = Arc::new(MemoryBound { store: store.clone(), memory: Arc::clone(&process_memory) });
    let packs = Arc::new(LiveCheck::start(config.catalogue.clone()).context("cannot start threads")?);
    let slos = Arc::new(LiveObjectives::default());
    slos.set(config.slos.clone());
    let inspector = PackInspector { packs: Arc::clone(&packs), clock: Arc::clone(&clock) };
    scrape_options.inspector = Some(Arc::new(inspector));
    let scrape = ScrapeManager::new(Arc::<MemoryBound>::clone(&appender), Arc::clone(&clock), scrape_options);
    config.apply(&scrape).await.map_err(anyhow::Error::msg)?;
    let sender = Sender::new(Arc::clone(&clock), &external_url);
    let state = state::open(&data_dir).await?;
    let alertmanager = sender.start(&config.alertmanager, state.clone()).await?;
    let surroundings = Surroundings {
        engine: Arc::clone(&engine),
        appender: Arc::clone(&appender),
        clock: Arc::clone(&clock),
        state: state.clone(),
        router: alertmanager.clone(),
        query_timeout: settings.query_timeout,
        query_memory: memory_limits.budget(),
        external_url,
    };
    let rules = Rules::start(&args.rules, surroundings, &config, &scrape)?;
    let program = Arc::new(Program::new(
        source,
        config,
        (store.clone(), args.storage),
        (scrape.clone(), rules.clone(), Arc::clone(&packs), Arc::clone(&slos)),
        (Arc::clone(&query_log), (alertmanager.clone(), sender)),
        (Arc::clone(&clock), Arc::clone(&clock_watch)),
        stop.clone(),
    ));
    surface.open(router(AppState {
        engine,
        appender,
        queryable: Arc::new(store.clone()),
        storage: Arc::new(storage::Admin { store: store.clone(), state, clock: Arc::clone(&clock) }),
        scrape: Arc::new(scrape.clone()),
        rules: rules.manager.clone(),
        lint: Arc::clone(&rules.lint.board),
        external: rules.told.external.clone(),
        packs,
        slos,
        alertmanager: alertmanager.clone(),
        alert_stats: Arc::default(),
        operations: Arc::<Program>::clone(&program),
        readiness: Arc::clone(&readiness),
        clock,
        settings: Arc::new(settings),
        write_receiver: Arc::new(WriteReceiver::new(WriteLimits::default())),
        stats: Arc::new(ApiStats::default()),
        query_journal: Arc::<Journal>::clone(&query_journal),
        query_log,
        query_memory: memory_limits.budget(),
        active_queries,
        pace: Arc::new(Pace::default()),
        query_gate: Arc::clone(&gates.queries.places),
        read_gate: Arc::clone(&gates.reads.places),
        write_gate: Arc::new(write_gate(is_safe_mode)),
        memory: process_memory,
        host: Arc::new(Host::new()),
        started_at_ms,
    }));
    readiness.set_ready();
    store.note_ready();
    tracing::info!(%address, demo = is_demo, "ready");
    let maintenance = tokio::spawn(maintain(store.clone(), gates, clock_watch, stop.clone()));

    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            request = signals.next() => match request {
                Request::Stop => break,
                Request::Reload => {
                    let program = Arc::clone(&program);
                    // The outcome is in the log and in the metrics. A file that cannot be read in time must not keep a stop from being heard.
                    tokio::task::spawn_blocking(move || program.reload());
                }
            }
        }
    }

    tracing::info!(
        "stopping; a second signal ends the process at once, which loses nothing that was acknowledged"
    );
    tokio::spawn(exit_at_next_stop(signals));
    readiness.set_stopping();
    stop.cancel();
    for server in servers {
        if let Ok(Err(error)) = server.await {
            tracing::error!(%error, "HTTP server failed");
        }
    }
    if !scrape.shutdown(Instant::now() + SCRAPE_DRAIN).await {
        tracing::warn!("some scrapes did not end in time");
    }
    rules.shutdown().await;
    alertmanager.stop(NOTIFICATION_DRAIN).await;
    // Nobody is told any more, and what is known is kept.
    tokio::task::spawn_blocking(move || drop((surface, program, alertmanager, rules))).await?;
    query_journal.close();
    // Ends what upkeep has begun, which may have minutes to go.
    tokio::task::spawn_blocking(move || store.close()).await?.context("closing the store")?;
    let _ = maintenance.await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Serves all sockets.
fn accept(
    listeners: Vec<TcpListener>,
    surface: &Surface,
    web: &WebArgs,
    stop: &CancellationToken,
) -> Vec<JoinHandle<std::io::Result<()>>> {
    let limits = ConnectionLimits { max_connections: web.max_connections, ..ConnectionLimits::default() };
    listeners
        .into_iter()
        .map(|listener| {
            let stopped = stop.clone().cancelled_owned();
            tokio::spawn(serve_http(listener, surface.clone(), limits.clone(), stopped))
        })
        .collect()
}

/// The configuration of a server that has none: it scrapes itself.
fn own_scrape_config(listen: SocketAddr, prefix: &str) -> String {
    let address = own_address(listen);
    format!(
        "scrape_configs:\n- job_name: bellwether\n  scrape_interval: 5s\n  metrics_path: {prefix}/metrics\n  \
         static_configs:\n  - targets: ['{address}']\n"
    )
}

/// The progress of a replay in the words of the HTTP surface.
fn watch(progress: &Arc<ReplayProgress>) -> ReplayWatch {
    let progress = Arc::clone(progress);
    Box::new(move || {
        let status = progress.status();
        Replay {
            first_segment: status.first_segment,
            last_segment: status.last_segment,
            segment: status.segment,
            bytes: status.bytes,
            bytes_read: status.bytes_read,
        }
    })
}

/// Opens the store and, for the demo, fills it, on a thread that may block.
async fn open_store(
    args: StorageArgs,
    config: Checked,
    history: Option<FillHistory>,
    clock: Arc<dyn Clock>,
    (readiness, progress): (Arc<Readiness>, Arc<ReplayProgress>),
) -> anyhow::Result<(Tsdb, Checked)> {
    let work = move || {
        let store = storage::open(&args, &config.config, clock, &progress)?;
        if let Some(fill) = history {
            readiness.set_starting("simulating the past of the demo");
            fill(&store, &config.config).context("simulating the past of the demo")?;
        }
        Ok((store, config))
    };
    tokio::task::spawn_blocking(work).await.context("opening the store ended unexpectedly")?
}

fn engine_options(query: &QueryArgs, config: &Config) -> EngineOptions {
    EngineOptions {
        lookback_delta_ms: query.lookback_delta_ms,
        max_samples: query.max_samples,
        default_subquery_step_ms: config.global.evaluation_interval_ms,
        ..EngineOptions::default()
    }
}

/// In safe mode half as many writes are worked on at once.
fn write_gate(is_safe_mode: bool) -> WriteGate {
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let n_places = WRITES_PER_CORE * n_cores;
    WriteGate::new(if is_safe_mode { n_places / 2 } else { n_places }, MAX_WRITE_BODY_BYTES)
}

fn scrape_options(web: &WebArgs, listen: SocketAddr) -> ScrapeOptions {
    let mut seed = DefaultHasher::new();
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().hash(&mut seed);
    ScrapeOptions {
        offset_seed: seed.finish(),
        global_address: global_address(web, listen),
        ..ScrapeOptions::default()
    }
}

fn settings(
    args: &ServerArgs,
    route_prefix: String,
    engine: &EngineOptions,
    retention: Retention,
    memory: QueryMemoryLimits,
    source: &ConfigSource,
) -> Settings {
    Settings {
        flags: flags(args, &route_prefix, retention, memory, source),
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
        demo: args.history.is_some(),
        remote_write_receiver: args.web.enable_remote_write_receiver,
        admin_api: args.web.enable_admin_api,
        lifecycle: args.web.enable_lifecycle,
        lookback_delta_ms: args.query.lookback_delta_ms,
        query_timeout: Duration::from_millis(args.query.timeout_ms.max(0).unsigned_abs()),
        query_concurrency: args.query.max_concurrency,
        remote_read: RemoteReadSettings {
            sample_limit: args.storage.remote_read_sample_limit,
            concurrent_limit: args.storage.remote_read_concurrent_limit,
            max_bytes_in_frame: args.storage.remote_read_max_bytes_in_frame,
        },
        features: Vec::new(),
        max_result_bytes: usize::try_from(args.query.max_result_bytes).unwrap_or(usize::MAX),
        parser: engine.parser,
        cors_origin: args.web.cors_origin.clone(),
        storage_path: args.storage.path.display().to_string(),
    }
}

/// The flags as `status/flags` shows them, under the names of the command line.
fn flags(
    args: &ServerArgs,
    route_prefix: &str,
    retention: Retention,
    memory: QueryMemoryLimits,
    source: &ConfigSource,
) -> Vec<(String, String)> {
    let ServerArgs { web, storage, query, memory: process, rules, features, .. } = args;
    let mut flags = vec![
        ("alertmanager.config.file", source.alertmanager.file()),
        ("config.file", source.file.as_ref().map(|p| p.display().to_string()).unwrap_or_default()),
        ("enable-feature", features.join(",")),
        ("memory.limit", format_size(memory::limit(process.limit))),
        ("query.lookback-delta", format_duration_ms(query.lookback_delta_ms)),
        ("query.max-concurrency", query.max_concurrency.to_string()),
        ("query.max-memory", memory.together()),
        ("query.max-memory-per-query", memory.per_query()),
        ("query.max-result-size", format_size(query.max_result_bytes)),
        ("query.refuse-after-crash", format_duration_ms(query.refuse_after_crash_ms)),
        ("query.max-samples", query.max_samples.to_string()),
        ("query.timeout", format_duration_ms(query.timeout_ms)),
        ("storage.memory-budget", format_size(memory_budget(storage))),
        ("storage.min-free", storage.min_free.map(format_size).unwrap_or_default()),
        ("storage.read-mode", format!("{:?}", storage.read_mode).to_lowercase()),
        ("storage.reserve", format_size(storage.reserve)),
        ("storage.remote.read-concurrent-limit", storage.remote_read_concurrent_limit.to_string()),
        ("storage.remote.read-max-bytes-in-frame", storage.remote_read_max_bytes_in_frame.to_string()),
        ("storage.remote.read-sample-limit", storage.remote_read_sample_limit.to_string()),
        ("storage.strict-reads", storage.strict_reads.to_string()),
        ("storage.tsdb.path", storage.path.display().to_string()),
        ("storage.tsdb.retention.size", retention.size()),
        ("storage.tsdb.retention.time", retention.time()),
        ("storage.wal-sync", format!("{:?}", storage.wal_sync).to_lowercase()),
        ("web.cors.origin", web.cors_origin.as_ref().map(|r| r.pattern().to_owned()).unwrap_or_default()),
        ("web.enable-admin-api", web.enable_admin_api.to_string()),
        ("web.enable-lifecycle", web.enable_lifecycle.to_string()),
        ("web.enable-remote-write-receiver", web.enable_remote_write_receiver.to_string()),
        ("web.external-url", web.external_url.clone()),
        ("web.listen-address", web.listen_address.join(",")),
        ("web.max-connections", web.max_connections.to_string()),
        ("web.route-prefix", if route_prefix.is_empty() { "/" } else { route_prefix }.to_owned()),
    ];
    flags.extend(rules.listed());
    flags.sort_unstable();
    flags.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Lets the store cut, drop and tidy up until the server stops, opens the gates when safe mode is over, and looks at the clock.
async fn maintain(store: Tsdb, mut gates: Gates, clock_watch: Arc<ClockWatch>, stop: CancellationToken) {
    let mut tidy = interval(MAINTENANCE_INTERVAL);
    tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tidy.tick() => {}
        }
        clock_watch.look();
        let to_maintain = store.clone();
        match tokio::task::spawn_blocking(move || to_maintain.maintain()).await {
            Ok(Ok(_)) => {}
            Ok(Err(TsdbError::Closed)) => return,
            Ok(Err(error)) => tracing::error!(%error, "storage maintenance failed; it will be tried again"),
            Err(error) => {
                tracing::error!(%error, "storage maintenance ended by a bug; it will be tried again");
            }
        }
        if !store.starts().is_safe_mode {
            gates.give_all();
        }
    }
}

/// Ends the process without waiting for anything.
async fn exit_at_next_stop(mut signals: Signals) {
    stop_requested(&mut signals).await;
    std::process::exit(1);
}

/// Waits until the process is told to stop; there is nothing to reload before it has started or while it stops.
async fn stop_requested(signals: &mut Signals) {
    while signals.next().await != Request::Stop {}
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

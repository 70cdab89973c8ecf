//! Everything that runs once the store is open: how it is put together, and how it is stopped.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bellwether::config::Config;
use bellwether_alerts::alertmanager::Alertmanager;
use bellwether_api::{
    ActiveQueries, ApiStats, AppState, Host, Pace, ProcessMemory, QueryLog, Surface, WriteGate, router,
};
use bellwether_model::Clock;
use bellwether_packs::live::LiveCheck;
use bellwether_promql::engine::{Engine, EngineOptions, QueryEngine};
use bellwether_rules::slo::LiveObjectives;
use bellwether_scrape::{ScrapeManager, ScrapeOptions};
use bellwether_tsdb::Tsdb;
use bellwether_wire::{WriteLimits, WriteReceiver};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ServerArgs;
use super::door::Door;
use super::settings::settings;
use super::upkeep::maintain;
use crate::alertmanager::Sender;
use crate::cli::{QueryArgs, WebArgs};
use crate::clock_watch::ClockWatch;
use crate::gates::Gates;
use crate::listen::{external_url, global_address, route_prefix};
use crate::memory::MemoryBound;
use crate::operations::{Checked, ConfigSource, Program};
use crate::pack_inspector::PackInspector;
use crate::query_journal::Journal;
use crate::query_memory::QueryMemoryLimits;
use crate::rules::{Rules, Surroundings};
use crate::storage::{self, Retention};
use crate::{features, memory, state};

/// So many remote reads are noted in the journal of running queries beside the queries.
const READS_NOTED: usize = 16;
/// How long scrapes in flight may go on after the server was told to stop.
const SCRAPE_DRAIN: Duration = Duration::from_secs(3);
/// Messages that are on their way at a stop have so long.
const NOTIFICATION_DRAIN: Duration = Duration::from_secs(5);
/// So many writes for each processor are decoded and stored at once.
const WRITES_PER_CORE: usize = 4;
/// How much memory the bodies of all writes may take, as they came and decompressed together.
const MAX_WRITE_BODY_BYTES: usize = 256 << 20;

/// What was there before the store.
pub(super) struct Before {
    pub(super) args: ServerArgs,
    pub(super) source: ConfigSource,
    pub(super) query_log: Arc<QueryLog>,
    pub(super) clock: Arc<dyn Clock>,
    /// When the process started, in milliseconds since the Unix epoch.
    pub(super) started_at_ms: i64,
    /// Where the server listens.
    pub(super) address: SocketAddr,
    pub(super) stop: CancellationToken,
}

/// The parts that have to be stopped, each in its turn.
pub(super) struct Running {
    pub(super) program: Arc<Program>,
    store: Tsdb,
    scrape: ScrapeManager,
    rules: Rules,
    alertmanager: Alertmanager,
    query_journal: Arc<Journal>,
    upkeep: JoinHandle<()>,
}

impl Running {
    /// Starts everything over a store, whose lock is held, and opens the HTTP surface. The server is ready then.
    pub(super) async fn start(
        before: Before,
        store: Tsdb,
        config: Checked,
        door: &Door,
    ) -> anyhow::Result<Self> {
        let Before { args, source, query_log, clock, started_at_ms, address, stop } = before;
        let prefix = route_prefix(&args.web);
        let external_url = external_url(&args.web, source.web.scheme(), address, &prefix);
        let mut engine_options = engine_options(&args.query, &config.config);
        let mut scrape_options = scrape_options(&args.web, address);
        features::apply(&args.features, &mut engine_options, &mut scrape_options);
        let memory_limits = QueryMemoryLimits::new(&args.query);
        let retention = Retention::new(&args.storage, &config.config);
        let mut settings = settings(&args, prefix, &engine_options, retention, memory_limits, &source);
        settings.features = features::listed(&engine_options, &scrape_options);
        let read_places = match settings.remote_read.concurrent_limit {
            0 => usize::MAX,
            limit => limit,
        };
        let query_journal = Arc::new(query_journal(&args, &*clock));
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
        let scrape =
            ScrapeManager::new(Arc::<MemoryBound>::clone(&appender), Arc::clone(&clock), scrape_options);
        config.apply(&scrape).await.map_err(anyhow::Error::msg)?;
        let sender = Sender::new(Arc::clone(&clock), &external_url);
        let state = state::open(&args.storage.path).await?;
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
        door.surface.open(router(AppState {
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
            readiness: Arc::clone(&door.readiness),
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
        door.readiness.set_ready();
        store.note_ready();
        let upkeep = tokio::spawn(maintain(store.clone(), gates, clock_watch, stop));
        Ok(Self { program, store, scrape, rules, alertmanager, query_journal, upkeep })
    }

    /// Stops everything in the opposite order; nobody asks any more. `surface` goes with what it stands on.
    pub(super) async fn stop(self, surface: Surface) -> anyhow::Result<()> {
        let Self { program, store, scrape, rules, alertmanager, query_journal, upkeep } = self;
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
        let _ = upkeep.await;
        Ok(())
    }
}

fn query_journal(args: &ServerArgs, clock: &dyn Clock) -> Journal {
    let n_running = args.query.max_concurrency.saturating_add(READS_NOTED);
    Journal::open(&args.storage.path, n_running, clock.now_ms(), args.query.refuse_after_crash_ms)
}

fn engine_options(query: &QueryArgs, config: &Config) -> EngineOptions {
    EngineOptions {
        lookback_delta_ms: query.lookback_delta_ms,
        max_samples: query.max_samples,
        default_subquery_step_ms: config.global.evaluation_interval_ms,
        ..EngineOptions::default()
    }
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

/// In safe mode half as many writes are worked on at once.
fn write_gate(is_safe_mode: bool) -> WriteGate {
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let n_places = WRITES_PER_CORE * n_cores;
    WriteGate::new(if is_safe_mode { n_places / 2 } else { n_places }, MAX_WRITE_BODY_BYTES)
}

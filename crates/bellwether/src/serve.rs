//! `bellwether serve`: opens the store, the engine, the scrape manager and the HTTP surface, in that order, and stops them in the opposite one.

mod door;
mod running;
mod settings;
mod upkeep;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use bellwether::config::{AlertmanagerSetup, Config};
use bellwether_api::{Operations as _, QueryLog, Readiness};
use bellwether_disk::RealFs;
use bellwether_model::{Clock, SystemClock};
use bellwether_tsdb::{ReplayProgress, Tsdb, forget_starts};
use tokio_util::sync::CancellationToken;

use self::door::Door;
use self::running::{Before, Running};
use crate::alertmanager::AlertmanagerSource;
use crate::cli::{MemoryArgs, QueryArgs, ServeArgs, StorageArgs, WebArgs};
use crate::listen::{listen, own_address, route_prefix};
use crate::operations::{Checked, ConfigSource, open_query_log};
use crate::rules::RulesArgs;
use crate::runtime::block_on;
use crate::signals::{Request, Signals};
use crate::web::Web;
use crate::{demo, features, log, storage};

/// What all server commands share.
pub(crate) struct ServerArgs {
    pub(crate) web: WebArgs,
    pub(crate) storage: StorageArgs,
    pub(crate) query: QueryArgs,
    pub(crate) memory: MemoryArgs,
    pub(crate) rules: RulesArgs,
    pub(crate) features: Vec<String>,
    is_demo: bool,
    /// Puts simulated history into the store before anything is scraped; only the demo has this.
    history: Option<FillHistory>,
}

impl ServerArgs {
    /// A server with the given flags.
    pub(crate) fn new(args: ServeArgs, history: Option<FillHistory>) -> Self {
        let ServeArgs { web, storage, query, memory, rules, enable_feature, .. } = args;
        let is_demo = history.is_some();
        Self { web, storage, query, memory, rules, features: enable_feature, is_demo, history }
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

/// The file that was named, or one of those that are looked for in this folder.
fn config_file(named: Option<PathBuf>) -> Option<PathBuf> {
    let usual = ["bellwether.yml", "prometheus.yml"].map(PathBuf::from);
    named.or_else(|| usual.into_iter().find(|file| file.is_file()))
}

/// Runs a server until it is told to stop.
pub(crate) async fn run(mut args: ServerArgs, mut source: ConfigSource) -> anyhow::Result<ExitCode> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let started_at_ms = clock.now_ms();
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let prefix = route_prefix(&args.web);
    source.parser = features::language(&args.features);
    source.web = Arc::new(Web::load(args.web.config_file.take()).map_err(anyhow::Error::msg)?);
    // A mistake in the file is told before a port is taken; what stands in for a missing file names the port.
    let from_file = source.file.is_some().then(|| source.load()).transpose();
    let from_file = from_file.map_err(anyhow::Error::msg)?;
    let listeners = listen(&args.web).await?;
    let address = listeners[0].local_addr().context("the socket has no address")?;
    source.fallback = own_scrape_config(address, &prefix, &source.web);
    let config = match from_file {
        Some(loaded) => loaded,
        None => source.load().map_err(anyhow::Error::msg)?,
    };
    let query_log = Arc::new(QueryLog::default());
    query_log.set_file(open_query_log(&config.config).map_err(anyhow::Error::msg)?);
    let stop = CancellationToken::new();
    let door = Door::open(listeners, &args.web, &source.web, &clock, &stop);
    announce(&format!("Bellwether listens on {}://{}{prefix}/", source.web.scheme(), own_address(address)));

    let opening = open_store(
        args.storage.clone(),
        config,
        args.history.take(),
        Arc::clone(&clock),
        (Arc::clone(&door.readiness), Arc::clone(&door.progress)),
    );
    let (store, config) = tokio::select! {
        opened = opening => opened?,
        () = stop_requested(&mut signals) => {
            // What is in the log stays there for the next start, so there is nothing to wait for.
            tracing::info!("stopped while the store was being opened");
            if let Err(error) = forget_starts(&RealFs::new(), &args.storage.path) {
                tracing::warn!(%error, "this start will count as one that did not go well");
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    let is_demo = args.is_demo;
    let before = Before { args, source, query_log, clock, started_at_ms, address, stop: stop.clone() };
    let running = Running::start(before, store, config, &door).await?;
    tracing::info!(%address, demo = is_demo, "ready");

    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            request = signals.next() => match request {
                Request::Stop => break,
                Request::Reload => {
                    let program = Arc::clone(&running.program);
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
    door.readiness.set_stopping();
    stop.cancel();
    running.stop(door.closed().await).await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// The configuration of a server that has none: it scrapes itself, unless that needs a password, which nobody has told it.
fn own_scrape_config(listen: SocketAddr, prefix: &str, web: &Web) -> String {
    let protection = web.in_force().get();
    if protection.keeps_strangers_out() {
        tracing::info!("this server does not scrape itself, because it has no credentials for that");
        return "{}".to_owned();
    }
    let address = own_address(listen);
    // Its certificate need not be for the address by which it reaches itself.
    let tls = if protection.is_tls() { "  tls_config: {insecure_skip_verify: true}\n" } else { "" };
    format!(
        "scrape_configs:\n- job_name: bellwether\n  scrape_interval: 5s\n  scheme: {}\n{tls}  metrics_path: {prefix}/metrics\n  \
         static_configs:\n  - targets: ['{address}']\n",
        web.scheme()
    )
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

/// Ends the process without waiting for anything.
async fn exit_at_next_stop(mut signals: Signals) {
    stop_requested(&mut signals).await;
    std::process::exit(1);
}

/// Waits until the process is told to stop; there is nothing to reload before it has started or while it stops.
async fn stop_requested(signals: &mut Signals) {
    while signals.next().await != Request::Stop {}
}

/// One line on standard output, for people and for whoever started the program.
pub(crate) fn announce(line: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    // Nobody may be listening; that is no reason to stop.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

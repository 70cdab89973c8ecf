//! `bellwether demo`: the server with five simulated platforms that it scrapes over real HTTP.

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bellwether_exposition::{CreatedHandling, Event, OutputFormat, Reader, Syntax};
use bellwether_fleet::{Fleet, FleetOptions, HistoryRange, Ports, Snapshot};
use bellwether_model::{
    AppendBatch, AppendEntry, AppendMetadata, Appender as _, Clock, LabelsBuilder, METRIC_NAME, MetricMetadata, SystemClock, Tenant, Value,
};
use bellwether_tsdb::Tsdb;

use crate::cli::DemoArgs;
use crate::log;
use crate::operations::ConfigSource;
use crate::serve::{ServerArgs, announce, block_on, run, shared_flags};

/// Marks a data folder as one that holds only simulated data.
const MARKER: &str = "DEMO";
/// How far apart the samples of the simulated past are.
const HISTORY_STEP_MS: i64 = 15_000;

/// Runs `bellwether demo`.
pub(crate) fn demo(args: DemoArgs) -> anyhow::Result<ExitCode> {
    log::start(&args.log);
    refuse_real_data(&args.storage.path)?;
    block_on(start(args))
}

async fn start(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let past = Duration::from_millis(args.fleet_history_ms.max(0).unsigned_abs());
    let ports = args.fleet_base_port.map_or(Ports::Ephemeral, Ports::From);
    let options = FleetOptions { ports, seed: args.fleet_seed, past, ..FleetOptions::default() };
    let fleet = Fleet::start(options, clock).await.context("starting the demo fleet")?;
    for target in fleet.targets() {
        announce(&format!("  {:<8} {:<28} http://{}/", target.platform.as_str(), target.instance, target.addr));
    }
    announce("These platforms are simulated; everything that they show is made up and labelled demo=\"true\".");
    announce("Press Ctrl+C to stop.");
    let source = ConfigSource {
        file: args.config_file.clone(),
        fallback: String::new(),
        extra: Some(fleet.scrape_config_yaml()),
    };
    let server = ServerArgs {
        flags: shared_flags(&args.web, &args.storage, &args.query, &args.enable_feature, args.config_file.as_ref()),
        web: args.web,
        storage: args.storage,
        query: args.query,
        features: args.enable_feature,
        demo: true,
    };
    let outcome = run(server, source).await;
    fleet.shutdown().await;
    outcome
}

/// Simulated data must never be mixed with real data.
fn refuse_real_data(path: &Path) -> anyhow::Result<()> {
    let used = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    if used && !path.join(MARKER).exists() {
        bail!(
            "{} holds real data, and the demo would mix simulated data into it; give the demo a folder of its own with --storage.tsdb.path",
            path.display()
        );
    }
    Ok(())
}

/// The other way round: a server must not continue on simulated data as if it were real.
pub(crate) fn refuse_demo_data(path: &Path) -> anyhow::Result<()> {
    if path.join(MARKER).exists() {
        bail!(
            "{} holds simulated data of `bellwether demo`; choose another folder with --storage.tsdb.path, or remove this one",
            path.display()
        );
    }
    Ok(())
}

/// Remembers that a folder holds simulated data.
pub(crate) fn mark_demo_data(path: &Path) -> anyhow::Result<()> {
    let marker = path.join(MARKER);
    std::fs::write(&marker, "Everything in this folder was simulated by `bellwether demo`.\n")
        .with_context(|| marker.display().to_string())
}

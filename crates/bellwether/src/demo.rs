//! `bellwether demo`: the server with five simulated platforms that it scrapes over real HTTP.

#[cfg(test)]
mod routing_tests;
mod rules;

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bellwether::config::{AlertmanagerSetup, Config};
use bellwether_exposition::OutputFormat;
use bellwether_fleet::{Fleet, FleetOptions, History, HistoryRange, Inbox, Ports};
use bellwether_model::{Clock, SystemClock, Tenant};
use bellwether_scrape::{Backfill, PastScrape, ScrapeOptions};
use bellwether_tsdb::Tsdb;
use bellwether_yaml::Errors;

use self::rules::PastRules;
use crate::alertmanager::AlertmanagerSource;
use crate::cli::DemoArgs;
use crate::log;
use crate::operations::ConfigSource;
use crate::runtime::block_on;
use crate::serve::{FillHistory, ServerArgs, announce, run};
use crate::storage::is_used;

/// Marks a data folder as one that holds only simulated data.
const MARKER: &str = "DEMO";
/// Who is told about what goes wrong in the fleet.
const ALERTMANAGER: &str = include_str!("demo/alertmanager.yml");
/// How far apart the samples of the simulated past are.
const HISTORY_STEP_MS: i64 = 15_000;
/// How long a scrape of the simulated past took: about what the live ones take.
const HISTORY_SCRAPE: Duration = Duration::from_millis(2);

/// Runs `bellwether demo`.
pub(crate) fn demo(args: DemoArgs) -> anyhow::Result<ExitCode> {
    log::start(&args.serve.log);
    refuse_real_data(&args.serve.storage.path)?;
    mark_demo_data(&args.serve.storage.path)?;
    block_on(start(args))
}

async fn start(mut args: DemoArgs) -> anyhow::Result<ExitCode> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let now_ms = clock.now_ms();
    let past = Duration::from_millis(args.fleet_history_ms.max(0).unsigned_abs());
    let ports = args.fleet_base_port.map_or(Ports::Ephemeral, Ports::From);
    let (seed, rate) = (args.fleet_seed, args.rate);
    let options = FleetOptions { ports, seed, rate, past, opening: true, ..FleetOptions::default() };
    let fleet = Fleet::start(options, clock).await.context("starting the demo fleet")?;
    announce("Five simulated platforms; everything that they show is made up and labelled demo=\"true\":");
    for target in fleet.targets() {
        announce(&format!(
            "  {:<8} {:<28} http://{}/metrics",
            target.platform.name(),
            target.instance,
            target.addr
        ));
    }
    announce("Press Ctrl+C to stop.");
    let inbox = Inbox::start().await.context("starting the demo's inbox")?;
    let receivers = alertmanager(&inbox.url()).context("the demo's alertmanager.yml")?;
    let source = ConfigSource {
        file: args.serve.config_file.take(),
        extra: vec![fleet.scrape_config_yaml(), rules::write(&args.serve.storage.path)?],
        alertmanager: AlertmanagerSource::new(args.serve.alertmanager.clone(), receivers),
        objectives: rules::objectives(),
        ..ConfigSource::default()
    };
    args.serve.rules = args.serve.rules.for_known_past();
    let server = ServerArgs::new(args.serve, Some(fill_history(&fleet, now_ms)));
    let outcome = run(server, source).await;
    fleet.shutdown().await;
    outcome
}

/// Who is told, if the user does not say it. `inbox` stands in for all services.
fn alertmanager(inbox: &str) -> Result<AlertmanagerSetup, Errors> {
    AlertmanagerSetup::built_in(&ALERTMANAGER.replace("INBOX", inbox))
}

/// Puts what the fleet would have said in the past into an empty store, so that graphs have something to show at once.
fn fill_history(fleet: &Fleet, now_ms: i64) -> FillHistory {
    let to_ms = now_ms - HISTORY_STEP_MS;
    let range = HistoryRange { from_ms: fleet.begin_ms(), to_ms, step_ms: HISTORY_STEP_MS };
    let format = OutputFormat::FALLBACK;
    let history = fleet.history(range, format);
    let addresses =
        fleet.targets().iter().map(|t| ((t.job, t.instance), t.addr.to_string())).collect::<HashMap<_, _>>();
    Box::new(move |store, config| {
        if store.active_series() > 0 || !store.parts().is_empty() {
            return Ok(());
        }
        let past_rules = PastRules::new(store, config, &rules::objectives(), (range.from_ms, to_ms))?;
        store_history(history, format, &addresses, past_rules, (store, config))?;
        store.maintain()?;
        Ok(())
    })
}

fn store_history(
    history: History,
    format: OutputFormat,
    addresses: &HashMap<(&str, &str), String>,
    mut past_rules: PastRules,
    (store, config): (&Tsdb, &Config),
) -> anyhow::Result<()> {
    let mut backfill = Backfill::new(&config.scrape_configs, &ScrapeOptions::default());
    let content_type = format.content_type();
    let mut samples = 0;
    let mut last_ms = i64::MIN;
    for snapshot in history {
        past_rules.evaluate_before(snapshot.ts_ms);
        last_ms = snapshot.ts_ms;
        let address =
            addresses.get(&(snapshot.job, snapshot.instance)).context("a process without endpoint")?;
        let scrape = PastScrape {
            job: snapshot.job,
            address,
            ts_ms: snapshot.ts_ms,
            duration: HISTORY_SCRAPE,
            answer: snapshot.exposition.as_deref().map(|text| (content_type.as_str(), text.as_bytes())),
        };
        samples += backfill.store(&scrape, &Tenant::default(), store)?.stored();
    }
    past_rules.evaluate_before(last_ms.saturating_add(1));
    tracing::info!(samples, "simulated past stored");
    Ok(())
}

/// Simulated data must never be mixed with real data.
fn refuse_real_data(path: &Path) -> anyhow::Result<()> {
    if is_used(path) && !path.join(MARKER).exists() {
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

/// Remembers that a folder holds simulated data, before the first of it is there.
fn mark_demo_data(path: &Path) -> anyhow::Result<()> {
    let marker = path.join(MARKER);
    std::fs::create_dir_all(path)
        .and_then(|()| {
            std::fs::write(&marker, "Everything in this folder was simulated by `bellwether demo`.\n")
        })
        .with_context(|| format!("cannot write {}", marker.display()))
}

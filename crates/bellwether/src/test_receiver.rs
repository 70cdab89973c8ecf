//! `bellwether test receiver`: whether somebody can be told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use bellwether::config::{AlertmanagerSetup, Config, LoadOptions};
use bellwether_alerts::send::Backoff;
use bellwether_alerts::test_message::{TestResult, test_receiver};
use bellwether_alerts::way_out::WayOut;
use bellwether_model::{Alert, Clock, Labels, SystemClock};
use bellwether_outbound::ClientOptions;
use bellwether_yaml::{Decode, Dialect, Document, Errors, MapReader, Node, Reported};
use clap::Args;
use serde_json::{Value, json};

use crate::query::table::{Align, Table};
use crate::query::{Api, WhomArgs};
use crate::runtime::block_on;
use crate::terminal::{print, visible};

/// A receiver, and how to reach it.
#[derive(Debug, Args)]
pub(crate) struct TestReceiverArgs {
    /// The name of the receiver.
    name: String,
    /// An `alertmanager.yml`: the message is sent from here, and no server is asked.
    #[arg(long = "alertmanager.config.file", value_name = "FILE", conflicts_with = "config_file")]
    alertmanager_file: Option<PathBuf>,
    /// A configuration file of the server, with the key `alertmanager`: the message is sent from here, and no server is asked.
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// A file with `labels` and `annotations` of the alert that the message is about, in JSON or YAML.
    #[arg(long, value_name = "FILE")]
    alert: Option<PathBuf>,
    /// Where the links of a message that is sent from here lead.
    #[arg(long = "web.external-url", value_name = "URL", default_value = "http://localhost:9090")]
    external_url: String,
    /// Which server sends the message, unless a file is given.
    #[command(flatten)]
    whom: WhomArgs,
}

/// What a test message is about.
struct AlertFile {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

impl Decode<'_> for AlertFile {
    fn type_name() -> std::borrow::Cow<'static, str> {
        "alert".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "alert", errors)?;
        let alert = Self { labels: map.or_default("labels"), annotations: map.or_default("annotations") };
        map.finish()?;
        Ok(alert)
    }
}

/// How one integration took the message.
struct Outcome {
    integration: String,
    took_ms: u64,
    error: Option<String>,
}

/// Sends a test message through each integration of a receiver, and shows how each of them took it. The exit code is 1 if one did not.
pub(crate) fn run(args: &TestReceiverArgs) -> anyhow::Result<ExitCode> {
    let alert = args.alert.as_deref().map(read_alert).transpose()?;
    let setup = match (&args.alertmanager_file, &args.config_file) {
        (Some(file), _) => Some(AlertmanagerSetup::load(file)?.0),
        (None, Some(file)) => Some(from_server_file(file)?),
        (None, None) => None,
    };
    block_on(async {
        let outcomes = match setup {
            Some(setup) => send(&setup, args, alert).await?,
            None => ask(args, alert).await?,
        };
        if outcomes.is_empty() {
            bail!("receiver {:?} has no integrations: it is told of nothing", args.name);
        }
        print(&table(&outcomes))?;
        let all_good = outcomes.iter().all(|it| it.error.is_none());
        Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

fn read_alert(path: &Path) -> anyhow::Result<AlertFile> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).with_context(|| name.clone())?;
    let document = Document::parse(name, &bytes, Dialect::V2)?;
    document.decode().map_err(|errors| anyhow!("{errors}"))
}

fn from_server_file(path: &Path) -> anyhow::Result<AlertmanagerSetup> {
    let config = Config::load(path, LoadOptions::from_process())?.config;
    config.alertmanager.with_context(|| format!("{} has no key alertmanager", path.display()))
}

/// Sends the message from here.
async fn send(
    setup: &AlertmanagerSetup,
    args: &TestReceiverArgs,
    alert: Option<AlertFile>,
) -> anyhow::Result<Vec<Outcome>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let now_ms = clock.now_ms();
    let external_url = args.external_url.trim_end_matches('/');
    let templates = setup.templates(clock, external_url)?;
    let way_out = WayOut::new(&setup.config, templates, &ClientOptions::default(), Backoff::default())?;
    let alert = alert.map(|alert| Alert {
        labels: Labels::from_pairs(alert.labels),
        annotations: Labels::from_pairs(alert.annotations),
        starts_at_ms: now_ms,
        ends_at_ms: None,
        generator_url: external_url.to_owned(),
    });
    let results = test_receiver(&way_out, &args.name, alert, external_url, now_ms).await;
    let results = results.with_context(|| {
        let names: Vec<&str> = setup.config.receivers.iter().map(|it| it.name.as_str()).collect();
        format!("the receivers are: {}", names.join(", "))
    })?;
    Ok(results.into_iter().map(Outcome::from).collect())
}

impl From<TestResult> for Outcome {
    fn from(result: TestResult) -> Self {
        Self {
            integration: format!("{}[{}]", result.kind, result.index),
            took_ms: u64::try_from(result.took.as_millis()).unwrap_or(u64::MAX),
            error: result.result.err().map(|error| error.to_string()),
        }
    }
}

/// Lets a server send the message.
async fn ask(args: &TestReceiverArgs, alert: Option<AlertFile>) -> anyhow::Result<Vec<Outcome>> {
    let body = alert
        .map_or_else(|| json!({}), |alert| json!({"labels": alert.labels, "annotations": alert.annotations}));
    let answer = Api::new(&args.whom)?.ask_json(&["receivers", &args.name, "test"], &body).await?;
    let results = answer["results"].as_array().context("the answer has no list of results")?;
    let outcome = |result: &Value| Outcome {
        integration: result["integration"].as_str().unwrap_or_default().to_owned(),
        took_ms: result["durationMs"].as_u64().unwrap_or(0),
        error: (result["status"] != "ok")
            .then(|| result["error"].as_str().unwrap_or("the server gave no reason").to_owned()),
    };
    Ok(results.iter().map(outcome).collect())
}

fn table(outcomes: &[Outcome]) -> String {
    let headings = [
        ("INTEGRATION", Align::Left),
        ("RESULT", Align::Left),
        ("TOOK", Align::Right),
        ("ERROR", Align::Left),
    ];
    let headings = headings.map(|(text, align)| (text.to_owned(), align)).to_vec();
    let rows = outcomes.iter().map(|it| {
        let result = if it.error.is_none() { "ok" } else { "failed" };
        let error = it.error.as_deref().map(visible).unwrap_or_default();
        vec![visible(&it.integration), result.to_owned(), format!("{} ms", it.took_ms), error]
    });
    let mut out = String::new();
    Table::new(headings, rows).write(&mut out);
    out
}

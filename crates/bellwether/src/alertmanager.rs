//! The Alertmanager in this program: where its configuration comes from, and its start.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use bellwether::config::{AlertmanagerSetup, Config};
use bellwether_alerts::alertmanager::Alertmanager;
use bellwether_alerts::message::Templates;
use bellwether_alerts::runner::Surroundings;
use bellwether_alerts::send::Backoff;
use bellwether_model::Clock;
use bellwether_outbound::{ClientOptions, ProxyEnvironment};
use bellwether_state::StateStore;

use crate::cli::AlertmanagerArgs;

/// Where the configuration of the Alertmanager comes from: the file of the command line, else the key of the configuration file, else what the program brings.
#[derive(Debug, Clone, Default)]
pub(crate) struct AlertmanagerSource {
    file: Option<PathBuf>,
    fallback: AlertmanagerSetup,
}

impl AlertmanagerSource {
    /// `fallback` is what holds if the user says nothing.
    pub(crate) fn new(args: AlertmanagerArgs, fallback: AlertmanagerSetup) -> Self {
        Self { file: args.config_file, fallback }
    }

    /// The file of the command line, for the page of flags.
    pub(crate) fn file(&self) -> String {
        self.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default()
    }

    /// The configuration to use. The error has a line per problem.
    pub(crate) fn load(&self, config: &Config) -> Result<AlertmanagerSetup, String> {
        let Some(file) = &self.file else {
            return Ok(config.alertmanager.clone().unwrap_or_else(|| self.fallback.clone()));
        };
        let (setup, warnings) = AlertmanagerSetup::load(file).map_err(|errors| errors.to_string())?;
        for warning in warnings {
            tracing::warn!(%warning, "configuration");
        }
        Ok(setup)
    }
}

/// What notifications need to know of the server.
#[derive(Clone)]
pub(crate) struct Sender {
    clock: Arc<dyn Clock>,
    external_url: String,
}

impl Sender {
    /// `external_url` is where people reach the server; a slash at its end does not count.
    pub(crate) fn new(clock: Arc<dyn Clock>, external_url: &str) -> Self {
        Self { clock, external_url: external_url.trim_end_matches('/').to_owned() }
    }

    /// Starts the router, with what it knew when it was stopped.
    pub(crate) async fn start(
        &self,
        setup: &AlertmanagerSetup,
        state: StateStore,
    ) -> anyhow::Result<Alertmanager> {
        let templates = self.templates(setup).map_err(anyhow::Error::msg)?;
        let surroundings = Surroundings {
            clock: Arc::clone(&self.clock),
            external_url: self.external_url.clone(),
            client: ClientOptions {
                environment: ProxyEnvironment::from_process(),
                clock: Arc::clone(&self.clock),
                ..ClientOptions::default()
            },
            backoff: Backoff::default(),
        };
        let config = Arc::clone(&setup.config);
        // Certificates and the state are read.
        let start = move || Alertmanager::start(config, templates, state, surroundings);
        let started = tokio::task::spawn_blocking(start).await;
        started.context("the alertmanager ended unexpectedly")?.context("starting the alertmanager")
    }

    /// Goes on with another configuration, or leaves all as it is.
    pub(crate) fn set_config(
        &self,
        alertmanager: &Alertmanager,
        setup: &AlertmanagerSetup,
    ) -> Result<(), String> {
        let templates = self.templates(setup)?;
        alertmanager
            .set_config(Arc::clone(&setup.config), templates)
            .map_err(|error| format!("alertmanager: {error}"))
    }

    fn templates(&self, setup: &AlertmanagerSetup) -> Result<Templates, String> {
        let templates = setup.templates(Arc::clone(&self.clock), &self.external_url);
        templates.map_err(|error| error.to_string())
    }
}

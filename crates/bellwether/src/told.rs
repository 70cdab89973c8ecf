//! Who is told about the alerts that rules find: the router of this process, and other Alertmanagers.

use std::sync::Arc;
use std::time::Duration;

use bellwether::config::{AlertingConfig, AlertmanagerConfig, Config};
use bellwether_alerts::alertmanager::Alertmanager;
use bellwether_alerts::external::{ExternalAlertmanagers, Found, Section, TargetRules, relabelled};
use bellwether_model::{Alert, Clock, Labels};
use bellwether_outbound::{ClientConfigError, ClientOptions, HttpClient, ProxyEnvironment};
use bellwether_relabel::Rules;
use bellwether_rules::AlertSink;
use bellwether_scrape::{Finder, ScrapeManager};
use parking_lot::RwLock;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Everybody who is told.
pub(crate) struct Told {
    /// The router of this process.
    router: Alertmanager,
    client: ClientOptions,
    pub(crate) external: ExternalAlertmanagers,
    leaving: RwLock<Leaving>,
}

/// What happens to alerts before anybody is told, by the configuration in use.
#[derive(Default)]
struct Leaving {
    external_labels: Labels,
    relabel: Rules,
    alertmanagers: Vec<AlertmanagerConfig>,
    /// Ends the search for other Alertmanagers that the configuration before began.
    _search: Option<DropGuard>,
}

impl AlertSink for Told {
    fn send(&self, alerts: &[Alert]) {
        let alerts = {
            let leaving = self.leaving.read();
            relabelled(&with_external_labels(alerts, &leaving.external_labels), &leaving.relabel)
        };
        self.external.send(&alerts);
        self.router.insert(alerts);
    }
}

/// The alerts with the labels that mark what leaves this server, where they have none of that name.
fn with_external_labels(alerts: &[Alert], external: &Labels) -> Vec<Alert> {
    let add = |alert: &Alert| {
        let mut labels = external.to_builder();
        for label in &alert.labels {
            labels.set(label.name, label.value);
        }
        Alert { labels: labels.build(), ..alert.clone() }
    };
    if external.is_empty() { alerts.to_vec() } else { alerts.iter().map(add).collect() }
}

impl Told {
    pub(crate) fn new(router: Alertmanager, clock: Arc<dyn Clock>) -> Self {
        let environment = ProxyEnvironment::from_process();
        let client = ClientOptions { environment, clock, ..ClientOptions::default() };
        Self { router, external: ExternalAlertmanagers::default(), client, leaving: RwLock::default() }
    }

    /// Tells the Alertmanagers of this configuration from now on. Certificates are read, which blocks; must be called with tokio around.
    pub(crate) fn apply(&self, config: &Config, scrape: &ScrapeManager) -> Result<(), ClientConfigError> {
        let AlertingConfig { alert_relabel, alertmanagers } = &config.alerting;
        let before = self.leaving.read().alertmanagers.clone();
        let mut sections = Vec::with_capacity(alertmanagers.len());
        let mut searches = Vec::with_capacity(alertmanagers.len());
        for alertmanager in alertmanagers {
            let same = before.iter().position(|old| old == alertmanager);
            sections.push(section(same, alertmanager, &self.client)?);
            searches.push((scrape.find(&alertmanager.discovery)?, target_rules(alertmanager)));
        }
        self.external.apply(sections);
        let stop = CancellationToken::new();
        for (place, (finder, rules)) in searches.into_iter().enumerate() {
            let (external, stop) = (self.external.clone(), stop.clone());
            external.set_targets(place, found(&finder, &rules));
            tokio::spawn(
                async move { stop.run_until_cancelled(follow(external, place, finder, rules)).await },
            );
        }
        *self.leaving.write() = Leaving {
            external_labels: Labels::from_pairs(&config.global.external_labels),
            relabel: alert_relabel.clone(),
            alertmanagers: alertmanagers.clone(),
            _search: Some(stop.drop_guard()),
        };
        Ok(())
    }
}

fn section(
    before: Option<usize>,
    config: &AlertmanagerConfig,
    options: &ClientOptions,
) -> Result<Section, ClientConfigError> {
    Ok(Section {
        before,
        alert_relabel: config.alert_relabel.clone(),
        client: HttpClient::new(&config.http, options)?,
        timeout: Duration::from_millis(config.timeout_ms.max(0).unsigned_abs()),
    })
}

fn target_rules(config: &AlertmanagerConfig) -> TargetRules {
    TargetRules {
        scheme: config.scheme.clone(),
        path_prefix: config.path_prefix.clone(),
        relabel: config.relabel.clone(),
    }
}

async fn follow(external: ExternalAlertmanagers, place: usize, finder: Finder, rules: TargetRules) {
    loop {
        finder.changed().await;
        external.set_targets(place, found(&finder, &rules));
    }
}

fn found(finder: &Finder, rules: &TargetRules) -> Found {
    let mut found = Found::default();
    for (destination, group) in finder.groups() {
        for address in &group.targets {
            if let Err(problem) = rules.add(&mut found, address, group.labels.clone(), destination) {
                tracing::warn!(%problem, "an Alertmanager that was found cannot be told");
            }
        }
    }
    found
}

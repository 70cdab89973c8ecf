//! Who learns that somebody cannot be told: all other receivers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Alert, Labels};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::config::{Config, IntegrationId, IntegrationKind};
use crate::dedup::Reason;
use crate::router::{Delivery, LogKey, Router, idempotency_key};

/// The others are told of one receiver not more often than this, in milliseconds.
const TELL_EVERY_MS: i64 = 3_600_000;
/// It is tried for so long to tell them, in milliseconds.
const TRY_FOR_MS: i64 = 300_000;
/// So much of an error is told, in characters.
const ERROR_CHARS_MAX: usize = 500;
/// The name of the alert.
const ALERT_NAME: &str = "NotificationsFailing";

/// The receivers that could not be told something.
#[derive(Debug, Default)]
pub(crate) struct Failing {
    by_receiver: Mutex<BTreeMap<String, FailingReceiver>>,
}

/// A receiver that could not be told something, and what the others know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingReceiver {
    /// Its name.
    pub receiver: String,
    /// Which of its integrations failed.
    pub integration: IntegrationId,
    /// Since when it fails, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// When the others were told last.
    pub told_at_ms: i64,
    /// Whether they think that it still fails.
    pub is_open: bool,
    /// All of its integrations that have failed and not gone well since.
    #[serde(default)]
    pub failing: BTreeSet<IntegrationId>,
    /// What went wrong when they were told.
    pub error: String,
    /// The names of the others who were told.
    #[serde(default)]
    pub told: BTreeSet<String>,
}

/// What the others are to be told.
#[derive(Debug)]
pub(crate) struct News {
    /// The receiver as it is known now.
    pub(crate) about: FailingReceiver,
    pub(crate) alert: Alert,
    pub(crate) reason: Reason,
}

impl Failing {
    /// Goes on with what another run knew.
    pub(crate) fn new(known: impl IntoIterator<Item = FailingReceiver>) -> Self {
        let goes_on = |mut it: FailingReceiver| {
            if it.is_open {
                it.failing.insert(it.integration.clone());
            }
            (it.receiver.clone(), it)
        };
        let by_receiver = known.into_iter().map(goes_on).collect();
        Self { by_receiver: Mutex::new(by_receiver) }
    }

    /// A delivery has failed for good. There is no news if the others have been told of it for less than an hour.
    pub(crate) fn failed(
        &self,
        delivery: &Delivery,
        error: &str,
        config: &Config,
        now_ms: i64,
    ) -> Option<News> {
        let receiver = &delivery.to.receiver;
        // It may have been removed meanwhile.
        config.receiver(receiver)?;
        let integration = &delivery.to.integration;
        let mut failing = self.by_receiver.lock();
        if let Some(open) = failing.get_mut(receiver).filter(|it| it.is_open) {
            open.failing.insert(integration.clone());
        }
        let before = failing.get(receiver);
        if before.is_some_and(|it| now_ms < it.told_at_ms + TELL_EVERY_MS) {
            return None;
        }
        let still = before.filter(|it| it.is_open);
        let others = config.receivers.iter().map(|it| &it.name).filter(|name| *name != receiver);
        let about = FailingReceiver {
            told: others.cloned().collect(),
            receiver: receiver.clone(),
            failing: still.map_or_else(|| [integration.clone()].into(), |it| it.failing.clone()),
            integration: integration.clone(),
            since_ms: still.map_or(now_ms, |it| it.since_ms),
            told_at_ms: now_ms,
            is_open: true,
            error: error.chars().take(ERROR_CHARS_MAX).collect(),
        };
        let reason = if still.is_some() { Reason::Repeat } else { Reason::FirstNotification };
        failing.insert(receiver.clone(), about.clone());
        Some(News { alert: about.alert(None), about, reason })
    }

    /// A delivery has gone well, which is news if the others think that the receiver fails, and no other of its integrations does.
    pub(crate) fn went_well(&self, delivery: &Delivery, now_ms: i64) -> Option<News> {
        let LogKey { receiver, integration, .. } = &delivery.to;
        let mut failing = self.by_receiver.lock();
        let about = failing.get_mut(receiver).filter(|it| it.is_open)?;
        let was_last = about.failing.remove(integration) && about.failing.is_empty();
        was_last.then(|| about.is_over(now_ms))
    }

    /// The receivers that the others think to fail, and of which nothing that failed is in the configuration any more.
    pub(crate) fn removed(&self, config: &Config, now_ms: i64) -> Vec<News> {
        let mut failing = self.by_receiver.lock();
        let mut news = Vec::new();
        for about in failing.values_mut().filter(|it| it.is_open) {
            let left = config.receiver(&about.receiver);
            let left: BTreeSet<IntegrationId> =
                left.iter().flat_map(|it| it.integrations_by_id()).map(|(id, _)| id).collect();
            about.failing.retain(|id| left.contains(id));
            if about.failing.is_empty() {
                news.push(about.is_over(now_ms));
            }
        }
        news
    }
}

impl FailingReceiver {
    /// It fails no more, or nobody minds.
    fn is_over(&mut self, now_ms: i64) -> News {
        self.is_open = false;
        self.failing.clear();
        News { alert: self.alert(Some(now_ms)), about: self.clone(), reason: Reason::AllResolved }
    }

    fn alert(&self, ends_at_ms: Option<i64>) -> Alert {
        let Self { receiver, error, .. } = self;
        Alert {
            labels: Labels::from_pairs([
                ("alertname", ALERT_NAME),
                ("receiver", receiver),
                ("severity", "critical"),
            ]),
            annotations: Labels::from_pairs([
                ("summary", format!("The receiver {receiver} cannot be told of alerts.")),
                (
                    "description",
                    format!("What it should have been told is tried again. The last error: {error}"),
                ),
            ]),
            starts_at_ms: self.since_ms,
            ends_at_ms,
            generator_url: String::new(),
        }
    }
}

/// What tells the other receivers of one of them.
pub(crate) fn to_others(router: &mut Router, news: &News, now_ms: i64) -> Vec<Delivery> {
    let News { about, alert, reason } = news;
    let config = Arc::clone(router.config());
    let group_labels = alert.labels.without("severity");
    let mut deliveries = Vec::new();
    for receiver in config.receivers.iter().filter(|receiver| about.told.contains(&receiver.name)) {
        for (id, integration) in receiver.integrations_by_id() {
            let is_foreign = matches!(integration.kind, IntegrationKind::Foreign(_));
            if is_foreign || (*reason == Reason::AllResolved && !integration.common.send_resolved) {
                continue;
            }
            let to = LogKey {
                group_key: format!("{{}}:{group_labels}"),
                receiver: receiver.name.clone(),
                integration: id,
            };
            let alerts = vec![alert.clone()];
            deliveries.push(Delivery {
                id: router.next_delivery_id(),
                idempotency_key: idempotency_key(&to, about.told_at_ms, &alerts),
                to,
                group_labels: group_labels.clone(),
                reason: *reason,
                alerts,
                more_alerts: 0,
                route_labels: Vec::new(),
                posted: None,
                since_ms: now_ms,
                deadline_ms: now_ms + TRY_FOR_MS,
            });
        }
    }
    deliveries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigOptions;
    use crate::silence::Silences;

    fn config(hooks: &str) -> Arc<Config> {
        let yaml = format!(
            "route: {{receiver: pager}}\nreceivers: [{{name: pager, webhook_configs: [{hooks}]}}, {{name: chat}}]"
        );
        let config = Config::parse("a.yml", yaml.as_bytes(), ConfigOptions::default());
        Arc::new(config.unwrap_or_else(|errors| panic!("{errors}")))
    }

    /// Deliveries to the two hooks of the pager.
    fn deliveries(config: &Arc<Config>) -> [Delivery; 2] {
        let mut router = Router::new(Arc::clone(config), Silences::default(), []);
        [0, 1].map(|nth| Delivery {
            id: router.next_delivery_id(),
            idempotency_key: String::new(),
            to: LogKey {
                group_key: "{}:{}".to_owned(),
                receiver: "pager".to_owned(),
                integration: IntegrationId { kind: "webhook".into(), nth },
            },
            group_labels: Labels::empty(),
            reason: Reason::FirstNotification,
            alerts: Vec::new(),
            more_alerts: 0,
            route_labels: Vec::new(),
            posted: None,
            since_ms: 0,
            deadline_ms: 0,
        })
    }

    #[test]
    fn a_receiver_fails_as_long_as_one_of_its_integrations_does() {
        let config = config("{url: 'http://h/1'}, {url: 'http://h/2'}");
        let [first, second] = deliveries(&config);
        let failing = Failing::default();
        assert!(failing.failed(&first, "400", &config, 0).is_some());
        assert!(failing.failed(&second, "500", &config, 1).is_none(), "that the receiver fails is known");
        assert!(failing.went_well(&first, 2).is_none(), "the other one still fails");
        let over = failing.went_well(&second, 3).expect("now all is well");
        assert_eq!((over.about.is_open, over.alert.ends_at_ms), (false, Some(3)));
        assert!(failing.went_well(&first, 4).is_none(), "that is known");
    }

    #[test]
    fn an_integration_that_is_gone_does_not_fail() {
        let both = config("{url: 'http://h/1'}, {url: 'http://h/2'}");
        let [first, second] = deliveries(&both);
        let failing = Failing::default();
        assert!(failing.failed(&second, "400", &both, 0).is_some());
        assert!(failing.removed(&both, 1).is_empty());
        let known = failing.by_receiver.lock().values().cloned().collect::<Vec<_>>();
        assert_eq!(failing.removed(&config("{url: 'http://h/1'}"), 2).len(), 1);
        // As another run finds it that an older version kept.
        let older = known.into_iter().map(|it| FailingReceiver { failing: BTreeSet::new(), ..it });
        let failing = Failing::new(older);
        assert!(failing.went_well(&first, 3).is_none());
        assert!(failing.went_well(&second, 3).is_some());
    }
}

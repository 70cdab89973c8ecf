//! Who learns that somebody cannot be told: all other receivers.

use std::collections::BTreeMap;

use bellwether_model::{Alert, Labels};
use parking_lot::Mutex;

use crate::config::{Config, IntegrationKind};
use crate::dedup::Reason;
use crate::router::{Delivery, LogKey, Router};

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
    by_receiver: Mutex<BTreeMap<String, State>>,
}

#[derive(Debug)]
struct State {
    alert: Alert,
    told_at_ms: i64,
    /// The others think that it still fails.
    is_open: bool,
}

impl Failing {
    /// A delivery has failed for good. Returns what the others are to be told, which is nothing if they have been for less than an hour.
    pub(crate) fn failed(&self, delivery: &Delivery, error: &str, now_ms: i64) -> Option<(Alert, Reason)> {
        let receiver = &delivery.to.receiver;
        let mut failing = self.by_receiver.lock();
        let before = failing.get(receiver);
        if before.is_some_and(|state| now_ms < state.told_at_ms + TELL_EVERY_MS) {
            return None;
        }
        let still = before.filter(|state| state.is_open);
        let starts_at_ms = still.map_or(now_ms, |state| state.alert.starts_at_ms);
        let reason = if still.is_some() { Reason::Repeat } else { Reason::FirstNotification };
        let alert = alert(receiver, error, starts_at_ms);
        failing.insert(receiver.clone(), State { alert: alert.clone(), told_at_ms: now_ms, is_open: true });
        Some((alert, reason))
    }

    /// A delivery has gone well. Returns what the others are to be told, if they think that the receiver fails.
    pub(crate) fn went_well(&self, receiver: &str, now_ms: i64) -> Option<(Alert, Reason)> {
        let mut failing = self.by_receiver.lock();
        let state = failing.get_mut(receiver).filter(|state| state.is_open)?;
        state.is_open = false;
        Some((Alert { ends_at_ms: Some(now_ms), ..state.alert.clone() }, Reason::AllResolved))
    }
}

fn alert(receiver: &str, error: &str, starts_at_ms: i64) -> Alert {
    let error: String = error.chars().take(ERROR_CHARS_MAX).collect();
    Alert {
        labels: Labels::from_pairs([
            ("alertname", ALERT_NAME),
            ("receiver", receiver),
            ("severity", "critical"),
        ]),
        annotations: Labels::from_pairs([
            ("summary", format!("The receiver {receiver} cannot be told of alerts.")),
            ("description", format!("What it should have been told is tried again. The last error: {error}")),
        ]),
        starts_at_ms,
        ends_at_ms: None,
        generator_url: String::new(),
    }
}

/// What tells all other receivers of an alert about one of them.
pub(crate) fn to_others(router: &mut Router, alert: &Alert, reason: Reason, now_ms: i64) -> Vec<Delivery> {
    let config: std::sync::Arc<Config> = std::sync::Arc::clone(router.config());
    let about = alert.labels.get("receiver").unwrap_or("");
    let group_labels = alert.labels.without("severity");
    let mut deliveries = Vec::new();
    for receiver in config.receivers.iter().filter(|receiver| receiver.name != about) {
        for (idx, integration) in receiver.integrations.iter().enumerate() {
            let is_foreign = matches!(integration.kind, IntegrationKind::Foreign(_));
            if is_foreign || (reason == Reason::AllResolved && !integration.common.send_resolved) {
                continue;
            }
            deliveries.push(Delivery {
                id: router.next_delivery_id(),
                to: LogKey {
                    group_key: format!("{{}}:{group_labels}"),
                    receiver: receiver.name.clone(),
                    integration: idx,
                },
                group_labels: group_labels.clone(),
                reason,
                alerts: vec![alert.clone()],
                more_alerts: 0,
                route_labels: Vec::new(),
                posted: None,
                deadline_ms: now_ms + TRY_FOR_MS,
            });
        }
    }
    deliveries
}

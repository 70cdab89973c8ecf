//! What is to be told to whom.

use std::collections::BTreeSet;

use bellwether_model::{Alert, Fingerprint, Labels};

use super::group::GroupId;
use crate::config::IntegrationId;
use crate::dedup::{LogEntry, Reason};
use crate::digest;
use crate::message::Posted;

/// Who was told about a group: an integration of a receiver.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogKey {
    /// The key of the group: the matchers down to the route, and the labels.
    pub group_key: String,
    /// The receiver.
    pub receiver: String,
    /// Which of its integrations.
    pub integration: IntegrationId,
}

/// What a delivery is called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub(super) u64);

/// Something to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// What it is called by.
    pub id: DeliveryId,
    /// To whom, and about which group.
    pub to: LogKey,
    /// Says that it is this news and no other: see [`idempotency_key`].
    pub idempotency_key: String,
    /// The labels of the group.
    pub group_labels: Labels,
    /// Why.
    pub reason: Reason,
    /// The alerts, by their labels. One that fires has no end.
    pub alerts: Vec<Alert>,
    /// How many more alerts there are, beyond what one notification may tell.
    pub more_alerts: usize,
    /// Texts of the route; each is a template.
    pub route_labels: Vec<(String, String)>,
    /// The message that the group has in the service already, if that lets messages be changed or answered.
    pub posted: Option<Posted>,
    /// Since when this integration is to be told of this group and could not be, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Until when it may be tried again and again, in milliseconds since the Unix epoch; soon after the next one is due.
    pub deadline_ms: i64,
}

/// What news to an integration is called by: alerts that fire or are over, after it was told something at `told_ms` last.
///
/// A program that is killed between sending a message and noting it tells the same news again in its next run. Both messages have this key, so that a service can tell that they
/// are one.
pub(crate) fn idempotency_key(to: &LogKey, told_ms: i64, alerts: &[Alert]) -> String {
    let LogKey { group_key, receiver, integration } = to;
    let mut parts = vec![group_key.clone(), receiver.clone(), integration.to_string(), told_ms.to_string()];
    for alert in alerts {
        let end = alert.ends_at_ms.map(|end| end.to_string());
        parts.extend([
            alert.fingerprint().to_string(),
            alert.starts_at_ms.to_string(),
            end.unwrap_or_default(),
        ]);
    }
    digest::of_parts(parts.iter().map(String::as_str))
}

/// Something that nobody is told of, and why not.
#[derive(Debug, Clone, PartialEq)]
pub struct Skipped {
    /// What would have been told.
    pub delivery: Delivery,
    /// Why it is not.
    pub why: &'static str,
}

/// What comes of the passing of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Due {
    /// What to tell now.
    pub deliveries: Vec<Delivery>,
    /// Deliveries that need not be tried any more, because something newer is told.
    pub superseded: Vec<DeliveryId>,
    /// What is noted although nobody is told of it.
    pub skipped: Vec<Skipped>,
}

/// A delivery that is under way, and what will be noted if it succeeds.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) group: GroupId,
    pub(super) key: LogKey,
    pub(super) firing: BTreeSet<Fingerprint>,
    pub(super) resolved: BTreeSet<Fingerprint>,
    pub(super) owed: BTreeSet<Fingerprint>,
}

impl Open {
    pub(super) fn entry(&self, posted: Option<Posted>, now_ms: i64) -> LogEntry {
        LogEntry {
            firing: self.firing.clone(),
            resolved: self.resolved.clone(),
            owed: self.owed.clone(),
            notified_at_ms: now_ms,
            posted,
        }
    }
}

/// Alerts of which an integration may know that they fire although nobody could note it.
#[derive(Debug, Default)]
pub(super) struct Unsure {
    /// It was being told when another run ended.
    pub(super) before: BTreeSet<Fingerprint>,
    /// It is being told now.
    pub(super) now: BTreeSet<Fingerprint>,
}

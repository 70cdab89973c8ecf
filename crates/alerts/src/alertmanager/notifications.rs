//! The log of notifications: what has been told to whom, with the words.

use bellwether_model::Alert;
use bellwether_state::{Event, EventPlace, EventQuery, Keep, StateError, StateStore};
use serde::{Deserialize, Serialize};

use super::kept::{Texts, texts};
use crate::config::IntegrationId;
use crate::message::Message;
use crate::router::{Delivery, LogKey, Skipped};
use crate::test_message::TestResult;
use crate::way_out::Told;

/// Notifications are kept so long, in milliseconds: 90 days.
pub const NOTIFICATIONS_RETENTION_MS: i64 = 90 * 24 * 3_600_000;
/// So many are kept at most, the newest ones.
const KEPT_MAX: u64 = 50_000;
/// And so many bytes of them.
const KEPT_BYTES_MAX: u64 = 512 << 20;
/// So much of the words is kept, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;
/// So many alerts of one notification are kept.
const ALERTS_MAX: usize = 500;
/// So many bytes of labels of one notification are kept.
const LABELS_BYTES_MAX: usize = 256 << 10;
const KIND: &str = "alertmanager.notification";

/// How telling somebody ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotificationStatus {
    /// It was taken.
    Sent,
    /// It was not.
    Failed,
    /// It was not sent, and that is in order.
    Skipped,
}

impl NotificationStatus {
    /// `sent`, `failed` or `skipped`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// What a notification was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotificationKind {
    /// To tell somebody of alerts.
    #[default]
    Alert,
    /// To see whether a receiver gets messages; somebody asked for it.
    Test,
}

impl NotificationKind {
    /// `alert` or `test`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Test => "test",
        }
    }
}

/// A notification as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationRecord {
    /// When it ended, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What it was for.
    #[serde(default)]
    pub kind: NotificationKind,
    /// From where a test was asked for; else empty.
    #[serde(default)]
    pub asked_by: String,
    /// Who was told.
    pub receiver: String,
    /// In which way: `slack[0]`.
    pub integration: String,
    /// The key of the group.
    pub group_key: String,
    /// The labels of the group.
    pub group_labels: Texts,
    /// Why, in words.
    pub reason: String,
    /// How it ended.
    pub status: NotificationStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong, or why it was skipped; else empty.
    pub error: String,
    /// Where it went, without secrets.
    pub url: String,
    /// What it said, or its beginning.
    pub body: String,
    /// The alerts that it was about.
    pub alerts: Vec<ToldAlert>,
    /// How many more alerts there were than are remembered.
    pub more_alerts: usize,
}

/// An alert of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldAlert {
    /// What it is called by.
    pub fingerprint: String,
    /// Whether it was told that it is over.
    pub resolved: bool,
    /// What it is.
    pub labels: Texts,
}

/// Which notifications are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationQuery {
    /// For this, or for anything.
    pub kind: Option<NotificationKind>,
    /// To this receiver, or any.
    pub receiver: Option<String>,
    /// That ended so, or anyhow.
    pub status: Option<NotificationStatus>,
    /// Not before, in milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// Not after.
    pub end_ms: i64,
    /// From here on, where an earlier answer ended; from the newest on if there is none.
    pub from: Option<EventPlace>,
    /// Not more than so many.
    pub limit: usize,
}

/// The notifications that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notifications {
    /// The newest first.
    pub records: Vec<NotificationRecord>,
    /// Where to go on, if there may be older ones.
    pub next: Option<EventPlace>,
}

impl Default for NotificationQuery {
    fn default() -> Self {
        Self {
            kind: None,
            receiver: None,
            status: None,
            start_ms: i64::MIN,
            end_ms: i64::MAX,
            from: None,
            limit: 100,
        }
    }
}

impl NotificationQuery {
    fn wants(&self, record: &NotificationRecord) -> bool {
        self.status.is_none_or(|status| record.status == status)
            && self.kind.is_none_or(|kind| record.kind == kind)
    }
}

/// What is remembered of a delivery.
pub(super) fn of(delivery: &Delivery, told: &Told, now_ms: i64) -> NotificationRecord {
    let error = told.result.as_ref().err().map(ToString::to_string);
    NotificationRecord {
        status: if error.is_none() { NotificationStatus::Sent } else { NotificationStatus::Failed },
        attempts: told.attempts,
        error: error.unwrap_or_default(),
        url: told.messages.first().map(Message::shown_url).unwrap_or_default(),
        body: shown_bodies(&told.messages),
        ..about(delivery, now_ms)
    }
}

/// What is remembered of a test message about `alert`, so that everybody can see who sent what to whom by hand.
pub(super) fn of_test(
    receiver: &str,
    alert: &Alert,
    test: &TestResult,
    asked_by: &str,
    now_ms: i64,
) -> NotificationRecord {
    let error = test.result.as_ref().err().map(ToString::to_string);
    NotificationRecord {
        at_ms: now_ms,
        kind: NotificationKind::Test,
        asked_by: asked_by.to_owned(),
        receiver: receiver.to_owned(),
        integration: IntegrationId { kind: test.kind.into(), nth: test.index }.to_string(),
        group_key: String::new(),
        group_labels: Texts::new(),
        reason: format!("test message, asked for by {asked_by}"),
        status: if error.is_none() { NotificationStatus::Sent } else { NotificationStatus::Failed },
        attempts: u32::from(!test.messages.is_empty()),
        error: error.unwrap_or_default(),
        url: test.messages.first().map(Message::shown_url).unwrap_or_default(),
        body: shown_bodies(&test.messages),
        alerts: vec![told(alert)],
        more_alerts: 0,
    }
}

pub(super) fn of_skipped(skipped: &Skipped, now_ms: i64) -> NotificationRecord {
    NotificationRecord { error: skipped.why.to_owned(), ..about(&skipped.delivery, now_ms) }
}

fn about(delivery: &Delivery, now_ms: i64) -> NotificationRecord {
    let LogKey { group_key, receiver, integration } = &delivery.to;
    let mut bytes = 0;
    let fits = |alert: &&Alert| {
        bytes += alert.labels.as_bytes().len();
        bytes <= LABELS_BYTES_MAX
    };
    let alerts: Vec<ToldAlert> = delivery.alerts.iter().take(ALERTS_MAX).take_while(fits).map(told).collect();
    NotificationRecord {
        at_ms: now_ms,
        kind: NotificationKind::Alert,
        asked_by: String::new(),
        receiver: receiver.clone(),
        integration: integration.to_string(),
        group_key: group_key.clone(),
        group_labels: texts(&delivery.group_labels),
        reason: delivery.reason.in_words().to_owned(),
        status: NotificationStatus::Skipped,
        attempts: 0,
        error: String::new(),
        url: String::new(),
        body: String::new(),
        more_alerts: delivery.more_alerts + delivery.alerts.len() - alerts.len(),
        alerts,
    }
}

fn told(alert: &Alert) -> ToldAlert {
    ToldAlert {
        fingerprint: alert.fingerprint().to_string(),
        resolved: alert.ends_at_ms.is_some(),
        labels: texts(&alert.labels),
    }
}

/// The words of all messages, or their beginning.
fn shown_bodies(messages: &[Message]) -> String {
    let bodies: Vec<String> = messages.iter().map(Message::shown_body).collect();
    let mut text = bodies.join("\n");
    text.truncate(text.floor_char_boundary(BODY_BYTES_MAX));
    text
}

pub(super) fn event(record: &NotificationRecord) -> Event {
    let value = serde_json::to_vec(record).expect("BUG: a notification is JSON");
    Event { kind: KIND.into(), at_ms: record.at_ms, subject: record.receiver.clone(), value }
}

pub(super) fn find(state: &StateStore, query: &NotificationQuery) -> Result<Notifications, StateError> {
    let (mut records, mut bytes) = (Vec::new(), 0);
    let mut events = EventQuery {
        subject: query.receiver.clone(),
        start_ms: query.start_ms,
        end_ms: query.end_ms,
        from: query.from,
        limit: PAGE,
        ..EventQuery::of(KIND)
    };
    loop {
        let mut page = state.events(&events)?;
        // A full page is followed by one that begins with its last event.
        let last = if page.len() == PAGE { page.pop() } else { None };
        for kept in page {
            if records.len() == query.limit || bytes >= LOOKED_AT_BYTES_MAX {
                return Ok(Notifications { records, next: Some(kept.place) });
            }
            bytes += kept.event.value.len();
            match serde_json::from_slice::<NotificationRecord>(&kept.event.value) {
                Ok(record) if query.wants(&record) => records.push(record),
                Ok(_) => {}
                Err(error) => {
                    let at_ms = kept.place.at_ms;
                    tracing::warn!(%error, at_ms, "a notification that was kept is not understood");
                }
            }
        }
        events.from = last.map(|last| last.place);
        if events.from.is_none() {
            return Ok(Notifications { records, next: None });
        }
    }
}

/// So many are read at once.
const PAGE: usize = 100;
/// About so many bytes are looked at for one question; what is older is left out then, and the answer says where to go on.
const LOOKED_AT_BYTES_MAX: usize = 32 << 20;

/// Forgets those that are too old or too many.
pub(super) fn forget(state: &StateStore, now_ms: i64) -> Result<u64, StateError> {
    let from_ms = now_ms - NOTIFICATIONS_RETENTION_MS;
    state.forget_events(KIND, Keep { from_ms, rows: KEPT_MAX, bytes: KEPT_BYTES_MAX })
}

//! A message that only shows that a receiver gets messages.

use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Alert, Labels};
use tokio::time::Instant;

use crate::config::Integration;
use crate::dedup::Reason;
use crate::digest;
use crate::message::{Message, MessageError, Notification};
use crate::notification::{Data, Kv};
use crate::send::{AttemptError, Sender};
use crate::way_out::{WayOut, make_messages};

/// The name of the label and the annotation by which a test message is told from others.
const MARK: &str = "bellwether_test";
/// What the alert of a test message is called unless it has a name.
const NAME: &str = "TestAlert";
/// What a test message says.
const SUMMARY: &str = "This is a test of a receiver, sent by hand. Nothing is wrong.";

/// How one integration took a test message.
#[derive(Debug)]
pub struct TestResult {
    /// The kind of the integration.
    pub kind: &'static str,
    /// Which of that kind it is in the receiver, counted from 0.
    pub index: usize,
    /// What was sent, or should have been.
    pub messages: Vec<Message>,
    /// How long it took.
    pub took: Duration,
    /// Whether it was taken, or why not.
    pub result: Result<(), TestError>,
}

/// Why a test message was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestError {
    /// There is no message.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// It was not taken.
    #[error(transparent)]
    Attempt(#[from] AttemptError),
}

/// A receiver that the configuration does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no receiver {0:?} in the configuration")]
pub struct UnknownReceiver(pub String);

/// Sends a marked test message through each integration of a receiver, once, at the same time and before all others, whatever their circuits and limits say.
///
/// It is about `alert`, which is marked as well, or about one that only says that this is a test. `external_url` is the URL under which people reach the server, and `now_ms` the time in
/// milliseconds since the Unix epoch.
pub async fn test_receiver(
    way_out: &WayOut,
    receiver: &str,
    alert: Option<Alert>,
    external_url: &str,
    now_ms: i64,
) -> Result<Vec<TestResult>, UnknownReceiver> {
    let ways = way_out.receiver(receiver).ok_or_else(|| UnknownReceiver(receiver.to_owned()))?;
    let alert = marked(alert, external_url, now_ms);
    let name = alert.labels.get("alertname").unwrap_or_default().to_owned();
    let group = Kv([("alertname".to_owned(), name.clone())].into());
    let group_key = format!("{{}}/{{{MARK}=\"true\"}}:{{alertname={name:?}}}");
    // Each test is news.
    let idempotency_key = digest::of_parts([group_key.as_str(), receiver, &now_ms.to_string()]);
    let notification = Notification {
        data: Arc::new(Data::new(receiver, group, &[alert], external_url, now_ms)),
        group_key: &group_key,
        idempotency_key: &idempotency_key,
        reason: Reason::FirstNotification,
        templates: way_out.templates(),
        posted: None,
    };
    let tests = ways.iter().enumerate().map(|(place, way)| {
        let kind = way.0.kind.name();
        let nth = ways[..place].iter().filter(|(before, _)| before.kind.name() == kind).count();
        test(way, nth, &notification)
    });
    Ok(futures_util::future::join_all(tests).await)
}

async fn test(
    (integration, sender): &(Arc<Integration>, Sender),
    index: usize,
    notification: &Notification<'_>,
) -> TestResult {
    let start = Instant::now();
    let made = async {
        let place = sender.squeeze_in().await?;
        Ok::<_, TestError>(make_messages(integration, notification, place).await?)
    };
    let (messages, result) = match made.await {
        Ok((messages, _place)) => {
            let sent = sender.send_once(&messages).await.map_err(TestError::from);
            (messages, sent)
        }
        Err(error) => (Vec::new(), Err(error)),
    };
    TestResult { kind: integration.kind.name(), index, messages, took: start.elapsed(), result }
}

/// The alert that a test message is about, with its marks.
pub(crate) fn marked(alert: Option<Alert>, external_url: &str, now_ms: i64) -> Alert {
    let alert = alert.unwrap_or_else(|| Alert {
        labels: Labels::from_pairs([("alertname", NAME), ("severity", "info")]),
        annotations: Labels::from_pairs([("summary", SUMMARY)]),
        starts_at_ms: now_ms,
        ends_at_ms: None,
        generator_url: external_url.to_owned(),
    });
    let with = |labels: &Labels, name: &str, value: &str| {
        let there = labels.iter().filter(|label| label.name != name);
        let pairs = there.map(|label| (label.name.to_owned(), label.value.to_owned()));
        Labels::from_pairs(pairs.chain([(name.to_owned(), value.to_owned())]))
    };
    let mut labels = with(&alert.labels, MARK, "true");
    if labels.get("alertname").is_none() {
        labels = with(&labels, "alertname", NAME);
    }
    Alert { labels, annotations: with(&alert.annotations, MARK, SUMMARY), ..alert }
}

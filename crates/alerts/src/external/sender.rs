use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Alert, Labels};
use bellwether_outbound::{HttpClient, Request};
use bytes::Bytes;
use http::{HeaderValue, header};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::target::Target;

/// So many alerts wait for one Alertmanager at most. The oldest make room: what they say is said again.
const QUEUE_MAX: usize = 10_000;
/// So many are sent at once.
const BATCH: usize = 256;
/// So much of an answer is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// As much of it is told as a person needs to see why alerts were not taken, in characters.
const SHOWN_CHARS_MAX: usize = 500;

/// How sending to one Alertmanager fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SenderStatus {
    /// Its address, without secrets.
    pub url: String,
    /// Alerts that it has taken.
    pub sent: u64,
    /// Alerts that it was not told: it did not take them, or they had to make room.
    pub dropped: u64,
    /// Requests that failed.
    pub errors: u64,
    /// Alerts that wait.
    pub queued: usize,
    /// How many may wait.
    pub capacity: usize,
    /// Why the last request failed; `None` if it did not.
    pub last_error: Option<String>,
    /// How long the last request took.
    pub last_duration: Duration,
}

/// What waits for one Alertmanager.
pub(super) struct Queue {
    target: Target,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    alerts: VecDeque<Alert>,
    is_closed: bool,
    status: SenderStatus,
}

impl Queue {
    pub(super) fn new(target: Target) -> Self {
        let status = SenderStatus { url: target.shown(), capacity: QUEUE_MAX, ..SenderStatus::default() };
        Self { target, state: Mutex::new(State { status, ..State::default() }), changed: Notify::new() }
    }

    pub(super) fn push(&self, alerts: &[Alert]) {
        let mut state = self.state.lock();
        state.alerts.extend(alerts.iter().cloned());
        let too_many = state.alerts.len().saturating_sub(QUEUE_MAX);
        state.alerts.drain(..too_many);
        state.status.dropped += too_many as u64;
        drop(state);
        self.changed.notify_one();
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.state.lock().is_closed = true;
        self.changed.notify_one();
    }

    pub(super) fn status(&self) -> SenderStatus {
        let state = self.state.lock();
        SenderStatus { queued: state.alerts.len(), ..state.status.clone() }
    }

    /// The next alerts to send; waits for some. `None` if there will be no more.
    async fn next(&self) -> Option<Vec<Alert>> {
        loop {
            {
                let mut state = self.state.lock();
                let n = state.alerts.len().min(BATCH);
                if n > 0 {
                    return Some(state.alerts.drain(..n).collect());
                }
                if state.is_closed {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    fn note(&self, n_alerts: usize, outcome: Result<(), String>, took: Duration) {
        let mut state = self.state.lock();
        let status = &mut state.status;
        status.last_duration = took;
        status.last_error = outcome.err();
        if let Some(error) = &status.last_error {
            status.errors += 1;
            status.dropped += n_alerts as u64;
            tracing::warn!(alertmanager = status.url, alerts = n_alerts, %error, "alerts could not be sent");
        } else {
            status.sent += n_alerts as u64;
        }
    }
}

/// Sends what comes until the queue is closed and empty.
pub(super) async fn run(queue: Arc<Queue>, client: HttpClient, timeout: Duration, stop: CancellationToken) {
    let sending = async {
        while let Some(alerts) = queue.next().await {
            let started = Instant::now();
            let outcome = post(&queue.target, &client, timeout, &alerts).await;
            queue.note(alerts.len(), outcome, started.elapsed());
        }
    };
    stop.run_until_cancelled(sending).await;
}

async fn post(
    target: &Target,
    client: &HttpClient,
    timeout: Duration,
    alerts: &[Alert],
) -> Result<(), String> {
    let body: Vec<Value> = alerts.iter().map(alert_json).collect();
    let mut request = Request::post(target.url.clone(), Bytes::from(Value::from(body).to_string()));
    request.destination = target.destination;
    request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let response = client.send(request, Instant::now() + timeout).await.map_err(|e| e.to_string())?;
    let status = response.status();
    // A connection is used again only if the answer was read; what the status says counts without it, too.
    let mut answer = Vec::new();
    let _ = response.read_into(&mut answer, ANSWER_BYTES_MAX).await;
    if status.is_success() {
        return Ok(());
    }
    let shown: String = String::from_utf8_lossy(&answer).trim().chars().take(SHOWN_CHARS_MAX).collect();
    Err(format!("bad response status {status}: {shown}"))
}

/// An alert in the form of the Alertmanager API v2.
fn alert_json(alert: &Alert) -> Value {
    let mut json = json!({
        "labels": object(&alert.labels),
        "annotations": object(&alert.annotations),
        "startsAt": rfc3339(alert.starts_at_ms),
        "generatorURL": alert.generator_url,
    });
    if let Some(end_ms) = alert.ends_at_ms {
        json["endsAt"] = rfc3339(end_ms).into();
    }
    json
}

fn object(labels: &Labels) -> Value {
    labels.iter().map(|l| (l.name.to_owned(), Value::from(l.value))).collect::<Map<_, _>>().into()
}

fn rfc3339(ts_ms: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ts_ms) * 1_000_000).ok();
    let text = time.and_then(|time| time.format(&Rfc3339).ok());
    // A time beyond the year 9999 is no time that anybody waits for.
    text.unwrap_or_else(|| "9999-12-31T23:59:59Z".to_owned())
}

#[cfg(test)]
mod tests {
    use bellwether_outbound::Destination;
    use url::Url;

    use super::*;

    #[tokio::test]
    async fn the_oldest_make_room() {
        let url = Url::parse("http://h/api/v2/alerts").expect("a URL");
        let queue = Queue::new(Target { url, destination: Destination::Configured });
        let alert = |n: usize| Alert {
            labels: Labels::from_pairs([("n", n.to_string())]),
            annotations: Labels::empty(),
            starts_at_ms: 0,
            ends_at_ms: None,
            generator_url: String::new(),
        };
        queue.push(&(0..QUEUE_MAX + 3).map(alert).collect::<Vec<_>>());
        let first = queue.next().await.expect("some wait");
        assert_eq!((first.len(), first[0].labels.get("n")), (BATCH, Some("3")));
        assert_eq!(queue.status().dropped, 3);
    }
}

//! `notifications` and `receivers`: what was told to whom, and how the ways to tell somebody are doing. Not part of the API of Prometheus.

use std::collections::BTreeMap;
use std::fmt;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use bellwether_alerts::alertmanager::{
    Alertmanager, IntegrationStatus, NotificationKind, NotificationQuery, NotificationRecord,
    NotificationStatus, Notifications,
};
use bellwether_alerts::test_message::TestResult;
use bellwether_model::{Alert, Labels, Matcher};
use serde::Deserialize;
use serde_json::{Value, json};

use super::alerting::selectors;
use crate::envelope;
use crate::error::{ApiError, ErrorKind};
use crate::params::{Params, format_time_with_ms};
use crate::requester::{Requester, is_cross_site};
use crate::state::AppState;
use crate::v2::json_body;
use crate::work::blocking;

/// So many notifications are listed if nothing is said.
const USUAL_NOTIFICATIONS: usize = 100;
/// So many are listed at most.
const MOST_NOTIFICATIONS: usize = 10_000;
/// So often is read on for one answer, if few notifications fit.
const READS_MAX: usize = 32;
/// And as long as less than so many bytes have been read.
const READ_BYTES_MAX: usize = 32 << 20;
/// Largest body of a test, in bytes.
const MAX_BODY_BYTES: usize = 1 << 20;

/// The notifications of a time, the newest first, of all alerts or of those that fit `match[]`.
pub(crate) async fn notifications(
    State(state): State<AppState>,
    params: Params,
) -> Result<Response, ApiError> {
    let range = params.range_or_all()?;
    let limit = match params.limit("limit")? {
        0 => USUAL_NOTIFICATIONS,
        limit => limit.min(MOST_NOTIFICATIONS),
    };
    let query = NotificationQuery {
        kind: params.get("kind").map(kind).transpose()?,
        receiver: params.get("receiver").map(str::to_owned),
        status: params.get("status").map(status).transpose()?,
        start_ms: range.mint,
        end_ms: range.maxt,
        from: params.next_token()?,
        limit,
    };
    let selectors = selectors(&state, &params)?;
    let found = blocking("reading the notifications", move || find(&state.alertmanager, query, &selectors));
    let found = found.await??;
    let shown: Vec<Value> = found.records.iter().map(notification).collect();
    Ok(envelope::success(&with_next(json!({ "notifications": shown }), found.next)))
}

/// The notifications that fit one of the selectors. Fewer than are wanted, with where to go on, if few fit.
fn find(
    alertmanager: &Alertmanager,
    mut query: NotificationQuery,
    selectors: &[Vec<Matcher>],
) -> Result<Notifications, ApiError> {
    let (limit, mut records, mut bytes) = (query.limit, Vec::new(), 0);
    for _ in 0..READS_MAX {
        // Only as many as are still wanted: an answer that is full ends where the next one has to begin.
        query.limit = limit - records.len();
        let found = alertmanager.notifications(&query).map_err(ApiError::internal)?;
        bytes += found.records.iter().map(bytes_of).sum::<usize>();
        records.extend(found.records.into_iter().filter(|record| is_selected(record, selectors)));
        query.from = found.next;
        let is_enough = records.len() == limit || bytes >= READ_BYTES_MAX || selectors.is_empty();
        if is_enough || query.from.is_none() {
            break;
        }
    }
    Ok(Notifications { records, next: query.from })
}

/// About how large it is.
fn bytes_of(record: &NotificationRecord) -> usize {
    let labels = record.alerts.iter().flat_map(|alert| &alert.labels);
    record.body.len() + labels.map(|(name, value)| name.len() + value.len()).sum::<usize>()
}

/// Whether one of its alerts fits one of the selectors. The labels of the group, which all its alerts have, stand for those of which no alert was kept.
fn is_selected(record: &NotificationRecord, selectors: &[Vec<Matcher>]) -> bool {
    let fits = |labels: &BTreeMap<String, String>| {
        let value = |name: &str| labels.get(name).map_or("", String::as_str);
        selectors.iter().any(|all| all.iter().all(|m| m.matches(value(m.name()))))
    };
    let of_alerts = record.alerts.iter().any(|alert| fits(&alert.labels));
    selectors.is_empty() || of_alerts || (record.alerts.is_empty() && fits(&record.group_labels))
}

/// A part of a listing, with what to ask the next part with if there may be one.
pub(super) fn with_next(mut listing: Value, next: Option<impl fmt::Display>) -> Value {
    listing["truncated"] = next.is_some().into();
    if let Some(next) = next {
        listing["nextToken"] = next.to_string().into();
    }
    listing
}

fn status(text: &str) -> Result<NotificationStatus, ApiError> {
    let all = [NotificationStatus::Sent, NotificationStatus::Failed, NotificationStatus::Skipped];
    let found = all.into_iter().find(|status| status.as_str() == text);
    found.ok_or_else(|| {
        ApiError::bad_parameter("status", format_args!("{text:?} is not one of sent, failed and skipped"))
    })
}

fn kind(text: &str) -> Result<NotificationKind, ApiError> {
    let found = [NotificationKind::Alert, NotificationKind::Test].into_iter().find(|it| it.as_str() == text);
    found.ok_or_else(|| ApiError::bad_parameter("kind", format_args!("{text:?} is neither alert nor test")))
}

fn notification(record: &NotificationRecord) -> Value {
    let alerts = record.alerts.iter().map(|alert| {
        json!({
            "fingerprint": alert.fingerprint,
            "status": if alert.resolved { "resolved" } else { "firing" },
            "labels": alert.labels,
        })
    });
    json!({
        "time": format_time_with_ms(record.at_ms),
        "kind": record.kind.as_str(),
        "askedBy": record.asked_by,
        "receiver": record.receiver,
        "integration": record.integration,
        "groupKey": record.group_key,
        "groupLabels": record.group_labels,
        "reason": record.reason,
        "status": record.status.as_str(),
        "attempts": record.attempts,
        "error": record.error,
        "alerts": alerts.collect::<Vec<_>>(),
        "moreAlerts": record.more_alerts,
        "url": record.url,
        "body": record.body,
    })
}

/// All receivers, and how telling them has gone since the server started.
pub(crate) async fn receivers(State(state): State<AppState>) -> Result<Response, ApiError> {
    let receivers = blocking("listing the receivers", move || state.alertmanager.receivers()).await?;
    let receivers = receivers.into_iter().map(|receiver| {
        let integrations: Vec<Value> = receiver.integrations.iter().map(integration).collect();
        json!({ "name": receiver.name, "integrations": integrations })
    });
    Ok(envelope::success(&json!({ "receivers": receivers.collect::<Vec<_>>() })))
}

fn integration(status: &IntegrationStatus) -> Value {
    json!({
        "type": status.kind,
        "index": status.index,
        "supported": status.supported,
        "sendResolved": status.send_resolved,
        "lastSuccess": status.last_success_ms.map(format_time_with_ms),
        "lastFailure": status.last_failure_ms.map(format_time_with_ms),
        "lastError": status.last_error,
        "sent": status.sent,
        "failed": status.failed.values().sum::<u64>(),
        "circuit": status.circuit.as_str(),
    })
}

/// The alert that a test is about, if somebody has one in mind.
#[derive(Debug, Default, Deserialize)]
struct TestAlert {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Sends a message that is marked as a test through each integration of a receiver, and tells how each took it.
pub(crate) async fn test(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Extension(requester): Extension<Requester>,
    request: Request,
) -> Result<Response, ApiError> {
    // A body is not needed, so a page of another site could ask for it.
    if is_cross_site(request.headers()) {
        let message = "pages of other sites cannot send test messages".to_owned();
        return Err(ApiError { kind: ErrorKind::Forbidden, message });
    }
    let sent: Option<TestAlert> = json_body(&state, request, "alert", MAX_BODY_BYTES).await?;
    let TestAlert { labels, annotations } = sent.unwrap_or_default();
    let alert = (!labels.is_empty() || !annotations.is_empty()).then(|| Alert {
        labels: Labels::from_pairs(labels),
        annotations: Labels::from_pairs(annotations),
        starts_at_ms: state.clock.now_ms(),
        ends_at_ms: None,
        generator_url: String::new(),
    });
    tracing::info!(receiver = %name, peer = %requester.peer, "test message asked for");
    let asked_by = requester.peer.ip().to_canonical().to_string();
    let results = state.alertmanager.test_receiver(&name, alert, &asked_by).await;
    let results =
        results.map_err(|unknown| ApiError { kind: ErrorKind::NotFound, message: unknown.to_string() })?;
    let results: Vec<Value> = results.iter().map(test_result).collect();
    Ok(envelope::success(&json!({ "results": results })))
}

fn test_result(result: &TestResult) -> Value {
    let error = result.result.as_ref().err().map(ToString::to_string);
    json!({
        "integration": format!("{}[{}]", result.kind, result.index),
        "status": if error.is_none() { "ok" } else { "error" },
        "error": error.unwrap_or_default(),
        "durationMs": u64::try_from(result.took.as_millis()).unwrap_or(u64::MAX),
    })
}

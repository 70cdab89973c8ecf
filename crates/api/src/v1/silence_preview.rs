//! `silences/preview`: which alerts a silence would be about. Not part of the API of Prometheus.

use std::collections::BTreeSet;

use axum::extract::{Request, State};
use axum::response::Response;
use bellwether_alerts::alertmanager::NotificationQuery;
use bellwether_alerts::matcher::{Matcher, all_match};
use bellwether_model::{Fingerprint, Labels};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::envelope;
use crate::error::ApiError;
use crate::json::labels_object;
use crate::params::format_time_with_ms;
use crate::state::AppState;
use crate::v2::{SentMatcher, json_body, read_matchers};

/// Largest body, in bytes.
const MAX_BODY_BYTES: usize = 1 << 20;
const DAY_MS: i64 = 24 * 3_600_000;
/// So many notifications of the last day are looked at.
const MOST_NOTIFICATIONS: usize = 10_000;

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    matchers: Vec<SentMatcher>,
}

/// The alerts that satisfy all matchers: those that there are now, and those that somebody was told of in the last day.
pub(crate) async fn preview(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let asked: Option<Asked> = json_body(&state, request, "silence", MAX_BODY_BYTES).await?;
    let matchers = read_matchers(asked.map(|asked| asked.matchers).unwrap_or_default())?;
    let answer = tokio::task::spawn_blocking(move || look(&state, &matchers)).await;
    let answer =
        answer.map_err(|_| ApiError::internal("the preview ended unexpectedly; the log says more"))?;
    Ok(envelope::success(&answer?))
}

fn look(state: &AppState, matchers: &[Matcher]) -> Result<Value, ApiError> {
    let (now, now_ms) = state.alertmanager.read(|router, now_ms| {
        let matching = router
            .alerts()
            .filter(|known| !known.alert.is_resolved(now_ms) && all_match(matchers, &known.alert.labels));
        (matching.map(|known| known.alert.clone()).collect::<Vec<_>>(), now_ms)
    });
    let query = NotificationQuery {
        start_ms: now_ms - DAY_MS,
        end_ms: now_ms,
        limit: MOST_NOTIFICATIONS,
        ..NotificationQuery::default()
    };
    let told = state.alertmanager.notifications(&query).map_err(ApiError::internal)?;
    let mut seen: BTreeSet<Fingerprint> = BTreeSet::new();
    let mut last_day: Vec<Value> = Vec::new();
    // The newest come first, so each alert is shown with the last time.
    for record in &told {
        for alert in &record.alerts {
            let labels = Labels::from_pairs(&alert.labels);
            if all_match(matchers, &labels) && seen.insert(Fingerprint::of(&labels)) {
                last_day.push(shown(&labels, "lastNotifiedAt", record.at_ms));
            }
        }
    }
    let now: Vec<Value> =
        now.iter().map(|alert| shown(&alert.labels, "startsAt", alert.starts_at_ms)).collect();
    Ok(json!({ "now": now, "lastDay": last_day, "truncated": told.len() >= MOST_NOTIFICATIONS }))
}

fn shown(labels: &Labels, time: &str, ts_ms: i64) -> Value {
    json!({
        "fingerprint": Fingerprint::of(labels).to_string(),
        "labels": labels_object(labels),
        time: format_time_with_ms(ts_ms),
    })
}

//! `silences/preview`: which alerts a silence would be about. Not part of the API of Prometheus.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::response::Response;
use bellwether_alerts::alertmanager::{NotificationKind, NotificationQuery};
use bellwether_alerts::matcher::{Matcher, all_match};
use bellwether_model::{Fingerprint, Labels};
use bellwether_rules::{AlertState, HistoryQuery};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::envelope;
use crate::error::ApiError;
use crate::json::LabelMap;
use crate::params::format_time_with_ms;
use crate::state::AppState;
use crate::v2::{SentMatcher, json_body, read_matchers};
use crate::work::blocking;

/// Largest body, in bytes.
const MAX_BODY_BYTES: usize = 1 << 20;
const DAY_MS: i64 = 24 * 3_600_000;
/// So many notifications of the last day are looked at.
const MOST_NOTIFICATIONS: usize = 10_000;
/// So many changes of alerts of the last day are looked at.
const MOST_EVENTS: usize = 50_000;

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    matchers: Vec<SentMatcher>,
}

/// The alerts that satisfy all matchers: those that there are now, and those of the last day.
pub(crate) async fn preview(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let asked: Option<Asked> = json_body(&state, request, "silence", MAX_BODY_BYTES).await?;
    let matchers = read_matchers(asked.map(|asked| asked.matchers).unwrap_or_default())?;
    let answer = blocking("the preview", move || look(&state, &matchers)).await?;
    Ok(envelope::success(&answer?))
}

fn look(state: &AppState, matchers: &[Matcher]) -> Result<Value, ApiError> {
    let snapshot = state.alertmanager.snapshot();
    let now_ms = snapshot.at_ms();
    let now = snapshot.alerts().map(|known| &known.alert);
    let now = now.filter(|alert| !alert.is_resolved(now_ms) && all_match(matchers, &alert.labels));
    let mut last_day = LastDay { matchers, alerts: BTreeMap::new(), is_truncated: false };
    last_day.take_notifications(state, now_ms)?;
    last_day.take_history(state, now_ms)?;
    let mut alerts: Vec<Seen> = last_day.alerts.into_values().collect();
    alerts.sort_by_key(|seen| std::cmp::Reverse(seen.fired_ms.max(seen.notified_ms)));
    let alerts: Vec<Value> = alerts.iter().map(Seen::to_json).collect();
    let now: Vec<Value> =
        now.map(|alert| shown(&alert.labels, &[("startsAt", Some(alert.starts_at_ms))])).collect();
    Ok(json!({ "now": now, "lastDay": alerts, "truncated": last_day.is_truncated }))
}

/// The alerts of the last day that satisfy the matchers, each once.
struct LastDay<'m> {
    matchers: &'m [Matcher],
    alerts: BTreeMap<Fingerprint, Seen>,
    /// Whether there may be more.
    is_truncated: bool,
}

/// An alert of the last day.
struct Seen {
    labels: Labels,
    /// When it last began or ended to fire, if a rule of this server raised it.
    fired_ms: Option<i64>,
    /// When somebody was last told of it.
    notified_ms: Option<i64>,
}

impl Seen {
    fn to_json(&self) -> Value {
        shown(&self.labels, &[("lastFiredAt", self.fired_ms), ("lastNotifiedAt", self.notified_ms)])
    }
}

impl LastDay<'_> {
    /// Those that somebody was told of, whoever raised them.
    fn take_notifications(&mut self, state: &AppState, now_ms: i64) -> Result<(), ApiError> {
        let query = NotificationQuery {
            kind: Some(NotificationKind::Alert),
            start_ms: now_ms - DAY_MS,
            end_ms: now_ms,
            limit: MOST_NOTIFICATIONS,
            ..NotificationQuery::default()
        };
        let told = state.alertmanager.notifications(&query).map_err(ApiError::internal)?;
        self.is_truncated |= told.next.is_some();
        for record in &told.records {
            for alert in &record.alerts {
                self.see(Labels::from_pairs(&alert.labels), |seen| &mut seen.notified_ms, record.at_ms);
            }
        }
        Ok(())
    }

    /// Those that rules of this server raised, also if nobody was told. They have the labels under which alerts leave rules: what `alert_relabel_configs` does is not seen.
    fn take_history(&mut self, state: &AppState, now_ms: i64) -> Result<(), ApiError> {
        let query = HistoryQuery {
            selectors: Vec::new(),
            start_ms: now_ms - DAY_MS,
            end_ms: now_ms,
            from: None,
            limit: MOST_EVENTS,
        };
        let found = state.rules.history(&query).map_err(ApiError::internal)?;
        self.is_truncated |= found.next.is_some();
        let external = Labels::from_pairs(state.operations.external_labels());
        for (at_ms, event) in &found.events {
            if [&event.from, &event.to].iter().any(|state| *state == AlertState::Firing.as_str()) {
                let mut labels = external.to_builder();
                for (name, value) in &event.labels {
                    labels.set(name, value);
                }
                self.see(labels.build(), |seen| &mut seen.fired_ms, *at_ms);
            }
        }
        Ok(())
    }

    /// Takes note of an alert that satisfies the matchers. What is newer comes first.
    fn see(&mut self, labels: Labels, time: impl Fn(&mut Seen) -> &mut Option<i64>, at_ms: i64) {
        if all_match(self.matchers, &labels) {
            let seen = self.alerts.entry(Fingerprint::of(&labels));
            let seen = seen.or_insert_with(|| Seen { labels, fired_ms: None, notified_ms: None });
            time(seen).get_or_insert(at_ms);
        }
    }
}

fn shown(labels: &Labels, times: &[(&str, Option<i64>)]) -> Value {
    let mut shown = json!({
        "fingerprint": Fingerprint::of(labels).to_string(),
        "labels": LabelMap(labels.clone()),
    });
    for (name, ts_ms) in times {
        if let Some(ts_ms) = ts_ms {
            shown[*name] = format_time_with_ms(*ts_ms).into();
        }
    }
    shown
}

//! `alerts`: all that are known, with what mutes them.

use axum::extract::State;
use axum::response::Response;
use bellwether_alerts::router::{KnownAlert, Mutes};
use http::StatusCode;
use serde::Serialize;

use super::filter::AlertFilter;
use super::refusal::Refusal;
use crate::envelope;
use crate::error::ApiError;
use crate::json::LabelMap;
use crate::params::{Params, format_time_with_ms};
use crate::state::AppState;
use crate::work::blocking;

/// An alert as it is listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListedAlert {
    annotations: LabelMap,
    ends_at: String,
    fingerprint: String,
    receivers: Vec<ReceiverName>,
    starts_at: String,
    status: AlertStatus,
    updated_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "String::is_empty")]
    generator_url: String,
    labels: LabelMap,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertStatus {
    inhibited_by: Vec<String>,
    muted_by: Vec<String>,
    silenced_by: Vec<String>,
    state: &'static str,
}

/// A receiver where only its name counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct ReceiverName {
    pub(super) name: String,
}

impl ListedAlert {
    /// `muted_by` are the times of the group in which it is listed.
    pub(super) fn new(
        known: &KnownAlert,
        mutes: &Mutes,
        receivers: Vec<ReceiverName>,
        muted_by: &[String],
    ) -> Self {
        let is_told = mutes.silenced_by.is_empty() && mutes.inhibited_by.is_empty() && muted_by.is_empty();
        let alert = &known.alert;
        Self {
            annotations: LabelMap(alert.annotations.clone()),
            ends_at: format_time_with_ms(alert.ends_at_ms.unwrap_or(alert.starts_at_ms)),
            fingerprint: alert.fingerprint().to_string(),
            receivers,
            starts_at: format_time_with_ms(alert.starts_at_ms),
            status: AlertStatus {
                inhibited_by: mutes.inhibited_by.iter().map(ToString::to_string).collect(),
                muted_by: muted_by.to_vec(),
                silenced_by: mutes.silenced_by.iter().map(ToString::to_string).collect(),
                state: if is_told { "active" } else { "suppressed" },
            },
            updated_at: format_time_with_ms(known.updated_at_ms),
            generator_url: alert.generator_url.clone(),
            labels: LabelMap(alert.labels.clone()),
        }
    }
}

/// The alerts that have not ended, in the order of their fingerprints.
pub(super) async fn alerts(
    State(state): State<AppState>,
    params: Result<Params, ApiError>,
) -> Result<Response, Refusal> {
    let filter = AlertFilter::read(&params?)?;
    answer(state, move |state| {
        let snapshot = state.alertmanager.snapshot();
        let list = |known: &KnownAlert| {
            let routes = snapshot.config().route.matching(&known.alert.labels).into_iter();
            let receivers: Vec<&str> = routes.map(|route| route.options.receiver.as_str()).collect();
            if !receivers.iter().any(|name| filter.wants_receiver(name, snapshot.config())) {
                return None;
            }
            let mutes = snapshot.mutes(&known.alert.labels);
            let receivers = receivers.into_iter().map(|name| ReceiverName { name: name.to_owned() });
            let is_wanted = filter.wants(known, &mutes, snapshot.at_ms());
            is_wanted.then(|| ListedAlert::new(known, &mutes, receivers.collect(), &[]))
        };
        snapshot.alerts().filter_map(list).collect::<Vec<_>>()
    })
    .await
}

/// Makes an answer on a thread that may take its time.
pub(super) async fn answer<T: Serialize>(
    state: AppState,
    work: impl FnOnce(&AppState) -> T + Send + 'static,
) -> Result<Response, Refusal> {
    let body = blocking("the listing", move || serde_json::to_string(&work(&state))).await?;
    Ok(envelope::json(StatusCode::OK, body.map_err(Refusal::internal)?))
}

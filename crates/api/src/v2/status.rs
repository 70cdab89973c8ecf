//! `status` and `receivers`: what runs, on which configuration.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::alerts::{ReceiverName, answer};
use super::filter::{has_labels, matchers};
use super::refusal::Refusal;
use crate::error::ApiError;
use crate::params::{Params, format_time_with_ms};
use crate::state::AppState;

/// What tools look at first: the version, the configuration without its secrets, and whether there are others of its kind.
pub(super) async fn status(State(state): State<AppState>) -> Result<Response, Refusal> {
    answer(state, |state| {
        let build =
            |name: &str| state.settings.build.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
        let version_info: Map<String, Value> =
            ["branch", "buildDate", "buildUser", "goVersion", "revision", "version"]
                .into_iter()
                .map(|name| (name.to_owned(), build(name).unwrap_or("").into()))
                .collect();
        json!({
            "cluster": { "peers": [], "status": "disabled" },
            "config": { "original": state.alertmanager.config().original_yaml() },
            "uptime": format_time_with_ms(state.started_at_ms),
            "versionInfo": version_info,
        })
    })
    .await
}

/// The names of the receivers, in the order of the file.
pub(super) async fn receivers(
    State(state): State<AppState>,
    params: Result<Params, ApiError>,
) -> Result<Response, Refusal> {
    let wanted = matchers(&params?, "receiver_matchers")?;
    answer(state, move |state| {
        let config = state.alertmanager.config();
        let names = config.receivers.iter().map(|receiver| receiver.name.as_str());
        let names = names.filter(|name| has_labels(&wanted, name, &config));
        names.map(|name| ReceiverName { name: name.to_owned() }).collect::<Vec<_>>()
    })
    .await
}

pub(super) async fn healthy() -> &'static str {
    "OK"
}

pub(super) async fn ready(State(state): State<AppState>) -> Response {
    match state.readiness.check() {
        Ok(()) => "OK".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why).into_response(),
    }
}

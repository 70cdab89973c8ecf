//! `rules`, `alerts` and `alertmanagers`: what this version can honestly say about alerting, which it does not do yet.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use crate::envelope;
use crate::error::ApiError;
use crate::state::AppState;

/// No rules, if there are none.
pub(crate) async fn rules(State(state): State<AppState>) -> Result<Response, ApiError> {
    refuse_if_there_are_rules(&state)?;
    Ok(envelope::success(&json!({"groups": []})))
}

/// No alerts, if nothing could raise one.
pub(crate) async fn alerts(State(state): State<AppState>) -> Result<Response, ApiError> {
    refuse_if_there_are_rules(&state)?;
    Ok(envelope::success(&json!({"alerts": []})))
}

/// No alert is sent to anybody, whatever the configuration says.
pub(crate) async fn alertmanagers() -> Response {
    envelope::success(&json!({"activeAlertmanagers": [], "droppedAlertmanagers": []}))
}

/// An empty list would say that all is well; a dashboard must show an error instead.
fn refuse_if_there_are_rules(state: &AppState) -> Result<(), ApiError> {
    match state.operations.rules_not_evaluated() {
        0 => Ok(()),
        n => Err(ApiError::unavailable(format_args!(
            "the rule files hold {n} rules, and this version does not evaluate rules yet"
        ))),
    }
}

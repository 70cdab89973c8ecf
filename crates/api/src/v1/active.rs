//! `status/active_queries`: what waits and runs now, and how to end it.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::envelope;
use crate::error::{ApiError, ErrorKind};
use crate::params::format_time_ms;
use crate::query_journal::CrashedQuery;
use crate::requester::{Requester, is_cross_site};
use crate::state::AppState;

/// All queries that wait or run, the oldest first, and those that ran at a crash and are refused still.
pub(crate) async fn list(State(state): State<AppState>) -> Response {
    let queries = state.active_queries.list();
    let queries = queries.iter().map(|query| {
        json!({
            "id": query.id,
            "kind": query.question.kind,
            "query": query.question.text,
            "startTime": format_time_ms(query.started_at_ms),
            "durationSeconds": query.duration.as_secs_f64(),
            "client": query.question.requester.peer.to_string(),
            "state": query.state.as_str(),
            "memoryBytes": query.memory_bytes,
        })
    });
    let now_ms = state.clock.now_ms();
    let crashed = state.query_journal.crashed(now_ms);
    envelope::success(&json!({
        "queries": queries.collect::<Value>(),
        "refusedAfterCrash": crashed.iter().map(CrashedQuery::to_json).collect::<Value>(),
    }))
}

/// Kills a query: its client gets an error at once, and its thread stops at its next check.
pub(crate) async fn kill(
    State(state): State<AppState>,
    Extension(requester): Extension<Requester>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let forbidden = |message: &str| ApiError { kind: ErrorKind::Forbidden, message: message.to_owned() };
    if is_cross_site(&headers) {
        return Err(forbidden("a page of another site may not cancel queries"));
    }
    if !state.settings.admin_api && !requester.is_at_this_machine(&headers) {
        return Err(forbidden(
            "queries can be cancelled from this machine only; start the server with --web.enable-admin-api to allow it from others",
        ));
    }
    let id: u64 = id.parse().map_err(|_| {
        ApiError::bad_parameter("id", format_args!("{id:?} is not a number of status/active_queries"))
    })?;
    if state.active_queries.kill(id) {
        tracing::info!(id, peer = %requester.peer, "query cancelled by an operator");
        Ok(envelope::empty(StatusCode::NO_CONTENT))
    } else {
        let message = format!("there is no active query {id}; it may have ended");
        Err(ApiError { kind: ErrorKind::NotFound, message })
    }
}

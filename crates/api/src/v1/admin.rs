//! `admin/tsdb/*`: what operators do to the store. Off unless switched on.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::envelope;
use crate::error::{ApiError, ErrorKind};
use crate::state::AppState;
use crate::storage::StorageAdminError;

/// Cuts everything in memory into parts, merges what can be merged, and answers when that is done.
pub(crate) async fn compact(State(state): State<AppState>) -> Result<Response, ApiError> {
    if !state.settings.admin_api {
        let message =
            "admin APIs disabled; start the server with --web.enable-admin-api to allow them".to_owned();
        return Err(ApiError { kind: ErrorKind::Unavailable, message });
    }
    let outcome = tokio::task::spawn_blocking(move || state.storage.compact_all()).await;
    match outcome {
        Ok(Ok(())) => Ok(envelope::empty(StatusCode::NO_CONTENT)),
        Ok(Err(e @ (StorageAdminError::Full(_) | StorageAdminError::Unavailable(_)))) => {
            Err(ApiError::unavailable(e))
        }
        Ok(Err(e)) => Err(ApiError::internal(e)),
        Err(_) => Err(ApiError::internal("the compaction ended unexpectedly; the log says more")),
    }
}

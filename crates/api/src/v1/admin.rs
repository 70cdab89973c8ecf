//! `admin/tsdb/*`: what operators do to the store. Off unless switched on.

use axum::extract::State;
use axum::response::Response;
use bellwether_model::TimeRange;
use http::StatusCode;
use serde_json::json;

use crate::envelope;
use crate::error::{ApiError, ErrorKind};
use crate::params::Params;
use crate::state::{AppState, tenant};
use crate::storage::{StorageAdmin, StorageAdminError};
use crate::v1::series::selectors;
use crate::work::blocking;

/// Cuts everything in memory into parts, merges what can be merged, and answers when that is done.
pub(crate) async fn compact(State(state): State<AppState>) -> Result<Response, ApiError> {
    on_store(state, "the compaction", |store| store.compact_all()).await?;
    Ok(envelope::empty(StatusCode::NO_CONTENT))
}

/// Deletes the samples between `start` and `end` of the series that one of the selectors in `match[]` selects.
pub(crate) async fn delete_series(
    State(state): State<AppState>,
    params: Params,
) -> Result<Response, ApiError> {
    refuse_if_disabled(&state)?;
    if params.all("match[]").next().is_none() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let TimeRange { mint, maxt } = params.range_or_all()?;
    let selectors = selectors(&state, &params).map_err(|e| ApiError::bad_parameter("match[]", e))?;
    if mint <= maxt {
        let range = TimeRange::new(mint, maxt);
        on_store(state, "the deletion", move |store| store.delete(&tenant(), &selectors, range)).await?;
    }
    Ok(envelope::empty(StatusCode::NO_CONTENT))
}

/// Removes deleted samples from the disk, and answers when that is done.
pub(crate) async fn clean_tombstones(State(state): State<AppState>) -> Result<Response, ApiError> {
    on_store(state, "the clean-up", |store| store.clean_tombstones()).await?;
    Ok(envelope::empty(StatusCode::NO_CONTENT))
}

/// Copies the store to a folder of its own and answers with its name.
pub(crate) async fn snapshot(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    refuse_if_disabled(&state)?;
    let skip_head = match params.get("skip_head") {
        None => false,
        Some(text) => parse_bool(text).ok_or_else(|| {
            let why =
                format_args!("unable to parse boolean: strconv.ParseBool: parsing {text:?}: invalid syntax");
            ApiError::bad_parameter("skip_head", why)
        })?,
    };
    let name = on_store(state, "the snapshot", move |store| store.snapshot(!skip_head)).await?;
    Ok(envelope::success(&json!({"name": name})))
}

/// The words that Go takes for a truth value.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn refuse_if_disabled(state: &AppState) -> Result<(), ApiError> {
    if state.settings.admin_api {
        return Ok(());
    }
    let message =
        "admin APIs disabled; start the server with --web.enable-admin-api to allow them".to_owned();
    Err(ApiError { kind: ErrorKind::Unavailable, message })
}

/// Lets the store do something that may take long.
async fn on_store<T: Send + 'static>(
    state: AppState,
    what: &str,
    work: impl FnOnce(&dyn StorageAdmin) -> Result<T, StorageAdminError> + Send + 'static,
) -> Result<T, ApiError> {
    refuse_if_disabled(&state)?;
    match blocking(what, move || work(state.storage.as_ref())).await? {
        Ok(done) => Ok(done),
        Err(e @ (StorageAdminError::Full(_) | StorageAdminError::Unavailable(_))) => {
            Err(ApiError::unavailable(e))
        }
        Err(e) => Err(ApiError::internal(e)),
    }
}

//! `status/cardinality`: which metrics and labels the series in memory come from. Not part of the API of Prometheus, whose `status/tsdb` is answered beside it.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::json;

use crate::cardinality::{CardinalityQuery, LabelChoice};
use crate::envelope;
use crate::error::ApiError;
use crate::params::Params;
use crate::state::AppState;
use crate::storage::StorageAdmin;
use crate::v1::status::top;
use crate::work::blocking;

/// How far back series count as new unless the request says otherwise.
const DEFAULT_WINDOW_MS: i64 = 60 * 60 * 1000;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<T> {
    /// How far back series count as new.
    window_seconds: f64,
    /// For how much of that the server saw series come: it may have started only later.
    observed_seconds: f64,
    #[serde(flatten)]
    found: T,
}

pub(crate) async fn cardinality(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    answer(state, query(&params)?, |store, query| store.cardinality(query)).await
}

/// What the series with a label consist of: `label=NAME`, with `value=VALUE` for one of its values.
pub(crate) async fn breakdown(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let query = query(&params)?;
    let Some(name) = params.get("label").map(str::to_owned) else {
        let why = "label must name a label, for instance __name__ for the series of a metric";
        return Err(ApiError::bad_data(why));
    };
    // An empty value cannot be meant: it is that of all series without the label.
    let choice = LabelChoice { name, value: params.get("value").map(str::to_owned) };
    answer(state, query, move |store, query| store.breakdown(&choice, query)).await
}

fn query(params: &Params) -> Result<CardinalityQuery, ApiError> {
    let window_ms = params.duration_ms("window")?.unwrap_or(DEFAULT_WINDOW_MS);
    let window = u64::try_from(window_ms).ok().filter(|ms| *ms > 0);
    let window = window.ok_or_else(|| ApiError::bad_parameter("window", "it must be a positive duration"))?;
    Ok(CardinalityQuery { top: top(params)?, window: Duration::from_millis(window) })
}

async fn answer<T: Serialize + Send + 'static>(
    state: AppState,
    query: CardinalityQuery,
    count: impl FnOnce(&dyn StorageAdmin, CardinalityQuery) -> T + Send + 'static,
) -> Result<Response, ApiError> {
    let up_ms = state.clock.now_ms().saturating_sub(state.started_at_ms);
    let up = Duration::from_millis(u64::try_from(up_ms).unwrap_or(0));
    let found = blocking("counting the series", move || count(state.storage.as_ref(), query)).await?;
    Ok(envelope::success(&json!(Answer {
        window_seconds: query.window.as_secs_f64(),
        observed_seconds: query.window.min(up).as_secs_f64(),
        found,
    })))
}

//! `slos`: how objectives stand. Not part of the API of Prometheus.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bellwether_model::{format_duration_ms, format_float};
use bellwether_promql::engine::{QuerySettings, RangeQuery};
use bellwether_rules::slo::{self, AlertStatus, Objective, SloStatus, Watched};
use serde_json::{Map, Value, json};

use super::query::{check_steps, query_error, timeout};
use crate::envelope;
use crate::error::{ApiError, ErrorKind};
use crate::params::{Params, format_time_with_ms};
use crate::state::{AppState, tenant};
use crate::work::on_query_thread;

/// About how many points a budget has if the client does not say how far apart they are.
const USUAL_POINTS: i64 = 240;
/// How often budgets are recorded at most, in milliseconds; points closer than this would say nothing new.
const SHORTEST_STEP_MS: i64 = 60_000;

/// All objectives with what is left of their budgets.
pub(crate) async fn slos(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let watched = state.slos.current();
    let answer = stand(&state, &params, watched, "slos").await?;
    let slos: Vec<Value> = answer.iter().map(|(watched, status)| slo(&watched.objective, status)).collect();
    Ok(envelope::success(&json!({ "slos": slos })))
}

/// One objective with its rules.
pub(crate) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let found: Arc<[Arc<Watched>]> = [find(&state, &id)?].into();
    let answer = stand(&state, &params, found, &id).await?;
    let (watched, status) =
        answer.first().ok_or_else(|| ApiError::internal("BUG: an objective has no status"))?;
    let mut found = slo(&watched.objective, status);
    found["rules"] = watched.rules.as_str().into();
    Ok(envelope::success(&found))
}

/// What was left of the budget of an objective over time.
pub(crate) async fn budget(
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let watched = find(&state, &id)?;
    let end_ms = params.time_ms("end")?.unwrap_or_else(|| state.clock.now_ms());
    let start_ms = params.time_ms("start")?.unwrap_or_else(|| watched.objective.window.around(end_ms).0);
    let usual_ms = (end_ms.saturating_sub(start_ms) / USUAL_POINTS).max(SHORTEST_STEP_MS);
    let step_ms = params.duration_ms("step")?.unwrap_or(usual_ms);
    let settings = QuerySettings::default();
    // As if one query asked for the points, so that the same limits hold.
    check_steps(&RangeQuery { query: String::new(), start_ms, end_ms, step_ms, settings })?;
    let timeout = timeout(&state, &params)?;
    let question = params.question("slo_budget", id);
    let points = on_query_thread(&state, question, timeout, move |state, cx| {
        slo::budget(&watched.objective, &*state.engine, &tenant(), (start_ms, end_ms, step_ms), cx)
            .map_err(query_error)
    })
    .await?;
    let burn =
        points.burn.iter().map(|(window_ms, points)| (format_duration_ms(*window_ms), series(points).into()));
    let burn: Map<String, Value> = burn.collect();
    Ok(envelope::success(&json!({ "points": series(&points.remaining), "burn": burn })))
}

fn find(state: &AppState, id: &str) -> Result<Arc<Watched>, ApiError> {
    let current = state.slos.current();
    let found = current.iter().find(|watched| watched.objective.id() == id);
    found.cloned().ok_or_else(|| ApiError {
        kind: ErrorKind::NotFound,
        message: format!("there is no objective {id:?}; /api/v1/slos lists all"),
    })
}

/// Asks how objectives stand now.
async fn stand(
    state: &AppState,
    params: &Params,
    watched: Arc<[Arc<Watched>]>,
    text: &str,
) -> Result<Vec<(Arc<Watched>, SloStatus)>, ApiError> {
    if watched.is_empty() {
        return Ok(Vec::new());
    }
    let now_ms = params.time_or_now_ms(&*state.clock)?;
    let timeout = timeout(state, params)?;
    on_query_thread(state, params.question("slos", text), timeout, move |state, cx| {
        let objectives: Vec<&Objective> = watched.iter().map(|watched| &watched.objective).collect();
        let status = slo::status(&objectives, &*state.engine, &tenant(), now_ms, cx).map_err(query_error)?;
        Ok(watched.iter().cloned().zip(status).collect())
    })
    .await
}

fn slo(objective: &Objective, status: &SloStatus) -> Value {
    let burn = status.burn.iter().map(|(window_ms, speed)| (format_duration_ms(*window_ms), json!(speed)));
    json!({
        "id": objective.id(),
        "name": objective.name,
        "service": objective.service,
        "description": objective.description,
        "objective": objective.target,
        "window": objective.window.word(),
        "labels": objective.labels,
        "good": status.good,
        "bad": status.bad,
        "total": status.total,
        "budget": {
            "remaining": status.remaining,
            "remainingMinutes": status.remaining_minutes,
            "exhaustedAt": status.exhausted_at_ms.map(format_time_with_ms),
        },
        "burn": burn.collect::<Map<String, Value>>(),
        "alerts": status.alerts.iter().map(alert).collect::<Vec<_>>(),
        "source": format!("{}:{}", objective.source, objective.position.line),
    })
}

fn alert(status: &AlertStatus) -> Value {
    let threshold = status.alert.threshold.as_ref();
    let windows_ms = threshold.map_or(&[][..], |threshold| &threshold.windows_ms);
    json!({
        "name": status.alert.name,
        "tier": status.alert.severity,
        "burn": status.alert.burn,
        "factor": threshold.map(|threshold| threshold.factor),
        "windows": windows_ms.iter().map(|ms| format_duration_ms(*ms)).collect::<Vec<_>>(),
        "state": status.state.as_str(),
    })
}

/// Points as the query API writes those of a series.
fn series(points: &[(i64, f64)]) -> Vec<Value> {
    points.iter().map(|(ts_ms, value)| json!([*ts_ms as f64 / 1000.0, format_float(*value)])).collect()
}

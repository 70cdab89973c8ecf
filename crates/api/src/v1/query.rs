//! `query`, `query_range` and `query_exemplars`.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use bellwether_promql::engine::{
    InstantQuery, QueryError, QueryOutput, QuerySettings, QueryValue, RangeQuery,
};

use crate::envelope::{self, Notes};
use crate::error::{ApiError, ErrorKind};
use crate::json;
use crate::params::Params;
use crate::state::{AppState, tenant};
use crate::work::on_query_thread;

/// Most points per series of a range query, as in Prometheus.
const MAX_POINTS: u64 = 11_000;
/// Most warnings and infos of an answer, as in Prometheus.
const MAX_ANNOTATIONS: usize = 10;

pub(crate) async fn instant(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit("limit")?;
    let request = InstantQuery {
        query: params.get("query").unwrap_or("").to_owned(),
        ts_ms: params.time_or_now_ms(&*state.clock)?,
        settings: settings(&params)?,
    };
    let timeout = timeout(&state, &params)?;
    on_query_thread(&state, timeout, move |state, cx| {
        let outcome = state.engine.instant(&tenant(), &request, cx).map_err(query_error)?;
        Ok(answer(outcome, &request.query, limit))
    })
    .await
}

pub(crate) async fn range(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit("limit")?;
    let start_ms = params.required_time_ms("start")?;
    let end_ms = params.required_time_ms("end")?;
    let step_ms = crate::params::parse_step_ms(params.get("step").unwrap_or(""))
        .map_err(|e| ApiError::bad_parameter("step", e))?;
    let request = RangeQuery {
        query: params.get("query").unwrap_or("").to_owned(),
        start_ms,
        end_ms,
        step_ms,
        settings: settings(&params)?,
    };
    request.check_grid(MAX_POINTS).map_err(query_error)?;
    let timeout = timeout(&state, &params)?;
    on_query_thread(&state, timeout, move |state, cx| {
        let outcome = state.engine.range(&tenant(), &request, cx).map_err(query_error)?;
        Ok(answer(outcome, &request.query, limit))
    })
    .await
}

fn settings(params: &Params) -> Result<QuerySettings, ApiError> {
    let lookback_delta_ms = params.duration_ms("lookback_delta")?;
    if lookback_delta_ms.is_some_and(|ms| ms < 0) {
        return Err(ApiError::bad_parameter("lookback_delta", "must not be negative"));
    }
    Ok(QuerySettings { lookback_delta_ms, ..QuerySettings::default() })
}

/// The time that the query may take: what the client wants, but not more than the server allows.
fn timeout(state: &AppState, params: &Params) -> Result<Duration, ApiError> {
    let most = state.settings.query_timeout;
    let wanted = params.duration_ms("timeout")?.map(|ms| Duration::from_millis(ms.max(0).unsigned_abs()));
    Ok(wanted.map_or(most, |w| w.min(most)))
}

pub(crate) fn query_error(error: QueryError) -> ApiError {
    let kind = match error {
        QueryError::Parse(errors) => return ApiError::bad_parameter("query", errors),
        QueryError::Parameter { .. } => ErrorKind::BadData,
        QueryError::Cancelled { .. } => ErrorKind::Canceled,
        QueryError::TimedOut { .. } => ErrorKind::Timeout,
        QueryError::Storage(storage) => return ApiError::from(storage),
        _ => ErrorKind::Execution,
    };
    ApiError { kind, message: error.to_string() }
}

fn answer(output: QueryOutput, query: &str, limit: usize) -> Response {
    let mut notes = Notes {
        warnings: output.annotations.warnings(query, MAX_ANNOTATIONS),
        infos: output.annotations.infos(query, MAX_ANNOTATIONS),
    };
    let mut value = output.value;
    let cut = limit > 0
        && match &mut value {
            QueryValue::Vector(samples) => truncate(samples, limit),
            QueryValue::Matrix(series) => truncate(series, limit),
            _ => false,
        };
    if cut {
        notes.warnings.push("results truncated due to limit".to_owned());
    }
    let mut data = String::new();
    write_value(&mut data, &value);
    envelope::success_raw(&data, &notes)
}

/// Whether something was cut off.
fn truncate<T>(items: &mut Vec<T>, limit: usize) -> bool {
    let cut = items.len() > limit;
    items.truncate(limit);
    cut
}

/// Appends `{"resultType":...,"result":...}`.
fn write_value(out: &mut String, value: &QueryValue) {
    out.push_str("{\"resultType\":\"");
    out.push_str(value.value_type().as_str());
    out.push_str("\",\"result\":");
    match value {
        QueryValue::Scalar { ts_ms, value } => json::write_point(out, *ts_ms, *value),
        QueryValue::String { ts_ms, text } => {
            out.push('[');
            json::write_timestamp(out, *ts_ms);
            out.push(',');
            json::write_string(out, text);
            out.push(']');
        }
        QueryValue::Vector(samples) => json::write_list(out, samples, |out, sample| {
            out.push_str("{\"metric\":");
            json::write_labels(out, &sample.labels);
            json::write_sample(out, sample.ts_ms, &sample.value);
            out.push('}');
        }),
        QueryValue::Matrix(series) => json::write_list(out, series, |out, series| {
            out.push_str("{\"metric\":");
            json::write_labels(out, &series.labels);
            json::write_points(out, &series.floats, &series.histograms);
            out.push('}');
        }),
    }
    out.push('}');
}

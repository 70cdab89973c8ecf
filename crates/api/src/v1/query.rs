//! `query` and `query_range`.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use bellwether_promql::engine::{
    InstantQuery, QueryError, QueryOutput, QuerySettings, QueryStats, QueryValue, RangeQuery,
};
use serde_json::{Value, json};

use crate::envelope::{self, Notes};
use crate::error::{ApiError, ErrorKind};
use crate::json as write;
use crate::params::Params;
use crate::state::{AppState, tenant};
use crate::work::on_query_thread;

/// Most steps from the start to the end of a range query, as in Prometheus: a week by minutes, or a year by hours.
const MAX_STEPS: u64 = 11_000;
/// Most warnings and infos of an answer, as in Prometheus.
const MAX_ANNOTATIONS: usize = 10;

pub(crate) async fn instant(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit("limit")?;
    let ts_ms = params.time_or_now_ms(&*state.clock)?;
    let timeout = timeout(&state, &params)?;
    let query = params.get("query").unwrap_or("").to_owned();
    let request = InstantQuery { query, ts_ms, settings: settings(&params)? };
    let asked = Asked::now(&state, &params, limit);
    let question = params.question("query", request.query.as_str());
    on_query_thread(&state, question, timeout, move |state, cx| {
        let queued = asked.waited(state);
        let outcome = state.engine.instant(&tenant(), &request, cx).map_err(query_error)?;
        Ok(answer(outcome, &request.query, &asked, queued))
    })
    .await
}

pub(crate) async fn range(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit("limit")?;
    let start_ms = params.required_time_ms("start")?;
    let end_ms = params.required_time_ms("end")?;
    let step_ms = crate::params::parse_step_ms(params.get("step").unwrap_or(""))
        .map_err(|e| ApiError::bad_parameter("step", e))?;
    let query = params.get("query").unwrap_or("").to_owned();
    let request = RangeQuery { query, start_ms, end_ms, step_ms, settings: settings(&params)? };
    request.check_grid().map_err(query_error)?;
    if request.n_steps() > MAX_STEPS + 1 {
        return Err(ApiError::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    let timeout = timeout(&state, &params)?;
    let asked = Asked::now(&state, &params, limit);
    let question = params.question("query_range", request.query.as_str());
    on_query_thread(&state, question, timeout, move |state, cx| {
        let queued = asked.waited(state);
        let outcome = state.engine.range(&tenant(), &request, cx).map_err(query_error)?;
        Ok(answer(outcome, &request.query, &asked, queued))
    })
    .await
}

/// How the client wants the answer, and when it asked.
struct Asked {
    /// Most series of the result; 0 for all.
    limit: usize,
    /// Whether the answer says what the query cost.
    with_stats: bool,
    /// On the monotonic clock.
    at: Duration,
}

impl Asked {
    fn now(state: &AppState, params: &Params, limit: usize) -> Self {
        Self { limit, with_stats: params.get("stats").is_some(), at: state.clock.monotonic() }
    }

    fn waited(&self, state: &AppState) -> Duration {
        state.clock.monotonic().saturating_sub(self.at)
    }
}

fn settings(params: &Params) -> Result<QuerySettings, ApiError> {
    let lookback = params.get("lookback_delta").map(crate::params::parse_step_ms).transpose();
    let lookback = lookback
        .map_err(|e| ApiError::bad_data(format_args!("error parsing lookback delta duration: {e}")))?;
    Ok(QuerySettings {
        // Zero and less mean the default, as in Prometheus.
        lookback_delta_ms: lookback.filter(|ms| *ms > 0),
        per_step_stats: params.get("stats") == Some("all"),
    })
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

fn answer(output: QueryOutput, query: &str, asked: &Asked, queued: Duration) -> Response {
    let mut notes = Notes {
        warnings: output.annotations.warnings(query, MAX_ANNOTATIONS),
        infos: output.annotations.infos(query, MAX_ANNOTATIONS),
    };
    let mut value = output.value;
    let limit = asked.limit;
    let cut = limit > 0
        && match &mut value {
            QueryValue::Vector(samples) => truncate(samples, limit),
            QueryValue::Matrix(series) => truncate(series, limit),
            _ => false,
        };
    if cut {
        notes.warnings.push("results truncated due to limit".to_owned());
    }
    let mut data = String::from("{");
    write_value(&mut data, &value);
    if asked.with_stats {
        data.push_str(",\"stats\":");
        data.push_str(&stats(&output.stats, queued).to_string());
    }
    data.push('}');
    envelope::success_raw(&data, &notes)
}

/// What the query cost, in the words of Prometheus. Times are in seconds.
fn stats(stats: &QueryStats, queued: Duration) -> Value {
    let timings = &stats.timings;
    let mut samples = json!({
        "totalQueryableSamples": stats.total_samples,
        "peakSamples": stats.peak_samples,
    });
    if let Some(steps) = &stats.samples_per_step {
        let steps = steps.iter().map(|(ts_ms, n)| json!([*ts_ms as f64 / 1000.0, n]));
        samples["totalQueryableSamplesPerStep"] = steps.collect();
    }
    json!({
        "timings": {
            "evalTotalTime": timings.total.as_secs_f64(),
            "resultSortTime": timings.result_sort.as_secs_f64(),
            "queryPreparationTime": timings.preparation.as_secs_f64(),
            "innerEvalTime": timings.evaluation.as_secs_f64(),
            "execQueueTime": queued.as_secs_f64(),
            "execTotalTime": (queued + timings.total).as_secs_f64(),
        },
        "samples": samples,
    })
}

/// Whether something was cut off.
fn truncate<T>(items: &mut Vec<T>, limit: usize) -> bool {
    let cut = items.len() > limit;
    items.truncate(limit);
    cut
}

/// Appends `"resultType":...,"result":...`.
fn write_value(out: &mut String, value: &QueryValue) {
    out.push_str("\"resultType\":\"");
    out.push_str(value.value_type().as_str());
    out.push_str("\",\"result\":");
    match value {
        QueryValue::Scalar { ts_ms, value } => write::write_scalar_point(out, *ts_ms, *value),
        QueryValue::String { ts_ms, text } => {
            out.push('[');
            write::write_timestamp(out, *ts_ms);
            out.push(',');
            write::write_string(out, text);
            out.push(']');
        }
        QueryValue::Vector(samples) => write::write_list(out, samples, |out, sample| {
            out.push_str("{\"metric\":");
            write::write_labels(out, &sample.labels);
            write::write_sample(out, sample.ts_ms, &sample.value);
            out.push('}');
        }),
        QueryValue::Matrix(series) => write::write_list(out, series, |out, series| {
            out.push_str("{\"metric\":");
            write::write_labels(out, &series.labels);
            write::write_points(out, &series.floats, &series.histograms);
            out.push('}');
        }),
    }
}

//! `query` and `query_range`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use bellwether_model::QueryContext;
use bellwether_promql::engine::{
    InstantQuery, QueryEngine, QueryError, QueryOutput, QuerySettings, QueryStats, QueryTimings, QueryValue,
    RangeQuery,
};
use serde_json::{Value, json};

use crate::active::{Question, Window};
use crate::envelope::Notes;
use crate::error::{ApiError, ErrorKind};
use crate::json as write;
use crate::params::Params;
use crate::query_log::QueryLogEntry;
use crate::requester::Requester;
use crate::result_limit::Answer;
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
    evaluate(&state, &params, Evaluation::Instant(request), Bounds { limit, timeout }).await
}

pub(crate) async fn range(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit("limit")?;
    let start_ms = params.required_time_ms("start")?;
    let end_ms = params.required_time_ms("end")?;
    let step_ms = crate::params::parse_step_ms(params.get("step").unwrap_or(""))
        .map_err(|e| ApiError::bad_parameter("step", e))?;
    let query = params.get("query").unwrap_or("").to_owned();
    let request = RangeQuery { query, start_ms, end_ms, step_ms, settings: settings(&params)? };
    check_steps(&request)?;
    let timeout = timeout(&state, &params)?;
    evaluate(&state, &params, Evaluation::Range(request), Bounds { limit, timeout }).await
}

/// Refuses times that make no grid, or one that is too fine.
pub(super) fn check_steps(request: &RangeQuery) -> Result<(), ApiError> {
    request.check_grid().map_err(query_error)?;
    if request.n_steps() > MAX_STEPS + 1 {
        return Err(ApiError::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    Ok(())
}

/// What is to be evaluated.
enum Evaluation {
    Instant(InstantQuery),
    Range(RangeQuery),
}

impl Evaluation {
    fn kind(&self) -> &'static str {
        match self {
            Self::Instant(_) => "query",
            Self::Range(_) => "query_range",
        }
    }

    fn query(&self) -> &str {
        match self {
            Self::Instant(request) => &request.query,
            Self::Range(request) => &request.query,
        }
    }

    /// Start, end and step, as the query log has them.
    fn times_ms(&self) -> [i64; 3] {
        match self {
            Self::Instant(request) => [request.ts_ms, request.ts_ms, 0],
            Self::Range(request) => [request.start_ms, request.end_ms, request.step_ms],
        }
    }

    fn run(&self, engine: &dyn QueryEngine, cx: &QueryContext) -> Result<QueryOutput, QueryError> {
        match self {
            Self::Instant(request) => engine.instant(&tenant(), request, cx),
            Self::Range(request) => engine.range(&tenant(), request, cx),
        }
    }
}

/// What the answer may take.
struct Bounds {
    /// Most series of the result; 0 for all.
    limit: usize,
    timeout: Duration,
}

async fn evaluate(
    state: &AppState,
    params: &Params,
    evaluation: Evaluation,
    bounds: Bounds,
) -> Result<Response, ApiError> {
    let [start_ms, end_ms, step_ms] = evaluation.times_ms();
    let window = Window { length_ms: end_ms.saturating_sub(start_ms), step_ms };
    let question = Question { window, ..params.question(evaluation.kind(), evaluation.query()) };
    let asked = Arc::new(Asked {
        evaluation,
        limit: bounds.limit,
        with_stats: params.get("stats").is_some(),
        at: state.clock.monotonic(),
        requester: question.requester.clone(),
        is_logged: AtomicBool::new(false),
    });
    let for_thread = Arc::clone(&asked);
    let outcome = on_query_thread(state, question, bounds.timeout, move |state, cx| {
        let asked = &for_thread;
        let queued = asked.waited(state);
        let outcome = asked.evaluation.run(&*state.engine, cx);
        asked.log_outcome(state, queued, &outcome);
        answer(
            outcome.map_err(query_error)?,
            asked,
            queued,
            Answer::success(state.settings.max_result_bytes, cx)?,
        )
    })
    .await;
    if let Err(error) = &outcome {
        // It never ran, or it was killed and its thread does not know yet.
        log_unless_done(state, &asked, &error.message);
    }
    outcome
}

/// A query, how the client wants its answer, and when it asked.
struct Asked {
    evaluation: Evaluation,
    /// Most series of the result; 0 for all.
    limit: usize,
    /// Whether the answer says what the query cost.
    with_stats: bool,
    /// On the monotonic clock.
    at: Duration,
    requester: Requester,
    is_logged: AtomicBool,
}

impl Asked {
    fn waited(&self, state: &AppState) -> Duration {
        state.clock.monotonic().saturating_sub(self.at)
    }

    fn log_outcome(&self, state: &AppState, queued: Duration, outcome: &Result<QueryOutput, QueryError>) {
        match outcome {
            Ok(output) => self.log(state, stats(&output.stats, queued), None),
            // Such a query is none yet; Prometheus does not log it either.
            Err(QueryError::Parse(_) | QueryError::Parameter { .. }) => {
                self.is_logged.store(true, Ordering::Relaxed);
            }
            Err(error) => {
                let total = self.waited(state).saturating_sub(queued);
                let timings = QueryTimings { total, ..QueryTimings::default() };
                let cost = QueryStats { timings, ..QueryStats::default() };
                self.log(state, stats(&cost, queued), Some(&error.to_string()));
            }
        }
    }

    /// Writes the line of this query, if nobody has done so. Blocks on the file system.
    fn log(&self, state: &AppState, stats: Value, error: Option<&str>) {
        if self.is_logged.swap(true, Ordering::Relaxed) {
            return;
        }
        let [start_ms, end_ms, step_ms] = self.evaluation.times_ms();
        let entry = QueryLogEntry {
            query: self.evaluation.query(),
            start_ms,
            end_ms,
            step_ms,
            stats,
            error,
            requester: &self.requester,
        };
        state.query_log.write(state.clock.now_ms(), &entry);
    }
}

fn log_unless_done(state: &AppState, asked: &Arc<Asked>, error: &str) {
    if asked.is_logged.load(Ordering::Relaxed) {
        return;
    }
    let (state, asked, error) = (state.clone(), Arc::clone(asked), error.to_owned());
    // Nobody waits for this, and nothing depends on it.
    drop(tokio::task::spawn_blocking(move || {
        let cost = stats(&QueryStats::default(), asked.waited(&state));
        asked.log(&state, cost, Some(&error));
    }));
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
pub(super) fn timeout(state: &AppState, params: &Params) -> Result<Duration, ApiError> {
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
        QueryError::Memory(interrupt) => return interrupt.into(),
        QueryError::Storage(storage) => return ApiError::from(storage),
        _ => ErrorKind::Execution,
    };
    ApiError { kind, message: error.to_string() }
}

fn answer(
    output: QueryOutput,
    asked: &Asked,
    queued: Duration,
    mut out: Answer<'_>,
) -> Result<Response, ApiError> {
    let query = asked.evaluation.query();
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
    out.text().push('{');
    write_value(&mut out, value)?;
    let text = out.text();
    if asked.with_stats {
        text.push_str(",\"stats\":");
        text.push_str(&stats(&output.stats, queued).to_string());
    }
    text.push('}');
    Ok(out.finish_success(&notes))
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

/// Appends `"resultType":...,"result":...`. Each series is let go as soon as it is written, so that a large result is not held twice.
pub(crate) fn write_value(out: &mut Answer<'_>, value: QueryValue) -> Result<(), ApiError> {
    let text = out.text();
    text.push_str("\"resultType\":\"");
    text.push_str(value.value_type().as_str());
    text.push_str("\",\"result\":");
    match value {
        QueryValue::Scalar { ts_ms, value } => write::write_scalar_point(text, ts_ms, value),
        QueryValue::String { ts_ms, text: string } => {
            text.push('[');
            write::write_timestamp(text, ts_ms);
            text.push(',');
            write::write_string(text, &string);
            text.push(']');
        }
        QueryValue::Vector(samples) => out.small_list(samples, |text, sample| {
            text.push_str("{\"metric\":");
            write::write_labels(text, &sample.labels);
            write::write_sample(text, sample.ts_ms, &sample.value);
            text.push('}');
        })?,
        QueryValue::Matrix(series) => out.list(series, |out, series| {
            out.text().push_str("{\"metric\":");
            write::write_labels(out.text(), &series.labels);
            write::write_points(out, &series.floats, &series.histograms)?;
            out.text().push('}');
            Ok(())
        })?,
    }
    Ok(())
}

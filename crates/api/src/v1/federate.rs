//! `/federate`: the current value of selected series in an exposition format, with the time of each sample.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bellwether_exposition::{Family, MetricType, Number, Offer, OutputFormat, Part, Sample, Writer};
use bellwether_model::{
    ColumnBuffer, Labels, METRIC_NAME, Matcher, QueryContext, SelectHints, SelectSpec, StorageError,
    TimeRange, is_stale_nan,
};
use http::{HeaderMap, header};

use crate::error::ApiError;
use crate::params::Params;
use crate::result_limit::too_large;
use crate::state::{AppState, tenant};
use crate::v1::series::selectors;
use crate::work::on_query_thread;

/// Answers in plain text, errors too: this is not an endpoint of the API. A selector may match everything.
pub(crate) async fn federate(
    State(state): State<AppState>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
    let format = OutputFormat::negotiate(accept, Offer::Text);
    let exposition = match params {
        Ok(params) => exposition(&state, &params, format).await,
        Err(error) => Err(error),
    };
    match exposition {
        Ok(text) => ([(header::CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(error) => (error.kind.status(), format!("{}\n", error.message)).into_response(),
    }
}

async fn exposition(state: &AppState, params: &Params, format: OutputFormat) -> Result<String, ApiError> {
    let selectors = selectors(state, params).map_err(ApiError::bad_data)?;
    let question = params.selector_question("federate", TimeRange::ALL);
    on_query_thread(state, question, state.settings.query_timeout, move |state, cx| {
        let mut series = Vec::new();
        for matchers in &selectors {
            series.extend(latest(state, matchers.clone(), cx)?);
        }
        series.sort_by(|a, b| {
            a.labels.metric_name().cmp(b.labels.metric_name()).then_with(|| a.labels.cmp(&b.labels))
        });
        series.dedup_by(|a, b| a.labels == b.labels);
        let external = state.operations.external_labels();
        let max_bytes = state.settings.max_result_bytes;
        // Names, values and their punctuation, and a number with its time.
        let line = |s: &Latest| s.labels.as_bytes().len() + 5 * s.labels.len() + 40;
        let external_bytes: usize = external.iter().map(|(name, value)| name.len() + value.len() + 5).sum();
        let bytes = series.iter().map(|s| line(s) + external_bytes).sum::<usize>();
        if bytes > max_bytes {
            return Err(too_large(max_bytes));
        }
        let _memory = cx.reserve(bytes)?;
        Ok(write(&series, external, format))
    })
    .await
}

/// A series with its newest sample.
struct Latest {
    labels: Labels,
    ts_ms: i64,
    value: f64,
}

fn latest(state: &AppState, matchers: Vec<Matcher>, cx: &QueryContext) -> Result<Vec<Latest>, ApiError> {
    let now_ms = state.clock.now_ms();
    let range = TimeRange::new(now_ms - state.settings.lookback_delta_ms + 1, now_ms);
    let querier = state.queryable.querier(&tenant(), range)?;
    let spec = SelectSpec { matchers, range, sorted: true, hints: SelectHints::default() };
    let found = querier.select(&spec, cx)?;
    let mut buffer = ColumnBuffer::default();
    let mut latest = Vec::new();
    for (idx, labels) in found.labels().iter().enumerate() {
        if idx % 64 == 0 {
            cx.check().map_err(StorageError::from)?;
        }
        // An exposition cannot hold a series without a name.
        if labels.metric_name().is_empty() {
            continue;
        }
        found.read(idx, &mut buffer)?;
        let Some(last) = buffer.ts.iter().rposition(|ts| range.contains(*ts)) else { continue };
        // Text formats have no native histograms.
        let is_histogram = buffer.hists.get(last).is_some_and(Option::is_some);
        if is_histogram || is_stale_nan(buffer.vals[last]) {
            continue;
        }
        latest.push(Latest { labels: labels.clone(), ts_ms: buffer.ts[last], value: buffer.vals[last] });
    }
    Ok(latest)
}

/// `external` are the labels that every series gets at its end, unless it has them itself.
fn write(series: &[Latest], mut external: Vec<(String, String)>, format: OutputFormat) -> String {
    // An empty instance keeps the scraping server from adding its own.
    if !external.iter().any(|(name, _)| name == "instance") {
        external.push(("instance".to_owned(), String::new()));
    }
    external.sort();
    let mut text = String::new();
    let mut writer = Writer::new(&mut text, format);
    let mut family = None;
    for Latest { labels, ts_ms, value } in series {
        let name = labels.metric_name();
        if family != Some(name) {
            family = Some(name);
            writer.family(&Family { name, metric_type: MetricType::Unknown, help: "", unit: "" });
        }
        let own = labels.iter().filter(|l| l.name != METRIC_NAME).map(|l| (l.name, l.value));
        let added =
            external.iter().map(|(n, v)| (n.as_str(), v.as_str())).filter(|(n, _)| labels.get(n).is_none());
        let mut sample = Sample::new(Part::Value, Number::Float(*value));
        sample.timestamp_ms = Some(*ts_ms);
        writer.sample(&sample, own.chain(added));
    }
    writer.finish();
    text
}

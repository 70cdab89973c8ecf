//! `/federate`: the current value of selected series in an exposition format, with the time of each sample.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bellwether_exposition::{Family, MetricType, Number, Offer, OutputFormat, Part, Sample, Writer};
use bellwether_model::{METRIC_NAME, QueryContext, SelectHints, SelectSpec, TimeRange, is_stale_nan};
use http::{HeaderMap, header};

use crate::error::ApiError;
use crate::params::Params;
use crate::state::{AppState, tenant};
use crate::v1::series::selectors;
use crate::work::on_query_thread;

pub(crate) async fn federate(
    State(state): State<AppState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    let selectors = selectors(&state, &params)?;
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
    let format = OutputFormat::negotiate(accept, Offer::Text);
    let timeout = state.settings.query_timeout;
    let text = on_query_thread(&state, timeout, move |state, cx| {
        let mut series = Vec::new();
        for matchers in &selectors {
            series.extend(latest(state, matchers, cx)?);
        }
        series.sort_by(|a, b| a.0.cmp(&b.0));
        series.dedup_by(|a, b| a.0 == b.0);
        Ok(write(&series, format))
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, format.content_type())], text).into_response())
}

/// A series with its newest sample: the metric name first, then the other labels.
type Latest = ((String, Vec<(String, String)>), i64, f64);

fn latest(
    state: &AppState,
    matchers: &[bellwether_model::Matcher],
    cx: &QueryContext,
) -> Result<Vec<Latest>, ApiError> {
    let now_ms = state.clock.now_ms();
    let range = TimeRange::new(now_ms - state.settings.lookback_delta_ms + 1, now_ms);
    let querier = state.queryable.querier(&tenant(), range)?;
    let spec = SelectSpec { matchers: matchers.to_vec(), range, sorted: true, hints: SelectHints::default() };
    let found = querier.select(&spec, cx)?;
    let mut buffer = bellwether_model::ColumnBuffer::default();
    let mut latest = Vec::new();
    for (idx, labels) in found.labels().iter().enumerate() {
        if idx % 64 == 0 {
            cx.check().map_err(bellwether_model::StorageError::from)?;
        }
        found.read(idx, &mut buffer)?;
        let Some(last) = buffer.ts.iter().rposition(|ts| range.contains(*ts)) else { continue };
        // Text formats have no native histograms.
        let is_histogram = buffer.hists.get(last).is_some_and(Option::is_some);
        if is_histogram || is_stale_nan(buffer.vals[last]) {
            continue;
        }
        let mut pairs: Vec<(String, String)> = labels
            .iter()
            .filter(|l| l.name != METRIC_NAME)
            .map(|l| (l.name.to_owned(), l.value.to_owned()))
            .collect();
        for (name, value) in state.operations.external_labels() {
            if !pairs.iter().any(|(n, _)| *n == name) {
                pairs.push((name, value));
            }
        }
        // An empty instance keeps the scraping server from adding its own.
        if !pairs.iter().any(|(n, _)| n == "instance") {
            pairs.push(("instance".to_owned(), String::new()));
        }
        pairs.sort();
        latest.push(((labels.metric_name().to_owned(), pairs), buffer.ts[last], buffer.vals[last]));
    }
    Ok(latest)
}

fn write(series: &[Latest], format: OutputFormat) -> String {
    let mut text = String::new();
    let mut writer = Writer::new(&mut text, format);
    let mut family = None;
    for ((name, labels), ts_ms, value) in series {
        if family != Some(name) {
            family = Some(name);
            writer.family(&Family { name, metric_type: MetricType::Unknown, help: "", unit: "" });
        }
        let mut sample = Sample::new(Part::Value, Number::Float(*value));
        sample.timestamp_ms = Some(*ts_ms);
        writer.sample(&sample, labels.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    }
    writer.finish();
    text
}

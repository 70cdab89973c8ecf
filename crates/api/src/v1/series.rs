//! `series`, `labels`, `label/<name>/values`, `metadata` and `query_exemplars`: what there is to ask for.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use bellwether_model::{
    AnchoredRegex, Matcher, MetadataRequest, TimeRange, ValidationScheme, is_valid_label_name,
};
use bellwether_promql::engine::{ExemplarsRequest, QueryError, SeriesRequest};
use bellwether_promql::syntax::parse_metric_selector;
use serde_json::{Value, json};

use crate::envelope::{self, Notes};
use crate::error::ApiError;
use crate::json;
use crate::params::Params;
use crate::result_limit::Answer;
use crate::state::{AppState, tenant};
use crate::v1::query::query_error;
use crate::work::on_query_thread;

pub(crate) async fn series(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    if params.all("match[]").next().is_none() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let limit = params.limit("limit")?;
    let range = params.range_or_all()?;
    let selectors =
        non_empty_selectors(&state, &params).map_err(|e| ApiError::bad_parameter("match[]", e))?;
    let request = SeriesRequest { selectors, range, limit: one_more(limit) };
    let question = params.selector_question("series", range);
    on_query_thread(&state, question, default_timeout(&state), move |state, cx| {
        let mut found = if is_empty(range) {
            Vec::new()
        } else {
            state.engine.series(&tenant(), &request, cx).map_err(query_error)?
        };
        let notes = cut(&mut found, limit);
        let mut out = Answer::success(state.settings.max_result_bytes, cx)?;
        out.small_list(&found, json::write_labels)?;
        Ok(out.finish_success(&notes))
    })
    .await
}

pub(crate) async fn label_names(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit("limit")?;
    let request = request(&state, &params, limit)?;
    let question = params.selector_question("labels", request.range);
    on_query_thread(&state, question, default_timeout(&state), move |state, cx| {
        let found = if is_empty(request.range) {
            Vec::new()
        } else {
            state.engine.labels(&tenant(), &request, cx).map_err(query_error)?
        };
        names(found, limit, Answer::success(state.settings.max_result_bytes, cx)?)
    })
    .await
}

pub(crate) async fn label_values(
    State(state): State<AppState>,
    name: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Response, ApiError> {
    let name = name.map_err(|_| ApiError::bad_data("invalid label name: it is not UTF-8"))?;
    let name = unescape_name(&name);
    if !is_valid_label_name(&name, ValidationScheme::Utf8) {
        return Err(ApiError::bad_data(format_args!("invalid label name: {name:?}")));
    }
    let limit = params.limit("limit")?;
    let request = request(&state, &params, limit)?;
    let question = params.selector_question("label_values", request.range);
    on_query_thread(&state, question, default_timeout(&state), move |state, cx| {
        let found = if is_empty(request.range) {
            Vec::new()
        } else {
            state.engine.label_values(&tenant(), &name, &request, cx).map_err(query_error)?
        };
        names(found, limit, Answer::success(state.settings.max_result_bytes, cx)?)
    })
    .await
}

fn names(mut found: Vec<String>, limit: usize, mut out: Answer<'_>) -> Result<Response, ApiError> {
    let notes = cut(&mut found, limit);
    out.small_list(&found, |text, name| json::write_string(text, name))?;
    Ok(out.finish_success(&notes))
}

/// Cuts a list to the limit and says so.
fn cut<T>(found: &mut Vec<T>, limit: usize) -> Notes {
    let mut notes = Notes::default();
    if limit > 0 && found.len() > limit {
        found.truncate(limit);
        notes.warnings.push("results truncated due to limit".to_owned());
    }
    notes
}

/// What a listing of label names or values is about.
fn request(state: &AppState, params: &Params, limit: usize) -> Result<SeriesRequest, ApiError> {
    let range = params.range_or_all()?;
    let selectors = non_empty_selectors(state, params).map_err(ApiError::bad_data)?;
    Ok(SeriesRequest { selectors, range, limit: one_more(limit) })
}

/// One more than is shown is asked for, so that a cut is noticed; 0 stays what it is, no limit.
fn one_more(limit: usize) -> usize {
    if limit == 0 { 0 } else { limit.saturating_add(1) }
}

/// Whether the range ends before it starts: a client with a broken time picker gets an empty list, as from Prometheus.
fn is_empty(range: TimeRange) -> bool {
    range.maxt < range.mint
}

pub(crate) async fn metadata(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let limit = params.metadata_limit("limit")?;
    let request = MetadataRequest {
        family: params.get("metric").map(str::to_owned),
        limit: limit.unwrap_or(0),
        limit_per_family: params.metadata_limit("limit_per_metric")?.unwrap_or(0),
    };
    if limit == Some(0) {
        return Ok(envelope::success(&json!({})));
    }
    let timeout = default_timeout(&state);
    let question = params.question("metadata", params.get("metric").unwrap_or(""));
    on_query_thread(&state, question, timeout, move |state, cx| {
        let found = state.engine.metadata(&tenant(), &request, cx).map_err(query_error)?;
        let data: BTreeMap<String, Value> = found
            .into_iter()
            .map(|(family, entries)| {
                let entries: Vec<Value> = entries
                    .iter()
                    .map(|m| json!({"type": m.metric_type.as_str(), "help": m.help, "unit": m.unit}))
                    .collect();
                (family, Value::from(entries))
            })
            .collect();
        Ok(envelope::success(&json!(data)))
    })
    .await
}

pub(crate) async fn exemplars(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let range = params.range_or_all()?;
    if is_empty(range) {
        return Err(ApiError::bad_data("end timestamp must not be before start timestamp"));
    }
    let request = ExemplarsRequest { query: params.get("query").unwrap_or("").to_owned(), range };
    let question = params.question("query_exemplars", request.query.as_str());
    on_query_thread(&state, question, default_timeout(&state), move |state, cx| {
        let found = state.engine.exemplars(&tenant(), &request, cx).map_err(|e| match e {
            // Here, other than in the queries, Prometheus does not name the parameter.
            QueryError::Parse(errors) => ApiError::bad_data(errors),
            other => query_error(other),
        })?;
        let mut out = Answer::success(state.settings.max_result_bytes, cx)?;
        out.list(&found, |out, series| {
            out.text().push_str("{\"seriesLabels\":");
            json::write_labels(out.text(), &series.labels);
            out.text().push_str(",\"exemplars\":");
            out.small_list(&series.exemplars, |out, exemplar| {
                out.push_str("{\"labels\":");
                json::write_labels(out, &exemplar.labels);
                out.push_str(",\"value\":");
                json::write_value(out, exemplar.value);
                out.push_str(",\"timestamp\":");
                json::write_timestamp(out, exemplar.ts_ms);
                out.push('}');
            })?;
            out.text().push('}');
            Ok(())
        })?;
        Ok(out.finish_success(&Notes::default()))
    })
    .await
}

/// The selectors of the `match[]` parameters, or what is wrong with them.
pub(crate) fn selectors(state: &AppState, params: &Params) -> Result<Vec<Vec<Matcher>>, String> {
    let mut regex_bytes = 0;
    let parse = |text| {
        let matchers = parse_metric_selector(text, &state.settings.parser).map_err(|e| e.to_string())?;
        regex_bytes +=
            matchers.iter().filter_map(Matcher::regex).map(AnchoredRegex::memory_bytes).sum::<usize>();
        let max = state.settings.parser.limits.max_regex_bytes;
        if regex_bytes > max {
            return Err(format!(
                "regular expressions are too large: together they take more than the {max} bytes allowed"
            ));
        }
        Ok(matchers)
    };
    params.all("match[]").map(parse).collect()
}

/// The same, and each has a matcher that does not match everything.
fn non_empty_selectors(state: &AppState, params: &Params) -> Result<Vec<Vec<Matcher>>, String> {
    let selectors = selectors(state, params)?;
    if selectors.iter().any(|matchers| matchers.iter().all(Matcher::matches_empty)) {
        return Err("match[] must contain at least one non-empty matcher".to_owned());
    }
    Ok(selectors)
}

fn default_timeout(state: &AppState) -> Duration {
    state.settings.query_timeout
}

/// Undoes the escaping of names that do not fit into a URL: after `U__`, two underscores are one and `_HEX_` is a character.
fn unescape_name(name: &str) -> String {
    let Some(escaped) = name.strip_prefix("U__") else { return name.to_owned() };
    let mut out = String::new();
    let mut rest = escaped;
    while let Some(at) = rest.find('_') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('_') {
            out.push('_');
            rest = after;
            continue;
        }
        let character = rest
            .split_once('_')
            .filter(|(hex, _)| hex.len() <= 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|(hex, after)| Some((char::from_u32(u32::from_str_radix(hex, 16).ok()?)?, after)));
        // Not an escaped name after all.
        let Some((c, after)) = character else { return name.to_owned() };
        out.push(c);
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unescaped() {
        assert_eq!(unescape_name("job"), "job");
        assert_eq!(unescape_name("U__http_2e_status__code"), "http.status_code");
        for odd in ["U__a_zz", "U__a_zz_", "U__a_", "U___+41_", "U___0000041_", "U___110000_", "U___d800_"] {
            assert_eq!(unescape_name(odd), odd);
        }
        assert_eq!(unescape_name("U__"), "");
    }
}

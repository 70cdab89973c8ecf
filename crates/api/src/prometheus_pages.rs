//! Addresses of Prometheus' pages, which stand in messages about alerts, in dashboards, bookmarks and runbooks: they lead to our pages.
//!
//! The way there is told as seen from the address: a proxy may show this server below a path that the server knows nothing of. `/alerts` and
//! `/rules` are addresses of ours, too.

use axum::Router;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use bellwether_model::{format_duration_ms, parse_duration_ms};
use http::{HeaderValue, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::ApiError;
use crate::params::{Params, parse_time_ms};
use crate::state::AppState;

/// So many expressions of a link are shown.
const MOST_EXPRESSIONS: usize = 20;

/// The pages that have another address here: those of Prometheus 2, and what is called otherwise in Prometheus 3.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/graph", get(graph))
        .route("/query", get(graph))
        .route("/targets", get(targets))
        .route("/service-discovery", get(targets))
        .route("/status", to("system/status", ""))
        .route("/flags", to("system/status", "tab=flags"))
        .route("/config", to("system/status", "tab=config"))
        .route("/tsdb-status", to("system/cardinality", ""))
}

/// Leads to a page, with the query of the address behind one of our own.
fn to(page: &'static str, own_query: &'static str) -> MethodRouter<AppState> {
    get(async move |RawQuery(query): RawQuery| lead(page, &[own_query, query.as_deref().unwrap_or("")]))
}

/// `/graph?g0.expr=...&g0.tab=1` leads to the same expressions, with the tab and the range of the first.
async fn graph(params: Params) -> Result<Response, ApiError> {
    Ok(lead("explore", &[&explore_query(|name| params.get(name))]))
}

/// `/targets?search=...` leads to the targets that are searched, or to those of the pool that is named.
async fn targets(params: Params) -> Result<Response, ApiError> {
    let searched = ["search", "scrapePool", "pool"].into_iter().find_map(|name| params.get(name));
    let query = searched.map(|text| format!("f={}", encode(text)));
    Ok(lead("system/targets", &[&query.unwrap_or_default()]))
}

fn lead(page: &str, queries: &[&str]) -> Response {
    let queries: Vec<&str> = queries.iter().copied().filter(|query| !query.is_empty()).collect();
    let mark = if queries.is_empty() { "" } else { "?" };
    let address = HeaderValue::from_str(&format!("{page}{mark}{}", queries.join("&")));
    match address {
        Ok(address) => (StatusCode::FOUND, [(header::LOCATION, address)]).into_response(),
        // A query that is not ASCII has not come from a browser.
        Err(_) => (StatusCode::BAD_REQUEST, "the query must be percent-encoded\n").into_response(),
    }
}

fn encode(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

/// The parameters of our page.
fn explore_query<'p>(get: impl Fn(&str) -> Option<&'p str>) -> String {
    let expressions = (0..MOST_EXPRESSIONS).map_while(|n| get(&format!("g{n}.expr")));
    let mut pairs: Vec<String> = expressions.map(|expr| format!("q={}", encode(expr))).collect();
    if pairs.is_empty() {
        return String::new();
    }
    // Prometheus 2 counts its tabs, and Prometheus 3 names them.
    let is_table = matches!(get("g0.tab"), Some("1" | "table"));
    if is_table {
        pairs.push("tab=table".to_owned());
    }
    let moment = if is_table { get("g0.moment_input") } else { None };
    let end = moment.or_else(|| get("g0.end_input"));
    pairs.extend(range(end, get("g0.range_input")));
    pairs.join("&")
}

/// The range that the first graph shows, as our pages write it; an hour if only its end is named.
fn range(end: Option<&str>, length: Option<&str>) -> Option<String> {
    let length_ms = parse_duration_ms(length.unwrap_or("1h")).ok()?;
    let Some(end) = end else {
        return length.map(|_| format!("from=now-{}&to=now", format_duration_ms(length_ms)));
    };
    let to_ms = parse_time_ms(&format!("{}Z", end.replace(' ', "T"))).ok()?;
    Some(format!("from={}&to={to_ms}", to_ms.checked_sub(length_ms)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_tab_and_range_are_taken_along() {
        let check = |pairs: &[(&str, &'static str)], want: &str| {
            let get = |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
            assert_eq!(explore_query(get), want, "{pairs:?}");
        };
        check(&[("g0.expr", "up == 0"), ("g0.tab", "1")], "q=up%20%3D%3D%200&tab=table");
        check(&[("g0.expr", "a"), ("g0.tab", "table")], "q=a&tab=table");
        check(&[("g0.expr", "a"), ("g1.expr", "b"), ("g0.tab", "0")], "q=a&q=b");
        check(&[("g1.expr", "b")], "");
        check(&[("g0.expr", "a"), ("g0.range_input", "2h")], "q=a&from=now-2h&to=now");
        let end = ("g0.end_input", "1970-01-01 03:00:00");
        check(&[("g0.expr", "a"), ("g0.range_input", "2h"), end], "q=a&from=3600000&to=10800000");
        check(&[("g0.expr", "a"), end], "q=a&from=7200000&to=10800000");
        let moment = ("g0.moment_input", "1970-01-01 05:00:00");
        check(&[("g0.expr", "a"), ("g0.tab", "1"), end, moment], "q=a&tab=table&from=14400000&to=18000000");
        check(&[("g0.expr", "a"), ("g0.tab", "0"), end, moment], "q=a&from=7200000&to=10800000");
        check(&[("g0.expr", "a"), ("g0.end_input", "yesterday")], "q=a");
        check(&[("g0.expr", "a"), ("g0.range_input", "long")], "q=a");
    }
}

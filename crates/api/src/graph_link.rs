//! Links to graphs in the form of Prometheus, which stand in messages about alerts, in dashboards and in wikis.

use axum::response::{IntoResponse, Redirect, Response};
use bellwether_model::parse_duration_ms;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::ApiError;
use crate::params::{Params, parse_time_ms};

/// So many expressions of a link are shown.
const MOST_EXPRESSIONS: usize = 20;

/// Leads `/graph?g0.expr=...&g0.tab=1` to our page with the same expressions and the range of the first.
///
/// The way there is told as seen from `/graph`: a proxy may show this server below a path that the server knows nothing of.
pub(crate) async fn graph(params: Params) -> Result<Response, ApiError> {
    Ok(Redirect::temporary(&format!("explore{}", query(|name| params.get(name)))).into_response())
}

/// The parameters of our page.
fn query<'p>(get: impl Fn(&str) -> Option<&'p str>) -> String {
    let expressions = (0..MOST_EXPRESSIONS).map_while(|n| get(&format!("g{n}.expr")));
    let mut pairs: Vec<String> =
        expressions.map(|expr| format!("q={}", utf8_percent_encode(expr, NON_ALPHANUMERIC))).collect();
    if pairs.is_empty() {
        return String::new();
    }
    if get("g0.tab") == Some("1") {
        pairs.push("tab=table".to_owned());
    }
    if let Some((from_ms, to_ms)) = range(get("g0.end_input"), get("g0.range_input")) {
        pairs.push(format!("from={from_ms}&to={to_ms}"));
    }
    format!("?{}", pairs.join("&"))
}

/// The range that the first graph shows, in milliseconds since the Unix epoch; an hour if only its end is named.
fn range(end: Option<&str>, length: Option<&str>) -> Option<(i64, i64)> {
    let to_ms = parse_time_ms(&format!("{}Z", end?.replace(' ', "T"))).ok()?;
    let length_ms = parse_duration_ms(length.unwrap_or("1h")).ok()?;
    Some((to_ms.checked_sub(length_ms)?, to_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_and_the_tab_are_taken_along() {
        fn get<'p>(pairs: &[(&str, &'p str)], name: &str) -> Option<&'p str> {
            pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
        }
        let link = |pairs: &[(&str, &'static str)]| query(|name| get(pairs, name));
        assert_eq!(link(&[("g0.expr", "up == 0"), ("g0.tab", "1")]), "?q=up%20%3D%3D%200&tab=table");
        assert_eq!(link(&[("g0.expr", "a"), ("g1.expr", "b"), ("g0.tab", "0")]), "?q=a&q=b");
        assert_eq!(link(&[("g1.expr", "b")]), "");
        let ended = [("g0.expr", "a"), ("g0.range_input", "2h"), ("g0.end_input", "1970-01-01 03:00:00")];
        assert_eq!(query(|name| get(&ended, name)), "?q=a&from=3600000&to=10800000");
        let nowhere = [("g0.expr", "a"), ("g0.end_input", "yesterday")];
        assert_eq!(query(|name| get(&nowhere, name)), "?q=a");
    }
}

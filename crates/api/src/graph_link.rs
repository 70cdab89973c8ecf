//! Links to graphs in the form of Prometheus, which stand in messages about alerts, in dashboards and in wikis.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::ApiError;
use crate::params::Params;
use crate::state::AppState;

/// So many expressions of a link are shown.
const MOST_EXPRESSIONS: usize = 20;

/// Leads `/graph?g0.expr=...&g0.tab=1` to our page with the same expressions.
pub(crate) async fn graph(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let path = format!("{}/explore", state.settings.route_prefix);
    Ok(Redirect::temporary(&format!("{path}{}", query(|name| params.get(name)))).into_response())
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
    format!("?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_and_the_tab_are_taken_along() {
        let link = |pairs: &'static [(&str, &str)]| {
            query(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| *value))
        };
        assert_eq!(link(&[("g0.expr", "up == 0"), ("g0.tab", "1")]), "?q=up%20%3D%3D%200&tab=table");
        assert_eq!(link(&[("g0.expr", "a"), ("g1.expr", "b"), ("g0.tab", "0")]), "?q=a&q=b");
        assert_eq!(link(&[("g1.expr", "b")]), "");
    }
}

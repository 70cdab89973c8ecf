//! What every request passes: the path is normal, the answer carries the security headers and a request id.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::state::AppState;

static NEXT_REQUEST: AtomicU64 = AtomicU64::new(1);

/// Refuses paths that mean different things to different programs, and adds the headers that all answers share.
pub(crate) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = NEXT_REQUEST.fetch_add(1, Ordering::Relaxed);
    let path = request.uri().path();
    let mut response = if let Some(why) = refuse_path(path) {
        (StatusCode::BAD_REQUEST, format!("path refused: {why}\n")).into_response()
    } else {
        let handler = route_class(path, &state.settings.route_prefix);
        let started = state.clock.monotonic();
        let response = next.run(request).await;
        let took = state.clock.monotonic().saturating_sub(started);
        state.stats.observe_request(handler, response.status().as_u16(), took);
        response
    };
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        );
    }
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    );
    response
}

/// Why a path is refused. A proxy in front may read such paths differently than this server does.
fn refuse_path(path: &str) -> Option<&'static str> {
    let lower = path.to_ascii_lowercase();
    if path.contains("//") {
        Some("empty segment")
    } else if path.split('/').any(|s| s == "." || s == "..") {
        Some("dot segment")
    } else if lower.contains("%2f") || lower.contains("%5c") || lower.contains("%2e") || path.contains('\\') {
        Some("encoded slash or dot, or a backslash")
    } else if lower.contains("%00") {
        Some("NUL byte")
    } else {
        None
    }
}

/// A label for the server's own request metrics with few values, whatever strangers request.
fn route_class(path: &str, prefix: &str) -> &'static str {
    let path = path.strip_prefix(prefix).unwrap_or(path);
    let rest = path.strip_prefix("/api/v1/").unwrap_or(path);
    match rest {
        "query" => "query",
        "query_range" => "query_range",
        "query_exemplars" => "query_exemplars",
        "series" => "series",
        "labels" => "labels",
        "read" => "read",
        "write" => "write",
        "/metrics" => "metrics",
        "/federate" => "federate",
        _ if rest.starts_with("label/") => "label_values",
        _ if rest.starts_with("status/") => "status",
        _ if rest.starts_with("targets") => "targets",
        _ if rest.len() < path.len() => "api_other",
        _ if rest.starts_with("/api/v2/") || rest.starts_with("/alertmanager/") => "alertmanager",
        _ if rest.starts_with("/-/") => "lifecycle",
        _ => "ui",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_are_refused() {
        for path in ["//metrics", "/a/../b", "/a/./b", "/a%2fb", "/a%2E%2e/b", "/a\\b", "/a%00"] {
            assert!(refuse_path(path).is_some(), "{path}");
        }
        for path in ["/", "/api/v1/label/__name__/values", "/graph", "/a..b", "/api/v1/label/a%20b/values"] {
            assert_eq!(refuse_path(path), None, "{path}");
        }
    }

    #[test]
    fn classes_are_few() {
        assert_eq!(route_class("/x/api/v1/query", "/x"), "query");
        assert_eq!(route_class("/api/v1/label/job/values", ""), "label_values");
        assert_eq!(route_class("/api/v1/whatever", ""), "api_other");
        assert_eq!(route_class("/api/v2/alerts", ""), "alertmanager");
        assert_eq!(route_class("/x/alertmanager/api/v2/silence/1", "/x"), "alertmanager");
        assert_eq!(route_class("/whatever", ""), "ui");
    }
}

//! Reads across origins: whether a page of another site may use the API from a browser.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::envelope;
use crate::state::AppState;

/// What an allowed origin may do with the API of Prometheus, in the words of Prometheus.
pub(crate) const PROMETHEUS: &str = "GET, POST, OPTIONS";
/// The same with that of Alertmanager: there, silences are ended with `DELETE`.
pub(crate) const ALERTMANAGER: &str = "GET, POST, DELETE, OPTIONS";
/// The headers that an allowed origin gets beside the methods. Credentials are never allowed.
const HEADERS: [(HeaderName, &str); 2] = [
    (header::ACCESS_CONTROL_ALLOW_HEADERS, "Accept, Authorization, Content-Type, Origin"),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Date"),
];

/// Answers `OPTIONS`, and marks every answer for the browser if its origin is allowed.
pub(crate) async fn cors(
    State((state, methods)): State<(AppState, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let allowed = allowed_origin(&state, request.headers());
    let mut response = if request.method() == Method::OPTIONS {
        envelope::empty(StatusCode::NO_CONTENT)
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if state.settings.cors_origin.is_some() {
        // Caches must not hand the answer for one origin to another.
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// What `Access-Control-Allow-Origin` says, if anything.
fn allowed_origin(state: &AppState, request: &HeaderMap) -> Option<HeaderValue> {
    let origins = state.settings.cors_origin.as_ref()?;
    let origin = request.get(header::ORIGIN)?;
    if origins.pattern() == ".*" {
        return Some(HeaderValue::from_static("*"));
    }
    origins.is_match(origin.to_str().ok()?).then(|| origin.clone())
}

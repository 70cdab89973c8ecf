//! The JSON envelope of the Prometheus HTTP API: `{"status":"success","data":...}` and its failing twin.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

use crate::error::ApiError;
use crate::json::write_string;

/// Remarks about a successful answer, shown beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// The answer may be wrong or incomplete.
    pub(crate) warnings: Vec<String>,
    /// The query may not mean what its author thinks.
    pub(crate) infos: Vec<String>,
}

/// How a successful answer begins, up to its data.
pub(crate) const SUCCESS: &str = r#"{"status":"success","data":"#;

/// Ends a successful answer; `body` is [`SUCCESS`] and the data.
pub(crate) fn end_success(body: &mut String, notes: &Notes) {
    for (key, list) in [("warnings", &notes.warnings), ("infos", &notes.infos)] {
        if !list.is_empty() {
            body.push_str(",\"");
            body.push_str(key);
            body.push_str("\":");
            body.push_str(&Value::from(list.clone()).to_string());
        }
    }
    body.push('}');
}

/// A successful answer.
pub(crate) fn success(data: &impl Serialize) -> Response {
    let mut body = SUCCESS.as_bytes().to_vec();
    serde_json::to_writer(&mut body, data).expect("BUG: answers are JSON");
    body.push(b'}');
    json(StatusCode::OK, body)
}

/// A failure, with its fields in the order of Prometheus: people read this in a terminal.
pub(crate) fn failure(error: &ApiError) -> Response {
    let mut body = String::with_capacity(error.message.len() + 64);
    body.push_str("{\"status\":\"error\",\"errorType\":");
    write_string(&mut body, error.kind.as_str());
    body.push_str(",\"error\":");
    write_string(&mut body, &error.message);
    body.push('}');
    json(error.kind.status(), body)
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A successful answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

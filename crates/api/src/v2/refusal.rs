//! What is answered to requests that cannot be served: a sentence as a JSON string, or an object with a code where the request itself is malformed.

use std::fmt;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::envelope;
use crate::error::{ApiError, ErrorKind};
use crate::requester::Requester;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is understood, and wrong.
    Said(StatusCode, String),
    /// It is not what the description of the API asks for. The code is that of the framework that Alertmanager uses.
    Malformed {
        /// The status.
        status: StatusCode,
        /// The number in the body.
        code: u16,
        /// The sentence.
        message: String,
    },
    /// There is no such thing, and no body that says so.
    NotFound,
}

impl Refusal {
    pub(super) fn bad_request(message: impl fmt::Display) -> Self {
        Self::Said(StatusCode::BAD_REQUEST, message.to_string())
    }

    pub(super) fn internal(message: impl fmt::Display) -> Self {
        Self::Said(StatusCode::INTERNAL_SERVER_ERROR, message.to_string())
    }

    /// The same number as status and in the body.
    pub(super) fn framework(status: StatusCode, message: String) -> Self {
        Self::Malformed { status, code: status.as_u16(), message }
    }

    /// A body that can be read and lacks something, or has something of another kind. `code` says which.
    pub(super) fn invalid(code: u16, message: String) -> Self {
        Self::Malformed { status: StatusCode::UNPROCESSABLE_ENTITY, code, message }
    }

    /// A field that must be there.
    pub(super) fn required(field: &str) -> Self {
        Self::invalid(602, format!("{field} in body is required"))
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Said(error.kind.status(), error.message)
    }
}

/// The same in the API of Prometheus.
impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let (status, message) = match refusal {
            Refusal::Said(status, message) | Refusal::Malformed { status, message, .. } => (status, message),
            Refusal::NotFound => (StatusCode::NOT_FOUND, "not found".to_owned()),
        };
        let kind = match status {
            StatusCode::PAYLOAD_TOO_LARGE => ErrorKind::TooLarge,
            StatusCode::NOT_FOUND => ErrorKind::NotFound,
            StatusCode::SERVICE_UNAVAILABLE => ErrorKind::Unavailable,
            status if status.is_server_error() => ErrorKind::Internal,
            _ => ErrorKind::BadData,
        };
        Self { kind, message }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Said(status, message) => {
                if status.is_server_error() {
                    tracing::error!(error = %message, "request failed");
                }
                envelope::json(status, json!(message).to_string())
            }
            Self::Malformed { status, code, message } => {
                envelope::json(status, json!({ "code": code, "message": message }).to_string())
            }
            Self::NotFound => envelope::empty(StatusCode::NOT_FOUND),
        }
    }
}

pub(super) async fn no_such_path(Extension(requester): Extension<Requester>) -> Refusal {
    Refusal::framework(StatusCode::NOT_FOUND, format!("path {} was not found", requester.path))
}

pub(super) async fn no_such_method(Extension(requester): Extension<Requester>) -> Refusal {
    let message = format!("method {} is not allowed", requester.method);
    Refusal::framework(StatusCode::METHOD_NOT_ALLOWED, message)
}

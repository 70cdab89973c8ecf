use std::fmt;

use axum::response::{IntoResponse, Response};
use bellwether_model::{QueryInterrupt, StorageError};
use http::StatusCode;

use crate::envelope;

/// The kinds of failure of the Prometheus HTTP API: each has a word for programs and a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request is wrong; trying again does not help.
    BadData,
    /// The request is larger than allowed.
    TooLarge,
    /// The query ran and failed.
    Execution,
    /// The query ran out of time.
    Timeout,
    /// The client left or the query was killed.
    Canceled,
    /// The server cannot do this now.
    Unavailable,
    /// This caller may not do that.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// A defect or a disk error.
    Internal,
}

impl ErrorKind {
    /// The `errorType` of the envelope.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadData | Self::TooLarge => "bad_data",
            Self::Execution => "execution",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Unavailable => "unavailable",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Internal => "internal",
        }
    }

    /// The status, as Prometheus chooses it.
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadData => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Timeout | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Canceled => client_closed_request(),
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The status of Prometheus 3 (and nginx before it) for a client that did not wait for the answer. It has no name in the standards.
fn client_closed_request() -> StatusCode {
    StatusCode::from_u16(499).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
}

/// A failed request of the Prometheus API: what the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// Which kind of failure.
    pub kind: ErrorKind,
    /// The sentence for people.
    pub message: String,
}

impl ApiError {
    /// The request is wrong.
    pub fn bad_data(message: impl fmt::Display) -> Self {
        Self { kind: ErrorKind::BadData, message: message.to_string() }
    }

    /// One parameter of the request is wrong; worded as Prometheus does.
    pub fn bad_parameter(name: &str, why: impl fmt::Display) -> Self {
        Self::bad_data(format_args!("invalid parameter {name:?}: {why}"))
    }

    /// The server cannot do this now.
    pub fn unavailable(message: impl fmt::Display) -> Self {
        Self { kind: ErrorKind::Unavailable, message: message.to_string() }
    }

    /// A defect or a disk error.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self { kind: ErrorKind::Internal, message: message.to_string() }
    }
}

impl From<QueryInterrupt> for ApiError {
    fn from(interrupt: QueryInterrupt) -> Self {
        let (kind, remedy) = match interrupt {
            QueryInterrupt::Cancelled => (ErrorKind::Canceled, ""),
            QueryInterrupt::TimedOut(_) => (ErrorKind::Timeout, ""),
            QueryInterrupt::Memory { .. } => (
                ErrorKind::Execution,
                " (--query.max-memory-per-query); ask for fewer series, a shorter time or a larger step",
            ),
            // Nothing is wrong with this one: it may well be answered when the others are done.
            QueryInterrupt::SharedMemory { .. } => {
                (ErrorKind::Unavailable, " (--query.max-memory); try again when fewer of them run")
            }
            _ => (ErrorKind::Execution, ""),
        };
        Self { kind, message: format!("{interrupt}{remedy}") }
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        let kind = match &error {
            StorageError::Interrupted(interrupt) => return interrupt.clone().into(),
            StorageError::Limit(_) => ErrorKind::Execution,
            StorageError::Unavailable(_) => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        };
        Self { kind, message: error.to_string() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if self.kind == ErrorKind::Internal {
            tracing::error!(error = %self.message, "request failed");
        }
        envelope::failure(&self)
    }
}

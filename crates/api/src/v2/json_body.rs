//! Bodies of requests that are JSON.

use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use crate::request_body::{BodyError, read_body_within};
use crate::state::AppState;
use crate::write_gate::HeldBytes;

/// About so many times its size a body takes at most while it is read: short texts are much larger in memory.
const PARSED_FACTOR: usize = 8;
/// What a body without a type is, as Alertmanager's framework has it.
const NO_TYPE: &str = "application/octet-stream";

/// A body as it came. It counts among those of writes as long as it lives.
#[derive(Debug)]
pub(crate) struct JsonBody {
    /// What it is called in errors.
    name: &'static str,
    bytes: Bytes,
    _held: HeldBytes,
}

impl JsonBody {
    /// Reads a body of at most `limit` bytes; `None` if there is none. If there is no room for it now, the sender may come again.
    ///
    /// Other types of content are refused: a page of another site could send them from a browser without being asked.
    pub(super) async fn read(
        state: &AppState,
        request: Request,
        name: &'static str,
        limit: usize,
    ) -> Result<Option<Self>, Refusal> {
        let content_type = content_type(request.headers());
        let mut held = state.write_gate.hold();
        let mut busy = None;
        let make_room = |n_bytes: usize| {
            let taken = held.grow(n_bytes.saturating_mul(PARSED_FACTOR));
            taken.inspect_err(|why| busy = Some(*why)).is_ok()
        };
        let read = read_body_within(request, limit, make_room).await;
        if let Some(busy) = busy {
            return Err(Refusal::Said(StatusCode::SERVICE_UNAVAILABLE, busy.to_string()));
        }
        let bytes = read.map_err(|error| match error {
            BodyError::TooLarge => {
                let message = format!("{name} body is larger than the {limit} bytes allowed");
                Refusal::framework(StatusCode::PAYLOAD_TOO_LARGE, message)
            }
            BodyError::CutOff => {
                Refusal::framework(StatusCode::BAD_REQUEST, format!("the {name} body was cut off"))
            }
        })?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if content_type != "application/json" {
            let message =
                format!("unsupported media type {content_type:?}, only [application/json] are allowed");
            return Err(Refusal::framework(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
        Ok(Some(Self { name, bytes, _held: held }))
    }

    /// What it says.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(&self.bytes).map_err(|error| {
            let message = format!("parsing {} body from \"\" failed, because {error}", self.name);
            Refusal::framework(StatusCode::BAD_REQUEST, message)
        })
    }
}

/// Reads what a small body says; `None` if there is none.
pub(crate) async fn json_body<T: DeserializeOwned>(
    state: &AppState,
    request: Request,
    name: &'static str,
    limit: usize,
) -> Result<Option<T>, Refusal> {
    let body = JsonBody::read(state, request, name, limit).await?;
    body.map_or(Ok(None), |body| body.parse())
}

/// The type without its parameters, in small letters.
fn content_type(headers: &HeaderMap) -> String {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let text = text.split(';').next().unwrap_or("").trim();
    if text.is_empty() { NO_TYPE.to_owned() } else { text.to_ascii_lowercase() }
}

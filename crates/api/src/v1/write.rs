//! Remote write: what other servers push.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bellwether_model::AppendError;
use bellwether_wire::{WriteError, WriteRefusal, check_write_content};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::request_body::{BodyError, read_body_within};
use crate::state::{AppState, tenant};
use crate::write_gate::WriteBusy;

/// When to come again if others are in the way.
const SOON: Duration = Duration::from_secs(1);
/// When to come again if the server has a problem.
const LATER: Duration = Duration::from_secs(5);

pub(crate) async fn write(State(state): State<AppState>, request: Request) -> Response {
    if !state.settings.remote_write_receiver {
        let message =
            "remote write is off; start the server with --web.enable-remote-write-receiver to allow it\n";
        return (StatusCode::NOT_FOUND, message).into_response();
    }
    let headers = request.headers();
    let text = |name: HeaderName| text_of(headers, &name);
    if let Err(error) = check_write_content(text(header::CONTENT_TYPE), text(header::CONTENT_ENCODING)) {
        return refusal(error.status(), &error.to_string());
    }
    if let Some(why) = state.memory.refuse_write() {
        return retry_later(StatusCode::SERVICE_UNAVAILABLE, &why, LATER);
    }
    let limit = state.write_receiver.limits().max_compressed_bytes;
    let mut held = state.write_gate.hold();
    let mut busy = None;
    let make_room = |n_bytes| held.grow(n_bytes).inspect_err(|why| busy = Some(*why)).is_ok();
    let body = match (read_body_within(request, limit, make_room).await, busy) {
        (Ok(body), _) => body,
        (Err(_), Some(busy)) => return come_again(busy),
        (Err(BodyError::TooLarge), None) => {
            let message = format!("body is larger than the {limit} bytes allowed (compressed body size)");
            return refusal(StatusCode::PAYLOAD_TOO_LARGE.as_u16(), &message);
        }
        (Err(BodyError::CutOff), None) => {
            return refusal(StatusCode::BAD_REQUEST.as_u16(), "body was cut off");
        }
    };
    let place = match state.write_gate.enter().await {
        Ok(place) => place,
        Err(busy) => return come_again(busy),
    };
    // Not before: only those that have a place are decompressed.
    if let Err(busy) = held.grow(state.write_receiver.decompressed_bytes(&body)) {
        return come_again(busy);
    }
    let outcome = tokio::task::spawn_blocking(move || {
        let _place = place;
        let answer = store(&state, &body);
        drop((body, held));
        answer
    });
    outcome.await.unwrap_or_else(|_| {
        refusal(StatusCode::INTERNAL_SERVER_ERROR.as_u16(), "the write ended unexpectedly; the log says more")
    })
}

fn come_again(busy: WriteBusy) -> Response {
    retry_later(StatusCode::TOO_MANY_REQUESTS, &busy.to_string(), SOON)
}

fn text_of<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
}

/// Decodes and stores a request. Its good part is stored even if the answer is 400, or 429 if what was refused may come again: the sender repeats the whole of it then, and
/// what is stored already stays as it is.
fn store(state: &AppState, body: &[u8]) -> Response {
    match state.write_receiver.receive(&*state.appender, &tenant(), body) {
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Ok(Some(WriteRefusal { message, retry_after: Some(after) })) => {
            retry_later(StatusCode::TOO_MANY_REQUESTS, &message, after)
        }
        Ok(Some(refused)) => refusal(StatusCode::BAD_REQUEST.as_u16(), &refused.message),
        Err(WriteError::Receive(error)) => refusal(error.status(), &error.to_string()),
        Err(WriteError::Append(error)) => append_failure(&error),
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR.as_u16(), &error.to_string()),
    }
}

/// The sender must keep the data and try again, so nothing here is a 4xx but what no retry can mend.
fn append_failure(error: &AppendError) -> Response {
    match error {
        AppendError::TooLarge(_) => refusal(StatusCode::PAYLOAD_TOO_LARGE.as_u16(), &error.to_string()),
        AppendError::Overloaded { retry_after } => {
            retry_later(StatusCode::TOO_MANY_REQUESTS, &error.to_string(), *retry_after)
        }
        _ => retry_later(StatusCode::SERVICE_UNAVAILABLE, &error.to_string(), LATER),
    }
}

fn refusal(status: u16, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, format!("{}\n", message.trim_end())).into_response()
}

fn retry_later(status: StatusCode, message: &str, after: Duration) -> Response {
    let mut response: Response<Body> = refusal(status.as_u16(), message);
    let seconds = after.as_secs_f64().ceil().max(1.0) as u64;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

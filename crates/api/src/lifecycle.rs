//! Health, readiness, reload and quit.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};

use crate::requester::Requester;
use crate::state::AppState;

pub(crate) async fn healthy() -> &'static str {
    "Bellwether is healthy.\n"
}

pub(crate) async fn ready(State(state): State<AppState>) -> Response {
    match state.readiness.check() {
        Ok(()) => "Bellwether is ready.\n".into_response(),
        Err(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("Bellwether is not ready: {why}\n")).into_response()
        }
    }
}

pub(crate) async fn reload(
    State(state): State<AppState>,
    Extension(requester): Extension<Requester>,
    headers: HeaderMap,
) -> Response {
    if !state.settings.lifecycle && !requester.is_at_this_machine(&headers) {
        return disabled("reload");
    }
    let outcome = tokio::task::spawn_blocking(move || state.operations.reload()).await;
    match outcome {
        Ok(Ok(())) => "configuration reloaded\n".into_response(),
        Ok(Err(why)) => {
            let message = format!("failed to reload config, the old one stays in use:\n{why}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
        }
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the reload ended unexpectedly\n").into_response(),
    }
}

pub(crate) async fn quit(State(state): State<AppState>) -> Response {
    if !state.settings.lifecycle {
        return disabled("quit");
    }
    state.operations.quit();
    "requesting termination... goodbye\n".into_response()
}

fn disabled(what: &str) -> Response {
    let message = format!("{what} is off; start the server with --web.enable-lifecycle to allow it\n");
    (StatusCode::FORBIDDEN, message).into_response()
}

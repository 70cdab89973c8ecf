//! Health, readiness, reload and quit.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};

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
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    // Somebody on this machine may reload: they could send SIGHUP as well. A page of another site that their browser shows may not.
    let local = peer.ip().is_loopback() && !is_cross_site(&headers);
    if !state.settings.lifecycle && !local {
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

/// Whether a browser sent the request on behalf of a page of another site.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let text = |value: Option<&http::HeaderValue>| value.and_then(|v| v.to_str().ok()).map(str::to_owned);
    if let Some(site) = text(headers.get("sec-fetch-site")) {
        return !matches!(site.as_str(), "same-origin" | "none");
    }
    let host = text(headers.get(header::HOST));
    let origin = text(headers.get(header::ORIGIN));
    origin.is_some_and(|origin| origin.split_once("://").map(|(_, rest)| rest.to_owned()) != host)
}

fn disabled(what: &str) -> Response {
    let message = format!("{what} is off; start the server with --web.enable-lifecycle to allow it\n");
    (StatusCode::FORBIDDEN, message).into_response()
}

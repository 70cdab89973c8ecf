use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bellwether_exposition::{Offer, OutputFormat};
use http::{HeaderMap, StatusCode, header};
use tower_http::compression::CompressionLayer;

use crate::state::AppState;
use crate::{cors, guard, lifecycle, own_metrics, prometheus_pages, ui, v1, v2};

/// The whole HTTP surface of the server.
pub fn router(state: AppState) -> Router {
    let prefix = state.settings.route_prefix.clone();
    // The answers to wrong methods are set first, so that the layer is around them: `OPTIONS` is one.
    let api = v1::routes()
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state((state.clone(), cors::PROMETHEUS), cors::cors));
    let alertmanager =
        v2::routes().layer(from_fn_with_state((state.clone(), cors::ALERTMANAGER), cors::cors));
    let surface = Router::new()
        .nest("/api/v1", api)
        .nest("/api/v2", alertmanager.clone())
        .nest("/alertmanager", v2::lifecycle_routes().nest("/api/v2", alertmanager))
        .route("/federate", get(v1::federate))
        .route("/metrics", get(metrics))
        .route("/-/healthy", get(lifecycle::healthy))
        .route("/-/ready", get(lifecycle::ready))
        .route("/-/reload", post(lifecycle::reload).put(lifecycle::reload))
        .route("/-/quit", post(lifecycle::quit).put(lifecycle::quit))
        .merge(prometheus_pages::routes())
        .fallback(ui::serve)
        .method_not_allowed_fallback(method_not_allowed);
    let surface = if prefix.is_empty() {
        surface
    } else {
        // The page itself is served with and without the slash at the end.
        Router::new().route(&format!("{prefix}/"), get(ui::serve)).nest(&prefix, surface)
    };
    surface
        .layer(CompressionLayer::new().gzip(true))
        .layer(from_fn_with_state(state.clone(), guard::guard))
        .with_state(state)
}

async fn method_not_allowed() -> (StatusCode, &'static str) {
    (StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n")
}

async fn metrics(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
    let format = OutputFormat::negotiate(accept, Offer::TextAndOpenMetrics);
    ([(header::CONTENT_TYPE, format.content_type())], own_metrics::write(&state, format)).into_response()
}

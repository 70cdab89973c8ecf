//! The API of Alertmanager, version 2, below `/api/v2` and `/alertmanager/api/v2`. Words, codes and orders are those of Alertmanager.

mod alerts;
mod filter;
mod groups;
mod intake;
mod json_body;
mod order;
mod refusal;
mod silence_body;
mod silences;
mod status;

use axum::Router;
use axum::routing::{get, post};

pub(crate) use json_body::json_body;
pub(crate) use silence_body::{SentMatcher, read_matchers};

use crate::lifecycle;
use crate::state::AppState;

/// All routes below `/api/v2`.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/status", get(status::status))
        .route("/receivers", get(status::receivers))
        .route("/alerts", get(alerts::alerts).post(intake::post_alerts))
        .route("/alerts/groups", get(groups::groups))
        .route("/silences", get(silences::list).post(silences::set))
        .route("/silence/{id}", get(silences::one).delete(silences::expire))
        .fallback(refusal::no_such_path)
        .method_not_allowed_fallback(refusal::no_such_method)
}

/// What else tools ask an Alertmanager for, below `/alertmanager`.
pub(crate) fn lifecycle_routes() -> Router<AppState> {
    Router::new()
        .route("/-/healthy", get(status::healthy))
        .route("/-/ready", get(status::ready))
        .route("/-/reload", post(lifecycle::reload).put(lifecycle::reload))
}

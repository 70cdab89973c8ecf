//! The Prometheus HTTP API below `/api/v1`.

mod active;
mod admin;
mod alerting;
mod cardinality;
mod features;
mod federate;
mod notifying;
mod packs;
mod parse;
pub(crate) mod query;
mod read;
mod routing;
mod rule_listing;
mod series;
mod silence_preview;
mod slos;
mod status;
mod targets;
mod write;

use axum::Router;
use axum::routing::{delete, get, post};

pub(crate) use federate::federate;

use crate::state::AppState;

/// All routes below `/api/v1`.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route("/query_exemplars", get(series::exemplars).post(series::exemplars))
        .route("/series", get(series::series).post(series::series))
        .route("/labels", get(series::label_names).post(series::label_names))
        .route("/label/{name}/values", get(series::label_values))
        .route("/metadata", get(series::metadata))
        .route("/parse_query", get(parse::parse_query).post(parse::parse_query))
        .route("/format_query", get(parse::format_query).post(parse::format_query))
        .route("/explain", get(parse::explain_query).post(parse::explain_query))
        .route("/features", get(features::features))
        .route("/targets", get(targets::targets))
        .route("/targets/metadata", get(targets::metadata))
        .route("/packs", get(packs::packs))
        .route("/packs/{name}/files", get(packs::files))
        .route("/packs/{name}/runbooks", get(packs::runbooks))
        .route("/scrape_pools", get(targets::scrape_pools))
        .route("/status/buildinfo", get(status::build_info))
        .route("/status/runtimeinfo", get(status::runtime_info))
        .route("/status/flags", get(status::flags))
        .route("/status/config", get(status::config))
        .route("/status/storage", get(status::storage))
        .route("/status/tsdb", get(status::tsdb))
        .route("/status/cardinality", get(cardinality::cardinality))
        .route("/status/cardinality/breakdown", get(cardinality::breakdown))
        .route("/status/active_queries", get(active::list))
        .route("/status/active_queries/{id}", delete(active::kill))
        .route("/status/walreplay", get(status::wal_replay))
        .route("/slos", get(slos::slos))
        .route("/slos/{id}", get(slos::one))
        .route("/slos/{id}/budget", get(slos::budget))
        .route("/rules", get(alerting::rules))
        .route("/alerts", get(alerting::alerts))
        .route("/alerts/history", get(alerting::history))
        .route("/alertmanagers", get(alerting::alertmanagers))
        .route("/notifications", get(notifying::notifications))
        .route("/receivers", get(notifying::receivers))
        .route("/receivers/{name}/test", post(notifying::test))
        .route("/silences/preview", post(silence_preview::preview))
        .route("/route", get(routing::route))
        .route("/route/tree", get(routing::tree))
        .route("/read", post(read::read))
        .route("/write", post(write::write))
        .route("/admin/tsdb/compact", post(admin::compact).put(admin::compact))
        .route("/admin/tsdb/delete_series", post(admin::delete_series).put(admin::delete_series))
        .route("/admin/tsdb/snapshot", post(admin::snapshot).put(admin::snapshot))
        .route("/admin/tsdb/clean_tombstones", post(admin::clean_tombstones).put(admin::clean_tombstones))
}

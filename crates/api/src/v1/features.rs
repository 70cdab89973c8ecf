//! `features`: what this server can do, by the names of Prometheus, so that clients need not guess from its version.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use bellwether_promql::syntax::{AggregateOp, BinaryOp, FUNCTIONS};
use bellwether_scrape::config::MECHANISMS;
use serde_json::json;

use crate::envelope;
use crate::state::AppState;

/// Features by category. What is not listed is not known here, which clients take for absent.
pub(crate) async fn features(State(state): State<AppState>) -> Response {
    let mut features: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::new();
    let mut set = |category, name, is_enabled| {
        features.entry(category).or_default().insert(name, is_enabled);
    };
    let settings = &state.settings;
    for (name, is_enabled) in [
        ("admin", settings.admin_api),
        ("label_values_match", true),
        ("lifecycle", settings.lifecycle),
        ("otlp_write_receiver", false),
        ("query_stats", true),
        ("query_warnings", true),
        ("remote_write_receiver", settings.remote_write_receiver),
        ("time_range_labels", true),
        ("time_range_series", true),
    ] {
        set("api", name, is_enabled);
    }
    let parser = &settings.parser;
    for name in
        ["at_modifier", "bool", "by", "group_left", "group_right", "ignoring", "negative_offset", "offset"]
    {
        set("promql", name, true);
    }
    for (name, is_enabled) in [
        ("anchored", parser.extended_range_selectors),
        ("duration_expr", parser.duration_expressions),
        ("fill", parser.fill_modifiers),
        ("fill_left", parser.fill_modifiers),
        ("fill_right", parser.fill_modifiers),
        ("on", true),
        ("per_query_lookback_delta", true),
        ("smoothed", parser.extended_range_selectors),
        ("subqueries", true),
        ("without", true),
    ] {
        set("promql", name, is_enabled);
    }
    for function in FUNCTIONS {
        set("promql_functions", function.name, !function.experimental || parser.experimental_functions);
    }
    for name in ["@", "=~", "!~"].into_iter().chain(BinaryOp::ALL.iter().map(|op| op.as_str())) {
        set("promql_operators", name, true);
    }
    for op in AggregateOp::ALL {
        set("promql_operators", op.as_str(), !op.is_experimental() || parser.experimental_functions);
    }
    for section in MECHANISMS {
        let name = section.trim_end_matches("_configs").trim_end_matches("_sd");
        set("service_discovery_providers", name, true);
    }
    for (category, name, is_enabled) in &settings.features {
        set(category, name, *is_enabled);
    }
    envelope::success(&json!(features))
}

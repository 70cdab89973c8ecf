//! `targets`, `targets/metadata` and `scrape_pools`.

use axum::extract::State;
use axum::response::Response;
use bellwether_model::Labels;
use bellwether_packs::live::LiveCheck;
use bellwether_promql::syntax::parse_metric_selector;
use bellwether_scrape::{TargetMetadataQuery, TargetView};
use serde_json::{Map, Value, json};

use crate::envelope;
use crate::error::ApiError;
use crate::params::{Params, format_time_ms};
use crate::state::AppState;
use crate::v1::packs;

pub(crate) async fn targets(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let wanted = params.get("state").unwrap_or("any").to_lowercase();
    let pool = params.get("scrapePool").map(str::to_owned);
    let view = state.scrape.targets();
    let in_pool = |name: &str| pool.as_deref().is_none_or(|p| p == name);
    // Any other state selects nothing, as in Prometheus.
    let with_active = matches!(wanted.as_str(), "any" | "active");
    let with_dropped = matches!(wanted.as_str(), "any" | "dropped");
    let active: Vec<Value> = view
        .active
        .iter()
        .filter(|t| with_active && in_pool(&t.scrape_pool))
        .map(|t| active_target(t, &state.packs))
        .collect();
    let dropped: Vec<Value> = view
        .dropped
        .iter()
        .filter(|t| with_dropped && in_pool(&t.scrape_pool))
        .map(|t| json!({"discoveredLabels": object(&t.discovered_labels), "scrapePool": t.scrape_pool}))
        .collect();
    let invalid: Vec<Value> = view
        .invalid
        .iter()
        .filter(|t| in_pool(&t.scrape_pool))
        .map(|t| json!({"scrapePool": t.scrape_pool, "place": t.place, "error": t.error}))
        .collect();
    Ok(envelope::success(&json!({
        "activeTargets": active,
        "droppedTargets": dropped,
        "droppedTargetCounts": view.dropped_counts,
        "invalidTargets": invalid,
    })))
}

fn active_target(t: &TargetView, packs: &LiveCheck) -> Value {
    let (line, column) = t.last_error_place.unzip();
    json!({
        "discoveredLabels": object(&t.discovered_labels),
        "labels": object(&t.labels),
        "scrapePool": t.scrape_pool,
        "scrapeUrl": t.scrape_url,
        "globalUrl": t.global_url,
        "lastError": t.last_error,
        "lastErrorLine": line,
        "lastErrorColumn": column,
        // Go's zero time, which clients take for "never".
        "lastScrape": t.last_scrape_ms.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), format_time_ms),
        "lastScrapeDuration": t.last_scrape_duration.as_secs_f64(),
        "health": t.health.as_str(),
        "scrapeInterval": go_duration(t.scrape_interval),
        "scrapeTimeout": go_duration(t.scrape_timeout),
        "lastScrapeSamples": t.samples_scraped,
        "nextScrape": t.next_scrape_ms.map(format_time_ms),
        "missedScrapes": t.missed_scrapes,
        // Not part of the API of Prometheus: null before the first check.
        "packs": packs.verdict(&t.scrape_pool, &t.scrape_url).as_deref().map(packs::summary),
    })
}

fn go_duration(d: std::time::Duration) -> String {
    bellwether_model::format_duration_ms(d.as_millis() as i64)
}

fn object(labels: &Labels) -> Value {
    let labels: Map<String, Value> = labels.iter().map(|l| (l.name.to_owned(), l.value.into())).collect();
    Value::Object(labels)
}

pub(crate) async fn metadata(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let matchers = match params.get("match_target") {
        None => Vec::new(),
        Some(text) => parse_metric_selector(text, &state.settings.parser)
            .map_err(|e| ApiError::bad_parameter("match_target", e))?,
    };
    let metric = params.get("metric").map(str::to_owned);
    let limit = params.metadata_limit("limit")?;
    let query = TargetMetadataQuery { matchers: &matchers, metric: metric.as_deref(), limit };
    let data: Vec<Value> = state
        .scrape
        .target_metadata(&query)
        .iter()
        .map(|m| {
            let mut entry = json!({
                "target": object(&m.target),
                "type": m.metadata.metric_type.as_str(),
                "help": m.metadata.help,
                "unit": m.metadata.unit,
            });
            // The name is repeated only where the request did not give it, as in Prometheus.
            if metric.is_none() {
                entry["metric"] = m.metric.as_str().into();
            }
            entry
        })
        .collect();
    Ok(envelope::success(&Value::from(data)))
}

pub(crate) async fn scrape_pools(State(state): State<AppState>) -> Response {
    envelope::success(&json!({"scrapePools": state.scrape.scrape_pools()}))
}

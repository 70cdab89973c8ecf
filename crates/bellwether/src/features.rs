//! `--enable-feature`: what can be switched on, by the names of Prometheus.

use bellwether_promql::engine::EngineOptions;
use bellwether_promql::syntax::ParserOptions;
use bellwether_scrape::ScrapeOptions;

/// Features of Prometheus that are always on here, or that this version has no use for.
const WITHOUT_EFFECT: [&str; 14] = [
    "auto-gomaxprocs",
    "auto-gomemlimit",
    "concurrent-rule-eval",
    "exemplar-storage",
    "memory-snapshot-on-shutdown",
    "metadata-wal-records",
    "native-histograms",
    "new-service-discovery-manager",
    "no-default-scrape-port",
    "promql-at-modifier",
    "promql-duration-expr",
    "promql-negative-offset",
    "remote-write-receiver",
    "xor2-encoding",
];

/// What the features ask of the engine and of scraping. An unknown one is a warning, as in Prometheus.
pub(crate) fn apply(features: &[String], engine: &mut EngineOptions, scrape: &mut ScrapeOptions) {
    for feature in features.iter().map(|f| f.trim()).filter(|f| !f.is_empty()) {
        match feature {
            "promql-delayed-name-removal" => engine.delayed_name_removal = true,
            "promql-per-step-stats" => engine.per_step_stats = true,
            "use-start-timestamps" => engine.use_start_timestamps = true,
            "created-timestamp-zero-ingestion" | "st-storage" => scrape.start_timestamps = true,
            "type-and-unit-labels" => {
                engine.type_and_unit_labels = true;
                scrape.type_and_unit_labels = true;
            }
            "extra-scrape-metrics" => scrape.extra_scrape_metrics = true,
            known if apply_to_language(known, &mut engine.parser) || WITHOUT_EFFECT.contains(&known) => {}
            unknown => tracing::warn!(feature = unknown, "unknown feature; it has no effect"),
        }
    }
}

/// Which parts of the query language the features switch on.
pub(crate) fn language(features: &[String]) -> ParserOptions {
    let mut parser = ParserOptions::default();
    for feature in features {
        apply_to_language(feature.trim(), &mut parser);
    }
    parser
}

/// Whether the feature is about the query language.
fn apply_to_language(feature: &str, parser: &mut ParserOptions) -> bool {
    match feature {
        "promql-experimental-functions" => parser.experimental_functions = true,
        "promql-extended-range-selectors" => parser.extended_range_selectors = true,
        "promql-binop-fill-modifiers" => parser.fill_modifiers = true,
        _ => return false,
    }
    true
}

/// What of that is on, by category and name, as `/api/v1/features` of Prometheus lists it.
pub(crate) fn listed(
    engine: &EngineOptions,
    scrape: &ScrapeOptions,
) -> Vec<(&'static str, &'static str, bool)> {
    vec![
        ("prometheus", "agent_mode", false),
        ("prometheus", "auto_reload_config", false),
        ("prometheus", "server_mode", true),
        ("promql", "delayed_name_removal", engine.delayed_name_removal),
        ("promql", "per_step_stats", engine.per_step_stats),
        ("promql", "type_and_unit_labels", engine.type_and_unit_labels),
        ("scrape", "extra_scrape_metrics", scrape.extra_scrape_metrics),
        ("scrape", "start_timestamp_zero_ingestion", scrape.start_timestamps),
        ("scrape", "type_and_unit_labels", scrape.type_and_unit_labels),
        ("tsdb", "exemplar_storage", true),
        ("tsdb", "isolation", true),
        ("tsdb", "native_histograms", true),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_reach_their_rooms() {
        let (mut engine, mut scrape) = (EngineOptions::default(), ScrapeOptions::default());
        apply(&["type-and-unit-labels".into(), " ".into(), "nonsense".into()], &mut engine, &mut scrape);
        assert!(engine.type_and_unit_labels && scrape.type_and_unit_labels);
        assert!(!engine.parser.experimental_functions);
        apply(&["promql-experimental-functions".into()], &mut engine, &mut scrape);
        assert!(engine.parser.experimental_functions);
    }
}

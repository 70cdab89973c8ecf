//! How fast queries are evaluated over samples in memory: the engine without a store's index and codecs.
//!
//! `cargo bench -p bellwether-promql --bench engine`. Items per second are samples that the windows of all steps hold together for range functions, and
//! cells (series times steps) for everything else. `instant` looks at five minutes once, `range` at an hour in 60 steps.

use std::sync::{Arc, OnceLock};

use bellwether_model::{AppendBatch, AppendEntry, Appender, Labels, QueryContext, Tenant};
use bellwether_promql::engine::{
    Engine, EngineOptions, InstantQuery, QueryEngine, QueryOutput, QuerySettings, RangeQuery,
};
use bellwether_promql::testkit::MemoryStore;
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

const SERIES: i64 = 2_000;
const INTERVAL_MS: i64 = 15_000;
const SAMPLES: i64 = 260;
const END_MS: i64 = SAMPLES * INTERVAL_MS;
const STEP_MS: i64 = 60_000;
const STEPS: i64 = 60;

/// Functions of a window of five minutes.
const WINDOWS: [(&str, &str); 5] = [
    ("rate", "rate(requests_total[5m])"),
    ("sum_over_time", "sum_over_time(requests_total[5m])"),
    ("max_over_time", "max_over_time(requests_total[5m])"),
    ("quantile_over_time", "quantile_over_time(0.9, requests_total[5m])"),
    ("deriv", "deriv(requests_total[5m])"),
];

/// What works on the cells of instant vectors.
const CELLS: [(&str, &str); 7] = [
    ("selector", "requests_total"),
    ("sum_by", "sum by (service) (requests_total)"),
    ("avg_without", "avg without (instance) (requests_total)"),
    ("topk", "topk(10, requests_total)"),
    ("quantile", "quantile by (service) (0.9, requests_total)"),
    ("one_to_one", "requests_total - on (service, instance) requests_total"),
    ("many_to_one", "requests_total / on (service) group_left sum by (service) (requests_total)"),
];

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let store = MemoryStore::new();
        for sample in 1..=SAMPLES {
            let samples = (0..SERIES).map(|series| AppendEntry {
                hint: None,
                labels: Labels::from_pairs([
                    ("__name__", "requests_total".to_owned()),
                    ("instance", format!("{series}")),
                    ("job", "api".to_owned()),
                    ("service", format!("service-{}", series % 20)),
                ]),
                ts_ms: sample * INTERVAL_MS,
                start_ts_ms: 0,
                value: ((sample * (series % 7 + 1)) as f64).into(),
            });
            let batch = AppendBatch { samples: samples.collect(), ..AppendBatch::default() };
            store.append(&Tenant::default(), &batch).expect("memory takes everything");
        }
        Engine::new(EngineOptions::default(), Arc::new(store))
    })
}

fn text(queries: &[(&str, &str)], name: &str) -> String {
    queries.iter().find(|(n, _)| *n == name).map(|(_, query)| (*query).to_owned()).unwrap_or_default()
}

fn instant(query: String) -> QueryOutput {
    let query = InstantQuery { query, ts_ms: END_MS, settings: QuerySettings::default() };
    engine().instant(&Tenant::default(), &query, &QueryContext::unbounded()).expect("evaluates")
}

fn range(query: String) -> QueryOutput {
    let start_ms = END_MS - (STEPS - 1) * STEP_MS;
    let query =
        RangeQuery { query, start_ms, end_ms: END_MS, step_ms: STEP_MS, settings: QuerySettings::default() };
    engine().range(&Tenant::default(), &query, &QueryContext::unbounded()).expect("evaluates")
}

#[divan::bench(args = WINDOWS.map(|(name, _)| name))]
fn windows_instant(bencher: Bencher<'_, '_>, name: &str) {
    let looked_at = instant(text(&WINDOWS, name)).stats.total_samples;
    bencher.counter(ItemsCount::new(looked_at)).bench(|| instant(text(&WINDOWS, name)));
}

#[divan::bench(args = WINDOWS.map(|(name, _)| name))]
fn windows_range(bencher: Bencher<'_, '_>, name: &str) {
    let looked_at = range(text(&WINDOWS, name)).stats.total_samples;
    bencher.counter(ItemsCount::new(looked_at)).bench(|| range(text(&WINDOWS, name)));
}

#[divan::bench(args = CELLS.map(|(name, _)| name))]
fn cells_instant(bencher: Bencher<'_, '_>, name: &str) {
    bencher.counter(ItemsCount::new(SERIES as usize)).bench(|| instant(text(&CELLS, name)));
}

#[divan::bench(args = CELLS.map(|(name, _)| name))]
fn cells_range(bencher: Bencher<'_, '_>, name: &str) {
    bencher.counter(ItemsCount::new((SERIES * STEPS) as usize)).bench(|| range(text(&CELLS, name)));
}

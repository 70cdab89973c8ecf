//! Rows of floats are worked on as a whole. A histogram somewhere among the rows makes operators look at each sample by itself; the results of all other
//! series must not change by that.

use std::sync::Arc;

use bellwether_model::{
    AppendBatch, AppendEntry, Appender, FloatHistogram, Labels, Tenant, Value, stale_nan,
};
use proptest::prelude::*;

use super::{Points, options, points, range};
use crate::engine::{Engine, QueryError};
use crate::testkit::MemoryStore;

const STEP_MS: i64 = 15_000;
const STEPS: usize = 70;

/// `a` and `c` have the labels `g` and `i`, `b` has `g`.
const QUERIES: [&str; 38] = [
    "-a",
    "abs(a)",
    "clamp(a, scalar(b{g=\"1\"}), 3)",
    "a + 1",
    "2 - a",
    "a % 2",
    "a > 1",
    "1 >= a",
    "a != bool 1",
    "a == bool scalar(b{g=\"1\"})",
    "a + on (g, i) c",
    "a / ignoring (x) c",
    "a > on (g, i) c",
    "c <= bool on (g, i) a",
    "a - on (g) b",
    "a - on (g) group_left b",
    "a < on (g) group_left b",
    "b > on (g) group_right a",
    "b ^ on (g) group_right a",
    "a * on (g) group_left (y) b",
    "{__name__=~\"a|c\"} * on (g) group_left b",
    "{__name__=~\"a|c\"} > on (g) group_left b",
    "a and on (g) b",
    "a and c",
    "a or on (g) b",
    "b or on (g) a",
    "a or c",
    "a unless on (g) b",
    "a unless on (g, i) c",
    "sum by (g) (a)",
    "avg by (g) (a)",
    "min by (g) (a)",
    "max by (g, i) (a)",
    "count by (g) (a)",
    "group by (g) (a)",
    "stddev by (g) (a)",
    "stdvar by (g, i) (a)",
    "quantile by (g) (0.3, a)",
];

/// The samples of a series, one per step; where there is none, the series has ended.
type Samples = Vec<Option<f64>>;

fn labels(metric: &str, g: &str, i: &str) -> Labels {
    Labels::from_pairs([("__name__", metric), ("g", g), ("i", i)])
}

fn entry(labels: &Labels, step: usize, value: Value) -> AppendEntry {
    AppendEntry { hint: None, labels: labels.clone(), ts_ms: step as i64 * STEP_MS, start_ts_ms: 0, value }
}

fn engine(series: &[(Labels, Samples)], with_histograms: bool, delayed_name_removal: bool) -> Engine {
    let store = MemoryStore::new();
    let mut samples = Vec::new();
    for (labels, values) in series {
        let value = |v: &Option<f64>| Value::Float(v.unwrap_or_else(stale_nan));
        samples.extend(values.iter().enumerate().map(|(step, v)| entry(labels, step, value(v))));
    }
    if with_histograms {
        for metric in ["a", "b", "c"] {
            let histogram = Value::Histogram(Arc::<FloatHistogram>::default());
            samples.push(entry(&labels(metric, "histogram", ""), 3, histogram));
        }
    }
    let batch = AppendBatch { samples, ..AppendBatch::default() };
    let report = store.append(&Tenant::default(), &batch).expect("memory takes everything");
    assert_eq!(report.stored(), batch.samples.len());
    let options = crate::engine::EngineOptions { delayed_name_removal, ..options() };
    Engine::new(options, Arc::new(store))
}

fn evaluate(engine: &Engine, query: &str) -> Result<Points, QueryError> {
    let output = range(engine, query, 0, (STEPS as i64 - 1) * STEP_MS, STEP_MS)?;
    let mut points = points(output.value);
    points.retain(|(_, labels), _| labels.get("g") != Some("histogram"));
    Ok(points)
}

fn sample() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        6 => (-2_i32..4).prop_map(|v| Some(f64::from(v))),
        2 => (-1e3..1e3_f64).prop_map(Some),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e308, 1e-300]).prop_map(Some),
        1 => Just(None),
    ]
}

/// Series with gaps, and some without.
fn samples() -> impl Strategy<Value = Samples> {
    prop_oneof![
        prop::collection::vec(sample(), STEPS),
        prop::collection::vec((-1e3..1e3_f64).prop_map(Some), STEPS),
        (prop::collection::vec(sample(), STEPS), 0..STEPS).prop_map(|(mut samples, from)| {
            samples[from..].fill(None);
            samples
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn rows_yield_what_samples_do(
        of_a in prop::collection::vec(samples(), 5),
        of_b in prop::collection::vec(samples(), 3),
        of_c in prop::collection::vec(samples(), 5),
        delayed_name_removal in any::<bool>(),
    ) {
        let mut series = Vec::new();
        for (metric, rows) in [("a", of_a), ("c", of_c)] {
            for (idx, row) in rows.into_iter().enumerate() {
                series.push((labels(metric, ["1", "2", "3"][idx % 3], ["1", "2"][idx / 3]), row));
            }
        }
        // Two of the same group, so that there are duplicates unless they take turns.
        for (row, (g, i)) in of_b.into_iter().zip([("1", ""), ("2", ""), ("2", "9")]) {
            series.push((labels("b", g, i), row));
        }
        let rows = engine(&series, false, delayed_name_removal);
        let samples = engine(&series, true, delayed_name_removal);
        for query in QUERIES {
            match (evaluate(&rows, query), evaluate(&samples, query)) {
                (Ok(rows), Ok(samples)) => prop_assert_eq!(rows, samples, "{}", query),
                (rows, samples) => {
                    let message = |result: Result<Points, QueryError>| result.map_err(|e| e.to_string()).err();
                    prop_assert_eq!(message(rows), message(samples), "{}", query);
                }
            }
        }
    }
}

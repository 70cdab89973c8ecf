//! The engine as a whole, over the store in memory.

mod agreement;
mod limits;
mod whole_rows;

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Labels, QueryContext, Tenant, Value};

use super::{
    Engine, EngineOptions, InstantQuery, QueryEngine, QueryError, QueryOutput, QuerySettings, QueryValue,
    RangeQuery,
};
use crate::syntax::ParserOptions;
use crate::testkit::{MemoryStore, ScriptOptions, run_script};

const MINUTE_MS: i64 = 60_000;

/// Everything of the language is switched on, nothing else is.
fn options() -> EngineOptions {
    EngineOptions { parser: ParserOptions::all_enabled(), ..EngineOptions::default() }
}

/// A store with what a `load` block says.
fn store(load: &str) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    let report = run_script("load", load, &ScriptOptions::default(), &|| Arc::clone(&store) as Arc<_>);
    assert!(report.error.is_none(), "{:?}", report.error);
    store
}

fn engine(options: EngineOptions, load: &str) -> Engine {
    Engine::new(options, store(load))
}

fn instant(engine: &Engine, query: &str, ts_ms: i64) -> Result<QueryOutput, QueryError> {
    let query = InstantQuery { query: query.to_owned(), ts_ms, settings: QuerySettings::default() };
    engine.instant(&Tenant::default(), &query, &QueryContext::unbounded())
}

fn range(
    engine: &Engine,
    query: &str,
    start_ms: i64,
    end_ms: i64,
    step_ms: i64,
) -> Result<QueryOutput, QueryError> {
    let settings = QuerySettings::default();
    let query = RangeQuery { query: query.to_owned(), start_ms, end_ms, step_ms, settings };
    engine.range(&Tenant::default(), &query, &QueryContext::unbounded())
}

/// The samples of a result by time and labels, in a form in which equal ones are equal.
type Points = BTreeMap<(i64, Labels), String>;

fn written(value: &Value) -> String {
    match value {
        Value::Float(v) if v.is_nan() => "NaN".to_owned(),
        Value::Float(v) => format!("{v:?}"),
        Value::Histogram(h) => h.test_expression(),
    }
}

fn points(value: QueryValue) -> Points {
    match value {
        QueryValue::Scalar { ts_ms, value } => {
            Points::from([((ts_ms, Labels::empty()), written(&Value::Float(value)))])
        }
        QueryValue::String { .. } => Points::new(),
        QueryValue::Vector(samples) => {
            samples.into_iter().map(|s| ((s.ts_ms, s.labels), written(&s.value))).collect()
        }
        QueryValue::Matrix(series) => {
            let mut all = Points::new();
            for series in series {
                for (ts_ms, v) in series.floats {
                    all.insert((ts_ms, series.labels.clone()), written(&Value::Float(v)));
                }
                for (ts_ms, h) in series.histograms {
                    all.insert((ts_ms, series.labels.clone()), written(&Value::Histogram(h)));
                }
            }
            all
        }
    }
}

#[test]
fn a_range_query_of_one_time_is_a_matrix() {
    let engine = engine(options(), "load 1m\n  a{x=\"1\"} 1 2 3\n  a{x=\"2\"} 5 4 3");
    let at = |ts_ms: i64, query: &str| match range(&engine, query, ts_ms, ts_ms, 15_000).expect("works").value
    {
        QueryValue::Matrix(series) => series.into_iter().map(|s| s.floats).collect::<Vec<_>>(),
        other => panic!("{query}: {other:?}"),
    };
    let floats = |values: &[f64]| values.iter().map(|v| vec![(MINUTE_MS, *v)]).collect::<Vec<_>>();
    assert_eq!(at(MINUTE_MS, "a"), floats(&[2.0, 4.0]));
    assert_eq!(at(MINUTE_MS, "sort_desc(a)"), floats(&[2.0, 4.0]));
    assert_eq!(at(MINUTE_MS, "7"), floats(&[7.0]));
    assert_eq!(at(MINUTE_MS, "none"), floats(&[]));
    // The step is the one that was asked for.
    assert_eq!(at(2 * MINUTE_MS, "count_over_time(a{x=\"1\"}[step() * 8])"), [[(2 * MINUTE_MS, 2.0)]]);
}

use proptest::prelude::*;

use super::{MINUTE_MS, Points, engine, instant, options, points, range};
use crate::conformance::{ByteChoices, QueryGenerator, Vocabulary};
use crate::engine::{Engine, EngineOptions, QueryError};
use crate::syntax::{AggregateOp, Expr, ValueType};
use crate::testkit::asks_for_query_times;

const DATA: &str = r#"
load 1m
  a{job="x",instance="1"} 0+7x20 3 stale _x3 1+0.1x40
  a{job="x",instance="2"} 100-3x60
  a{job="y",instance="1"} _x10 NaN Inf -Inf 1x20 {{schema:0 count:5 sum:9 buckets:[1 3 1]}}x9
  b_total{job="x",instance="1"} 0+60x15 0+30x15 0+1x30
  b_total{job="x",instance="2"} 5x30 6x30
  b_total{job="y",instance="1"} _x20 0+10x40
  h{job="x",instance="1"} {{schema:1 count:4 sum:5 buckets:[1 2 1]}}+{{schema:1 count:4 sum:5 buckets:[1 2 1]}}x60
  h{job="x",instance="2"} {{schema:0 count:4 sum:5 z_bucket:1 buckets:[1 2] n_buckets:[1]}}x30 {{schema:-53 count:3 sum:4 custom_values:[1 2] buckets:[1 1 1]}}x30
  c_bucket{job="x",instance="1",le="1"} 0+1x60
  c_bucket{job="x",instance="1",le="2"} 0+2x60
  c_bucket{job="x",instance="1",le="+Inf"} 0+3x60
  target_info{job="x",instance="1",data="one"} 1x60
  target_info{job="x",instance="2",data="two"} 1x30
"#;

/// Small limits, so that no generated query takes long.
fn agreement_engine(delayed_name_removal: bool) -> Engine {
    engine(EngineOptions { max_samples: 3000, delayed_name_removal, ..options() }, DATA)
}

fn vocabulary() -> Vocabulary {
    let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    Vocabulary {
        metrics: owned(&["a", "b_total", "h", "c_bucket", "a", "b_total", "h", "target_info", "none"]),
        labels: owned(&["job", "instance", "le"]),
        values: owned(&["x", ".*", ".+", "1", "2", "x|y", "+Inf", ""]),
    }
}

/// Limits count what a whole query holds, so a range query may meet them where its instant queries do not.
fn is_limit(error: &QueryError) -> bool {
    matches!(error, QueryError::TooManySamples { .. })
}

fn check_agreement(engine: &Engine, query: &str, start_ms: i64, step_ms: i64) -> Result<(), TestCaseError> {
    let times = (0..8).map(|step| start_ms + step * step_ms);
    let whole = range(engine, query, start_ms, start_ms + 7 * step_ms, step_ms);
    let mut one_by_one = Points::new();
    let mut failed = None;
    for ts_ms in times {
        match instant(engine, query, ts_ms) {
            Ok(output) => one_by_one.extend(points(output.value)),
            Err(error) => failed = Some(error),
        }
    }
    match (whole, failed) {
        (Err(error), _) if is_limit(&error) => {}
        (_, Some(error)) if is_limit(&error) => {}
        // In a range query, series whose samples are at different times meet, too.
        (Err(error), None) => {
            prop_assert!(error.to_string().contains("same labelset"), "{query}: only as a whole: {error}");
        }
        (Err(_), Some(_)) => {}
        (Ok(_), Some(error)) => prop_assert!(false, "{query}: only one by one: {error}"),
        (Ok(output), None) => prop_assert_eq!(points(output.value), one_by_one, "{}", query),
    }
    Ok(())
}

/// Whether the result depends on the order of series that have no order: which of equal samples `topk` takes, say.
fn depends_on_order(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr, _| {
        if let Expr::Aggregate(aggregate) = expr {
            let chooses =
                matches!(aggregate.op, AggregateOp::TopK | AggregateOp::BottomK | AggregateOp::LimitK);
            found |= chooses && !matches!(aggregate.expr, Expr::Vector(_));
        }
    });
    found
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_range_query_is_many_instant_queries(
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        start_min in 0_i64..40,
        step_ms in prop::sample::select(vec![1, 15_000, MINUTE_MS, 7 * MINUTE_MS]),
        delayed_name_removal in any::<bool>(),
    ) {
        let mut choices = ByteChoices::new(&bytes);
        let vocabulary = vocabulary();
        let expr = QueryGenerator::new(&mut choices, &vocabulary).expression(ValueType::Vector, 3);
        if asks_for_query_times(&expr) || depends_on_order(&expr) {
            return Ok(());
        }
        let engine = agreement_engine(delayed_name_removal);
        check_agreement(&engine, &expr.to_string(), start_min * MINUTE_MS, step_ms)?;
    }
}

//! Correct queries made from any bytes are evaluated or refused within their limits, alike on one thread and on many.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bellwether_model::{QueryContext, Tenant};
use bellwether_promql::conformance::{ByteChoices, QueryGenerator, Vocabulary};
use bellwether_promql::engine::{Engine, EngineOptions, QueryEngine, QuerySettings, RangeQuery};
use bellwether_promql::syntax::{ParserOptions, ValueType};
use bellwether_promql::testkit::{MemoryStore, ScriptOptions, run_script};
use libfuzzer_sys::fuzz_target;

const DATA: &str = r#"
load 1m
  a{job="x",instance="1"} 0+7x20 3 stale _x3 1+0.1x40
  a{job="x",instance="2"} 100-3x60
  a{job="y",instance="1"} _x10 NaN Inf -Inf 1x20 {{schema:0 count:5 sum:9 buckets:[1 3 1]}}x9
  b_total{job="x",instance="1"} 0+60x15 0+30x15 0+1x30
  b_total{job="x",instance="2"} 5x30 6x30
  h{job="x",instance="1"} {{schema:1 count:4 sum:5 buckets:[1 2 1]}}+{{schema:1 count:4 sum:5 buckets:[1 2 1]}}x60
  h{job="x",instance="2"} {{schema:0 count:4 sum:5 z_bucket:1 buckets:[1 2] n_buckets:[1]}}x30 {{schema:-53 count:3 sum:4 custom_values:[1 2] buckets:[1 1 1]}}x30
  c_bucket{job="x",instance="1",le="1"} 0+1x60
  c_bucket{job="x",instance="1",le="2"} 0+2x60
  c_bucket{job="x",instance="1",le="+Inf"} 0+3x60
  target_info{job="x",instance="1",data="one"} 1x60
"#;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let store = Arc::new(MemoryStore::new());
    let report = run_script("load", DATA, &ScriptOptions::default(), &|| Arc::clone(&store) as Arc<_>);
    assert!(report.error.is_none(), "{:?}", report.error);
    let parser = ParserOptions::all_enabled();
    Engine::new(EngineOptions { parser, max_samples: 20_000, ..EngineOptions::default() }, store)
});

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    Vocabulary {
        metrics: owned(&["a", "b_total", "h", "c_bucket", "target_info", "none"]),
        labels: owned(&["job", "instance", "le"]),
        values: owned(&["x", ".*", ".+", "1", "x|y", "+Inf", ""]),
    }
});

fuzz_target!(|bytes: &[u8]| {
    let (head, rest) = bytes.split_at(bytes.len().min(2));
    let start_ms = i64::from(head.first().copied().unwrap_or(0)) * 30_000;
    let step_ms = [1, 15_000, 60_000, 420_000][usize::from(head.get(1).copied().unwrap_or(0) % 4)];
    let mut choices = ByteChoices::new(rest);
    let expr = QueryGenerator::new(&mut choices, &VOCABULARY).expression(ValueType::Vector, 5);
    let query = RangeQuery {
        query: expr.to_string(),
        start_ms,
        end_ms: start_ms + 9 * step_ms,
        step_ms,
        settings: QuerySettings::default(),
    };
    let context = QueryContext::new(Some(Duration::from_secs(20)), 256 << 20);
    let _ = ENGINE.range(&Tenant::default(), &query, &context);
});

use std::sync::Arc;

use bellwether_lint::{AskError, Finding, LiveOptions, Options, RuleSource, Server, lint_live};
use bellwether_model::{AppendBatch, AppendEntry, Appender as _, QueryContext, Tenant, Value};
use bellwether_promql::engine::{
    Engine, EngineOptions, InstantQuery, QueryEngine as _, QuerySettings, QueryValue, RangeQuery,
};
use bellwether_promql::syntax::{SequenceValue, parse_series};
use bellwether_promql::testkit::MemoryStore;
use serde_json::json;

use crate::in_a_group;

/// The time that the samples end at.
const NOW_MS: i64 = 1_800_000_000_000;

/// Answers as a server does, over series with a sample each minute up to now.
pub(crate) struct MemoryServer {
    engine: Engine,
}

impl MemoryServer {
    /// Over series in the notation of test scripts, one a line.
    pub(crate) fn new(series: &str) -> Self {
        let store = Arc::new(MemoryStore::new());
        let mut batch = AppendBatch::default();
        for line in series.lines() {
            let parsed = parse_series(line).unwrap_or_else(|e| panic!("{line}: {e}"));
            let start_ms = NOW_MS - 60_000 * (parsed.values.len() as i64 - 1);
            for (idx, value) in parsed.values.iter().enumerate() {
                let SequenceValue::Float(value) = value else { continue };
                let ts_ms = start_ms + 60_000 * idx as i64;
                let (labels, value) = (parsed.labels.clone(), Value::Float(*value));
                batch.samples.push(AppendEntry { hint: None, labels, ts_ms, start_ts_ms: 0, value });
            }
        }
        store.append(&Tenant::default(), &batch).expect("stored");
        Self { engine: Engine::new(EngineOptions::default(), store) }
    }

    /// The findings about a list of rules.
    pub(crate) fn findings(&self, rules: &str, options: &Options) -> Vec<Finding> {
        let source = RuleSource::parse("rules.yml", in_a_group(rules).as_bytes());
        let source = source.unwrap_or_else(|findings| panic!("{findings:#?}"));
        let options = Options { now_ms: NOW_MS, ..options.clone() };
        let live = LiveOptions { max_samples: 1_000, ..LiveOptions::default() };
        lint_live(&[source], &options, self, &live).unwrap_or_else(|e| panic!("{e}"))
    }
}

impl Server for MemoryServer {
    fn ask(&self, path: &str, params: &[(&'static str, String)]) -> Result<serde_json::Value, AskError> {
        let text = |name: &str| params.iter().find(|(param, _)| *param == name).map(|(_, text)| text.clone());
        let ms =
            |name: &str| text(name).and_then(|text| text.parse::<f64>().ok()).map(|s| (s * 1000.0) as i64);
        let refused = |error: &dyn std::fmt::Display| AskError::Refused(error.to_string());
        let (query, settings) = (text("query").unwrap_or_default(), QuerySettings::default());
        let (tenant, cx) = (Tenant::default(), QueryContext::unbounded());
        let output = match path {
            "query" => {
                let request = InstantQuery { query, ts_ms: ms("time").expect("a time"), settings };
                self.engine.instant(&tenant, &request, &cx)
            }
            "query_range" => {
                let [start_ms, end_ms, step_ms] =
                    ["start", "end", "step"].map(|name| ms(name).expect("a time"));
                self.engine.range(&tenant, &RangeQuery { query, start_ms, end_ms, step_ms, settings }, &cx)
            }
            _ => return Err(refused(&"unknown path")),
        };
        let output = output.map_err(|error| refused(&error))?;
        let result: Vec<serde_json::Value> = match output.value {
            QueryValue::Vector(samples) => {
                samples.iter().map(|s| json!({ "metric": s.labels.to_string() })).collect()
            }
            QueryValue::Matrix(series) => {
                let points = |times: &[(i64, f64)]| -> Vec<serde_json::Value> {
                    times.iter().map(|(ts_ms, v)| json!([*ts_ms as f64 / 1000.0, v.to_string()])).collect()
                };
                series.iter().map(|one| json!({ "values": points(&one.floats) })).collect()
            }
            _ => Vec::new(),
        };
        let samples = output.stats.total_samples;
        Ok(
            json!({ "result": result, "stats": { "samples": { "totalQueryableSamples": samples }, "timings": { "execTotalTime": 0.0 } } }),
        )
    }

    fn follow(&self, url: &str) -> Result<(), String> {
        if url == "https://wiki.example/down" { Ok(()) } else { Err("HTTP status 404".to_owned()) }
    }
}

use std::cell::RefCell;
use std::collections::BTreeMap;

use bellwether_model::{MetricType, parse_duration_ms};
use bellwether_yaml::{Dialect, Document, Node};
use serde_json::Value;

use super::{LiveError, LiveOptions};
use crate::options::Options;
use crate::source::field;

/// A server with Prometheus' HTTP API.
pub trait Server {
    /// The `data` of the answer to a question, such as `query` with its parameters.
    fn ask(&self, path: &str, params: &[(&'static str, String)]) -> Result<Value, AskError>;

    /// Whether there is a page at a URL; else what is wrong.
    fn follow(&self, url: &str) -> Result<(), String>;
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskError {
    /// The server does not answer, or not in this way.
    Unreachable(String),
    /// It does not answer this question.
    Refused(String),
}

/// Most points of a range that are asked for; a server has 11,000 at the most.
const MAX_POINTS: i64 = 2_100;
/// Least distance of two points, in milliseconds: that of a usual evaluation.
const MIN_STEP_MS: i64 = 60_000;

/// What a server knows of the past, each question asked once.
pub(super) struct History<'s> {
    pub(super) server: &'s dyn Server,
    pub(super) options: &'s LiveOptions,
    pub(super) now_ms: i64,
    pub(super) step_ms: i64,
    seen: RefCell<BTreeMap<String, Presence>>,
}

/// When something had a result, in milliseconds since the Unix epoch, in order.
pub(super) type Presence = Vec<i64>;

impl<'s> History<'s> {
    pub(super) fn new(server: &'s dyn Server, now_ms: i64, options: &'s LiveOptions) -> Self {
        let step_ms = (options.lookback_ms / MAX_POINTS).max(MIN_STEP_MS);
        Self { server, options, now_ms, step_ms, seen: RefCell::default() }
    }

    /// When the expression had a result in the time that is looked at. A question that the server refuses counts as one with results.
    pub(super) fn presence(&self, expr: &str) -> Result<Presence, LiveError> {
        if let Some(known) = self.seen.borrow().get(expr) {
            return Ok(known.clone());
        }
        let presence = match self.range(&format!("count({expr})"))? {
            Some(series) => series.into_iter().flatten().collect(),
            None => vec![self.now_ms],
        };
        self.seen.borrow_mut().insert(expr.to_owned(), presence);
        Ok(self.seen.borrow()[expr].clone())
    }

    /// For each series of the result the times at which it has samples; `None` if the server refuses.
    pub(super) fn range(&self, expr: &str) -> Result<Option<Vec<Presence>>, LiveError> {
        let params = [
            ("query", expr.to_owned()),
            ("start", seconds(self.now_ms - self.options.lookback_ms)),
            ("end", seconds(self.now_ms)),
            ("step", seconds(self.step_ms)),
        ];
        let Some(data) = self.ask("query_range", &params)?.ok() else { return Ok(None) };
        let times = |series: &Value| -> Presence {
            let values = series["values"].as_array().into_iter().flatten();
            values.filter_map(|point| Some((point[0].as_f64()? * 1000.0).round() as i64)).collect()
        };
        Ok(Some(data["result"].as_array().into_iter().flatten().map(times).collect()))
    }

    /// An answer, or why the server refuses one.
    pub(super) fn ask(
        &self,
        path: &str,
        params: &[(&'static str, String)],
    ) -> Result<Result<Value, String>, LiveError> {
        match self.server.ask(path, params) {
            Ok(data) => Ok(Ok(data)),
            Err(AskError::Refused(why)) => Ok(Err(why)),
            Err(AskError::Unreachable(why)) => Err(LiveError(why)),
        }
    }
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Takes over what the server tells about itself, as far as `options` do not say it already: intervals, external labels, types of metrics.
pub fn learn(server: &dyn Server, options: &mut Options) -> Result<(), LiveError> {
    let ask = |path: &str, params: &[(&'static str, String)]| match server.ask(path, params) {
        Ok(data) => Ok(Some(data)),
        // A server that only answers queries is asked for no more.
        Err(AskError::Refused(_)) => Ok(None),
        Err(AskError::Unreachable(why)) => Err(LiveError(why)),
    };
    if let Some(config) = ask("status/config", &[])?
        && options.scrape_intervals_ms.is_empty()
    {
        learn_config(config["yaml"].as_str().unwrap_or_default(), options);
    }
    if let Some(metadata) = ask("metadata", &[])? {
        for (metric, told) in metadata.as_object().into_iter().flatten() {
            // What several targets tell differently is not known.
            let types: Vec<&str> =
                told.as_array().into_iter().flatten().filter_map(|one| one["type"].as_str()).collect();
            if let Some(kind) = types
                .first()
                .filter(|first| types.iter().all(|kind| kind == *first))
                .and_then(|kind| metric_type(kind))
            {
                options.metric_types.insert(metric.clone(), kind);
            }
        }
    }
    Ok(())
}

fn metric_type(name: &str) -> Option<MetricType> {
    Some(match name {
        "counter" => MetricType::Counter,
        "gauge" => MetricType::Gauge,
        "histogram" => MetricType::Histogram,
        "gaugehistogram" => MetricType::GaugeHistogram,
        "summary" => MetricType::Summary,
        "info" => MetricType::Info,
        "stateset" => MetricType::StateSet,
        _ => return None,
    })
}

/// The server writes its configuration with all defaults filled in.
fn learn_config(yaml: &str, options: &mut Options) {
    let Ok(document) = Document::parse("the configuration of the server", yaml.as_bytes(), Dialect::V2)
    else {
        return;
    };
    let root = document.root();
    if let Some(global) = field(root, "global") {
        let interval = text(global, "evaluation_interval").and_then(|text| parse_duration_ms(text).ok());
        options.evaluation_interval_ms = interval.unwrap_or(options.evaluation_interval_ms);
        for entry in field(global, "external_labels").into_iter().flat_map(Node::entries) {
            if let (Some(name), Some(value)) = (entry.key.scalar(), entry.value.scalar()) {
                options.external_labels.insert(name.text.to_owned(), value.text.to_owned());
            }
        }
    }
    for job in field(root, "scrape_configs").into_iter().flat_map(Node::items) {
        let interval = text(job, "scrape_interval").and_then(|text| parse_duration_ms(text).ok());
        if let (Some(name), Some(interval_ms)) = (text(job, "job_name"), interval) {
            options.scrape_intervals_ms.insert(name.to_owned(), interval_ms);
        }
    }
}

fn text<'d>(node: Node<'d>, name: &str) -> Option<&'d str> {
    Some(field(node, name)?.scalar()?.text)
}

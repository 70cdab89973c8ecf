//! Evaluating the rules of a group, one after the other, at one time.

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_model::{
    AppendBatch, AppendEntry, Appender, Labels, METRIC_NAME, QueryContext, Tenant, Value, stale_nan,
};
use bellwether_promql::engine::{InstantQuery, InstantSample, QueryEngine, QuerySettings, QueryValue};
use bellwether_template::library::Sample;

use crate::alert::{AlertCandidate, AlertState, AlertTimes, Alerts};
use crate::error::EvalError;
use crate::expand::{Expander, Surroundings, template_value};
use crate::file::{Rule, RuleGroup, RuleKind, merged_labels};

/// The series that show which alerts are active.
const ALERTS: &str = "ALERTS";
/// The series that keep since when alerts are active.
const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";

/// Where rules are evaluated.
#[derive(Clone)]
pub struct Environment {
    /// Answers the expressions.
    pub engine: Arc<dyn QueryEngine>,
    /// Takes the results.
    pub appender: Arc<dyn Appender>,
    /// Whose data it is.
    pub tenant: Tenant,
    /// Labels that templates see as external.
    pub external_labels: Labels,
    /// The URL under which users reach the server.
    pub external_url: String,
}

/// What became of one rule at one evaluation.
#[derive(Debug)]
pub struct RuleOutcome {
    /// How many samples were stored.
    pub samples: usize,
    /// Why the rule failed, if it did.
    pub error: Option<EvalError>,
}

/// A rule group with the state of its rules.
#[derive(Debug, Clone)]
pub struct Group {
    definition: RuleGroup,
    rules: Vec<RuleState>,
}

#[derive(Debug, Clone, Default)]
struct RuleState {
    alerts: Alerts,
    /// The series that the rule wrote at its last evaluation; those that it no longer writes become stale.
    previous: BTreeSet<Labels>,
}

impl Group {
    /// A group that has not been evaluated yet.
    pub fn new(definition: RuleGroup) -> Self {
        let rules = vec![RuleState::default(); definition.rules.len()];
        Self { definition, rules }
    }

    /// The group as its file has it.
    pub fn definition(&self) -> &RuleGroup {
        &self.definition
    }

    /// The rules with the alerts of each; recording rules have none.
    pub fn rules(&self) -> impl Iterator<Item = (&Rule, &Alerts)> {
        self.definition.rules.iter().zip(self.rules.iter().map(|state| &state.alerts))
    }

    /// Evaluates all rules at `ts_ms`, in order, so that later rules see the results of earlier ones. A rule that fails does not stop the others.
    pub fn evaluate(&mut self, ts_ms: i64, environment: &Environment, cx: &QueryContext) -> Vec<RuleOutcome> {
        let definition = &self.definition;
        let query_ts_ms = ts_ms - definition.query_offset_ms.unwrap_or(0);
        definition
            .rules
            .iter()
            .zip(&mut self.rules)
            .map(|(rule, state)| {
                let evaluation = Evaluation { group: definition, rule, ts_ms: query_ts_ms, environment, cx };
                match evaluation.run(&mut state.alerts) {
                    Ok(samples) => evaluation.store(samples, &mut state.previous),
                    Err(error) => RuleOutcome { samples: 0, error: Some(error) },
                }
            })
            .collect()
    }
}

struct Evaluation<'a> {
    group: &'a RuleGroup,
    rule: &'a Rule,
    ts_ms: i64,
    environment: &'a Environment,
    cx: &'a QueryContext,
}

impl Evaluation<'_> {
    /// The series that the rule yields.
    fn run(&self, alerts: &mut Alerts) -> Result<Vec<(Labels, Value)>, EvalError> {
        let result = query(self.environment, &self.rule.expr_text, self.ts_ms, self.cx)?;
        match &self.rule.kind {
            RuleKind::Recording { record } => self.record(record, result),
            RuleKind::Alerting { alert, for_ms, keep_firing_for_ms, annotations } => {
                let surroundings = self.surroundings();
                let labels = merged_labels(self.group, self.rule);
                let candidates = result
                    .into_iter()
                    .map(|sample| {
                        let expander = Expander::new(alert, &sample.labels, &sample.value, &surroundings);
                        let mut builder = sample.labels.without_metric_name().to_builder();
                        for label in &labels {
                            builder.set(label.name, &expander.expand(label.value));
                        }
                        builder.set("alertname", alert);
                        AlertCandidate {
                            labels: builder.build(),
                            annotations: expander.expand_all(annotations),
                            value: sample.value,
                        }
                    })
                    .collect();
                let times = AlertTimes { for_ms: *for_ms, keep_firing_for_ms: *keep_firing_for_ms };
                alerts.advance(self.ts_ms, candidates, times, self.group.limit)?;
                Ok(alerts.active().flat_map(alert_series).collect())
            }
        }
    }

    fn record(&self, record: &str, result: Vec<InstantSample>) -> Result<Vec<(Labels, Value)>, EvalError> {
        let labels = merged_labels(self.group, self.rule);
        let mut seen = BTreeSet::new();
        let mut series = Vec::with_capacity(result.len());
        for sample in result {
            let mut builder = sample.labels.to_builder();
            builder.set(METRIC_NAME, record);
            for label in &labels {
                builder.set(label.name, label.value);
            }
            let labels = builder.build();
            if !seen.insert(labels.clone()) {
                return Err(EvalError::DuplicateLabels("rule"));
            }
            series.push((labels, sample.value));
        }
        let limit = self.group.limit;
        if limit > 0 && series.len() > limit {
            return Err(EvalError::Limit { limit, got: series.len(), what: "series" });
        }
        Ok(series)
    }

    fn surroundings(&self) -> Surroundings {
        let (environment, cx, ts_ms) = (self.environment.clone(), self.cx.clone(), self.ts_ms);
        Surroundings {
            ts_ms,
            external_labels: self.environment.external_labels.clone(),
            external_url: self.environment.external_url.clone(),
            query: Arc::new(move |expr| {
                let found = query(&environment, expr, ts_ms, &cx).map_err(|e| e.to_string())?;
                Ok(found.iter().map(template_sample).collect())
            }),
        }
    }

    /// Stores the series, and staleness markers for those that the rule wrote before and no longer does.
    fn store(&self, series: Vec<(Labels, Value)>, previous: &mut BTreeSet<Labels>) -> RuleOutcome {
        let current: BTreeSet<Labels> = series.iter().map(|(labels, _)| labels.clone()).collect();
        let gone = previous.difference(&current).map(|labels| (labels.clone(), Value::Float(stale_nan())));
        let entry =
            |(labels, value)| AppendEntry { hint: None, labels, ts_ms: self.ts_ms, start_ts_ms: 0, value };
        let samples = series.into_iter().chain(gone).map(entry).collect();
        let batch = AppendBatch { samples, ..AppendBatch::default() };
        *previous = current;
        if batch.is_empty() {
            return RuleOutcome { samples: 0, error: None };
        }
        match self.environment.appender.append(&self.environment.tenant, &batch) {
            Ok(report) => RuleOutcome { samples: report.stored(), error: None },
            Err(error) => RuleOutcome { samples: 0, error: Some(error.into()) },
        }
    }
}

/// The result of an expression as a vector; a scalar is a sample without labels.
pub(crate) fn query(
    environment: &Environment,
    expr: &str,
    ts_ms: i64,
    cx: &QueryContext,
) -> Result<Vec<InstantSample>, EvalError> {
    let request = InstantQuery { query: expr.to_owned(), ts_ms, settings: QuerySettings::default() };
    match environment.engine.instant(&environment.tenant, &request, cx)?.value {
        QueryValue::Vector(samples) => Ok(samples),
        QueryValue::Scalar { ts_ms, value } => {
            Ok(vec![InstantSample { labels: Labels::empty(), ts_ms, value: Value::Float(value) }])
        }
        _ => Err(EvalError::NotAVector),
    }
}

fn template_sample(sample: &InstantSample) -> Sample {
    Sample {
        labels: sample.labels.iter().map(|l| (l.name.to_owned(), l.value.to_owned())).collect(),
        value: template_value(&sample.value),
    }
}

/// `ALERTS` with the state of the alert, and `ALERTS_FOR_STATE` with the time since which it is active.
fn alert_series(alert: &crate::alert::ActiveAlert) -> [(Labels, Value); 2] {
    debug_assert!(alert.state != AlertState::Inactive, "BUG: an inactive alert has no series");
    let mut state = alert.labels.to_builder();
    state.set(METRIC_NAME, ALERTS).set("alertstate", alert.state.as_str());
    let mut since = alert.labels.to_builder();
    since.set(METRIC_NAME, ALERTS_FOR_STATE);
    let active_at_s = (alert.active_at_ms.div_euclid(1000)) as f64;
    [(state.build(), Value::Float(1.0)), (since.build(), Value::Float(active_at_s))]
}

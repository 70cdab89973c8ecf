//! Evaluating one rule at one time.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use bellwether_model::{Alert, Labels, METRIC_NAME, QueryContext, Value};
use bellwether_promql::engine::{InstantQuery, InstantSample, QuerySettings, QueryValue};
use bellwether_template::library::{Sample, graph_link};
use time::{Duration, OffsetDateTime};

use crate::alert::{ActiveAlert, AlertState, AlertTimes, Change};
use crate::error::EvalError;
use crate::expand::{Surroundings, Texts, template_value};
use crate::file::{Rule, RuleGroup, RuleKind};
use crate::group::{ALERTS, ALERTS_FOR_STATE, Environment, RuleHealth, RuleOutcome, RuleState, Run};
use crate::sending::due_alerts;
use crate::written::{Destination, Stored};

/// Samples on their way into the store, all of one time.
type Samples = Vec<(Labels, Value)>;

/// What an evaluation brings, and whom it concerns.
pub(crate) struct Evaluated {
    pub(crate) outcome: RuleOutcome,
    /// What must outlive the process.
    pub(crate) changes: Vec<Change>,
    /// What is to be told.
    pub(crate) due: Vec<Alert>,
}

pub(crate) struct Evaluation<'a> {
    pub(crate) group: &'a RuleGroup,
    pub(crate) rule: &'a Rule,
    pub(crate) state: &'a RuleState,
    pub(crate) run: &'a Run<'a>,
}

impl Evaluation<'_> {
    pub(crate) fn run(&self) -> Evaluated {
        let started = Instant::now();
        let cx = (self.run.new_context)();
        let (outcome, due) = match self.evaluate(&cx) {
            Ok((samples, due)) => (self.store(samples), due),
            Err(error) => (RuleOutcome { samples: 0, error: Some(error) }, Vec::new()),
        };
        *self.state.health.lock() = RuleHealth {
            evaluated_at_ms: Some(self.run.ts_ms),
            duration: started.elapsed(),
            last_error: outcome.error.as_ref().map(ToString::to_string),
        };
        Evaluated { outcome, changes: self.state.alerts.lock().take_changes(), due }
    }

    fn store(&self, samples: Samples) -> RuleOutcome {
        let of = samples.len();
        match self.state.written.lock().write(samples, self.destination()) {
            Ok(Stored { samples, refused }) => {
                let error = refused.map(|(refused, first)| EvalError::Refused { refused, of, first });
                RuleOutcome { samples, error }
            }
            Err(error) => RuleOutcome { samples: 0, error: Some(error.into()) },
        }
    }

    fn offset_ms(&self) -> i64 {
        self.group.query_offset_ms.unwrap_or(0)
    }

    fn destination(&self) -> Destination<'_> {
        let environment = self.run.environment;
        Destination {
            appender: &*environment.appender,
            tenant: &environment.tenant,
            ts_ms: self.run.ts_ms - self.offset_ms(),
        }
    }

    /// The series that the rule yields, and the alerts that are to be told.
    fn evaluate(&self, cx: &QueryContext) -> Result<(Samples, Vec<Alert>), EvalError> {
        let ts_ms = self.run.ts_ms - self.offset_ms();
        let result = query(self.run.environment, &self.rule.expr_text, ts_ms, cx)?;
        match (&self.rule.kind, &self.state.texts) {
            (RuleKind::Alerting { alert, for_ms, keep_firing_for_ms, .. }, Some(texts)) => {
                let times = AlertTimes { for_ms: *for_ms, keep_firing_for_ms: *keep_firing_for_ms };
                self.alert(alert, texts, times, result, cx)
            }
            _ => Ok((self.record(result)?, Vec::new())),
        }
    }

    fn alert(
        &self,
        alert: &str,
        texts: &Texts,
        times: AlertTimes,
        result: Vec<InstantSample>,
        cx: &QueryContext,
    ) -> Result<(Samples, Vec<Alert>), EvalError> {
        let Run { ts_ms, environment, resend_delay_ms, .. } = *self.run;
        let candidates = {
            let expansion = texts.expansion(self.surroundings(cx));
            let samples = result.into_iter();
            let candidates =
                samples.map(|sample| expansion.candidate(alert, &sample.labels, sample.value)).collect();
            if let Some((texts, first)) = expansion.failures() {
                let group = &self.group.name;
                tracing::warn!(
                    group,
                    rule = alert,
                    texts,
                    first,
                    "labels or annotations could not be expanded"
                );
            }
            candidates
        };
        let mut alerts = self.state.alerts.lock();
        alerts.advance(ts_ms, candidates, times, self.group.limit)?;
        let interval_ms = self.group.interval_ms.unwrap_or(0);
        let graph = OnceCell::new();
        let due = due_alerts(&mut alerts, ts_ms, (resend_delay_ms, interval_ms), |fired_at_ms| {
            let of_rule = || graph_url(&environment.external_url, &self.rule.expr.to_string());
            at_firing(graph.get_or_init(of_rule), fired_at_ms)
        });
        let mut series = Vec::new();
        if self.run.writes_alert_series {
            series.extend(alerts.active().flat_map(alert_series));
        }
        Ok((series, due))
    }

    fn record(&self, result: Vec<InstantSample>) -> Result<Samples, EvalError> {
        let mut seen = HashSet::with_capacity(result.len());
        let mut series = Vec::with_capacity(result.len());
        for sample in result {
            let mut builder = sample.labels.to_builder();
            builder.set(METRIC_NAME, self.rule.name());
            for (name, value) in &self.state.labels {
                builder.set(name, value);
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

    fn surroundings(&self, cx: &QueryContext) -> Surroundings {
        let (environment, cx, ts_ms) = (self.run.environment.clone(), cx.clone(), self.run.ts_ms);
        Surroundings {
            ts_ms,
            external_labels: environment.external_labels.clone(),
            external_url: environment.external_url.clone(),
            query: Arc::new(move |expr| {
                let found = query(&environment, expr, ts_ms, &cx).map_err(|e| e.to_string())?;
                Ok(found.iter().map(template_sample).collect())
            }),
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
fn alert_series(alert: &ActiveAlert) -> [(Labels, Value); 2] {
    debug_assert!(alert.state != AlertState::Inactive, "BUG: an inactive alert has no series");
    let mut state = alert.labels.to_builder();
    state.set(METRIC_NAME, ALERTS).set("alertstate", alert.state.as_str());
    let mut since = alert.labels.to_builder();
    since.set(METRIC_NAME, ALERTS_FOR_STATE);
    let active_at_s = (alert.active_at_ms.div_euclid(1000)) as f64;
    [(state.build(), Value::Float(1.0)), (since.build(), Value::Float(active_at_s))]
}

/// How much of the past a link to what was seen shows, and how long after the alert fired it ends.
const SHOWN: &str = "1h";
const SHOWN_AFTER: Duration = Duration::minutes(15);

/// The page that shows what was seen, in Prometheus' own form, which our page reads, too.
fn graph_url(external_url: &str, expr: &str) -> String {
    format!("{}{}", external_url.trim_end_matches('/'), graph_link(expr, 0))
}

/// The same page around the time at which an alert fired.
fn at_firing(graph_url: &str, fired_at_ms: i64) -> String {
    let fired = OffsetDateTime::from_unix_timestamp(fired_at_ms.div_euclid(1000));
    let Some(end) = fired.ok().and_then(|fired| fired.checked_add(SHOWN_AFTER)) else {
        return graph_url.to_owned();
    };
    let (date, (hour, minute, second)) = (end.date(), end.time().as_hms());
    format!("{graph_url}&g0.range_input={SHOWN}&g0.end_input={date}+{hour:02}%3A{minute:02}%3A{second:02}")
}

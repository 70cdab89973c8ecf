//! How rules and their alerts are listed, in the shapes of Prometheus and with its order of fields.
//!
//! They are written as they are read: there may be 100,000 alerts, and a tree of them takes ten times the memory of the text.

use std::collections::BTreeMap;

use bellwether_lint::Finding;
use bellwether_model::Value as SampleValue;
use bellwether_rules::{ActiveAlert, GroupView, RuleKind, RuleView};
use serde::{Serialize, Serializer};
use serde_json::Number;

use crate::json::{LabelMap, format_exponent};
use crate::params::format_time_ms;

/// What Go writes for a time that is not known.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The data of `rules`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListedGroups<'a> {
    pub(super) groups: Vec<ListedRuleGroup<'a>>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group_next_token: Option<String>,
}

/// A group with its rules.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListedRuleGroup<'a> {
    name: &'a str,
    file: &'a str,
    rules: Vec<ListedRule<'a>>,
    interval: Number,
    limit: usize,
    evaluation_time: f64,
    last_evaluation: String,
}

impl<'a> ListedRuleGroup<'a> {
    /// `lint` says what lint says about a rule, if somebody wants to know.
    pub(super) fn new(
        group: &'a GroupView,
        with_alerts: bool,
        lint: impl Fn(&GroupView, &RuleView) -> Option<Vec<Finding>>,
    ) -> Self {
        let rule = |rule: &'a RuleView| ListedRule::new(rule, with_alerts, lint(group, rule));
        Self {
            name: &group.name,
            file: &group.file,
            rules: group.rules.iter().map(rule).collect(),
            interval: seconds(group.interval_ms),
            limit: group.limit,
            evaluation_time: group.stats.last_duration.as_secs_f64(),
            last_evaluation: time(group.stats.evaluated_at_ms),
        }
    }
}

/// A rule. What only alerting rules have is missing in recording rules.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedRule<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    name: &'a str,
    query: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_for: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<ActiveAlerts<'a>>,
    health: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<&'a str>,
    evaluation_time: f64,
    last_evaluation: String,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lint: Option<Vec<ListedFinding>>,
}

impl<'a> ListedRule<'a> {
    fn new(view: &'a RuleView, with_alerts: bool, lint: Option<Vec<Finding>>) -> Self {
        let RuleView { rule, labels, health, state, alerts } = view;
        let listed = Self {
            state: None,
            name: rule.name(),
            query: rule.expr.to_string(),
            duration: None,
            keep_firing_for: None,
            labels: (!labels.is_empty()).then_some(labels),
            annotations: None,
            alerts: None,
            health: match (&health.evaluated_at_ms, &health.last_error) {
                (None, _) => "unknown",
                (_, None) => "ok",
                (_, Some(_)) => "err",
            },
            last_error: health.last_error.as_deref(),
            evaluation_time: health.duration.as_secs_f64(),
            last_evaluation: time(health.evaluated_at_ms),
            r#type: "recording",
            lint: lint.map(|findings| findings.into_iter().map(ListedFinding::from).collect()),
        };
        match &rule.kind {
            RuleKind::Recording { .. } => listed,
            RuleKind::Alerting { for_ms, keep_firing_for_ms, annotations, .. } => Self {
                state: Some(if health.evaluated_at_ms.is_some() { state.as_str() } else { "unknown" }),
                duration: Some(seconds(*for_ms)),
                keep_firing_for: Some(seconds(*keep_firing_for_ms)),
                labels: Some(labels),
                annotations: Some(annotations),
                alerts: Some(ActiveAlerts(with_alerts.then_some(alerts.as_slice()))),
                r#type: "alerting",
                ..listed
            },
        }
    }
}

/// What lint says about a rule.
#[derive(Serialize)]
struct ListedFinding {
    rule: &'static str,
    severity: &'static str,
    message: String,
    remedy: String,
}

impl From<Finding> for ListedFinding {
    fn from(finding: Finding) -> Self {
        let Finding { rule, severity, message, remedy, .. } = finding;
        Self { rule, severity: severity.as_str(), message, remedy }
    }
}

/// The data of `alerts`.
#[derive(Serialize)]
pub(super) struct ListedAlerts<'a> {
    pub(super) alerts: ActiveAlerts<'a>,
}

/// Alerts that are pending or firing; null if nobody wants them.
pub(super) struct ActiveAlerts<'a>(pub(super) Option<&'a [ActiveAlert]>);

impl Serialize for ActiveAlerts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(alerts) => serializer.collect_seq(alerts.iter().map(ListedAlert::from)),
            None => serializer.serialize_none(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedAlert {
    labels: LabelMap,
    annotations: LabelMap,
    state: &'static str,
    active_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_since: Option<String>,
    value: String,
}

impl From<&ActiveAlert> for ListedAlert {
    fn from(alert: &ActiveAlert) -> Self {
        Self {
            labels: LabelMap(alert.labels.clone()),
            annotations: LabelMap(alert.annotations.clone()),
            state: alert.state.as_str(),
            active_at: format_time_ms(alert.active_at_ms),
            keep_firing_since: alert.keep_firing_since_ms.map(format_time_ms),
            value: value(&alert.value),
        }
    }
}

/// A whole number where it is one, as Go writes floats.
fn seconds(ms: i64) -> Number {
    let fraction = Number::from_f64(ms as f64 / 1000.0).filter(|_| ms % 1000 != 0);
    fraction.unwrap_or_else(|| (ms / 1000).into())
}

fn time(ts_ms: Option<i64>) -> String {
    ts_ms.map_or_else(|| NEVER.to_owned(), format_time_ms)
}

fn value(value: &SampleValue) -> String {
    match value {
        SampleValue::Float(v) => format_exponent(*v),
        SampleValue::Histogram(h) => format_exponent(h.count),
    }
}

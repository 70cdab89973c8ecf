//! Alerts and samples as the expectations and the results have them, and whether they are equal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Labels, MatchOp, Value, format_float_go};
use bellwether_promql::syntax::{SequenceValue, parse_metric_selector, parse_series};

use super::file::{ExpectedAlert, ExpectedSample};
use crate::alert::AlertState;
use crate::file::RuleKind;
use crate::group::Group;

/// The alerts that fire, by the name of their rule.
pub(super) type FiringAlerts = BTreeMap<String, Vec<ExpectedAlert>>;

pub(super) fn firing(groups: &[Group]) -> FiringAlerts {
    let mut firing = FiringAlerts::new();
    for (rule, alerts) in groups.iter().flat_map(Group::rules) {
        let RuleKind::Alerting { alert, .. } = &rule.kind else { continue };
        let list = firing.entry(alert.clone()).or_default();
        for active in alerts.active().filter(|a| a.state == AlertState::Firing) {
            let labels = active.labels.iter().filter(|l| l.name != "alertname");
            list.push(ExpectedAlert {
                labels: labels.map(|l| (l.name.to_owned(), l.value.to_owned())).collect(),
                annotations: active
                    .annotations
                    .iter()
                    .map(|l| (l.name.to_owned(), l.value.to_owned()))
                    .collect(),
            });
        }
    }
    firing
}

pub(super) fn describe_alert(alert: &ExpectedAlert) -> String {
    // An empty value is an absent label, and an absent annotation.
    let map = |entries: &BTreeMap<String, String>| {
        let entries: BTreeSet<String> =
            entries.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| format!("{k}={v:?}")).collect();
        entries.into_iter().collect::<Vec<_>>().join(", ")
    };
    format!("Labels:{{{}}} Annotations:{{{}}}", map(&alert.labels), map(&alert.annotations))
}

pub(super) fn describe_value(value: &Value) -> String {
    match value {
        Value::Float(v) => format_float_go(*v),
        Value::Histogram(h) => format!("{h:?}"),
    }
}

pub(super) fn expected_sample(sample: &ExpectedSample) -> Result<(Labels, Value), String> {
    let labels = if sample.labels.trim().is_empty() || sample.labels.trim() == "{}" {
        Labels::empty()
    } else {
        let options = bellwether_promql::syntax::ParserOptions::all_enabled();
        let matchers = parse_metric_selector(&sample.labels, &options)
            .map_err(|e| format!("labels {:?}: {e}", sample.labels))?;
        if let Some(other) = matchers.iter().find(|m| m.op() != MatchOp::Eq) {
            return Err(format!("labels {:?}: {other} is not a label", sample.labels));
        }
        Labels::from_pairs(matchers.iter().map(|m| (m.name(), m.value())))
    };
    if sample.histogram.is_empty() {
        return Ok((labels, Value::Float(sample.value)));
    }
    let series = parse_series(&format!("x {}", sample.histogram)).map_err(|e| format!("histogram: {e}"))?;
    match series.values.as_slice() {
        [SequenceValue::Histogram { histogram, .. }] => Ok((labels, Value::Histogram(Arc::clone(histogram)))),
        _ => Err(format!("expected exactly one histogram, got {:?}", sample.histogram)),
    }
}

/// Floats are equal if they are the same, or, when compared loosely, neighbours.
pub(super) fn values_equal(want: &Value, got: &Value, fuzzy: bool) -> bool {
    match (want, got) {
        (Value::Float(want), Value::Float(got)) => {
            want == got
                || (want.is_nan() && got.is_nan())
                || (fuzzy && (want.next_up() == *got || want.next_down() == *got))
        }
        (Value::Histogram(want), Value::Histogram(got)) => {
            let compact = |h: &bellwether_model::FloatHistogram| {
                let mut h = h.clone();
                h.compact(0);
                h
            };
            compact(want) == compact(got)
        }
        _ => false,
    }
}

//! The life of the alerts of one rule: inactive, pending, firing, kept firing, resolved.
//!
//! The transitions are those of Prometheus' `AlertingRule.Eval`. This module knows no query and no template: it is given
//! the elements of the result with their labels and texts expanded.

use std::collections::BTreeMap;

use bellwether_model::{Labels, Value};

use crate::error::EvalError;

/// How long a resolved alert is remembered, in milliseconds, so that its end can be told to receivers that missed it.
const RESOLVED_RETENTION_MS: i64 = 15 * 60 * 1000;

/// Where an alert is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertState {
    /// The condition no longer holds.
    Inactive,
    /// The condition holds, but not for long enough.
    Pending,
    /// The condition has held for long enough, or is kept firing.
    Firing,
}

impl AlertState {
    /// The value of the label `alertstate`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// One alert of a rule.
#[derive(Debug, Clone)]
pub struct ActiveAlert {
    /// Its labels, `alertname` included.
    pub labels: Labels,
    /// Its texts, expanded at the last evaluation.
    pub annotations: BTreeMap<String, String>,
    /// The value of the expression at the last evaluation at which the condition held.
    pub value: Value,
    /// Where it is in its life.
    pub state: AlertState,
    /// Since when the condition has held, in milliseconds since the Unix epoch.
    pub active_at_ms: i64,
    /// Since when it has fired.
    pub fired_at_ms: Option<i64>,
    /// Since when it is over.
    pub resolved_at_ms: Option<i64>,
    /// Since when it fires only because it is kept firing.
    pub keep_firing_since_ms: Option<i64>,
}

/// An element of the result of an alerting rule, with labels and texts expanded.
#[derive(Debug, Clone)]
pub struct AlertCandidate {
    /// The labels of the alert.
    pub labels: Labels,
    /// The texts of the alert.
    pub annotations: BTreeMap<String, String>,
    /// The value of the element.
    pub value: Value,
}

/// The alerts of one rule, by their labels.
#[derive(Debug, Clone, Default)]
pub struct Alerts {
    active: BTreeMap<Labels, ActiveAlert>,
}

/// How long the conditions of a rule must hold and hold on.
#[derive(Debug, Clone, Copy, Default)]
pub struct AlertTimes {
    /// `for`, in milliseconds.
    pub for_ms: i64,
    /// `keep_firing_for`, in milliseconds.
    pub keep_firing_for_ms: i64,
}

impl Alerts {
    /// All alerts that are remembered, resolved ones included, in label order.
    pub fn iter(&self) -> impl Iterator<Item = &ActiveAlert> {
        self.active.values()
    }

    /// The alerts that are pending or firing.
    pub fn active(&self) -> impl Iterator<Item = &ActiveAlert> {
        self.iter().filter(|a| a.state != AlertState::Inactive)
    }

    /// Moves every alert on to `ts_ms`, given the elements for which the condition holds then. `limit` is the most alerts that may be
    /// active; 0 for no limit. After an error because of the limit nothing is active any more, as in Prometheus.
    pub fn advance(
        &mut self,
        ts_ms: i64,
        candidates: Vec<AlertCandidate>,
        times: AlertTimes,
        limit: usize,
    ) -> Result<(), EvalError> {
        let mut found: BTreeMap<Labels, AlertCandidate> = BTreeMap::new();
        for candidate in candidates {
            if found.insert(candidate.labels.clone(), candidate).is_some() {
                return Err(EvalError::DuplicateLabels("alert"));
            }
        }
        for (labels, candidate) in &found {
            match self.active.get_mut(labels) {
                Some(alert) if alert.state != AlertState::Inactive => {
                    alert.value = candidate.value.clone();
                    alert.annotations.clone_from(&candidate.annotations);
                }
                _ => {
                    self.active.insert(labels.clone(), begin(candidate, ts_ms));
                }
            }
        }
        self.active.retain(|labels, alert| {
            let holds = found.contains_key(labels);
            step(alert, ts_ms, holds, times)
        });
        let n_active = self.active().count();
        if limit > 0 && n_active > limit {
            self.active.clear();
            return Err(EvalError::Limit { limit, got: n_active, what: "alerts" });
        }
        Ok(())
    }
}

fn begin(candidate: &AlertCandidate, ts_ms: i64) -> ActiveAlert {
    ActiveAlert {
        labels: candidate.labels.clone(),
        annotations: candidate.annotations.clone(),
        value: candidate.value.clone(),
        state: AlertState::Pending,
        active_at_ms: ts_ms,
        fired_at_ms: None,
        resolved_at_ms: None,
        keep_firing_since_ms: None,
    }
}

/// Moves one alert on; returns whether it is still remembered.
fn step(alert: &mut ActiveAlert, ts_ms: i64, holds: bool, times: AlertTimes) -> bool {
    if holds {
        alert.keep_firing_since_ms = None;
    } else {
        let kept = alert.state == AlertState::Firing && times.keep_firing_for_ms > 0 && {
            let since = *alert.keep_firing_since_ms.get_or_insert(ts_ms);
            ts_ms - since < times.keep_firing_for_ms
        };
        let forgotten = alert.resolved_at_ms.is_some_and(|at| ts_ms - at > RESOLVED_RETENTION_MS);
        if alert.state == AlertState::Pending || forgotten {
            return false;
        }
        if !kept {
            if alert.state != AlertState::Inactive {
                alert.state = AlertState::Inactive;
                alert.resolved_at_ms = Some(ts_ms);
            }
            return true;
        }
    }
    if alert.state == AlertState::Pending && ts_ms - alert.active_at_ms >= times.for_ms {
        alert.state = AlertState::Firing;
        alert.fired_at_ms = Some(ts_ms);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a rule at one-minute steps; `holds` says at which steps the condition holds. Returns the first letters of the states.
    fn run(holds: &str, times: AlertTimes) -> String {
        let mut alerts = Alerts::default();
        let labels = Labels::from_pairs([("alertname", "A")]);
        holds
            .chars()
            .enumerate()
            .map(|(minute, c)| {
                let candidate = AlertCandidate {
                    labels: labels.clone(),
                    annotations: BTreeMap::new(),
                    value: 1.0.into(),
                };
                let candidates = if c == 'x' { vec![candidate] } else { Vec::new() };
                alerts.advance(minute as i64 * 60_000, candidates, times, 0).expect("no duplicates");
                match alerts.iter().next().map(|a| a.state) {
                    None => '-',
                    Some(AlertState::Inactive) => 'i',
                    Some(AlertState::Pending) => 'p',
                    Some(AlertState::Firing) => 'F',
                }
            })
            .collect()
    }

    #[test]
    fn waits_fires_and_resolves() {
        let times = AlertTimes { for_ms: 120_000, keep_firing_for_ms: 0 };
        assert_eq!(run("-xxxxx--xx-", times), "-ppFFFiipp-");
        assert_eq!(run("xx-xx", times), "pp-pp");
        assert_eq!(run("x-", AlertTimes::default()), "Fi");
    }

    #[test]
    fn keeps_firing() {
        let times = AlertTimes { for_ms: 0, keep_firing_for_ms: 120_000 };
        assert_eq!(run("x---", times), "FFFi");
        assert_eq!(run("x-x---", times), "FFFFFi");
    }

    #[test]
    fn forgets_what_is_long_over() {
        let holds = format!("x{}", "-".repeat(18));
        assert_eq!(run(&holds, AlertTimes::default()), format!("F{}--", "i".repeat(16)));
    }

    #[test]
    fn refuses_equal_labels_and_too_many() {
        let candidate = |name: &str| AlertCandidate {
            labels: Labels::from_pairs([("alertname", "A"), ("x", name)]),
            annotations: BTreeMap::new(),
            value: 1.0.into(),
        };
        let mut alerts = Alerts::default();
        let twice = alerts.advance(0, vec![candidate("1"), candidate("1")], AlertTimes::default(), 0);
        assert!(matches!(twice, Err(EvalError::DuplicateLabels("alert"))));
        let many = alerts.advance(0, vec![candidate("1"), candidate("2")], AlertTimes::default(), 1);
        assert!(matches!(many, Err(EvalError::Limit { limit: 1, got: 2, .. })));
        assert_eq!(alerts.active().count(), 0);
    }
}

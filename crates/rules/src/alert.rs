//! The life of the alerts of one rule: inactive, pending, firing, kept firing, resolved.
//!
//! The transitions are those of Prometheus' `AlertingRule.Eval`. This module knows no query and no template: it is given
//! the elements of the result with their labels and texts expanded.

use std::collections::{BTreeMap, HashMap};

use bellwether_model::{Labels, Value};

use crate::error::EvalError;

/// How long a resolved alert is remembered, in milliseconds, so that its end can be told to receivers that missed it.
const RESOLVED_RETENTION_MS: i64 = 15 * 60 * 1000;
/// After a start the first evaluations may see no data, because nothing was scraped yet. So many of them end no alert that was known before.
const SETTLING: u8 = 2;

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
    /// Its texts, expanded at the last evaluation. Empty ones are left out.
    pub annotations: Labels,
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
    /// When it was last told to whoever is told about alerts.
    pub last_sent_at_ms: Option<i64>,
    /// Whether it was known before the server was started and its condition has not been seen to hold since.
    pub(crate) is_restored: bool,
}

/// An element of the result of an alerting rule, with labels and texts expanded.
#[derive(Debug, Clone)]
pub struct AlertCandidate {
    /// The labels of the alert.
    pub labels: Labels,
    /// The texts of the alert.
    pub annotations: Labels,
    /// The value of the element.
    pub value: Value,
}

/// How long the conditions of a rule must hold and hold on.
#[derive(Debug, Clone, Copy, Default)]
pub struct AlertTimes {
    /// `for`, in milliseconds.
    pub for_ms: i64,
    /// `keep_firing_for`, in milliseconds.
    pub keep_firing_for_ms: i64,
}

/// Something about an alert that must outlive the process.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// Which alert.
    pub(crate) labels: Labels,
    /// Its state before; inactive if it was not known.
    pub(crate) from: AlertState,
    /// The alert now; `None` if it is forgotten.
    pub(crate) now: Option<ActiveAlert>,
}

impl Change {
    /// The state now; inactive if it is forgotten.
    pub(crate) fn to(&self) -> AlertState {
        self.now.as_ref().map_or(AlertState::Inactive, |alert| alert.state)
    }
}

/// The alerts of one rule, by their labels.
#[derive(Debug, Clone, Default)]
pub struct Alerts {
    active: BTreeMap<Labels, ActiveAlert>,
    /// What has changed since it was last asked for.
    changes: Vec<Change>,
    /// So many evaluations more, alerts from before the start are not given up.
    settling: u8,
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

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut ActiveAlert> {
        self.active.values_mut()
    }

    /// What has changed since this was last called.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Takes over an alert that was known before the server was started. It is not given up before the expression was evaluated a few times.
    pub(crate) fn restore(&mut self, mut alert: ActiveAlert) {
        alert.is_restored = alert.state != AlertState::Inactive;
        self.settling = SETTLING;
        self.active.insert(alert.labels.clone(), alert);
    }

    /// Since when an alert has been active, as it turned out.
    pub(crate) fn set_active_since(&mut self, labels: &Labels, active_at_ms: i64) {
        if let Some(alert) = self.active.get_mut(labels).filter(|alert| alert.state != AlertState::Inactive) {
            alert.active_at_ms = active_at_ms;
            // Otherwise a restart before its state changes would begin with the time that was guessed first.
            let now = Some(alert.clone());
            self.changes.push(Change { labels: labels.clone(), from: alert.state, now });
        }
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
        let mut found: HashMap<Labels, AlertCandidate> = HashMap::with_capacity(candidates.len());
        for candidate in candidates {
            if found.insert(candidate.labels.clone(), candidate).is_some() {
                return Err(EvalError::DuplicateLabels("alert"));
            }
        }
        let is_settling = self.settling > 0;
        self.settling = self.settling.saturating_sub(1);
        let changes = &mut self.changes;
        self.active.retain(|labels, alert| {
            let before = (alert.state, alert.keep_firing_since_ms, alert.active_at_ms);
            let holds = match found.remove(labels) {
                Some(candidate) if alert.state != AlertState::Inactive => {
                    alert.value = candidate.value;
                    alert.annotations = candidate.annotations;
                    alert.is_restored = false;
                    true
                }
                Some(candidate) => {
                    *alert = begin(candidate, ts_ms);
                    true
                }
                None if alert.is_restored && is_settling => return true,
                None => false,
            };
            let is_kept = step(alert, ts_ms, holds, times);
            if !is_kept || before != (alert.state, alert.keep_firing_since_ms, alert.active_at_ms) {
                let now = is_kept.then(|| alert.clone());
                changes.push(Change { labels: labels.clone(), from: before.0, now });
            }
            is_kept
        });
        // The changes of a rule come in label order, whatever the order of the map.
        let mut new: Vec<AlertCandidate> = found.into_values().collect();
        new.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        for candidate in new {
            let mut alert = begin(candidate, ts_ms);
            step(&mut alert, ts_ms, true, times);
            let (labels, from) = (alert.labels.clone(), AlertState::Inactive);
            changes.push(Change { labels: labels.clone(), from, now: Some(alert.clone()) });
            self.active.insert(labels, alert);
        }
        let n_active = self.active().count();
        if limit > 0 && n_active > limit {
            let gone = std::mem::take(&mut self.active).into_values();
            let forget = |a: ActiveAlert| Change { labels: a.labels, from: a.state, now: None };
            self.changes.extend(gone.map(forget));
            return Err(EvalError::Limit { limit, got: n_active, what: "alerts" });
        }
        Ok(())
    }
}

fn begin(candidate: AlertCandidate, ts_ms: i64) -> ActiveAlert {
    ActiveAlert {
        labels: candidate.labels,
        annotations: candidate.annotations,
        value: candidate.value,
        state: AlertState::Pending,
        active_at_ms: ts_ms,
        fired_at_ms: None,
        resolved_at_ms: None,
        keep_firing_since_ms: None,
        last_sent_at_ms: None,
        is_restored: false,
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
    let has_held_long_enough = ts_ms - alert.active_at_ms >= times.for_ms;
    if alert.state == AlertState::Pending && has_held_long_enough {
        alert.state = AlertState::Firing;
        alert.fired_at_ms = Some(ts_ms);
    } else if alert.state == AlertState::Firing && holds && !has_held_long_enough {
        // Somebody has raised `for` since.
        alert.state = AlertState::Pending;
        alert.fired_at_ms = None;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a rule at one-minute steps; `holds` says at which steps the condition holds. Returns the first letters of the states.
    fn run(holds: &str, times: AlertTimes) -> String {
        let mut alerts = Alerts::default();
        holds
            .chars()
            .enumerate()
            .map(|(minute, c)| {
                let candidates = if c == 'x' { vec![candidate("1")] } else { Vec::new() };
                alerts.advance(minute as i64 * 60_000, candidates, times, 0).expect("no duplicates");
                letter(alerts.iter().next().map(|a| a.state))
            })
            .collect()
    }

    fn candidate(name: &str) -> AlertCandidate {
        AlertCandidate {
            labels: Labels::from_pairs([("alertname", "A"), ("x", name)]),
            annotations: Labels::empty(),
            value: 1.0.into(),
        }
    }

    fn letter(state: Option<AlertState>) -> char {
        match state {
            None => '-',
            Some(AlertState::Inactive) => 'i',
            Some(AlertState::Pending) => 'p',
            Some(AlertState::Firing) => 'F',
        }
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
        let mut alerts = Alerts::default();
        let twice = alerts.advance(0, vec![candidate("1"), candidate("1")], AlertTimes::default(), 0);
        assert!(matches!(twice, Err(EvalError::DuplicateLabels("alert"))));
        let many = alerts.advance(0, vec![candidate("1"), candidate("2")], AlertTimes::default(), 1);
        assert!(matches!(many, Err(EvalError::Limit { limit: 1, got: 2, .. })));
        assert_eq!(alerts.active().count(), 0);
    }

    #[test]
    fn a_longer_for_takes_back_what_fires() {
        let mut alerts = Alerts::default();
        let mut state_at = |ts_ms, for_ms| {
            let times = AlertTimes { for_ms, keep_firing_for_ms: 0 };
            alerts.advance(ts_ms, vec![candidate("1")], times, 0).expect("no duplicates");
            alerts.iter().next().map(|a| (a.state, a.fired_at_ms))
        };
        assert_eq!(state_at(0, 0), Some((AlertState::Firing, Some(0))));
        assert_eq!(state_at(60, 100), Some((AlertState::Pending, None)));
        assert_eq!(state_at(120, 100), Some((AlertState::Firing, Some(120))));
    }

    #[test]
    fn what_was_known_before_the_start_waits_for_data() {
        let known = |state| {
            let since_ms = if state == AlertState::Firing { -1000 } else { 0 };
            let mut alert = begin(candidate("1"), since_ms);
            alert.state = state;
            alert
        };
        let times = AlertTimes { for_ms: 100, keep_firing_for_ms: 0 };
        for (state, holds, want) in [
            (AlertState::Firing, "---", "FFi"),
            (AlertState::Firing, "-x-", "FFi"),
            (AlertState::Firing, "x--", "Fii"),
            (AlertState::Pending, "---", "pp-"),
            // Nothing fires that was not seen to hold.
            (AlertState::Pending, "--x", "ppF"),
            (AlertState::Pending, "-x-", "pF"),
        ] {
            let mut alerts = Alerts::default();
            alerts.restore(known(state));
            let mut got = String::new();
            for (n, c) in holds.chars().enumerate() {
                let candidates = if c == 'x' { vec![candidate("1")] } else { Vec::new() };
                alerts.advance(n as i64 * 90 + 20, candidates, times, 0).expect("no duplicates");
                got.push(letter(alerts.iter().next().map(|a| a.state)));
            }
            assert!(got.starts_with(want), "{state:?} {holds}: {got}, not {want}");
        }
    }

    #[test]
    fn tells_each_change_once() {
        let mut alerts = Alerts::default();
        let times = AlertTimes { for_ms: 100, keep_firing_for_ms: 0 };
        let mut told = Vec::new();
        for (ts_ms, names) in [(0, "12"), (50, "12"), (100, "1"), (150, ""), (1_000_000, ""), (1_000_050, "")]
        {
            let candidates = names.chars().map(|n| candidate(&n.to_string())).collect();
            alerts.advance(ts_ms, candidates, times, 0).expect("no duplicates");
            let changes = alerts.take_changes();
            told.extend(changes.iter().map(|c| {
                let name = c.labels.get("x").expect("a label");
                format!(
                    "{ts_ms} {name} {}>{}",
                    c.from.as_str(),
                    if c.now.is_some() { c.to().as_str() } else { "-" }
                )
            }));
        }
        let want = [
            "0 1 inactive>pending",
            "0 2 inactive>pending",
            "100 1 pending>firing",
            "100 2 pending>-",
            "150 1 firing>inactive",
            "1000000 1 inactive>-",
        ];
        assert_eq!(told, want);
    }
}

//! What is kept of alerts across restarts, and what has become of them.
//!
//! Each alert that is remembered is a record; the changes of their states are events, those of a rule at one time together. Both are written before anybody is told
//! about the alert. So whoever was told about an alert is told about the same one after a crash. What cannot be written is tried again with the next evaluation.

use std::collections::{BTreeMap, HashMap};

use bellwether_model::{Fingerprint, Labels, Value, format_float, parse_float};
use bellwether_state::{Change as Write, Event, StateError, StateStore};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::driver::Running;
use super::history::{AlertEvent, EVENTS, RuleName};
use crate::alert::{ActiveAlert, AlertState, Change};

/// The kind of the records of alerts.
const ALERTS: &str = "rule_alert";
/// The kind of the record of the time until which rules were evaluated.
const CLOCK: &str = "rule_clock";
/// Its key.
const LAST: &str = "last";
/// That time is not written more often, in milliseconds.
const CLOCK_INTERVAL_MS: i64 = 1_000;
/// About so many bytes are written at once: a write has a limit.
const BYTES_PER_WRITE: usize = 16 << 20;
/// So many changes of a rule are one event: a row costs more than what is in it.
const CHANGES_PER_EVENT: usize = 100;
/// So many bytes of the texts of an alert are kept, so that those of [`CHANGES_PER_EVENT`] fit into a value. They are made anew at the next evaluation.
const ANNOTATION_BYTES: usize = 32 << 10;
/// So many changes of a group wait at most to be written.
const WAITING_MAX: usize = 100_000;

/// The journal of a server.
pub(crate) struct Journal {
    state: StateStore,
    /// When it was last written that rules are evaluated.
    noted_ms: Mutex<i64>,
    /// What was known before the start and has not been claimed by its rule, by the name of the rule.
    before: Mutex<HashMap<String, Vec<StoredAlert>>>,
    /// Until when rules were evaluated before the start; `None` if that was never.
    pub(crate) last_ms: Option<i64>,
}

/// An alert as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct StoredAlert {
    rule: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    value: String,
    state: String,
    active_at_ms: i64,
    fired_at_ms: Option<i64>,
    resolved_at_ms: Option<i64>,
    keep_firing_since_ms: Option<i64>,
}

impl Journal {
    /// Reads what was known before. Records that cannot be understood are left out, which the log tells.
    pub(crate) fn open(state: StateStore) -> Result<Self, StateError> {
        let last = state.records(CLOCK)?.into_iter().find(|record| record.key == LAST);
        let last_ms = last.and_then(|record| String::from_utf8(record.value).ok()?.parse().ok());
        let mut before: HashMap<String, Vec<StoredAlert>> = HashMap::new();
        for record in state.records(ALERTS)? {
            match serde_json::from_slice::<StoredAlert>(&record.value) {
                Ok(alert) => before.entry(alert.rule.clone()).or_default().push(alert),
                Err(error) => tracing::warn!(key = record.key, %error, "a kept alert cannot be read"),
            }
        }
        Ok(Self { state, noted_ms: Mutex::new(i64::MIN), before: Mutex::new(before), last_ms })
    }

    pub(crate) fn state(&self) -> &StateStore {
        &self.state
    }

    /// The alerts of a rule that were known before the start. They are given once.
    pub(crate) fn take_known(&self, rule: &str) -> Vec<ActiveAlert> {
        let stored = self.before.lock().remove(rule).unwrap_or_default();
        stored.into_iter().map(StoredAlert::into_alert).collect()
    }

    /// Forgets what no rule has claimed.
    pub(crate) fn forget_unclaimed(&self) {
        let unclaimed = std::mem::take(&mut *self.before.lock());
        let alerts = unclaimed.into_values().flatten();
        let keys: Vec<Write> = alerts.map(|a| forget(key(&a.rule, &Labels::from_pairs(&a.labels)))).collect();
        if !keys.is_empty() {
            tracing::info!(alerts = keys.len(), "alerts of rules that are gone are forgotten");
        }
        self.state.queue(keys);
    }

    /// Writes down what has changed, and that rules are evaluated. What is no longer in `waiting` when this returns is durable, and may be told.
    pub(crate) fn record(
        &self,
        running: &Running,
        at_ms: i64,
        waiting: &mut Vec<Happened>,
    ) -> Result<(), StateError> {
        let mut result = Ok(());
        while !waiting.is_empty() {
            let (written, writes) = first_writes(running, waiting);
            result = match self.state.write(writes) {
                // It will not be smaller later.
                too_large @ Err(StateError::TooLarge { .. }) => too_large,
                Err(error) => {
                    let too_many = waiting.len().saturating_sub(WAITING_MAX);
                    waiting.drain(..too_many);
                    return Err(error);
                }
                Ok(()) => result,
            };
            waiting.drain(..written);
        }
        let mut noted_ms = self.noted_ms.lock();
        if at_ms >= noted_ms.saturating_add(CLOCK_INTERVAL_MS) {
            *noted_ms = at_ms;
            let (key, value) = (LAST.to_owned(), at_ms.to_string().into_bytes());
            self.state.queue(vec![Write::Put { kind: CLOCK, key, value }]);
        }
        result
    }

    /// Writes down that alerts are over because their rule is gone, and that those of the rules of `heir` are under their names now.
    pub(crate) fn inherit(
        &self,
        old: &Running,
        heir: Option<&Running>,
        at_ms: i64,
    ) -> Result<(), StateError> {
        let keys = heir.map_or(&[][..], |heir| &heir.rule_keys);
        let mut over = std::mem::take(&mut *old.unwritten.lock());
        let rules = old.rule_keys.iter().enumerate();
        for (rule, _) in rules.filter(|(_, rule_key)| !keys.contains(rule_key)) {
            let alerts = old.group.alerts(rule).into_iter();
            over.extend(alerts.map(|alert| Happened {
                rule,
                at_ms,
                change: Change { labels: alert.labels, from: alert.state, now: None },
            }));
        }
        self.record(old, at_ms, &mut over)
    }
}

/// A change that is to be written down.
#[derive(Debug)]
pub(crate) struct Happened {
    /// The number of the rule in its group.
    pub(crate) rule: usize,
    /// The slot at which it happened.
    pub(crate) at_ms: i64,
    pub(crate) change: Change,
}

/// As many of the first changes as are written at once, and what is written.
fn first_writes(running: &Running, changes: &[Happened]) -> (usize, Vec<Write>) {
    let (mut taken, mut bytes, mut writes) = (0, 0, Vec::new());
    let of_rules = changes.chunk_by(|a, b| (a.rule, a.at_ms) == (b.rule, b.at_ms));
    for part in of_rules.flat_map(|of_rule| of_rule.chunks(CHANGES_PER_EVENT)) {
        if bytes >= BYTES_PER_WRITE {
            break;
        }
        let begin = writes.len();
        writes.extend(event(running, part));
        writes.extend(part.iter().map(|it| record(&running.rule_keys[it.rule], &it.change)));
        bytes += writes[begin..].iter().map(Write::bytes).sum::<usize>();
        taken += part.len();
    }
    (taken, writes)
}

/// What a rule is called by: of those of a group with the same name and labels, the number tells them apart.
pub(crate) fn rule_keys(file: &str, group: &crate::group::Group) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let name = &group.definition().name;
    let keys = group.named_rules().map(|(rule, labels)| {
        let key = format!("{file};{name};{};{}", rule.name(), Fingerprint::of(&Labels::from_pairs(labels)));
        let n = seen.entry(key.clone()).or_default();
        *n += 1;
        format!("{key};{n}")
    });
    keys.collect()
}

fn key(rule: &str, labels: &Labels) -> String {
    format!("{rule};{}", Fingerprint::of(labels))
}

fn forget(key: String) -> Write {
    Write::Delete { kind: ALERTS, key }
}

fn record(rule: &str, change: &Change) -> Write {
    let key = key(rule, &change.labels);
    let Some(alert) = &change.now else { return forget(key) };
    let stored = StoredAlert {
        rule: rule.to_owned(),
        labels: map(&alert.labels),
        annotations: kept_annotations(&alert.annotations),
        value: float(&alert.value),
        state: alert.state.as_str().to_owned(),
        active_at_ms: alert.active_at_ms,
        fired_at_ms: alert.fired_at_ms,
        resolved_at_ms: alert.resolved_at_ms,
        keep_firing_since_ms: alert.keep_firing_since_ms,
    };
    Write::Put { kind: ALERTS, key, value: json(&stored) }
}

/// The changes of the states of alerts of a rule at one time; what else has changed is nothing that happened.
fn event(running: &Running, part: &[Happened]) -> Option<Write> {
    let Happened { rule, at_ms, .. } = part.first()?;
    let name = running.group.definition().rules[*rule].name();
    let rule =
        RuleName { file: running.file.clone(), group: running.name().to_owned(), name: name.to_owned() };
    let changed = part.iter().map(|it| &it.change).filter(|change| change.from != change.to());
    let events: Vec<AlertEvent> = changed.map(|change| alert_event(&rule, change)).collect();
    (!events.is_empty()).then(|| {
        let (subject, value) = (name.to_owned(), json(&events));
        Write::Event(Event { kind: EVENTS.into(), at_ms: *at_ms, subject, value })
    })
}

fn alert_event(rule: &RuleName, change: &Change) -> AlertEvent {
    let now = change.now.as_ref();
    AlertEvent {
        labels: map(&change.labels),
        from: change.from.as_str().to_owned(),
        to: change.to().as_str().to_owned(),
        value: now.map(|alert| float(&alert.value)).unwrap_or_default(),
        annotations: now.map(|alert| kept_annotations(&alert.annotations)).unwrap_or_default(),
        rule: rule.clone(),
    }
}

/// The texts in the order of their names, without those for which there is no room.
fn kept_annotations(annotations: &Labels) -> BTreeMap<String, String> {
    let mut room = ANNOTATION_BYTES;
    let mut kept = map(annotations);
    kept.retain(|name, text| {
        let left = room.checked_sub(name.len() + text.len());
        room = left.unwrap_or(room);
        left.is_some()
    });
    kept
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|e| unreachable!("BUG: texts and numbers are JSON: {e}"))
}

fn map(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|l| (l.name.to_owned(), l.value.to_owned())).collect()
}

/// The number, or how many observations there are.
fn float(value: &Value) -> String {
    match value {
        Value::Float(v) => format_float(*v),
        Value::Histogram(h) => format_float(h.count),
    }
}

impl StoredAlert {
    fn into_alert(self) -> ActiveAlert {
        let state = match self.state.as_str() {
            "pending" => AlertState::Pending,
            "firing" => AlertState::Firing,
            _ => AlertState::Inactive,
        };
        ActiveAlert {
            labels: Labels::from_pairs(&self.labels),
            annotations: Labels::from_pairs(&self.annotations),
            value: Value::Float(parse_float(&self.value).unwrap_or(f64::NAN)),
            state,
            active_at_ms: self.active_at_ms,
            fired_at_ms: self.fired_at_ms,
            resolved_at_ms: self.resolved_at_ms,
            keep_firing_since_ms: self.keep_firing_since_ms,
            last_sent_at_ms: None,
            is_restored: false,
        }
    }
}

//! Inhibition: alerts about which nobody is told while another one fires that explains them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bellwether_model::{Alert, Fingerprint, Labels};

use crate::matcher::{Matcher, all_match};

/// While an alert of the one kind fires, alerts of the other kind that agree with it on some labels are muted.
#[derive(Debug, Clone, PartialEq)]
pub struct InhibitRule {
    /// Which alerts mute others.
    pub source: Vec<Matcher>,
    /// Which alerts are muted.
    pub target: Vec<Matcher>,
    /// On which labels they must agree. A label that both lack is agreed on.
    pub equal: BTreeSet<String>,
    /// Whether the program brought it, and no configuration.
    pub is_built_in: bool,
}

/// The rules, and the alerts that mute others by them.
#[derive(Debug)]
pub struct Inhibitor {
    rules: Vec<State>,
}

#[derive(Debug)]
struct State {
    rule: InhibitRule,
    /// By the values of the labels in `equal`: all alerts that match the source side.
    sources: HashMap<Vec<String>, BTreeMap<Fingerprint, Source>>,
}

#[derive(Debug)]
struct Source {
    ends_at_ms: Option<i64>,
    /// It matches the other side as well, and then mutes no alert that does so too.
    is_target: bool,
}

impl Inhibitor {
    /// Rules that have seen no alert.
    pub fn new(rules: Vec<InhibitRule>) -> Self {
        let state = |rule| State { rule, sources: HashMap::new() };
        Self { rules: rules.into_iter().map(state).collect() }
    }

    /// Takes note of an alert, in place of the one with the same labels.
    pub fn see(&mut self, alert: &Alert) {
        for state in &mut self.rules {
            if all_match(&state.rule.source, &alert.labels) {
                let is_target = all_match(&state.rule.target, &alert.labels);
                let source = Source { ends_at_ms: alert.ends_at_ms, is_target };
                let key = state.rule.key(&alert.labels);
                state.sources.entry(key).or_default().insert(alert.fingerprint(), source);
            }
        }
    }

    /// The alerts that mute one with these labels at `now_ms`, each once.
    pub fn inhibiting(&self, labels: &Labels, now_ms: i64) -> BTreeSet<Fingerprint> {
        let muted_by = self.rules.iter().filter(|state| all_match(&state.rule.target, labels));
        muted_by.flat_map(|state| state.active(labels, now_ms)).collect()
    }

    /// Whether an alert with these labels is muted at `now_ms`.
    pub fn is_inhibited(&self, labels: &Labels, now_ms: i64) -> bool {
        let mut rules = self.rules.iter().filter(|state| all_match(&state.rule.target, labels));
        rules.any(|state| state.active(labels, now_ms).next().is_some())
    }

    /// Forgets alerts that were over before `now_ms`.
    pub fn forget_resolved(&mut self, now_ms: i64) {
        for state in &mut self.rules {
            state.sources.retain(|_, sources| {
                sources.retain(|_, source| source.is_active(now_ms));
                !sources.is_empty()
            });
        }
    }
}

impl State {
    /// The alerts that mute one with these labels, which matches the target side.
    fn active(&self, labels: &Labels, now_ms: i64) -> impl Iterator<Item = Fingerprint> {
        let is_source = all_match(&self.rule.source, labels);
        let sources = self.sources.get(&self.rule.key(labels)).into_iter().flatten();
        sources
            .filter(move |(_, source)| source.is_active(now_ms) && !(is_source && source.is_target))
            .map(|(fingerprint, _)| *fingerprint)
    }
}

impl Source {
    fn is_active(&self, now_ms: i64) -> bool {
        self.ends_at_ms.is_none_or(|end| end > now_ms)
    }
}

impl InhibitRule {
    /// The values that must be equal.
    fn key(&self, labels: &Labels) -> Vec<String> {
        self.equal.iter().map(|name| labels.get(name).unwrap_or("").to_owned()).collect()
    }
}

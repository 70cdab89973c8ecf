use std::collections::BTreeMap;

use bellwether_rules::RuleKind;

use super::{Found, Scene};
use crate::source::SourceRule;

/// What no two rules should have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'s> {
    /// The condition of an alert, and how long it must hold, in milliseconds.
    Condition(String, i64),
    /// A recorded series: its name, and the labels of its rule and its group.
    Series(&'s str, [&'s BTreeMap<String, String>; 2]),
}

/// Rules that are there twice, alerts with the same condition, and recorded series that two rules write.
pub(super) fn rules(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut known: BTreeMap<Key<'_>, &SourceRule<'_>> = BTreeMap::new();
    for rule in &scene.rules {
        let key = match &rule.rule.kind {
            RuleKind::Alerting { for_ms, .. } => Key::Condition(rule.rule.expr.to_string(), *for_ms),
            RuleKind::Recording { record } => Key::Series(record, labels(rule)),
        };
        let first = *known.entry(key).or_insert(rule);
        if first != rule {
            found.push(Found::at(rule.at_name(), rule, likeness(first, rule), "keep one of them"));
        }
    }
    found
}

fn labels<'s>(rule: &SourceRule<'s>) -> [&'s BTreeMap<String, String>; 2] {
    [&rule.rule.labels, &rule.group.labels]
}

/// In what a rule is like the first one with the same key.
fn likeness(first: &SourceRule<'_>, rule: &SourceRule<'_>) -> String {
    let (one, other, place) = (first.rule.name(), rule.rule.name(), first.at_name());
    match rule.rule.kind {
        RuleKind::Alerting { .. } if one == other && labels(first) == labels(rule) => {
            format!("{other} is there twice, first in {place}")
        }
        RuleKind::Alerting { .. } => {
            format!("{other} has the same condition as {one} in {place}, so both tell the same")
        }
        RuleKind::Recording { .. } if first.rule.expr.eq_ignoring_spans(&rule.rule.expr) => {
            format!("{other} is recorded twice, first in {place}")
        }
        RuleKind::Recording { .. } => {
            format!("{other} is recorded by two rules with different expressions, first in {place}")
        }
    }
}

use std::collections::BTreeMap;

use bellwether_rules::RuleKind;

use super::{Found, Scene};
use crate::source::SourceRule;

/// Rules that are there twice, alerts with the same condition, and recorded series that two rules write.
pub(super) fn rules(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut known: BTreeMap<(bool, String), Vec<&SourceRule<'_>>> = BTreeMap::new();
    for rule in &scene.rules {
        let key = match &rule.rule.kind {
            RuleKind::Alerting { .. } => (true, rule.rule.expr.to_string()),
            RuleKind::Recording { record } => (false, record.clone()),
        };
        let before = known.entry(key).or_default();
        if let Some(message) = before.iter().find_map(|first| likeness(first, rule)) {
            found.push(Found::at(rule.at_name(), rule, message, "keep one of them"));
        }
        before.push(rule);
    }
    found
}

/// In what a rule is like one before it with the same condition, or of the same recorded name.
fn likeness(first: &SourceRule<'_>, rule: &SourceRule<'_>) -> Option<String> {
    let place = first.at_name();
    let same_labels = first.rule.labels == rule.rule.labels && first.group.labels == rule.group.labels;
    match (&first.rule.kind, &rule.rule.kind) {
        (
            RuleKind::Alerting { alert: one, for_ms: one_for, .. },
            RuleKind::Alerting { alert: other, for_ms: other_for, .. },
        ) => {
            let same_time = one_for == other_for;
            if one == other && same_labels && same_time {
                Some(format!("{other} is there twice, first in {place}"))
            } else {
                same_time.then(|| {
                    format!("{other} has the same condition as {one} in {place}, so both tell the same")
                })
            }
        }
        (RuleKind::Recording { record }, RuleKind::Recording { .. }) if same_labels => {
            let same = first.rule.expr.eq_ignoring_spans(&rule.rule.expr);
            let what = if same {
                "is recorded twice"
            } else {
                "is recorded by two rules with different expressions"
            };
            Some(format!("{record} {what}, first in {place}"))
        }
        _ => None,
    }
}

//! Labels and annotations that are demanded of alerts.

use std::collections::BTreeMap;

use bellwether_rules::RuleKind;

use super::{Found, Scene};
use crate::options::Demand;
use crate::source::SourceRule;

pub(super) fn labels(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        let mut all = rule.group.labels.clone();
        all.extend(rule.rule.labels.clone());
        check(rule, "labels", "label", &all, &scene.options.labels, &mut found);
    }
    found
}

pub(super) fn annotations(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        if let RuleKind::Alerting { annotations, .. } = &rule.rule.kind {
            check(rule, "annotations", "annotation", annotations, &scene.options.annotations, &mut found);
        }
    }
    found
}

fn check(
    rule: &SourceRule<'_>,
    map: &str,
    what: &str,
    texts: &BTreeMap<String, String>,
    demands: &[Demand],
    found: &mut Vec<Found>,
) {
    for Demand { name, pattern } in demands {
        // Alerts of objectives say it so, since routes may want `severity` for something else.
        let is_severity = map == "labels" && name == "severity" && pattern.is_none();
        if is_severity && texts.contains_key("slo_severity") {
            continue;
        }
        match texts.get(name).filter(|text| !text.trim().is_empty()) {
            None => {
                let message = format!("the alert has no {what} {name:?}");
                found.push(Found::at(rule.at_name(), rule, message, format!("give it in `{map}`")));
            }
            // What a template makes is not known yet.
            Some(text) if text.contains("{{") => {}
            Some(text) => {
                let Some(pattern) = pattern.as_ref().filter(|pattern| !pattern.is_match(text)) else {
                    continue;
                };
                let message =
                    format!("{what} {name:?} is {text:?}, which {:?} does not match", pattern.pattern());
                found.push(Found::at(rule.at_entry(map, name), rule, message, "correct it"));
            }
        }
    }
}

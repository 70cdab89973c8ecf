//! Labels in templates and selectors.

use std::collections::BTreeMap;

use bellwether_model::MatchOp;
use bellwether_promql::syntax::AggregateExpr;
use bellwether_rules::{RuleKind, rule_template};

use super::possible::{left_out_by, possible_labels};
use super::{Found, Scene};
use crate::finding::Place;
use crate::source::SourceRule;

/// A label that a template of an alert uses.
struct LabelUse {
    label: String,
    /// `annotation "summary"`
    owner: String,
    place: Place,
}

/// The labels of the result that the templates of an alert use, each once in a text.
fn label_uses(rule: &SourceRule<'_>) -> Vec<LabelUse> {
    let RuleKind::Alerting { alert, annotations, .. } = &rule.rule.kind else { return Vec::new() };
    let mut uses: Vec<LabelUse> = Vec::new();
    let texts: [(&str, &str, &BTreeMap<String, String>); 2] =
        [("label", "labels", &rule.rule.labels), ("annotation", "annotations", annotations)];
    for (what, map, texts) in texts {
        for (name, text) in texts {
            let Ok(template) = rule_template(alert, text) else { continue };
            let owner = format!("{what} {name:?}");
            for reference in template.references() {
                let label = match reference.path.as_slice() {
                    [variable, label, ..] if variable == "$labels" => label,
                    [root, labels, label, ..]
                        if labels == "Labels" && (root == "$" || (root == "." && reference.dot_is_data)) =>
                    {
                        label
                    }
                    _ => continue,
                };
                if !uses.iter().any(|used| used.owner == owner && used.label == *label) {
                    uses.push(LabelUse {
                        label: label.clone(),
                        owner: owner.clone(),
                        place: rule.at_entry(map, name),
                    });
                }
            }
        }
    }
    uses
}

pub(super) fn stripped(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        let possible = possible_labels(&rule.rule.expr);
        for LabelUse { label, owner, place } in label_uses(rule) {
            if possible.may_have(&label) || sets(rule, &label) {
                continue;
            }
            let Some(aggregate) = left_out_by(&rule.rule.expr, &label) else { continue };
            let message = format!("{owner} uses the label {label:?}, which `{}` leaves out", head(aggregate));
            let remedy = format!("keep {label:?} there, or leave it out of the text");
            found.push(Found::at(place, rule, message, remedy));
        }
    }
    found
}

/// Whether the alert gets the label from its rule.
fn sets(rule: &SourceRule<'_>, label: &str) -> bool {
    rule.rule.labels.contains_key(label) || rule.group.labels.contains_key(label)
}

/// `sum by (job)`
fn head(aggregate: &AggregateExpr) -> String {
    let how = if aggregate.without { "without" } else { "by" };
    match aggregate.grouping.as_slice() {
        [] if !aggregate.without => aggregate.op.as_str().to_owned(),
        labels => format!("{} {how} ({})", aggregate.op.as_str(), labels.join(", ")),
    }
}

pub(super) fn impossible(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        let possible = possible_labels(&rule.rule.expr);
        for LabelUse { label, owner, place } in label_uses(rule) {
            let (why, remedy) = if label == "alertname" {
                ("the name of the alert is no label of the result".to_owned(), "write the name")
            } else if possible.may_have(&label) {
                // A label that the alert sets itself is hardly ever one of the result, but may be.
                continue;
            } else if sets(rule, &label) {
                (
                    "templates see the labels of the result, not those that the rule sets".to_owned(),
                    "write its value",
                )
            } else if left_out_by(&rule.rule.expr, &label).is_some() {
                // That is a finding of another rule.
                continue;
            } else {
                (format!("no series of {} has it", rule.rule.expr), "leave it out of the text")
            };
            let message = format!("{owner} uses the label {label:?}, which cannot be there: {why}");
            found.push(Found::at(place, rule, message, remedy));
        }
    }
    found
}

pub(super) fn external(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in &scene.rules {
        for used in rule.rule.expr.selectors() {
            let asked = used.selector.matchers.iter().find(|matcher| {
                scene.options.is_external(matcher.name())
                    && matcher.op() != MatchOp::Nre
                    && !matcher.matches_empty()
            });
            let Some(matcher) = asked else { continue };
            let message = format!(
                "{matcher} asks for an external label, which this server's own series do not have: there is no result"
            );
            found.push(Found::in_expr(rule, used.span, message, "leave the matcher out"));
        }
    }
    found
}

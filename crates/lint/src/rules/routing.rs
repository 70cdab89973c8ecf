//! Whether alerts get to somebody, as far as their labels are known before they fire.

use std::collections::BTreeSet;

use bellwether_alerts::matcher::Matcher;
use bellwether_alerts::route::{GroupBy, Route};
use bellwether_rules::{Rule, RuleGroup, RuleKind};

use super::possible::{PossibleLabels, left_out_by, possible_labels};
use super::{Found, Scene};
use crate::finding::{Place, Severity};
use crate::options::{AlertmanagerFile, Options};
use crate::source::SourceRule;

/// What is known about a label of an alert that has not fired yet.
enum Known {
    /// It has this value; empty if it cannot be there.
    Value(String),
    /// It may have any.
    Open,
}

/// The labels of the alerts of one rule.
struct AlertLabels<'s> {
    group: &'s RuleGroup,
    rule: &'s Rule,
    of_result: PossibleLabels,
    options: &'s Options,
}

impl<'s> AlertLabels<'s> {
    fn new((group, rule): (&'s RuleGroup, &'s Rule), options: &'s Options) -> Self {
        Self { group, rule, of_result: possible_labels(&rule.expr), options }
    }

    fn label(&self, name: &str) -> Known {
        if name == "alertname" {
            return Known::Value(self.rule.name().to_owned());
        }
        match self.rule.labels.get(name).or_else(|| self.group.labels.get(name)) {
            Some(text) if text.contains("{{") => return Known::Open,
            Some(text) => return Known::Value(text.clone()),
            None => {}
        }
        match self.options.external_labels.get(name) {
            _ if self.of_result.may_have(name) => Known::Open,
            Some(value) => Known::Value(value.clone()),
            None => Known::Value(String::new()),
        }
    }

    fn may_match(&self, matcher: &Matcher) -> bool {
        match self.label(matcher.name()) {
            Known::Value(value) => matcher.matches(&value),
            Known::Open => true,
        }
    }

    fn is_open(&self, matcher: &Matcher) -> bool {
        matches!(self.label(matcher.name()), Known::Open)
    }

    /// The routes by which these alerts may go; which of them they take depends on labels that are open.
    fn routes<'r>(&self, root: &'r Route) -> Vec<&'r Route> {
        let mut found = Vec::new();
        self.walk(root, &mut found);
        found
    }

    fn walk<'r>(&self, route: &'r Route, found: &mut Vec<&'r Route>) -> Reach {
        if !route.matchers.iter().all(|matcher| self.may_match(matcher)) {
            return Reach::Never;
        }
        let mut taken = false;
        for child in &route.routes {
            let reach = self.walk(child, found);
            taken |= reach == Reach::Always;
            if reach == Reach::Always && !child.continues {
                break;
            }
        }
        if !taken {
            found.push(route);
        }
        if route.matchers.iter().any(|matcher| self.is_open(matcher)) { Reach::Maybe } else { Reach::Always }
    }
}

/// Whether alerts come to a route.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Never,
    Maybe,
    Always,
}

/// A rule, its alerts, and the routes by which they may go.
type Routed<'s> = (SourceRule<'s>, AlertLabels<'s>, Vec<&'s Route>);

/// Each alert with the routes by which it may go.
fn routed<'s>(scene: &'s Scene<'s>) -> Option<(&'s AlertmanagerFile, Vec<Routed<'s>>)> {
    let file = scene.options.alertmanager.as_ref()?;
    let alerts = scene.alerts().map(|rule| {
        let labels = AlertLabels::new((rule.group, rule.rule), scene.options);
        let routes = labels.routes(&file.config.route);
        (*rule, labels, routes)
    });
    Some((file, alerts.collect()))
}

pub(super) fn label_missing(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let Some((file, alerts)) = routed(scene) else { return found };
    let in_use = file.labels_in_use();
    for (rule, labels, routes) in &alerts {
        let cannot_have = |label: &str| {
            matches!(labels.label(label), Known::Value(value) if value.is_empty())
                && left_out_by(&rule.rule.expr, label).is_some()
        };
        let is_only_at_root = routes.iter().all(|route| route.key == file.config.route.key);
        let missing: Vec<&str> = in_use.iter().copied().filter(|label| cannot_have(label)).collect();
        if is_only_at_root && !missing.is_empty() {
            let message = format!(
                "the expression leaves out {}, which routes of {} look at, so the alert goes to the default receiver {:?}",
                list(&missing),
                file.name,
                file.config.route.options.receiver
            );
            let remedy = "keep the label in the aggregation, or set it in `labels`";
            found.push(Found::at(rule.at_field("expr"), rule, message, remedy));
        }
        let grouped: BTreeSet<&str> = routes
            .iter()
            .filter_map(|route| match &route.options.group_by {
                GroupBy::Labels(labels) => Some(labels.iter().map(String::as_str)),
                GroupBy::All => None,
            })
            .flatten()
            .filter(|label| cannot_have(label))
            .collect();
        if !grouped.is_empty() {
            let grouped: Vec<&str> = grouped.into_iter().collect();
            let message = format!(
                "the expression leaves out {}, by which {} groups notifications",
                list(&grouped),
                file.name
            );
            let remedy = "keep the label in the aggregation if notifications should be apart by it";
            found.push(Found::at(rule.at_field("expr"), rule, message, remedy).with_severity(Severity::Info));
        }
    }
    found
}

fn list(labels: &[&str]) -> String {
    labels.iter().map(|label| format!("{label:?}")).collect::<Vec<_>>().join(", ")
}

pub(super) fn unrouted(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let Some((file, alerts)) = routed(scene) else { return found };
    let root = &file.config.route;
    for (rule, _, routes) in &alerts {
        if !root.routes.is_empty() && routes.iter().all(|route| route.key == root.key) {
            let RuleKind::Alerting { alert, .. } = &rule.rule.kind else { continue };
            let message = format!(
                "no route of {} but the default one takes {alert}: {:?} is told",
                file.name, root.options.receiver
            );
            let remedy = "give the alert a label that a route looks at, if somebody else is meant";
            found.push(Found::at(rule.at_name(), rule, message, remedy));
        }
    }
    found
}

pub(super) fn unreached(scene: &Scene<'_>) -> Vec<Found> {
    let Some((file, alerts)) = routed(scene) else { return Vec::new() };
    let of_files = alerts.into_iter().flat_map(|(.., routes)| routes);
    let others = scene.options.rules_elsewhere().filter(|(_, rule)| rule.is_alerting());
    let of_others = others.flat_map(|rule| AlertLabels::new(rule, scene.options).routes(&file.config.route));
    let told: BTreeSet<&str> =
        of_files.chain(of_others).map(|route| route.options.receiver.as_str()).collect();
    // The default receiver is there for alerts that no file knows, and one without integrations tells nobody anyhow.
    let default = file.config.route.options.receiver.as_str();
    let is_idle = |name: &str, n_ways: usize| n_ways > 0 && name != default && !told.contains(name);
    let idle = file.config.receivers.iter().filter(|it| is_idle(&it.name, it.integrations.len()));
    let idle = idle.map(|receiver| {
        let message =
            format!("receiver {:?} is told of none of the alerts of these rule files", receiver.name);
        Found::elsewhere(Place::file(&file.name), message, "correct its routes, or remove it")
    });
    idle.collect()
}

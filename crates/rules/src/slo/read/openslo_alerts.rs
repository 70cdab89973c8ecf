//! The objects of OpenSLO that say who is told, and when.

use std::borrow::Cow;

use bellwether_model::format_duration_ms;
use bellwether_yaml::{At, Decode, Errors, MapReader, Node, Reported};

use super::fields::Pairs;
use super::openslo::{Either, Objects, found, is_known};
use super::openslo_parts::duration_ms;
use crate::slo::alerting::{Alerting, BurnCondition};
use crate::slo::compile::WINDOWS_MS;

/// A policy: conditions, and whom they concern.
pub(super) struct Policy<'d> {
    when_no_data: bool,
    when_breaching: bool,
    conditions: Vec<Node<'d>>,
    targets: Vec<Node<'d>>,
}

impl<'d> Decode<'d> for Policy<'d> {
    fn type_name() -> Cow<'static, str> {
        "openslo.AlertPolicySpec".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.AlertPolicySpec", errors)?;
        let _: Option<String> = map.optional("description");
        // Whether an end is told is up to the receivers of the Alertmanager, which do so unless told otherwise.
        if let Some(resolved) = map.optional::<At<'_, bool>>("alertWhenResolved").filter(|at| !at.value) {
            let why = "the end of an alert is told by the receiver; leave this out and set `send_resolved: false` there";
            map.reject(resolved.node, why);
        }
        let policy = Self {
            when_no_data: map.or("alertWhenNoData", false),
            when_breaching: map.or("alertWhenBreaching", true),
            conditions: map.list("conditions", "a condition is an object or names one"),
            targets: map.list("notificationTargets", "a target is an object or names one"),
        };
        if policy.conditions.is_empty() && policy.when_breaching {
            map.reject(node, "a policy needs `conditions`");
        }
        map.finish()?;
        Ok(policy)
    }
}

/// A condition on the speed at which the budget burns.
pub(super) struct Condition {
    severity: String,
    description: String,
    op: &'static str,
    threshold: f64,
    window_ms: i64,
    after_ms: i64,
}

impl<'d> Decode<'d> for Condition {
    fn type_name() -> Cow<'static, str> {
        "openslo.AlertConditionSpec".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.AlertConditionSpec", errors)?;
        let severity: Option<String> = map.required("severity");
        let description = map.or_default("description");
        let burn: Option<BurnRate> = map.required("condition");
        map.finish()?;
        let BurnRate { op, threshold, window_ms, after_ms } =
            burn.expect("BUG: `finish` reports a missing condition");
        Ok(Self { severity: severity.unwrap_or_default(), description, op, threshold, window_ms, after_ms })
    }
}

struct BurnRate {
    op: &'static str,
    threshold: f64,
    window_ms: i64,
    after_ms: i64,
}

impl<'d> Decode<'d> for BurnRate {
    fn type_name() -> Cow<'static, str> {
        "openslo.Condition".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.Condition", errors)?;
        let kind: Option<At<'_, String>> = map.optional("kind");
        if let Some(kind) = kind.filter(|kind| kind.value != "burnrate") {
            map.reject(kind.node, "conditions are of kind burnrate");
        }
        let op = map.parse_or("op", ">=", comparison);
        let threshold: Option<f64> = map.required("threshold");
        if threshold.is_some_and(|threshold| !(0.0..1e9).contains(&threshold)) {
            map.reject(map.place("threshold"), "a speed is a number from 0 on, such as 14.4");
        }
        let window_ms = map.parse_or("lookbackWindow", 3_600_000, duration_ms);
        let after_ms = map.parse_or("alertAfter", 0, duration_ms);
        if !WINDOWS_MS.contains(&window_ms) && !map.has_failed() {
            let known: Vec<String> = WINDOWS_MS.iter().map(|ms| format_duration_ms(*ms)).collect();
            let place = map.place("lookbackWindow");
            map.reject(place, format!("windows are recorded of {}; write one of these", known.join(", ")));
        }
        map.finish()?;
        Ok(Self {
            op,
            threshold: threshold.expect("BUG: `finish` reports a missing threshold"),
            window_ms,
            after_ms,
        })
    }
}

fn comparison(op: &str) -> Result<&'static str, String> {
    match op {
        "gte" => Ok(">="),
        "gt" => Ok(">"),
        "lte" => Ok("<="),
        "lt" => Ok("<"),
        _ => Err(format!("{op:?} is no comparison; they are lte, lt, gte and gt")),
    }
}

/// Who is told. Routes are the Alertmanager's, which finds the names in the label `slo_notify`.
pub(super) struct Target;

impl<'d> Decode<'d> for Target {
    fn type_name() -> Cow<'static, str> {
        "openslo.AlertNotificationTargetSpec".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.AlertNotificationTargetSpec", errors)?;
        let _: Option<String> = map.optional("description");
        let _: Option<String> = map.required("target");
        map.finish()?;
        Ok(Self)
    }
}

/// Adds what a policy asks for.
pub(super) fn add_policy(
    policy: &Policy<'_>,
    objects: &Objects<'_>,
    alerting: &mut Alerting,
    errors: &mut Errors,
) {
    if policy.when_no_data {
        alerting.absent.disabled = false;
    }
    let mut names = Vec::new();
    for target in &policy.targets {
        let name = match Either::<Target>::decode(*target, errors) {
            Ok(Either::Here(object)) => Some(object.metadata.name),
            Ok(Either::Named(name)) => {
                let kind = "AlertNotificationTarget";
                is_known(&name, kind, objects.targets.iter(), errors).then(|| name.value.clone())
            }
            Err(_) => None,
        };
        names.extend(name);
    }
    let labels: Pairs =
        if names.is_empty() { Pairs::new() } else { [("slo_notify".to_owned(), names.join(","))].into() };
    alerting.absent.labels.extend(labels.clone());
    for condition in policy.conditions.iter().filter(|_| policy.when_breaching) {
        match Either::<Condition>::decode(*condition, errors) {
            Ok(Either::Here(object)) => {
                alerting.conditions.push(object.spec.to_alert(&object.metadata.name, &labels));
            }
            Ok(Either::Named(name)) => {
                if let Some(condition) = found(&name, "AlertCondition", &objects.conditions, errors) {
                    alerting.conditions.push(condition.to_alert(&name.value, &labels));
                }
            }
            Err(_) => {}
        }
    }
    if !policy.when_breaching {
        // Without conditions the usual alerts would stand in.
        alerting.page.disabled = true;
        alerting.ticket.disabled = true;
    }
}

impl Condition {
    fn to_alert(&self, name: &str, labels: &Pairs) -> BurnCondition {
        let description =
            (!self.description.is_empty()).then(|| ("description".to_owned(), self.description.clone()));
        BurnCondition {
            name: name.to_owned(),
            severity: self.severity.clone(),
            window_ms: self.window_ms,
            op: self.op,
            factor: self.threshold,
            for_ms: self.after_ms,
            labels: labels.clone(),
            annotations: description.into_iter().collect(),
        }
    }
}

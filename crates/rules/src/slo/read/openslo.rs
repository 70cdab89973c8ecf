//! OpenSLO v1. All objects of a file belong together: an objective may name an indicator or an alert policy that stands in another document of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_yaml::{At, Decode, Errors, Kind, MapReader, Node, Reported, nearest};

use super::fields::{Name, Pairs, Share};
use super::openslo_alerts::{Condition, Policy, Target, add_policy};
use super::openslo_parts::{DataSource, Metadata, Service, Sli, TimeWindow, duration_ms};
use crate::slo::alerting::Alerting;
use crate::slo::indicator::Budgeting;
use crate::slo::objective::{Objective, Window};

/// The objects of a file that others may name.
#[derive(Default)]
pub(super) struct Objects<'d> {
    slis: BTreeMap<String, Sli<'d>>,
    pub(super) policies: BTreeMap<String, Policy<'d>>,
    pub(super) conditions: BTreeMap<String, Condition>,
    pub(super) targets: BTreeSet<String>,
}

/// An object with its name.
pub(super) struct Object<'d, T> {
    pub(super) metadata: Metadata,
    pub(super) spec: T,
    pub(super) node: Node<'d>,
}

impl<'d, T: Decode<'d>> Decode<'d> for Object<'d, T> {
    fn type_name() -> Cow<'static, str> {
        "openslo.Object".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.Object", errors)?;
        // Objects inside others need not repeat these.
        let version: Option<At<'_, String>> = map.optional("apiVersion");
        if let Some(version) = version.filter(|version| version.value != "openslo/v1") {
            map.reject(version.node, "only version openslo/v1 is read");
        }
        let _: Option<String> = map.optional("kind");
        let metadata = map.required("metadata");
        let spec = map.required("spec");
        map.finish()?;
        Ok(Self {
            metadata: metadata.expect("BUG: `finish` reports missing metadata"),
            spec: spec.expect("BUG: `finish` reports a missing spec"),
            node,
        })
    }
}

/// The objectives of the documents of a file; those that could not be read are in the errors.
pub(super) fn read<'d>(roots: &[Node<'d>], errors: &mut Errors) -> Vec<Objective> {
    let mut objects = Objects::default();
    let mut slos: Vec<Object<'d, Slo<'d>>> = Vec::new();
    for &root in roots {
        let place = root.place("kind");
        let kind = place.scalar().map(|kind| kind.text).unwrap_or_default();
        match kind {
            "SLO" => slos.extend(Object::decode(root, errors)),
            "SLI" => keep(root, &mut objects.slis, errors),
            "AlertPolicy" => keep(root, &mut objects.policies, errors),
            "AlertCondition" => keep(root, &mut objects.conditions, errors),
            "AlertNotificationTarget" => {
                let target = Object::<Target>::decode(root, errors);
                objects.targets.extend(target.map(|target| target.metadata.name));
            }
            // An objective names a service whether it is described or not; and every query is asked here, so that a source only has to be one that speaks PromQL. Both are looked
            // at for mistakes.
            "Service" => drop(Object::<Service>::decode(root, errors)),
            "DataSource" => drop(Object::<DataSource>::decode(root, errors)),
            _ => {
                let why = format!("{kind:?} is no kind of OpenSLO v1; the kinds are {}", KINDS.join(", "));
                errors.reject(place, why);
            }
        }
    }
    if !errors.is_empty() {
        // What could not be read would be missed below, which is no mistake of its own.
        return Vec::new();
    }
    slos.iter().flat_map(|slo| objectives(slo, &objects, errors)).collect()
}

const KINDS: [&str; 7] =
    ["SLO", "SLI", "Service", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "DataSource"];

/// Reads an object and puts it where others find it by its name.
fn keep<'d, T: Decode<'d>>(root: Node<'d>, into: &mut BTreeMap<String, T>, errors: &mut Errors) {
    let Ok(object) = Object::<T>::decode(root, errors) else { return };
    let name = object.metadata.name;
    if into.contains_key(&name) {
        errors.reject(
            root,
            format!("there is another object called {name:?} of this kind in the file; rename one of them"),
        );
    }
    into.insert(name, object.spec);
}

/// What a field names.
pub(super) fn found<'o, T>(
    name: &At<'_, String>,
    kind: &str,
    among: &'o BTreeMap<String, T>,
    errors: &mut Errors,
) -> Option<&'o T> {
    is_known(name, kind, among.keys(), errors).then(|| &among[&name.value])
}

/// Whether a field names one of `known`. If not, the reason is in the errors.
pub(super) fn is_known<'k>(
    name: &At<'_, String>,
    kind: &str,
    known: impl Iterator<Item = &'k String> + Clone,
    errors: &mut Errors,
) -> bool {
    if known.clone().any(|known| *known == name.value) {
        return true;
    }
    let near = nearest(&name.value, known.map(String::as_str));
    let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
    let why = format!(
        "there is no {kind} {:?} in this file{near}; an objective and what it names stand in one file",
        name.value
    );
    errors.reject(name.node, why);
    false
}

/// The spec of an objective.
struct Slo<'d> {
    description: String,
    service: Option<Name>,
    indicator: Option<Object<'d, Sli<'d>>>,
    indicator_ref: Option<At<'d, String>>,
    window: Option<Window>,
    budgeting: Method,
    targets: Vec<TargetShare<'d>>,
    policies: Vec<Node<'d>>,
}

/// The budgeting method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Occurrences,
    Timeslices,
    RatioTimeslices,
}

impl<'d> Decode<'d> for Slo<'d> {
    fn type_name() -> Cow<'static, str> {
        "openslo.SLOSpec".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.SLOSpec", errors)?;
        let slo = Self {
            description: map.or_default("description"),
            service: map.optional("service"),
            indicator: map.optional("indicator"),
            indicator_ref: map.optional("indicatorRef"),
            window: one_window(&mut map),
            budgeting: map.parse_optional("budgetingMethod", method).unwrap_or(Method::Occurrences),
            targets: map.list("objectives", "an objective needs a target"),
            policies: map.list("alertPolicies", "an alert policy is a name or an object"),
        };
        if slo.indicator.is_some() == slo.indicator_ref.is_some() && !map.has_failed() {
            map.reject(node, "an objective has either `indicator` or `indicatorRef`");
        }
        if slo.targets.is_empty() && !map.has_failed() {
            let place = map.place("objectives");
            map.reject(place, "an SLO has at least one of `objectives`, with a `target`");
        }
        map.finish()?;
        Ok(slo)
    }
}

fn method(text: &str) -> Result<Method, String> {
    match text {
        "Occurrences" => Ok(Method::Occurrences),
        "Timeslices" => Ok(Method::Timeslices),
        "RatioTimeslices" => Ok(Method::RatioTimeslices),
        _ => Err(format!(
            "{text:?} is no budgeting method; they are Occurrences, Timeslices and RatioTimeslices"
        )),
    }
}

fn one_window(map: &mut MapReader<'_, '_>) -> Option<Window> {
    let windows: Vec<TimeWindow> = map.list("timeWindow", "a window needs a duration");
    match &windows[..] {
        [one] => Some(one.0),
        _ if map.has_failed() => None,
        _ => {
            let place = map.place("timeWindow");
            map.reject(place, "an SLO has one `timeWindow`, such as [{duration: 30d, isRolling: true}]");
            None
        }
    }
}

/// One of the objectives of an SLO.
struct TargetShare<'d> {
    display_name: String,
    target: f64,
    slice_ms: i64,
    slice_target: Option<f64>,
    bad_if: Option<&'static str>,
    value: Option<f64>,
    node: Node<'d>,
}

impl<'d> Decode<'d> for TargetShare<'d> {
    fn type_name() -> Cow<'static, str> {
        "openslo.Objective".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.Objective", errors)?;
        let (target, percent): (Option<Share>, Option<super::fields::Percent>) =
            (map.optional("target"), map.optional("targetPercent"));
        for unknown in ["compositeWeight", "indicator", "indicatorRef"] {
            if let Some(found) = map.get(unknown) {
                map.reject(found, "composite SLOs are not supported; write an SLO for each part");
            }
        }
        let target = match (target, percent) {
            (Some(target), None) => target.0,
            (None, Some(percent)) => percent.0,
            _ => {
                if !map.has_failed() {
                    map.reject(
                        node,
                        "an objective has either `target`, a share such as 0.999, or `targetPercent`",
                    );
                }
                0.0
            }
        };
        let objective = Self {
            display_name: map.or_default("displayName"),
            target,
            slice_ms: map.parse_or("timeSliceWindow", 60_000, duration_ms),
            slice_target: slice_target(&mut map),
            bad_if: map.parse_optional("op", bad_if),
            value: map.optional("value"),
            node,
        };
        map.finish()?;
        Ok(objective)
    }
}

/// The share of good events from which on a slice is good. Other than of a budget it may be all of them.
fn slice_target(map: &mut MapReader<'_, '_>) -> Option<f64> {
    let share: f64 = map.optional("timeSliceTarget")?;
    if share > 0.0 && share <= 1.0 {
        return Some(share);
    }
    map.reject(
        map.place("timeSliceTarget"),
        "a slice is good from a share of good events on that is above 0 and at most 1, such as 0.95",
    );
    None
}

/// The comparison that holds if the one that `op` names does not.
fn bad_if(op: &str) -> Result<&'static str, String> {
    match op {
        "lte" => Ok(">"),
        "lt" => Ok(">="),
        "gte" => Ok("<"),
        "gt" => Ok("<="),
        _ => Err(format!("{op:?} is no comparison; they are lte, lt, gte and gt")),
    }
}

/// An objective for each target of an SLO.
fn objectives(slo: &Object<'_, Slo<'_>>, objects: &Objects<'_>, errors: &mut Errors) -> Vec<Objective> {
    let spec = &slo.spec;
    let sli = match (&spec.indicator, &spec.indicator_ref) {
        (Some(indicator), _) => Some(&indicator.spec),
        (None, Some(name)) => found(name, "SLI", &objects.slis, errors),
        (None, None) => None,
    };
    let mut alerting = Alerting::default();
    if !spec.policies.is_empty() {
        // Whoever writes policies says with them all that there is to be told.
        alerting.absent.disabled = true;
    }
    for policy in &spec.policies {
        policy_of(*policy, objects, &mut alerting, errors);
    }
    let Some(sli) = sli else { return Vec::new() };
    let several = spec.targets.len() > 1;
    let made = spec.targets.iter().enumerate().filter_map(|(number, target)| {
        let name =
            if several { numbered(&slo.metadata.name, target, number) } else { slo.metadata.name.clone() };
        let indicator = sli
            .measure(target.bad_if, target.value)
            .and_then(|measure| {
                let budgeting = budgeting(spec.budgeting, target)?;
                measure.indicator(budgeting).map_err(|why| why.to_string())
            })
            .map_err(|why| errors.reject(target.node, why))
            .ok()?;
        Some(Objective {
            name,
            service: spec.service.as_ref().map(|name| name.0.clone()).unwrap_or_default(),
            description: spec.description.clone(),
            target: target.target,
            window: spec.window?,
            indicator,
            labels: Pairs::clone(&slo.metadata.labels),
            alerting: alerting.clone(),
            min_events: 0.0,
            source: Arc::clone(slo.node.source()),
            position: slo.node.position(),
        })
    });
    made.collect()
}

fn budgeting(method: Method, target: &TargetShare<'_>) -> Result<Budgeting, String> {
    let slice_ms = target.slice_ms;
    match (method, target.slice_target) {
        (Method::Occurrences, _) => Ok(Budgeting::Occurrences),
        (Method::RatioTimeslices, _) => Ok(Budgeting::RatioTimeslices { slice_ms }),
        (Method::Timeslices, Some(target)) => Ok(Budgeting::Timeslices { slice_ms, target }),
        (Method::Timeslices, None) => Err(
            "slices of time need a `timeSliceTarget`, the share of good events from which on a slice is good"
                .to_owned(),
        ),
    }
}

/// The name of one of several targets.
fn numbered(name: &str, target: &TargetShare<'_>, number: usize) -> String {
    let mut word = String::new();
    for c in target.display_name.chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        } else if !word.is_empty() && !word.ends_with('-') {
            word.push('-');
        }
    }
    let word = word.trim_end_matches('-');
    if word.is_empty() { format!("{name}-{}", number + 1) } else { format!("{name}-{word}") }
}

/// Adds a policy that stands here, or that is named.
fn policy_of(node: Node<'_>, objects: &Objects<'_>, alerting: &mut Alerting, errors: &mut Errors) {
    match Either::<Policy<'_>>::decode(node, errors) {
        Ok(Either::Here(policy)) => add_policy(&policy.spec, objects, alerting, errors),
        Ok(Either::Named(name)) => {
            if let Some(policy) = found(&name, "AlertPolicy", &objects.policies, errors) {
                add_policy(policy, objects, alerting, errors);
            }
        }
        // The reason is in the errors.
        Err(_) => {}
    }
}

/// An object that stands here, or the name of one.
pub(super) enum Either<'d, T> {
    Here(Object<'d, T>),
    Named(At<'d, String>),
}

impl<'d, T: Decode<'d>> Decode<'d> for Either<'d, T> {
    fn type_name() -> Cow<'static, str> {
        "openslo.Reference".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if node.scalar().is_some() {
            return Ok(Self::Named(At::decode(node, errors)?));
        }
        let is = |name: &str| node.entries().any(|e| e.key.scalar().is_some_and(|key| key.text == name));
        if matches!(node.kind(), Kind::Mapping) && is("spec") {
            return Ok(Self::Here(Object::decode(node, errors)?));
        }
        let mut map = MapReader::new(node, "openslo.Reference", errors)?;
        let field = REFERENCES.into_iter().find(|field| is(field)).unwrap_or("conditionRef");
        let name = map.required(field);
        map.finish()?;
        Ok(Self::Named(name.expect("BUG: `finish` reports a missing name")))
    }
}

/// The fields that name another object.
const REFERENCES: [&str; 3] = ["alertPolicyRef", "conditionRef", "targetRef"];

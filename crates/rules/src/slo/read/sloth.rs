//! The short form of Sloth, `version: prometheus/v1`. The series carry Sloth's labels beside the own ones, so that its dashboards go on working.

use std::borrow::Cow;
use std::sync::Arc;

use bellwether_yaml::{At, Decode, Errors, MapReader, Node, Reported};

use super::fields::{Name, Pairs, Percent, alert_change, query};
use super::own::USUAL_WINDOW_MS;
use crate::slo::alerting::{AlertChange, Alerting};
use crate::slo::events::Query;
use crate::slo::indicator::{Budgeting, Indicator, Measure};
use crate::slo::objective::{Objective, Window};

/// The objectives of a document; those that could not be read are in the errors.
pub(super) fn read(root: Node<'_>, errors: &mut Errors) -> Vec<Objective> {
    let Ok(mut map) = MapReader::new(root, "sloth.Spec", errors) else { return Vec::new() };
    let version: Option<At<'_, String>> = map.required("version");
    if let Some(version) = version.filter(|version| version.value != "prometheus/v1") {
        map.reject(version.node, "only version prometheus/v1 of the short form of Sloth is read");
    }
    let service = map.required::<Name>("service").map(|name| name.0).unwrap_or_default();
    let labels: Pairs = map.or_default("labels");
    if let Some(plugins) = map.get("slo_plugins") {
        map.reject(plugins, "plugins of Sloth are not run; write the rules that they make as a rule file");
    }
    let slos: Vec<SlothSlo> = map.list("slos", "an objective needs a name");
    // What is wrong is in the errors.
    let _ = map.finish();
    slos.into_iter().map(|slo| slo.under(&service, &labels)).collect()
}

struct SlothSlo(Objective);

impl SlothSlo {
    /// The objective of a service with the labels of all its objectives.
    fn under(self, service: &str, labels: &Pairs) -> Objective {
        let mut objective = self.0;
        service.clone_into(&mut objective.service);
        for (name, value) in labels {
            objective.labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let id = objective.id();
        for (name, value) in
            [("sloth_id", id.as_str()), ("sloth_service", service), ("sloth_slo", &objective.name)]
        {
            objective.labels.insert(name.to_owned(), value.to_owned());
        }
        objective
    }
}

impl<'d> Decode<'d> for SlothSlo {
    fn type_name() -> Cow<'static, str> {
        "sloth.SLO".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "sloth.SLO", errors)?;
        let name: Option<Name> = map.required("name");
        let description = map.or_default("description");
        let target: Option<Percent> = map.required("objective");
        let labels = map.or_default("labels");
        if let Some(plugins) = map.get("plugins") {
            map.reject(
                plugins,
                "plugins of Sloth are not run; write the rules that they make as a rule file",
            );
        }
        let sli: Option<Sli> = map.required("sli");
        let alerting = map.optional::<SlothAlerting>("alerting").map(|sloth| sloth.0);
        map.finish()?;
        Ok(Self(Objective {
            name: name.map(|name| name.0).unwrap_or_default(),
            service: String::new(),
            description,
            target: target.expect("BUG: `finish` reports a missing objective").0,
            window: Window::Rolling(USUAL_WINDOW_MS),
            indicator: sli.expect("BUG: `finish` reports a missing indicator").0,
            labels,
            alerting: alerting.unwrap_or_else(|| Alerting {
                page: with_severity(AlertChange::default(), "page"),
                ticket: with_severity(AlertChange::default(), "ticket"),
                ..Alerting::default()
            }),
            min_events: 0.0,
            source: Arc::clone(node.source()),
            position: node.position(),
        }))
    }
}

struct Sli(Indicator);

impl<'d> Decode<'d> for Sli {
    fn type_name() -> Cow<'static, str> {
        "sloth.SLI".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "sloth.SLI", errors)?;
        let (events, raw): (Option<Events>, Option<Raw>) = (map.optional("events"), map.optional("raw"));
        if let Some(plugin) = map.get("plugin") {
            let why = "plugins of Sloth are not run; write the queries that it makes under `events`";
            map.reject(plugin, why);
        }
        let measure = match (events, raw) {
            (Some(events), None) => Some(events.0),
            (None, Some(raw)) => Some(raw.0),
            _ if map.has_failed() => None,
            _ => {
                map.reject(node, "an indicator has either `events` or `raw`");
                None
            }
        };
        let made = measure.map(|measure| measure.indicator(Budgeting::Occurrences));
        if let Some(Err(why)) = made {
            map.finish()?;
            return Err(errors.reject(node.place("events"), why));
        }
        map.finish()?;
        Ok(Self(made.and_then(Result::ok).expect("BUG: `finish` reports a missing indicator")))
    }
}

struct Events(Measure);

impl<'d> Decode<'d> for Events {
    fn type_name() -> Cow<'static, str> {
        "sloth.SLIEvents".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "sloth.SLIEvents", errors)?;
        let bad = query(&mut map, "error_query", Query::counter);
        let total = query(&mut map, "total_query", Query::counter);
        map.finish()?;
        let (bad, total) = bad.zip(total).expect("BUG: `finish` reports a missing query");
        Ok(Self(Measure::Bad { bad, total }))
    }
}

struct Raw(Measure);

impl<'d> Decode<'d> for Raw {
    fn type_name() -> Cow<'static, str> {
        "sloth.SLIRaw".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "sloth.SLIRaw", errors)?;
        let query = query(&mut map, "error_ratio_query", Query::level);
        map.finish()?;
        let query = query.expect("BUG: `finish` reports a missing query");
        Ok(Self(Measure::Ratio { query, is_good: false }))
    }
}

struct SlothAlerting(Alerting);

impl<'d> Decode<'d> for SlothAlerting {
    fn type_name() -> Cow<'static, str> {
        "sloth.Alerting".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "sloth.Alerting", errors)?;
        let mut change = |name, severity: &str| {
            with_severity(map.optional::<SlothAlert>(name).map(|alert| alert.0).unwrap_or_default(), severity)
        };
        let (page, ticket) = (change("page_alert", "page"), change("ticket_alert", "ticket"));
        let alerting = Alerting {
            name: map.optional::<Name>("name").map(|name| name.0),
            labels: map.or_default("labels"),
            annotations: map.or_default("annotations"),
            page,
            ticket,
            ..Alerting::default()
        };
        map.finish()?;
        Ok(Self(alerting))
    }
}

/// Alerts of Sloth have their severity as a label, which routes may match.
fn with_severity(mut change: AlertChange, severity: &str) -> AlertChange {
    change.labels.entry("sloth_severity".to_owned()).or_insert_with(|| severity.to_owned());
    change
}

struct SlothAlert(AlertChange);

impl<'d> Decode<'d> for SlothAlert {
    fn type_name() -> Cow<'static, str> {
        "sloth.Alert".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "sloth.Alert", errors)?;
        let change = alert_change(&mut map, "disable");
        map.finish()?;
        Ok(Self(change))
    }
}

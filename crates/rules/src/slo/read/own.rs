//! The own form: `slo: {name, objective, good, total}`, or a list of them under `slos`.

use std::borrow::Cow;
use std::sync::Arc;

use bellwether_model::parse_duration_ms;
use bellwether_yaml::{Decode, Errors, MapReader, Node, Reported};

use super::fields::{Name, Percent, alert_change, query};
use crate::slo::alerting::{AlertChange, Alerting};
use crate::slo::burn::Burn;
use crate::slo::events::Query;
use crate::slo::indicator::{Budgeting, Indicator, Measure};
use crate::slo::objective::{Calendar, Objective, Window};

/// The window of an objective that says none, in milliseconds.
pub(super) const USUAL_WINDOW_MS: i64 = 30 * 86_400_000;

/// The objectives of a document; those that could not be read are in the errors.
pub(super) fn read(root: Node<'_>, errors: &mut Errors) -> Vec<Objective> {
    let Ok(mut map) = MapReader::new(root, "slo file", errors) else { return Vec::new() };
    let one: Option<Objective> = map.optional("slo");
    let many: Vec<Objective> = map.list("slos", "an objective needs a name");
    // What is wrong is in the errors.
    let _ = map.finish();
    one.into_iter().chain(many).collect()
}

impl<'d> Decode<'d> for Objective {
    fn type_name() -> Cow<'static, str> {
        "slo".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "slo", errors)?;
        let name: Option<Name> = map.required("name");
        let service: Option<Name> = map.optional("service");
        let description = map.or_default("description");
        let target: Option<Percent> = map.required("objective");
        let window = window(&mut map);
        let indicator = indicator(&mut map);
        let labels = map.or_default("labels");
        let alerting = map.optional::<OwnAlerting>("alerts").map(|own| own.0).unwrap_or_default();
        let min_events = map.or("min_events", 0.0);
        if !(0.0..1e15).contains(&min_events) {
            let place = map.place("min_events");
            map.reject(place, "the fewest events are a number of events, such as 100");
        }
        map.finish()?;
        Ok(Self {
            name: name.map(|name| name.0).unwrap_or_default(),
            service: service.map(|name| name.0).unwrap_or_default(),
            description,
            target: target.expect("BUG: `finish` reports a missing objective").0,
            window,
            indicator: indicator.expect("BUG: `finish` reports a missing query"),
            labels,
            alerting,
            min_events,
            source: Arc::clone(node.source()),
            position: node.position(),
        })
    }
}

/// `window: 30d`, or a word for a period of the calendar.
fn window(map: &mut MapReader<'_, '_>) -> Window {
    let parse = |text: &str| match text {
        "month" => Ok(Window::Calendar(Calendar::Month)),
        "quarter" => Ok(Window::Calendar(Calendar::Quarter)),
        "year" => Ok(Window::Calendar(Calendar::Year)),
        _ => match parse_duration_ms(text) {
            Ok(ms) => rolling(ms),
            Err(_) => Err(format!(
                "{text:?} is no window; write a length such as 30d, or month, quarter or year for those of the calendar"
            )),
        },
    };
    map.parse_optional("window", parse).unwrap_or(Window::Rolling(USUAL_WINDOW_MS))
}

/// A rolling window, if it is neither so short that no alert fits into it nor longer than anybody keeps data.
pub(super) fn rolling(ms: i64) -> Result<Window, String> {
    const SHORTEST_MS: i64 = 3_600_000;
    const LONGEST_MS: i64 = 366 * 86_400_000;
    if (SHORTEST_MS..=LONGEST_MS).contains(&ms) {
        return Ok(Window::Rolling(ms));
    }
    Err("the window of an objective is an hour at least, and 366 days at most".to_owned())
}

fn indicator(map: &mut MapReader<'_, '_>) -> Option<Indicator> {
    let has = |map: &mut MapReader<'_, '_>, name| map.get(name).is_some_and(|node| !node.is_null());
    let (has_good, has_bad, has_ratio) = (has(map, "good"), has(map, "bad"), has(map, "error_ratio"));
    let measure = match (has_good, has_bad, has_ratio) {
        (false, true, false) => query(map, "bad", Query::counter)
            .zip(query(map, "total", Query::counter))
            .map(|(bad, total)| Measure::Bad { bad, total }),
        (false, false, true) => {
            query(map, "error_ratio", Query::level).map(|query| Measure::Ratio { query, is_good: false })
        }
        (_, false, false) => query(map, "good", Query::counter)
            .zip(query(map, "total", Query::counter))
            .map(|(good, total)| Measure::Good { good, total }),
        _ => {
            let node = map.node();
            map.reject(node, "an objective has one of `good`, `bad` and `error_ratio`; leave out the others");
            None
        }
    };
    if has_ratio && has(map, "total") {
        let place = map.place("total");
        map.reject(place, "a share has no `total`: it is divided already");
    }
    let made = measure?.indicator(Budgeting::Occurrences);
    made.map_err(|why| {
        let place = map.place("total");
        map.reject(place, why);
    })
    .ok()
}

struct OwnAlerting(Alerting);

impl<'d> Decode<'d> for OwnAlerting {
    fn type_name() -> Cow<'static, str> {
        "slo.alerts".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "slo.alerts", errors)?;
        let mut change = |name| map.optional::<OwnChange>(name).map(|own| own.0);
        let tiers = [
            (Burn::Fast, change("fast")),
            (Burn::Medium, change("medium")),
            (Burn::Slow, change("slow")),
            (Burn::Long, change("long")),
        ];
        let (page, ticket, absent) = (change("page"), change("ticket"), change("absent"));
        let alerting = Alerting {
            name: map.optional::<Name>("name").map(|name| name.0),
            labels: map.or_default("labels"),
            annotations: map.or_default("annotations"),
            page: page.unwrap_or_default(),
            ticket: ticket.unwrap_or_default(),
            tiers: tiers.into_iter().filter_map(|(burn, change)| Some((burn, change?))).collect(),
            absent: absent.unwrap_or_default(),
            conditions: Vec::new(),
        };
        map.finish()?;
        Ok(Self(alerting))
    }
}

struct OwnChange(AlertChange);

impl<'d> Decode<'d> for OwnChange {
    fn type_name() -> Cow<'static, str> {
        "slo.alert".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "slo.alert", errors)?;
        let change = alert_change(&mut map, "disabled");
        map.finish()?;
        Ok(Self(change))
    }
}

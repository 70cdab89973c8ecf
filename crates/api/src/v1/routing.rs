//! `route` and `route/tree`: who is told about an alert, and why. Not part of the API of Prometheus.

use axum::extract::State;
use axum::response::Response;
use bellwether_alerts::config::Config;
use bellwether_alerts::inhibit::InhibitRule;
use bellwether_alerts::matcher::{Matcher, MatcherSyntax};
use bellwether_alerts::route::{GroupBy, Route};
use bellwether_alerts::router::{Router, muted_by};
use bellwether_model::{Labels, MatchOp, format_duration_ms};
use serde_json::{Map, Value, json};

use crate::envelope;
use crate::error::ApiError;
use crate::json::LabelMap;
use crate::params::{Params, format_time_with_ms};
use crate::state::AppState;
use crate::work::blocking;

/// What becomes of an alert with the given labels: the routes that it takes, and what keeps people from being told now.
pub(crate) async fn route(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let text = params.get("labels").ok_or_else(|| {
        ApiError::bad_data(
            "no labels parameter provided; it is written like {alertname=\"X\",severity=\"page\"}",
        )
    })?;
    let labels = read_labels(text)?;
    let explained = blocking("explaining the route", move || {
        state.alertmanager.read(|router, now_ms| explain(router, &labels, now_ms))
    });
    Ok(envelope::success(&explained.await?))
}

/// Labels as equality matchers, with or without braces.
fn read_labels(text: &str) -> Result<Labels, ApiError> {
    let refused = |why: &dyn std::fmt::Display| ApiError::bad_parameter("labels", why);
    let matchers = MatcherSyntax::default().parse(text).map_err(|error| refused(&error))?;
    if let Some(other) = matchers.iter().find(|matcher| matcher.op() != MatchOp::Eq) {
        return Err(refused(&format_args!(
            "{other} is no label; an alert has exactly one value for each name"
        )));
    }
    Ok(Labels::from_pairs(matchers.iter().map(|matcher| (matcher.name(), matcher.value()))))
}

fn explain(router: &Router, labels: &Labels, now_ms: i64) -> Value {
    let config = router.config();
    let mutes = router.mutes(labels, now_ms);
    let routes = config.route.matching(labels).into_iter().map(|route| taken(config, route, labels, now_ms));
    let silences = mutes.silenced_by.iter().filter_map(|id| router.silences.get(*id));
    let silences = silences.map(|silence| {
        json!({
            "id": silence.id.to_string(),
            "comment": silence.spec.comment,
            "endsAt": format_time_with_ms(silence.spec.ends_at_ms),
        })
    });
    let inhibiting = router.alerts().filter(|known| mutes.inhibited_by.contains(&known.alert.fingerprint()));
    let inhibiting = inhibiting.map(|known| {
        json!({
            "fingerprint": known.alert.fingerprint().to_string(),
            "labels": LabelMap(known.alert.labels.clone()),
        })
    });
    json!({
        "labels": LabelMap(labels.clone()),
        "routes": routes.collect::<Vec<_>>(),
        "silencedBy": silences.collect::<Vec<_>>(),
        "inhibitedBy": inhibiting.collect::<Vec<_>>(),
    })
}

/// A route that an alert takes.
fn taken(config: &Config, route: &Route, labels: &Labels, now_ms: i64) -> Value {
    let receiver = config.receiver(&route.options.receiver);
    let integrations: Vec<&str> =
        receiver.into_iter().flat_map(|it| &it.integrations).map(|it| it.kind.name()).collect();
    let mut shown = timing(route);
    shown.insert("id".to_owned(), json!(route.id));
    shown.insert("path".to_owned(), levels(&config.route, route).into());
    shown.insert("receiver".to_owned(), json!(route.options.receiver));
    shown.insert("integrations".to_owned(), integrations.into());
    shown.insert(
        "groupKey".to_owned(),
        format!("{}:{}", route.key, route.options.group_by.key(labels)).into(),
    );
    shown.insert("mutedBy".to_owned(), muted_by(config, &route.options, now_ms).into());
    shown.insert("continue".to_owned(), route.continues.into());
    shown.into()
}

/// The matchers of each level from the root down to a route.
fn levels(root: &Route, wanted: &Route) -> Vec<String> {
    fn descend<'r>(at: &'r Route, wanted: &Route, way: &mut Vec<&'r Route>) -> bool {
        way.push(at);
        if at.id == wanted.id || at.routes.iter().any(|child| descend(child, wanted, way)) {
            return true;
        }
        way.pop();
        false
    }
    let mut way = Vec::new();
    descend(root, wanted, &mut way);
    let (mut levels, mut above) = (Vec::with_capacity(way.len()), "");
    for route in way {
        let own = route.key.strip_prefix(above).unwrap_or(&route.key);
        levels.push(own.strip_prefix('/').unwrap_or(own).to_owned());
        above = &route.key;
    }
    levels
}

/// How alerts of a route are grouped, and how often people are told of them.
fn timing(route: &Route) -> Map<String, Value> {
    let options = &route.options;
    let group_by: Vec<&str> = match &options.group_by {
        GroupBy::All => vec!["..."],
        GroupBy::Labels(names) => names.iter().map(String::as_str).collect(),
    };
    let mut shown = Map::new();
    shown.insert("groupBy".to_owned(), group_by.into());
    shown.insert("groupWait".to_owned(), format_duration_ms(options.group_wait_ms).into());
    shown.insert("groupInterval".to_owned(), format_duration_ms(options.group_interval_ms).into());
    shown.insert("repeatInterval".to_owned(), format_duration_ms(options.repeat_interval_ms).into());
    shown
}

/// The whole tree, with what it refers to.
pub(crate) async fn tree(State(state): State<AppState>) -> Response {
    let config = state.alertmanager.config();
    let mut shown = node(&config.route);
    shown["timeIntervals"] = time_intervals(&config);
    shown["inhibitRules"] = config.inhibit_rules.iter().map(inhibit_rule).collect();
    envelope::success(&shown)
}

fn node(route: &Route) -> Value {
    let mut shown = timing(route);
    shown.insert("id".to_owned(), json!(route.id));
    shown.insert("matchers".to_owned(), words(&route.matchers));
    shown.insert("receiver".to_owned(), json!(route.options.receiver));
    shown.insert("continue".to_owned(), route.continues.into());
    shown.insert("muteTimeIntervals".to_owned(), json!(route.options.mute_time_intervals));
    shown.insert("activeTimeIntervals".to_owned(), json!(route.options.active_time_intervals));
    shown.insert("routes".to_owned(), route.routes.iter().map(node).collect());
    shown.into()
}

fn words(matchers: &[Matcher]) -> Value {
    matchers.iter().map(|matcher| Value::from(matcher.to_string())).collect()
}

fn inhibit_rule(rule: &InhibitRule) -> Value {
    json!({
        "sourceMatchers": words(&rule.source),
        "targetMatchers": words(&rule.target),
        "equal": rule.equal,
        "builtIn": rule.is_built_in,
    })
}

/// The text of each named list of times, as it was written.
fn time_intervals(config: &Config) -> Value {
    let texts = config.time_interval_texts().into_iter();
    Value::Object(texts.map(|(name, text)| (name.to_owned(), Value::from(text))).collect())
}

#[cfg(test)]
mod tests {
    use bellwether_alerts::config::ConfigOptions;

    use super::*;

    fn config() -> Config {
        let text = "route:\n  receiver: a\n  routes:\n  - matchers: ['path=\"/x/y\"']\n    routes:\n    \
                    - matchers: [severity=page]\n      receiver: b\n      group_by: [alertname]\n\
                    receivers: [{name: a}, {name: b}]\ntime_intervals:\n- name: night\n  time_intervals:\n  \
                    - times: [{start_time: '00:00', end_time: '06:00'}]\n";
        Config::parse("am.yml", text.as_bytes(), ConfigOptions::default()).expect("valid")
    }

    #[test]
    fn the_way_to_a_route_is_told_level_by_level() {
        let config = config();
        let labels = read_labels(r#"{alertname="X",path="/x/y",severity="page"}"#).expect("labels");
        let route = config.route.matching(&labels)[0];
        assert_eq!(levels(&config.route, route), ["{}", "{path=\"/x/y\"}", "{severity=\"page\"}"]);
        let shown = taken(&config, route, &labels, 0);
        assert_eq!(shown["receiver"], "b");
        assert_eq!(shown["groupKey"], r#"{}/{path="/x/y"}/{severity="page"}:{alertname="X"}"#);
        assert_eq!((&shown["groupWait"], &shown["repeatInterval"]), (&json!("30s"), &json!("4h")));
    }

    #[test]
    fn only_labels_are_labels() {
        assert_eq!(read_labels("a=b, c=\"d e\"").expect("labels").to_string(), r#"{a="b", c="d e"}"#);
        let error = read_labels("a=~b").expect_err("no label").message;
        assert!(error.contains("a=~\"b\" is no label"), "{error}");
    }

    #[test]
    fn times_are_shown_as_they_were_written() {
        let shown = time_intervals(&config());
        assert_eq!(shown["night"], "- times:\n  - start_time: \"00:00\"\n    end_time: \"06:00\"\n");
    }
}

//! Cases of who is told and when: times, inhibition, routes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bellwether_model::{Alert, Labels};
use bellwether_yaml::{Decode, Dialect, Document, Errors};
use serde_json::Value as Json;

use super::{NOW_MS, decode, judge, kv, labels, parse, same, strings, text, ts_ms};
use crate::inhibit::{InhibitRule, Inhibitor};
use crate::matcher::Matcher;
use crate::route::{GroupBy, Route};
use crate::time_interval::{TimeInterval, TimeRange};

pub(super) fn time_intervals(_: &Path, case: &Json) -> Result<(), String> {
    let expect = &case["expect"];
    if case["named_intervals"].is_object() {
        let now_ms = ts_ms(text(case, "now"))?;
        let mut muted_by = Vec::new();
        for (name, intervals) in case["named_intervals"].as_object().into_iter().flatten() {
            let intervals: Vec<TimeInterval> = decode(&intervals.to_string())?;
            if intervals.iter().any(|interval| interval.contains(now_ms)) {
                muted_by.push(name.clone());
            }
        }
        return same(&muted_by, &strings(&expect["muted_by"]));
    }
    if let Some(yaml) = case["time_range_yaml"].as_str() {
        let range: Result<TimeRange, String> = decode(yaml);
        judge(&range, expect)?;
        let Ok(range) = range else { return Ok(()) };
        let want = ["start_minute", "end_minute"].map(|field| expect[field].as_u64().unwrap_or(0));
        return same(&[range.start_minute, range.end_minute].map(u64::from), &want);
    }
    let intervals: Result<Vec<TimeInterval>, String> = match case["interval_yaml"].as_str() {
        Some(yaml) => decode(yaml).map(|interval| vec![interval]),
        None => decode(text(case, "intervals_yaml")),
    };
    judge(&intervals, expect)?;
    let Ok(intervals) = intervals else { return Ok(()) };
    for (field, want) in [("contains", true), ("excludes", false)] {
        for time in strings(&expect[field]) {
            let at_ms = ts_ms(&time)?;
            if intervals.iter().any(|interval| interval.contains(at_ms)) != want {
                return Err(format!("{time} is not in {field}"));
            }
        }
    }
    Ok(())
}

fn alert(json: &Json) -> Alert {
    let offset_ms = |field: &str| json[field].as_i64().map(|seconds| NOW_MS + seconds * 1000);
    Alert {
        labels: labels(&json["labels"]),
        annotations: Labels::empty(),
        starts_at_ms: offset_ms("starts_in_s").unwrap_or(0),
        ends_at_ms: offset_ms("ends_in_s"),
        generator_url: String::new(),
    }
}

pub(super) fn inhibition(_: &Path, case: &Json) -> Result<(), String> {
    let target = labels(&case["target_labels"]);
    let alerts = |field: &str| case[field].as_array().into_iter().flatten().map(alert).collect::<Vec<_>>();
    if case["kind"] == "equal" {
        // Any alert is a source and any a target; sources that are targets too would not count, so they are told apart by a label.
        let rule = InhibitRule {
            source: vec![Matcher::equal("side", "source")],
            target: Vec::new(),
            equal: strings(&case["equal"]).into_iter().collect(),
            is_built_in: false,
        };
        let mut inhibitor = Inhibitor::new(vec![rule]);
        for mut alert in alerts("source_alerts") {
            let mut builder = alert.labels.to_builder();
            builder.set("side", "source");
            alert.labels = builder.build();
            inhibitor.see(&alert);
        }
        let want = case["expect"]["has_equal_active_source"].as_bool();
        return same(&Some(inhibitor.is_inhibited(&target, NOW_MS)), &want);
    }
    let config = serde_json::json!({
        "route": {"receiver": "r"}, "receivers": [{"name": "r"}], "inhibit_rules": case["inhibit_rules"],
    });
    let config = parse(&config.to_string())?;
    let mut inhibitor = Inhibitor::new(config.inhibit_rules.clone());
    for alert in alerts("alert_sequence") {
        inhibitor.see(&alert);
    }
    if case["source_alerts"].is_array() {
        for alert in alerts("source_alerts") {
            inhibitor.see(&alert);
        }
    }
    same(&Some(inhibitor.is_inhibited(&target, NOW_MS)), &case["expect"]["muted"].as_bool())
}

/// The names of receivers that a route below uses.
fn receiver_names(json: &Json, names: &mut BTreeSet<String>) {
    names.extend(json["receiver"].as_str().map(str::to_owned));
    for route in json["routes"].as_array().into_iter().flatten() {
        receiver_names(route, names);
    }
}

/// The tree of a case, with receivers to all the names that it uses.
fn route_tree(case: &Json) -> Result<Route, String> {
    let mut yaml: String = text(case, "route_yaml").lines().fold("route:\n".to_owned(), |mut yaml, line| {
        yaml.extend(["  ", line, "\n"]);
        yaml
    });
    let document = Document::parse("case.yml", text(case, "route_yaml").as_bytes(), Dialect::V2);
    let document = document.map_err(|error| error.to_string())?;
    let written =
        bellwether_yaml::Value::decode(document.root(), &mut Errors::new()).map_err(|_| "no route")?;
    let mut names = BTreeSet::new();
    receiver_names(&json(&written), &mut names);
    if names.is_empty() {
        yaml.push_str("  receiver: nobody\n");
        names.insert("nobody".to_owned());
    }
    yaml.push_str("receivers:\n");
    for name in names {
        yaml.extend(["- name: ", &name, "\n"]);
    }
    parse(&yaml).map(|config| config.route)
}

/// A document as JSON, as far as routes need it.
fn json(value: &bellwether_yaml::Value) -> Json {
    use bellwether_yaml::Value as Yaml;
    match value {
        Yaml::Str(text) => text.as_str().into(),
        Yaml::List(items) | Yaml::FlowList(items) => items.iter().map(json).collect(),
        Yaml::Map(map) => map.iter().map(|(name, value)| (name.to_owned(), json(value))).collect(),
        _ => Json::Null,
    }
}

pub(super) fn routes(_: &Path, case: &Json) -> Result<(), String> {
    let expect = &case["expect"];
    let alert = labels(&case["labels"]);
    match text(case, "kind") {
        "match" => {
            let root = route_tree(case)?;
            let got: Json = root.matching(&alert).into_iter().map(route_json).collect();
            same(&got, &expect["routes"])
        }
        "walk" => {
            let got: Vec<String> =
                route_tree(case)?.walk().map(|route| route.options.receiver.clone()).collect();
            same(&got, &strings(&expect["receivers_depth_first"]))
        }
        "ids" => {
            let mut got: Vec<String> = route_tree(case)?.walk().map(|route| route.id.clone()).collect();
            let mut want = strings(&expect["ids_any_order"]);
            got.sort();
            want.sort();
            same(&got, &want)
        }
        "inherit" => {
            let root = route_tree(case)?;
            for (path, want) in expect["group_by_all"].as_object().into_iter().flatten() {
                let mut route = &root;
                for idx in path.split('/').filter(|part| !part.is_empty()) {
                    let idx: usize = idx.parse().map_err(|_| "no index")?;
                    route = route.routes.get(idx).ok_or("no such route")?;
                }
                same(&Some(route.options.group_by == GroupBy::All), &want.as_bool())?;
            }
            Ok(())
        }
        "route_labels" => {
            let root = route_tree(case)?;
            let route = root.matching(&alert)[0];
            let got: BTreeMap<_, _> = route.options.labels.iter().cloned().collect();
            same(&got, &kv(&expect["route_labels"]).unwrap_or_default().0)
        }
        "receivers" => {
            let config = parse(text(case, "config_yaml"))?;
            let found = config.route.matching(&alert);
            let got: Vec<String> = found.into_iter().map(|route| route.options.receiver.clone()).collect();
            same(&got, &strings(&expect["receivers"]))
        }
        other => Err(format!("nothing is known here of {other}")),
    }
}

fn route_json(route: &Route) -> Json {
    let options = &route.options;
    let (group_by, all) = match &options.group_by {
        GroupBy::All => (Vec::new(), true),
        GroupBy::Labels(names) => (names.iter().collect(), false),
    };
    serde_json::json!({
        "receiver": options.receiver,
        "group_by": group_by,
        "group_by_all": all,
        "group_wait_s": options.group_wait_ms / 1000,
        "group_interval_s": options.group_interval_ms / 1000,
        "repeat_interval_s": options.repeat_interval_ms / 1000,
        "key": route.key,
    })
}

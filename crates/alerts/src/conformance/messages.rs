//! Cases of templates and of the data that they see.

use std::path::Path;
use std::sync::Arc;

use bellwether_model::{Clock, ManualClock};
use bellwether_template::library::GoTime;
use bellwether_template::{Definitions, Value};
use serde_json::Value as Json;

use super::{NOW_MS, judge, kv, labels, same, strings, text, ts_ms};
use crate::library::{functions, render_value};
use crate::notification::{AlertData, Data, Pairs, Status};

pub(super) fn templates(_: &Path, case: &Json) -> Result<(), String> {
    let clock = Arc::new(ManualClock::new(NOW_MS));
    let data = &case["data"];
    let value = &data["value"];
    let items = || value.as_array().into_iter().flatten();
    let float = |v: &Json| v.as_f64().or_else(|| v.as_str()?.parse().ok()).unwrap_or(f64::NAN);
    let mut route_labels = None;
    let root: Value = match data["type"].as_str() {
        None => Value::Nil,
        Some("list<i64>") => Value::list(items().filter_map(Json::as_i64).map(Value::from)),
        Some("list<u64>") => Value::list(items().filter_map(Json::as_u64).map(Value::from)),
        Some("list<f64>") => Value::list(items().map(|v| float(v).into())),
        Some("list<string>") => Value::list(items().filter_map(Json::as_str).map(Value::from)),
        Some("map") => Value::map(value.as_object().into_iter().flatten().map(|(name, value)| {
            let value =
                value.as_str().map_or_else(|| value.as_i64().map_or(Value::Nil, Value::from), Value::from);
            (name.clone(), value)
        })),
        Some("time") => Arc::new(GoTime::from_ms(ts_ms(value.as_str().unwrap_or(""))?)).into(),
        Some("time_relative") => {
            let offset_ms = value["offset_s"].as_i64().unwrap_or(0) * 1000;
            Arc::new(GoTime::from_ms(NOW_MS + offset_ms)).into()
        }
        Some("data") => {
            let data = data_of(value);
            route_labels.clone_from(&data.route_labels);
            Arc::new(data).into()
        }
        Some(other) => return Err(format!("data of the type {other:?} is not known here")),
    };
    let functions = functions(clock as Arc<dyn Clock>, "");
    let html = case["html"].as_bool().unwrap_or(false);
    let got = render_value(
        text(case, "template"),
        &root,
        route_labels.as_ref(),
        html,
        &functions,
        &Definitions::default(),
    );
    let got = got.map_err(|error| error.to_string());
    judge(&got, &case["expect"])?;
    match got {
        Ok(got) => same(&got.as_str(), &text(&case["expect"], "output")),
        Err(_) => Ok(()),
    }
}

fn data_of(json: &Json) -> Data {
    let alerts = json["Alerts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|alert| alert_data(alert, ["Status", "Labels", "Annotations"]));
    Data {
        truncated_alerts: 0,
        receiver: text(json, "Receiver").to_owned(),
        alerts: alerts.map(Arc::new).collect(),
        group_labels: kv(&json["GroupLabels"]),
        common_labels: kv(&json["CommonLabels"]),
        common_annotations: kv(&json["CommonAnnotations"]),
        route_labels: kv(&json["RouteLabels"]),
        external_url: String::new(),
    }
}

/// An alert of a case, in which its status, labels and annotations have these names.
fn alert_data(alert: &Json, [state, labels, annotations]: [&str; 3]) -> AlertData {
    AlertData {
        status: status(text(alert, state)),
        labels: kv(&alert[labels]),
        annotations: kv(&alert[annotations]),
        starts_at: GoTime::zero(),
        ends_at: GoTime::zero(),
        generator_url: String::new(),
        fingerprint: None,
    }
}

fn status(text: &str) -> Status {
    if text == "firing" { Status::Firing } else { Status::Resolved }
}

pub(super) fn template_data(_: &Path, case: &Json) -> Result<(), String> {
    let expect = &case["expect"];
    match text(case, "op") {
        "string" => {
            let pairs = case["pairs"].as_array().into_iter().flatten().map(|pair| {
                let part = |idx: usize| pair[idx].as_str().unwrap_or("").to_owned();
                (part(0), part(1))
            });
            same(&Pairs(pairs.collect()).to_string().as_str(), &expect.as_str().unwrap_or(""))
        }
        "sorted_pairs" => {
            let pairs = kv(&case["kv"]).unwrap_or_default().sorted_pairs();
            let got: Json = pairs.0.into_iter().map(|(name, text)| Json::from(vec![name, text])).collect();
            same(&got, expect)
        }
        "remove" => {
            let names = strings(&case["remove"]);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let left = kv(&case["kv"]).unwrap_or_default().without(&names);
            same(&left.0.into_keys().collect(), &strings(expect))
        }
        "fingerprint" => {
            let got = bellwether_model::Fingerprint::of(&labels(&case["labels"])).to_string();
            same(&got.as_str(), &expect.as_str().unwrap_or(""))
        }
        "data" => {
            let alerts = case["alerts"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|alert| alert_data(alert, ["status", "labels", "annotations"]));
            let group_labels = kv(&case["group_labels"]).unwrap_or_default();
            let data = Data::of(text(case, "receiver"), group_labels, alerts, "");
            same(&data.status().as_str(), &text(expect, "status"))?;
            same(&data.group_labels, &kv(&expect["group_labels"]))?;
            same(&data.common_labels, &kv(&expect["common_labels"]))?;
            same(&data.common_annotations, &kv(&expect["common_annotations"]))
        }
        other => Err(format!("nothing is known here of {other}")),
    }
}

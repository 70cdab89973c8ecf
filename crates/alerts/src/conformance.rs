//! Runs the conformance data of Alertmanager, the folder `alertmanager`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bellwether_model::{Alert, Clock, Labels, ManualClock, MatchOp};
use bellwether_template::library::GoTime;
use bellwether_template::{Definitions, Value};
use bellwether_yaml::{Decode, Dialect, Document, Errors};
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::config::{Config, ConfigOptions, IntegrationKind, Smarthost, UrlTemplate};
use crate::inhibit::{InhibitRule, Inhibitor};
use crate::library::{functions, render_value};
use crate::matcher::{Matcher, MatcherSyntax};
use crate::notification::{AlertData, Data, Kv, Pairs, Status};
use crate::route::{GroupBy, Route};
use crate::time_interval::{TimeInterval, TimeRange};

/// What became of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The id of the case.
    pub id: String,
    /// Whether a server without the feature may leave it out.
    pub optional: bool,
    /// `Err` says what differs from what is expected.
    pub result: Result<(), String>,
}

/// Runs one case, given its folder.
type Check = fn(&Path, &Json) -> Result<(), String>;

/// A file of cases and what they are about.
const SUITES: [(&str, Check); 9] = [
    ("matchers.json", matchers),
    ("matcher-semantics.json", matcher_semantics),
    ("time-intervals.json", time_intervals),
    ("inhibit.json", inhibition),
    ("routes.json", routes),
    ("config/expectations.json", config_file),
    ("config-inline.json", config_inline),
    ("templates.json", templates),
    ("template-data.json", template_data),
];

/// The time that it is where a case says how long ago something was.
const NOW_MS: i64 = 1_700_000_000_000;

/// Runs all cases below `conformance_dir`; files that are not there are left out.
pub fn run(conformance_dir: &Path) -> io::Result<Vec<Outcome>> {
    let folder = conformance_dir.join("alertmanager");
    let mut outcomes = Vec::new();
    for (name, check) in SUITES {
        let path = folder.join(name);
        if !path.exists() {
            continue;
        }
        let file: Json = serde_json::from_slice(&fs::read(&path)?)?;
        for case in file["cases"].as_array().into_iter().flatten() {
            outcomes.push(Outcome {
                id: case["id"].as_str().unwrap_or("?").to_owned(),
                optional: case["optional"].as_bool().unwrap_or(false),
                result: check(&folder, case),
            });
        }
    }
    Ok(outcomes)
}

fn same<T: PartialEq + std::fmt::Debug>(got: &T, want: &T) -> Result<(), String> {
    if got == want { Ok(()) } else { Err(format!("{got:?} instead of {want:?}")) }
}

/// Compares a success or a failure with what is expected; which error it is counts where the case says so, as a part of ours.
fn judge<T: std::fmt::Debug>(got: &Result<T, String>, expect: &Json) -> Result<(), String> {
    let parts: Vec<&str> = match (&expect["error"], &expect["error_contains"]) {
        (Json::String(part), _) => vec![part],
        (_, Json::Array(parts)) => parts.iter().filter_map(Json::as_str).collect(),
        (Json::Bool(true), _) => Vec::new(),
        _ => return got.as_ref().map(|_| ()).map_err(Clone::clone),
    };
    match got {
        Ok(got) => Err(format!("{got:?} instead of an error")),
        Err(error) if parts.iter().all(|part| error.contains(part)) => Ok(()),
        Err(error) => Err(format!("{error:?} instead of {parts:?}")),
    }
}

fn text<'j>(json: &'j Json, field: &str) -> &'j str {
    json[field].as_str().unwrap_or("")
}

fn strings(json: &Json) -> Vec<String> {
    json.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
}

fn labels(json: &Json) -> Labels {
    Labels::from_pairs(
        json.as_object().into_iter().flatten().filter_map(|(name, v)| Some((name, v.as_str()?))),
    )
}

fn kv(json: &Json) -> Option<Kv> {
    let pairs = json.as_object()?.iter().filter_map(|(name, v)| Some((name.clone(), v.as_str()?.to_owned())));
    Some(Kv(pairs.collect()))
}

fn op(text: &str) -> Result<MatchOp, String> {
    let all = [MatchOp::Eq, MatchOp::Ne, MatchOp::Re, MatchOp::Nre];
    all.into_iter().find(|op| op.as_str() == text).ok_or_else(|| format!("unknown operator {text}"))
}

fn matchers(_: &Path, case: &Json) -> Result<(), String> {
    let syntax = match text(case, "parser") {
        "utf8" => MatcherSyntax::Utf8,
        "classic" => MatcherSyntax::Classic,
        _ => MatcherSyntax::Fallback,
    };
    let input = text(case, "input");
    let got =
        if case["one"] == true { syntax.parse_one(input).map(|one| vec![one]) } else { syntax.parse(input) };
    // Where a pattern is wrong is shown in what was written, not in what it is wrapped in.
    let got = got.map_err(|error| error.to_string().replace("`[regexp`", "`[regexp)$`"));
    judge(&got, &case["expect"])?;
    let Ok(got) = got else { return Ok(()) };
    let got: Vec<_> = got.iter().map(|it| (it.name(), it.op().as_str(), it.value())).collect();
    let want = case["expect"]["matchers"].as_array().into_iter().flatten();
    let want: Vec<_> = want.map(|it| (text(it, "name"), text(it, "op"), text(it, "value"))).collect();
    same(&got, &want)
}

fn matcher_semantics(_: &Path, case: &Json) -> Result<(), String> {
    let expect = &case["expect"];
    if let Some(name) = case["label_name"].as_str() {
        let syntax = if case["scheme"] == "classic" { MatcherSyntax::Classic } else { MatcherSyntax::Utf8 };
        return same(&Some(syntax.is_label_name(name)), &expect["valid"].as_bool());
    }
    let new = |json: &Json, name: &str, value: &str| {
        Matcher::new(op(text(json, "op"))?, name, value).map_err(|error| error.to_string())
    };
    if case["print"].is_object() {
        let print = &case["print"];
        let matcher = new(print, text(print, "name"), text(print, "value"))?;
        return same(&matcher.to_string().as_str(), &text(expect, "string"));
    }
    let matcher = new(case, "name", text(case, "pattern"))?;
    same(&Some(matcher.matches(text(case, "value"))), &expect["match"].as_bool())
}

/// Reads a value that stands alone.
fn decode<T: for<'d> Decode<'d>>(yaml: &str) -> Result<T, String> {
    let document =
        Document::parse("case.yml", yaml.as_bytes(), Dialect::V2).map_err(|error| error.to_string())?;
    document.decode().map_err(|error| error.to_string())
}

fn ts_ms(text: &str) -> Result<i64, String> {
    let timestamp: Timestamp = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    Ok(timestamp.as_millisecond())
}

fn time_intervals(_: &Path, case: &Json) -> Result<(), String> {
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

fn inhibition(_: &Path, case: &Json) -> Result<(), String> {
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

fn parse(yaml: &str) -> Result<Config, String> {
    // The cases are those of tests that run without the newer names of labels.
    let options = ConfigOptions { syntax: MatcherSyntax::Classic };
    Config::parse("case.yml", yaml.as_bytes(), options).map_err(|error| error.to_string())
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

fn routes(_: &Path, case: &Json) -> Result<(), String> {
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

fn config_file(folder: &Path, case: &Json) -> Result<(), String> {
    let name = text(case, "file");
    let bytes = fs::read(folder.join("config").join(name)).map_err(|error| format!("{name}: {error}"))?;
    let yaml = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    judge(&parse(&yaml).map(|config| config.receivers.len()), &case["expect"])
}

fn config_inline(_: &Path, case: &Json) -> Result<(), String> {
    let expect = &case["expect"];
    if let Some(yaml) = case["host_port_yaml"].as_str() {
        let address: String = decode(yaml)?;
        let got = Smarthost::parse(&address).map_err(|error| error.to_string());
        judge(&got, expect)?;
        let Ok(got) = got else { return Ok(()) };
        return same(&[got.host.as_str(), &got.port], &["host", "port"].map(|field| text(expect, field)));
    }
    if let Some(yaml) = case["secret_template_url_yaml"].as_str() {
        let url: String = decode(yaml)?;
        return judge(&UrlTemplate::parse(&url).map(|_| ()).map_err(|error| error.to_string()), expect);
    }
    let section = match case["receiver_config"].as_str() {
        None => return check_config(case),
        Some("EmailConfig") => "email_configs",
        Some("SlackConfig") => "slack_configs",
        Some("VictorOpsConfig") => "victorops_configs",
        Some(other) => return Err(format!("nothing is known here of {other}")),
    };
    // Such a case is about an element alone; what it may inherit is there.
    let global =
        "global: {smtp_smarthost: 'h:25', smtp_from: f, slack_api_url: 'http://h/', victorops_api_key: k}";
    let entry: String = text(case, "yaml").trim().lines().fold(String::new(), |mut entry, line| {
        entry.extend(if entry.is_empty() { ["  - ", line, "\n"] } else { ["    ", line, "\n"] });
        entry
    });
    let yaml = format!("{global}\nroute: {{receiver: r}}\nreceivers:\n- name: r\n  {section}:\n{entry}");
    // Where a key is given alone, that of all others is not needed.
    judge(&parse(&yaml).map(|_| ()), expect)
}

fn check_config(case: &Json) -> Result<(), String> {
    let got = parse(text(case, "yaml"));
    judge(&got.as_ref().map(|_| ()).map_err(Clone::clone), &case["expect"])?;
    let Ok(config) = got else { return Ok(()) };
    for (path, want) in case["checks"].as_object().into_iter().flatten() {
        let group_by = |route: &Route| match &route.options.group_by {
            GroupBy::All => Json::Null,
            GroupBy::Labels(names) => names.iter().map(String::as_str).collect(),
        };
        let got: Json = match path.as_str() {
            "receivers[0].labels" => {
                config.receivers[0].labels.iter().map(|(k, v)| (k.clone(), Json::from(v.as_str()))).collect()
            }
            "route.group_by" => group_by(&config.route),
            "route.routes[0].group_by" => group_by(&config.route.routes[0]),
            "receivers[0].msteamsv2_configs[0].http_config.proxy_url" => {
                let integration = config.receivers[0].integrations.first().ok_or("no integration")?;
                if !matches!(integration.kind, IntegrationKind::MsTeams(_)) {
                    return Err("another integration".to_owned());
                }
                integration.common.http.proxy.url.as_ref().map(ToString::to_string).into()
            }
            other => return Err(format!("nothing is known here of {other}")),
        };
        same(&got, want)?;
    }
    Ok(())
}

fn templates(_: &Path, case: &Json) -> Result<(), String> {
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
    let alerts = json["Alerts"].as_array().into_iter().flatten().map(|alert| AlertData {
        status: status(text(alert, "Status")),
        labels: kv(&alert["Labels"]),
        annotations: kv(&alert["Annotations"]),
        starts_at: GoTime::zero(),
        ends_at: GoTime::zero(),
        generator_url: String::new(),
        fingerprint: None,
    });
    Data {
        truncated_alerts: 0,
        receiver: text(json, "Receiver").to_owned(),
        alerts: alerts.collect(),
        group_labels: kv(&json["GroupLabels"]),
        common_labels: kv(&json["CommonLabels"]),
        common_annotations: kv(&json["CommonAnnotations"]),
        route_labels: kv(&json["RouteLabels"]),
        external_url: String::new(),
    }
}

fn status(text: &str) -> Status {
    if text == "firing" { Status::Firing } else { Status::Resolved }
}

fn template_data(_: &Path, case: &Json) -> Result<(), String> {
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
            let alerts = case["alerts"].as_array().into_iter().flatten().map(|alert| AlertData {
                status: status(text(alert, "status")),
                labels: kv(&alert["labels"]),
                annotations: kv(&alert["annotations"]),
                starts_at: GoTime::zero(),
                ends_at: GoTime::zero(),
                generator_url: String::new(),
                fingerprint: None,
            });
            let group_labels = kv(&case["group_labels"]).unwrap_or_default();
            let data = Data::of(text(case, "receiver"), group_labels, alerts.collect(), "");
            same(&data.status().as_str(), &text(expect, "status"))?;
            same(&data.group_labels, &kv(&expect["group_labels"]))?;
            same(&data.common_labels, &kv(&expect["common_labels"]))?;
            same(&data.common_annotations, &kv(&expect["common_annotations"]))
        }
        other => Err(format!("nothing is known here of {other}")),
    }
}

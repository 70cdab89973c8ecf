use bellwether_promql::conformance::Choices as _;
use serde_json::{Map, Value, json};

use crate::differential::random::Random;

/// How many receivers there are; the last one hears of nothing but the alerts that mark the end of a round.
const RECEIVERS: usize = 4;
/// What a marking alert has.
pub(super) const MARK: &str = "round";

const LABELS: [(&str, &[&str]); 5] = [
    ("alertname", &["Down", "Slow", "Full"]),
    ("job", &["db", "api", "web"]),
    ("severity", &["page", "warning", "info"]),
    ("zone", &["eu-1", "us 2", ""]),
    ("empty", &["", "", "x"]),
];
const PATTERNS: [&str; 8] = ["d.", "db|api", ".*", ".+", "", "page|warning", "eu-[0-9]", "(?i)DOWN|slow"];

fn label(random: &mut Random) -> (&'static str, &'static str) {
    let (name, values) = random.pick(&LABELS);
    (name, random.pick(values))
}

/// Labels of an alert; it always has a name.
pub(super) fn labels(random: &mut Random) -> Map<String, Value> {
    let mut labels = Map::new();
    labels.insert("alertname".to_owned(), random.pick(LABELS[0].1).into());
    for _ in 0..random.below(5) {
        let (name, value) = label(random);
        labels.insert(name.to_owned(), value.into());
    }
    labels
}

/// A matcher as it stands in a list or in a parameter.
pub(super) fn matcher(random: &mut Random) -> String {
    let (name, value) = label(random);
    match random.below(6) {
        0 => format!("{name}!=\"{value}\""),
        1 => format!("{name}=~\"{}\"", random.pick(&PATTERNS)),
        2 => format!("{name}!~\"{}\"", random.pick(&PATTERNS)),
        3 if !value.contains(' ') && !value.is_empty() => format!("{name}={value}"),
        _ => format!("{name} = \"{value}\""),
    }
}

/// A matcher of a silence.
pub(super) fn silence_matcher(random: &mut Random) -> Value {
    let (name, value) = label(random);
    match random.below(4) {
        0 => json!({"name": name, "value": random.pick(&PATTERNS), "isRegex": true}),
        1 => {
            json!({"name": name, "value": random.pick(&PATTERNS), "isRegex": true, "isEqual": random.one_in(2)})
        }
        2 => json!({"name": name, "value": value, "isRegex": false, "isEqual": random.one_in(2)}),
        _ => json!({"name": name, "value": value, "isRegex": false}),
    }
}

fn matchers(random: &mut Random) -> Value {
    (0..=random.below(2)).map(|_| matcher(random)).collect()
}

/// Conditions in any of the three forms.
fn set_conditions(object: &mut Value, prefix: &str, random: &mut Random) {
    let (name, value) = label(random);
    match random.below(4) {
        0 => object[format!("{prefix}match")] = json!({name: value}),
        1 => object[format!("{prefix}match_re")] = json!({name: random.pick(&PATTERNS)}),
        2 => {
            object[format!("{prefix}match")] = json!({name: value});
            object[format!("{prefix}matchers")] = matchers(random);
        }
        _ => object[format!("{prefix}matchers")] = matchers(random),
    }
}

/// An empty list of labels for groups is what nothing is in Debian's version, so only the root has one.
fn set_options(route: &mut Value, random: &mut Random, root: bool) {
    if random.one_in(2) {
        let choices = [
            json!(["..."]),
            json!(["alertname"]),
            json!(["job", "zone"]),
            json!(["severity", "empty"]),
            json!([]),
        ];
        let n = if root { choices.len() } else { choices.len() - 1 };
        route["group_by"] = choices[random.below(n)].clone();
    }
    if random.one_in(4) {
        route["group_wait"] = random.pick(&["200ms", "400ms"]).into();
    }
}

fn route(random: &mut Random, depth: usize) -> Value {
    let mut route = json!({});
    set_conditions(&mut route, "", random);
    set_options(&mut route, random, false);
    if random.below(3) > 0 {
        route["receiver"] = format!("r{}", random.below(RECEIVERS)).into();
    }
    if random.one_in(2) {
        route["continue"] = true.into();
    }
    if random.one_in(6) {
        route["mute_time_intervals"] = json!([random.pick(&["always", "never"])]);
    }
    if random.one_in(6) {
        route["active_time_intervals"] = json!([random.pick(&["always", "never"])]);
    }
    if depth > 0 {
        route["routes"] = (0..random.below(3)).map(|_| self::route(random, depth - 1)).collect();
    }
    route
}

/// An `alertmanager.yml` whose receivers are told at `hook`. Groups are told of after 0.3 s, and then each second; the marks come when all others have been looked at.
pub(super) fn config(random: &mut Random, hook: &str) -> Value {
    let mut root = json!({
        "receiver": "r0", "group_by": ["alertname"], "group_wait": "300ms", "group_interval": "1s", "repeat_interval": "1h",
    });
    set_options(&mut root, random, true);
    let mark = json!({
        "receiver": "mark", "matchers": [format!("{MARK}=~\".+\"")], "group_by": [MARK], "group_wait": "2s",
    });
    root["routes"] = std::iter::once(mark).chain((0..=random.below(4)).map(|_| route(random, 2))).collect();
    let mut receivers = vec![json!({"name": "mark", "webhook_configs": [{"url": format!("{hook}/mark")}]})];
    for idx in 0..RECEIVERS {
        let mut webhook = json!({"url": format!("{hook}/r{idx}"), "send_resolved": random.below(3) > 0});
        if random.one_in(4) {
            webhook["max_alerts"] = 2.into();
        }
        receivers.push(json!({"name": format!("r{idx}"), "webhook_configs": [webhook]}));
    }
    let mut rules = Vec::new();
    for _ in 0..random.below(3) {
        let equal = [json!([]), json!(["job"]), json!(["zone", "nowhere"]), json!(["alertname"])];
        let mut rule = json!({"equal": equal[random.below(equal.len())]});
        set_conditions(&mut rule, "source_", random);
        set_conditions(&mut rule, "target_", random);
        // Marks are always told.
        let mut targets = rule["target_matchers"].as_array().cloned().unwrap_or_default();
        targets.push(format!("{MARK}=\"\"").into());
        rule["target_matchers"] = targets.into();
        rules.push(rule);
    }
    json!({
        "route": root, "receivers": receivers, "inhibit_rules": rules,
        "time_intervals": [
            {"name": "always", "time_intervals": [{"years": ["1970:2999"]}]},
            {"name": "never", "time_intervals": [{"years": ["1999"]}]},
        ],
    })
}

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{MatchOp, parse_duration_ms};
use bellwether_yaml::{Errors, MapReader, Node, Reported};

use super::{ConfigError, ConfigOptions};
use crate::matcher::Matcher;
use crate::route::{GroupBy, Route, RouteOptions};

const GROUP_WAIT_MS: i64 = 30_000;
const GROUP_INTERVAL_MS: i64 = 300_000;
const REPEAT_INTERVAL_MS: i64 = 4 * 3_600_000;
/// Stands for all labels in `group_by`.
const ALL_LABELS: &str = "...";

/// What routes may refer to.
pub(super) struct Names<'c> {
    pub(super) receivers: BTreeSet<&'c str>,
    pub(super) time_intervals: BTreeSet<&'c str>,
}

/// The root of the tree with all below it.
pub(super) fn read_root(
    node: Node<'_>,
    names: &Names<'_>,
    options: ConfigOptions,
    errors: &mut Errors,
) -> Result<Route, Reported> {
    read(node, None, &Reader { names, options }, errors)
}

struct Reader<'c> {
    names: &'c Names<'c>,
    options: ConfigOptions,
}

fn read(
    node: Node<'_>,
    parent: Option<(&Route, usize)>,
    reader: &Reader<'_>,
    errors: &mut Errors,
) -> Result<Route, Reported> {
    let mut map = MapReader::new(node, "config.Route", errors)?;
    let inherited = parent.map(|(route, _)| &route.options);
    let receiver: String = map.or_default("receiver");
    let fields = MatcherFields { equal: "match", regex: "match_re", matchers: "matchers" };
    let matchers = read_matchers(&mut map, fields, reader.options);
    let continues = map.or_default("continue");
    let options = RouteOptions {
        group_by: read_group_by(&mut map, reader.options)
            .or_else(|| inherited.map(|it| it.group_by.clone()))
            .unwrap_or_else(|| GroupBy::Labels(BTreeSet::new())),
        group_wait_ms: map
            .parse_optional("group_wait", parse_duration_ms)
            .unwrap_or_else(|| inherited.map_or(GROUP_WAIT_MS, |it| it.group_wait_ms)),
        group_interval_ms: read_interval(&mut map, "group_interval")
            .unwrap_or_else(|| inherited.map_or(GROUP_INTERVAL_MS, |it| it.group_interval_ms)),
        repeat_interval_ms: read_interval(&mut map, "repeat_interval")
            .unwrap_or_else(|| inherited.map_or(REPEAT_INTERVAL_MS, |it| it.repeat_interval_ms)),
        mute_time_intervals: read_interval_names(&mut map, "mute_time_intervals", reader.names),
        active_time_intervals: read_interval_names(&mut map, "active_time_intervals", reader.names),
        labels: read_labels(&mut map, inherited, reader.options),
        receiver: if receiver.is_empty() {
            inherited.map_or_else(String::new, |it| it.receiver.clone())
        } else {
            receiver.clone()
        },
    };
    if parent.is_none() {
        check_root(&mut map, &options, &matchers, continues);
    }
    if !receiver.is_empty() && !reader.names.receivers.contains(receiver.as_str()) {
        map.reject(map.place("receiver"), ConfigError::UnknownReceiver(receiver));
    }
    let children: Vec<Node<'_>> = map.or_default("routes");
    let mut route = Route::new(parent, options, matchers, continues);
    for (idx, child) in children.into_iter().enumerate() {
        if child.is_null() {
            map.reject(child, ConfigError::EmptyRoute);
            continue;
        }
        match read(child, Some((&route, idx)), reader, map.errors()) {
            Ok(child) => route.routes.push(child),
            Err(reported) => map.fail(reported),
        }
    }
    map.finish()?;
    Ok(route)
}

/// All alerts come by the root, at all times, and what it says is what all others inherit.
fn check_root(map: &mut MapReader<'_, '_>, options: &RouteOptions, matchers: &[Matcher], continues: bool) {
    if options.receiver.is_empty() {
        map.reject(map.node(), ConfigError::NoDefaultReceiver);
    }
    let not_at_root = [
        ("matchers", !matchers.is_empty(), "matchers"),
        ("mute_time_intervals", !options.mute_time_intervals.is_empty(), "mute time intervals"),
        ("active_time_intervals", !options.active_time_intervals.is_empty(), "active time intervals"),
    ];
    for (field, _, what) in not_at_root.into_iter().filter(|(_, there, _)| *there) {
        map.reject(map.place(field), ConfigError::Root(what));
    }
    if continues {
        map.reject(map.place("continue"), ConfigError::RootContinues);
    }
}

/// What groups have in common; `None` if nothing is said. An empty list says that all alerts are one group.
fn read_group_by(map: &mut MapReader<'_, '_>, options: ConfigOptions) -> Option<GroupBy> {
    let names: Vec<String> = map.optional("group_by")?;
    let mut labels = BTreeSet::new();
    let mut all = false;
    for name in names {
        let refusal = if name == ALL_LABELS {
            all = true;
            continue;
        } else if !options.syntax.is_label_name(&name) {
            ConfigError::LabelName { name, place: "group_by list" }
        } else if labels.contains(&name) {
            ConfigError::RepeatedGroupBy(name)
        } else {
            labels.insert(name);
            continue;
        };
        map.reject(map.place("group_by"), refusal);
    }
    if !all {
        return Some(GroupBy::Labels(labels));
    }
    if !labels.is_empty() {
        map.reject(map.place("group_by"), ConfigError::GroupByAllAndLabels);
    }
    Some(GroupBy::All)
}

fn read_interval(map: &mut MapReader<'_, '_>, field: &'static str) -> Option<i64> {
    map.parse_optional(field, |text| match parse_duration_ms(text) {
        Ok(0) => Err(Box::<dyn std::error::Error + Send + Sync>::from(ConfigError::Zero(field))),
        Ok(ms) => Ok(ms),
        Err(error) => Err(error.into()),
    })
}

fn read_interval_names(map: &mut MapReader<'_, '_>, field: &'static str, names: &Names<'_>) -> Vec<String> {
    let written: Vec<String> = map.or_default(field);
    for name in &written {
        if !names.time_intervals.contains(name.as_str()) {
            map.reject(map.place(field), ConfigError::UnknownInterval(name.clone()));
        }
    }
    written
}

/// The route's own labels and those that it inherits.
fn read_labels(
    map: &mut MapReader<'_, '_>,
    inherited: Option<&RouteOptions>,
    options: ConfigOptions,
) -> Vec<(String, String)> {
    let own: BTreeMap<String, String> = map.or_default("labels");
    for name in own.keys() {
        if !options.syntax.is_label_name(name) {
            map.reject(
                map.place("labels"),
                ConfigError::LabelName { name: name.clone(), place: "route labels" },
            );
        }
    }
    let mut labels: BTreeMap<String, String> =
        inherited.into_iter().flat_map(|it| it.labels.iter().cloned()).collect();
    labels.extend(own);
    labels.into_iter().collect()
}

/// The three ways to write matchers: the two old ones by maps, and the current list.
#[derive(Clone, Copy)]
pub(super) struct MatcherFields {
    pub(super) equal: &'static str,
    pub(super) regex: &'static str,
    pub(super) matchers: &'static str,
}

pub(super) fn read_matchers(
    map: &mut MapReader<'_, '_>,
    fields: MatcherFields,
    options: ConfigOptions,
) -> Vec<Matcher> {
    let mut matchers = Vec::new();
    let place = |name: &str, place| ConfigError::LabelName { name: name.to_owned(), place };
    for (name, value) in map.or_default::<BTreeMap<String, String>>(fields.equal) {
        if !options.syntax.is_label_name(&name) {
            map.reject(map.place(fields.equal), place(&name, "match"));
        }
        matchers.push(Matcher::equal(name, value));
    }
    for (name, node) in map.or_default::<BTreeMap<String, Node<'_>>>(fields.regex) {
        if !options.syntax.is_label_name(&name) {
            map.reject(node, place(&name, "match_re"));
        }
        if node.is_null() {
            map.reject(node, ConfigError::NoPattern(name));
            continue;
        }
        match node.decode_text("string", map.errors()) {
            // Shown the way it is matched, as Alertmanager shows it.
            Ok(pattern) => match Matcher::new(MatchOp::Re, name, format!("^(?:{pattern})$")) {
                Ok(matcher) => matchers.push(matcher),
                Err(error) => map.reject(node, ConfigError::Matcher(error.into())),
            },
            Err(reported) => map.fail(reported),
        }
    }
    for node in map.or_default::<Vec<Node<'_>>>(fields.matchers) {
        match node.decode_text("string", map.errors()) {
            Ok(text) => match options.syntax.parse(&text) {
                Ok(parsed) => matchers.extend(parsed),
                Err(error) => map.reject(node, ConfigError::Matcher(error)),
            },
            Err(reported) => map.fail(reported),
        }
    }
    matchers
}

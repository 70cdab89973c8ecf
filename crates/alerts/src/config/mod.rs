//! `alertmanager.yml`, read and checked as Alertmanager does it.

mod error;
mod extensions;
mod global;
mod inhibit;
mod receiver;
mod redact;
mod route;
mod secret;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bellwether_yaml::{Decode, Dialect, Document, Errors, MapReader, Node, Reported, Value};

pub use error::ConfigError;
pub use extensions::{Extensions, Limits, ReceiverExtensions};
pub use global::{Global, Smarthost, SmtpAuth};
pub use receiver::{
    Common, DiscordReceiver, EmailReceiver, Foreign, HookUrl, HttpReceiver, Image, Integration,
    IntegrationId, IntegrationKind, Link, MsTeamsReceiver, OpsGenieReceiver, PagerDutyKey, PagerDutyReceiver,
    Receiver, Responder, SlackAction, SlackField, SlackReceiver, SlackWay, TeamsFormat, TelegramReceiver,
    UrlTemplate, WebhookReceiver,
};
pub use secret::{SecretSource, SecretSourceError};

use crate::inhibit::InhibitRule;
use crate::matcher::MatcherSyntax;
use crate::route::Route;
use crate::time_interval::TimeInterval;

/// The section that Alertmanager does not have.
const EXTENSIONS: &str = "bellwether";

/// How configurations are read.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConfigOptions {
    /// Which matchers and label names are understood.
    pub syntax: MatcherSyntax,
}

/// A configuration that is valid. Nothing is left to resolve: what receivers and routes inherit has been filled in.
#[derive(Debug, Clone)]
pub struct Config {
    /// What holds for all receivers.
    pub global: Global,
    /// The root of the routing tree.
    pub route: Route,
    /// Which alerts mute others.
    pub inhibit_rules: Vec<InhibitRule>,
    /// Who is told, by unique names.
    pub receivers: Vec<Receiver>,
    /// Files with templates; each may be a pattern.
    pub templates: Vec<PathBuf>,
    /// Recurring times, by the names that routes call them by.
    pub time_intervals: BTreeMap<String, Vec<TimeInterval>>,
    /// What Alertmanager does not have.
    pub extensions: Extensions,
    /// What is legal and does less than one may think, in words.
    pub warnings: Vec<String>,
    /// What was written, with secrets hidden.
    original: Value,
}

impl Config {
    /// Reads a configuration. Every problem is in the error, with its place; relative paths are relative to the file.
    pub fn parse(name: &str, bytes: &[u8], options: ConfigOptions) -> Result<Self, Errors> {
        let document = Document::parse(name, bytes, Dialect::V2)?;
        let mut errors = Errors::new();
        match Self::read(document.root(), options, &mut errors) {
            Ok(config) if errors.is_empty() => Ok(config),
            _ => Err(errors),
        }
    }

    /// The same for a part of a document.
    pub fn read(node: Node<'_>, options: ConfigOptions, errors: &mut Errors) -> Result<Self, Reported> {
        read(node, options, errors)
    }

    /// The receiver with this name.
    pub fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.receivers.iter().find(|receiver| receiver.name == name)
    }

    /// What was written, with secrets hidden.
    pub fn original(&self) -> &Value {
        &self.original
    }

    /// The texts of the recurring times, by their names.
    pub fn time_interval_texts(&self) -> BTreeMap<&str, String> {
        fn text(named: &Value) -> Option<(&str, String)> {
            let Value::Map(named) = named else { return None };
            let Value::Str(name) = named.get("name")? else { return None };
            Some((name, named.get("time_intervals").map(Value::to_yaml).unwrap_or_default()))
        }
        let Value::Map(original) = &self.original else { return BTreeMap::new() };
        let lists = ["mute_time_intervals", "time_intervals"].into_iter().filter_map(|key| original.get(key));
        let named = lists.flat_map(|list| if let Value::List(items) = list { items.as_slice() } else { &[] });
        named.filter_map(text).collect()
    }

    /// The same as YAML, without what only Bellwether has: other tools read the routes out of it.
    pub fn original_yaml(&self) -> String {
        redact::for_other_tools(&self.original).to_yaml()
    }
}

fn read(root: Node<'_>, options: ConfigOptions, errors: &mut Errors) -> Result<Config, Reported> {
    let mut map = MapReader::new(root, "config.Config", errors)?;
    let global = map.or_default::<Global>("global");
    let templates = map.or_default("templates");
    let (receivers, receiver_names) = read_receivers(&mut map, &global);
    let time_intervals = read_time_intervals(&mut map);
    let extensions = map.or_default::<Extensions>(EXTENSIONS);
    for name in extensions.receivers.keys() {
        if !receiver_names.contains(name) {
            map.reject(map.place(EXTENSIONS), ConfigError::UnknownExtended(name.clone()));
        }
    }
    let inhibit_nodes: Vec<Node<'_>> = map.or_default("inhibit_rules");
    let inhibit_rules = inhibit_nodes
        .into_iter()
        .filter_map(|node| inhibit::read(node, options, map.errors()).ok())
        .collect();
    // Both are about Alertmanager itself.
    let unused: Vec<&str> = ["tracing", "event_recorder"]
        .into_iter()
        .filter(|name| map.get(name).is_some_and(|node| !node.is_null()))
        .collect();
    let names = route::Names {
        receivers: receiver_names.iter().map(String::as_str).collect(),
        time_intervals: time_intervals.keys().map(String::as_str).collect(),
    };
    let route = match map.get("route").filter(|node| !node.is_null()) {
        Some(node) => route::read_root(node, &names, options, map.errors()),
        None => Err(map.errors().reject(root, ConfigError::NoRoutes)),
    };
    let finished = map.finish();
    let warnings = warnings(&receivers, &unused);
    let original = redact::hide_secrets(Value::decode(root, errors)?);
    finished?;
    let route = route?;
    Ok(Config {
        global,
        route,
        inhibit_rules,
        receivers,
        templates,
        time_intervals,
        extensions,
        warnings,
        original,
    })
}

fn warnings(receivers: &[Receiver], unused: &[&str]) -> Vec<String> {
    let foreign =
        receivers.iter().flat_map(|receiver| receiver.foreign().map(move |kind| (&receiver.name, kind)));
    let foreign = foreign.map(|(name, kind)| {
        format!("receiver {name:?} has a {kind} integration, which is not supported: it is told of nothing that way")
    });
    let unused =
        unused.iter().map(|name| format!("section {name:?} is about Alertmanager itself and has no effect"));
    foreign.chain(unused).collect()
}

/// The receivers, and the names of all, also of those that could not be read: routes to these are no mistakes of their own.
fn read_receivers(map: &mut MapReader<'_, '_>, global: &Global) -> (Vec<Receiver>, BTreeSet<String>) {
    let nodes: Vec<Node<'_>> = map.or_default("receivers");
    let (mut receivers, mut names) = (Vec::new(), BTreeSet::new());
    for node in nodes {
        let Ok(receiver) = Receiver::read(node, global, map.errors()) else {
            names.extend(node.place("name").scalar().map(|name| name.text.to_owned()));
            continue;
        };
        if !names.insert(receiver.name.clone()) {
            map.reject(node, ConfigError::RepeatedReceiver(receiver.name.clone()));
        }
        receivers.push(receiver);
    }
    (receivers, names)
}

/// A named list of times.
struct NamedIntervals<'d> {
    node: Node<'d>,
    name: String,
    intervals: Vec<TimeInterval>,
}

impl<'d> Decode<'d> for NamedIntervals<'d> {
    fn type_name() -> std::borrow::Cow<'static, str> {
        "config.TimeInterval".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.TimeInterval", errors)?;
        let name: String = map.or_default("name");
        let intervals = map.or_default("time_intervals");
        map.finish()?;
        if name.is_empty() {
            return Err(errors.reject(node, ConfigError::Missing("name in time interval")));
        }
        Ok(Self { node, name, intervals })
    }
}

/// Both lists of times; the older one is called after what the times were for.
fn read_time_intervals(map: &mut MapReader<'_, '_>) -> BTreeMap<String, Vec<TimeInterval>> {
    let mut by_name = BTreeMap::new();
    for (field, what) in [("mute_time_intervals", "mute time interval"), ("time_intervals", "time interval")]
    {
        for named in map.or_default::<Vec<NamedIntervals<'_>>>(field) {
            if by_name.contains_key(&named.name) {
                map.reject(named.node, ConfigError::RepeatedInterval { what, name: named.name.clone() });
            }
            by_name.insert(named.name, named.intervals);
        }
    }
    by_name
}

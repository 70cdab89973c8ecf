//! The rules of the demo: those that are made of the packs of its platforms, evaluated over the simulated past as well.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use bellwether::config::Config;
use bellwether_fleet::Platform;
use bellwether_model::{Labels, QueryContext, Tenant};
use bellwether_packs::catalogue::Catalogue;
use bellwether_packs::generate::{OutputKind, generate};
use bellwether_packs::schema::Pack;
use bellwether_promql::engine::{Engine, EngineOptions};
use bellwether_promql::syntax::ParserOptions;
use bellwether_rules::{Environment, Group};
use bellwether_tsdb::Tsdb;
use bellwether_yaml::{Dialect, Document, MapValue, Value};

use crate::rules::RuleSet;

/// The folder of the rule files in the data folder of the demo.
const FOLDER: &str = "demo-rules";
/// How often rules are evaluated: often, so that nobody waits long for the first alert.
const INTERVAL: &str = "15s";
/// Rules are evaluated over so much of the past: longer than any of them waits.
const PAST_MS: i64 = 30 * 60_000;
/// How often, in the past.
const STEP_MS: i64 = 60_000;

/// Writes the rule files below `data`, where people can read them, and returns the configuration that names them.
pub(super) fn write(data: &Path) -> anyhow::Result<String> {
    let folder = data.join(FOLDER);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let catalogue = Catalogue::built_in();
    let mut patterns = Vec::new();
    for platform in Platform::ALL {
        let pack = catalogue.get(platform.name());
        let pack = pack.with_context(|| format!("BUG: there is no pack of {platform}"))?;
        // The server makes the rules of objectives itself.
        let pack = Pack { slos: Vec::new(), ..Pack::clone(pack) };
        for file in generate(&pack, &[OutputKind::Rules])? {
            let path = folder.join(&file.name);
            let text = adapt(&file.name, &file.text, platform)?;
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            patterns.push(path.display().to_string());
        }
    }
    let mut config = MapValue::new();
    config.set("rule_files", Value::strings(patterns));
    Ok(Value::Map(config).to_yaml())
}

/// The same rules, evaluated as often as the demo needs it, and with the platform on each alert: many expressions aggregate it away, and the demo routes by it.
fn adapt(name: &str, text: &str, platform: Platform) -> anyhow::Result<String> {
    let document = Document::parse(name, text.as_bytes(), Dialect::V2)?;
    let file: Value = document.decode()?;
    let adapted = edit_items(file, "groups", &|mut group| {
        group.set_if("interval", if group.get("interval").is_none() { INTERVAL } else { "" });
        edit_items(group.into(), "rules", &|rule| label(rule, platform))
    });
    Ok(format!("# Made of the pack {platform} for the demo.\n{}", adapted.to_yaml()))
}

/// The map with `edit` made to each item of the list `key`.
fn edit_items(map: Value, key: &str, edit: &dyn Fn(MapValue) -> Value) -> Value {
    let Value::Map(map) = map else { return map };
    let mut edited = MapValue::new();
    for (name, value) in map.into_entries() {
        let value = match value {
            Value::List(items) if name == key => {
                let edit = |item| if let Value::Map(item) = item { edit(item) } else { item };
                Value::List(items.into_iter().map(edit).collect())
            }
            value => value,
        };
        edited.set(name, value);
    }
    edited.into()
}

/// An alerting rule with the platform among its labels; other rules as they are.
fn label(rule: MapValue, platform: Platform) -> Value {
    if rule.get("alert").is_none() {
        return rule.into();
    }
    let mut labels = match rule.get("labels") {
        Some(Value::Map(labels)) => labels.clone(),
        _ => MapValue::new(),
    };
    labels.set_if("platform", if labels.get("platform").is_none() { platform.name() } else { "" });
    let mut labelled = MapValue::new();
    for (name, value) in rule.into_entries().into_iter().filter(|(name, _)| name != "labels") {
        labelled.set(name, value);
    }
    labelled.set("labels", labels);
    labelled.into()
}

/// Rules over the simulated past, so that alerts are as they would be had the server run all the time: what has gone wrong for long fires soon after the start.
pub(super) struct PastRules {
    groups: Vec<Group>,
    environment: Environment,
    next_ms: i64,
}

impl PastRules {
    /// The rules that the configuration names, over the samples of the store up to `end_ms`.
    pub(super) fn new(store: &Tsdb, config: &Config, end_ms: i64) -> anyhow::Result<Self> {
        let rules = RuleSet::load(config, &[], ParserOptions::default()).map_err(anyhow::Error::msg)?;
        let store = Arc::new(store.clone());
        Ok(Self {
            groups: rules.groups.into_iter().map(|source| Group::new(source.definition)).collect(),
            environment: Environment {
                engine: Arc::new(Engine::new(EngineOptions::default(), Arc::<Tsdb>::clone(&store))),
                appender: store,
                tenant: Tenant::default(),
                external_labels: Labels::empty(),
                external_url: String::new(),
            },
            next_ms: end_ms - PAST_MS,
        })
    }

    /// Evaluates them at the times before `end_ms` at which that was not done yet.
    pub(super) fn evaluate_before(&mut self, end_ms: i64) {
        while self.next_ms < end_ms {
            for group in &self.groups {
                for outcome in group.evaluate(self.next_ms, &self.environment, &QueryContext::unbounded()) {
                    if let Some(error) = outcome.error {
                        tracing::debug!(group = group.definition().name, %error, "rule over the simulated past");
                    }
                }
            }
            self.next_ms += STEP_MS;
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether::config::LoadOptions;

    use super::*;

    #[test]
    fn each_platform_has_rules_that_load() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = write(dir.path()).expect("written");
        let config =
            Config::parse("demo", text.as_bytes(), LoadOptions::from_process()).expect("valid").config;
        assert_eq!(config.rule_files.len(), Platform::ALL.len());
        let rules = RuleSet::load(&config, &[], ParserOptions::default()).expect("rules");
        // The others are those of the server itself.
        let groups = rules.groups.iter().filter(|group| Path::new(&group.file).starts_with(dir.path()));
        let rules = groups.flat_map(|group| &group.definition.rules);
        let alerts: Vec<_> = rules.filter(|rule| rule.is_alerting()).collect();
        assert!(alerts.len() > 30, "{}", alerts.len());
        for alert in alerts {
            let named = |name: &str| alert.labels.iter().any(|(label, _)| label == name);
            assert!(named("platform") && named("severity"), "{alert:?}");
        }
    }
}

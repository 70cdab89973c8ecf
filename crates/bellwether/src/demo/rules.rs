//! The rules and objectives of the demo: those of the packs of its platforms, evaluated over the simulated past as well.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use bellwether::config::Config;
use bellwether_fleet::Platform;
use bellwether_model::{Labels, QueryContext, Tenant};
use bellwether_packs::catalogue::Catalogue;
use bellwether_packs::generate::{OutputKind, generate};
use bellwether_packs::objectives::objectives as objectives_of;
use bellwether_packs::schema::Pack;
use bellwether_promql::engine::{Engine, EngineOptions};
use bellwether_promql::syntax::ParserOptions;
use bellwether_rules::slo::{BAD_EVENTS, Objective, TOTAL_EVENTS};
use bellwether_rules::{Environment, Group, GroupSource, RuleGroup};
use bellwether_tsdb::Tsdb;
use bellwether_yaml::{Dialect, Document, MapValue, Value};

use crate::rules::RuleSet;

/// The folder of the rule files in the data folder of the demo.
const FOLDER: &str = "demo-rules";
/// How often rules are evaluated: often, so that nobody waits long for the first alert.
const INTERVAL: &str = "15s";
/// Rules are evaluated over so much of the past: longer than any of them waits.
const PAST_MS: i64 = 30 * 60_000;
/// How often, in the past: what rules of objectives count relies on it.
const STEP_MS: i64 = 60_000;
/// The label by which the demo routes and groups.
const PLATFORM: &str = "platform";
/// The annotation with the way to the runbook.
const RUNBOOK_URL: &str = "runbook_url";

/// Writes the rule files below `data`, where people can read them, and returns the configuration that names them.
pub(super) fn write(data: &Path) -> anyhow::Result<String> {
    let folder = data.join(FOLDER);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut patterns = Vec::new();
    for (platform, pack) in packs() {
        // The server makes the rules of objectives itself.
        let pack = Pack { slos: Vec::new(), ..pack };
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

/// The platforms with their packs, by name.
fn packs() -> impl Iterator<Item = (Platform, Pack)> {
    let catalogue = Catalogue::built_in();
    let mut platforms = Platform::ALL;
    platforms.sort_unstable_by_key(|platform| platform.name());
    platforms.into_iter().map(move |platform| {
        let pack = catalogue.get(platform.name());
        (platform, Pack::clone(pack.unwrap_or_else(|| panic!("BUG: there is no pack of {platform}"))))
    })
}

/// The objectives of the platforms, whose alerts carry the platform and a way to the runbook as the others do.
pub(super) fn objectives() -> Vec<Objective> {
    let of_platform = |(platform, pack): (Platform, Pack)| {
        objectives_of(&pack).into_iter().map(move |mut objective| {
            let alerting = &mut objective.alerting;
            alerting.labels.insert(PLATFORM.to_owned(), platform.name().to_owned());
            if let Some(link) = alerting.annotations.get_mut(RUNBOOK_URL) {
                *link = runbook_link(link);
            }
            objective
        })
    };
    packs().flat_map(of_platform).collect()
}

/// The page of this server that shows what stands in a file of the repository: whoever gets a message has the server, and not the file.
fn runbook_link(page: &str) -> String {
    let parts = page.strip_prefix("docs/runbooks/").and_then(|page| page.split_once(".md#"));
    parts.map_or_else(
        || page.to_owned(),
        |(pack, heading)| format!("{{{{ $externalURL }}}}/runbooks/{pack}?of={heading}"),
    )
}

/// The same rules, evaluated as often as the demo needs it, and with the platform on each alert: many expressions aggregate it away, and the demo routes by it. Runbooks are
/// linked where this server shows them.
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

/// An alerting rule with the platform among its labels and the way to its runbook; other rules as they are.
fn label(rule: MapValue, platform: Platform) -> Value {
    if rule.get("alert").is_none() {
        return rule.into();
    }
    let map = |key: &str| match rule.get(key) {
        Some(Value::Map(map)) => map.clone(),
        _ => MapValue::new(),
    };
    let (mut labels, mut annotations) = (map("labels"), MapValue::new());
    labels.set_if(PLATFORM, if labels.get(PLATFORM).is_none() { platform.name() } else { "" });
    for (name, value) in map("annotations").into_entries() {
        let value = match value {
            Value::Str(page) if name == RUNBOOK_URL => Value::Str(runbook_link(&page)),
            value => value,
        };
        annotations.set(name, value);
    }
    let mut labelled = MapValue::new();
    let others = |name: &str| !["labels", "annotations"].contains(&name);
    for (name, value) in rule.into_entries().into_iter().filter(|(name, _)| others(name)) {
        labelled.set(name, value);
    }
    labelled.set("labels", labels);
    labelled.set_if("annotations", annotations);
    labelled.into()
}

/// Of these groups the rules that count the events of objectives: all that longer windows need.
fn counting(groups: &[GroupSource]) -> Vec<RuleGroup> {
    let mut groups: Vec<RuleGroup> = groups.iter().map(|source| source.definition.clone()).collect();
    for group in &mut groups {
        group.rules.retain(|rule| [BAD_EVENTS, TOTAL_EVENTS].contains(&rule.name()));
    }
    groups.retain(|group| !group.rules.is_empty());
    groups
}

/// Rules over the simulated past, so that alerts are as they would be had the server run all the time: what has gone wrong for long fires soon after the start, and an hour of
/// the budget of an objective is an hour, not the minutes since the start.
pub(super) struct PastRules {
    groups: Vec<PastGroup>,
    environment: Environment,
    next_ms: i64,
}

struct PastGroup {
    group: Group,
    /// When it is evaluated, in Unix milliseconds.
    times: Range<i64>,
}

impl PastRules {
    /// The rules that the configuration names, and those of objectives, over the samples of the store from `begin_ms` to `end_ms`.
    pub(super) fn new(
        store: &Tsdb,
        config: &Config,
        objectives: &[Objective],
        (begin_ms, end_ms): (i64, i64),
    ) -> anyhow::Result<Self> {
        let late_ms = end_ms - PAST_MS;
        let at = |times: Range<i64>| {
            move |definition| PastGroup { group: Group::new(definition), times: times.clone() }
        };
        let rules =
            RuleSet::load(config, objectives, ParserOptions::default()).map_err(anyhow::Error::msg)?;
        let counting = counting(&rules.groups);
        let all = rules.groups.into_iter().map(|source| source.definition);
        let store = Arc::new(store.clone());
        Ok(Self {
            groups: counting
                .into_iter()
                .map(at(begin_ms..late_ms))
                .chain(all.map(at(late_ms..i64::MAX)))
                .collect(),
            environment: Environment {
                engine: Arc::new(Engine::new(EngineOptions::default(), Arc::<Tsdb>::clone(&store))),
                appender: store,
                tenant: Tenant::default(),
                external_labels: Labels::empty(),
                external_url: String::new(),
            },
            next_ms: begin_ms.min(late_ms),
        })
    }

    /// Evaluates them at the times before `end_ms` at which that was not done yet.
    pub(super) fn evaluate_before(&mut self, end_ms: i64) {
        while self.next_ms < end_ms {
            for PastGroup { group, .. } in self.groups.iter().filter(|it| it.times.contains(&self.next_ms)) {
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
    use bellwether_rules::RuleKind;

    use super::*;

    #[test]
    fn each_alert_says_its_platform_and_leads_to_its_runbook() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = write(dir.path()).expect("written");
        let config =
            Config::parse("demo", text.as_bytes(), LoadOptions::from_process()).expect("valid").config;
        assert_eq!(config.rule_files.len(), Platform::ALL.len());
        let groups = RuleSet::load(&config, &objectives(), ParserOptions::default()).expect("rules").groups;
        let own = |group: &&GroupSource| {
            Path::new(&group.file).starts_with(dir.path()) || group.file.starts_with("packs/")
        };
        let rules = groups.iter().filter(own).flat_map(|group| &group.definition.rules);
        let mut of_budgets = 0;
        let mut seen = 0;
        for rule in rules {
            let RuleKind::Alerting { alert, annotations, .. } = &rule.kind else { continue };
            let named = |name: &str| rule.labels.contains_key(name);
            assert!(named(PLATFORM) && named("severity"), "{alert} has the labels {:?}", rule.labels);
            let link = annotations.get(RUNBOOK_URL).map_or("", String::as_str);
            let pack = &rule.labels[PLATFORM];
            assert!(
                link.starts_with(&format!("{{{{ $externalURL }}}}/runbooks/{pack}?of=")),
                "the runbook of {alert}: {link}"
            );
            seen += 1;
            of_budgets += usize::from(named("slo_id") || named("slo_severity"));
        }
        assert!(seen > 60 && of_budgets > 30, "{seen} alerts, of which {of_budgets} are of budgets");
    }
}

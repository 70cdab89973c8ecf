//! The rules of the packs over what the fleet would have exposed.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_fleet::Platform;
use bellwether_model::{Labels, QueryContext, Tenant};
use bellwether_packs::generate::{OutputKind, generate};
use bellwether_promql::engine::{Engine, EngineOptions, InstantQuery, QuerySettings, QueryValue};
use bellwether_promql::syntax::Expr;
use bellwether_promql::testkit::MemoryStore;
use bellwether_rules::{AlertState, Environment, Group, RuleFile, RuleFileOptions, RuleGroup, RuleKind};

use crate::MINUTE_MS;
use crate::generated::pack;
use crate::recording::Recording;

/// How often rules are evaluated whose group does not say so: as the server does if it is not told otherwise.
const INTERVAL_MS: i64 = MINUTE_MS;

/// All rule groups of a platform's pack, those of objectives included.
pub(crate) fn groups(platform: Platform) -> Vec<RuleGroup> {
    let files = generate(&pack(platform), &[OutputKind::Rules]).unwrap_or_else(|e| panic!("{e}"));
    let [file] = files.as_slice() else { panic!("one rule file, not {}", files.len()) };
    let options = RuleFileOptions::default();
    RuleFile::parse(&file.name, file.text.as_bytes(), &options).unwrap_or_else(|e| panic!("{e}")).groups
}

/// Only those groups and rules that an alert needs that the pack itself has. The alerts of objectives look back on days, which no test has.
pub(crate) fn alerting_groups(platform: Platform) -> Vec<RuleGroup> {
    let pack = pack(platform);
    let alerts: BTreeSet<&str> = pack.alerts.iter().map(|alert| alert.name.as_str()).collect();
    let mut groups = groups(platform);
    let rules = || groups.iter().flat_map(|group| &group.rules);
    let mut needed: BTreeSet<String> = BTreeSet::new();
    loop {
        let before = needed.len();
        let used = rules().filter(|rule| alerts.contains(rule.name()) || needed.contains(rule.name()));
        let names: Vec<String> = used.flat_map(|rule| names(&rule.expr)).collect();
        needed.extend(names);
        if needed.len() == before {
            break;
        }
    }
    for group in &mut groups {
        group.rules.retain(|rule| alerts.contains(rule.name()) || needed.contains(rule.name()));
    }
    groups.retain(|group| !group.rules.is_empty());
    groups
}

/// The metrics that an expression selects.
pub(crate) fn names(expr: &Expr) -> BTreeSet<String> {
    expr.selectors().into_iter().filter_map(|used| used.selector.name.clone()).collect()
}

/// A time during which an alert fired.
#[derive(Debug)]
pub(crate) struct Firing {
    pub(crate) alert: String,
    pub(crate) labels: Labels,
    /// Since when the condition held.
    pub(crate) active_ms: i64,
    pub(crate) fired_ms: i64,
    pub(crate) until_ms: i64,
}

/// The rules of a platform with a store that holds what they are evaluated over.
pub(crate) struct Evaluation {
    groups: Vec<Group>,
    pub(crate) environment: Environment,
}

impl Evaluation {
    /// Of the recording, only those metrics are kept that `names` has.
    pub(crate) fn new(groups: Vec<RuleGroup>, recording: &Recording, names: &BTreeSet<String>) -> Self {
        let store: Arc<MemoryStore> = Arc::new(recording.store(names));
        let environment = Environment {
            engine: Arc::new(Engine::new(EngineOptions::default(), Arc::<MemoryStore>::clone(&store))),
            appender: store,
            tenant: Tenant::default(),
            external_labels: Labels::empty(),
            external_url: String::new(),
        };
        Self { groups: groups.into_iter().map(Group::new).collect(), environment }
    }

    /// The same store with what other groups have written to it, for these.
    pub(crate) fn go_on_with(self, groups: Vec<RuleGroup>) -> Self {
        Self { groups: groups.into_iter().map(Group::new).collect(), ..self }
    }

    /// The sum of what a query yields; 0 if that is nothing.
    pub(crate) fn sum(&self, query: &str, ts_ms: i64) -> f64 {
        let query = format!("scalar(sum({query}) or vector(0))");
        let request = InstantQuery { query, ts_ms, settings: QuerySettings::default() };
        let Environment { engine, tenant, .. } = &self.environment;
        let answer = engine.instant(tenant, &request, &QueryContext::unbounded());
        match answer.unwrap_or_else(|e| panic!("{}: {e}", request.query)).value {
            QueryValue::Scalar { value, .. } => value,
            other => panic!("{} is no number: {other:?}", request.query),
        }
    }

    /// Evaluates each group at its interval, and tells which alerts have fired when.
    pub(crate) fn run(&mut self, from_ms: i64, to_ms: i64) -> Vec<Firing> {
        let cx = QueryContext::unbounded();
        let mut open: BTreeMap<(String, Labels), Firing> = BTreeMap::new();
        let mut over = Vec::new();
        for group in &mut self.groups {
            let interval_ms = group.definition().interval_ms.unwrap_or(INTERVAL_MS);
            let mut ts_ms = from_ms;
            while ts_ms <= to_ms {
                for outcome in group.evaluate(ts_ms, &self.environment, &cx) {
                    assert!(outcome.error.is_none(), "{}: {outcome:?}", group.definition().name);
                }
                let mut firing = BTreeSet::new();
                for (rule, alerts) in group.rules() {
                    let RuleKind::Alerting { alert, .. } = &rule.kind else { continue };
                    for it in alerts.active().filter(|it| it.state == AlertState::Firing) {
                        let key = (alert.clone(), it.labels.clone());
                        open.entry(key.clone()).or_insert_with(|| Firing {
                            alert: alert.clone(),
                            labels: it.labels.clone(),
                            active_ms: it.active_at_ms,
                            fired_ms: ts_ms,
                            until_ms: ts_ms,
                        });
                        firing.insert(key);
                    }
                }
                for (_, mut ended) in open.extract_if(.., |key, _| !firing.contains(key)) {
                    ended.until_ms = ts_ms;
                    over.push(ended);
                }
                ts_ms += interval_ms;
            }
            for (_, mut firing) in std::mem::take(&mut open) {
                firing.until_ms = to_ms;
                over.push(firing);
            }
        }
        over
    }
}

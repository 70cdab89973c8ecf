//! Whatever the catalogues of the platforms ask for beside metrics is in the packs: alerts with runbooks, cases and incidents, queries, endpoints, settings, corrections.
use std::collections::BTreeSet;

use bellwether_fleet::{Platform, incidents};
use bellwether_model::{METRIC_NAME, Matcher, parse_duration_ms};
use bellwether_packs::catalogue::runbooks;
use bellwether_packs::schema::Pack;
use bellwether_promql::syntax::{ParserOptions, parse_expr};
use bellwether_yaml::{Document, Kind, Node};

use crate::catalogue::{document, get, string};
use crate::generated::pack;

/// Where the pack waits for another time than the catalogue says, with the defect that it corrects.
const OTHER_FOR: [(Platform, &str, &str); 1] = [(Platform::Cugar, "NoRecentExecutions", "U15")];

/// What is there of a platform, and what is not.
#[derive(Default)]
struct Found {
    alerts: usize,
    cases: usize,
    queries: usize,
    panels: usize,
    endpoints: usize,
    settings: usize,
    defects: usize,
    problems: Vec<String>,
}

impl Found {
    fn check(&mut self, is_there: bool, what: impl FnOnce() -> String) {
        if !is_there {
            self.problems.push(what());
        }
    }
}

/// Every mapping of a document, however deep.
fn mappings<'d>(node: Node<'d>, found: &mut Vec<Node<'d>>) {
    match node.kind() {
        Kind::Mapping => {
            found.push(node);
            node.entries().for_each(|entry| mappings(entry.value, found));
        }
        Kind::Sequence => node.items().for_each(|item| mappings(item, found)),
        Kind::Scalar(_) => {}
    }
}

fn items<'d>(node: Node<'d>, key: &str) -> impl Iterator<Item = Node<'d>> + use<'d> {
    get(node, key).into_iter().flat_map(Node::items)
}

fn text(node: Node<'_>, key: &str) -> Option<String> {
    get(node, key).map(string)
}

fn alerts(root: Node<'_>, platform: Platform, pack: &Pack, found: &mut Found) {
    let page = runbooks(pack).unwrap_or_default();
    let rules = items(root, "alert_groups").flat_map(|group| items(group, "rules"));
    for asked in rules.chain(items(root, "proposed_alerts")) {
        let name = text(asked, "alert").or_else(|| text(asked, "name")).unwrap_or_default();
        found.alerts += 1;
        let Some(alert) = pack.alerts.iter().find(|alert| alert.name.value == name) else {
            found.problems.push(format!("there is no alert {name}"));
            continue;
        };
        let severity =
            text(asked, "severity").filter(|it| ["critical", "warning", "info"].contains(&it.as_str()));
        let has = alert.severity.map(|it| it.as_str().to_owned());
        found.check(severity.is_none() || severity == has, || format!("{name} is {has:?}, not {severity:?}"));
        let wait_ms = text(asked, "for").and_then(|text| parse_duration_ms(&text).ok());
        let corrected = OTHER_FOR.iter().any(|(at, it, _)| *at == platform && *it == name);
        found.check(wait_ms.is_none() || wait_ms == alert.for_ms || corrected, || {
            format!("{name} waits {:?} ms, not {wait_ms:?}", alert.for_ms)
        });
        found.check(page.contains(&format!("\n### {name}\n")), || format!("{name} has no runbook"));
        match &alert.tests {
            Some(tests) if !tests.fires.is_empty() && !tests.quiet.is_empty() => {
                found.cases += tests.fires.len() + tests.quiet.len();
            }
            _ => found.problems.push(format!("{name} is not shown both firing and quiet")),
        }
        let tripped =
            incidents().iter().any(|it| it.platform == platform && it.alerts.contains(&name.as_str()));
        found.check(tripped, || format!("no incident trips {name}"));
    }
}

/// Queries of pages, panels and alerts, as corrected, select what the pack has under that name, even if it is an old one.
fn queries(root: Node<'_>, pack: &Pack, found: &mut Found) {
    let mut nodes = Vec::new();
    mappings(root, &mut nodes);
    let known: BTreeSet<&str> = pack
        .metrics
        .iter()
        .flat_map(|metric| {
            metric.aliases.iter().map(|alias| alias.name.as_str()).chain([metric.name.as_str()])
        })
        .chain(pack.recordings.iter().map(|recording| recording.record.as_str()))
        .chain(pack.external.keys().map(String::as_str))
        .chain(["up"])
        .collect();
    for node in nodes {
        let Some(query) = text(node, "fixed").or_else(|| text(node, "expr")) else { continue };
        let expr = match parse_expr(&query, &ParserOptions::default()) {
            Ok(expr) => expr,
            Err(error) => {
                found.problems.push(format!("{query}: {error}"));
                continue;
            }
        };
        found.queries += 1;
        for used in expr.selectors() {
            let named = used.selector.matchers.iter().find(|matcher| matcher.name() == METRIC_NAME);
            let Some(name) = used.selector.name.as_deref().or(named.map(Matcher::value)) else { continue };
            let family = ["_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix));
            let is_known = known.contains(name) || family.is_some_and(|family| known.contains(family));
            found.check(is_known, || format!("{query}: the pack has no {name}"));
        }
    }
}

fn surfaces(root: Node<'_>, pack: &Pack, found: &mut Found) {
    for dashboard in items(root, "dashboards") {
        let panels = ["panels", "panels_proposed"].map(|key| items(dashboard, key).count());
        found.panels += panels.into_iter().max().unwrap_or(0);
    }
    let shown = pack.panels().count();
    let asked = found.panels;
    found.check(shown >= asked, || format!("{shown} panels are shown, and {asked} asked for"));
    for endpoint in items(root, "endpoints") {
        let path = text(endpoint, "path").unwrap_or_default();
        found.endpoints += 1;
        let is_there = pack.endpoints.iter().any(|it| it.path.value == path);
        found.check(is_there, || format!("there is no endpoint {path}"));
    }
    let env = get(root, "config").and_then(|config| get(config, "env"));
    for setting in env.into_iter().flat_map(Node::entries) {
        let name = string(setting.key);
        found.settings += 1;
        let is_there = pack.settings.iter().any(|it| it.name.value == name);
        found.check(is_there, || format!("there is no setting {name}"));
    }
    for defect in items(root, "defects") {
        let id = text(defect, "id").unwrap_or_default();
        found.defects += 1;
        found.check(pack.fixes.iter().any(|fix| fix.id.value == id), || format!("nothing is said of {id}"));
    }
}

/// With `--nocapture` it counts what there is.
#[test]
fn all_that_the_catalogues_ask_for_is_there() {
    let mut problems = Vec::new();
    let (mut alerts_seen, mut defects_seen) = (0, 0);
    for platform in Platform::ALL {
        let Some(document): Option<Document> = document(platform) else { return };
        let (root, pack) = (document.root(), pack(platform));
        let mut found = Found::default();
        alerts(root, platform, &pack, &mut found);
        queries(root, &pack, &mut found);
        surfaces(root, &pack, &mut found);
        println!(
            "{platform}: {} alerts with {} cases, {} queries, {} panels, {} endpoints, {} settings, {} defects",
            found.alerts,
            found.cases,
            found.queries,
            found.panels,
            found.endpoints,
            found.settings,
            found.defects
        );
        alerts_seen += found.alerts;
        defects_seen += found.defects;
        problems.extend(found.problems.into_iter().map(|problem| format!("{platform}: {problem}")));
    }
    assert!(alerts_seen > 30 && defects_seen > 100, "{alerts_seen} alerts and {defects_seen} defects");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

//! The pages in `docs/runbooks/`: what to do when an alert fires.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bellwether_model::METRIC_NAME;
use bellwether_packs::schema::{MetricKind, Pack};
use bellwether_promql::syntax::{ParserOptions, VectorSelector, parse_expr};
use bellwether_rules::{RuleFile, RuleFileOptions, RuleKind};

use crate::generate::{all, packs, text};

/// What a runbook says, in this order. Three queries stand below the second.
const PARTS: [&str; 5] = ["**Users notice**", "**First checks**", "**Likely:**", "**Do:**", "**Over when**"];

/// The sections of the page of a pack by heading.
fn sections(pack: &Pack) -> BTreeMap<String, String> {
    let page = pack.runbooks.as_deref().unwrap_or_else(|| panic!("{} has no runbooks", pack.name));
    assert_eq!(page, format!("docs/runbooks/{}.md", pack.name));
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(page);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let sections = text.split("\n### ").skip(1).map(|section| {
        let (heading, body) = section.split_once('\n').expect("a heading and a body");
        (heading.to_owned(), body.to_owned())
    });
    sections.collect()
}

fn rules(pack: &Pack) -> RuleFile {
    let file = format!("{}.rules.yml", pack.name);
    let rules = RuleFile::parse(&file, text(&all(pack), &file).as_bytes(), &RuleFileOptions::default());
    rules.unwrap_or_else(|e| panic!("{e}"))
}

/// The queries of the checks of a runbook.
fn queries(heading: &str, body: &str) -> Vec<String> {
    let checks = body.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    let query = |line: &str| {
        let query = line.strip_suffix('`').and_then(|line| line.split_once(": `"));
        query.unwrap_or_else(|| panic!("{heading}: {line:?} does not end in a query")).1.to_owned()
    };
    checks.map(query).collect()
}

#[test]
fn every_alert_leads_to_its_runbook_and_every_runbook_is_of_an_alert() {
    for (_, pack) in packs() {
        let sections = sections(&pack);
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        for rule in rules(&pack).groups.iter().flat_map(|group| &group.rules) {
            let RuleKind::Alerting { alert, annotations, .. } = &rule.kind else { continue };
            let heading = rule.labels.get("slo").unwrap_or(alert);
            let url = format!("docs/runbooks/{}.md#{}", pack.name, heading.to_lowercase());
            assert_eq!(annotations.get("runbook_url"), Some(&url), "{alert} of {}", pack.name);
            let body = sections.get(heading).unwrap_or_else(|| panic!("{}: no runbook {heading}", pack.name));
            assert!(heading == alert || body.contains(alert.as_str()), "{heading} does not name {alert}");
            wanted.insert(heading.clone());
        }
        let there: BTreeSet<String> = sections.into_keys().collect();
        assert_eq!(there, wanted, "runbooks of {}", pack.name);
    }
}

#[test]
fn runbooks_say_what_it_means_whom_it_hurts_what_to_look_at_and_what_to_do() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (_, pack) in packs() {
        let sections = sections(&pack);
        let anchors: Vec<String> = sections.keys().map(|heading| heading.to_lowercase()).collect();
        for (heading, body) in &sections {
            let places: Vec<usize> = PARTS
                .iter()
                .map(|part| body.find(part).unwrap_or_else(|| panic!("{heading} has no {part}")))
                .collect();
            assert!(
                places.is_sorted() && places[0] > 40,
                "{heading} says first what the alert means: {places:?}"
            );
            assert_eq!(queries(heading, body).len(), 3, "checks of {heading}");
            for anchor in body.split("](#").skip(1).filter_map(|rest| rest.split_once(')')) {
                assert!(anchors.iter().any(|known| known == anchor.0), "{heading} leads to {}", anchor.0);
            }
            let (_, remedy) = body.split_once("**Do:**").expect("there");
            let (remedy, _) = remedy.split_once("**Over when**").expect("there");
            let other = seen.insert(remedy.trim().to_owned(), heading.clone());
            assert_eq!(other, None, "{heading} says word for word what another runbook says");
        }
    }
    assert!(seen.len() > 70, "{} runbooks", seen.len());
}

/// Names of series that queries may use beside those of the pack: of every target.
const EVERYWHERE: [&str; 3] = ["up", "scrape_duration_seconds", "scrape_samples_scraped"];

/// Labels of every target, and of buckets.
const OF_TARGETS: [&str; 3] = ["job", "instance", "le"];

#[test]
fn queries_of_runbooks_are_promql_over_what_the_pack_exposes() {
    for (_, pack) in packs() {
        let rules = rules(&pack);
        let recorded: Vec<&str> = rules
            .groups
            .iter()
            .flat_map(|group| &group.rules)
            .filter_map(|rule| match &rule.kind {
                RuleKind::Recording { record } => Some(record.as_str()),
                RuleKind::Alerting { .. } => None,
            })
            .collect();
        for (heading, body) in sections(&pack) {
            for query in queries(&heading, &body) {
                let expr = parse_expr(&query, &ParserOptions::default());
                let expr = expr.unwrap_or_else(|e| panic!("{heading}: {query}: {e}"));
                let selectors: Vec<VectorSelector> =
                    expr.selectors().into_iter().map(|used| used.selector.clone()).collect();
                assert!(!selectors.is_empty(), "{heading}: {query}");
                for selector in selectors {
                    judge(&pack, &recorded, &selector).unwrap_or_else(|e| panic!("{heading}: {query}: {e}"));
                }
            }
        }
    }
}

/// What is wrong with a selector of a query.
fn judge(pack: &Pack, recorded: &[&str], selector: &VectorSelector) -> Result<(), String> {
    let Some(name) = selector.name.as_deref() else {
        let names = selector.matchers.iter().find(|matcher| matcher.name() == METRIC_NAME);
        let is_there = names.is_some_and(|names| recorded.iter().any(|record| names.matches(record)));
        return if is_there { Ok(()) } else { Err("selects nothing that is recorded".to_owned()) };
    };
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
    let metric = match (pack.metric(name), of_histogram.and_then(|family| pack.metric(family))) {
        (Some(metric), _) if metric.kind != MetricKind::Histogram => metric,
        (_, Some(metric)) if matches!(metric.kind, MetricKind::Histogram | MetricKind::Summary) => metric,
        _ if EVERYWHERE.contains(&name) || pack.external.contains_key(name) => return Ok(()),
        _ => return Err(format!("the pack has no series {name}")),
    };
    for matcher in selector.matchers.iter().filter(|matcher| matcher.name() != METRIC_NAME) {
        let label = matcher.name();
        let is_state = metric.kind == MetricKind::StateSet && metric.name.value == label;
        if is_state || OF_TARGETS.contains(&label) {
            continue;
        }
        let Some(declared) = metric.label(label) else { return Err(format!("{name} has no label {label}")) };
        let accepts = |value: &String| matcher.matches(value) != matcher.op().is_negative();
        if declared.is_closed() && !declared.values.iter().any(accepts) {
            return Err(format!("{label} of {name} is never {}", matcher.value()));
        }
    }
    Ok(())
}

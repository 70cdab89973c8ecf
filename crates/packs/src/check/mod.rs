//! Whether an application exposes what its pack promises.
//!
//! [`Exposed::read`] takes one exposition apart, in any of the three formats; [`check`] compares it with a pack. Old names of metrics are as good as the new ones.
mod exposed;
mod finding;
mod metric;

use std::collections::BTreeSet;

use bellwether_exposition::MetricType;

pub use exposed::Exposed;
pub use finding::{Finding, FindingKind, Severity};

use crate::schema::{Metric, MetricKind, Pack, Scrape, Stability};
use finding::{Findings, Words};

/// So many metrics that the pack does not have are told one by one.
const MAX_UNDECLARED: usize = 20;

/// Whether the pack is about a target of the job `job` with this exposition: the pack scrapes the job, or the target exposes something of the namespace. A pack without a
/// namespace is about who exposes a metric of it.
pub fn applies(pack: &Pack, job: &str, exposed: &Exposed) -> bool {
    if pack.scrape.iter().any(|scrape| scrape.job.value == job) {
        return true;
    }
    match pack.namespace.as_str() {
        "" => pack.metrics.iter().any(|metric| metric.names().any(|name| exposed.get(name).is_some())),
        namespace => exposed.with_prefix(namespace).next().is_some(),
    }
}

/// The places of the metrics of a pack that are exposed, under their own names or old ones.
pub fn exposed_metrics(pack: &Pack, exposed: &Exposed) -> Vec<usize> {
    let is_exposed = |metric: &Metric| metric.names().any(|name| find(metric, name, exposed).is_some());
    pack.metrics.iter().enumerate().filter(|(_, metric)| is_exposed(metric)).map(|(place, _)| place).collect()
}

/// Everything in which the exposition is not what the pack says, in the order of the pack.
pub fn check(pack: &Pack, exposed: &Exposed) -> Vec<Finding> {
    let mut findings = Findings::new(pack);
    for metric in &pack.metrics {
        check_metric(&mut findings, pack, metric, exposed);
    }
    undeclared(&mut findings, pack, exposed);
    if exposed.is_partial() {
        findings.add(
            FindingKind::Cardinality,
            Severity::Warning,
            None,
            Words {
                message: "the target exposes so many names and values of labels that not all of them were looked at"
                    .to_owned(),
                expected: "names and values that fit into 16 MiB".to_owned(),
                found: "more".to_owned(),
                remedy: "find the label that grows without bound".to_owned(),
            },
        );
    }
    findings.list
}

/// The same about a target of the job `job`: if the pack scrapes the job, metrics that the job does not promise are not missed.
pub fn check_job(pack: &Pack, job: &str, exposed: &Exposed) -> Vec<Finding> {
    let scrapes: Vec<&Scrape> = pack.scrape.iter().filter(|scrape| scrape.job.value == job).collect();
    let is_promised = |name: &str| {
        let metric = pack.metric(name).filter(|_| !scrapes.is_empty());
        metric.is_none_or(|metric| scrapes.iter().any(|scrape| scrape.promises(metric)))
    };
    let mut findings = check(pack, exposed);
    findings.retain(|finding| finding.kind != FindingKind::Missing || is_promised(&finding.metric));
    findings
}

fn check_metric(findings: &mut Findings<'_>, pack: &Pack, metric: &Metric, exposed: &Exposed) {
    let mut aliases =
        metric.aliases.iter().filter_map(|alias| Some((alias, find(metric, &alias.name, exposed)?)));
    if let Some(family) = find(metric, &metric.name, exposed) {
        metric::check(findings, pack, metric, (&metric.name, family), None);
    } else if let Some((alias, family)) = aliases.next() {
        let name = &alias.name;
        findings.add(
            FindingKind::OldName,
            Severity::Info,
            Some(metric),
            Words {
                message: format!("{} is exposed only under its old name {name}", metric.name),
                expected: metric.name.value.clone(),
                found: name.value.clone(),
                remedy: "expose the new name as well, so that the old one can go away".to_owned(),
            },
        );
        metric::check(findings, pack, metric, (name, family), Some(alias));
    } else if let Some(part) = untyped_part(metric, exposed) {
        findings.add(
            FindingKind::Type,
            Severity::Error,
            Some(metric),
            Words {
                message: format!("{part} is exposed without a # TYPE line for {}", metric.name),
                expected: metric.kind.as_str().to_owned(),
                found: format!("{part} of no type"),
                remedy: format!("declare {} as a {}", metric.name, metric.kind.as_str()),
            },
        );
    } else {
        missing(findings, metric);
    }
}

/// The family of a metric under one of its names. OpenMetrics gives `_total` also to a counter that does without.
fn find<'e>(metric: &Metric, name: &str, exposed: &'e Exposed) -> Option<&'e exposed::Family> {
    let with_suffix = || match metric.kind {
        MetricKind::Counter => exposed.get(&format!("{name}_total")),
        _ => None,
    };
    exposed.get(name).or_else(with_suffix)
}

/// A series of a histogram or summary of which the exposition does not say that it belongs to one.
fn untyped_part(metric: &Metric, exposed: &Exposed) -> Option<String> {
    if !matches!(metric.kind, MetricKind::Histogram | MetricKind::Summary) {
        return None;
    }
    let part = format!("{}_count", metric.name);
    exposed.get(&part).map(|_| part)
}

fn missing(findings: &mut Findings<'_>, metric: &Metric) {
    let name = &metric.name;
    let (severity, remedy) = match metric.stability {
        Stability::Deprecated => return,
        Stability::Experimental => (Severity::Info, "nothing has to be done: it is experimental".to_owned()),
        // Most clients expose a metric with labels only from its first series on.
        Stability::Stable if !metric.labels.is_empty() => (
            Severity::Warning,
            "see whether what it counts has happened yet, or create its series at start".to_owned(),
        ),
        Stability::Stable => (Severity::Error, "expose it, or take it out of the pack".to_owned()),
    };
    let words = Words {
        message: format!("{name} is not exposed"),
        expected: metric.kind.as_str().to_owned(),
        found: "nothing".to_owned(),
        remedy,
    };
    findings.add(FindingKind::Missing, severity, Some(metric), words);
}

/// What the target exposes within the namespace and the pack does not have.
fn undeclared(findings: &mut Findings<'_>, pack: &Pack, exposed: &Exposed) {
    if pack.namespace.is_empty() {
        return;
    }
    let known: BTreeSet<&str> =
        pack.metrics.iter().flat_map(Metric::names).chain(pack.external.keys().map(String::as_str)).collect();
    let is_known = |name: &str| {
        let untyped = exposed.get(name).is_some_and(|family| family.metric_type == MetricType::Unknown);
        let parts = ["_created", "_bucket", "_sum", "_count"];
        let stem = parts.iter().find_map(|part| name.strip_suffix(part));
        let is_part =
            stem.is_some_and(|stem| known.contains(stem) || known.contains(format!("{stem}_total").as_str()));
        let without_total = name.strip_suffix("_total");
        known.contains(name)
            || without_total.is_some_and(|stem| known.contains(stem))
            // Clients expose when a counter began as a gauge of its own.
            || (is_part && (untyped || name.ends_with("_created")))
    };
    let mut unknown = exposed.with_prefix(&pack.namespace).filter(|name| !is_known(name));
    for name in unknown.by_ref().take(MAX_UNDECLARED) {
        let name = finding::shown(name);
        findings.add(
            FindingKind::Undeclared,
            Severity::Warning,
            None,
            Words {
                message: format!("{name} is exposed, and the pack does not have it"),
                expected: "nothing of this name".to_owned(),
                found: name,
                remedy: "add it to the pack, or as an alias of the metric that it is".to_owned(),
            },
        );
    }
    let more = unknown.count();
    if more > 0 {
        findings.add(
            FindingKind::Undeclared,
            Severity::Warning,
            None,
            Words {
                message: format!(
                    "{more} more metrics of {} are exposed that the pack does not have",
                    pack.namespace
                ),
                expected: format!("no other names with {}", pack.namespace),
                found: format!("{more} more"),
                remedy: "add them to the pack".to_owned(),
            },
        );
    }
}

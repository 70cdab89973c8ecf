//! Names, units and what goes with a type.

use std::collections::BTreeMap;

use bellwether_yaml::Position;

use super::Found;
use crate::schema::{Buckets, Metric, MetricKind, Pack, Stability};

/// Units that have a suffix, with the ways in which people write other scales of them.
const BASE_UNITS: [(&str, &[&str]); 3] = [
    (
        "seconds",
        &["milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "ms", "us", "ns"],
    ),
    ("bytes", &["kilobytes", "megabytes", "gigabytes", "kb", "mb", "gb", "kib", "mib", "gib"]),
    ("ratio", &["percent", "percentage"]),
];

pub(super) fn counter_total(pack: &Pack) -> Vec<Found<'_>> {
    let wrong = pack.metrics.iter().filter_map(|metric| {
        let name = &metric.name;
        let is_total = name.ends_with("_total");
        let (message, remedy) = match metric.kind {
            MetricKind::Counter if !is_total => (
                format!("counter {name} does not end in _total, with which most clients expose it"),
                format!("call it {name}_total and keep {name} as an alias"),
            ),
            MetricKind::Info if !name.ends_with("_info") => (
                format!("info {name} does not end in _info, with which clients expose it"),
                format!("call it {name}_info"),
            ),
            MetricKind::Counter => return None,
            kind if is_total => (
                format!("{} {name} ends in _total, which says that it is a counter", kind.as_str()),
                format!("call it {}", name.trim_end_matches("_total")),
            ),
            _ => return None,
        };
        Some(Found::error(name.position, message, remedy).unless(&metric.allow))
    });
    wrong.collect()
}

pub(super) fn unit_suffix(pack: &Pack) -> Vec<Found<'_>> {
    let wrong = pack.metrics.iter().filter_map(|metric| {
        let name = &metric.name;
        let stem = metric.family();
        let unit = metric.unit.as_str();
        if BASE_UNITS[..2].iter().any(|(base, _)| *base == unit) && !stem.ends_with(&format!("_{unit}")) {
            let message = format!("{name} has the unit {unit}, and its name does not say so");
            let remedy = format!("call it {stem}_{unit}, or take the unit away");
            return Some(Found::error(name.position, message, remedy).unless(&metric.allow));
        }
        let last = stem.rsplit('_').next().unwrap_or_default();
        let (base, other) = BASE_UNITS
            .iter()
            .find_map(|(base, others)| Some((base, others.iter().find(|o| **o == unit || **o == last)?)))?;
        let message = format!("{name} is in {other}, and the base unit is {base}");
        let remedy = format!("use {base} and keep the old name as an alias or a recording");
        Some(Found::warning(name.position, message, remedy).unless(&metric.allow))
    });
    wrong.collect()
}

pub(super) fn reserved_suffix(pack: &Pack) -> Vec<Found<'_>> {
    let wrong = pack.metrics.iter().filter_map(|metric| {
        let name = &metric.name;
        let stem = metric.family();
        let suffix = ["_count", "_sum", "_bucket"].into_iter().find(|suffix| stem.ends_with(suffix))?;
        let message = format!("{name} ends in {suffix}, which is a part of a histogram or summary");
        let better = stem.trim_end_matches(suffix);
        let remedy = format!("call it {better} or the like, and keep {name} as an alias");
        Some(Found::error(name.position, message, remedy).unless(&metric.allow))
    });
    wrong.collect()
}

pub(super) fn namespace(pack: &Pack) -> Vec<Found<'_>> {
    let other = pack.metrics.iter().filter(|metric| !metric.name.starts_with(&pack.namespace));
    let found = other.map(|metric| {
        let (name, namespace) = (&metric.name, &pack.namespace);
        let message = format!("{name} does not begin with {namespace}");
        let remedy = format!("call it {namespace}{name} and keep {name} as an alias");
        Found::error(name.position, message, remedy).unless(&metric.allow)
    });
    found.collect()
}

pub(super) fn unique(pack: &Pack) -> Vec<Found<'_>> {
    let metrics = pack.metrics.iter().flat_map(|metric| {
        let aliases = metric.aliases.iter().map(|alias| &alias.name);
        std::iter::once(&metric.name).chain(aliases).map(|name| (name.value.clone(), name.position))
    });
    let named = pack.named.iter().map(|named| (named.name.value.clone(), named.name.position));
    let mut found = twice(metrics.chain(named), "the name");
    // OpenMetrics knows a counter without `_total` and an info without `_info`.
    let is_first =
        |metric: &&Metric| pack.metric(&metric.name).is_some_and(|first| std::ptr::eq(first, *metric));
    let families = pack.metrics.iter().filter(is_first);
    let families = families.map(|metric| (metric.family().to_owned(), metric.name.position));
    found.extend(twice(families, "the family"));
    let alerts = pack.alerts.iter().map(|alert| (alert.name.value.clone(), alert.name.position));
    found.extend(twice(alerts, "the alert"));
    let slos = pack.slos.iter().map(|slo| (slo.name.value.clone(), slo.name.position));
    found.extend(twice(slos, "the objective"));
    let groups = pack.groups.iter().map(|group| (group.name.value.clone(), group.name.position));
    found.extend(twice(groups, "the group"));
    let dashboards = pack.dashboards.iter().map(|d| (d.title.value.clone(), d.title.position));
    found.extend(twice(dashboards, "the dashboard"));
    let jobs = pack.scrape.iter().map(|scrape| (scrape.job.value.clone(), scrape.job.position));
    found.extend(twice(jobs, "the job"));
    found
}

fn twice<'p>(names: impl Iterator<Item = (String, Position)>, what: &str) -> Vec<Found<'p>> {
    let mut first: BTreeMap<String, Position> = BTreeMap::new();
    let mut found = Vec::new();
    for (name, position) in names {
        match first.get(&name) {
            Some(before) => {
                let message =
                    format!("{what} {name:?} is there twice, the first time at line {}", before.line);
                found.push(Found::error(position, message, "take one away or call it otherwise"));
            }
            None => {
                first.insert(name, position);
            }
        }
    }
    found
}

pub(super) fn type_fields(pack: &Pack) -> Vec<Found<'_>> {
    pack.metrics.iter().flat_map(|metric| wrong_fields(pack, metric)).collect()
}

fn wrong_fields<'p>(pack: &'p Pack, metric: &'p Metric) -> Vec<Found<'p>> {
    let mut found = Vec::new();
    let mut wrong = |message: &str, remedy: &str| {
        let message = format!("{} {} {message}", metric.kind.as_str(), metric.name);
        found.push(Found::error(metric.name.position, message, remedy).unless(&metric.allow));
    };
    let kind = metric.kind;
    match &metric.buckets {
        None if kind == MetricKind::Histogram => {
            wrong(
                "has no buckets",
                "give bounds that cover what is expected and every threshold, or a name out of `buckets`",
            );
        }
        Some(_) if kind != MetricKind::Histogram => {
            wrong("cannot have buckets", "take `buckets` away; only a histogram has them");
        }
        Some(buckets) if pack.bounds(metric).is_none() => {
            if let Buckets::Named(name) = &buckets.value {
                let message = format!("has buckets {name:?}, which are not there");
                wrong(&message, "add them to `buckets`, or write a list");
            }
        }
        _ => {}
    }
    match (metric.quantiles.is_empty(), kind == MetricKind::Summary) {
        (true, true) => wrong("has no quantiles", "give them, for instance `quantiles: [0.5, 0.95, 0.99]`"),
        (false, false) => wrong("cannot have quantiles", "take `quantiles` away; they are for summaries"),
        _ => {}
    }
    match (metric.states.is_empty(), kind == MetricKind::StateSet) {
        (true, true) => wrong("has no states", "list all of them in `states`"),
        (false, false) => wrong("cannot have states", "take `states` away; they are for state sets"),
        _ => {}
    }
    if metric.observed && kind != MetricKind::Counter {
        wrong("cannot be observed", "take `observed` away; only the total of a counter is kept elsewhere");
    }
    if metric.label("le").is_some() || metric.label("quantile").is_some() {
        wrong("has a label le or quantile, which histograms and summaries bring along", "take it away");
    }
    found
}

pub(super) fn deprecation(pack: &Pack) -> Vec<Found<'_>> {
    let wrong = pack.metrics.iter().filter_map(|metric| {
        let is_deprecated = metric.stability == Stability::Deprecated;
        let says = metric.replaced_by.is_some() && metric.until.is_some();
        let says_nothing = metric.replaced_by.is_none() && metric.until.is_none();
        let (message, remedy) = match is_deprecated {
            true if !says => ("is deprecated and does not say everything", "give `replaced_by` and `until`"),
            false if !says_nothing => {
                ("is not deprecated", "take `replaced_by` and `until` away, or deprecate it")
            }
            _ => return None,
        };
        let message = format!("{} {message}", metric.name);
        Some(Found::error(metric.name.position, message, remedy).unless(&metric.allow))
    });
    wrong.collect()
}

use std::collections::BTreeMap;
use std::fmt::Display;

use super::{ChangeKind, Changes};
use crate::schema::{Label, Metric, MetricKind, Pack, Stability};

/// Adds what has changed about metrics.
pub(super) fn compare(changes: &mut Changes<'_>) {
    let (old, new) = (changes.old, changes.new);
    for before in &old.metrics {
        if let Some(after) = new.metric(&before.name) {
            same(changes, before, after, &BTreeMap::new());
        } else if let Some((after, labels)) = renamed(new, before) {
            let message =
                format!("{} is now called {}; the old name goes on as an alias", before.name, after.name);
            changes.add(ChangeKind::Renamed, false, (&after.name, after.name.position), message);
            same(changes, before, after, labels);
        } else {
            removed(changes, before);
        }
    }
    for after in &new.metrics {
        let has_old_name = after.aliases.iter().any(|alias| old.metric(&alias.name).is_some());
        if old.metric(&after.name).is_none() && !has_old_name {
            let message = format!("{} is new", after.name);
            changes.add(ChangeKind::Added, false, (&after.name, after.name.position), message);
        }
    }
}

/// The metric of which the old name is an alias, with its labels: new name to old name.
fn renamed<'p>(new: &'p Pack, before: &Metric) -> Option<(&'p Metric, &'p BTreeMap<String, String>)> {
    new.metrics.iter().find_map(|metric| {
        let alias = metric.aliases.iter().find(|alias| alias.name.value == before.name.value)?;
        Some((metric, &alias.labels))
    })
}

fn removed(changes: &mut Changes<'_>, before: &Metric) {
    let was_announced =
        before.until.as_deref().is_some_and(|until| version(&changes.new.version) >= version(until));
    let (breaking, why) = match before.stability {
        Stability::Experimental => (false, "; it was experimental"),
        Stability::Deprecated if was_announced => (false, ", as was announced"),
        Stability::Deprecated => (true, " before the version that was announced"),
        Stability::Stable => (true, ""),
    };
    let message = format!("{} is gone{why}", before.name);
    changes.gone(breaking, (&before.name, before.name.position), message);
}

fn version(text: &str) -> Vec<u32> {
    text.split('.').map(|number| number.parse().unwrap_or(0)).collect()
}

/// What has changed about a metric that is still there. `labels` are those that go on under their old names: new name to old name.
fn same(changes: &mut Changes<'_>, before: &Metric, after: &Metric, labels: &BTreeMap<String, String>) {
    let (old_pack, new_pack) = (changes.old, changes.new);
    let breaks = before.stability != Stability::Experimental;
    let name = &after.name;
    let mut add = |kind, breaking: bool, message: String| {
        changes.add(kind, breaking && breaks, (name, name.position), message);
    };
    if before.kind != after.kind {
        let (old, new) = (before.kind.as_str(), after.kind.as_str());
        add(ChangeKind::Type, true, format!("{name} is a {new} and was a {old}"));
    }
    if before.unit != after.unit {
        let word = |unit: &str| if unit.is_empty() { "nothing".to_owned() } else { unit.to_owned() };
        let (old, new) = (word(&before.unit), word(&after.unit));
        add(ChangeKind::Unit, true, format!("{name} is in {new} and was in {old}"));
    }
    if before.stability != after.stability {
        let (old, new) = (before.stability.as_str(), after.stability.as_str());
        add(ChangeKind::Stability, false, format!("{name} is {new} and was {old}"));
    }
    for (label, rules) in &before.labels {
        let now =
            after.labels.iter().find(|(new, _)| labels.get(&new.value).unwrap_or(&new.value) == &label.value);
        match now {
            None => add(ChangeKind::Label, true, format!("{name} has lost the label {label}")),
            Some((_, now)) => compare_values(&mut add, name, label, rules, now),
        }
    }
    for (label, _) in &after.labels {
        if before.label(labels.get(&label.value).unwrap_or(&label.value)).is_none() {
            let message = format!(
                "{name} has the new label {label}: there are more series, and those of other metrics pair with them otherwise"
            );
            add(ChangeKind::Label, true, message);
        }
    }
    for alias in &before.aliases {
        if name.value != alias.name.value
            && !after.aliases.iter().any(|now| now.name.value == alias.name.value)
        {
            add(ChangeKind::Removed, true, format!("the old name {} of {name} is gone", alias.name));
        }
    }
    let bounds = |pack: &Pack, metric: &Metric| pack.bounds(metric).unwrap_or_default().to_vec();
    if before.kind == after.kind {
        compare_lists(&mut add, name, "buckets", &bounds(old_pack, before), &bounds(new_pack, after));
        compare_lists(&mut add, name, "quantiles", &before.quantiles, &after.quantiles);
        if before.kind == MetricKind::StateSet {
            compare_lists(&mut add, name, "states", &before.states, &after.states);
        }
    }
}

fn compare_values(
    add: &mut impl FnMut(ChangeKind, bool, String),
    name: &str,
    label: &str,
    before: &Label,
    after: &Label,
) {
    if before.is_closed() && after.is_closed() {
        let gone = missing(&before.values, &after.values);
        if !gone.is_empty() {
            add(ChangeKind::Label, true, format!("{label} of {name} is no longer {gone}"));
        }
        let more = missing(&after.values, &before.values);
        if !more.is_empty() {
            add(ChangeKind::Label, false, format!("{label} of {name} can also be {more}"));
        }
    } else if before.is_closed() != after.is_closed() {
        let message = if after.is_closed() {
            format!("{label} of {name} is one of {}, and could be anything", after.values.join(", "))
        } else {
            format!("{label} of {name} can be anything, and was one of {}", before.values.join(", "))
        };
        add(ChangeKind::Label, after.is_closed(), message);
    } else if before.max != after.max {
        let word = |max: Option<u32>| max.map_or("any number of".to_owned(), |max| max.to_string());
        let (old, new) = (word(before.max), word(after.max));
        add(
            ChangeKind::Label,
            false,
            format!("{label} of {name} can have {new} values and could have {old}"),
        );
    }
}

fn compare_lists<T: PartialEq + Display>(
    add: &mut impl FnMut(ChangeKind, bool, String),
    name: &str,
    what: &str,
    before: &[T],
    after: &[T],
) {
    let gone = missing(before, after);
    if !gone.is_empty() {
        add(ChangeKind::Bucket, true, format!("{name} has lost the {what} {gone}"));
    }
    let more = missing(after, before);
    if !more.is_empty() {
        add(ChangeKind::Bucket, false, format!("{name} has the new {what} {more}"));
    }
}

/// What of `all` is not in `some`, as a list in words.
fn missing<T: PartialEq + Display>(all: &[T], some: &[T]) -> String {
    let missing = all.iter().filter(|item| !some.contains(item));
    missing.map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

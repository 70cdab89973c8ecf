//! One metric as it is exposed, against what the pack says about it.

use bellwether_exposition::MetricType;

use super::exposed::{Family, Values};
use super::finding::{Findings, Words, list, shown};
use super::{FindingKind, Severity};
use crate::schema::{Alias, Label, Metric, MetricKind, Multiprocess, Pack};

/// From this share of a limit on, it is told that the limit is near.
const NEAR: f64 = 0.8;
/// The value that instruments put in the place of those beyond a limit.
const OVERFLOW: &str = "_overflow";

/// Compares a metric with the family in which it is exposed, which has the name of an alias if there is one.
pub(super) fn check(
    findings: &mut Findings<'_>,
    pack: &Pack,
    metric: &Metric,
    (name, family): (&str, &Family),
    alias: Option<&Alias>,
) {
    if !check_type(findings, metric, name, family) {
        // The labels and bounds of another type say nothing.
        return;
    }
    check_unit(findings, metric, name, family);
    if family.n_series == 0 || !family.is_touched {
        findings.add(
            FindingKind::Untouched,
            Severity::Info,
            Some(metric),
            Words {
                message: format!("nothing has been counted in {name} yet"),
                expected: "something counted".to_owned(),
                found: if family.n_series == 0 { "no series" } else { "0" }.to_owned(),
                remedy: "see whether what it counts can happen, and whether it is counted then".to_owned(),
            },
        );
    }
    if family.n_series == 0 {
        return;
    }
    check_labels(findings, metric, name, family, alias);
    check_bounds(findings, pack, metric, name, family);
    check_series(findings, metric, name, family);
}

/// Whether the type is that of the pack, or one that a format without it writes instead.
fn check_type(findings: &mut Findings<'_>, metric: &Metric, name: &str, family: &Family) -> bool {
    let found = family.metric_type;
    let fits = match metric.kind {
        MetricKind::Counter => found == MetricType::Counter,
        MetricKind::Gauge => found == MetricType::Gauge,
        MetricKind::Histogram => {
            found == MetricType::Histogram && (!family.is_native || !family.bounds.is_empty())
        }
        // Only protobuf can carry the native form; elsewhere its count, sum and classic buckets stand for it.
        MetricKind::NativeHistogram => found == MetricType::Histogram,
        MetricKind::Summary => found == MetricType::Summary,
        MetricKind::Info => matches!(found, MetricType::Info | MetricType::Gauge),
        MetricKind::StateSet => matches!(found, MetricType::StateSet | MetricType::Gauge),
    };
    if fits {
        return true;
    }
    let wanted = metric.kind.as_str();
    let (severity, found) = match found {
        MetricType::Unknown => (Severity::Warning, "of no type"),
        MetricType::Histogram if metric.kind == MetricKind::Histogram => {
            (Severity::Error, "a native histogram without classic buckets")
        }
        found => (Severity::Error, found.as_str()),
    };
    findings.add(
        FindingKind::Type,
        severity,
        Some(metric),
        Words {
            message: format!("{name} is exposed as {found}, and the pack says {wanted}"),
            expected: wanted.to_owned(),
            found: found.to_owned(),
            remedy: "declare it as the pack does, or correct the pack".to_owned(),
        },
    );
    severity == Severity::Warning && metric.kind == MetricKind::Gauge
}

fn check_unit(findings: &mut Findings<'_>, metric: &Metric, name: &str, family: &Family) {
    if family.unit.is_empty() || family.unit == metric.unit {
        return;
    }
    let wanted = if metric.unit.is_empty() { "none" } else { &metric.unit };
    let found = shown(&family.unit);
    findings.add(
        FindingKind::Unit,
        Severity::Error,
        Some(metric),
        Words {
            message: format!("{name} is exposed in {found}, and the unit in the pack is {wanted}"),
            expected: wanted.to_owned(),
            found,
            remedy: "give it the unit of the pack, or correct the pack".to_owned(),
        },
    );
}

fn check_labels(
    findings: &mut Findings<'_>,
    metric: &Metric,
    name: &str,
    family: &Family,
    alias: Option<&Alias>,
) {
    let exposed_as = |label: &'_ str| -> String {
        alias.and_then(|alias| alias.labels.get(label)).cloned().unwrap_or_else(|| label.to_owned())
    };
    let mut declared: Vec<String> = Vec::new();
    for (label, rules) in &metric.labels {
        let label = exposed_as(label);
        match family.labels.get(&label) {
            None if rules.optional => {}
            None => findings.add(
                FindingKind::Label,
                Severity::Error,
                Some(metric),
                Words {
                    message: format!("no series of {name} has the label {label}"),
                    expected: format!("label {label}"),
                    found: "no such label".to_owned(),
                    remedy: "set the label, or take it out of the pack".to_owned(),
                },
            ),
            Some(values) => {
                let (all, lacking) = (family.n_series, family.n_series - values.n_series);
                if lacking > 0 && !rules.optional {
                    findings.add(
                        FindingKind::Label,
                        Severity::Warning,
                        Some(metric),
                        Words {
                            message: format!("{lacking} of {all} series of {name} lack the label {label}"),
                            expected: format!("label {label} on all series"),
                            found: format!("{lacking} of {all} lack it"),
                            remedy: "set the label on all of them".to_owned(),
                        },
                    );
                }
                check_values(findings, metric, name, &label, rules, values);
            }
        }
        declared.push(label);
    }
    if metric.kind == MetricKind::StateSet
        && let Some(values) = family.labels.get(name)
    {
        let states = Label { values: metric.states.clone(), ..Label::default() };
        check_values(findings, metric, name, name, &states, values);
        declared.push(name.to_owned());
    }
    if metric.multiprocess == Multiprocess::PerProcess {
        declared.push("pid".to_owned());
    }
    let unknown: Vec<&str> =
        family.labels.keys().filter(|label| !declared.contains(label)).map(String::as_str).collect();
    if !unknown.is_empty() {
        let found = list(unknown);
        findings.add(
            FindingKind::Label,
            Severity::Error,
            Some(metric),
            Words {
                message: format!("{name} has labels that the pack does not have: {found}"),
                expected: if declared.is_empty() { "no labels".to_owned() } else { declared.join(", ") },
                found,
                remedy: "take them away, or add them to the pack".to_owned(),
            },
        );
    }
}

fn check_values(
    findings: &mut Findings<'_>,
    metric: &Metric,
    name: &str,
    label: &str,
    rules: &Label,
    values: &Values,
) {
    let distinct = || values.distinct.iter().map(|value| &**value);
    if values.distinct.contains(OVERFLOW) && !rules.values.iter().any(|value| value == OVERFLOW) {
        findings.add(
            FindingKind::Cardinality,
            Severity::Warning,
            Some(metric),
            Words {
                message: format!(
                    "{name} has more values of {label} than it may have; the others are counted as {OVERFLOW}"
                ),
                expected: match rules.bound() {
                    Some(max) => format!("at most {max} values of {label}"),
                    None => format!("values of {label} without {OVERFLOW}"),
                },
                found: OVERFLOW.to_owned(),
                remedy: "bound the values, or raise `max` in the pack and its instruments".to_owned(),
            },
        );
    }
    if rules.is_closed() {
        let is_wrong = |value: &&str| *value != OVERFLOW && !rules.values.iter().any(|known| known == value);
        let wrong: Vec<&str> = distinct().filter(is_wrong).collect();
        if !wrong.is_empty() {
            let (known, wrong) = (rules.values.join(", "), list(wrong));
            findings.add(
                FindingKind::Value,
                Severity::Error,
                Some(metric),
                Words {
                    message: format!("{label} of {name} is {wrong}, and the pack knows {known}"),
                    expected: format!("{label}: {known}"),
                    found: wrong,
                    remedy: "use the values of the pack, or add these to it".to_owned(),
                },
            );
        }
    }
    if let Some(max_len) = rules.max_len {
        let long: Vec<&str> =
            distinct().filter(|value| *value != OVERFLOW && value.len() > usize::from(max_len)).collect();
        if !long.is_empty() {
            let long = list(long);
            findings.add(
                FindingKind::Value,
                Severity::Warning,
                Some(metric),
                Words {
                    message: format!("{label} of {name} has values of more than {max_len} bytes: {long}"),
                    expected: format!("{label} of at most {max_len} bytes"),
                    found: long,
                    remedy: "cut them, or raise `max_len` in the pack".to_owned(),
                },
            );
        }
    }
    if let Some(max) = rules.max {
        let what = format!("values of {label} in {name}");
        check_limit(findings, metric, &what, values.distinct.len(), max as usize);
    }
}

fn check_series(findings: &mut Findings<'_>, metric: &Metric, name: &str, family: &Family) {
    if let Some(max) = metric.max_series {
        check_limit(findings, metric, &format!("series of {name}"), family.n_series, max as usize);
    }
}

fn check_limit(findings: &mut Findings<'_>, metric: &Metric, what: &str, found: usize, max: usize) {
    if found > max {
        findings.add(
            FindingKind::Cardinality,
            Severity::Error,
            Some(metric),
            Words {
                message: format!("there are {found} {what}, and there may be {max}"),
                expected: format!("at most {max} {what}"),
                found: found.to_string(),
                remedy: "bound them, or raise the limit in the pack".to_owned(),
            },
        );
    } else if max > 1 && found as f64 >= max as f64 * NEAR {
        findings.add(
            FindingKind::Cardinality,
            Severity::Warning,
            Some(metric),
            Words {
                message: format!("there are {found} of at most {max} {what}"),
                expected: format!("well below {max} {what}"),
                found: found.to_string(),
                remedy: "see whether they grow, before the limit is met".to_owned(),
            },
        );
    }
}

fn check_bounds(findings: &mut Findings<'_>, pack: &Pack, metric: &Metric, name: &str, family: &Family) {
    let (wanted, what) = match metric.kind {
        MetricKind::Histogram => (pack.bounds(metric).unwrap_or_default(), "buckets"),
        MetricKind::Summary => (metric.quantiles.as_slice(), "quantiles"),
        _ => return,
    };
    if wanted.is_empty() {
        return;
    }
    let absent = difference(wanted, &family.bounds);
    let more = difference(&family.bounds, wanted);
    if !absent.is_empty() {
        let absent = numbers(&absent);
        findings.add(
            FindingKind::Bucket,
            Severity::Error,
            Some(metric),
            Words {
                message: format!("{name} lacks {what} of the pack: {absent}"),
                expected: format!("{what} {}", numbers(wanted)),
                found: format!("without {absent}"),
                remedy: "give it those of the pack, or correct the pack".to_owned(),
            },
        );
    }
    if !more.is_empty() {
        let more = numbers(&more);
        findings.add(
            FindingKind::Bucket,
            Severity::Warning,
            Some(metric),
            Words {
                message: format!("{name} has {what} that the pack does not have: {more}"),
                expected: format!("{what} {}", numbers(wanted)),
                found: format!("also {more}"),
                remedy: "give it those of the pack, or add these to it".to_owned(),
            },
        );
    }
}

/// The numbers of `all` that `some` lacks.
fn difference(all: &[f64], some: &[f64]) -> Vec<f64> {
    all.iter().copied().filter(|number| !some.contains(number)).collect()
}

fn numbers(numbers: &[f64]) -> String {
    const SHOWN: usize = 10;
    let first: Vec<String> = numbers.iter().take(SHOWN).map(f64::to_string).collect();
    match numbers.len().saturating_sub(SHOWN) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

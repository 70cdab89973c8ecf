//! What is wrong with a pack that has the right form.
//!
//! Each rule is a function that names the defects of real guides which it prevents. A rule can be set aside where it does not apply, with the reason: `allow: {RULE: why}` at
//! the entry or at the top of the pack.
mod alerts;
mod counts;
mod deployment;
mod duplicates;
mod expressions;
mod labels;
mod names;
mod references;
mod thresholds;
mod uses;

use std::collections::BTreeMap;
use std::fmt;

use bellwether_yaml::Position;

use crate::schema::Pack;

/// A rule.
pub struct Rule {
    /// The name, for `allow`.
    pub id: &'static str,
    /// The ids of the defects that it prevents.
    pub defects: &'static [&'static str],
    /// What it demands.
    pub demands: &'static str,
    /// Whether an author may say that it does not apply. Of an expression without a meaning nothing can be made, whatever the reason.
    pub can_be_set_aside: bool,
    check: fn(&Pack) -> Vec<Found<'_>>,
}

/// What is wrong at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static str,
    /// The ids of the defects that the rule prevents.
    pub defects: &'static [&'static str],
    /// Whether nothing may be generated.
    pub level: Level,
    /// The file.
    pub source: String,
    /// The place.
    pub position: Position,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing is generated from the pack.
    Error,
    /// Probably not meant.
    Warning,
}

impl Level {
    /// `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, defects, level, source, position, message, remedy } = self;
        write!(f, "{source}:{position}: {}: {message}; {remedy} [{rule}", level.as_str())?;
        if !defects.is_empty() {
            write!(f, ": {}", defects.join(", "))?;
        }
        f.write_str("]")
    }
}

/// A finding of a rule, before it is known whether it is allowed.
struct Found<'p> {
    level: Level,
    position: Position,
    message: String,
    remedy: String,
    allow: Option<&'p BTreeMap<String, String>>,
}

impl<'p> Found<'p> {
    fn error(position: Position, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Error, position, message: message.into(), remedy: remedy.into(), allow: None }
    }

    fn warning(position: Position, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(position, message, remedy) }
    }

    /// Where the author may set the rule aside.
    fn unless(self, allow: &'p BTreeMap<String, String>) -> Self {
        Self { allow: Some(allow), ..self }
    }
}

const fn rule(
    id: &'static str,
    defects: &'static [&'static str],
    demands: &'static str,
    check: fn(&Pack) -> Vec<Found<'_>>,
) -> Rule {
    Rule { id, defects, demands, can_be_set_aside: true, check }
}

impl Rule {
    /// The same rule, which nobody can set aside.
    const fn needed(self) -> Self {
        Self { can_be_set_aside: false, ..self }
    }
}

/// Every rule, in the order of the documentation.
pub const RULES: &[Rule] = &[
    rule(
        "counter-total",
        &["U6", "V9"],
        "A counter ends in `_total`, and nothing else does.",
        names::counter_total,
    ),
    rule(
        "unit-suffix",
        &["U7", "D18", "V24"],
        "A name ends in its unit, which is a base unit.",
        names::unit_suffix,
    ),
    rule(
        "reserved-suffix",
        &["C20", "V23"],
        "No name ends in `_count`, `_sum` or `_bucket`, which are parts of histograms.",
        names::reserved_suffix,
    ),
    rule("namespace", &["C11"], "Every name begins with the namespace.", names::namespace),
    rule("unique-name", &[], "Nothing is there twice.", names::unique),
    rule(
        "type-fields",
        &["D12", "V10", "V29"],
        "Histograms have buckets, summaries quantiles, state sets states, and nothing else has.",
        names::type_fields,
    ),
    rule(
        "deprecation",
        &[],
        "What is deprecated says what takes its place and until when it is there.",
        names::deprecation,
    ),
    rule(
        "bounded-label",
        &["D3", "V20", "G10"],
        "The values of a label are a list or have a limit, and none is unique to an event.",
        labels::bounded,
    ),
    rule(
        "series-count",
        &["D3", "V20"],
        "A metric has at most some ten thousand series.",
        labels::series_count,
    ),
    rule("label-value", &["C21"], "A condition on a closed label names values of it.", labels::known_values),
    rule("known-label", &["C8", "C9", "U10"], "What is grouped by, the metrics have.", labels::known_labels),
    rule(
        "known-series",
        &["U3", "G5"],
        "Everything that an expression uses is exposed by something.",
        expressions::known_series,
    )
    .needed(),
    rule("expression-types", &["G8"], "Expressions have a meaning and their types fit.", expressions::types)
        .needed(),
    rule(
        "ratio-groups",
        &["D1", "D2", "V5"],
        "Both sides of a division are grouped by the same labels.",
        expressions::ratio_groups,
    ),
    rule(
        "rate-as-share",
        &["V4", "C4", "D8"],
        "Failures per second are not compared as if they were a share.",
        alerts::rate_as_share,
    ),
    rule(
        "quantile-le",
        &["D7", "C7", "V15"],
        "A quantile is taken of buckets that are summed by `le`.",
        expressions::quantile_le,
    ),
    rule(
        "counter-rate",
        &["G8", "G9"],
        "Counters are seen through `rate` or `increase`, and gauges are not.",
        expressions::counter_rate,
    ),
    rule(
        "threshold-in-buckets",
        &["C1", "C5", "V7"],
        "A threshold of a quantile lies between the bounds of the histogram.",
        thresholds::in_buckets,
    ),
    rule(
        "for-and-severity",
        &["U13"],
        "An alert says how long its condition must hold and how bad it is.",
        alerts::for_and_severity,
    ),
    rule(
        "precomputed",
        &["U4", "U5", "G9"],
        "Alerts are on counters and histograms, not on rates and percentiles that the application has computed.",
        alerts::precomputed,
    ),
    rule(
        "min-traffic",
        &["U2", "D23", "C19"],
        "An alert on a share says how much traffic it takes.",
        alerts::min_traffic,
    ),
    rule(
        "absent",
        &["C14", "D11", "U15"],
        "An alert that something is down also fires when its series are gone.",
        alerts::absent,
    ),
    rule(
        "duplicate-alert",
        &["U14"],
        "No two alerts have the same condition, unless one inhibits the other.",
        duplicates::alerts,
    ),
    rule("alert-text", &[], "An alert says in a `summary` what is wrong.", alerts::text),
    rule(
        "alert-tests",
        &[],
        "An alert has a case in which it fires and one in which it does not.",
        alerts::tests,
    ),
    rule("runbook", &[], "An alert says in a `runbook_url` where people read what to do.", alerts::runbooks),
    rule(
        "objective-tests",
        &[],
        "Good and bad events of an objective can be made up, so that its alerts have cases.",
        alerts::burn_tests,
    ),
    rule("alert-case", &[], "The series of a case are series that something exposes.", alerts::cases),
    rule("template", &[], "What an alert says are templates that a server takes.", alerts::templates),
    rule(
        "ports",
        &["C2", "V14"],
        "No two services listen on the same port, and none on that of the server.",
        deployment::ports,
    ),
    rule(
        "localhost-target",
        &["D5", "V17"],
        "In containers, targets are not `localhost`.",
        deployment::localhost_targets,
    ),
    rule(
        "notified",
        &["D6", "V18", "C15"],
        "Somebody is told about the alerts of what is scraped.",
        deployment::notified,
    ),
    rule("shared-volume", &["V2"], "No two services mount the same volume.", deployment::shared_volumes),
    rule("pinned-image", &["D20", "V27"], "Images have a version.", deployment::pinned_images),
    rule(
        "counts",
        &["V8", "C17"],
        "There are as many entries as other documentation says.",
        counts::as_documented,
    ),
    rule("references", &[], "What an entry refers to is there.", references::exist).needed(),
];

/// Everything that is wrong with a pack, in the order of the file.
pub fn lint(pack: &Pack) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        let is_set_aside =
            |allow: &BTreeMap<String, String>| rule.can_be_set_aside && allow.contains_key(rule.id);
        if is_set_aside(&pack.allow) {
            continue;
        }
        let is_allowed = |found: &Found<'_>| found.allow.is_some_and(is_set_aside);
        findings.extend((rule.check)(pack).into_iter().filter(|found| !is_allowed(found)).map(|found| {
            Finding {
                rule: rule.id,
                defects: rule.defects,
                level: found.level,
                source: pack.source.clone(),
                position: found.position,
                message: found.message,
                remedy: found.remedy,
            }
        }));
    }
    findings.sort_by_key(|finding| finding.position);
    findings
}

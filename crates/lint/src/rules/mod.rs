//! The rules: one function each, with an id, and a section in `docs/lint.md`.
mod annotations;
mod constants;
mod decision;
mod duplicates;
mod kinds;
mod labels;
mod possible;
mod rates;
mod ratios;
mod recordings;
mod regexes;
mod routing;
mod runbooks;
mod sampling;
mod timing;

use std::collections::BTreeMap;

use bellwether_promql::syntax::{Expr, TextSpan};
use bellwether_rules::RuleKind;

use crate::comment::{BAD_DISABLE, UNUSED_DISABLE};
use crate::finding::{Finding, Place, Severity, Subject};
use crate::options::Options;
use crate::source::SourceRule;

/// A rule.
pub struct Rule {
    /// The id: lower case with hyphens. It does not change.
    pub id: &'static str,
    /// How bad its findings are.
    pub severity: Severity,
    /// What it demands, in one sentence.
    pub demands: &'static str,
    /// Whether only a server can tell.
    pub is_live: bool,
    pub(crate) check: fn(&Scene<'_>) -> Vec<Found>,
}

/// What the rules look at.
pub(crate) struct Scene<'s> {
    pub(crate) rules: Vec<SourceRule<'s>>,
    pub(crate) options: &'s Options,
    /// The expressions of recording rules by the names that they record.
    pub(crate) recorded: BTreeMap<&'s str, Vec<&'s Expr>>,
}

impl<'s> Scene<'s> {
    pub(crate) fn new(rules: Vec<SourceRule<'s>>, options: &'s Options) -> Self {
        let mut recorded: BTreeMap<&str, Vec<&Expr>> = BTreeMap::new();
        for rule in &rules {
            if let RuleKind::Recording { record } = &rule.rule.kind {
                recorded.entry(record).or_default().push(&rule.rule.expr);
            }
        }
        Self { rules, options, recorded }
    }

    /// The alerting rules.
    pub(crate) fn alerts(&self) -> impl Iterator<Item = &SourceRule<'s>> {
        self.rules.iter().filter(|rule| matches!(rule.rule.kind, RuleKind::Alerting { .. }))
    }
}

/// What a rule found, before it has its name.
pub(crate) struct Found {
    place: Place,
    subject: Option<Subject>,
    message: String,
    remedy: String,
    severity: Option<Severity>,
}

impl Found {
    /// About a part of the expression.
    pub(crate) fn in_expr(
        rule: &SourceRule<'_>,
        span: TextSpan,
        message: String,
        remedy: impl Into<String>,
    ) -> Self {
        Self::at(rule.at_expr(span), rule, message, remedy)
    }

    /// About a part of a rule.
    pub(crate) fn at(
        place: Place,
        rule: &SourceRule<'_>,
        message: String,
        remedy: impl Into<String>,
    ) -> Self {
        Self { place, subject: Some(rule.subject()), message, remedy: remedy.into(), severity: None }
    }

    /// About another file.
    pub(crate) fn elsewhere(place: Place, message: String, remedy: impl Into<String>) -> Self {
        Self { place, subject: None, message, remedy: remedy.into(), severity: None }
    }

    /// Less or more severe than other findings of the rule.
    pub(crate) fn with_severity(self, severity: Severity) -> Self {
        Self { severity: Some(severity), ..self }
    }

    pub(crate) fn of(self, rule: &Rule) -> Finding {
        Finding {
            rule: rule.id,
            severity: self.severity.unwrap_or(rule.severity),
            place: self.place,
            subject: self.subject,
            message: self.message,
            remedy: self.remedy,
            refuses: false,
        }
    }
}

const fn error(id: &'static str, demands: &'static str, check: fn(&Scene<'_>) -> Vec<Found>) -> Rule {
    Rule { id, severity: Severity::Error, demands, is_live: false, check }
}

const fn warning(id: &'static str, demands: &'static str, check: fn(&Scene<'_>) -> Vec<Found>) -> Rule {
    Rule { id, severity: Severity::Warning, demands, is_live: false, check }
}

const fn info(id: &'static str, demands: &'static str, check: fn(&Scene<'_>) -> Vec<Found>) -> Rule {
    Rule { id, severity: Severity::Info, demands, is_live: false, check }
}

const fn live(id: &'static str, severity: Severity, demands: &'static str) -> Rule {
    Rule { id, severity, demands, is_live: true, check: elsewhere }
}

/// What is found while files and comments are read, or by asking a server.
fn elsewhere(_: &Scene<'_>) -> Vec<Found> {
    Vec::new()
}

/// Every rule, in the order of the documentation.
pub const RULES: &[Rule] = &[
    error("invalid-rule-file", "A server takes the file.", elsewhere),
    error("promql-syntax", "An expression can be read.", elsewhere),
    error("always-empty", "An expression can have a result.", constants::always_empty),
    error("never-matches", "Both sides of an operator can have the same labels.", ratios::never_matches),
    warning("comparison-missing", "An alert compares something.", decision::comparison_missing),
    error(
        "rate-of-gauge",
        "`rate` and `increase` are taken of counters, before anything is summed.",
        rates::rate_of_gauge,
    ),
    error("range-too-short", "The range of a rate holds at least two scrapes.", rates::range_too_short),
    warning("counter-raw", "A counter is seen through `rate` or `increase`.", rates::counter_raw),
    warning(
        "quantile-buckets",
        "A quantile is taken of buckets that are summed by `le`.",
        ratios::quantile_buckets,
    ),
    error("self-division", "A share is not a series divided by itself.", ratios::self_division),
    warning("ratio-labels", "Both sides of a division are summed by the same labels.", ratios::ratio_labels),
    warning(
        "rate-as-share",
        "Failures per second are not compared as if they were a share.",
        ratios::rate_as_share,
    ),
    warning("min-traffic", "An alert on a share says how much traffic it takes.", ratios::min_traffic),
    warning(
        "precomputed",
        "Alerts are on counters and histograms, not on rates and percentiles that the application has computed.",
        ratios::precomputed,
    ),
    warning(
        "absent-missing",
        "An alert that something is down also fires when its series are gone.",
        decision::absent_missing,
    ),
    warning(
        "sampling-in-alert",
        "An alert is about all series, not about a choice that changes.",
        sampling::in_alerts,
    ),
    warning("needless-regex", "A regular expression is one, and needs no anchors.", regexes::needless),
    info("unanchored-regex", "A regular expression is not open at both ends.", regexes::open_ended),
    error("label-stripped", "A template uses no label that an aggregation has left out.", labels::stripped),
    error("label-impossible", "A template uses no label that the result cannot have.", labels::impossible),
    warning(
        "routing-label-missing",
        "An alert has the labels that its route looks at.",
        routing::label_missing,
    ),
    info("alert-unrouted", "An alert has a route of its own.", routing::unrouted),
    warning("receiver-unreached", "Every receiver can be told of something.", routing::unreached),
    error(
        "external-label",
        "A selector asks for no label that only leaves with alerts and samples.",
        labels::external,
    ),
    warning("for-missing", "An alert says how long its condition must hold.", timing::for_missing),
    warning(
        "for-shorter-than-interval",
        "`for` is no shorter than the interval of the group.",
        timing::for_shorter,
    ),
    warning(
        "for-on-window",
        "`for` does not wait once more for a window of no events.",
        timing::for_on_window,
    ),
    warning("duplicate-rule", "No two rules are the same.", duplicates::rules),
    error("recording-rule-missing", "Every recorded series that is used is recorded.", recordings::missing),
    warning("label-missing", "An alert has the labels that are demanded.", annotations::labels),
    warning(
        "annotation-missing",
        "An alert has the annotations that are demanded.",
        annotations::annotations,
    ),
    error("runbook-dead", "A link to a runbook leads somewhere.", runbooks::dead),
    live("series-missing", Severity::Error, "There are series for every selector."),
    live("label-unseen", Severity::Error, "The series of a selector have the labels that it asks for."),
    live("value-unseen", Severity::Warning, "The labels have the values that a selector asks for."),
    live("series-unsteady", Severity::Warning, "What a selector is about is there all the time."),
    live("sides-never-match", Severity::Error, "Series on both sides of an operator pair."),
    live("noisy-alert", Severity::Warning, "An alert fires rarely."),
    live("query-cost", Severity::Warning, "An evaluation costs little."),
    warning(BAD_DISABLE, "A comment that sets findings aside says which and why.", elsewhere),
    warning(UNUSED_DISABLE, "A comment sets something aside.", elsewhere),
];

/// The rules that find what a check of pint finds.
pub(crate) fn of_pint(check: &str) -> &'static [&'static str] {
    match check {
        "promql/syntax" => &["promql-syntax"],
        "promql/impossible" => &["always-empty", "never-matches"],
        "promql/vector_matching" => &["never-matches", "sides-never-match", "ratio-labels", "self-division"],
        "promql/rate" => &["rate-of-gauge", "range-too-short"],
        "promql/counter" => &["counter-raw"],
        "promql/fragile" => &["ratio-labels", "sampling-in-alert"],
        "promql/regexp" => &["needless-regex", "unanchored-regex"],
        "promql/series" => &["series-missing", "label-unseen", "value-unseen", "series-unsteady"],
        "alerts/count" => &["noisy-alert"],
        "query/cost" => &["query-cost"],
        "promql/aggregate" => &["label-stripped", "routing-label-missing"],
        "alerts/comparison" => &["comparison-missing"],
        "alerts/template" => &["label-stripped", "label-impossible"],
        "alerts/for" | "rule/for" => &["for-missing", "for-shorter-than-interval", "for-on-window"],
        "alerts/annotation" => &["annotation-missing"],
        "alerts/absent" => &["absent-missing"],
        "alerts/external_labels" => &["external-label"],
        "rule/duplicate" => &["duplicate-rule"],
        "rule/dependency" => &["recording-rule-missing"],
        "rule/label" => &["label-missing"],
        "rule/link" => &["runbook-dead"],
        _ => &[],
    }
}

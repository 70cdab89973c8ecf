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
    /// Where its findings come from.
    pub(crate) origin: Origin,
}

/// Where the findings of a rule come from.
#[derive(Clone, Copy)]
pub(crate) enum Origin {
    /// From all rules together.
    Rules(fn(&Scene<'_>) -> Vec<Found>),
    /// From reading files and their comments.
    Reading,
    /// From asking a server.
    Server,
}

use Origin::{Reading, Rules, Server};
use Severity::{Error, Info, Warning};

impl Rule {
    /// Whether only a server can tell.
    pub fn is_live(&self) -> bool {
        matches!(self.origin, Server)
    }
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

const fn rule(id: &'static str, severity: Severity, demands: &'static str, origin: Origin) -> Rule {
    Rule { id, severity, demands, origin }
}

/// Every rule, in the order of the documentation.
pub const RULES: &[Rule] = &[
    rule("invalid-rule-file", Error, "A server takes the file.", Reading),
    rule("promql-syntax", Error, "An expression can be read.", Reading),
    rule("always-empty", Error, "An expression can have a result.", Rules(constants::always_empty)),
    rule(
        "never-matches",
        Error,
        "Both sides of an operator can have the same labels.",
        Rules(ratios::never_matches),
    ),
    rule("comparison-missing", Warning, "An alert compares something.", Rules(decision::comparison_missing)),
    rule(
        "rate-of-gauge",
        Error,
        "`rate` and `increase` are taken of counters, before anything is summed.",
        Rules(rates::rate_of_gauge),
    ),
    rule(
        "range-too-short",
        Error,
        "The range of a rate holds at least two scrapes.",
        Rules(rates::range_too_short),
    ),
    rule(
        "counter-raw",
        Warning,
        "A counter is seen through `rate` or `increase`.",
        Rules(rates::counter_raw),
    ),
    rule(
        "quantile-buckets",
        Warning,
        "A quantile is taken of buckets that are summed by `le`.",
        Rules(ratios::quantile_buckets),
    ),
    rule("self-division", Error, "A share is not a series divided by itself.", Rules(ratios::self_division)),
    rule(
        "ratio-labels",
        Warning,
        "Both sides of a division are summed by the same labels.",
        Rules(ratios::ratio_labels),
    ),
    rule(
        "rate-as-share",
        Warning,
        "Failures per second are not compared as if they were a share.",
        Rules(ratios::rate_as_share),
    ),
    rule(
        "min-traffic",
        Warning,
        "An alert on a share says how much traffic it takes.",
        Rules(ratios::min_traffic),
    ),
    rule(
        "precomputed",
        Warning,
        "Alerts are on counters and histograms, not on rates and percentiles that the application has computed.",
        Rules(ratios::precomputed),
    ),
    rule(
        "absent-missing",
        Warning,
        "An alert that something is down also fires when its series are gone.",
        Rules(decision::absent_missing),
    ),
    rule(
        "sampling-in-alert",
        Warning,
        "An alert is about all series, not about a choice that changes.",
        Rules(sampling::in_alerts),
    ),
    rule(
        "needless-regex",
        Warning,
        "A regular expression is one, and needs no anchors.",
        Rules(regexes::needless),
    ),
    rule(
        "unanchored-regex",
        Info,
        "A regular expression is not open at both ends.",
        Rules(regexes::open_ended),
    ),
    rule(
        "label-stripped",
        Error,
        "A template uses no label that an aggregation has left out.",
        Rules(labels::stripped),
    ),
    rule(
        "label-impossible",
        Error,
        "A template uses no label that the result cannot have.",
        Rules(labels::impossible),
    ),
    rule(
        "routing-label-missing",
        Warning,
        "An alert has the labels that its route looks at.",
        Rules(routing::label_missing),
    ),
    rule("alert-unrouted", Info, "An alert has a route of its own.", Rules(routing::unrouted)),
    rule(
        "receiver-unreached",
        Warning,
        "Every receiver can be told of something.",
        Rules(routing::unreached),
    ),
    rule(
        "external-label",
        Error,
        "A selector asks for no label that only leaves with alerts and samples.",
        Rules(labels::external),
    ),
    rule(
        "for-missing",
        Warning,
        "An alert says how long its condition must hold.",
        Rules(timing::for_missing),
    ),
    rule(
        "for-shorter-than-interval",
        Warning,
        "`for` is no shorter than the interval of the group.",
        Rules(timing::for_shorter),
    ),
    rule(
        "for-on-window",
        Warning,
        "`for` does not wait once more for a window of no events.",
        Rules(timing::for_on_window),
    ),
    rule("duplicate-rule", Warning, "No two rules are the same.", Rules(duplicates::rules)),
    rule(
        "recording-rule-missing",
        Error,
        "Every recorded series that is used is recorded.",
        Rules(recordings::missing),
    ),
    rule("label-missing", Warning, "An alert has the labels that are demanded.", Rules(annotations::labels)),
    rule(
        "annotation-missing",
        Warning,
        "An alert has the annotations that are demanded.",
        Rules(annotations::annotations),
    ),
    rule("runbook-dead", Error, "A link to a runbook leads somewhere.", Rules(runbooks::dead)),
    rule("series-missing", Error, "There are series for every selector.", Server),
    rule("label-unseen", Error, "The series of a selector have the labels that it asks for.", Server),
    rule("value-unseen", Warning, "The labels have the values that a selector asks for.", Server),
    rule("series-unsteady", Warning, "What a selector is about is there all the time.", Server),
    rule("sides-never-match", Error, "Series on both sides of an operator pair.", Server),
    rule("noisy-alert", Warning, "An alert fires rarely.", Server),
    rule("query-cost", Warning, "An evaluation costs little.", Server),
    rule(BAD_DISABLE, Warning, "A comment that sets findings aside says which and why.", Reading),
    rule(UNUSED_DISABLE, Warning, "A comment sets something aside.", Reading),
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

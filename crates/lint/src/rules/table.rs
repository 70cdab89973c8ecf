//! Which rules there are.

use super::Origin::{Reading, Rules, Server};
use super::{
    Origin, Rule, annotations, constants, decision, duplicates, labels, rates, ratios, recordings, regexes,
    routing, runbooks, sampling, timing,
};
use crate::comment::{BAD_DISABLE, UNUSED_DISABLE};
use crate::finding::Severity;

const fn error(id: &'static str, demands: &'static str, origin: Origin) -> Rule {
    Rule { id, severity: Severity::Error, demands, origin }
}

const fn warning(id: &'static str, demands: &'static str, origin: Origin) -> Rule {
    Rule { id, severity: Severity::Warning, demands, origin }
}

const fn info(id: &'static str, demands: &'static str, origin: Origin) -> Rule {
    Rule { id, severity: Severity::Info, demands, origin }
}

/// Every rule, in the order of the documentation.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    error("invalid-rule-file", "A server takes the file.", Reading),
    error("promql-syntax", "An expression can be read.", Reading),
    error("always-empty", "An expression can have a result.", Rules(constants::always_empty)),
    error("never-matches", "Both sides of an operator can have the same labels.", Rules(ratios::never_matches)),
    warning("comparison-missing", "An alert compares something.", Rules(decision::comparison_missing)),
    error("rate-of-gauge", "`rate` and `increase` are taken of counters, before anything is summed.", Rules(rates::rate_of_gauge)),
    error("range-too-short", "The range of a rate holds at least two scrapes.", Rules(rates::range_too_short)),
    warning("counter-raw", "A counter is seen through `rate` or `increase`.", Rules(rates::counter_raw)),
    warning("quantile-buckets", "A quantile is taken of buckets that are summed by `le`.", Rules(ratios::quantile_buckets)),
    error("self-division", "A share is not a series divided by itself.", Rules(ratios::self_division)),
    warning("ratio-labels", "Both sides of a division are summed by the same labels.", Rules(ratios::ratio_labels)),
    warning("rate-as-share", "Failures per second are not compared as if they were a share.", Rules(ratios::rate_as_share)),
    warning("min-traffic", "An alert on a share says how much traffic it takes.", Rules(ratios::min_traffic)),
    warning("precomputed", "Alerts are on counters and histograms, not on rates and percentiles that the application has computed.", Rules(ratios::precomputed)),
    warning("absent-missing", "An alert that something is down also fires when its series are gone.", Rules(decision::absent_missing)),
    warning("sampling-in-alert", "An alert is about all series, not about a choice that changes.", Rules(sampling::in_alerts)),
    warning("needless-regex", "A regular expression is one, and needs no anchors.", Rules(regexes::needless)),
    info("unanchored-regex", "A regular expression is not open at both ends.", Rules(regexes::open_ended)),
    error("label-stripped", "A template uses no label that an aggregation has left out.", Rules(labels::stripped)),
    error("label-impossible", "A template uses no label that the result cannot have.", Rules(labels::impossible)),
    warning("routing-label-missing", "An alert has the labels that its route looks at.", Rules(routing::label_missing)),
    info("alert-unrouted", "An alert has a route of its own.", Rules(routing::unrouted)),
    warning("receiver-unreached", "Every receiver can be told of something.", Rules(routing::unreached)),
    error("external-label", "A selector asks for no label that only leaves with alerts and samples.", Rules(labels::external)),
    warning("for-missing", "An alert says how long its condition must hold.", Rules(timing::for_missing)),
    warning("for-shorter-than-interval", "`for` is no shorter than the interval of the group.", Rules(timing::for_shorter)),
    warning("for-on-window", "`for` does not wait once more for a window of no events.", Rules(timing::for_on_window)),
    warning("duplicate-rule", "No two rules are the same.", Rules(duplicates::rules)),
    error("recording-rule-missing", "Every recorded series that is used is recorded.", Rules(recordings::missing)),
    warning("label-missing", "An alert has the labels that are demanded.", Rules(annotations::labels)),
    warning("annotation-missing", "An alert has the annotations that are demanded.", Rules(annotations::annotations)),
    error("runbook-dead", "A link to a runbook leads somewhere.", Rules(runbooks::dead)),
    error("series-missing", "There are series for every selector.", Server),
    error("label-unseen", "The series of a selector have the labels that it asks for.", Server),
    warning("value-unseen", "The labels have the values that a selector asks for.", Server),
    warning("series-unsteady", "What a selector is about is there all the time.", Server),
    error("sides-never-match", "Series on both sides of an operator pair.", Server),
    warning("noisy-alert", "An alert fires rarely.", Server),
    warning("query-cost", "An evaluation costs little.", Server),
    warning(BAD_DISABLE, "A comment that sets findings aside says which and why.", Reading),
    warning(UNUSED_DISABLE, "A comment sets something aside.", Reading),
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

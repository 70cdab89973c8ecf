//! Shares, quantiles, and what is compared instead of them.

use std::collections::BTreeSet;

use bellwether_promql::syntax::{
    BinaryExpr, BinaryOp, Comparison, Expr, MatchCardinality, ResultLabels, SelectorUse, TextSpan, ValueType,
    result_labels,
};

use super::kinds::MetricKind;
use super::possible::{left_out_by, possible_labels};
use super::{Found, Scene};

/// The labels that every scraped series has.
const OF_TARGETS: [&str; 2] = ["instance", "job"];

pub(super) fn never_matches(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in &scene.rules {
        rule.rule.expr.walk(&mut |node, _| {
            let Expr::Binary(binary) = node else { return };
            let Some(why) = mismatch(binary) else { return };
            let outcome = if binary.op == BinaryOp::Unless {
                "nothing is ever left out"
            } else {
                "there is never a result"
            };
            let message = format!("{why}, so `{}` finds no partners and {outcome}", binary.op.as_str());
            let remedy = "group both sides by the same labels, or say with on() which ones count";
            found.push(Found::in_expr(rule, binary.op_span, message, remedy));
        });
    }
    found
}

/// Why the series of both sides cannot pair; `None` if they can.
fn mismatch(binary: &BinaryExpr) -> Option<String> {
    let matching = binary.matching.as_ref().filter(|_| binary.op != BinaryOp::Or)?;
    if !matching.fill.is_none() {
        return None;
    }
    if matching.on {
        let sides = [("left", possible_labels(&binary.lhs)), ("right", possible_labels(&binary.rhs))];
        return matching.labels.iter().find_map(|label| {
            let [lhs, rhs] = &sides;
            let (without, _) = match (lhs.1.may_have(label), rhs.1.may_have(label)) {
                (false, true) => lhs,
                (true, false) => rhs,
                _ => return None,
            };
            Some(format!("the {without} side cannot have the label {label:?} of on()"))
        });
    }
    let ignored: BTreeSet<&str> = matching.labels.iter().map(String::as_str).collect();
    match (result_labels(&binary.lhs), result_labels(&binary.rhs)) {
        (ResultLabels::Only(lhs), ResultLabels::Only(rhs)) => {
            let counted = |labels: &BTreeSet<String>| -> BTreeSet<String> {
                labels.iter().filter(|label| !ignored.contains(label.as_str())).cloned().collect()
            };
            let (lhs, rhs) = (counted(&lhs), counted(&rhs));
            (lhs != rhs
                && matching.card != MatchCardinality::OneToMany
                && matching.card != MatchCardinality::ManyToOne)
                .then(|| format!("the left side has {}, the right one {}", names(&lhs), names(&rhs)))
        }
        (ResultLabels::All, ResultLabels::Only(labels)) => of_targets(&binary.lhs, &labels, &ignored),
        (ResultLabels::Only(labels), ResultLabels::All) => of_targets(&binary.rhs, &labels, &ignored),
        (ResultLabels::All, ResultLabels::All) => None,
    }
}

/// Scraped series have `job` and `instance`, which the other side has not. Of recorded ones nobody knows.
fn of_targets(scraped: &Expr, labels: &BTreeSet<String>, ignored: &BTreeSet<&str>) -> Option<String> {
    let selectors = scraped.selectors();
    let is_scraped = !selectors.is_empty()
        && !scraped.any(|node| matches!(node, Expr::Call(_) | Expr::Binary(_) | Expr::Aggregate(_)))
        && selectors.iter().all(|used| {
            used.selector.metric_name().is_some_and(|name| !name.contains(':') && !name.starts_with("ALERTS"))
        });
    let missing = OF_TARGETS.iter().find(|label| !labels.contains(**label) && !ignored.contains(**label))?;
    is_scraped.then(|| {
        format!("one side has the label {missing:?} of its target, the other one only {}", names(labels))
    })
}

fn names(labels: &BTreeSet<String>) -> String {
    if labels.is_empty() {
        return "no labels".to_owned();
    }
    let quoted: Vec<String> = labels.iter().map(|label| format!("{label:?}")).collect();
    format!("the labels {}", quoted.join(", "))
}

/// The divisions of series by series without a word on how they pair, between results that keep all labels.
fn plain_divisions(expr: &Expr) -> Vec<&BinaryExpr> {
    let mut all = Vec::new();
    expr.walk(&mut |node, _| {
        let Expr::Binary(binary) = node else { return };
        let says_how =
            binary.matching.as_ref().is_none_or(|m| m.on || !m.labels.is_empty() || !m.include.is_empty());
        let keeps_all =
            [&binary.lhs, &binary.rhs].iter().all(|side| result_labels(side) == ResultLabels::All);
        if binary.op == BinaryOp::Div && !says_how && keeps_all {
            all.push(&**binary);
        }
    });
    all
}

pub(super) fn self_division(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in &scene.rules {
        for division in plain_divisions(&rule.rule.expr) {
            let (lhs, rhs) = (division.lhs.selectors(), division.rhs.selectors());
            let ([share], [whole]) = (lhs.as_slice(), rhs.as_slice()) else { continue };
            let is_part = share.selector.metric_name().is_some()
                && share.selector.metric_name() == whole.selector.metric_name()
                && whole.selector.matchers.iter().all(|m| share.selector.matchers.contains(m))
                && same_time(share, whole);
            // Without the label that tells the part from the whole, the sums are of different series.
            let mut telling = share.selector.matchers.iter().filter(|m| !whole.selector.matchers.contains(m));
            let is_summed_over = telling.any(|m| left_out_by(&division.lhs, m.name()).is_some());
            if is_part && !is_summed_over {
                let message = format!(
                    "each series of {} is divided by itself, so the result is always 1",
                    share.selector
                );
                let remedy = "sum both sides by the labels that are meant";
                found.push(Found::in_expr(rule, division.span, message, remedy));
            }
        }
    }
    found
}

fn same_time(a: &SelectorUse<'_>, b: &SelectorUse<'_>) -> bool {
    (a.range, &a.selector.offset, a.selector.at) == (b.range, &b.selector.offset, b.selector.at)
}

pub(super) fn ratio_labels(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in &scene.rules {
        for division in plain_divisions(&rule.rule.expr) {
            let (lhs, rhs) = (division.lhs.selectors(), division.rhs.selectors());
            let metrics = |side: &[SelectorUse<'_>]| -> BTreeSet<String> {
                side.iter().filter_map(|used| Some(used.selector.metric_name()?.to_owned())).collect()
            };
            let (above, below) = (metrics(&lhs), metrics(&rhs));
            let counts_events = |side: &[SelectorUse<'_>]| {
                side.iter().any(|used| {
                    used.range.is_some()
                        && used
                            .selector
                            .metric_name()
                            .is_some_and(|name| scene.kind(name) == Some(MetricKind::Counter))
                })
            };
            // The sum and the count of the same histogram have the same labels.
            let family = |name: &String| {
                ["_sum", "_count", "_bucket"]
                    .iter()
                    .find_map(|end| name.strip_suffix(end))
                    .unwrap_or(name)
                    .to_owned()
            };
            let related = above
                .iter()
                .any(|name| below.contains(name) || below.iter().any(|other| family(other) == family(name)));
            if !related && !are_summed_alike(division) && counts_events(&lhs) && counts_events(&rhs) {
                let message = format!(
                    "{} and {} pair only if they have all labels in common; what has no partner is left out silently",
                    above.into_iter().collect::<Vec<_>>().join(", "),
                    below.into_iter().collect::<Vec<_>>().join(", ")
                );
                found.push(Found::in_expr(
                    rule,
                    division.span,
                    message,
                    "sum both sides by the labels that are meant",
                ));
            }
        }
    }
    found
}

/// Whether both sides are summed without the same labels: their authors have thought of which are left.
fn are_summed_alike(division: &BinaryExpr) -> bool {
    let without = |side: &Expr| match side.unparenthesised() {
        Expr::Aggregate(aggregate) if aggregate.without => {
            Some(aggregate.grouping.iter().cloned().collect::<BTreeSet<String>>())
        }
        _ => None,
    };
    without(&division.lhs).is_some_and(|labels| without(&division.rhs) == Some(labels))
}

pub(super) fn quantile_buckets(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in &scene.rules {
        rule.rule.expr.walk(&mut |node, _| {
            let Expr::Call(call) = node else { return };
            let Some(buckets) = call.args.get(1).filter(|_| call.func.name == "histogram_quantile") else {
                return;
            };
            let is_classic = buckets
                .selectors()
                .iter()
                .any(|used| used.selector.metric_name().is_some_and(|name| name.ends_with("_bucket")));
            if !is_classic {
                return;
            }
            let labels = result_labels(buckets);
            let (message, severity) = match &labels {
                ResultLabels::Only(labels) if labels.contains("le") => return,
                ResultLabels::Only(_) => (
                    "the label \"le\" is left out, without which there is no quantile",
                    crate::Severity::Error,
                ),
                ResultLabels::All if buckets.any(|node| matches!(node, Expr::Aggregate(_))) => return,
                ResultLabels::All => {
                    ("the quantile is one of each series, not of all observations", crate::Severity::Warning)
                }
            };
            let remedy = "take it of `sum by (le, ...)`";
            found.push(Found::in_expr(rule, call.span, message.to_owned(), remedy).with_severity(severity));
        });
    }
    found
}

/// Words in the names of counters of what went wrong.
const FAILURES: [&str; 4] = ["error", "fail", "exception", "rejected"];
/// Labels that tell what went wrong from what went well.
const OUTCOMES: [&str; 3] = ["outcome", "code", "result"];

pub(super) fn rate_as_share(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        for Comparison { what, number, .. } in conditions(&rule.rule.expr) {
            let counts_failures = what.selectors().iter().any(|used| {
                let name = used.selector.metric_name().unwrap_or_default();
                let by_label = used
                    .selector
                    .matchers
                    .iter()
                    .any(|m| m.name().contains("status") || OUTCOMES.contains(&m.name()));
                used.range.is_some() && (by_label || FAILURES.iter().any(|word| name.contains(word)))
            });
            let per_second = (what.calls("rate") || what.calls("irate")) && !what.calls("histogram_quantile");
            let is_like_a_share = number > 0.0 && number < 1.0;
            if counts_failures && per_second && is_like_a_share && !what.divides_by_series() {
                let message =
                    format!("failures per second are compared with {number}, as if they were a share");
                let remedy = "divide by the rate of all events, summed by the same labels";
                found.push(Found::in_expr(rule, what.span(), message, remedy));
            }
        }
    }
    found
}

pub(super) fn min_traffic(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        let expr = &rule.rule.expr;
        if expr.has_operator(BinaryOp::And) || expr.has_operator(BinaryOp::Unless) {
            continue;
        }
        let share = expr.comparisons().into_iter().find(|comparison| is_share_of_events(comparison.what));
        let Some(Comparison { what, .. }) = share else { continue };
        let message =
            "one failure in a quiet hour is all of them, and without traffic there is no result at all";
        let remedy = "add how much traffic it takes, as in `and sum(rate(requests_total[5m])) > 0.1`";
        found.push(Found::in_expr(rule, what.span(), message.to_owned(), remedy));
    }
    found
}

/// The comparisons with a number, but for those that only say when the others count: behind `and` and `unless`.
fn conditions(expr: &Expr) -> Vec<Comparison<'_>> {
    let guards: Vec<TextSpan> = guards(expr);
    let is_guard =
        |span: TextSpan| guards.iter().any(|guard| guard.start <= span.start && span.end <= guard.end);
    expr.comparisons().into_iter().filter(|comparison| !is_guard(comparison.what.span())).collect()
}

fn guards(expr: &Expr) -> Vec<TextSpan> {
    let mut spans = Vec::new();
    expr.walk(&mut |node, _| {
        if let Expr::Binary(binary) = node
            && matches!(binary.op, BinaryOp::And | BinaryOp::Unless)
        {
            spans.push(binary.rhs.span());
        }
    });
    spans
}

/// Whether events per second are divided by events per second, and by nothing else.
fn is_share_of_events(expr: &Expr) -> bool {
    let counts = |side: &Expr| side.calls("rate") || side.calls("increase") || side.calls("irate");
    expr.any(|node| match node {
        Expr::Binary(binary) => {
            binary.op == BinaryOp::Div
                && counts(&binary.lhs)
                && counts(&binary.rhs)
                && binary.rhs.value_type() == ValueType::Vector
                && !is_mean(&binary.lhs, &binary.rhs)
                && !is_of_seconds(&binary.rhs)
        }
        _ => false,
    })
}

/// Whether the sum of a histogram is divided by its count.
fn is_mean(lhs: &Expr, rhs: &Expr) -> bool {
    let ends = |side: &Expr, end: &str| {
        side.selectors()
            .iter()
            .all(|used| used.selector.metric_name().is_some_and(|name| name.ends_with(end)))
    };
    ends(lhs, "_sum") && ends(rhs, "_count")
}

/// Whether time is added up, which goes on without traffic.
fn is_of_seconds(expr: &Expr) -> bool {
    expr.selectors()
        .iter()
        .all(|used| used.selector.metric_name().is_some_and(|name| name.contains("_seconds_total")))
}

/// Words in the names of gauges that an application has computed.
const COMPUTED: [&str; 9] =
    ["success_rate", "error_rate", "failure_rate", "hit_rate", "percentile", "_p50", "_p90", "_p95", "_p99"];

pub(super) fn precomputed(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        let computed = rule.rule.expr.selectors().into_iter().find(|used| {
            let name = used.selector.metric_name().unwrap_or_default();
            let by_name = !name.contains(':') && COMPUTED.iter().any(|word| name.contains(word));
            let by_label =
                used.selector.matchers.iter().any(|m| matches!(m.name(), "percentile" | "quantile"));
            (by_name || by_label) && used.range.is_none() && scene.kind(name) != Some(MetricKind::Counter)
        });
        let Some(used) = computed else { continue };
        let message = format!(
            "{} was computed by the application: it cannot be joined over instances, and nobody knows over which time",
            used.selector
        );
        let remedy = "alert on a ratio of counters or a quantile of a histogram";
        found.push(Found::in_expr(rule, used.span, message, remedy));
    }
    found
}

//! Expressions that are written as PromQL can have mistakes that ratios and quantiles cannot have.

use bellwether_promql::syntax::{BinaryExpr, BinaryOp, Expr, ResultLabels, ValueType, result_labels};

use super::Found;
use super::uses::{self, Use};
use crate::compile::{CompileErrorKind, Part, Series};
use crate::schema::{MetricKind, Pack};

/// Functions that make sense of counters.
const OF_COUNTERS: [&str; 6] = ["rate", "irate", "increase", "resets", "absent", "absent_over_time"];

/// Functions that make sense only of counters.
const ONLY_OF_COUNTERS: [&str; 3] = ["rate", "irate", "increase"];

pub(super) fn known_series(pack: &Pack) -> Vec<Found<'_>> {
    broken(
        pack,
        |kind| matches!(kind, CompileErrorKind::UnknownName { .. }),
        "add it to the metrics, to `external` if another pack has it, or correct the name",
    )
}

pub(super) fn types(pack: &Pack) -> Vec<Found<'_>> {
    broken(
        pack,
        |kind| !matches!(kind, CompileErrorKind::UnknownName { .. }),
        "see docs/packs.md, Named expressions",
    )
}

/// The expressions without a meaning, each place once.
fn broken<'p>(pack: &'p Pack, of_kind: impl Fn(&CompileErrorKind) -> bool, remedy: &str) -> Vec<Found<'p>> {
    let mut found: Vec<Found<'p>> = Vec::new();
    for used in uses::all(pack) {
        let Err(error) = &used.compiled else { continue };
        let message = format!("{}: {error}", used.owner);
        // What uses a broken expression is broken by it; its place says so.
        let is_new = !found.iter().any(|other| other.position == error.position);
        if of_kind(&error.kind) && is_new {
            found.push(Found::error(error.position, message, remedy).unless(used.allow));
        }
    }
    found
}

/// Looks at every node that was written as PromQL, and tells the first that is wrong of each expression.
fn in_written(pack: &Pack, look: impl Fn(&Expr, &[&Expr]) -> Option<(String, String)>) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for Use { owner, position, allow, written, .. } in uses::all(pack) {
        let Some(expr) = written else { continue };
        let mut first = None;
        expr.walk(&mut |node, around| {
            if first.is_none() {
                first = look(node, around);
            }
        });
        if let Some((message, remedy)) = first {
            found.push(Found::error(position, format!("{owner}: {message}"), remedy).unless(allow));
        }
    }
    found
}

pub(super) fn ratio_groups(pack: &Pack) -> Vec<Found<'_>> {
    in_written(pack, |node, _| {
        let Expr::Binary(binary) = node else { return None };
        let both_series =
            [&binary.lhs, &binary.rhs].iter().all(|side| side.value_type() == ValueType::Vector);
        if binary.op != BinaryOp::Div || !both_series || pairs_rightly(pack, binary) {
            return None;
        }
        let message = format!(
            "{node} divides series that are not grouped by the same labels, so each pairs with itself or with none"
        );
        Some((message, "make it an entry of `ratios`, or sum both sides by the same labels".to_owned()))
    })
}

/// Whether the sides of a division have the same labels.
fn pairs_rightly(pack: &Pack, binary: &BinaryExpr) -> bool {
    if binary.matching.as_ref().is_some_and(|m| m.on || !m.labels.is_empty() || !m.include.is_empty()) {
        return true;
    }
    match (result_labels(&binary.lhs), result_labels(&binary.rhs)) {
        (ResultLabels::Only(lhs), ResultLabels::Only(rhs)) => lhs == rhs,
        (ResultLabels::All, ResultLabels::All) => {
            // Two gauges of the same instance, such as used and limit.
            let gauge_labels = |side: &Expr| match side.unparenthesised() {
                Expr::Vector(selector) if selector.matchers.len() == 1 => {
                    let Some(Series::Own(metric, Part::Value)) = pack.series(selector.name.as_deref()?)
                    else {
                        return None;
                    };
                    let mut labels: Vec<&str> = metric.label_names().collect();
                    labels.sort_unstable();
                    (metric.kind == MetricKind::Gauge).then_some(labels)
                }
                _ => None,
            };
            let lhs = gauge_labels(&binary.lhs);
            lhs.is_some() && lhs == gauge_labels(&binary.rhs)
        }
        _ => false,
    }
}

pub(super) fn quantile_le(pack: &Pack) -> Vec<Found<'_>> {
    in_written(pack, |node, _| {
        let Expr::Call(call) = node else { return None };
        if call.func.name != "histogram_quantile" {
            return None;
        }
        let buckets = call.args.get(1)?;
        let is_classic = buckets
            .selectors()
            .iter()
            .any(|used| used.selector.name.as_deref().is_some_and(|name| name.ends_with("_bucket")));
        let keeps_le = match buckets.unparenthesised() {
            Expr::Aggregate(sum) => sum.without != sum.grouping.iter().any(|label| label == "le"),
            _ => false,
        };
        let message = format!("{node} is a quantile of each series, not of all observations");
        let remedy = "make it an entry of `quantiles`, or take it of `sum by (le, ...)`".to_owned();
        (is_classic && !keeps_le).then_some((message, remedy))
    })
}

pub(super) fn counter_rate(pack: &Pack) -> Vec<Found<'_>> {
    in_written(pack, |node, around| {
        let (name, function) = match node {
            Expr::Vector(selector) => {
                let call = around.iter().rev().find_map(|expr| match expr {
                    Expr::Call(call) => Some(call.func.name),
                    _ => None,
                });
                (selector.name.as_deref()?, call)
            }
            Expr::Matrix(matrix) => {
                let Some(Expr::Call(call)) = around.last() else { return None };
                (matrix.selector.name.as_deref()?, Some(call.func.name))
            }
            _ => return None,
        };
        let kind = match pack.series(name)? {
            Series::Own(metric, Part::Value) => metric.kind,
            Series::External(kind) => kind,
            Series::Own(_, Part::Bucket | Part::Count | Part::Sum) => MetricKind::Counter,
            Series::Recorded => return None,
        };
        // `sum(x)` of a counter is its total since the processes started, which people do show.
        let is_total = matches!(node, Expr::Vector(_))
            && around.iter().any(|expr| matches!(expr, Expr::Aggregate(_)))
            && !around.iter().any(|expr| matches!(expr, Expr::Binary(_)));
        match kind {
            MetricKind::Counter if !is_total && !function.is_some_and(|f| OF_COUNTERS.contains(&f)) => {
                Some((
                    format!("{name} is a counter, whose value only says how long its process has run"),
                    "use `rate` or `increase`, or an entry of `rates`".to_owned(),
                ))
            }
            MetricKind::Gauge if function.is_some_and(|f| ONLY_OF_COUNTERS.contains(&f)) => Some((
                format!(
                    "{name} is a gauge, and {} takes every fall of it for a restart",
                    function.unwrap_or_default()
                ),
                "use `delta` or `deriv`, or the gauge itself".to_owned(),
            )),
            _ => None,
        }
    })
}

//! Counters and the functions for them.

use bellwether_model::{MatchOp, Matcher, format_duration_ms};
use bellwether_promql::syntax::{AggregateOp, BinaryOp, DurationArg, Expr, TextSpan, VectorSelector};
use bellwether_rules::RuleKind;

use super::kinds::MetricKind;
use super::{Found, Scene};
use crate::finding::Severity;

/// Functions that make sense only of counters.
const ONLY_OF_COUNTERS: [&str; 3] = ["rate", "irate", "increase"];

/// Functions in which a counter is not looked at as a number.
const OF_COUNTERS: [&str; 11] = [
    "rate",
    "irate",
    "increase",
    "resets",
    "changes",
    "absent",
    "absent_over_time",
    "count_over_time",
    "present_over_time",
    "timestamp",
    "histogram_quantile",
];

pub(super) fn rate_of_gauge(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in &scene.rules {
        rule.rule.expr.walk(&mut |node, _| {
            let Expr::Call(call) = node else { return };
            let function = call.func.name;
            if !ONLY_OF_COUNTERS.contains(&function) {
                return;
            }
            let (severity, message, remedy) = match call.args.first() {
                Some(Expr::Matrix(matrix)) => {
                    let Some(metric) = matrix.selector.metric_name() else { return };
                    if scene.kind(metric) != Some(MetricKind::Gauge) {
                        return;
                    }
                    // A name can be wrong about its metric.
                    let (severity, by_name) =
                        if scene.is_told(metric) { (Severity::Error, "") } else { (Severity::Warning, " by its name") };
                    let message =
                        format!("{metric} is a gauge{by_name}, and {function}() takes every fall of it for a restart");
                    (severity, message, "use delta() or deriv(), or the gauge itself".to_owned())
                }
                Some(Expr::Subquery(subquery)) => {
                    let Expr::Aggregate(aggregate) = subquery.expr.unparenthesised() else { return };
                    let op = aggregate.op.as_str();
                    let message = format!(
                        "{function}() of a {op}: when one process restarts, the {op} falls, and the fall is taken for a restart of all"
                    );
                    let remedy = format!("take {function}() of the counters and the {op} of that");
                    (Severity::Error, message, remedy)
                }
                _ => return,
            };
            found.push(Found::in_expr(rule, call.span, message, remedy).with_severity(severity));
        });
    }
    found
}

pub(super) fn range_too_short(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in &scene.rules {
        rule.rule.expr.walk(&mut |node, _| {
            let Expr::Call(call) = node else { return };
            let needs_two = ONLY_OF_COUNTERS.contains(&call.func.name)
                || ["delta", "idelta", "deriv", "changes", "resets", "predict_linear"].contains(&call.func.name);
            let Some(Expr::Matrix(matrix)) = call.args.first().filter(|_| needs_two) else { return };
            let DurationArg::Literal(range_ms) = matrix.range else { return };
            let job = job_of(&matrix.selector);
            let Some(interval_ms) = scene.options.shortest_interval_ms(job) else { return };
            if range_ms >= 2 * interval_ms {
                return;
            }
            let (range, interval) = (format_duration_ms(range_ms), format_duration_ms(interval_ms));
            let message = format!(
                "a range of {range} holds fewer than two scrapes for certain, which come every {interval}, so {}() has often no result",
                call.func.name
            );
            let remedy = format!("take at least {}, better {}", format_duration_ms(2 * interval_ms), format_duration_ms(4 * interval_ms));
            found.push(Found::in_expr(rule, matrix.span, message, remedy));
        });
    }
    found
}

/// The one job that a selector is about.
fn job_of(selector: &VectorSelector) -> Option<&str> {
    selector.matchers.iter().find(|m| m.name() == "job" && m.op() == MatchOp::Eq).map(Matcher::value)
}

pub(super) fn counter_raw(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in &scene.rules {
        let is_alert = matches!(rule.rule.kind, RuleKind::Alerting { .. });
        rule.rule.expr.walk(&mut |node, around| {
            let Some((metric, span)) = counter_in(scene, node) else { return };
            if is_looked_at_raw(node, around, is_alert) {
                let message =
                    format!("{metric} is a counter, whose value only says how long its process has run");
                found.push(Found::in_expr(rule, span, message, "use rate() or increase()"));
            }
        });
    }
    found
}

fn counter_in<'e>(scene: &Scene<'_>, node: &'e Expr) -> Option<(&'e str, TextSpan)> {
    let (selector, span) = match node {
        Expr::Vector(selector) => (&**selector, selector.span),
        Expr::Matrix(matrix) => (&matrix.selector, matrix.span),
        _ => return None,
    };
    let metric = selector.metric_name()?;
    (scene.kind(metric) == Some(MetricKind::Counter)).then_some((metric, span))
}

/// Whether the value of the counter itself is calculated with or compared. `around` goes from the outermost expression to the parent.
fn is_looked_at_raw(node: &Expr, around: &[&Expr], is_alert: bool) -> bool {
    let mut below = node;
    for parent in around.iter().rev() {
        match parent {
            Expr::Call(call) if OF_COUNTERS.contains(&call.func.name) => return false,
            // How many series there are does not depend on their values.
            Expr::Aggregate(aggregate) if matches!(aggregate.op, AggregateOp::Count | AggregateOp::Group) => {
                return false;
            }
            // Nor does whether series have a partner.
            Expr::Binary(binary)
                if matches!(binary.op, BinaryOp::And | BinaryOp::Unless)
                    && std::ptr::eq(below, &raw const binary.rhs) =>
            {
                return false;
            }
            Expr::Binary(binary) if !binary.op.is_set() => {
                let is_left = std::ptr::eq(below, &raw const binary.lhs);
                return !is_limit(if is_left { &binary.rhs } else { &binary.lhs });
            }
            _ => {}
        }
        below = parent;
    }
    is_alert
}

/// Whether it is a limit by its name: what is left of a budget is told by all that was spent of it.
fn is_limit(expr: &Expr) -> bool {
    expr.any(|node| match node {
        Expr::Vector(selector) => {
            selector.metric_name().is_some_and(|name| name.ends_with("_limit") || name.ends_with("_quota"))
        }
        _ => false,
    })
}

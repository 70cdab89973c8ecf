//! Whether an alert decides anything.

use bellwether_model::{METRIC_NAME, MatchOp};
use bellwether_promql::syntax::{BinaryOp, Expr};

use super::{Found, Scene};

pub(super) fn comparison_missing(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        let expr = &rule.rule.expr;
        if decides(scene, expr, 0) {
            continue;
        }
        let (message, remedy) = if compares_with_bool(expr) {
            (
                "a comparison with `bool` yields 0 where it does not hold, and the alert fires for 0 too",
                "remove `bool`",
            )
        } else {
            (
                "the alert compares nothing, and fires for every series that there is, whatever its value",
                "compare with a number",
            )
        };
        found.push(Found::in_expr(rule, expr.span(), message.to_owned(), remedy));
    }
    found
}

fn compares_with_bool(expr: &Expr) -> bool {
    expr.any(|node| matches!(node, Expr::Binary(binary) if binary.return_bool))
}

/// Deepest chain of recorded series that is followed.
const MAX_DEPTH: usize = 10;

/// Whether there are cases in which the expression has no result although all of its series are there.
fn decides(scene: &Scene<'_>, expr: &Expr, depth: usize) -> bool {
    match expr {
        Expr::Number(_) | Expr::String(_) | Expr::Matrix(_) => false,
        Expr::Vector(selector) => {
            let Some(metric) = selector.metric_name() else { return false };
            let recorded = scene.recorded.get(metric).filter(|_| depth < MAX_DEPTH);
            // `ALERTS` is there only while an alert is.
            metric == "ALERTS"
                || recorded.is_some_and(|exprs| exprs.iter().all(|expr| decides(scene, expr, depth + 1)))
        }
        Expr::Unary(unary) => decides(scene, &unary.expr, depth),
        Expr::Paren(paren) => decides(scene, &paren.expr, depth),
        Expr::Subquery(subquery) => decides(scene, &subquery.expr, depth),
        Expr::Aggregate(aggregate) => decides(scene, &aggregate.expr, depth),
        Expr::Call(call) => match call.func.name {
            // What always fires on purpose is written as `vector(1)`.
            "absent" | "absent_over_time" | "vector" => true,
            _ => call.args.iter().any(|arg| decides(scene, arg, depth)),
        },
        Expr::Binary(binary) => match binary.op {
            op if op.is_comparison() => !binary.return_bool,
            BinaryOp::Or => decides(scene, &binary.lhs, depth) && decides(scene, &binary.rhs, depth),
            // Whether a series of one kind has a partner of another one is a condition.
            BinaryOp::And | BinaryOp::Unless => true,
            _ => decides(scene, &binary.lhs, depth) || decides(scene, &binary.rhs, depth),
        },
    }
}

pub(super) fn absent_missing(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        let expr = &rule.rule.expr;
        if expr.calls("absent") || expr.calls("absent_over_time") {
            continue;
        }
        let down = expr.comparisons().into_iter().find_map(|comparison| {
            let is_zero = comparison.number == 0.0 && comparison.op == BinaryOp::Eq
                || comparison.number == 1.0 && matches!(comparison.op, BinaryOp::Lt | BinaryOp::Ne);
            health_of_something(comparison.what).filter(|_| is_zero)
        });
        let Some(selector) = down else { continue };
        let message = format!(
            "the alert does not fire when {selector} is gone altogether, for instance from discovery"
        );
        found.push(Found::in_expr(rule, expr.span(), message, format!("add `or absent({selector})`")));
    }
    found
}

/// The selector, if the expression is the health of something that is named by a label.
fn health_of_something(expr: &Expr) -> Option<&Expr> {
    match expr.unparenthesised() {
        Expr::Aggregate(aggregate) => health_of_something(&aggregate.expr),
        vector @ Expr::Vector(selector) => {
            let metric = selector.metric_name()?;
            let is_health = metric == "up" || metric.ends_with("_up") || metric.contains("health");
            let names_one =
                selector.matchers.iter().any(|m| m.op() == MatchOp::Eq && m.name() != METRIC_NAME);
            (is_health && names_one).then_some(vector)
        }
        _ => None,
    }
}

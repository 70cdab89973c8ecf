use std::sync::Arc;

use crate::syntax::{AtModifier, Expr, VectorSelector};

/// Functions whose result depends on the evaluation time even if all selectors are pinned.
const TIME_DEPENDENT: [&str; 16] = [
    "days_in_month",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "end",
    "hour",
    "minute",
    "month",
    "year",
    "predict_linear",
    "range",
    "start",
    "start_timestamp",
    "step",
    "time",
    "timestamp",
];

/// Pins every selector and subquery that has no `@` to a time; the result is then the same at every evaluation time. `None` if it would not be.
pub(super) fn pinned(expr: &Expr, ts_ms: i64) -> Option<Expr> {
    let mut time_dependent = false;
    expr.walk(&mut |expr, _| {
        if let Expr::Call(call) = expr {
            time_dependent |= TIME_DEPENDENT.contains(&call.func.name);
        }
    });
    if time_dependent {
        return None;
    }
    let mut expr = expr.clone();
    pin(&mut expr, AtModifier::Timestamp(ts_ms));
    Some(expr)
}

/// Whether the query asks for its own times, so that a range query around the time of an instant query answers something else.
pub(crate) fn asks_for_query_times(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr, _| match expr {
        Expr::Call(call) => found |= matches!(call.func.name, "start" | "end" | "range" | "step"),
        Expr::Vector(selector) => found |= at_query_times(selector.at),
        Expr::Matrix(matrix) => found |= at_query_times(matrix.selector.at),
        Expr::Subquery(subquery) => found |= at_query_times(subquery.at),
        _ => {}
    });
    // In ranges and offsets they are not calls.
    let text = expr.to_string().to_ascii_lowercase();
    found || ["step()", "range()"].iter().any(|call| text.contains(call))
}

fn at_query_times(at: Option<AtModifier>) -> bool {
    matches!(at, Some(AtModifier::Start | AtModifier::End))
}

fn pin(expr: &mut Expr, at: AtModifier) {
    match expr {
        Expr::Number(_) | Expr::String(_) => {}
        Expr::Unary(e) => pin(&mut Arc::make_mut(e).expr, at),
        Expr::Paren(e) => pin(&mut Arc::make_mut(e).expr, at),
        Expr::Binary(e) => {
            let e = Arc::make_mut(e);
            pin(&mut e.lhs, at);
            pin(&mut e.rhs, at);
        }
        Expr::Aggregate(e) => {
            let e = Arc::make_mut(e);
            pin(&mut e.expr, at);
            e.param.iter_mut().for_each(|param| pin(param, at));
        }
        Expr::Call(e) => {
            let e = Arc::make_mut(e);
            // The second argument of info() selects labels, not samples.
            let n = if e.func.name == "info" { 1 } else { e.args.len() };
            e.args[..n].iter_mut().for_each(|arg| pin(arg, at));
        }
        Expr::Vector(e) => pin_selector(Arc::make_mut(e), at),
        Expr::Matrix(e) => pin_selector(&mut Arc::make_mut(e).selector, at),
        Expr::Subquery(e) => {
            // What is inside a pinned subquery does not move either.
            Arc::make_mut(e).at.get_or_insert(at);
        }
    }
}

fn pin_selector(selector: &mut VectorSelector, at: AtModifier) {
    selector.at.get_or_insert(at);
}

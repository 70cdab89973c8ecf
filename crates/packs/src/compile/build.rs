//! Making PromQL trees.
//!
//! The trees made here have no spans and no settled matching; [`checked`] gives them both.

use std::sync::Arc;

use bellwether_model::{METRIC_NAME, Matcher};
use bellwether_promql::syntax::{
    AggregateExpr, AggregateOp, BinaryExpr, BinaryOp, Call, DurationArg, Expr, MatrixSelector, NumberLiteral,
    ParenExpr, ParseErrors, ParserOptions, RangeMode, SubqueryExpr, TextSpan, UnaryExpr, VectorSelector,
    function, parse_expr,
};

const NOWHERE: TextSpan = TextSpan { start: 0, end: 0 };

/// A number.
pub(crate) fn number(value: f64) -> Expr {
    Expr::Number(Arc::new(NumberLiteral { value, duration: false, span: NOWHERE }))
}

/// The series of `metric` that meet the conditions.
pub(crate) fn selector(metric: &str, matchers: &[Matcher]) -> VectorSelector {
    let name = Matcher::equal(METRIC_NAME, metric);
    VectorSelector {
        name: Some(metric.to_owned()),
        matchers: matchers.iter().cloned().chain([name]).collect(),
        at: None,
        offset: None,
        mode: RangeMode::Plain,
        span: NOWHERE,
    }
}

/// The present values of series.
pub(crate) fn vector(selector: VectorSelector) -> Expr {
    Expr::Vector(Arc::new(selector))
}

/// `function(selector[window])`
pub(crate) fn over_window(function: &str, selector: VectorSelector, window_ms: i64) -> Expr {
    let range = DurationArg::Literal(window_ms);
    call(function, vec![Expr::Matrix(Arc::new(MatrixSelector { selector, range, span: NOWHERE }))])
}

/// `function(args)`
pub(crate) fn call(name: &str, args: Vec<Expr>) -> Expr {
    let func = function(name).unwrap_or_else(|| panic!("BUG: PromQL has no function {name}"));
    Expr::Call(Arc::new(Call { func, args, span: NOWHERE }))
}

/// `op by (labels) (expr)`
pub(crate) fn aggregate(op: AggregateOp, by: Vec<String>, expr: Expr) -> Expr {
    Expr::Aggregate(Arc::new(AggregateExpr {
        op,
        param: None,
        expr,
        grouping: by,
        without: false,
        span: NOWHERE,
    }))
}

/// `lhs op rhs`, with parentheses where the operators need them.
pub(crate) fn binary(op: BinaryOp, lhs: Expr, rhs: Expr) -> Expr {
    with_operands(
        &BinaryExpr {
            op,
            lhs: number(0.0),
            rhs: number(0.0),
            return_bool: false,
            matching: None,
            op_span: NOWHERE,
            span: NOWHERE,
        },
        lhs,
        rhs,
    )
}

/// The same operator with other operands.
fn with_operands(binary: &BinaryExpr, lhs: Expr, rhs: Expr) -> Expr {
    let own = binary.op.precedence();
    let is_right = binary.op.is_right_associative();
    let lhs = parenthesised_if(lhs, |other| other < own || (is_right && other == own));
    let rhs = parenthesised_if(rhs, |other| other < own || (!is_right && other == own));
    Expr::Binary(Arc::new(BinaryExpr { lhs, rhs, ..binary.clone() }))
}

fn parenthesised_if(expr: Expr, needed: impl Fn(u8) -> bool) -> Expr {
    let needs = match &expr {
        Expr::Binary(binary) => needed(binary.op.precedence()),
        // A sign binds more tightly than everything but a power.
        Expr::Unary(_) => needed(BinaryOp::Mul.precedence()),
        _ => false,
    };
    if needs { Expr::Paren(Arc::new(ParenExpr { expr, span: NOWHERE })) } else { expr }
}

/// The sum of the terms, of which there is at least one. A group that one of them lacks counts as nothing there, unless all lack it.
pub(crate) fn sum_of(terms: &[Expr]) -> Expr {
    let term = |idx: usize| {
        let others: Vec<Expr> = terms
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != idx)
            .map(|(_, term)| term.clone())
            .collect();
        if others.is_empty() { terms[idx].clone() } else { or_nothing(terms[idx].clone(), any_of(&others)) }
    };
    let sum = |sum, term| binary(BinaryOp::Add, sum, term);
    (0..terms.len()).map(term).reduce(sum).expect("BUG: a selector list is never empty")
}

/// The groups that any of the terms has, of which there is at least one.
pub(crate) fn any_of(terms: &[Expr]) -> Expr {
    let or = |lhs, rhs| binary(BinaryOp::Or, lhs, rhs);
    terms.iter().cloned().reduce(or).expect("BUG: a selector list is never empty")
}

/// `expr`, and nothing in the groups that only `groups` has.
pub(crate) fn or_nothing(expr: Expr, groups: Expr) -> Expr {
    binary(BinaryOp::Or, expr, binary(BinaryOp::Mul, number(0.0), groups))
}

/// The tree with spans and settled matching, if its types fit together.
pub(crate) fn checked(expr: &Expr) -> Result<Expr, ParseErrors> {
    parse_expr(expr.to_string(), &ParserOptions::default())
}

/// The tree with each node replaced by what `replace` makes of it, operands before the expressions around them.
pub(crate) fn rewrite<E>(expr: &Expr, replace: &mut impl FnMut(Expr) -> Result<Expr, E>) -> Result<Expr, E> {
    let rebuilt = match expr {
        Expr::Number(_) | Expr::String(_) | Expr::Vector(_) | Expr::Matrix(_) => expr.clone(),
        Expr::Unary(unary) => {
            let operand = parenthesised_if(rewrite(&unary.expr, replace)?, |_| true);
            Expr::Unary(Arc::new(UnaryExpr { expr: operand, ..(**unary).clone() }))
        }
        Expr::Binary(binary) => {
            let (lhs, rhs) = (rewrite(&binary.lhs, replace)?, rewrite(&binary.rhs, replace)?);
            with_operands(binary, lhs, rhs)
        }
        Expr::Aggregate(aggregate) => {
            let param = aggregate.param.as_ref().map(|param| rewrite(param, replace)).transpose()?;
            let expr = rewrite(&aggregate.expr, replace)?;
            Expr::Aggregate(Arc::new(AggregateExpr { param, expr, ..(**aggregate).clone() }))
        }
        Expr::Call(call) => {
            let args = call.args.iter().map(|arg| rewrite(arg, replace)).collect::<Result<_, E>>()?;
            Expr::Call(Arc::new(Call { args, ..(**call).clone() }))
        }
        Expr::Subquery(subquery) => {
            let expr = parenthesised_if(rewrite(&subquery.expr, replace)?, |_| true);
            Expr::Subquery(Arc::new(SubqueryExpr { expr, ..(**subquery).clone() }))
        }
        Expr::Paren(paren) => match rewrite(&paren.expr, replace)? {
            // What was put in place of a name may have parentheses of its own.
            inner @ Expr::Paren(_) => inner,
            expr => Expr::Paren(Arc::new(ParenExpr { expr, ..(**paren).clone() })),
        },
    };
    replace(rebuilt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Expr {
        parse_expr(text, &ParserOptions::default()).expect("parses")
    }

    #[test]
    fn parentheses_stand_where_they_are_needed() {
        let check = |op, lhs, rhs, want: &str| {
            let made = binary(op, parse(lhs), parse(rhs));
            assert_eq!(made.to_string(), want);
            let again = checked(&made).expect("typed");
            assert_eq!(again.to_string(), want);
        };
        check(BinaryOp::Sub, "1", "a / b", "1 - a / b");
        check(BinaryOp::Sub, "1", "a - b", "1 - (a - b)");
        check(BinaryOp::Sub, "1 - a", "b", "1 - a - b");
        check(BinaryOp::Div, "a + b", "c", "(a + b) / c");
        check(BinaryOp::Pow, "a ^ b", "c", "(a ^ b) ^ c");
        check(BinaryOp::And, "a > 1", "b > 2", "a > 1 and b > 2");
        check(BinaryOp::And, "a or b", "c", "(a or b) and c");
        check(BinaryOp::Pow, "-a", "2", "(-a) ^ 2");
    }

    #[test]
    fn rewriting_keeps_the_meaning() {
        let expr = parse("1 - x > 0.1 and on (job) -x offset 5m");
        let rewritten = rewrite(&expr, &mut |expr| match &expr {
            Expr::Vector(selector) if selector.offset.is_none() => Ok::<_, ()>(parse("a + b")),
            _ => Ok(expr),
        });
        let text = rewritten.expect("no error").to_string();
        assert_eq!(text, "1 - (a + b) > 0.1 and on (job) -x offset 5m");
    }
}

use std::sync::Arc;

use super::ast::{DurationArg, DurationExpr, Expr, VectorSelector};
use super::span::TextSpan;

impl Expr {
    /// Whether the two expressions mean the same, however they were spaced.
    pub fn eq_ignoring_spans(&self, other: &Self) -> bool {
        self.without_spans() == other.without_spans()
    }

    /// A copy in which all spans are zero: two of them are equal exactly if the queries differ only in blanks, comments and
    /// other things that leave no trace in the tree.
    #[must_use]
    pub fn without_spans(&self) -> Self {
        let mut expr = self.clone();
        erase(&mut expr);
        expr
    }
}

const NOWHERE: TextSpan = TextSpan { start: 0, end: 0 };

fn erase(expr: &mut Expr) {
    match expr {
        Expr::Number(e) => Arc::make_mut(e).span = NOWHERE,
        Expr::String(e) => Arc::make_mut(e).span = NOWHERE,
        Expr::Unary(e) => {
            let e = Arc::make_mut(e);
            e.span = NOWHERE;
            erase(&mut e.expr);
        }
        Expr::Binary(e) => {
            let e = Arc::make_mut(e);
            (e.span, e.op_span) = (NOWHERE, NOWHERE);
            erase(&mut e.lhs);
            erase(&mut e.rhs);
        }
        Expr::Aggregate(e) => {
            let e = Arc::make_mut(e);
            e.span = NOWHERE;
            erase(&mut e.expr);
            e.param.iter_mut().for_each(erase);
        }
        Expr::Call(e) => {
            let e = Arc::make_mut(e);
            e.span = NOWHERE;
            e.args.iter_mut().for_each(erase);
        }
        Expr::Vector(e) => erase_selector(Arc::make_mut(e)),
        Expr::Matrix(e) => {
            let e = Arc::make_mut(e);
            e.span = NOWHERE;
            erase_selector(&mut e.selector);
            erase_argument(&mut e.range);
        }
        Expr::Subquery(e) => {
            let e = Arc::make_mut(e);
            e.span = NOWHERE;
            erase(&mut e.expr);
            erase_argument(&mut e.range);
            e.step.iter_mut().chain(&mut e.offset).for_each(erase_argument);
        }
        Expr::Paren(e) => {
            let e = Arc::make_mut(e);
            e.span = NOWHERE;
            erase(&mut e.expr);
        }
    }
}

fn erase_selector(selector: &mut VectorSelector) {
    selector.span = NOWHERE;
    selector.offset.iter_mut().for_each(erase_argument);
}

fn erase_argument(argument: &mut DurationArg) {
    if let DurationArg::Expr(expr) = argument {
        erase_duration(Arc::make_mut(expr));
    }
}

fn erase_duration(duration: &mut DurationExpr) {
    match duration {
        DurationExpr::Number(number) => number.span = NOWHERE,
        DurationExpr::Step(span) | DurationExpr::Range(span) => *span = NOWHERE,
        DurationExpr::Neg { expr, span } | DurationExpr::Paren { expr, span } => {
            *span = NOWHERE;
            erase_duration(expr);
        }
        DurationExpr::Binary { lhs, rhs, span, .. } => {
            *span = NOWHERE;
            erase_duration(lhs);
            erase_duration(rhs);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::syntax::{ParserOptions, parse_expr};

    #[test]
    fn spaces_make_no_difference() {
        let parse = |query: &str| parse_expr(query, &ParserOptions::all_enabled()).expect("parses");
        let check =
            |a: &str, b: &str, want| assert_eq!(parse(a).eq_ignoring_spans(&parse(b)), want, "{a} {b}");
        let tight = "sum by(a)(-rate(x[1m+step()]))/count(y[(5m):1m]offset 5m)>bool(NaN)";
        let loose = " sum  by ( a ) ( -rate( x [ 1m + step( ) ] ) ) / count( y [(5m) : 1m] offset 5m) # c\n > bool ( nan )";
        let tight = tight.replace("count", "count_over_time");
        let loose = loose.replace("count", "count_over_time");
        check(&tight, &loose, true);
        assert_ne!(parse(&tight), parse(&loose));
        check("a + b", "b + a", false);
        check("a[5m]", "a[4m]", false);
        check("0", "-0", false);
        check("60", "1m", false);
    }
}

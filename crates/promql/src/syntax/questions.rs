use super::ast::{Expr, VectorSelector};
use super::operator::BinaryOp;

/// A comparison with a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison<'e> {
    /// What is compared, without parentheses.
    pub what: &'e Expr,
    /// How.
    pub op: BinaryOp,
    /// With what.
    pub number: f64,
}

/// Questions that those who judge expressions ask.
impl Expr {
    /// The comparisons with a number on the right, wherever they stand.
    pub fn comparisons(&self) -> Vec<Comparison<'_>> {
        let mut all = Vec::new();
        self.walk(&mut |node, _| {
            let Self::Binary(binary) = node else { return };
            if let (true, Self::Number(number)) = (binary.op.is_comparison(), binary.rhs.unparenthesised()) {
                let what = binary.lhs.unparenthesised();
                all.push(Comparison { what, op: binary.op, number: number.value });
            }
        });
        all
    }

    /// Whether something holds for the expression or anything in it.
    pub fn any(&self, holds: impl Fn(&Self) -> bool) -> bool {
        let mut found = false;
        self.walk(&mut |node, _| found |= holds(node));
        found
    }

    /// Whether the function is called.
    pub fn calls(&self, function: &str) -> bool {
        self.any(|node| matches!(node, Self::Call(call) if call.func.name == function))
    }

    /// Whether the operator occurs.
    pub fn has_operator(&self, op: BinaryOp) -> bool {
        self.any(|node| matches!(node, Self::Binary(binary) if binary.op == op))
    }

    /// Whether something is divided by series.
    pub fn divides_by_series(&self) -> bool {
        self.any(
            |node| matches!(node, Self::Binary(binary) if binary.op == BinaryOp::Div && !binary.rhs.selectors().is_empty()),
        )
    }
}

impl VectorSelector {
    /// The metric name, however it was given: in front of the braces, or as the value that `__name__` must have.
    pub fn metric_name(&self) -> Option<&str> {
        let by_matcher = || {
            let names = self.matchers.iter().filter(|matcher| {
                matcher.name() == bellwether_model::METRIC_NAME
                    && matcher.op() == bellwether_model::MatchOp::Eq
            });
            names.map(bellwether_model::Matcher::value).next()
        };
        self.name.as_deref().or_else(by_matcher)
    }
}

#[cfg(test)]
mod tests {
    use crate::syntax::{BinaryOp, Expr, ParserOptions, parse_expr};

    #[test]
    fn expressions_tell_what_is_in_them() {
        let parse = |text: &str| parse_expr(text, &ParserOptions::default()).expect("parses");
        let expr = parse("rate(a[5m]) / (b + {__name__=\"c\"}) > 0.5 and absent(d) == 1");
        let numbers: Vec<_> =
            expr.comparisons().iter().map(|c| (c.what.to_string(), c.op, c.number)).collect();
        assert_eq!(
            numbers,
            [
                ("rate(a[5m]) / (b + {__name__=\"c\"})".to_owned(), BinaryOp::Gt, 0.5),
                ("absent(d)".to_owned(), BinaryOp::Eq, 1.0)
            ]
        );
        assert!(expr.calls("absent") && !expr.calls("irate"));
        assert!(expr.has_operator(BinaryOp::And) && !expr.has_operator(BinaryOp::Or));
        assert!(expr.divides_by_series() && !parse("a / 2").divides_by_series());
        let names: Vec<_> = expr.selectors().iter().filter_map(|used| used.selector.metric_name()).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
        let Expr::Vector(nameless) = parse("{__name__=~\"c.*\"}") else { panic!("a selector") };
        assert_eq!(nameless.metric_name(), None);
    }
}

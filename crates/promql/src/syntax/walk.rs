use super::ast::{DurationArg, Expr, VectorSelector};
use super::span::TextSpan;

impl Expr {
    /// The operands and arguments of this expression, in the order in which they are written. The selector of a range selector is not
    /// an expression of its own and is left out; see [`selectors`](Self::selectors).
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        let (first, second, rest): (Option<&Self>, Option<&Self>, &[Self]) = match self {
            Self::Number(_) | Self::String(_) | Self::Vector(_) | Self::Matrix(_) => (None, None, &[]),
            Self::Unary(e) => (Some(&e.expr), None, &[]),
            Self::Paren(e) => (Some(&e.expr), None, &[]),
            Self::Subquery(e) => (Some(&e.expr), None, &[]),
            Self::Binary(e) => (Some(&e.lhs), Some(&e.rhs), &[]),
            Self::Aggregate(e) => (e.param.as_ref(), Some(&e.expr), &[]),
            Self::Call(e) => (None, None, &e.args),
        };
        first.into_iter().chain(second).chain(rest)
    }

    /// Visits this expression and all below it, parents before children. The visitor is told the expressions around the one it sees, from
    /// the outermost to the parent.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self, &[&'a Self])) {
        self.walk_below(&mut Vec::new(), visit);
    }

    fn walk_below<'a>(&'a self, path: &mut Vec<&'a Self>, visit: &mut impl FnMut(&'a Self, &[&'a Self])) {
        visit(self, path);
        path.push(self);
        for child in self.children() {
            child.walk_below(path, visit);
        }
        path.pop();
    }

    /// All selectors, in the order in which they are written.
    pub fn selectors(&self) -> Vec<SelectorUse<'_>> {
        let mut selectors = Vec::new();
        self.walk(&mut |expr, _| match expr {
            Self::Vector(selector) => {
                selectors.push(SelectorUse { selector, range: None, span: selector.span });
            }
            Self::Matrix(matrix) => {
                let (selector, range, span) = (&matrix.selector, Some(&matrix.range), matrix.span);
                selectors.push(SelectorUse { selector, range, span });
            }
            _ => {}
        });
        selectors
    }
}

/// A selector and how it is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SelectorUse<'a> {
    /// The selector.
    pub selector: &'a VectorSelector,
    /// The range behind it, if it has one.
    pub range: Option<&'a DurationArg>,
    /// Where it was written, range and modifiers included.
    pub span: TextSpan,
}

#[cfg(test)]
mod tests {
    use crate::syntax::{Expr, ParserOptions, parse_expr};

    fn parse(query: &str) -> Expr {
        parse_expr(query, &ParserOptions::all_enabled()).expect("parses")
    }

    #[test]
    fn walks_parents_first_and_knows_the_path() {
        let query = "topk(3, -a + on (x) (b)) > bool rate(c[5m])";
        let expr = parse(query);
        let mut seen = Vec::new();
        expr.walk(&mut |expr, path| seen.push((expr.span().text(query), path.len())));
        let want = [
            (query, 0),
            ("topk(3, -a + on (x) (b))", 1),
            ("3", 2),
            ("-a + on (x) (b)", 2),
            ("-a", 3),
            ("a", 4),
            ("(b)", 3),
            ("b", 4),
            ("rate(c[5m])", 1),
            ("c[5m]", 2),
        ];
        assert_eq!(seen, want);
    }

    #[test]
    fn finds_selectors() {
        let query = "a offset 5m + rate(b[5m:]) / max_over_time(c[1h] @ 10) + absent(a)";
        let expr = parse(query);
        let seen: Vec<_> = expr.selectors().iter().map(|s| (s.span.text(query), s.range.is_some())).collect();
        assert_eq!(seen, [("a offset 5m", false), ("b", false), ("c[1h] @ 10", true), ("a", false)]);
    }
}

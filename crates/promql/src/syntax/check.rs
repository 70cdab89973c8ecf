use std::sync::Arc;

use super::ast::{AggregateExpr, BinaryExpr, Call, Expr, MatchCardinality, ValueType, VectorSelector};
use super::error::ParseError;
use super::lexer::is_space;
use super::quote::quote;
use super::span::TextSpan;

use bellwether_model::METRIC_NAME;

/// Checks the types of a tree without syntax errors and what else its nodes must keep to, and settles how binary operators pair series.
///
/// The messages and their order are those of Prometheus.
pub(super) fn check(expr: &mut Expr, query: &[u8], errors: &mut Vec<ParseError>) {
    Checker { query, errors }.check(expr);
}

struct Checker<'a> {
    query: &'a [u8],
    errors: &'a mut Vec<ParseError>,
}

impl Checker<'_> {
    fn error(&mut self, span: TextSpan, message: impl Into<String>) {
        self.errors.push(ParseError { message: message.into(), span });
    }

    fn check(&mut self, expr: &mut Expr) -> ValueType {
        match expr {
            Expr::Number(_) | Expr::String(_) => {}
            Expr::Unary(unary) => {
                let unary = Arc::make_mut(unary);
                let operand = self.check(&mut unary.expr);
                if !matches!(operand, ValueType::Scalar | ValueType::Vector) {
                    let got = quote(operand.documented());
                    self.error(
                        unary.span,
                        format!("unary expression only allowed on expressions of type scalar or instant vector, got {got}"),
                    );
                }
            }
            Expr::Binary(binary) => self.check_binary(Arc::make_mut(binary)),
            Expr::Aggregate(aggregate) => self.check_aggregate(Arc::make_mut(aggregate)),
            Expr::Call(call) => self.check_call(Arc::make_mut(call)),
            Expr::Vector(selector) => self.check_selector(selector, false),
            Expr::Matrix(matrix) => self.check_selector(&matrix.selector, false),
            Expr::Subquery(subquery) => {
                let subquery = Arc::make_mut(subquery);
                let inner = self.check(&mut subquery.expr);
                if inner != ValueType::Vector {
                    let got = inner.as_str();
                    self.error(
                        subquery.span,
                        format!("subquery is only allowed on instant vector, got {got} instead"),
                    );
                }
            }
            Expr::Paren(paren) => {
                self.check(&mut Arc::make_mut(paren).expr);
            }
        }
        expr.value_type()
    }

    fn expect_type(&mut self, expr: &mut Expr, want: ValueType, context: &str) {
        let got = self.check(expr);
        if got != want {
            let (want, got) = (want.documented(), got.documented());
            self.error(expr.span(), format!("expected type {want} in {context}, got {got}"));
        }
    }

    fn check_aggregate(&mut self, aggregate: &mut AggregateExpr) {
        self.expect_type(&mut aggregate.expr, ValueType::Vector, "aggregation expression");
        if let (Some(param), Some(want)) = (&mut aggregate.param, aggregate.op.param_type()) {
            self.expect_type(param, want, "aggregation parameter");
        }
    }

    fn check_binary(&mut self, binary: &mut BinaryExpr) {
        let left = self.check(&mut binary.lhs);
        let right = self.check(&mut binary.rhs);
        let (op, span) = (binary.op, binary.span);
        let scalars = [left, right].map(|t| t == ValueType::Scalar);

        if binary.return_bool && !op.is_comparison() {
            let span = self.operator_span(binary);
            self.error(span, "bool modifier can only be used on comparison operators");
        }
        if op.is_comparison() && !binary.return_bool && scalars == [true, true] {
            let span = self.operator_span(binary);
            self.error(span, "comparisons between scalars must use BOOL modifier");
        }
        let mut matching = binary.matching.take().unwrap_or_default();
        if op.is_set() && matching.card == MatchCardinality::OneToOne {
            matching.card = MatchCardinality::ManyToMany;
        }
        if matching.on {
            for label in &matching.labels {
                for _ in matching.include.iter().filter(|included| *included == label) {
                    let span = self.operator_span(binary);
                    let label = quote(label);
                    self.error(span, format!("label {label} must not occur in ON and GROUP clause at once"));
                }
            }
        }
        for (value_type, operand) in [(left, &binary.lhs), (right, &binary.rhs)] {
            if !matches!(value_type, ValueType::Scalar | ValueType::Vector) {
                self.error(
                    operand.span(),
                    "binary expression must contain only scalar and instant vector types",
                );
            }
        }
        if left == ValueType::Vector && right == ValueType::Vector {
            if op.is_set() {
                let one_sided =
                    matches!(matching.card, MatchCardinality::ManyToOne | MatchCardinality::OneToMany);
                if one_sided {
                    self.error(span, format!("no grouping allowed for {} operation", quote(op.as_str())));
                    self.error(span, "set operations must always be many-to-many");
                }
                if !matching.fill.is_none() {
                    self.error(span, "filling in missing series not allowed for set operators");
                }
            }
            binary.matching = Some(matching);
        } else {
            if !matching.labels.is_empty() {
                self.error(span, "vector matching only allowed between instant vectors");
            }
            if !matching.fill.is_none() {
                self.error(span, "filling in missing series only allowed between instant vectors");
            }
        }
        if op.is_set() && scalars != [false, false] {
            let op = quote(op.as_str());
            self.error(span, format!("set operator {op} not allowed in binary scalar expression"));
        }
    }

    /// The operator with its modifiers. Prometheus leaves out the last byte.
    fn operator_span(&self, binary: &BinaryExpr) -> TextSpan {
        let mut start = binary.lhs.span().end as usize;
        while self.query.get(start).copied().is_some_and(is_space) {
            start += 1;
        }
        let mut end = (binary.rhs.span().start as usize).saturating_sub(1);
        while end > start && self.query.get(end).copied().is_some_and(is_space) {
            end -= 1;
        }
        TextSpan::new(start, end)
    }

    fn check_call(&mut self, call: &mut Call) {
        let (func, span, got) = (call.func, call.span, call.args.len());
        let name = quote(func.name);
        let (min, max) = (func.min_args(), func.max_args());
        if func.variadic == 0 && got != min {
            self.error(span, format!("expected {min} argument(s) in call to {name}, got {got}"));
        } else if got < min {
            self.error(span, format!("expected at least {min} argument(s) in call to {name}, got {got}"));
        } else if let Some(max) = max.filter(|max| got > *max) {
            self.error(span, format!("expected at most {max} argument(s) in call to {name}, got {got}"));
        }

        let is_info = func.name == "info";
        if let (true, Some(labels)) = (is_info, call.args.get(1)) {
            self.check_info_labels(labels, span);
        }
        for (idx, arg) in call.args.iter_mut().enumerate() {
            let want = match func.arg_types.get(idx).or(func.arg_types.last()) {
                Some(want) if idx < func.arg_types.len() || func.variadic != 0 => *want,
                // Too many arguments, which is an error already.
                _ => break,
            };
            let got = match &*arg {
                // The second argument of info() only names labels, so it may match everything.
                Expr::Vector(selector) if is_info && idx == 1 => {
                    self.check_selector(selector, true);
                    ValueType::Vector
                }
                _ => self.check(arg),
            };
            if got != want {
                let (want, got) = (want.documented(), got.documented());
                self.error(arg.span(), format!("expected type {want} in call to function {name}, got {got}"));
            }
        }
    }

    fn check_info_labels(&mut self, labels: &Expr, call: TextSpan) {
        let got = labels.value_type();
        if got != ValueType::Vector {
            let (want, got) = (ValueType::Vector.documented(), got.documented());
            self.error(call, format!("expected type {want} in call to function \"info\", got {got}"));
        }
        match labels {
            Expr::Vector(selector) if selector.name.is_none() => {}
            Expr::Vector(_) => {
                self.error(labels.span(), "expected label selectors only, got vector selector instead");
            }
            _ => self.error(labels.span(), "expected label selectors only"),
        }
    }

    fn check_selector(&mut self, selector: &VectorSelector, may_match_all: bool) {
        let span = selector.span;
        if let Some(name) = &selector.name {
            // The last matcher is the name itself.
            let others = selector.matchers.split_last().map_or(&[][..], |(_, others)| others);
            for matcher in others.iter().filter(|m| m.name() == METRIC_NAME) {
                let (name, other) = (quote(name), quote(matcher.value()));
                self.error(span, format!("metric name must not be set twice: {name} or {other}"));
            }
        } else if !may_match_all && selector.matchers.iter().all(|m| m.matches("")) {
            self.error(span, "vector selector must contain at least one non-empty matcher");
        }
    }
}

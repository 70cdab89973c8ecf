//! Which labels the series of a result may have.
//!
//! This is wider than [`result_labels`](bellwether_promql::syntax::result_labels), which says by what a result is grouped: here one series is enough.

use std::collections::BTreeSet;

use bellwether_model::{METRIC_NAME, MatchOp};
use bellwether_promql::syntax::{
    AggregateExpr, AggregateOp, BinaryExpr, BinaryOp, Call, Expr, MatchCardinality, ValueType, VectorSelector,
};

/// Labels that may be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PossibleLabels {
    /// No others than these.
    Only(BTreeSet<String>),
    /// Any but these.
    AllBut(BTreeSet<String>),
}

use PossibleLabels::{AllBut, Only};

impl PossibleLabels {
    pub(crate) fn may_have(&self, label: &str) -> bool {
        match self {
            Only(labels) => labels.contains(label),
            AllBut(labels) => !labels.contains(label),
        }
    }

    fn none() -> Self {
        Only(BTreeSet::new())
    }

    fn with(mut self, label: &str) -> Self {
        match &mut self {
            Only(labels) => drop(labels.insert(label.to_owned())),
            AllBut(labels) => drop(labels.remove(label)),
        }
        self
    }

    fn without(mut self, label: &str) -> Self {
        match &mut self {
            Only(labels) => drop(labels.remove(label)),
            AllBut(labels) => drop(labels.insert(label.to_owned())),
        }
        self
    }

    /// Those of either.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Only(a), Only(b)) => Only(a.union(&b).cloned().collect()),
            (AllBut(a), AllBut(b)) => AllBut(a.intersection(&b).cloned().collect()),
            (Only(only), AllBut(but)) | (AllBut(but), Only(only)) => {
                AllBut(but.difference(&only).cloned().collect())
            }
        }
    }

    /// No others than those in the list.
    fn among(&self, list: &[String]) -> Self {
        Only(list.iter().filter(|label| self.may_have(label)).cloned().collect())
    }
}

/// The labels that a series of the result of `expr` may have.
pub(crate) fn possible_labels(expr: &Expr) -> PossibleLabels {
    match expr {
        Expr::Number(_) | Expr::String(_) => PossibleLabels::none(),
        Expr::Vector(selector) => of_selector(selector),
        Expr::Matrix(matrix) => of_selector(&matrix.selector),
        Expr::Unary(unary) => possible_labels(&unary.expr),
        Expr::Paren(paren) => possible_labels(&paren.expr),
        Expr::Subquery(subquery) => possible_labels(&subquery.expr),
        Expr::Aggregate(aggregate) => of_aggregate(aggregate),
        Expr::Call(call) => of_call(call, expr),
        Expr::Binary(binary) => of_binary(binary),
    }
}

/// All but those that must be empty.
fn of_selector(selector: &VectorSelector) -> PossibleLabels {
    let absent = selector.matchers.iter().filter(|m| m.op() == MatchOp::Eq && m.value().is_empty());
    AllBut(absent.map(|m| m.name().to_owned()).collect())
}

fn of_aggregate(aggregate: &AggregateExpr) -> PossibleLabels {
    let below = possible_labels(&aggregate.expr);
    if aggregate.op.chooses_series() {
        return below;
    }
    let grouped = if aggregate.without {
        aggregate.grouping.iter().fold(below, |labels, label| labels.without(label)).without(METRIC_NAME)
    } else {
        below.among(&aggregate.grouping)
    };
    match (aggregate.op, &aggregate.param) {
        (AggregateOp::CountValues, Some(Expr::String(label))) => grouped.with(&label.value),
        _ => grouped,
    }
}

fn of_call(call: &Call, whole: &Expr) -> PossibleLabels {
    let text = |idx: usize| match call.args.get(idx) {
        Some(Expr::String(text)) => text.value.as_str(),
        _ => "",
    };
    match call.func.name {
        "absent" | "absent_over_time" => {
            let selectors = whole.selectors();
            let equal = selectors.iter().flat_map(|used| &used.selector.matchers);
            let equal =
                equal.filter(|m| m.op() == MatchOp::Eq && m.name() != METRIC_NAME && !m.value().is_empty());
            Only(equal.map(|m| m.name().to_owned()).collect())
        }
        "histogram_quantile" => {
            call.args.get(1).map_or(AllBut(BTreeSet::new()), possible_labels).without("le")
        }
        "label_replace" | "label_join" => possible_labels(&call.args[0]).with(text(1)),
        "info" => AllBut(BTreeSet::new()),
        _ => {
            let series = |arg: &&Expr| matches!(arg.value_type(), ValueType::Vector | ValueType::Matrix);
            match call.args.iter().find(series) {
                Some(arg) if call.func.return_type == ValueType::Vector => possible_labels(arg),
                _ => PossibleLabels::none(),
            }
        }
    }
}

fn of_binary(binary: &BinaryExpr) -> PossibleLabels {
    let (lhs, rhs) = (possible_labels(&binary.lhs), possible_labels(&binary.rhs));
    match binary.op {
        _ if binary.lhs.value_type() != ValueType::Vector => return rhs,
        _ if binary.rhs.value_type() != ValueType::Vector => return lhs,
        BinaryOp::And | BinaryOp::Unless => return lhs,
        BinaryOp::Or => return lhs.or(rhs),
        _ => {}
    }
    let Some(matching) = &binary.matching else { return lhs };
    match matching.card {
        MatchCardinality::OneToOne if matching.on => lhs.or(rhs).among(&matching.labels),
        MatchCardinality::OneToOne => matching.labels.iter().fold(lhs, |labels, label| labels.without(label)),
        MatchCardinality::ManyToOne | MatchCardinality::ManyToMany => {
            matching.include.iter().fold(lhs, |labels, label| labels.with(label))
        }
        MatchCardinality::OneToMany => matching.include.iter().fold(rhs, |labels, label| labels.with(label)),
    }
}

/// The outermost aggregation in which the label is left out.
pub(crate) fn left_out_by<'e>(expr: &'e Expr, label: &str) -> Option<&'e AggregateExpr> {
    let mut outermost = None;
    expr.walk(&mut |node, _| {
        let Expr::Aggregate(aggregate) = node else { return };
        let listed = aggregate.grouping.iter().any(|listed| listed == label);
        if outermost.is_none() && !aggregate.op.chooses_series() && listed == aggregate.without {
            outermost = Some(&**aggregate);
        }
    });
    outermost
}

#[cfg(test)]
mod tests {
    use bellwether_promql::syntax::{ParserOptions, parse_expr};

    use super::*;

    #[test]
    fn one_series_with_a_label_is_enough() {
        let check = |text: &str, may: &[&str], may_not: &[&str]| {
            let labels = possible_labels(&parse_expr(text, &ParserOptions::all_enabled()).expect("parses"));
            for label in may {
                assert!(labels.may_have(label), "{text}: {label}");
            }
            for label in may_not {
                assert!(!labels.may_have(label), "{text}: {label}");
            }
        };
        check("a{x=\"\"} > 1", &["y"], &["x"]);
        check("sum by (x) (a) / 2", &["x"], &["y"]);
        check("sum without (x) (a)", &["y"], &["x"]);
        check("topk(3, sum by (x) (a))", &["x"], &["y"]);
        check("count_values by (x) (\"y\", a)", &["x", "y"], &["z"]);
        check("sum by (x) (a) or sum by (y) (b)", &["x", "y"], &["z"]);
        check("sum by (x) (a) or b", &["x", "z"], &[]);
        check("sum by (x) (a) and on (y) b", &["x"], &["y"]);
        check("a * on (x) sum by (x) (b)", &["x"], &["y"]);
        check("sum by (x) (a) * on (x) group_left (team) b", &["x", "team"], &["y"]);
        check("b * on (x) group_right (team) sum by (x) (a)", &["x", "team"], &["y"]);
        check("absent(a{x=\"1\", y=~\"2\"})", &["x"], &["y", "job"]);
        check("histogram_quantile(0.9, sum by (le, x) (a))", &["x"], &["le"]);
        check("label_replace(sum(a), \"x\", \"$1\", \"y\", \"(.*)\")", &["x"], &["y"]);
        check("vector(1)", &[], &["x"]);
        check("sum by (x) (max by (y) (a))", &[], &["x", "y"]);
    }
}

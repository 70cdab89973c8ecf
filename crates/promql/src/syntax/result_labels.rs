//! Which labels the result of an expression has.

use std::collections::BTreeSet;

use bellwether_model::{METRIC_NAME, MatchOp};

use super::ast::{Expr, MatchCardinality, ValueType};
use super::operator::AggregateOp;

/// The labels of the series of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultLabels {
    /// Exactly these, as far as the series below have them.
    Only(BTreeSet<String>),
    /// All that the series have, `instance` and `job` among them.
    All,
}

impl ResultLabels {
    /// No labels: a number.
    fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    fn of(labels: &[String]) -> Self {
        Self::Only(labels.iter().cloned().collect())
    }
}

/// The labels that the result of `expr` has.
pub fn result_labels(expr: &Expr) -> ResultLabels {
    match expr {
        Expr::Number(_) | Expr::String(_) => ResultLabels::none(),
        Expr::Vector(_) | Expr::Matrix(_) => ResultLabels::All,
        Expr::Unary(unary) => result_labels(&unary.expr),
        Expr::Paren(paren) => result_labels(&paren.expr),
        Expr::Subquery(subquery) => result_labels(&subquery.expr),
        // These choose series and leave them as they are.
        Expr::Aggregate(aggregate) if aggregate.op.chooses_series() => result_labels(&aggregate.expr),
        Expr::Aggregate(aggregate) if aggregate.without => match result_labels(&aggregate.expr) {
            ResultLabels::Only(labels) => {
                ResultLabels::Only(labels.into_iter().filter(|l| !aggregate.grouping.contains(l)).collect())
            }
            ResultLabels::All => ResultLabels::All,
        },
        Expr::Aggregate(aggregate) => {
            let mut labels: BTreeSet<String> = aggregate.grouping.iter().cloned().collect();
            if let (AggregateOp::CountValues, Some(Expr::String(label))) = (aggregate.op, &aggregate.param) {
                labels.insert(label.value.clone());
            }
            ResultLabels::Only(labels)
        }
        Expr::Call(call) => match call.func.name {
            "histogram_quantile" => match result_labels(&call.args[1]) {
                ResultLabels::Only(mut labels) => {
                    labels.remove("le");
                    ResultLabels::Only(labels)
                }
                ResultLabels::All => ResultLabels::All,
            },
            "absent" | "absent_over_time" => {
                let selectors = expr.selectors();
                let equal = selectors
                    .iter()
                    .flat_map(|s| &s.selector.matchers)
                    .filter(|matcher| matcher.op() == MatchOp::Eq && matcher.name() != METRIC_NAME);
                ResultLabels::Only(equal.map(|matcher| matcher.name().to_owned()).collect())
            }
            "label_replace" | "label_join" => ResultLabels::All,
            _ => {
                let series = |arg: &&Expr| matches!(arg.value_type(), ValueType::Vector | ValueType::Matrix);
                match call.args.iter().find(series) {
                    Some(arg) if call.func.return_type == ValueType::Vector => result_labels(arg),
                    _ => ResultLabels::none(),
                }
            }
        },
        Expr::Binary(binary) => {
            let (lhs, rhs) = (&binary.lhs, &binary.rhs);
            if lhs.value_type() != ValueType::Vector {
                return result_labels(rhs);
            }
            if rhs.value_type() != ValueType::Vector || binary.op.is_set() || binary.op.is_comparison() {
                return result_labels(lhs);
            }
            match &binary.matching {
                Some(matching) if matching.card == MatchCardinality::OneToMany => result_labels(rhs),
                Some(matching) if matching.card == MatchCardinality::OneToOne && matching.on => {
                    ResultLabels::of(&matching.labels)
                }
                _ => result_labels(lhs),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{ParserOptions, parse_expr};

    #[test]
    fn grouping_decides() {
        let labels =
            |text: &str| result_labels(&parse_expr(text, &ParserOptions::default()).expect("parses"));
        let only = |names: &[&str]| ResultLabels::Only(names.iter().map(|&n| n.to_owned()).collect());
        assert_eq!(labels("rate(a[5m]) / rate(b[5m])"), ResultLabels::All);
        assert_eq!(labels("1 - sum by (x) (rate(a[5m])) / sum by (x) (b) > 3"), only(&["x"]));
        assert_eq!(labels("histogram_quantile(0.9, sum by (le, x) (a))"), only(&["x"]));
        assert_eq!(labels("histogram_quantile(0.9, a)"), ResultLabels::All);
        assert_eq!(labels("a / on (x) b"), only(&["x"]));
        assert_eq!(labels("absent(a{x=\"1\", y!=\"2\"})"), only(&["x"]));
        assert_eq!(labels("time() - 3"), only(&[]));
        assert_eq!(labels("topk(3, a)"), ResultLabels::All);
        assert_eq!(labels("count_values by (x) (\"y\", a)"), only(&["x", "y"]));
        assert_eq!(labels("sum(a) or b"), only(&[]));
    }
}

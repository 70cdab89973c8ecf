//! How series find together, in words.

use bellwether_model::{METRIC_NAME, MatchOp, Matcher, format_float};

use crate::syntax::ast::{
    AggregateExpr, BinaryExpr, FillValues, MatchCardinality, VectorMatching, VectorSelector,
};
use crate::syntax::operator::AggregateOp;
use crate::syntax::quote::quote;

/// `each series of the metric up whose job is "node"`
pub(super) fn series(selector: &VectorSelector) -> String {
    let mut clauses = Vec::new();
    let mut metric = selector.name.clone();
    for matcher in &selector.matchers {
        let is_name = matcher.name() == METRIC_NAME && matcher.op() == MatchOp::Eq;
        match &metric {
            Some(name) if is_name && matcher.value() == name => {}
            None if is_name && !matcher.value().is_empty() => metric = Some(matcher.value().to_owned()),
            _ => clauses.push(clause(matcher)),
        }
    }
    let metric = metric.map(|name| format!(" of the metric {name}")).unwrap_or_default();
    let clauses = if clauses.is_empty() { String::new() } else { format!(" {}", list(&clauses)) };
    format!("each series{metric}{clauses}")
}

fn clause(matcher: &Matcher) -> String {
    let name = if matcher.name() == METRIC_NAME { "name" } else { matcher.name() };
    let value = quote(matcher.value());
    match matcher.op() {
        MatchOp::Eq if matcher.value().is_empty() => format!("that have no label {name}"),
        MatchOp::Ne if matcher.value().is_empty() => format!("that have the label {name}"),
        MatchOp::Eq => format!("whose {name} is {value}"),
        MatchOp::Ne => format!("whose {name} is not {value}"),
        MatchOp::Re => format!("whose {name} matches the regular expression {value}"),
        MatchOp::Nre => format!("whose {name} does not match the regular expression {value}"),
    }
}

/// How an aggregation forms its groups, to follow a semicolon.
pub(super) fn grouping(aggregate: &AggregateExpr) -> String {
    let labels = list(&aggregate.grouping);
    // These pass whole series on, so the labels of the groups are not those of the result.
    let chooses = matches!(
        aggregate.op,
        AggregateOp::TopK | AggregateOp::BottomK | AggregateOp::LimitK | AggregateOp::LimitRatio
    );
    match (aggregate.without, aggregate.grouping.is_empty()) {
        (false, true) => "all series are one group".to_owned(),
        (false, false) if chooses => format!("series with the same {labels} are one group"),
        (false, false) => {
            format!("series with the same {labels} are one group, which keeps no other label")
        }
        (true, true) => "series that agree on all labels are one group".to_owned(),
        (true, false) if chooses => {
            format!("series that agree on all labels but {labels} are one group")
        }
        (true, false) => {
            format!("series that agree on all labels but {labels} are one group, which loses {labels}")
        }
    }
}

/// How the series of both sides are paired, to follow the sentence of the operator; empty if nothing is paired.
pub(super) fn pairing(binary: &BinaryExpr) -> String {
    let Some(matching) = &binary.matching else { return String::new() };
    let all_alike = matching.on && matching.labels.is_empty();
    let agreement = agreement(matching);
    if binary.op.is_set() {
        return if all_alike {
            "; any series is a partner".to_owned()
        } else {
            format!("; partners {agreement}")
        };
    }
    let pairs = if all_alike {
        ", for each pair of series, whatever their labels".to_owned()
    } else {
        format!(", for each pair of series that {agreement}")
    };
    let share = match matching.card {
        MatchCardinality::OneToOne | MatchCardinality::ManyToMany => String::new(),
        MatchCardinality::ManyToOne => sharing("left", "right", &matching.include),
        MatchCardinality::OneToMany => sharing("right", "left", &matching.include),
    };
    format!("{pairs}{share}{}", fill(matching.fill))
}

fn agreement(matching: &VectorMatching) -> String {
    match (matching.on, matching.labels.as_slice()) {
        (true, labels) => format!("have the same {}", list(labels)),
        (false, []) => "agree on all labels".to_owned(),
        (false, labels) => format!("agree on all labels but {}", list(labels)),
    }
}

fn sharing(many: &str, one: &str, include: &[String]) -> String {
    let copied = if include.is_empty() {
        String::new()
    } else {
        format!(", from which {} {} copied", list(include), if include.len() == 1 { "is" } else { "are" })
    };
    format!("; several series on the {many} may share one on the {one}{copied}")
}

fn fill(fill: FillValues) -> String {
    let missing = |side: &str, value: f64| {
        format!("; a series that is missing {side} counts as {}", format_float(value))
    };
    match (fill.lhs, fill.rhs) {
        (None, None) => String::new(),
        (Some(left), Some(right)) if left.to_bits() == right.to_bits() => missing("on either side", left),
        (left, right) => {
            let left = left.map(|value| missing("on the left", value)).unwrap_or_default();
            left + &right.map(|value| missing("on the right", value)).unwrap_or_default()
        }
    }
}

/// `a, b and c`
fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

//! Alerts that say the same.

use bellwether_promql::syntax::{BinaryOp, Expr};

use super::Found;
use crate::schema::{Alert, Definition, Pack, Ratio};

/// A condition in a form in which equal ones look equal.
#[derive(PartialEq)]
struct Condition {
    /// What is compared.
    what: String,
    /// Whether it must be above the threshold.
    above: bool,
    /// The threshold, rounded.
    threshold: i64,
}

pub(super) fn alerts(pack: &Pack) -> Vec<Found<'_>> {
    let conditions: Vec<Option<Condition>> = pack.alerts.iter().map(|alert| condition(pack, alert)).collect();
    let mut found = Vec::new();
    for (idx, alert) in pack.alerts.iter().enumerate() {
        for (other, before) in pack.alerts[..idx].iter().zip(&conditions) {
            let same = conditions[idx].is_some() && conditions[idx] == *before;
            if same && !inhibits(alert, other) && !inhibits(other, alert) {
                let message = format!(
                    "alert {:?} has the same condition as {:?}, so both tell the same",
                    alert.name.value, other.name.value
                );
                let remedy = "keep one, or say in `inhibited_by` which one is enough";
                found.push(Found::error(alert.when.position, message, remedy).unless(&alert.allow));
            }
        }
    }
    found
}

fn inhibits(one: &Alert, other: &Alert) -> bool {
    one.inhibited_by.iter().any(|name| name.value == other.name.value)
}

/// The condition with complements resolved: a success of less than 90 % is a failure of more than 10 %.
fn condition(pack: &Pack, alert: &Alert) -> Option<Condition> {
    let Expr::Binary(comparison) = alert.when.expr.unparenthesised() else {
        let compiled = pack.compile(&alert.when).ok()?;
        return Some(Condition { what: compiled.expr.to_string(), above: true, threshold: 0 });
    };
    let above = matches!(comparison.op, BinaryOp::Gt | BinaryOp::Ge);
    let is_bound = above || matches!(comparison.op, BinaryOp::Lt | BinaryOp::Le);
    let Expr::Number(threshold) = comparison.rhs.unparenthesised() else { return None };
    if !is_bound {
        let compiled = pack.compile(&alert.when).ok()?;
        return Some(Condition { what: compiled.expr.to_string(), above: true, threshold: 0 });
    }
    let mut compared = comparison.lhs.unparenthesised();
    let mut is_complement = false;
    if let Expr::Binary(minus) = compared
        && minus.op == BinaryOp::Sub
        && matches!(minus.lhs.unparenthesised(), Expr::Number(one) if one.value == 1.0)
    {
        (compared, is_complement) = (minus.rhs.unparenthesised(), true);
    }
    let (what, other_way) = share(pack, compared)?;
    let is_complement = is_complement != other_way;
    let threshold = if is_complement { 1.0 - threshold.value } else { threshold.value };
    Some(Condition { what, above: above != is_complement, threshold: (threshold * 1e9).round() as i64 })
}

/// What is compared, and whether it is written as the complement of that.
fn share(pack: &Pack, expr: &Expr) -> Option<(String, bool)> {
    if let Expr::Vector(selector) = expr
        && let Some(named) = selector.name.as_deref().and_then(|name| pack.named(name))
        && let Definition::Ratio(ratio) = &named.definition
        && let Some(share) = share_of_ratio(pack, ratio)
    {
        return Some(share);
    }
    let expression = crate::schema::Expression {
        text: String::new(),
        expr: expr.clone(),
        position: bellwether_yaml::Position::START,
    };
    Some((pack.compile(&expression).ok()?.expr.to_string(), false))
}

/// A ratio with one condition on a closed label as the set of values that it counts; of two complements, the one with the first value.
fn share_of_ratio(pack: &Pack, ratio: &Ratio) -> Option<(String, bool)> {
    let ([num], [of]) = (ratio.num.as_slice(), ratio.of.as_slice()) else { return None };
    let [condition] = num.matchers.as_slice() else { return None };
    let metric = pack.metric(of.metric.as_deref()?)?;
    if num.metric.as_deref().is_some_and(|name| name != metric.name.value) {
        return None;
    }
    let values = &metric.label(condition.name())?.values;
    let counts_first = condition.matches(values.first()?);
    let counted: Vec<&str> =
        values.iter().filter(|value| condition.matches(value) == counts_first).map(String::as_str).collect();
    // A closed label has no further values, so what one condition leaves the other takes.
    let by: Vec<&str> = ratio.by.iter().map(|label| label.value.as_str()).collect();
    let name =
        format!("{} {} {counted:?} by {by:?} over {:?}", metric.name, condition.name(), ratio.window_ms);
    Some((name, !counts_first))
}

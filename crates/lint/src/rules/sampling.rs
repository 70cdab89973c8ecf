use bellwether_promql::syntax::Expr;

use super::{Found, Scene};

/// What chooses some of the series: the choice changes from one evaluation to the next, and with it the labels of the alert.
pub(super) fn in_alerts(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        rule.rule.expr.walk(&mut |node, around| {
            let Expr::Aggregate(aggregate) = node else { return };
            let is_joined = around
                .iter()
                .any(|parent| matches!(parent, Expr::Aggregate(parent) if !parent.op.chooses_series()));
            if aggregate.op.chooses_series() && !is_joined {
                let op = aggregate.op.as_str();
                let message = format!("{op}() chooses other series at each evaluation, so alerts come and go while nothing changes");
                found.push(Found::in_expr(rule, aggregate.span, message, format!("leave {op}() out; the comparison chooses already")));
            }
        });
    }
    found
}

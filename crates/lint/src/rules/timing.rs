//! How long conditions must hold.

use bellwether_model::format_duration_ms;
use bellwether_promql::syntax::{BinaryOp, DurationArg, Expr};
use bellwether_rules::RuleKind;

use super::{Found, Scene};
use crate::source::SourceRule;

fn times(rule: &SourceRule<'_>) -> Option<(i64, i64)> {
    match rule.rule.kind {
        RuleKind::Alerting { for_ms, keep_firing_for_ms, .. } => Some((for_ms, keep_firing_for_ms)),
        RuleKind::Recording { .. } => None,
    }
}

pub(super) fn for_missing(scene: &Scene<'_>) -> Vec<Found> {
    let silent = scene.alerts().filter(|rule| !rule.has("for") && !waits_by_windows(&rule.rule.expr));
    let found = silent.map(|rule| {
        let message =
            "the alert does not say how long its condition must hold, and fires at the first sight of it";
        let remedy = "give `for`, and `for: 0s` if it is meant to fire at once";
        Found::at(rule.at_name(), rule, message.to_owned(), remedy)
    });
    found.collect()
}

/// Whether the same is compared over two windows, as the alerts of objectives do: the long one waits, the short one ends the alert.
fn waits_by_windows(expr: &Expr) -> bool {
    expr.any(|node| {
        let Expr::Binary(both) = node else { return false };
        let (long, short) = (both.lhs.selectors(), both.rhs.selectors());
        let ([long], [short]) = (long.as_slice(), short.as_slice()) else { return false };
        let (Some(one), Some(other)) = (long.selector.metric_name(), short.selector.metric_name()) else {
            return false;
        };
        let without_window = |name: &str| {
            name.trim_end_matches(|c: char| c.is_ascii_digit() || "smhdwy".contains(c)).to_owned()
        };
        let same = without_window(one) == without_window(other);
        both.op == BinaryOp::And && same && (one != other || long.range != short.range)
    })
}

pub(super) fn for_shorter(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        let Some((for_ms, keep_ms)) = times(rule) else { continue };
        let interval_ms =
            rule.group.interval_ms.filter(|ms| *ms > 0).unwrap_or(scene.options.evaluation_interval_ms);
        for (field, ms, effect) in [
            ("for", for_ms, "the alert fires at the second evaluation, as with any other short time"),
            ("keep_firing_for", keep_ms, "it has no effect"),
        ] {
            if ms > 0 && ms < interval_ms {
                let (ms, interval) = (format_duration_ms(ms), format_duration_ms(interval_ms));
                let message = format!(
                    "`{field}: {ms}` is shorter than the interval of the group, {interval}: {effect}"
                );
                let remedy = format!("give at least {interval}, or nothing");
                found.push(Found::at(rule.at_field(field), rule, message, remedy));
            }
        }
    }
    found
}

/// `increase(x[30m]) == 0` with `for: 30m` fires an hour after the last event.
pub(super) fn for_on_window(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        let Some((for_ms, _)) = times(rule).filter(|(for_ms, _)| *for_ms > 0) else { continue };
        let of_nothing = rule.rule.expr.comparisons().into_iter().filter(|comparison| {
            comparison.number == 0.0 && matches!(comparison.op, BinaryOp::Eq | BinaryOp::Le)
        });
        let windows =
            of_nothing.filter_map(|comparison| window_ms(comparison.what)).chain(absence_ms(&rule.rule.expr));
        let Some(range_ms) = windows.max().filter(|range_ms| *range_ms <= for_ms) else { continue };
        let (range, wait) = (format_duration_ms(range_ms), format_duration_ms(for_ms));
        let both = format_duration_ms(range_ms + for_ms);
        let message = format!(
            "the window of {range} waits for the events already, and `for: {wait}` waits once more: the alert fires {both} after the last one"
        );
        found.push(Found::at(rule.at_field("for"), rule, message, "take a short `for`, or a short window"));
    }
    found
}

/// The longest window in which events are counted.
fn window_ms(expr: &Expr) -> Option<i64> {
    let counts = expr.calls("increase")
        || expr.calls("rate")
        || expr.calls("count_over_time")
        || expr.calls("changes");
    ranges_ms(expr).filter(|_| counts).max()
}

/// The window of `absent_over_time`.
fn absence_ms(expr: &Expr) -> Option<i64> {
    let mut range_ms = None;
    expr.walk(&mut |node, _| {
        if let Expr::Call(call) = node
            && call.func.name == "absent_over_time"
        {
            range_ms = range_ms.max(ranges_ms(node).max());
        }
    });
    range_ms
}

fn ranges_ms(expr: &Expr) -> impl Iterator<Item = i64> {
    expr.selectors().into_iter().filter_map(|used| match used.range {
        Some(DurationArg::Literal(ms)) => Some(*ms),
        _ => None,
    })
}

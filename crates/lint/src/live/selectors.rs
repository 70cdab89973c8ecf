//! Whether there are series for selectors.

use std::collections::BTreeSet;

use bellwether_model::{METRIC_NAME, MatchOp, Matcher, format_duration_ms};
use bellwether_promql::syntax::{Expr, TextSpan, VectorSelector};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::LiveFindings;
use super::server::{History, Presence};
use crate::rules::{Found, Scene};

/// As often as this something may be away.
const MAX_GAPS: usize = 3;
/// So long after the last sample of a series something still has it, in milliseconds.
const LOOKBACK_DELTA_MS: i64 = 300_000;

pub(super) fn missing(scene: &Scene<'_>, history: &History<'_>) -> LiveFindings {
    let mut found = Vec::new();
    for rule in &scene.rules {
        let mut told = BTreeSet::new();
        for (selector, span) in awaited_selectors(&rule.rule.expr) {
            // What rules record may not have been recorded yet.
            let is_ours = |name: &str| scene.recorded.contains_key(name) || name.starts_with("ALERTS");
            let Some(metric) = selector.metric_name().filter(|name| !is_ours(name)) else { continue };
            if !told.insert(selector.to_string()) {
                continue;
            }
            if let Some((id, message, remedy)) = problem(metric, selector, history)? {
                found.push((id, Found::in_expr(rule, span, message, remedy)));
            }
        }
    }
    Ok(found)
}

/// The selectors, but for those whose absence is what the expression is about.
fn awaited_selectors(expr: &Expr) -> Vec<(&VectorSelector, TextSpan)> {
    let mut all = Vec::new();
    expr.walk(&mut |node, around| {
        let is_absence = around
            .iter()
            .any(|parent| matches!(parent, Expr::Call(call) if call.func.name.starts_with("absent")));
        match node {
            _ if is_absence => {}
            Expr::Vector(selector) => all.push((&**selector, selector.span)),
            Expr::Matrix(matrix) => all.push((&matrix.selector, matrix.span)),
            _ => {}
        }
    });
    all
}

type Problem = (&'static str, String, &'static str);

fn problem(
    metric: &str,
    selector: &VectorSelector,
    history: &History<'_>,
) -> Result<Option<Problem>, super::LiveError> {
    let while_looking = format_duration_ms(history.options.lookback_ms);
    let name = VectorSelector {
        name: Some(metric.to_owned()),
        matchers: vec![Matcher::equal(METRIC_NAME, metric)],
        at: None,
        offset: None,
        ..selector.clone()
    };
    let of_metric = history.presence(&name.to_string())?;
    let Some(last_ms) = of_metric.last().copied() else {
        let message = format!("there was no series {metric} in the last {while_looking}");
        return Ok(Some(("series-missing", message, "correct the name, or see why nothing exposes it")));
    };
    if last_ms < history.now_ms - LOOKBACK_DELTA_MS - 2 * history.step_ms {
        let message = format!("there has been no series {metric} since {}", shown(last_ms));
        return Ok(Some(("series-missing", message, "see why nothing exposes it any more")));
    }
    for matcher in selector.matchers.iter().filter(|m| m.name() != METRIC_NAME && !m.matches_empty()) {
        let with = |matcher: Matcher| {
            let mut name = name.clone();
            name.matchers.insert(0, matcher);
            name.to_string()
        };
        let label = matcher.name();
        let any = Matcher::new(MatchOp::Ne, label, "").expect("BUG: no pattern");
        if history.presence(&with(any))?.is_empty() {
            let message = format!("no series {metric} had the label {label:?} in the last {while_looking}");
            return Ok(Some(("label-unseen", message, "correct the label")));
        }
        if history.presence(&with(matcher.clone()))?.is_empty() {
            let message = format!("no series {metric} had {matcher} in the last {while_looking}");
            return Ok(Some(("value-unseen", message, "correct the value, or see why nothing has it")));
        }
    }
    let whole = VectorSelector { at: None, offset: None, ..selector.clone() };
    let gaps = gaps(&history.presence(&whole.to_string())?, history.step_ms);
    Ok((gaps > MAX_GAPS).then(|| {
        let message =
            format!("{whole} was away {gaps} times in the last {while_looking}, and the rule with it");
        (
            "series-unsteady",
            message,
            "let it be exposed with 0 from the beginning, or say what holds without it",
        )
    }))
}

/// How often something was away between its first and its last sample.
fn gaps(presence: &Presence, step_ms: i64) -> usize {
    presence.windows(2).filter(|pair| pair[1] - pair[0] > step_ms + step_ms / 2).count()
}

fn shown(ts_ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(ts_ms / 1000).ok();
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_else(|| format!("{ts_ms} ms"))
}

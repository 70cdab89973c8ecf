//! Labels: how many series they make, and whether expressions name them rightly.

use std::collections::BTreeSet;

use bellwether_model::{METRIC_NAME, Matcher};
use bellwether_promql::syntax::{Expr, VectorSelector};
use bellwether_yaml::nearest;

use super::{Found, uses};
use crate::compile::{Part, Series};
use crate::schema::{Definition, Metric, MetricKind, Pack, Selector, Spanned};

/// Names of what is another value for each event.
const UNIQUE: [&str; 16] = [
    "conversation_id",
    "correlation_id",
    "email",
    "execution_id",
    "ip",
    "message_id",
    "request_id",
    "response_id",
    "run_id",
    "session_id",
    "span_id",
    "timestamp",
    "trace_id",
    "user_id",
    "uuid",
    "workflow_execution_id",
];

/// Labels of every scraped target.
const TARGET_LABELS: [&str; 2] = ["instance", "job"];

/// How many series one metric may have before it is worth a word.
const MANY_SERIES: u64 = 10_000;

pub(super) fn bounded(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for metric in &pack.metrics {
        for (name, label) in &metric.labels {
            let is_unique = UNIQUE.contains(&name.as_str());
            let (message, remedy) = if is_unique && !label.is_closed() {
                (
                    format!("label {name} of {} is another value for each event", metric.name),
                    "put it into an exemplar, a trace or a log line".to_owned(),
                )
            } else if label.bound().is_none() {
                (
                    format!("nothing bounds the values of label {name} of {}", metric.name),
                    "list them in `enum`, or give `max`; further values are then counted in one series"
                        .to_owned(),
                )
            } else {
                continue;
            };
            found.push(Found::error(name.position, message, remedy).unless(&metric.allow));
        }
    }
    found
}

pub(super) fn series_count(pack: &Pack) -> Vec<Found<'_>> {
    let many = pack.metrics.iter().filter_map(|metric| {
        let bounds = metric.labels.iter().map(|(_, label)| label.bound());
        let combinations =
            bounds.into_iter().try_fold(1_u64, |product, bound| Some(product.saturating_mul(bound?)))?;
        let limited = metric.max_series.map_or(combinations, |max| combinations.min(u64::from(max)));
        let each = match metric.kind {
            MetricKind::Histogram => pack.bounds(metric).map_or(1, |bounds| bounds.len() as u64 + 3),
            MetricKind::Summary => metric.quantiles.len() as u64 + 2,
            MetricKind::StateSet => metric.states.len() as u64,
            _ => 1,
        };
        let series = limited.saturating_mul(each);
        let message = format!("{} can have {series} series for each process", metric.name);
        let remedy = "bound its labels more tightly, or say the most there may be in `max_series`";
        (series > MANY_SERIES)
            .then(|| Found::warning(metric.name.position, message, remedy).unless(&metric.allow))
    });
    many.collect()
}

/// Every selector of an expression.
fn selectors(expr: &Expr) -> impl Iterator<Item = &VectorSelector> {
    expr.selectors().into_iter().map(|used| used.selector)
}

pub(super) fn known_values(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for used in uses::all(pack) {
        for selector in used.expr().into_iter().flat_map(selectors) {
            let Some(Series::Own(metric, part)) = selector.name.as_deref().and_then(|n| pack.series(n))
            else {
                continue;
            };
            for matcher in selector.matchers.iter().filter(|matcher| matcher.name() != METRIC_NAME) {
                let Some((message, remedy)) = wrong_condition(metric, part, matcher) else { continue };
                // A named expression and what uses it would say the same.
                if seen.insert(message.clone()) {
                    found.push(Found::error(used.position, message, remedy).unless(used.allow));
                }
            }
        }
    }
    found
}

/// What is wrong with a condition on a label of `metric`, and what to do.
fn wrong_condition(metric: &Metric, part: Part, matcher: &Matcher) -> Option<(String, String)> {
    let label = matcher.name();
    let own = match (metric.kind, part) {
        (_, Part::Bucket) => Some("le"),
        (MetricKind::Summary, Part::Value) => Some("quantile"),
        (MetricKind::StateSet, _) => Some(metric.name.as_str()),
        _ => None,
    };
    let values = if metric.kind == MetricKind::StateSet && own == Some(label) {
        &metric.states
    } else if let Some(declared) = metric.label(label) {
        &declared.values
    } else if own == Some(label) || TARGET_LABELS.contains(&label) {
        return None;
    } else {
        let known = metric.label_names().collect::<Vec<_>>().join(", ");
        let message = format!("{} has no label {label}", metric.name);
        return Some((message, format!("its labels are: {known}; those of targets are instance and job")));
    };
    // What is excluded should be there, too.
    let accepts = |value: &String| matcher.matches(value) != matcher.op().is_negative();
    if values.is_empty() || matcher.value().is_empty() || values.iter().any(accepts) {
        return None;
    }
    let message = format!("label {label} of {} is never {:?}", metric.name, matcher.value());
    let remedy = match nearest(matcher.value(), values.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("its values are {}", values.join(", ")),
    };
    Some((message, remedy))
}

pub(super) fn known_labels(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for named in &pack.named {
        let (by, of): (&[Spanned<String>], Vec<&Selector>) = match &named.definition {
            Definition::Ratio(ratio) => (&ratio.by, ratio.of.iter().chain(&ratio.num).collect()),
            Definition::Quantile(quantile) => (&quantile.by, vec![&quantile.of]),
            Definition::Rate(rate) => (&rate.by, rate.of.iter().collect()),
            Definition::Value(level) => (&level.by, vec![&level.of]),
            Definition::Plain(_) => continue,
        };
        let metrics: Vec<&Metric> =
            of.iter().filter_map(|selector| pack.metric(selector.metric.as_deref()?)).collect();
        for label in by.iter().filter(|label| !TARGET_LABELS.contains(&label.as_str())) {
            let is_state =
                |metric: &Metric| metric.kind == MetricKind::StateSet && metric.name.value == label.value;
            let lacking = metrics.iter().find(|m| m.label(label).is_none() && !is_state(m));
            if let Some(metric) = lacking {
                let message = format!(
                    "{:?} is grouped by {label}, which {} does not have",
                    named.name.value, metric.name
                );
                let remedy = format!("add the label to {}, or group by others", metric.name);
                found.push(Found::error(label.position, message, remedy).unless(&named.allow));
            }
        }
    }
    found
}

//! What an alert must say, and what it must not be about.

use bellwether_model::METRIC_NAME;
use bellwether_promql::syntax::{BinaryOp, Comparison, parse_series};
use bellwether_rules::{RuleFile, RuleFileOptions};

use super::Found;
use crate::compile::{Part, Series};
use crate::generate::rules::{self, RUNBOOK_URL};
use crate::generate::slo_tests::events_of;
use crate::schema::{Absent, Alert, Metric, MetricKind, Pack};

/// Words in the names of counters of what went wrong.
const FAILURES: [&str; 4] = ["error", "fail", "exception", "rejected"];

/// Words in the names of gauges that an application has computed.
const COMPUTED: [&str; 6] = ["_rate", "_ratio", "percentile", "_p50", "_p95", "_p99"];

fn error<'p>(alert: &'p Alert, message: impl std::fmt::Display, remedy: &str) -> Found<'p> {
    let message = format!("alert {:?} {message}", alert.name.value);
    Found::error(alert.name.position, message, remedy).unless(&alert.allow)
}

pub(super) fn for_and_severity(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for alert in &pack.alerts {
        if alert.for_ms.is_none() {
            let remedy = "give `for`, and `for: 0s` if it is meant to fire at once";
            found.push(error(alert, "does not say how long its condition must hold", remedy));
        }
        if alert.severity.is_none() {
            let remedy = "give `severity`: critical, warning or info";
            found.push(error(alert, "does not say how bad it is", remedy));
        }
    }
    found
}

pub(super) fn rate_as_share(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for alert in &pack.alerts {
        let Ok(compiled) = pack.compile(&alert.when) else { continue };
        for Comparison { what, number: threshold, .. } in compiled.expr.comparisons() {
            let selectors = what.selectors();
            let is_of_failures = selectors.iter().any(|used| {
                let name = used.selector.name.as_deref().unwrap_or_default();
                let of_status = used
                    .selector
                    .matchers
                    .iter()
                    .any(|m| m.name().contains("status") || m.name() == "outcome" || m.name() == "code");
                used.range.is_some() && (of_status || FAILURES.iter().any(|word| name.contains(word)))
            });
            let is_quantile = what.calls("histogram_quantile");
            if is_of_failures
                && !is_quantile
                && threshold > 0.0
                && threshold < 1.0
                && !what.divides_by_series()
            {
                let message =
                    format!("compares failures per second with {threshold}, as if they were a share");
                let remedy = "make it an entry of `ratios`: failures per all events";
                found.push(error(alert, message, remedy));
            }
        }
    }
    found
}

pub(super) fn precomputed(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for alert in &pack.alerts {
        let Ok(compiled) = pack.compile(&alert.when) else { continue };
        let computed = compiled.expr.selectors().into_iter().find_map(|used| {
            match pack.series(used.selector.name.as_deref()?)? {
                Series::Own(metric, Part::Value) if is_computed(metric) => Some(metric.name.as_str()),
                _ => None,
            }
        });
        if let Some(name) = computed {
            let message = format!(
                "is about {name}, which the application has computed: it cannot be joined over instances, and nobody knows over which time"
            );
            let remedy = "alert on a ratio of counters or a quantile of a histogram";
            found.push(error(alert, message, remedy));
        }
    }
    found
}

fn is_computed(metric: &Metric) -> bool {
    let by_name = COMPUTED.iter().any(|word| metric.name.contains(word));
    let by_label = metric.label("percentile").is_some();
    metric.kind == MetricKind::Summary || (metric.kind == MetricKind::Gauge && (by_name || by_label))
}

pub(super) fn min_traffic(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for alert in pack.alerts.iter().filter(|alert| alert.min_traffic.is_none()) {
        let Ok(compiled) = pack.compile(&alert.when) else { continue };
        let guarded = compiled.expr.has_operator(BinaryOp::And);
        let has_share = compiled.expr.divides_by_series();
        if compiled.traffic.is_empty() || guarded {
            continue;
        }
        let remedy = "give `min_traffic`, for instance 0.01/s";
        if has_share {
            let message = "is about a share and does not say of how many events: one failure in a quiet hour is all of them";
            found.push(error(alert, message, remedy));
        } else {
            let message = format!(
                "alert {:?} is about a quantile, and one slow event in a quiet hour is all of them",
                alert.name.value
            );
            found.push(Found::warning(alert.name.position, message, remedy).unless(&alert.allow));
        }
    }
    found
}

pub(super) fn absent(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for alert in pack.alerts.iter().filter(|alert| matches!(alert.absent, Absent::Ignored)) {
        let Ok(compiled) = pack.compile(&alert.when) else { continue };
        let is_down = compiled.expr.comparisons().into_iter().any(|Comparison { what, op, number }| {
            let is_none = matches!((op, number), (BinaryOp::Eq, 0.0) | (BinaryOp::Lt | BinaryOp::Ne, 1.0));
            let of_health = || {
                what.selectors().iter().any(|used| {
                    let name = used.selector.name.as_deref().unwrap_or_default();
                    let is_boolean = matches!(pack.series(name), Some(Series::Own(metric, _)) if metric.unit.starts_with("boolean"));
                    name == "up" || name.contains("health") || name.ends_with("_up") || is_boolean || used.range.is_some()
                })
            };
            is_none && of_health()
        });
        if is_down && !compiled.expr.calls("absent") {
            let message =
                "is about something that is down, and does not fire when its series are gone altogether";
            found.push(error(alert, message, "give `absent: true`"));
        }
    }
    found
}

pub(super) fn text(pack: &Pack) -> Vec<Found<'_>> {
    let silent = pack.alerts.iter().filter(|alert| !alert.annotations.contains_key("summary"));
    let found = silent.map(|alert| {
        let message = format!("alert {:?} does not say what is wrong", alert.name.value);
        Found::warning(alert.name.position, message, "give `annotations: {summary: ...}`")
            .unless(&alert.allow)
    });
    found.collect()
}

pub(super) fn runbooks(pack: &Pack) -> Vec<Found<'_>> {
    if pack.runbooks.is_some() {
        return Vec::new();
    }
    let without = pack.alerts.iter().filter(|alert| !alert.annotations.contains_key(RUNBOOK_URL));
    let found = without.map(|alert| {
        let message = format!("alert {:?} does not say where people read what to do", alert.name.value);
        let remedy =
            "give `annotations: {runbook_url: ...}`, or the pack a page with all of them in `runbooks`";
        Found::warning(alert.name.position, message, remedy).unless(&alert.allow)
    });
    found.collect()
}

pub(super) fn burn_tests(pack: &Pack) -> Vec<Found<'_>> {
    let untested = pack.slos.iter().filter(|slo| events_of(pack, slo).is_none());
    let found = untested.map(|slo| {
        let message = format!(
            "objective {:?} has no tests of its alerts: no good and bad events of {} can be made up",
            slo.name.value, slo.sli
        );
        let remedy = "let it be a share of the events of counters or histograms, and give the labels in its conditions `examples` of both";
        Found::warning(slo.name.position, message, remedy)
    });
    found.collect()
}

pub(super) fn tests(pack: &Pack) -> Vec<Found<'_>> {
    let untested = pack.alerts.iter().filter(|alert| {
        !alert.tests.as_ref().is_some_and(|tests| !tests.fires.is_empty() && !tests.quiet.is_empty())
    });
    let found = untested.map(|alert| {
        let message = format!(
            "alert {:?} has not both a case in which it fires and one in which it does not",
            alert.name.value
        );
        Found::warning(alert.name.position, message, "give `tests: {fires: ..., quiet: ...}`")
            .unless(&alert.allow)
    });
    found.collect()
}

pub(super) fn templates(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for alert in pack.alerts.iter().filter(|alert| pack.compile_alert(alert).is_ok()) {
        let file = rules::only(pack, alert).to_yaml();
        if let Err(errors) = RuleFile::parse(&alert.name, file.as_bytes(), &RuleFileOptions::default()) {
            for refused in &errors {
                let message = format!("makes a rule that is refused: {}", refused.kind());
                found.push(error(alert, message, "correct the template, label or annotation"));
            }
        }
    }
    found
}

pub(super) fn cases(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for alert in &pack.alerts {
        let Some(tests) = &alert.tests else { continue };
        for (series, values) in tests.fires.iter().chain(&tests.quiet).flat_map(|case| &case.series) {
            let message = match parse_series(&format!("{series} {values}")) {
                Err(why) => format!("{series} with {values:?} is not a series: {why}"),
                Ok(made_up) => match made_up.labels.get(METRIC_NAME) {
                    Some(name) if pack.series(name).is_none() => format!("nothing exposes {name}"),
                    _ => continue,
                },
            };
            let message = format!("alert {:?}: {message}", alert.name.value);
            let remedy = "make up series of the pack's metrics, with values such as 0+1x20";
            found.push(Found::error(series.position, message, remedy).unless(&alert.allow));
        }
    }
    found
}

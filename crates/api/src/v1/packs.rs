//! `packs`: the catalogue, and what targets expose of it. Not part of the API of Prometheus.

use axum::extract::State;
use axum::response::Response;
use bellwether_model::format_duration_ms;
use bellwether_packs::catalogue::is_built_in;
use bellwether_packs::check::Finding;
use bellwether_packs::lint;
use bellwether_packs::live::{PackVerdict, TargetVerdict};
use bellwether_packs::schema::{Alert, Metric, Pack, Severity};
use bellwether_scrape::TargetView;
use serde_json::{Value, json};

use crate::envelope;
use crate::error::ApiError;
use crate::params::format_time_ms;
use crate::state::AppState;

/// All packs with their metrics, alerts and lint findings, and what the last check of each target found.
pub(crate) async fn packs(State(state): State<AppState>) -> Result<Response, ApiError> {
    let answer = move || {
        let catalogue = state.packs.catalogue();
        let packs: Vec<Value> = catalogue.packs().map(|(found, findings)| pack(found, findings)).collect();
        let targets = state.scrape.targets().active;
        let checked = |target: &TargetView| {
            let verdict = state.packs.verdict(&target.scrape_pool, &target.scrape_url)?;
            Some(json!({
                "scrapePool": target.scrape_pool,
                "scrapeUrl": target.scrape_url,
                "instance": target.labels.get("instance"),
                "checkedAt": format_time_ms(verdict.checked_ms),
                "problem": verdict.problem,
                "packs": verdict.packs.iter().map(pack_verdict).collect::<Vec<_>>(),
            }))
        };
        let targets: Vec<Value> = targets.iter().filter_map(checked).collect();
        json!({ "packs": packs, "targets": targets })
    };
    // The first one after a change of packs judges all of them.
    let answer = tokio::task::spawn_blocking(answer)
        .await
        .map_err(|_| ApiError::internal("listing the packs ended unexpectedly; the log says more"))?;
    Ok(envelope::success(&answer))
}

/// The verdict about a target without the findings.
pub(super) fn summary(verdict: &TargetVerdict) -> Value {
    let packs: Vec<Value> = verdict.packs.iter().map(counts).collect();
    json!({ "checkedAt": format_time_ms(verdict.checked_ms), "problem": verdict.problem, "packs": packs })
}

fn counts(verdict: &PackVerdict) -> Value {
    json!({
        "pack": verdict.pack.name.value,
        "verdict": verdict.worst().map_or("ok", |severity| severity.as_str()),
        "errors": verdict.errors,
        "warnings": verdict.warnings,
        "infos": verdict.infos,
    })
}

fn pack_verdict(verdict: &PackVerdict) -> Value {
    let metrics = verdict.exposed.iter().filter_map(|place| verdict.pack.metrics.get(*place));
    let exposed: Vec<&str> = metrics.map(|metric| metric.name.value.as_str()).collect();
    let mut found = counts(verdict);
    found["findings"] = verdict.findings.iter().map(check_finding).collect();
    found["exposed"] = exposed.into();
    found
}

fn check_finding(finding: &Finding) -> Value {
    json!({
        "rule": finding.kind.as_str(),
        "level": finding.severity.as_str(),
        "metric": finding.metric,
        "file": finding.source,
        "line": finding.position.line,
        "column": finding.position.column,
        "message": finding.message,
        "remedy": finding.remedy,
    })
}

fn pack(pack: &Pack, findings: &[lint::Finding]) -> Value {
    json!({
        "name": pack.name.value,
        "version": pack.version,
        "title": pack.title,
        "description": pack.description,
        "namespace": pack.namespace,
        "file": pack.source,
        "builtIn": is_built_in(pack),
        "metrics": pack.metrics.iter().map(|found| metric(pack, found)).collect::<Vec<_>>(),
        "alerts": pack.alerts.iter().map(alert).collect::<Vec<_>>(),
        "lint": findings.iter().map(lint_finding).collect::<Vec<_>>(),
    })
}

fn metric(pack: &Pack, metric: &Metric) -> Value {
    let labels: Vec<Value> = metric
        .labels
        .iter()
        .map(|(name, label)| {
            json!({ "name": name.value, "values": label.values, "max": label.max, "help": label.help })
        })
        .collect();
    let aliases: Vec<Value> = metric
        .aliases
        .iter()
        .map(|alias| json!({ "name": alias.name.value, "labels": alias.labels }))
        .collect();
    json!({
        "name": metric.name.value,
        "type": metric.kind.as_str(),
        "unit": metric.unit,
        "help": metric.help,
        "group": metric.group,
        "stability": metric.stability.as_str(),
        "replacedBy": metric.replaced_by.as_ref().map(|name| name.value.as_str()),
        "until": metric.until,
        "labels": labels,
        "buckets": pack.bounds(metric),
        "quantiles": metric.quantiles,
        "states": metric.states,
        "aliases": aliases,
        "maxSeries": metric.max_series,
        "note": metric.note,
    })
}

fn alert(alert: &Alert) -> Value {
    json!({
        "name": alert.name.value,
        "when": alert.when.text,
        "for": alert.for_ms.map(format_duration_ms),
        "severity": alert.severity.map(Severity::as_str),
        "summary": alert.annotations.get("summary"),
    })
}

fn lint_finding(finding: &lint::Finding) -> Value {
    json!({
        "rule": finding.rule,
        "level": finding.level.as_str(),
        "file": finding.source,
        "line": finding.position.line,
        "column": finding.position.column,
        "message": finding.message,
        "remedy": finding.remedy,
    })
}

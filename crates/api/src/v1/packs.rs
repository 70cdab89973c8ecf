//! `packs`: the catalogue, and what targets expose of it. Not part of the API of Prometheus.

use axum::extract::{Path, State};
use axum::response::Response;
use bellwether_model::format_duration_ms;
use bellwether_packs::catalogue::{self, is_built_in};
use bellwether_packs::check::Finding;
use bellwether_packs::generate::{OutputKind, generate};
use bellwether_packs::lint;
use bellwether_packs::live::{Judgement, PackVerdict, TargetVerdict};
use bellwether_packs::meaning::Meaning;
use bellwether_packs::schema::{Alert, Dashboard, Metric, Named, Pack, Panel, Recording, Severity, Slo};
use bellwether_scrape::TargetView;
use serde_json::{Value, json};

use crate::envelope;
use crate::error::{ApiError, ErrorKind};
use crate::params::format_time_ms;
use crate::state::AppState;
use crate::work::blocking;

/// All packs with their metrics, what is made of these and lint findings, and what the last check of each target found.
pub(crate) async fn packs(State(state): State<AppState>) -> Result<Response, ApiError> {
    let answer = move || {
        let catalogue = state.packs.catalogue();
        let packs: Vec<Value> = catalogue.packs().map(|(found, judgement)| pack(found, judgement)).collect();
        let targets = state.scrape.targets().active;
        let checked = |target: &TargetView| {
            let verdict = state.packs.verdict(&target.scrape_pool, &target.scrape_url)?;
            Some(json!({
                "scrapePool": target.scrape_pool,
                "scrapeUrl": target.scrape_url,
                "instance": target.labels.get("instance"),
                "checkedAt": format_time_ms(verdict.checked_ms),
                "problem": verdict.problem,
                "packs": verdict.packs.iter().map(|pack| pack_verdict(&target.scrape_pool, pack)).collect::<Vec<_>>(),
            }))
        };
        let targets: Vec<Value> = targets.iter().filter_map(checked).collect();
        json!({ "packs": packs, "targets": targets })
    };
    // The first one after a change of packs judges all of them.
    Ok(envelope::success(&blocking("listing the packs", answer).await?))
}

/// What is made of a pack: the files that `bellwether pack gen` writes, by kind.
pub(crate) async fn files(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    let answer = move || {
        let catalogue = state.packs.catalogue();
        let found = catalogue.packs().find(|(pack, _)| pack.name.value == name);
        let (pack, _) = found.ok_or_else(|| ApiError {
            kind: ErrorKind::NotFound,
            message: format!("there is no pack {name:?}"),
        })?;
        let mut files: Vec<Value> = Vec::new();
        for kind in OutputKind::ALL {
            // Lint has been through the packs of a server.
            for file in generate(pack, &[*kind]).map_err(ApiError::internal)? {
                files.push(json!({ "kind": kind.as_str(), "name": file.name, "text": file.text }));
            }
        }
        Ok::<_, ApiError>(Value::from(files))
    };
    Ok(envelope::success(&blocking("making the files", answer).await??))
}

/// What to do when the alerts of a pack fire: the page that comes with the program, as Markdown.
pub(crate) async fn runbooks(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    let catalogue = state.packs.catalogue();
    let found = catalogue.packs().find(|(pack, _)| pack.name.value == name);
    let text = found.and_then(|(pack, _)| catalogue::runbooks(pack)).ok_or_else(|| ApiError {
        kind: ErrorKind::NotFound,
        message: format!("there are no runbooks of a pack {name:?} in this program"),
    })?;
    Ok(envelope::success(&json!({ "text": text })))
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

fn pack_verdict(job: &str, verdict: &PackVerdict) -> Value {
    let of_job: Vec<_> = verdict.pack.scrape.iter().filter(|scrape| scrape.job.value == job).collect();
    let promised = || {
        let is_promised = |metric: &&Metric| of_job.iter().any(|scrape| scrape.promises(metric));
        verdict.pack.metrics.iter().filter(is_promised).count()
    };
    let metrics = verdict.exposed.iter().filter_map(|place| verdict.pack.metrics.get(*place));
    let exposed: Vec<&str> = metrics.map(|metric| metric.name.value.as_str()).collect();
    let mut found = counts(verdict);
    found["findings"] = verdict.findings.iter().map(check_finding).collect();
    found["exposed"] = exposed.into();
    // A pack that does not scrape the job has promised nothing for it.
    found["promised"] = (!of_job.is_empty()).then(promised).into();
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
        "expected": finding.expected,
        "found": finding.found,
        "remedy": finding.remedy,
    })
}

fn pack(pack: &Pack, Judgement { lint, meanings }: &Judgement) -> Value {
    json!({
        "name": pack.name.value,
        "version": pack.version,
        "title": pack.title,
        "description": pack.description,
        "namespace": pack.namespace,
        "file": pack.source,
        "builtIn": is_built_in(pack),
        "metrics": pack.metrics.iter().map(|found| metric(pack, found)).collect::<Vec<_>>(),
        "jobs": pack.scrape.iter().map(|scrape| scrape.job.value.as_str()).collect::<Vec<_>>(),
        "expressions": with_meanings(&pack.named, &meanings.named, named),
        "recordings": with_meanings(&pack.recordings, &meanings.recordings, recording),
        "alerts": with_meanings(&pack.alerts, &meanings.alerts, |one, meaning| alert(pack, one, meaning)),
        "slos": with_meanings(&pack.slos, &meanings.slos, |one, meaning| slo(pack, one, meaning)),
        "dashboards": with_meanings(&pack.dashboards, &meanings.panels, |one, panels| dashboard(one, panels)),
        "lint": lint.iter().map(lint_finding).collect::<Vec<_>>(),
    })
}

/// Entries of a pack, each with what its expressions mean.
fn with_meanings<T, M>(entries: &[T], meanings: &[M], show: impl Fn(&T, &M) -> Value) -> Vec<Value> {
    entries.iter().zip(meanings).map(|(entry, meaning)| show(entry, meaning)).collect()
}

fn metric(pack: &Pack, metric: &Metric) -> Value {
    let labels: Vec<Value> = metric
        .labels
        .iter()
        .map(|(name, label)| {
            json!({
                "name": name.value,
                "values": label.values,
                "max": label.max,
                "maxLength": label.max_len,
                "optional": label.optional,
                "help": label.help,
            })
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

fn named(named: &Named, meaning: &Meaning) -> Value {
    json!({
        "name": named.name.value,
        "help": named.help,
        "unit": meaning.unit,
        "expr": meaning.promql,
        "metrics": meaning.metrics,
    })
}

fn recording(recording: &Recording, meaning: &Meaning) -> Value {
    json!({
        "name": recording.record.value,
        "help": recording.help,
        "expr": meaning.promql,
        "metrics": meaning.metrics,
    })
}

fn alert(pack: &Pack, alert: &Alert, meaning: &Meaning) -> Value {
    let own = alert.annotations.get("runbook_url").cloned();
    json!({
        "name": alert.name.value,
        "when": alert.when.text,
        "expr": meaning.promql,
        "metrics": meaning.metrics,
        "for": alert.for_ms.map(format_duration_ms),
        "severity": alert.severity.map(Severity::as_str),
        "summary": alert.annotations.get("summary"),
        "description": alert.annotations.get("description"),
        "runbook": own.or_else(|| pack.runbook_url(&alert.name.value)),
    })
}

fn slo(pack: &Pack, slo: &Slo, meaning: &Meaning) -> Value {
    json!({
        "name": slo.name.value,
        "help": slo.help,
        "objective": slo.objective,
        "over": format_duration_ms(slo.over_ms),
        "sli": slo.sli.value,
        "runbook": pack.runbook_url(&slo.name.value),
        "expr": meaning.promql,
        "metrics": meaning.metrics,
    })
}

fn dashboard(dashboard: &Dashboard, meanings: &[Vec<Meaning>]) -> Value {
    json!({
        "title": dashboard.title.value,
        "panels": with_meanings(&dashboard.panels, meanings, |one, shown| panel(one, shown)),
    })
}

fn panel(panel: &Panel, meanings: &[Meaning]) -> Value {
    let exprs: Vec<Option<&str>> = meanings.iter().map(|meaning| meaning.promql.as_deref()).collect();
    let mut metrics: Vec<&String> = meanings.iter().flat_map(|meaning| &meaning.metrics).collect();
    metrics.sort_unstable();
    metrics.dedup();
    json!({
        "title": panel.title.value,
        "row": panel.row,
        "help": panel.help,
        "exprs": exprs,
        "metrics": metrics,
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

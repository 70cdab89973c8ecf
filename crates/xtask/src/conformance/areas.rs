//! The areas of the conformance data, and what runs each of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bellwether_alerts::conformance as alerts;
use bellwether_promql::conformance as promql;
use bellwether_promql::testkit::{MemoryStore, ScriptOptions, TestStore, run_script};
use bellwether_rules::conformance as rules;
use bellwether_template::conformance as template;

use super::stores::{LaidOutStore, Layout};
use super::{Outcome, Verdict};

/// One area.
pub(super) struct Area {
    /// What it is called. An area that has the name of its folder answers for all case files there.
    pub(super) name: &'static str,
    /// The folder with its cases.
    pub(super) folder: &'static str,
    /// Runs it over the whole data. A case that is in its folder but not among the outcomes counts as failed.
    pub(super) run: fn(&Path) -> anyhow::Result<Vec<Outcome>>,
    /// Said below its counts.
    pub(super) note: Option<&'static str>,
}

/// All areas that something runs, in the order of the folders.
pub(super) const AREAS: &[Area] = &[
    area("alertmanager", alertmanager),
    area("config", config),
    area("dashboards", dashboards),
    area("promql-compliance", promql_compliance),
    area("promql-parse", promql_parse),
    area("promqltest", promqltest),
    Area { folder: "promqltest", ..area("promqltest-head", promqltest_head) },
    Area { folder: "promqltest", ..area("promqltest-parts", promqltest_parts) },
    Area { folder: "promqltest", ..area("promqltest-split", promqltest_split) },
    area("relabel", relabel),
    area("templates", templates),
    area("textformat", textformat),
];

const fn area(name: &'static str, run: fn(&Path) -> anyhow::Result<Vec<Outcome>>) -> Area {
    Area { name, folder: name, run, note: None }
}

/// Matchers, routes, inhibition, times, configurations and templates of notifications mean what they mean to Alertmanager.
fn alertmanager(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    Ok(alerts::run(dir)?.into_iter().map(|o| Outcome::new(o.id, o.result)).collect())
}

/// Server configuration, target files, rule files and rule unit tests are accepted and refused as upstream does.
fn config(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    let files = bellwether::conformance::run(dir)?.into_iter().map(|o| Outcome::new(o.id, o.result));
    let rules = rules::run(dir)?.into_iter().map(|o| match o.result {
        // Optional cases are about switches that this server does not have.
        Err(_) if o.optional => Outcome { id: o.id, verdict: Verdict::LeftOut },
        result => Outcome::new(o.id, result),
    });
    Ok(files.chain(rules).collect())
}

/// The queries of real dashboards parse.
fn dashboards(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    Ok(flatten(promql::dashboard_queries(dir)?))
}

/// The queries of the compliance suite parse.
fn promql_compliance(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    Ok(flatten(promql::compliance_queries(dir)?))
}

/// Queries are accepted, refused and printed as upstream does.
fn promql_parse(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    Ok(flatten(promql::parse(dir)?.into_iter().chain(promql::print(dir)?)))
}

/// Upstream's test scripts, unchanged, and the series lines of their language.
fn promqltest(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes = scripts(dir, &|| Arc::new(MemoryStore::new()))?;
    outcomes.extend(flatten(promql::series_syntax(dir)?));
    Ok(outcomes)
}

/// The same scripts over the real store that has everything in its head.
fn promqltest_head(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    scripts(dir, &|| Arc::new(LaidOutStore::new(Layout::Head)))
}

/// The same scripts over the real store that has everything in parts.
fn promqltest_parts(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    scripts(dir, &|| Arc::new(LaidOutStore::new(Layout::Parts)))
}

/// The same scripts over the real store that got half of everything out of order, after the rest was in parts.
fn promqltest_split(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    scripts(dir, &|| Arc::new(LaidOutStore::new(Layout::Split)))
}

/// The evaluations of all scripts, over stores of one kind.
fn scripts(dir: &Path, new_store: &dyn Fn() -> Arc<dyn TestStore>) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    let mut scripts: Vec<PathBuf> = fs::read_dir(dir.join("promqltest"))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "test"))
        .collect();
    scripts.sort();
    for path in scripts {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let report = run_script(&name, &text, &ScriptOptions::default(), new_store);
        let evaluations = report.evaluations.into_iter();
        outcomes.extend(evaluations.map(|e| Outcome::new(format!("{name}:{}", e.line), e.outcome)));
        outcomes.extend(report.error.map(|e| Outcome::new(name, Err(e.to_string()))));
    }
    Ok(outcomes)
}

fn flatten(suites: impl IntoIterator<Item = promql::SuiteOutcome>) -> Vec<Outcome> {
    let cases = suites.into_iter().flat_map(|suite| suite.cases);
    cases.map(|case| Outcome::new(case.id, case.failure.map_or(Ok(()), Err))).collect()
}

/// Relabelling rules are accepted, refused and applied as upstream does.
fn relabel(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    let outcomes = bellwether_relabel::conformance::run(dir)?;
    Ok(outcomes.into_iter().map(|o| Outcome::new(o.id, o.result)).collect())
}

/// The templates of rules, with the regular expressions and durations that rules use.
fn templates(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    let outcomes = template::run(dir, &rules::template_host())?;
    Ok(outcomes.into_iter().map(|o| Outcome::new(o.id, o.result)).collect())
}

/// Expositions are read as upstream does.
fn textformat(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    let outcomes = bellwether_exposition::conformance::run(&dir.join("textformat"))?;
    let result = |ok: bool, detail: String| if ok { Ok(()) } else { Err(detail) };
    Ok(outcomes.into_iter().map(|o| Outcome::new(o.id, result(o.ok, o.detail))).collect())
}

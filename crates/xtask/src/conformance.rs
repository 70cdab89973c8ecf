//! Runs every area of the conformance data and holds the counts against the recorded floor.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bellwether_promql::conformance as promql;
use bellwether_promql::testkit::{MemoryStore, ScriptOptions, run_script};

/// The outcome of one case: its id, and what differs if it fails.
type Outcome = (String, Result<(), String>);

/// One area: its folder, and what runs it over the whole data.
type Area = (&'static str, fn(&Path) -> anyhow::Result<Vec<Outcome>>);

/// All areas, in the order of the folders.
const AREAS: &[Area] = &[
    ("config", config),
    ("dashboards", dashboards),
    ("promql-compliance", promql_compliance),
    ("promql-parse", promql_parse),
    ("promqltest", promqltest),
    ("relabel", relabel),
    ("textformat", textformat),
];

/// Prints `AREA: N passed, N failed` for each area; fails if an area has fewer passes than recorded.
pub(crate) fn run(verbose: bool) -> anyhow::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let chosen = std::env::var_os("CONFORMANCE_DIR").map(PathBuf::from);
    let dir = chosen.clone().unwrap_or_else(|| root.join("../shared/conformance"));
    let mut out = std::io::stdout().lock();
    if !dir.is_dir() {
        if chosen.is_some() {
            bail!("CONFORMANCE_DIR names {}, which is no folder", dir.display());
        }
        writeln!(out, "{} is not here; conformance skipped", dir.display())?;
        return Ok(ExitCode::SUCCESS);
    }
    let floor_file = root.join("conformance-floor.txt");
    let floor = read_floor(&floor_file)?;
    let mut sunk = Vec::new();
    for (area, cases) in AREAS {
        if !dir.join(area).is_dir() {
            continue;
        }
        let outcomes = cases(&dir).with_context(|| format!("area {area}"))?;
        let passed = outcomes.iter().filter(|(_, result)| result.is_ok()).count();
        if verbose {
            for (id, result) in &outcomes {
                if let Err(why) = result {
                    writeln!(out, "  {area} {id}: {why}")?;
                }
            }
        }
        writeln!(out, "{area}: {passed} passed, {} failed", outcomes.len() - passed)?;
        let least = floor.get(*area).copied().unwrap_or(0);
        // The floor was counted on the shared data; another folder has other cases.
        if chosen.is_none() && passed < least {
            sunk.push(format!("{area} passes {passed} cases, the floor is {least}"));
        }
        if chosen.is_none() && passed > least {
            writeln!(out, "  raise the floor of {area} in conformance-floor.txt from {least} to {passed}")?;
        }
    }
    if sunk.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    for line in sunk {
        writeln!(out, "{line}")?;
    }
    Ok(ExitCode::FAILURE)
}

/// Lines `AREA COUNT`; `#` begins a comment.
fn read_floor(path: &Path) -> anyhow::Result<BTreeMap<String, usize>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut floor = BTreeMap::new();
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let (area, count) = line.split_once(' ').with_context(|| format!("{}: {line:?}", path.display()))?;
        floor.insert(area.to_owned(), count.trim().parse().with_context(|| line.to_owned())?);
    }
    Ok(floor)
}

/// Server configuration, target files, rule files and rule unit tests are accepted and refused as upstream does.
fn config(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes: Vec<Outcome> =
        bellwether::conformance::run(dir)?.into_iter().map(|o| (o.id, o.result)).collect();
    let rules = bellwether_rules::conformance::run(dir)?.into_iter();
    // Optional cases are about switches that this server does not have.
    outcomes.extend(rules.filter(|o| !o.optional || o.result.is_ok()).map(|o| (o.id, o.result)));
    Ok(outcomes)
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

/// Upstream's test scripts, unchanged.
fn promqltest(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    let new_store = || Arc::new(MemoryStore::new()) as Arc<_>;
    let mut outcomes = Vec::new();
    let mut scripts: Vec<PathBuf> = fs::read_dir(dir.join("promqltest"))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "test"))
        .collect();
    scripts.sort();
    for path in scripts {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let report = run_script(&name, &text, &ScriptOptions::default(), &new_store);
        outcomes.extend(report.evaluations.into_iter().map(|e| (format!("{name}:{}", e.line), e.outcome)));
        outcomes.extend(report.error.map(|e| (name, Err(e.to_string()))));
    }
    Ok(outcomes)
}

fn flatten(suites: impl IntoIterator<Item = promql::SuiteOutcome>) -> Vec<Outcome> {
    let cases = suites.into_iter().flat_map(|suite| suite.cases);
    cases.map(|case| (case.id, case.failure.map_or(Ok(()), Err))).collect()
}

fn textformat(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    let outcomes = bellwether_exposition::conformance::run(&dir.join("textformat"))?;
    Ok(outcomes.into_iter().map(|o| (o.id, if o.ok { Ok(()) } else { Err(o.detail) })).collect())
}

fn relabel(dir: &Path) -> anyhow::Result<Vec<Outcome>> {
    Ok(bellwether_relabel::conformance::run(dir)?.into_iter().map(|o| (o.id, o.result)).collect())
}

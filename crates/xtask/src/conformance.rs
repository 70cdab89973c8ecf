//! Runs every area of the conformance data and holds the counts against the recorded floor.

mod areas;
mod case_files;
mod floor;
mod stores;

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use areas::{AREAS, Area};
use floor::Floor;

/// What became of one case.
struct Outcome {
    id: String,
    verdict: Verdict,
}

impl Outcome {
    fn new(id: String, result: Result<(), String>) -> Self {
        Self { id, verdict: result.map_or_else(Verdict::Failed, |()| Verdict::Passed) }
    }
}

enum Verdict {
    Passed,
    /// With what differs.
    Failed(String),
    /// An optional case of a feature that is not here.
    LeftOut,
}

/// Prints `AREA: N passed, N failed` for each area; fails if an area has fewer passes than recorded.
pub(crate) fn run(verbose: bool) -> anyhow::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = root.join("../shared/conformance");
    let mut out = std::io::stdout().lock();
    let chosen = std::env::var_os("CONFORMANCE_DIR").map(PathBuf::from);
    if chosen.is_none() && !shared.is_dir() {
        writeln!(out, "{} is not here; conformance skipped", shared.display())?;
        return Ok(ExitCode::SUCCESS);
    }
    let dir = chosen.unwrap_or_else(|| shared.clone());
    if !dir.is_dir() {
        bail!("CONFORMANCE_DIR names {}, which is no folder", dir.display());
    }
    // The floor was counted on the shared data; another folder has other cases.
    let same = fs::canonicalize(&dir).ok() == fs::canonicalize(&shared).ok();
    let floor = if same { Some(Floor::read(&root.join("conformance-floor.txt"))?) } else { None };
    let sound = report(&dir, AREAS, floor.as_ref(), verbose, &mut out)?;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs all areas over the data in `dir`. Whether each could be run and none is below the floor.
fn report(
    dir: &Path,
    areas: &[Area],
    floor: Option<&Floor>,
    verbose: bool,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let mut wrong = Vec::new();
    let mut seen = HashSet::new();
    for folder in folders(dir)? {
        let same_folder = || areas.iter().filter(|area| area.folder == folder);
        let mut runs: Vec<(&str, Option<&Area>)> =
            same_folder().map(|area| (area.name, Some(area))).collect();
        if !same_folder().any(|area| area.name == folder) {
            runs.insert(0, (&folder, None));
        }
        for (name, area) in runs {
            let (outcomes, trouble) = run_area(dir, &folder, name, area)?;
            if let Some(trouble) = trouble {
                wrong.push(format!("{name} could not be run: {trouble}"));
            } else if area.is_none() && outcomes.is_empty() {
                continue;
            }
            wrong.extend(print_counts(name, area, &outcomes, floor, verbose, out)?);
            seen.insert(name.to_owned());
        }
    }
    if seen.is_empty() {
        bail!("{} has no area of the conformance data", dir.display());
    }
    match floor {
        Some(floor) => {
            for area in floor.areas().filter(|area| !seen.contains(*area)) {
                writeln!(out, "  {area} is not in {}; skipped", dir.display())?;
            }
        }
        None => writeln!(
            out,
            "  these are not the shared data; the floor, which counts those, was not held against them"
        )?,
    }
    for line in &wrong {
        writeln!(out, "{line}")?;
    }
    Ok(wrong.is_empty())
}

/// Prints the counts of an area. Returns what is wrong with them if they are below the floor.
fn print_counts(
    name: &str,
    area: Option<&Area>,
    outcomes: &[Outcome],
    floor: Option<&Floor>,
    verbose: bool,
    out: &mut dyn Write,
) -> anyhow::Result<Option<String>> {
    if verbose {
        for outcome in outcomes {
            if let Verdict::Failed(why) = &outcome.verdict {
                writeln!(out, "  {name} {}: {why}", outcome.id)?;
            }
        }
    }
    let count = |is: fn(&Verdict) -> bool| outcomes.iter().filter(|o| is(&o.verdict)).count();
    let passed = count(|v| matches!(v, Verdict::Passed));
    let failed = count(|v| matches!(v, Verdict::Failed(_)));
    let left_out = count(|v| matches!(v, Verdict::LeftOut));
    writeln!(out, "{name}: {passed} passed, {failed} failed")?;
    if let Some(note) = area.map_or(Some("nothing here runs this area"), |area| area.note) {
        writeln!(out, "  {note}")?;
    }
    if left_out > 0 {
        writeln!(out, "  optional cases of features that are not here: {left_out}, not counted")?;
    }
    let Some(floor) = floor else { return Ok(None) };
    let least = floor.of(name);
    if passed < least {
        return Ok(Some(format!("{name} passes {passed} cases, the floor is {least}")));
    }
    if passed > least {
        writeln!(out, "  raise the floor of {name} in conformance-floor.txt from {least} to {passed}")?;
    }
    Ok(None)
}

/// The outcomes of an area, and why it could not be run if that is so. A case of its own folder that nothing ran is a failed one.
fn run_area(
    dir: &Path,
    folder: &str,
    name: &str,
    area: Option<&Area>,
) -> anyhow::Result<(Vec<Outcome>, Option<String>)> {
    let (mut outcomes, trouble) = match area.map(|area| (area.run)(dir)) {
        Some(Ok(outcomes)) => (outcomes, None),
        Some(Err(error)) => (Vec::new(), Some(format!("{error:#}"))),
        None => (Vec::new(), None),
    };
    if name != folder {
        return Ok((outcomes, trouble));
    }
    let ran: HashSet<String> = outcomes.iter().map(|o| o.id.clone()).collect();
    for case in case_files::list(&dir.join(name))?.into_iter().filter(|case| !ran.contains(&case.id)) {
        outcomes.push(Outcome {
            id: case.id,
            verdict: Verdict::Failed(format!("nothing runs the cases of {}", case.file)),
        });
    }
    Ok((outcomes, trouble))
}

/// The names of the folders in `dir`, sorted.
fn folders(dir: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let entry = entry.with_context(|| dir.display().to_string())?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST_AREAS: &[Area] = &[
        Area {
            name: "a",
            folder: "a",
            run: |_| Ok(vec![Outcome::new("a-1".to_owned(), Ok(()))]),
            note: Some("a note"),
        },
        Area {
            name: "a-again",
            folder: "a",
            run: |_| Ok(vec![Outcome::new("a-1".to_owned(), Ok(()))]),
            note: None,
        },
        Area {
            name: "b",
            folder: "b",
            run: |_| Ok(vec![Outcome { id: "b-1".to_owned(), verdict: Verdict::LeftOut }]),
            note: None,
        },
        Area { name: "broken", folder: "broken", run: |_| bail!("no such luck"), note: None },
        Area { name: "absent", folder: "absent", run: |_| Ok(Vec::new()), note: None },
    ];

    /// A folder with one case file of these ids for each of the areas.
    fn data(areas: &[(&str, &[&str])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        for (area, ids) in areas {
            let cases: Vec<_> = ids.iter().map(|id| serde_json::json!({"id": id, "later": true})).collect();
            fs::create_dir(dir.path().join(area)).expect("made");
            let text = serde_json::json!({"cases": cases}).to_string();
            fs::write(dir.path().join(area).join("cases.json"), text).expect("written");
        }
        dir
    }

    fn reported(dir: &Path, floor: Option<&str>, verbose: bool) -> (bool, String) {
        let floor = floor.map(|text| Floor::parse(text).expect("well-formed"));
        let mut out = Vec::new();
        let sound = report(dir, TEST_AREAS, floor.as_ref(), verbose, &mut out).expect("runs");
        (sound, String::from_utf8(out).expect("text"))
    }

    #[test]
    fn a_case_that_nothing_runs_fails() {
        let dir = data(&[("a", &["a-1", "a-2"]), ("b", &["b-1"]), ("new", &["n-1", "n-2"])]);
        fs::create_dir(dir.path().join("LICENSES")).expect("made");
        let (sound, text) = reported(dir.path(), Some("a 1"), true);
        assert!(sound, "{text}");
        assert_eq!(
            text,
            "  a a-2: nothing runs the cases of cases.json
a: 1 passed, 1 failed
  a note
a-again: 1 passed, 0 failed
  raise the floor of a-again in conformance-floor.txt from 0 to 1
b: 0 passed, 0 failed
  optional cases of features that are not here: 1, not counted
  new n-1: nothing runs the cases of cases.json
  new n-2: nothing runs the cases of cases.json
new: 0 passed, 2 failed
  nothing here runs this area
"
        );
    }

    #[test]
    fn an_area_below_its_floor_fails() {
        let dir = data(&[("a", &["a-1"])]);
        let (sound, text) = reported(dir.path(), Some("a 2\nabsent 5"), false);
        assert!(!sound);
        assert!(text.contains("absent is not in "), "{text}");
        assert!(text.ends_with("\na passes 1 cases, the floor is 2\n"), "{text}");
        let (sound, text) = reported(dir.path(), Some("# none yet"), false);
        assert!(
            sound && text.contains("raise the floor of a in conformance-floor.txt from 0 to 1"),
            "{text}"
        );
    }

    #[test]
    fn another_folder_is_counted_without_a_floor() {
        let dir = data(&[("a", &["a-1", "a-2", "a-3"])]);
        let (sound, text) = reported(dir.path(), None, false);
        assert!(sound && text.starts_with("a: 1 passed, 2 failed\n"), "{text}");
        assert!(text.contains("the floor, which counts those, was not held"), "{text}");
    }

    #[test]
    fn an_area_that_breaks_does_not_hide_the_others() {
        let dir = data(&[("a", &["a-1"]), ("broken", &["x-1"])]);
        let (sound, text) = reported(dir.path(), None, false);
        assert!(!sound);
        assert!(text.starts_with("a: 1 passed, 0 failed\n"), "{text}");
        assert!(text.contains("\nbroken: 0 passed, 1 failed\n"), "{text}");
        assert!(text.ends_with("\nbroken could not be run: no such luck\n"), "{text}");
    }

    #[test]
    fn a_folder_without_areas_is_an_error() {
        let dir = tempfile::tempdir().expect("a folder");
        let error = report(dir.path(), TEST_AREAS, None, false, &mut Vec::new()).expect_err("nothing to run");
        assert!(error.to_string().ends_with("has no area of the conformance data"), "{error}");
    }
}

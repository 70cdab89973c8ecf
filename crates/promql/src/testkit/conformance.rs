//! Prometheus' own scripts against this engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{MemoryStore, ScriptOptions, run_script};

/// The share of evaluations that must pass, in percent. It may only rise.
const FLOOR: &str = include_str!("../../conformance-floor.txt");

/// Where the data is: `CONFORMANCE_DIR`, or beside the project. `None` if it is not there.
fn scripts_dir() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("CONFORMANCE_DIR") {
        let dir = PathBuf::from(dir);
        assert!(dir.is_dir(), "CONFORMANCE_DIR names {}, which is no folder", dir.display());
        return Some(dir.join("promqltest"));
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/promqltest");
    if !dir.is_dir() {
        println!("skipped: there are no scripts at {}", dir.display());
        return None;
    }
    Some(dir)
}

#[test]
fn scripts_of_prometheus() {
    let Some(dir) = scripts_dir() else { return };
    let Ok(entries) = std::fs::read_dir(&dir) else { return };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|e| e == "test"))
        .collect();
    paths.sort();
    let options = ScriptOptions::default();
    let new_store = || Arc::new(MemoryStore::new()) as Arc<_>;
    let (mut passed, mut total) = (0, 0);
    let mut failures = Vec::new();
    for path in paths {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("the script can be read");
        let report = run_script(&file, &text, &options, &new_store);
        println!("{file}: {} of {} evaluations passed", report.passed(), report.evaluations.len());
        passed += report.passed();
        total += report.evaluations.len();
        if let Some(error) = &report.error {
            failures.push(format!("{file}: {error}"));
        }
        for evaluation in &report.evaluations {
            if let Err(message) = &evaluation.outcome {
                failures.push(format!("{file}:{}: {}\n    {message}", evaluation.line, evaluation.query));
            }
        }
    }
    println!("all scripts: {passed} of {total} evaluations passed");
    if failures.is_empty() {
        return;
    }
    println!("{}", failures.join("\n"));
    let floor: f64 = FLOOR.trim().parse().expect("the floor is a number");
    let share = 100.0 * f64::from(passed as u32) / f64::from(total.max(1) as u32);
    assert!(share >= floor, "{share:.2} % of the evaluations passed, the floor is {floor} %");
}

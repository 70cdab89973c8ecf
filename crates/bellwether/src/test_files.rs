//! `bellwether test`: PromQL scripts and rule unit tests.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use bellwether_promql::testkit::{MemoryStore, ScriptOptions, run_script};
use bellwether_rules::{UnitTestOptions, run_unit_tests};
use bellwether_scrape::config::matching_files;

/// Runs PromQL test scripts; each failing evaluation is named with file and line, and the last line counts.
pub(crate) fn promql(files: &[PathBuf], no_extra_checks: bool) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let options = ScriptOptions {
        check_range_agreement: !no_extra_checks,
        check_step_invariance: !no_extra_checks,
        ..ScriptOptions::default()
    };
    let new_store = || Arc::new(MemoryStore::new()) as Arc<_>;
    let (mut passed, mut failed) = (0, 0);
    for file in files {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(|| name.clone())?;
        let report = run_script(&name, &text, &options, &new_store);
        passed += report.passed();
        for evaluation in &report.evaluations {
            if let Err(why) = &evaluation.outcome {
                failed += 1;
                writeln!(out, "{name}:{}: {}: {why}", evaluation.line, evaluation.query)?;
            }
        }
        if let Some(error) = &report.error {
            failed += 1;
            writeln!(out, "{name}: {error}")?;
        }
    }
    writeln!(out, "{passed} passed, {failed} failed")?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs rule unit tests, as `promtool test rules` does.
pub(crate) fn rules(files: &[PathBuf], run: Vec<String>) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let options =
        UnitTestOptions { run, find_files: |path| matching_files(path), ..UnitTestOptions::default() };
    let mut all_good = true;
    for file in files {
        writeln!(out, "Unit Testing:  {}", file.display())?;
        match run_unit_tests(file, &options) {
            Ok(report) => {
                for warning in &report.warnings {
                    writeln!(out, "  WARNING: {warning}")?;
                }
                for failure in &report.failures {
                    writeln!(out, "  FAILED: {}:{failure}", file.display())?;
                }
                all_good &= report.failures.is_empty();
                if report.failures.is_empty() {
                    writeln!(out, "  SUCCESS: {} tests", report.tests)?;
                }
            }
            Err(error) => {
                all_good = false;
                writeln!(out, "  FAILED: {error}")?;
            }
        }
    }
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

//! `bellwether test promql`: PromQL scripts.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use bellwether_promql::testkit::{MemoryStore, ScriptOptions, run_script};

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

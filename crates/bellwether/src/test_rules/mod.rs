//! `bellwether test rules`: rule unit tests, as `promtool test rules` runs them.

mod coverage;
mod diff;
mod junit;
mod routes;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use bellwether_lint::counted;
use bellwether_rules::{UnitTestError, UnitTestOptions, UnitTestReport, run_unit_tests};
use bellwether_scrape::config::matching_files;
use clap::Args;

use crate::terminal::{print, width};
use coverage::Coverage;

/// Which tests run, and how their outcome is told.
#[derive(Debug, Args)]
pub(crate) struct RuleTestArgs {
    /// The unit-test files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Run only the test groups whose name matches one of these regular expressions.
    #[arg(long = "run", value_name = "REGEX")]
    run: Vec<String>,
    /// Show expected and found beside each other.
    #[arg(long)]
    diff: bool,
    /// Tell how alerts change state on the way, and what expressions yield.
    #[arg(long)]
    debug: bool,
    /// Also write the outcome to a file, in the form of JUnit.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// A rule file that is not there is a failure.
    #[arg(long)]
    warn_as_error: bool,
    /// Name the rules that no test looks at. With a percentage, fewer that are looked at than that have the exit code 3.
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, require_equals = true, default_missing_value = "0", value_parser = clap::value_parser!(u8).range(0..=100))]
    coverage: Option<u8>,
}

/// The exit code if too few rules are looked at.
const COVERAGE_TOO_LOW: u8 = 3;

/// What became of a file, or why it could not be run.
type Outcome = Result<UnitTestReport, UnitTestError>;

/// Runs the tests of all files.
pub(crate) fn rules(args: RuleTestArgs) -> anyhow::Result<ExitCode> {
    let options = UnitTestOptions {
        run: args.run,
        debug: args.debug,
        find_files: |path| matching_files(path),
        routing: routes::load,
        ..UnitTestOptions::default()
    };
    let (mut all_good, mut coverage, mut outcomes) = (true, Coverage::default(), Vec::new());
    for file in &args.files {
        let outcome = run_unit_tests(file, &options);
        let is_good = outcome
            .as_ref()
            .is_ok_and(|report| report.passed() && (!args.warn_as_error || report.warnings.is_empty()));
        all_good &= is_good;
        print(&described(file, &outcome, is_good, args.diff)?)?;
        if let Ok(report) = &outcome {
            coverage.add(&report.rules);
        }
        outcomes.push((file.display().to_string(), outcome));
    }
    if let Some(path) = &args.junit {
        std::fs::write(path, junit::document(&outcomes)).with_context(|| path.display().to_string())?;
    }
    let mut enough = true;
    if let Some(percent) = args.coverage {
        print(&coverage.described())?;
        enough = coverage.reaches(percent);
    }
    Ok(match (all_good, enough) {
        (false, _) => ExitCode::FAILURE,
        (true, false) => ExitCode::from(COVERAGE_TOO_LOW),
        (true, true) => ExitCode::SUCCESS,
    })
}

/// What is said about one file.
fn described(file: &Path, outcome: &Outcome, is_good: bool, side_by_side: bool) -> anyhow::Result<String> {
    let mut text = format!("Unit Testing:  {}\n", file.display());
    let report = match outcome {
        Ok(report) => report,
        Err(error) => {
            writeln!(text, "  FAILED: {error}")?;
            return Ok(text);
        }
    };
    for outcome in &report.outcomes {
        for line in &outcome.log {
            writeln!(text, "  DEBUG: {}: {line}", outcome.name)?;
        }
    }
    for warning in &report.warnings {
        writeln!(text, "  WARNING: {warning}")?;
    }
    for failure in report.failures() {
        match &failure.mismatch {
            Some(mismatch) if side_by_side => {
                let head = bellwether_rules::TestFailure { mismatch: None, ..failure.clone() };
                writeln!(text, "  FAILED: {}:{head}", file.display())?;
                text.push_str(&diff::beside(mismatch, width()));
            }
            _ => writeln!(text, "  FAILED: {}:{failure}", file.display())?,
        }
    }
    if is_good {
        writeln!(text, "  SUCCESS: {}", counted(report.outcomes.len(), "test"))?;
    } else if report.passed() {
        writeln!(text, "  FAILED: a warning counts as a failure")?;
    }
    Ok(text)
}

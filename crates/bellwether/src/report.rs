//! How the commands that judge files show what they found.

use std::path::Path;
use std::process::ExitCode;

use bellwether::config::ConfigErrors;
use bellwether_lint::{Finding, Format, Place, Report, Severity};
use clap::ValueEnum;

use crate::terminal::print;

/// How findings are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// With the lines of the files, for people.
    Text,
    /// One object with a list, for programs.
    Json,
    /// Annotations, as GitHub's workflows read them.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

impl From<ReportFormat> for Format {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Text => Self::Text,
            ReportFormat::Json => Self::Json,
            ReportFormat::Github => Self::Github,
            ReportFormat::Sarif => Self::Sarif,
        }
    }
}

/// Shows a report; the exit code is that of its verdict.
pub(crate) fn show(report: &Report, format: ReportFormat) -> anyhow::Result<ExitCode> {
    print(&report.show(format.into()))?;
    Ok(ExitCode::from(report.verdict().exit_code()))
}

/// The bytes of a file; that it cannot be read is a finding. Its text is kept for the report.
pub(crate) fn read(path: &Path, report: &mut Report) -> Option<Vec<u8>> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => {
            report.texts.insert(name, String::from_utf8_lossy(&bytes).into_owned());
            Some(bytes)
        }
        Err(error) => {
            report.findings.push(unreadable(Place::file(&name), format!("cannot be read: {error}")));
            None
        }
    }
}

/// The problems of a configuration become findings, with the texts of all files that it consists of.
pub(crate) fn refuse(rule: &'static str, errors: ConfigErrors, report: &mut Report) {
    report.findings.extend(errors.errors().iter().map(|error| Finding::refusal(rule, error)));
    report.texts.extend(errors.into_texts());
}

/// A file cannot be read that is named on the command line or at this place.
pub(crate) fn unreadable(place: Place, message: String) -> Finding {
    Finding { refuses: true, ..Finding::new("unreadable-file", Severity::Error, place, message) }
}

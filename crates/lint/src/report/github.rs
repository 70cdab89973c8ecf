use std::fmt::Write as _;

use super::Report;
use crate::finding::{Finding, Severity};

/// One workflow command for each finding: `::error file=…,line=…::message`.
pub(super) fn show(report: &Report) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        write_command(&mut out, finding).expect("BUG: writing to a string cannot fail");
    }
    out
}

fn write_command(out: &mut String, finding: &Finding) -> std::fmt::Result {
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    write!(out, "::{command} file={}", property(&finding.place.file))?;
    if let (Some(start), Some(end)) = (finding.place.start, finding.place.end) {
        write!(out, ",line={},endLine={}", start.line, end.line)?;
        // Columns are only shown within one line.
        if start.line == end.line {
            write!(out, ",col={},endColumn={}", start.column, end.column)?;
        }
    }
    let remedy = if finding.remedy.is_empty() { String::new() } else { format!("; {}", finding.remedy) };
    writeln!(out, ",title={}::{}", property(finding.rule), data(&format!("{}{remedy}", finding.message)))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

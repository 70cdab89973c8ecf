use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Report;
use crate::finding::{Finding, Place};

/// Longest part of a line that is shown.
const MAX_WIDTH: usize = 160;

/// ```text
/// rules.yml:5:16: error: queue_bytes is a gauge, and rate() takes every fall of it for a restart [rate-of-gauge]
///   |
/// 5 |     expr: rate(queue_bytes[5m]) > 1
///   |           ^^^^^^^^^^^^^^^^^^^^^
///   = use delta() or deriv(), or the gauge itself
/// ```
pub(super) fn show(report: &Report) -> String {
    let mut out = String::new();
    let mut lines: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for finding in &report.findings {
        let file = finding.place.file.as_str();
        let of_file = || report.texts.get(file).map(|text| text.lines().collect()).unwrap_or_default();
        let lines = lines.entry(file).or_insert_with(of_file);
        write_finding(&mut out, finding, lines).expect("BUG: writing to a string cannot fail");
    }
    for line in &report.good {
        out.push_str(line);
        out.push('\n');
    }
    if !report.findings.is_empty() {
        out.push_str(&report.counted());
        out.push('\n');
    }
    out
}

fn write_finding(out: &mut String, finding: &Finding, lines: &[&str]) -> std::fmt::Result {
    let Finding { rule, severity, place, message, remedy, subject, .. } = finding;
    let of = subject.as_ref().map(|subject| format!("{}: ", subject.name)).unwrap_or_default();
    writeln!(out, "{place}: {}: {of}{} [{rule}]", severity.as_str(), visible(message))?;
    let margin = write_excerpt(out, place, lines)?;
    if !remedy.is_empty() {
        writeln!(out, "{} = {}", " ".repeat(margin), visible(remedy))?;
    }
    writeln!(out)
}

/// Shows the line and marks the part; returns the width of the margin.
fn write_excerpt(out: &mut String, place: &Place, lines: &[&str]) -> Result<usize, std::fmt::Error> {
    let Some(start) = place.start else { return Ok(1) };
    let Some(line) = lines.get(start.line as usize - 1) else { return Ok(1) };
    let number = start.line.to_string();
    let margin = " ".repeat(number.len());
    let shown: String = line.chars().take(MAX_WIDTH).map(or_blank).collect();
    let before = (start.column as usize - 1).min(MAX_WIDTH);
    let width = shown.chars().count();
    let until = match place.end {
        Some(end) if end.line == start.line => end.column as usize - 1,
        // What goes on in further lines is marked to the end of its first one.
        Some(end) if end.line > start.line => width,
        _ => before + 1,
    };
    let marks = until.min(width).saturating_sub(before).max(1);
    writeln!(out, "{margin} |")?;
    writeln!(out, "{number} | {shown}")?;
    writeln!(out, "{margin} | {}{}", " ".repeat(before), "^".repeat(marks))?;
    Ok(number.len())
}

/// Without what a terminal obeys.
fn visible(text: &str) -> String {
    text.chars().map(or_blank).collect()
}

/// The character, or a blank in place of one that moves the cursor or turns the direction of text.
fn or_blank(c: char) -> char {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || turns { ' ' } else { c }
}

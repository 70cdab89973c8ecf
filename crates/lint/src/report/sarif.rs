//! SARIF 2.1.0 (OASIS, <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Report;
use crate::finding::{Finding, Severity};
use crate::rules::RULES;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn show(report: &Report) -> Value {
    let used: BTreeSet<&str> = report.findings.iter().map(|finding| finding.rule).collect();
    let rules: Vec<Value> = used.iter().map(|id| rule(id, report)).collect();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| result(finding, used.iter().position(|id| *id == finding.rule)))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "bellwether",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(id: &str, report: &Report) -> Value {
    let of_lint = || RULES.iter().find(|rule| rule.id == id).map(|rule| rule.demands);
    let demands = report.demands.get(id).copied().or_else(of_lint).unwrap_or("A server takes the file.");
    json!({ "id": id, "shortDescription": { "text": demands } })
}

fn result(finding: &Finding, rule_index: Option<usize>) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let mut physical = json!({ "artifactLocation": { "uri": uri(&finding.place.file) } });
    if let (Some(start), Some(end)) = (finding.place.start, finding.place.end) {
        physical["region"] = json!({
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        });
    }
    let remedy = if finding.remedy.is_empty() { String::new() } else { format!("; {}", finding.remedy) };
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": level,
        "message": { "text": format!("{}{remedy}", finding.message) },
        "locations": [{ "physicalLocation": physical }],
    });
    if !finding.details.is_empty() {
        result["properties"] = finding.details.clone().into();
    }
    result
}

/// A path as a reference: what has a meaning in URLs is escaped.
fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(byte as char);
        } else {
            write!(out, "%{byte:02X}").expect("BUG: writing to a string cannot fail");
        }
    }
    out
}

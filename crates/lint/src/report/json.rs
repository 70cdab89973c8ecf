use serde_json::{Value, json};

use super::{Report, Verdict};
use crate::finding::Finding;

/// `{"valid": …, "findings": […]}`
pub(super) fn show(report: &Report) -> Value {
    let findings: Vec<Value> = report.findings.iter().map(finding).collect();
    json!({ "valid": report.verdict() == Verdict::Good, "findings": findings })
}

fn finding(finding: &Finding) -> Value {
    let place = &finding.place;
    let mut fields = json!({
        "rule": finding.rule,
        "severity": finding.severity.as_str(),
        "file": place.file,
        "line": place.start.map(|start| start.line),
        "column": place.start.map(|start| start.column),
        "endLine": place.end.map(|end| end.line),
        "endColumn": place.end.map(|end| end.column),
        "group": finding.subject.as_ref().map(|subject| &subject.group),
        "name": finding.subject.as_ref().map(|subject| &subject.name),
        "message": finding.message,
        "remedy": finding.remedy,
    });
    fields.as_object_mut().expect("BUG: an object").extend(finding.details.clone());
    fields
}

//! What is found about packs, in the form of all findings.

use bellwether_lint::{Finding, Place, Severity};
use bellwether_packs::{check, lint};
use serde_json::{Map, Value, json};

/// What lint says about a pack. A server refuses one with errors, and nothing is made of it.
pub(super) fn of_lint(found: &lint::Finding) -> Finding {
    let (severity, refuses) = match found.level {
        lint::Level::Error => (Severity::Error, true),
        lint::Level::Warning => (Severity::Warning, false),
    };
    Finding {
        remedy: found.remedy.clone(),
        refuses,
        details: details([("defects", json!(found.defects))]),
        ..Finding::new(found.rule, severity, Place::point(&found.source, found.position), &found.message)
    }
}

/// In what an exposition is not what a pack says, and in which formats of all that were read.
pub(super) fn of_check(found: &check::Finding, formats: &[&str], all: &[&str]) -> Finding {
    let (severity, refuses) = match found.severity {
        check::Severity::Error => (Severity::Error, true),
        check::Severity::Warning => (Severity::Warning, false),
        check::Severity::Info => (Severity::Info, false),
    };
    let only = if formats == all { String::new() } else { format!(" (only in {})", formats.join(", ")) };
    let message = format!("{}{only}", found.message);
    Finding {
        remedy: found.remedy.clone(),
        refuses,
        details: details([
            ("pack", json!(found.pack)),
            ("metric", json!(found.metric)),
            ("expected", json!(found.expected)),
            ("found", json!(found.found)),
            ("formats", json!(formats)),
        ]),
        ..Finding::new(found.kind.as_str(), severity, Place::point(&found.source, found.position), message)
    }
}

fn details<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

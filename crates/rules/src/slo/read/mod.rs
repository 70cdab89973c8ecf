//! Files with objectives: OpenSLO v1, the short form of Sloth, and the own form. A file may have several documents, of one form or of several.

mod fields;
mod openslo;
mod openslo_alerts;
mod openslo_parts;
mod own;
mod sloth;

use std::collections::BTreeMap;

use bellwether_model::ValidationScheme;
use bellwether_yaml::{Dialect, Document, Error, Errors, Node, Position};

use super::compile::rules;
use super::objective::Objective;
use crate::file::{RuleFile, RuleFileOptions};

/// Reads a file with objectives; `name` is the file name for messages. Every problem found is in the error, with its place. What a file asks for and this program cannot do is a problem, too.
pub fn read(name: &str, bytes: &[u8]) -> Result<Vec<Objective>, Errors> {
    let documents = Document::parse_all(name, bytes, Dialect::V3)?;
    let mut errors = Errors::new();
    let mut objectives = Vec::new();
    let mut open_slo = Vec::new();
    for document in &documents {
        let root = document.root();
        match form(root) {
            Some(Form::OpenSlo) => open_slo.push(root),
            Some(Form::Sloth) => objectives.extend(sloth::read(root, &mut errors)),
            Some(Form::Own) => objectives.extend(own::read(root, &mut errors)),
            None if root.is_null() => {}
            None => {
                errors.reject(root, NOT_KNOWN);
            }
        }
    }
    objectives.extend(openslo::read(&open_slo, &mut errors));
    check_ids(&objectives, &mut errors);
    if errors.is_empty() {
        check_rules(&objectives, &mut errors);
    }
    if errors.is_empty() { Ok(objectives) } else { Err(errors) }
}

const NOT_KNOWN: &str = "not a file with objectives: it is none of OpenSLO (`apiVersion: openslo/v1`), the short form of Sloth (`version: prometheus/v1`) and Bellwether's own form \
                         (`slo:` or `slos:` with `name`, `objective`, `good` and `total`); objects of Kubernetes are not read, so write the `spec` of a PrometheusServiceLevel as the short form of Sloth";

enum Form {
    OpenSlo,
    Sloth,
    Own,
}

fn form(root: Node<'_>) -> Option<Form> {
    let text = |key: &str| {
        let entry = root.entries().find(|entry| entry.key.scalar().is_some_and(|k| k.text == key))?;
        entry.value.scalar().map(|scalar| scalar.text)
    };
    let has = |key: &str| root.entries().any(|entry| entry.key.scalar().is_some_and(|k| k.text == key));
    match (text("apiVersion"), text("version")) {
        (Some(version), _) if version.starts_with("openslo/") => Some(Form::OpenSlo),
        (None, Some(version)) if version.starts_with("prometheus/") => Some(Form::Sloth),
        (None, None) if has("slo") || has("slos") => Some(Form::Own),
        _ => None,
    }
}

/// Two objectives of one name would write the same series.
fn check_ids(objectives: &[Objective], errors: &mut Errors) {
    let mut first: BTreeMap<String, Position> = BTreeMap::new();
    for objective in objectives {
        let id = objective.id();
        if let Some(position) = first.get(&id) {
            let why = format!(
                "the objective {id:?} is there already, at line {}; give this one another name",
                position.line
            );
            errors.push(Error::in_place(&*objective.source, objective.position, why));
        } else {
            first.insert(id, objective.position);
        }
    }
}

/// What no reader looked at, the names of labels and templates in annotations for instance, shows when the rules are read as any others are.
fn check_rules(objectives: &[Objective], errors: &mut Errors) {
    // Every other program that may read the rules knows these names.
    let options = RuleFileOptions { scheme: ValidationScheme::Legacy, ..RuleFileOptions::default() };
    for objective in objectives {
        let text = rules([objective]).to_yaml();
        let Err(problems) = RuleFile::parse("", text.as_bytes(), &options) else {
            continue;
        };
        for problem in &problems {
            let why = format!("its rules are not valid: {}", problem.kind());
            errors.push(Error::in_place(&*objective.source, objective.position, why));
        }
    }
}

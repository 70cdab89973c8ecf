//! The conformance data of relabelling, run case by case.

use std::path::Path;

use bellwether_model::{Labels, ValidationScheme};
use bellwether_yaml::{Dialect, Document};
use serde_json::Value;

use crate::{Action, Rule, RuleError, RuleSpec, Rules, is_legacy_target};

/// One case and what is wrong with it, if anything is.
#[derive(Debug)]
pub struct Outcome {
    /// The id of the case.
    pub id: String,
    /// `Err` says what differs from what is expected.
    pub result: Result<(), String>,
}

/// Runs every case in the folder `relabel` of the conformance data. A case file that does not exist is left out.
pub fn run(conformance_dir: &Path) -> std::io::Result<Vec<Outcome>> {
    let folder = conformance_dir.join("relabel");
    let mut outcomes = Vec::new();
    for (file, check) in [
        ("relabel.json", check_relabel as fn(&Value) -> Result<(), String>),
        ("validate.json", check_validate),
    ] {
        let path = folder.join(file);
        if !path.exists() {
            continue;
        }
        let data: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        for case in data["cases"].as_array().into_iter().flatten() {
            let id = case["id"].as_str().unwrap_or("?").to_owned();
            outcomes.push(Outcome { id, result: check(case) });
        }
    }
    Ok(outcomes)
}

fn check_relabel(case: &Value) -> Result<(), String> {
    let mut rules = Vec::new();
    for rule in case["relabel_configs"].as_array().into_iter().flatten() {
        let document =
            Document::parse_json("case", rule.to_string().as_bytes()).map_err(|e| e.to_string())?;
        let spec: RuleSpec = document.decode().map_err(|e| e.to_string())?;
        rules.push(Rule::new(spec, ValidationScheme::Utf8).map_err(|e| e.to_string())?);
    }
    let rules = Rules::new(rules);
    let input = labels(&case["input"]);
    let want = match &case["expect"] {
        expect if expect["drop"] == true => None,
        expect => Some(labels(&expect["labels"])),
    };
    let got = rules.relabel(&input);
    if got != want {
        return Err(format!("expected {want:?}, got {got:?}"));
    }
    let mut traced = input.to_builder();
    let trace = rules.apply_traced(&mut traced);
    let traced = trace.kept.then(|| traced.build());
    if traced == got { Ok(()) } else { Err(format!("the trace ends with {traced:?} instead of {got:?}")) }
}

fn check_validate(case: &Value) -> Result<(), String> {
    if let Some(target) = case["legacy_target_label"].as_str() {
        let want = case["expect"]["valid"] == true;
        return if is_legacy_target(target) == want { Ok(()) } else { Err(format!("expected {want}")) };
    }
    let scheme = match case["name_validation_scheme"].as_str() {
        Some("legacy") => ValidationScheme::Legacy,
        _ => ValidationScheme::Utf8,
    };
    let result = read_spec(case).and_then(|spec| Rule::new(spec, scheme).map_err(|e| e.to_string()));
    let expect = &case["expect"];
    match result {
        Ok(_) if expect["ok"] == true => Ok(()),
        Ok(_) => Err(format!("accepted, expected {expect}")),
        Err(error) if expect["ok"] == true => Err(error),
        Err(error) => {
            let parts = expect["error_contains"].as_array().into_iter().flatten();
            match parts.filter_map(Value::as_str).find(|part| !error.contains(part)) {
                None => Ok(()),
                Some(part) => Err(format!("expected an error with {part:?}, got {error:?}")),
            }
        }
    }
}

/// The rule of a case. Without defaults, a field that is absent is empty.
fn read_spec(case: &Value) -> Result<RuleSpec, String> {
    let rule = &case["relabel_config"];
    let document =
        Document::parse("case", rule.to_string().as_bytes(), Dialect::V2).map_err(|e| e.to_string())?;
    let mut spec: RuleSpec = document.decode().map_err(|e| e.to_string())?;
    if case["defaults_applied"] == false {
        let empty = RuleSpec::empty();
        if rule["separator"].is_null() {
            spec.separator = empty.separator;
        }
        if rule["replacement"].is_null() {
            spec.replacement = empty.replacement;
        }
        spec.action = rule["action"]
            .as_str()
            .map(Action::parse)
            .transpose()
            .map_err(|error: RuleError| error.to_string())?;
    }
    Ok(spec)
}

fn labels(value: &Value) -> Labels {
    let pairs = value.as_object().into_iter().flatten();
    pairs.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn every_case_passes() {
        let (folder, required) = match std::env::var_os("CONFORMANCE_DIR") {
            Some(folder) => (PathBuf::from(folder), true),
            None => (Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"), false),
        };
        if !folder.is_dir() {
            assert!(!required, "CONFORMANCE_DIR names {}, which is no folder", folder.display());
            println!("skipped: no conformance data in {}", folder.display());
            return;
        }
        let outcomes = run(&folder).expect("the case files are readable");
        let failed: Vec<String> = outcomes
            .iter()
            .filter_map(|o| o.result.as_ref().err().map(|error| format!("{}: {error}", o.id)))
            .collect();
        println!("relabel: {} passed, {} failed", outcomes.len() - failed.len(), failed.len());
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    }
}

//! Runs the conformance data of rule files and rule unit tests.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bellwether_model::ValidationScheme;
use bellwether_template::library::Host;
use serde_json::Value;

use crate::expand;
use crate::file::{RuleFile, RuleFileOptions};
use crate::unit_test::{UnitTestOptions, run_unit_tests};

/// What became of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The id of the case.
    pub id: String,
    /// Whether a server without the feature may leave it out.
    pub optional: bool,
    /// `Err` says what differs from what is expected.
    pub result: Result<(), String>,
}

/// Runs one case, given its folder.
type Check = fn(&Path, &Value) -> Result<(), String>;

/// Runs all cases of `config/rules` and `config/unit-tests` below `conformance_dir`; what is not there is left out.
pub fn run(conformance_dir: &Path) -> io::Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    let suites: [(&str, Check); 2] = [("config/rules", check_rules), ("config/unit-tests", check_unit_test)];
    for (folder, check) in suites {
        let folder = conformance_dir.join(folder);
        let file = folder.join("expectations.json");
        if !file.exists() {
            continue;
        }
        let cases: Value = serde_json::from_slice(&fs::read(&file)?)?;
        for case in cases["cases"].as_array().into_iter().flatten() {
            outcomes.push(Outcome {
                id: case["id"].as_str().unwrap_or("").to_owned(),
                optional: case["optional"].as_bool().unwrap_or(false),
                result: check(&folder, case),
            });
        }
    }
    Ok(outcomes)
}

/// What the templates of rules are expanded with where there is no data: the regular expressions and durations of the product.
pub fn template_host() -> Arc<dyn Host> {
    Arc::new(expand::Surroundings::nobody())
}

fn check_rules(folder: &Path, case: &Value) -> Result<(), String> {
    let scheme = match case["name_validation_scheme"].as_str() {
        Some("legacy") => ValidationScheme::Legacy,
        _ => ValidationScheme::Utf8,
    };
    let options = RuleFileOptions { scheme, ..RuleFileOptions::default() };
    let (name, bytes) = if let Some(yaml) = case["yaml"].as_str() {
        ("rules.yml", yaml.as_bytes().to_vec())
    } else {
        let name = case["file"].as_str().unwrap_or("");
        (name, fs::read(folder.join(name)).map_err(|e| format!("{name}: {e}"))?)
    };
    let outcome = RuleFile::parse(name, &bytes, &options).map_err(|e| (e.len(), e.to_string()));
    let expect = &case["expect"];
    match outcome {
        Ok(file) if expect["ok"] == true => {
            let groups = expect["groups"].as_u64().is_none_or(|n| n == file.groups.len() as u64);
            let warned =
                expect["warning"].as_str().is_none_or(|w| file.warnings.iter().any(|f| f.contains(w)));
            if groups && warned {
                Ok(())
            } else {
                Err(format!("{} groups, {:?}", file.groups.len(), file.warnings))
            }
        }
        Ok(_) => Err("accepted".to_owned()),
        Err((_, message)) if expect["ok"] == true => Err(message),
        Err((count, message)) => {
            let parts = expect["error_contains"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let missing: Vec<&str> = parts.filter(|p| !message.contains(p)).collect();
            let enough = expect["error_count"].as_u64().is_none_or(|n| n == count as u64);
            if missing.is_empty() && enough { Ok(()) } else { Err(format!("{count} errors: {message}")) }
        }
    }
}

fn check_unit_test(folder: &Path, case: &Value) -> Result<(), String> {
    let options = UnitTestOptions {
        run: case["run"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|p| p.as_str().map(str::to_owned))
            .collect(),
        ..UnitTestOptions::default()
    };
    let path = folder.join(case["file"].as_str().unwrap_or(""));
    let said = match run_unit_tests(&path, &options) {
        Ok(report) => report.failures().map(ToString::to_string).collect::<Vec<_>>(),
        Err(e) => vec![e.to_string()],
    };
    let want = case["expect"]["exit_code"].as_i64().unwrap_or(0);
    let got = i64::from(!said.is_empty());
    if want == got { Ok(()) } else { Err(format!("exit code {got}: {}", said.join("\n"))) }
}

//! The conformance data of the configuration, run case by case.

use std::path::Path;

use bellwether_scrape::config::read_target_file;
use serde_json::Value;

use crate::config::{Config, LoadOptions, Mode};

/// One case and what is wrong with it, if anything is.
#[derive(Debug)]
pub struct Outcome {
    /// The id of the case.
    pub id: String,
    /// Whether a server without the feature that the case needs may leave it out.
    pub optional: bool,
    /// `Err` says what differs from what is expected.
    pub result: Result<(), String>,
}

/// Compares one case of a folder with what happens.
type Check = fn(&Path, &Value) -> Result<(), String>;

/// Runs every case in the folders `config/prometheus` and `config/file-sd` of the conformance data. A folder without a case file is
/// left out.
pub fn run(conformance_dir: &Path) -> std::io::Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    let suites: [(&str, Check); 2] =
        [("config/prometheus", check_config), ("config/file-sd", check_target_file)];
    for (folder, check) in suites {
        let folder = conformance_dir.join(folder);
        let path = folder.join("expectations.json");
        if !path.exists() {
            continue;
        }
        let data: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        for case in data["cases"].as_array().into_iter().flatten() {
            outcomes.push(Outcome {
                id: case["id"].as_str().unwrap_or("?").to_owned(),
                optional: case["optional"] == true,
                result: check(&folder, case),
            });
        }
    }
    Ok(outcomes)
}

fn check_target_file(folder: &Path, case: &Value) -> Result<(), String> {
    let path = folder.join(case["file"].as_str().unwrap_or_default());
    let bytes = std::fs::read(&path).map_err(|e| e.to_string())?;
    let result = read_target_file(&path, &bytes).map(|_| ()).map_err(|e| e.to_string());
    compare(&case["expect"], &result, &path)
}

fn check_config(folder: &Path, case: &Value) -> Result<(), String> {
    let path = folder.join(case["file"].as_str().unwrap_or_default());
    if case["as"] == "target_group" {
        return check_target_group(&path, &case["expect"]);
    }
    let mode = if case["mode"] == "agent" { Mode::Agent } else { Mode::Server };
    let load = |environment: &dyn Fn(&str) -> Option<String>| {
        Config::load(&path, LoadOptions { mode, environment }).map_err(|e| e.to_string())
    };
    let loaded = load(&|_| None);
    compare(&case["expect"], &loaded.as_ref().map(|_| ()).map_err(Clone::clone), &path)?;
    for facts in case["checks"].as_array().into_iter().flatten() {
        let variable = |name: &str| facts["env"][name].as_str().map(str::to_owned);
        check_facts(&load(&variable)?.config, facts)?;
    }
    Ok(())
}

/// One target group alone, which is a list of one in a target file.
fn check_target_group(path: &Path, expect: &Value) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let list: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(idx, line)| format!("{}{line}", if idx == 0 { "- " } else { "  " }))
        .collect();
    let result = read_target_file(path, list.join("\n").as_bytes()).map(|_| ()).map_err(|e| e.to_string());
    compare(expect, &result, path)
}

fn compare(expect: &Value, result: &Result<(), String>, path: &Path) -> Result<(), String> {
    match result {
        Ok(()) if expect["ok"] == true => Ok(()),
        Ok(()) => Err(format!("accepted, expected {expect}")),
        Err(error) if expect["ok"] == true => Err(error.clone()),
        Err(error) => {
            let parts = expect["error_contains"].as_array().into_iter().flatten();
            match parts.filter_map(Value::as_str).find(|part| !says(error, part, path)) {
                None => Ok(()),
                Some(part) => Err(format!("expected an error with {part:?}, got {error:?}")),
            }
        }
    }
}

/// Whether the error has this sentence. Where upstream starts with `parsing YAML file F: `, ours starts with the file and the place in
/// it.
fn says(error: &str, sentence: &str, path: &Path) -> bool {
    match sentence.strip_prefix("parsing YAML file testdata/").and_then(|rest| rest.split_once(": ")) {
        Some((file, sentence)) => {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            file == name && error.starts_with(&*path.to_string_lossy()) && error.contains(sentence)
        }
        None => error.contains(sentence),
    }
}

/// Compares facts about the loaded configuration, each named by a dotted path.
fn check_facts(config: &Config, facts: &Value) -> Result<(), String> {
    for (name, want) in facts.as_object().into_iter().flatten() {
        let got = match name.as_str() {
            "env" => continue,
            "marshalled_config" => {
                check_marshalled(&config.to_yaml(), want)?;
                continue;
            }
            "external_labels" => json_map(&config.global.external_labels),
            name => fact(config, name)?,
        };
        if got != *want {
            return Err(format!("{name} is {got}, expected {want}"));
        }
    }
    Ok(())
}

fn check_marshalled(yaml: &str, want: &Value) -> Result<(), String> {
    let placeholders = yaml.matches("<secret>").count() as u64;
    if want["secret_placeholders"].as_u64().is_some_and(|n| n != placeholders) {
        return Err(format!("{placeholders} secrets are hidden, expected {}", want["secret_placeholders"]));
    }
    match want["must_not_contain"].as_str() {
        Some(secret) if yaml.contains(secret) => Err(format!("the shown configuration has {secret:?}")),
        _ => Ok(()),
    }
}

fn fact(config: &Config, name: &str) -> Result<Value, String> {
    let unknown = || format!("nothing is known here about {name:?}");
    if let Some(rest) = name.strip_prefix("scrape_configs[") {
        let (idx, field) = rest.split_once("].").ok_or_else(unknown)?;
        let job =
            idx.parse().ok().and_then(|idx: usize| config.scrape_configs.get(idx)).ok_or_else(unknown)?;
        return match field {
            "effective_metric_name_validation_scheme" => Ok(job.validation_scheme.as_str().into()),
            "effective_metric_name_escaping_scheme" => Ok(job.escaping_scheme.as_str().into()),
            field => shown(&job.to_value(), field).ok_or_else(unknown),
        };
    }
    let (otlp, tsdb) = (&config.otlp, &config.storage.tsdb);
    Ok(match name {
        "otlp.translation_strategy" => otlp.translation_strategy.as_str().into(),
        "otlp.promote_all_resource_attributes" => otlp.promote_all_resource_attributes.into(),
        "otlp.promote_resource_attributes" => otlp.promote_resource_attributes.clone().into(),
        "otlp.ignore_resource_attributes" => otlp.ignore_resource_attributes.clone().into(),
        "otlp.keep_identifying_resource_attributes" => otlp.keep_identifying_resource_attributes.into(),
        "otlp.convert_histograms_to_nhcb" => otlp.convert_histograms_to_nhcb.into(),
        "otlp.promote_scope_metadata" => otlp.promote_scope_metadata.into(),
        "otlp.label_name_underscore_sanitization" => otlp.label_name_underscore_sanitization.into(),
        "otlp.label_name_preserve_multiple_underscores" => {
            otlp.label_name_preserve_multiple_underscores.into()
        }
        "storage.tsdb.chunk_encoding.floats" => tsdb.float_encoding.map_or("", |e| e.as_str()).into(),
        "storage.tsdb.retention.percentage" => tsdb.retention.percentage.into(),
        "storage.tsdb.retention.time_ms" => tsdb.retention.time_ms.into(),
        "storage.tsdb.retention.size_bytes" => tsdb.retention.size_bytes.into(),
        "storage.tsdb.out_of_order_time_window_ms" => tsdb.out_of_order_time_window_ms.into(),
        "storage.tsdb.stale_series_compaction_threshold" => tsdb.stale_series_compaction_threshold.into(),
        // Whatever else is asked for by its name in the file.
        name => {
            let yaml = config.to_yaml();
            let document =
                bellwether_yaml::Document::parse("shown", yaml.as_bytes(), bellwether_yaml::Dialect::V2)
                    .map_err(|e| e.to_string())?;
            let value: bellwether_yaml::Value = document.decode().map_err(|e| e.to_string())?;
            shown(&value, name).ok_or_else(unknown)?
        }
    })
}

/// The value at a dotted path, such as `storage.tsdb.retention.time` or `remote_write[0].name`.
fn shown(value: &bellwether_yaml::Value, path: &str) -> Option<Value> {
    let mut value = value;
    for segment in path.split('.') {
        let (name, idx) = match segment.strip_suffix(']').and_then(|s| s.split_once('[')) {
            Some((name, idx)) => (name, Some(idx.parse::<usize>().ok()?)),
            None => (segment, None),
        };
        let bellwether_yaml::Value::Map(map) = value else { return None };
        value = map.get(name)?;
        if let Some(idx) = idx {
            let bellwether_yaml::Value::List(items) = value else { return None };
            value = items.get(idx)?;
        }
    }
    Some(to_json(value))
}

fn to_json(value: &bellwether_yaml::Value) -> Value {
    use bellwether_yaml::Value as Yaml;
    match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(b) => (*b).into(),
        Yaml::Int(n) => i64::try_from(*n).map_or(Value::Null, Value::from),
        Yaml::Float(v) => (*v).into(),
        Yaml::Str(s) => s.as_str().into(),
        Yaml::List(items) | Yaml::FlowList(items) => items.iter().map(to_json).collect(),
        Yaml::Map(map) => map.iter().map(|(key, value)| (key.to_owned(), to_json(value))).collect(),
    }
}

fn json_map(map: &std::collections::BTreeMap<String, String>) -> Value {
    map.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
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
        println!("config: {} passed, {} failed", outcomes.len() - failed.len(), failed.len());
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    }
}

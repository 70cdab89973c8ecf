//! The conformance data of templates, run case by case.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::library::{Host, Sample, SampleValue, prometheus};
use crate::{Options, Template, Value};

/// One case and what is wrong with it, if anything is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The id of the case.
    pub id: String,
    /// `Err` says what differs from what is expected.
    pub result: Result<(), String>,
}

/// Runs every case of the folder `templates`: what rules write into labels and annotations. What is not there is left out.
///
/// Time, URL and query results are those of the case, everything else is asked of `host`.
pub fn run(conformance_dir: &Path, host: &Arc<dyn Host>) -> io::Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for path in json_files(&conformance_dir.join("templates"))? {
        let file: Json = serde_json::from_slice(&std::fs::read(&path)?)?;
        let name = file["environment"]["template_name"].as_str().unwrap_or("test");
        let wrap =
            |doing: &str, e: &dyn ToString| format!("error {doing} template {name}: {}", e.to_string());
        outcomes.extend(run_cases(&file, name, &wrap, host));
    }
    Ok(outcomes)
}

/// The case files of a folder, sorted by name.
fn json_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths?;
    paths.retain(|path| path.extension().is_some_and(|e| e == "json"));
    paths.sort();
    Ok(paths)
}

/// Writes an error as the server says it, given what it was doing.
type Wrap<'a> = &'a dyn Fn(&str, &dyn ToString) -> String;

fn run_cases(file: &Json, name: &str, wrap: Wrap<'_>, host: &Arc<dyn Host>) -> Vec<Outcome> {
    let cases = file["cases"].as_array().into_iter().flatten();
    let outcome = |case: &Json| Outcome {
        id: case["id"].as_str().unwrap_or("?").to_owned(),
        result: check(&file["environment"], case, name, wrap, host),
    };
    cases.map(outcome).collect()
}

fn check(
    environment: &Json,
    case: &Json,
    name: &str,
    wrap: Wrap<'_>,
    host: &Arc<dyn Host>,
) -> Result<(), String> {
    let host: Arc<dyn Host> = Arc::new(CaseHost {
        now_ms: environment["now_ms"].as_i64().unwrap_or(0),
        external_url: environment["external_url"].as_str().unwrap_or("").to_owned(),
        result: case["query_result"].as_array().into_iter().flatten().map(sample).collect(),
        server: Arc::clone(host),
    });
    let strict = case["options"].as_array().is_some_and(|o| o.iter().any(|o| o == "missingkey=error"));
    let options = Options {
        missing_key_is_error: strict,
        html: case["html"].as_bool().unwrap_or(false),
        ..Options::default()
    };
    let text = case["template"].as_str().ok_or("the case has no template")?;
    let data = data(&case["data"])?;
    let got = Template::parse(name, text, &prometheus(&host))
        .map_err(|e| wrap("parsing", &e))
        .and_then(|t| t.execute_with(&data, &options).map_err(|e| wrap("executing", &e)));
    compare(&case["expect"], got)
}

fn compare(expect: &Json, got: Result<String, String>) -> Result<(), String> {
    let want_error = !expect["error"].is_null() || !expect["error_contains"].is_null();
    match got {
        Ok(_) if want_error => Err(format!("{got:?} instead of an error")),
        Ok(output) => match &expect["output"] {
            Json::String(want) if *want != output => Err(format!("{output:?} instead of {want:?}")),
            Json::String(_) => Ok(()),
            Json::Null if expect["ok"] == true => Ok(()),
            _ => Err(format!("nothing is known here about {expect}")),
        },
        Err(error) if !want_error => Err(error),
        Err(error) => {
            if let Some(want) = expect["error"].as_str() {
                return if error == want { Ok(()) } else { Err(format!("{error:?} instead of {want:?}")) };
            }
            // Whoever lacks the function fails for another reason than the one that the case is about.
            if error.contains("function \"") && error.ends_with("\" not defined") {
                return Err(error);
            }
            let mut parts = expect["error_contains"].as_array().into_iter().flatten();
            match parts.find(|part| part.as_str().is_none_or(|part| !error.contains(part))) {
                None => Ok(()),
                Some(part) => Err(format!("expected an error with {part}, got {error:?}")),
            }
        }
    }
}

fn sample(json: &Json) -> Sample {
    let labels = json["labels"].as_object().into_iter().flatten();
    let labels = labels.map(|(k, v)| (k.clone(), v.as_str().unwrap_or("").to_owned())).collect();
    let value = match &json["histogram"] {
        Json::Object(h) => {
            let part = |name: &str| h[name].as_str().unwrap_or("").to_owned();
            SampleValue::Histogram(format!("{{count:{}, sum:{}}}", part("count"), part("sum")))
        }
        _ => SampleValue::Float(json["value"].as_str().and_then(|v| v.parse().ok()).unwrap_or(f64::NAN)),
    };
    Sample { labels, value }
}

fn data(json: &Json) -> Result<Value, String> {
    let items = json["value"].as_array().into_iter().flatten();
    let float = |v: &Json| v.as_f64().or_else(|| v.as_str().and_then(|s| s.parse().ok())).unwrap_or(f64::NAN);
    Ok(match json["type"].as_str() {
        None => Value::Nil,
        Some("list<i64>") => Value::list(items.filter_map(Json::as_i64).map(Value::from)),
        Some("list<u64>") => Value::list(items.filter_map(Json::as_u64).map(Value::from)),
        Some("list<f64>") => Value::list(items.map(|v| float(v).into())),
        Some("list<string>") => Value::list(items.filter_map(Json::as_str).map(Value::from)),
        Some(other) => return Err(format!("data of the type {other:?} is not known here")),
    })
}

/// The server of one case.
struct CaseHost {
    now_ms: i64,
    external_url: String,
    result: Vec<Sample>,
    server: Arc<dyn Host>,
}

impl Host for CaseHost {
    fn query(&self, _: &str) -> Result<Vec<Sample>, String> {
        Ok(self.result.clone())
    }

    fn now_ms(&self) -> i64 {
        self.now_ms
    }

    fn external_url(&self) -> String {
        self.external_url.clone()
    }

    fn regex_matches(&self, pattern: &str, text: &str) -> Result<bool, String> {
        self.server.regex_matches(pattern, text)
    }

    fn regex_replace_all(&self, pattern: &str, text: &str, replacement: &str) -> Result<String, String> {
        self.server.regex_replace_all(pattern, text, replacement)
    }

    fn parse_duration_ms(&self, text: &str) -> Result<i64, String> {
        self.server.parse_duration_ms(text)
    }
}

//! Upstream's template cases. They are found through `CONFORMANCE_DIR`, else beside the checkout.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::go_to_rust_pattern;
use bellwether_template::library::{Host, Sample, SampleValue, prometheus};
use bellwether_template::{Options, Template, Value};
use regex_automata::meta::Regex;
use serde_json::Value as Json;

struct CaseHost {
    now_ms: i64,
    external_url: String,
    result: Vec<Sample>,
}

fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(&go_to_rust_pattern(pattern).map_err(|e| e.to_string())?).map_err(|e| e.to_string())
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
        Ok(compile(pattern)?.is_match(text))
    }

    fn regex_replace_all(&self, pattern: &str, text: &str, replacement: &str) -> Result<String, String> {
        let regex = compile(pattern)?;
        let mut captures = regex.create_captures();
        let mut out = String::new();
        let mut at = 0;
        for found in regex.find_iter(text) {
            regex.captures(regex_automata::Input::new(text).range(found.start()..found.end()), &mut captures);
            out.push_str(&text[at..found.start()]);
            captures.interpolate_string_into(text, replacement, &mut out);
            at = found.end();
        }
        Ok(out + &text[at..])
    }

    fn parse_duration_ms(&self, text: &str) -> Result<i64, String> {
        bellwether_model::parse_duration_ms(text).map_err(|e| e.to_string())
    }
}

fn folder() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("CONFORMANCE_DIR") {
        let dir = PathBuf::from(dir);
        assert!(dir.is_dir(), "CONFORMANCE_DIR names {}, which is no folder", dir.display());
        return Some(dir);
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    dir.is_dir().then_some(dir)
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

fn data(json: &Json) -> Value {
    let items = json["value"].as_array().cloned().unwrap_or_default();
    let float = |v: &Json| v.as_f64().or_else(|| v.as_str().and_then(|s| s.parse().ok())).unwrap_or(f64::NAN);
    match json["type"].as_str() {
        Some("list<i64>") => Value::list(items.iter().filter_map(Json::as_i64).map(Value::from)),
        Some("list<u64>") => Value::list(items.iter().filter_map(Json::as_u64).map(Value::from)),
        Some("list<f64>") => Value::list(items.iter().map(|v| float(v).into())),
        Some("list<string>") => Value::list(items.iter().filter_map(Json::as_str).map(Value::from)),
        _ => Value::Nil,
    }
}

fn check(environment: &Json, case: &Json) -> Result<(), String> {
    let host: Arc<dyn Host> = Arc::new(CaseHost {
        now_ms: environment["now_ms"].as_i64().unwrap_or(0),
        external_url: environment["external_url"].as_str().unwrap_or("").to_owned(),
        result: case["query_result"].as_array().into_iter().flatten().map(sample).collect(),
    });
    let name = environment["template_name"].as_str().unwrap_or("test");
    let strict = case["options"].as_array().is_some_and(|o| o.iter().any(|o| o == "missingkey=error"));
    let options = Options {
        missing_key_is_error: strict,
        html: case["html"].as_bool().unwrap_or(false),
        ..Options::default()
    };
    let text = case["template"].as_str().unwrap_or("");
    let got = Template::parse(name, text, &prometheus(&host))
        .map_err(|e| format!("error parsing template {name}: {e}"))
        .and_then(|t| {
            t.execute_with(&data(&case["data"]), &options)
                .map_err(|e| format!("error executing template {name}: {e}"))
        });
    let expect = &case["expect"];
    let want = match (expect["output"].as_str(), expect["error"].as_str()) {
        (Some(output), _) => Ok(output.to_owned()),
        (None, Some(error)) => Err(error.to_owned()),
        _ => return if got.is_err() { Ok(()) } else { Err(format!("{got:?} instead of an error")) },
    };
    if got == want { Ok(()) } else { Err(format!("{got:?} instead of {want:?}")) }
}

#[test]
fn upstream_cases() {
    let Some(folder) = folder() else {
        println!("no conformance data; skipped");
        return;
    };
    let Ok(text) = fs::read_to_string(folder.join("templates/prometheus.json")) else { return };
    let file: Json = serde_json::from_str(&text).expect("valid JSON");
    let mut failed = Vec::new();
    let cases = file["cases"].as_array().cloned().unwrap_or_default();
    for case in &cases {
        if let Err(why) = check(&file["environment"], case) {
            failed.push(format!("{}: {why}", case["id"]));
        }
    }
    println!("templates: {} passed, {} failed", cases.len() - failed.len(), failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

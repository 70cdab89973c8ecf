//! Upstream's template cases. They are found through `CONFORMANCE_DIR`, else beside the checkout.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::SearchRegex;
use bellwether_template::conformance::run;
use bellwether_template::library::{Host, Sample};
use serde_json::json;

/// What the cases do not bring along: regular expressions and durations.
struct Server;

impl Host for Server {
    fn query(&self, _: &str) -> Result<Vec<Sample>, String> {
        Err("no queries here".to_owned())
    }

    fn now_ms(&self) -> i64 {
        0
    }

    fn external_url(&self) -> String {
        String::new()
    }

    fn regex_matches(&self, pattern: &str, text: &str) -> Result<bool, String> {
        Ok(SearchRegex::new(pattern).map_err(|e| e.to_string())?.is_match(text))
    }

    fn regex_replace_all(&self, pattern: &str, text: &str, replacement: &str) -> Result<String, String> {
        let regex = SearchRegex::new(pattern).map_err(|e| e.to_string())?;
        Ok(regex.replace_all(text, replacement, usize::MAX).expect("no limit"))
    }

    fn parse_duration_ms(&self, text: &str) -> Result<i64, String> {
        bellwether_model::parse_duration_ms(text).map_err(|e| e.to_string())
    }
}

fn server() -> Arc<dyn Host> {
    Arc::new(Server)
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

#[test]
fn upstream_cases() {
    let Some(folder) = folder() else {
        println!("no conformance data; skipped");
        return;
    };
    let outcomes = run(&folder, &server()).expect("the case files are readable");
    let failed: Vec<String> = outcomes
        .iter()
        .filter_map(|o| o.result.as_ref().err().map(|why| format!("{}: {why}", o.id)))
        .collect();
    println!("templates: {} passed, {} failed", outcomes.len() - failed.len(), failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn cases_are_judged_by_what_they_expect() {
    let dir = tempfile::tempdir().expect("a folder");
    assert_eq!(run(dir.path(), &server()).expect("nothing is there"), []);
    let cases = json!({"later": 1, "cases": [
        {"id": "right", "template": "{{ 1 }}", "expect": {"output": "1"}, "later": 1},
        {"id": "wrong", "template": "{{ 1 }}", "expect": {"output": "2"}},
        {"id": "no error", "template": "{{ 1 }}", "expect": {"error": true}},
        {"id": "any error", "template": "{{ ", "expect": {"error": true}},
        {"id": "this error", "template": "{{ ", "expect": {"error_contains": ["unclosed", "action"]}},
        {"id": "other error", "template": "{{ ", "expect": {"error_contains": ["unclosed", "string"]}},
        {"id": "error", "template": "{{ ", "expect": {"output": ""}},
        {"id": "no such function", "template": "{{ nope }}", "expect": {"error": true}},
        {"id": "no such data", "template": "{{ nope }}", "data": {"type": "nope"}, "expect": {"error": true}},
        {"id": "no expectation", "template": "{{ 1 }}"},
    ]});
    fs::create_dir(dir.path().join("templates")).expect("made");
    fs::write(dir.path().join("templates/cases.json"), cases.to_string()).expect("written");
    let outcomes = run(dir.path(), &server()).expect("readable");
    assert_eq!(outcomes.len(), 10);
    let passed: Vec<&str> = outcomes.iter().filter(|o| o.result.is_ok()).map(|o| o.id.as_str()).collect();
    assert_eq!(passed, ["right", "any error", "this error"]);
}

//! Runs the conformance data of Alertmanager, the folder `alertmanager`.

mod configuration;
mod matchers;
mod messages;
mod routing;

use std::fs;
use std::io;
use std::path::Path;

use bellwether_model::{Labels, MatchOp};
use bellwether_yaml::{Decode, Dialect, Document};
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::config::{Config, ConfigOptions};
use crate::matcher::MatcherSyntax;
use crate::notification::Kv;

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
type Check = fn(&Path, &Json) -> Result<(), String>;

/// A file of cases and what they are about.
const SUITES: [(&str, Check); 9] = [
    ("matchers.json", matchers::matchers),
    ("matcher-semantics.json", matchers::matcher_semantics),
    ("time-intervals.json", routing::time_intervals),
    ("inhibit.json", routing::inhibition),
    ("routes.json", routing::routes),
    ("config/expectations.json", configuration::config_file),
    ("config-inline.json", configuration::config_inline),
    ("templates.json", messages::templates),
    ("template-data.json", messages::template_data),
];

/// The time that it is where a case says how long ago something was.
const NOW_MS: i64 = 1_700_000_000_000;

/// Runs all cases below `conformance_dir`; files that are not there are left out.
pub fn run(conformance_dir: &Path) -> io::Result<Vec<Outcome>> {
    let folder = conformance_dir.join("alertmanager");
    let mut outcomes = Vec::new();
    for (name, check) in SUITES {
        let path = folder.join(name);
        if !path.exists() {
            continue;
        }
        let file: Json = serde_json::from_slice(&fs::read(&path)?)?;
        for case in file["cases"].as_array().into_iter().flatten() {
            outcomes.push(Outcome {
                id: case["id"].as_str().unwrap_or("?").to_owned(),
                optional: case["optional"].as_bool().unwrap_or(false),
                result: check(&folder, case),
            });
        }
    }
    Ok(outcomes)
}

fn same<T: PartialEq + std::fmt::Debug>(got: &T, want: &T) -> Result<(), String> {
    if got == want { Ok(()) } else { Err(format!("{got:?} instead of {want:?}")) }
}

/// Compares a success or a failure with what is expected; which error it is counts where the case says so, as a part of ours.
fn judge<T: std::fmt::Debug>(got: &Result<T, String>, expect: &Json) -> Result<(), String> {
    let parts: Vec<&str> = match (&expect["error"], &expect["error_contains"]) {
        (Json::String(part), _) => vec![part],
        (_, Json::Array(parts)) => parts.iter().filter_map(Json::as_str).collect(),
        (Json::Bool(true), _) => Vec::new(),
        _ => return got.as_ref().map(|_| ()).map_err(Clone::clone),
    };
    match got {
        Ok(got) => Err(format!("{got:?} instead of an error")),
        Err(error) if parts.iter().all(|part| error.contains(part)) => Ok(()),
        Err(error) => Err(format!("{error:?} instead of {parts:?}")),
    }
}

fn text<'j>(json: &'j Json, field: &str) -> &'j str {
    json[field].as_str().unwrap_or("")
}

fn strings(json: &Json) -> Vec<String> {
    json.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
}

fn labels(json: &Json) -> Labels {
    Labels::from_pairs(
        json.as_object().into_iter().flatten().filter_map(|(name, v)| Some((name, v.as_str()?))),
    )
}

fn kv(json: &Json) -> Option<Kv> {
    let pairs = json.as_object()?.iter().filter_map(|(name, v)| Some((name.clone(), v.as_str()?.to_owned())));
    Some(Kv(pairs.collect()))
}

fn op(text: &str) -> Result<MatchOp, String> {
    let all = [MatchOp::Eq, MatchOp::Ne, MatchOp::Re, MatchOp::Nre];
    all.into_iter().find(|op| op.as_str() == text).ok_or_else(|| format!("unknown operator {text}"))
}

/// Reads a value that stands alone.
fn decode<T: for<'d> Decode<'d>>(yaml: &str) -> Result<T, String> {
    let document =
        Document::parse("case.yml", yaml.as_bytes(), Dialect::V2).map_err(|error| error.to_string())?;
    document.decode().map_err(|error| error.to_string())
}

fn ts_ms(text: &str) -> Result<i64, String> {
    let timestamp: Timestamp = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    Ok(timestamp.as_millisecond())
}

fn parse(yaml: &str) -> Result<Config, String> {
    // The cases are those of tests that run without the newer names of labels.
    let options = ConfigOptions { syntax: MatcherSyntax::Classic };
    Config::parse("case.yml", yaml.as_bytes(), options).map_err(|error| error.to_string())
}

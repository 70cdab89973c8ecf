//! Runs the conformance cases of the text formats (folder `textformat`), for this crate's tests and for the tool that counts what passes.
use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::{
    BodyFormat, CreatedHandling, Event, LabelBuf, ParseError, RawLabels, Reader, ScrapeProtocol,
    TypeAndUnitLabels, parse_value, select_format, validate_openmetrics,
};

/// How one case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseOutcome {
    /// The file and the id of the case.
    pub id: String,
    /// Whether the behaviour is as expected.
    pub ok: bool,
    /// What differs; empty if nothing does.
    pub detail: String,
}

/// Why the cases could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConformanceError {
    /// A file or folder could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
    /// A case file does not have the expected form.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: String,
        /// What is missing or wrong.
        reason: String,
    },
}

/// Runs one case; the error says what differs.
type Check = fn(&Value) -> Result<(), String>;

/// Runs every case in `folder`. Files that are not there are left out.
pub fn run(folder: &Path) -> Result<Vec<CaseOutcome>, ConformanceError> {
    let mut outcomes = Vec::new();
    let files: [(&str, Check); 4] = [
        ("text-0.0.4.json", check_parse),
        ("openmetrics-1.0.json", check_parse),
        ("openmetrics-strict.json", check_strict),
        ("content-type.json", check_content_type),
    ];
    for (file, check) in files {
        run_file(&folder.join(file), check, &mut outcomes)?;
    }
    run_corpus(&folder.join("corpus"), &mut outcomes)?;
    Ok(outcomes)
}

fn run_file(path: &Path, check: Check, outcomes: &mut Vec<CaseOutcome>) -> Result<(), ConformanceError> {
    let shown = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(ConformanceError::Io { path: shown, source }),
    };
    let malformed = |reason: String| ConformanceError::Malformed { path: shown.clone(), reason };
    let file: Value = serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
    let cases = file["cases"].as_array().ok_or_else(|| malformed("no list `cases`".to_owned()))?;
    outcomes
        .extend(cases.iter().map(|case| outcome(case["id"].as_str().unwrap_or("?").to_owned(), check(case))));
    Ok(())
}

fn run_corpus(folder: &Path, outcomes: &mut Vec<CaseOutcome>) -> Result<(), ConformanceError> {
    let io_error = |path: &Path, source| ConformanceError::Io { path: path.display().to_string(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(io_error(folder, source)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|source| io_error(folder, source))?.path());
    }
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let openmetrics = name.ends_with(".om.txt");
        if !openmetrics && !name.ends_with(".prom.txt") {
            continue;
        }
        let body = fs::read(&path).map_err(|source| io_error(&path, source))?;
        let handlings = [CreatedHandling::Series, CreatedHandling::StartTimestamp];
        let result = handlings.into_iter().try_for_each(|created| {
            let reader = reader(&body, openmetrics, created);
            read_entries(reader, TypeAndUnitLabels::Add).map(drop).map_err(|error| error.to_string())
        });
        outcomes.push(outcome(format!("corpus/{name}"), result));
    }
    Ok(())
}

fn outcome(id: String, result: Result<(), String>) -> CaseOutcome {
    CaseOutcome { id, ok: result.is_ok(), detail: result.err().unwrap_or_default() }
}

fn reader(body: &[u8], openmetrics: bool, created: CreatedHandling) -> Reader<'_> {
    if openmetrics { Reader::openmetrics(body, created) } else { Reader::text(body) }
}

fn check_parse(case: &Value) -> Result<(), String> {
    let body = bytes(&case["input"])?;
    let openmetrics = case["format"].as_str().is_some_and(|format| format.contains("openmetrics"));
    let created = match case["created_as_start_timestamp"].as_bool() {
        Some(true) => CreatedHandling::StartTimestamp,
        _ => CreatedHandling::Series,
    };
    let expect = &case["expect"];
    let plain = read_entries(reader(&body, openmetrics, created), TypeAndUnitLabels::Omit);
    let got = match (plain, expect["error"].as_str()) {
        (Err(error), Some(want)) if error.reason() == want => return Ok(()),
        (Err(_), None) if expect["error"] == true => return Ok(()),
        (Err(error), Some(want)) => return Err(format!("error {:?}, expected {want:?}", error.reason())),
        (Err(error), None) => return Err(format!("unexpected error: {error}")),
        (Ok(_), Some(want)) => return Err(format!("no error, expected {want:?}")),
        (Ok(_), None) if expect["error"] == true => return Err("no error, expected one".to_owned()),
        (Ok(entries), None) => entries,
    };
    let Some(want) = expect["entries"].as_array() else {
        return Ok(());
    };
    compare_entries(&got, want, case["compare"].as_array(), "labels")?;
    let with_schema = read_entries(reader(&body, openmetrics, created), TypeAndUnitLabels::Add)
        .map_err(|error| format!("unexpected error: {error}"))?;
    compare_entries(&with_schema, want, case["compare"].as_array(), "labels_with_type_and_unit")
}

/// Compares the entries field by field; `labels` names the field that expects the labels.
fn compare_entries(
    got: &[Map<String, Value>],
    want: &[Value],
    compared: Option<&Vec<Value>>,
    labels: &str,
) -> Result<(), String> {
    if got.len() != want.len() {
        return Err(format!("{} entries, expected {}: {got:?}", got.len(), want.len()));
    }
    for (idx, (got, want)) in got.iter().zip(want).enumerate() {
        let fields =
            ["kind", "metric", "text", "type", "unit", "value", "labels", "exemplars", "timestamp_ms"];
        for field in fields.into_iter().chain(["start_timestamp_ms"]) {
            if compared.is_some_and(|names| !names.iter().any(|name| name == field)) {
                continue;
            }
            let want_field = if field == "labels" { &want[labels] } else { &want[field] };
            let differs = match field {
                // Labels are absent where a test does not look at them, and with the schema where it changes nothing.
                "labels" => !want_field.is_null() && got.get(field) != Some(want_field),
                "start_timestamp_ms" => {
                    got.get(field).and_then(Value::as_i64).unwrap_or(0) != want_field.as_i64().unwrap_or(0)
                }
                "value" => !same_number(got.get(field), want_field),
                "exemplars" => !same_exemplars(got.get(field), want_field),
                _ => got.get(field).unwrap_or(&Value::Null) != want_field,
            };
            if differs {
                return Err(format!("entry {idx}: {field} is {:?}, expected {want_field}", got.get(field)));
            }
        }
    }
    Ok(())
}

fn same_number(got: Option<&Value>, want: &Value) -> bool {
    let number = |value: &Value| value.as_str().and_then(|s| parse_value(s.as_bytes()).ok());
    match (got.and_then(number), number(want)) {
        (Some(got), Some(want)) => got.to_bits() == want.to_bits(),
        (got, want) => got.is_none() && want.is_none(),
    }
}

fn same_exemplars(got: Option<&Value>, want: &Value) -> bool {
    let got = got.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let want = want.as_array().map(Vec::as_slice).unwrap_or_default();
    got.len() == want.len()
        && got.iter().zip(want).all(|(got, want)| {
            got["labels"] == want["labels"]
                && got["timestamp_ms"] == want["timestamp_ms"]
                && same_number(got.get("value"), &want["value"])
        })
}

/// Reads a body to its end, as objects with the fields of the case files.
fn read_entries(
    mut reader: Reader<'_>,
    schema: TypeAndUnitLabels,
) -> Result<Vec<Map<String, Value>>, ParseError> {
    let mut entries = Vec::new();
    let (mut labels, mut scratch) = (LabelBuf::new(), String::new());
    while let Some(event) = reader.next() {
        let entry = match event? {
            Event::Help { family, text } => {
                let text = text.unescape(&mut scratch).to_owned();
                json!({"kind": "help", "metric": family.as_written(), "text": text})
            }
            Event::Type { family, metric_type } => {
                json!({"kind": "type", "metric": family.as_written(), "type": metric_type.as_str()})
            }
            Event::Unit { family, unit } => {
                json!({"kind": "unit", "metric": family.as_written(), "unit": unit})
            }
            Event::Histogram { series, .. } => {
                json!({"kind": "histogram", "text": series.name().as_written()})
            }
            Event::Comment(text) => json!({"kind": "comment", "text": String::from_utf8_lossy(text)}),
            Event::Series(series) => {
                reader.read_labels(&series, schema, &mut labels);
                labels.sort();
                let object: Map<_, _> = labels.iter().map(|(n, v)| (n.to_owned(), json!(v))).collect();
                let mut entry = json!({
                    "kind": "series",
                    "text": String::from_utf8_lossy(series.raw()),
                    "labels": object,
                    "value": shown(series.value),
                });
                if let Some(timestamp_ms) = series.timestamp_ms {
                    entry["timestamp_ms"] = json!(timestamp_ms);
                }
                if let Some(start_timestamp_ms) = series.start_timestamp_ms {
                    entry["start_timestamp_ms"] = json!(start_timestamp_ms);
                }
                if let Some(exemplar) = series.exemplar {
                    let mut shown =
                        json!({"labels": exemplar_labels(exemplar.labels()), "value": shown(exemplar.value)});
                    if let Some(timestamp_ms) = exemplar.timestamp_ms {
                        shown["timestamp_ms"] = json!(timestamp_ms);
                    }
                    entry["exemplars"] = json!([shown]);
                }
                entry
            }
        };
        match entry {
            Value::Object(entry) => entries.push(entry),
            other => unreachable!("BUG: {other} is no object"),
        }
    }
    Ok(entries)
}

fn exemplar_labels(labels: RawLabels<'_>) -> Map<String, Value> {
    let (mut name, mut value) = (String::new(), String::new());
    let mut object = Map::new();
    for label in labels {
        let key = label.name.unescape(&mut name).to_owned();
        object.insert(key, json!(label.value.unescape(&mut value)));
    }
    object
}

fn shown(value: f64) -> String {
    let mut text = String::new();
    crate::write_float(&mut text, value);
    text
}

fn check_strict(case: &Value) -> Result<(), String> {
    let body = bytes(&case["input"])?;
    match (validate_openmetrics(&body), case["should_parse"].as_bool()) {
        (Ok(()), Some(true)) | (Err(_), Some(false)) => Ok(()),
        (Ok(()), _) => Err(format!("accepted, should be rejected: {:?}", String::from_utf8_lossy(&body))),
        (Err(error), _) => Err(format!("rejected: {error}")),
    }
}

fn check_content_type(case: &Value) -> Result<(), String> {
    let content_type = case["content_type"].as_str().ok_or("no content_type")?;
    let fallback = case["fallback_media_type"].as_str().and_then(|media_type| {
        ScrapeProtocol::ALL.into_iter().find(|p| p.body_format().media_type() == media_type)
    });
    let (format, message) = match select_format(content_type, fallback) {
        Ok(selected) => (Some(selected.format), selected.warning.map(|warning| warning.to_string())),
        Err(error) => (None, Some(error.to_string())),
    };
    let name = format.map(|format| match format {
        BodyFormat::Text => "text",
        BodyFormat::OpenMetrics => "openmetrics",
        BodyFormat::Protobuf => "protobuf",
    });
    let expect = &case["expect"];
    if name != expect["parser"].as_str() {
        return Err(format!("selected {name:?}, expected {}", expect["parser"]));
    }
    let parts = expect["error_contains"].as_array().map(Vec::as_slice).unwrap_or_default();
    let missing =
        parts.iter().filter_map(Value::as_str).find(|part| !message.as_deref().unwrap_or("").contains(part));
    match missing {
        Some(part) => Err(format!("message {message:?} lacks {part:?}")),
        None if parts.is_empty() && message.is_some() => Err(format!("unexpected message {message:?}")),
        None => Ok(()),
    }
}

/// Text, or `{"base64": ...}` where it is not UTF-8.
fn bytes(value: &Value) -> Result<Vec<u8>, String> {
    match (value.as_str(), value["base64"].as_str()) {
        (Some(text), _) => Ok(text.as_bytes().to_vec()),
        (None, Some(encoded)) => base64(encoded).ok_or_else(|| format!("bad base64 {encoded:?}")),
        (None, None) => Err("no input".to_owned()),
    }
}

fn base64(encoded: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let (mut bits, mut n_bits) = (0_u32, 0);
    for byte in encoded.bytes().filter(|b| *b != b'=') {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(digit);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            decoded.push((bits >> n_bits) as u8);
        }
    }
    Some(decoded)
}

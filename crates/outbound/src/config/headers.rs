use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Secret, Value};

use super::HttpConfigError;

/// Headers that the client sets itself, in lower case.
const RESERVED: [&str; 18] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "user-agent",
    "www-authenticate",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-prometheus-remote-read-version",
    "x-prometheus-remote-write-version",
    "x-prometheus-scrape-timeout-seconds",
];

/// The values of one header; all of them are sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeaderValues {
    /// Values that may be shown.
    pub values: Vec<String>,
    /// Values that may not.
    pub secrets: Vec<Secret>,
    /// Files that hold one value each.
    pub files: Vec<PathBuf>,
}

impl Decode<'_> for HeaderValues {
    fn type_name() -> Cow<'static, str> {
        "config.Header".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.Header", errors)?;
        let header = Self {
            values: map.or_default("values"),
            secrets: map.or_default("secrets"),
            files: map.or_default("files"),
        };
        map.finish()?;
        Ok(header)
    }
}

/// Reads `http_headers`.
pub(super) fn read_headers(map: &mut MapReader<'_, '_>) -> Vec<(String, HeaderValues)> {
    let headers: BTreeMap<String, HeaderValues> = map.or_default("http_headers");
    for name in headers.keys() {
        if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
            map.reject(map.place("http_headers"), HttpConfigError::ReservedHeader(canonical(name)));
        }
    }
    headers.into_iter().collect()
}

pub(super) fn to_value(headers: &[(String, HeaderValues)]) -> Value {
    let mut map = MapValue::new();
    for (name, header) in headers {
        let mut values = MapValue::new();
        values.set_if("values", Value::strings(&header.values));
        values.set_if("secrets", Value::List(header.secrets.iter().map(Value::from).collect()));
        let files = header.files.iter().map(|file| Value::from(Path::new(file)));
        values.set_if("files", Value::List(files.collect()));
        map.set(name.as_str(), values);
    }
    map.into()
}

/// The name as it is usually written: `X-Amz-Date`.
fn canonical(name: &str) -> String {
    let words: Vec<String> = name
        .split('-')
        .map(|word| {
            let mut word = word.to_ascii_lowercase();
            if let Some(first) = word.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            word
        })
        .collect();
    words.join("-")
}

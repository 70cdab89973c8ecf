use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bellwether_yaml::{
    Decode, Dialect, Document, Error, Errors, Kind, MapReader, MapValue, Node, Reported, Resolved, Value,
};

use super::error::DiscoveryError;

/// Targets with labels in common: an element of `static_configs`, of a target file, or of the answer of a discovery service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetGroup {
    /// What tells this group from others of the same discovery, for instance `targets.yml:2`; it does not depend on the content.
    pub source: String,
    /// Host and port of each target.
    pub targets: Vec<String>,
    /// The labels of all of them.
    pub labels: BTreeMap<String, String>,
}

impl<'d> Decode<'d> for TargetGroup {
    fn type_name() -> Cow<'static, str> {
        "targetgroup.Group".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "targetgroup.Group", errors)?;
        let targets = map.or_default("targets");
        let labels: TargetLabels = map.or_default("labels");
        map.finish()?;
        Ok(Self { source: String::new(), targets, labels: labels.0 })
    }
}

impl TargetGroup {
    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set("targets", Value::strings(&self.targets));
        map.set_if("labels", Value::string_map(&self.labels));
        map.into()
    }
}

/// Labels whose names are checked.
#[derive(Default)]
struct TargetLabels(BTreeMap<String, String>);

impl<'d> Decode<'d> for TargetLabels {
    fn type_name() -> Cow<'static, str> {
        "model.LabelSet".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        for entry in node.entries() {
            if let Some(invalid) = invalid_label_name(entry.key) {
                return Err(errors.reject(entry.key, DiscoveryError::LabelName(invalid)));
            }
        }
        if matches!(node.kind(), Kind::Sequence) {
            return Err(errors.push(node.wrong_type("model.LabelSet")));
        }
        BTreeMap::decode(node, errors).map(Self)
    }
}

/// The key in quotes if it is no label name: empty, or bytes that are not UTF-8.
fn invalid_label_name(key: Node<'_>) -> Option<String> {
    let scalar = key.scalar()?;
    match scalar.resolve() {
        Resolved::Binary(bytes) if std::str::from_utf8(&bytes).is_err() => {
            Some(format!("\"{}\"", bytes.escape_ascii()))
        }
        _ if scalar.text.is_empty() => Some("\"\"".to_owned()),
        _ => None,
    }
}

/// Reads the target groups of a file in YAML or JSON; the name says which.
pub fn read_target_file(path: &Path, bytes: &[u8]) -> Result<Vec<TargetGroup>, Errors> {
    let name: Arc<str> = path.to_string_lossy().into();
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let document = match ending.as_str() {
        "json" => Document::parse_json(name, bytes)?,
        "yml" | "yaml" => Document::parse(name, bytes, Dialect::V2)?,
        _ => return Err(Error::in_file(name, DiscoveryError::TargetFileName).into()),
    };
    read_groups(&document)
}

/// Reads the target groups from JSON, as discovery services answer; `name` says in messages where it came from.
pub fn read_target_json(name: &str, bytes: &[u8]) -> Result<Vec<TargetGroup>, Errors> {
    read_groups(&Document::parse_json(name, bytes)?)
}

fn read_groups(document: &Document) -> Result<Vec<TargetGroup>, Errors> {
    let GroupList(mut groups) = document.decode()?;
    for (idx, group) in groups.iter_mut().enumerate() {
        group.source = format!("{}:{idx}", document.name());
    }
    Ok(groups)
}

struct GroupList(Vec<TargetGroup>);

impl<'d> Decode<'d> for GroupList {
    fn type_name() -> Cow<'static, str> {
        "[]*targetgroup.Group".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if let Some(null) = node.items().find(|item| item.is_null()) {
            return Err(errors.reject(null, DiscoveryError::NullTargetGroup));
        }
        Vec::decode(node, errors).map(Self)
    }
}

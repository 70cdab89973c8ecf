use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_yaml::{Decode, Dialect, Document, Errors, MapReader, MapValue, Node, Reported, Value};

use super::{ANNOTATION, units};

/// Makes a pack called `name` of the files of a registry: file names with their texts. Metrics may refer to attributes of any of the files; what stands elsewhere, and spans, events and entities,
/// are left out. The names are those under which Prometheus exposes the metrics.
///
/// The text has the form of a pack, and lint may have much to say about it: a registry bounds no labels.
pub fn import(name: &str, files: &[(String, Vec<u8>)]) -> Result<String, Errors> {
    let mut errors = Errors::new();
    let mut documents = Vec::new();
    for (file, bytes) in files {
        match Document::parse(file.as_str(), bytes, Dialect::V3) {
            Ok(document) => documents.push(document),
            Err(error) => drop(errors.push(error)),
        }
    }
    let files: Vec<Definitions> = documents
        .iter()
        .filter_map(|document| Definitions::decode(document.root(), &mut errors).ok())
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let attributes =
        files.iter().flat_map(|file| &file.attributes).map(|one| (one.key.as_str(), one)).collect();
    let groups = files.iter().flat_map(|file| &file.groups).map(|one| (one.id.as_str(), one)).collect();
    let registry = Registry { attributes, groups };
    let metrics = files.iter().flat_map(|file| &file.metrics).map(|one| registry.metric(one));
    let mut pack = MapValue::new();
    pack.set("pack", name);
    pack.set("version", "0.1.0");
    pack.set("metrics", Value::List(metrics.collect()));
    Ok(Value::Map(pack).to_yaml())
}

/// What all files define.
struct Registry<'f> {
    attributes: BTreeMap<&'f str, &'f Attribute>,
    groups: BTreeMap<&'f str, &'f Group>,
}

/// A file; what packs do not have is not read.
struct Definitions {
    attributes: Vec<Attribute>,
    groups: Vec<Group>,
    metrics: Vec<Metric>,
}

struct Attribute {
    key: String,
    /// Those of an enum; empty if it is none.
    values: Vec<String>,
    brief: String,
    examples: Value,
    own: MapValue,
}

struct Group {
    id: String,
    refs: Vec<Ref>,
}

struct Metric {
    name: String,
    brief: String,
    note: String,
    instrument: String,
    unit: String,
    stability: String,
    deprecated: Option<Deprecated>,
    refs: Vec<Ref>,
    own: MapValue,
}

struct Deprecated {
    renamed_to: String,
}

/// A reference to an attribute or to a group of them.
struct Ref {
    attribute: String,
    group: String,
    /// Whether the attribute is always there.
    is_required: bool,
}

impl Registry<'_> {
    fn metric(&self, metric: &Metric) -> Value {
        let mut map = MapValue::new();
        let kind = match metric.own.get("type") {
            Some(Value::Str(kind)) => kind.as_str(),
            _ => match metric.instrument.as_str() {
                "counter" => "counter",
                "histogram" => "histogram",
                _ => "gauge",
            },
        };
        let is_own = !metric.own.is_empty();
        let name = &metric.name;
        map.set("name", if is_own { name.clone() } else { exposed_name(name, kind, &metric.unit) });
        map.set("type", kind);
        if !is_own {
            map.set_if("unit", units::from_ucum(&metric.unit));
        }
        map.set("help", metric.brief.trim());
        map.set_if("note", metric.note.trim());
        let stability = match (&metric.deprecated, metric.stability.as_str()) {
            (Some(_), _) => "deprecated",
            (None, "stable") => "stable",
            (None, _) => "experimental",
        };
        if stability != "stable" {
            map.set("stability", stability);
        }
        map.set_if(
            "replaced_by",
            metric.deprecated.as_ref().map(|d| d.renamed_to.as_str()).unwrap_or_default(),
        );
        let mut labels = MapValue::new();
        for (key, is_required) in self.keys(&metric.refs) {
            let (label, mut rules) = self.label(key);
            if labels.get(&label).is_none() {
                rules.set_if("optional", !is_required);
                labels.set(label, rules);
            }
        }
        map.set_if("labels", labels);
        for (key, value) in metric.own.iter().filter(|(key, _)| *key != "type") {
            map.set(key, value.clone());
        }
        map.into()
    }

    /// The keys of the attributes, those of groups included, and whether they are always there.
    fn keys<'r>(&'r self, refs: &'r [Ref]) -> Vec<(&'r str, bool)> {
        let mut keys = Vec::new();
        for one in refs {
            // Groups within groups are not recommended, and their depth would have to be bounded.
            let group = self.groups.get(one.group.as_str());
            let of_group = group.iter().flat_map(|group| &group.refs);
            keys.extend(
                [one].into_iter().chain(of_group).map(|one| (one.attribute.as_str(), one.is_required)),
            );
        }
        keys.retain(|(key, _)| !key.is_empty());
        keys
    }

    /// The label of an attribute, with what it can be; open if the attribute is defined elsewhere.
    fn label(&self, key: &str) -> (String, MapValue) {
        let mut rules = MapValue::new();
        let Some(attribute) = self.attributes.get(key) else { return (sanitised(key), rules) };
        let label = match attribute.own.get("label") {
            Some(Value::Str(label)) => label.clone(),
            _ => sanitised(key),
        };
        rules.set_if("enum", Value::strings(&attribute.values));
        for (key, value) in attribute.own.iter().filter(|(key, _)| *key != "label") {
            rules.set(key, value.clone());
        }
        if attribute.brief != label {
            rules.set_if("help", attribute.brief.trim());
        }
        rules.set_if("examples", attribute.examples.clone());
        (label, rules)
    }
}

/// The name under which Prometheus exposes a metric: with its unit, and with `_total` if it is a counter.
fn exposed_name(name: &str, kind: &str, unit: &str) -> String {
    let mut exposed = sanitised(name);
    let mut append = |suffix: &str| {
        if !exposed.split('_').any(|word| word == suffix) {
            exposed = format!("{exposed}_{suffix}");
        }
    };
    // A counter without a unit counts, and is no ratio.
    if units::is_in_names(unit) && !(unit == "1" && kind != "gauge") {
        append(&units::from_ucum(unit));
    }
    if kind == "counter" {
        append("total");
    }
    exposed
}

fn sanitised(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

impl<'d> Decode<'d> for Definitions {
    fn type_name() -> Cow<'static, str> {
        "definition/2".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "definition/2", errors)?;
        let format: Option<String> = map.required("file_format");
        if format.is_some_and(|format| format != "definition/2") {
            let place = map.place("file_format");
            map.reject(place, "this is not a file of definitions; only `definition/2` is read");
        }
        let definitions = Self {
            attributes: map.list("attributes", "an attribute needs a key"),
            groups: map.list("attribute_groups", "a group needs an id"),
            metrics: map.list("metrics", "a metric needs a name"),
        };
        map.finish_open()?;
        Ok(definitions)
    }
}

/// What stands under our own annotation.
fn own(map: &mut MapReader<'_, '_>) -> MapValue {
    let annotations: BTreeMap<String, Value> = map.or_default("annotations");
    match annotations.get(ANNOTATION) {
        Some(Value::Map(own)) => own.clone(),
        _ => MapValue::new(),
    }
}

impl<'d> Decode<'d> for Attribute {
    fn type_name() -> Cow<'static, str> {
        "attribute".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "attribute", errors)?;
        let attribute = Self {
            key: map.required("key").unwrap_or_default(),
            values: match map.optional("type").unwrap_or(Value::Null) {
                Value::Map(members) => values(&members),
                Value::Str(word) if word == "boolean" => vec!["true".to_owned(), "false".to_owned()],
                _ => Vec::new(),
            },
            brief: map.or_default("brief"),
            examples: match map.optional("examples").unwrap_or(Value::Null) {
                Value::List(examples) => Value::strings(examples.iter().filter_map(text)),
                one => Value::strings(text(&one)),
            },
            own: own(&mut map),
        };
        map.finish_open()?;
        Ok(attribute)
    }
}

/// The values of an enum.
fn values(members: &MapValue) -> Vec<String> {
    let Some(Value::List(members)) = members.get("members") else { return Vec::new() };
    let value = |member: &Value| match member {
        Value::Map(member) => member.get("value").and_then(text),
        _ => None,
    };
    members.iter().filter_map(value).collect()
}

/// A scalar as the value of a label.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

impl<'d> Decode<'d> for Group {
    fn type_name() -> Cow<'static, str> {
        "attribute group".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "attribute group", errors)?;
        let group = Self {
            id: map.required("id").unwrap_or_default(),
            refs: map.list("attributes", "a reference needs an attribute"),
        };
        map.finish_open()?;
        Ok(group)
    }
}

impl<'d> Decode<'d> for Ref {
    fn type_name() -> Cow<'static, str> {
        "attribute reference".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "attribute reference", errors)?;
        let level = map.optional("requirement_level").unwrap_or(Value::Null);
        let reference = Self {
            attribute: map.or_default("ref"),
            group: map.or_default("ref_group"),
            is_required: matches!(level, Value::Str(level) if level == "required"),
        };
        map.finish_open()?;
        Ok(reference)
    }
}

impl<'d> Decode<'d> for Metric {
    fn type_name() -> Cow<'static, str> {
        "metric".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "metric", errors)?;
        let metric = Self {
            name: map.required("name").unwrap_or_default(),
            brief: map.required("brief").unwrap_or_default(),
            note: map.or_default("note"),
            instrument: map.required("instrument").unwrap_or_default(),
            unit: map.required("unit").unwrap_or_default(),
            stability: map.or_default("stability"),
            deprecated: map.optional("deprecated"),
            refs: map.list("attributes", "a reference needs an attribute"),
            own: own(&mut map),
        };
        map.finish_open()?;
        Ok(metric)
    }
}

impl<'d> Decode<'d> for Deprecated {
    fn type_name() -> Cow<'static, str> {
        "deprecated".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "deprecated", errors)?;
        let deprecated = Self { renamed_to: map.or_default("renamed_to") };
        map.finish_open()?;
        Ok(deprecated)
    }
}

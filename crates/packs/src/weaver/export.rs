use std::collections::BTreeMap;

use bellwether_yaml::{MapValue, Value};

use super::{ANNOTATION, units};
use crate::schema::{Label, Metric, MetricKind, Pack, Stability};

/// A file of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryFile {
    /// The name, without a folder.
    pub name: String,
    /// The content.
    pub text: String,
}

/// The registry of a pack: its manifest, which is known as `schema_url`, and its metrics with their attributes.
pub fn export(pack: &Pack, schema_url: &str) -> Vec<RegistryFile> {
    let mut manifest = MapValue::new();
    manifest.set("file_format", "definition_manifest/2.0");
    manifest.set("schema_url", schema_url);
    let description = if pack.description.is_empty() { &pack.title } else { &pack.description };
    manifest.set("description", description.as_str());
    manifest.set("stability", "stable");
    let attributes = Attributes::of(pack);
    let mut file = MapValue::new();
    file.set("file_format", "definition/2");
    file.set_if("attributes", Value::List(attributes.definitions()));
    file.set_if(
        "metrics",
        Value::List(pack.metrics.iter().map(|found| metric(pack, found, &attributes)).collect()),
    );
    vec![
        RegistryFile { name: "manifest.yaml".to_owned(), text: Value::Map(manifest).to_yaml() },
        RegistryFile { name: format!("{}.yaml", pack.name), text: Value::Map(file).to_yaml() },
    ]
}

/// The attributes of a registry. Labels of the same name are one attribute if they have the same values everywhere; else each metric has its own.
struct Attributes<'p> {
    /// By key: the name of the label, and what it can be.
    by_key: BTreeMap<String, (&'p str, &'p Label)>,
    is_shared: BTreeMap<&'p str, bool>,
}

impl<'p> Attributes<'p> {
    fn of(pack: &'p Pack) -> Self {
        let mut first: BTreeMap<&str, Value> = BTreeMap::new();
        let mut is_shared: BTreeMap<&str, bool> = BTreeMap::new();
        for (name, label) in pack.metrics.iter().flat_map(|metric| &metric.labels) {
            let definition = definition(&name.value, &name.value, label);
            let same = first.entry(&name.value).or_insert_with(|| definition.clone()) == &definition;
            *is_shared.entry(&name.value).or_insert(true) &= same;
        }
        let mut attributes = Self { by_key: BTreeMap::new(), is_shared };
        for metric in &pack.metrics {
            for (name, label) in &metric.labels {
                attributes.by_key.insert(attributes.key(metric, &name.value), (&name.value, label));
            }
        }
        attributes
    }

    fn key(&self, metric: &Metric, label: &str) -> String {
        match self.is_shared.get(label) {
            Some(true) => label.to_owned(),
            _ => format!("{}.{label}", metric.family()),
        }
    }

    fn definitions(&self) -> Vec<Value> {
        self.by_key.iter().map(|(key, (name, label))| definition(key, name, label)).collect()
    }
}

fn definition(key: &str, name: &str, label: &Label) -> Value {
    let mut map = MapValue::new();
    map.set("key", key);
    if label.is_closed() {
        let mut members = MapValue::new();
        members.set("members", Value::List(label.values.iter().enumerate().map(member).collect()));
        map.set("type", members);
    } else {
        map.set("type", "string");
    }
    map.set("brief", if label.help.is_empty() { name } else { &label.help });
    map.set("stability", "stable");
    map.set_if("examples", Value::strings(&label.examples));
    let mut own = MapValue::new();
    if key != name {
        own.set("label", name);
    }
    if let Some(max) = label.max {
        own.set("max", max);
    }
    if let Some(max_len) = label.max_len {
        own.set("max_len", max_len);
    }
    own.set_if("normalise", Value::strings(label.normalise.iter().map(|way| way.as_str())));
    own.set_if("deny", label.deny);
    annotate(&mut map, own);
    map.into()
}

/// A value of an enum. Its id is a word, which the place makes unique.
fn member((place, value): (usize, &String)) -> Value {
    let word: String =
        value.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let mut map = MapValue::new();
    map.set("id", format!("{word}_{place}"));
    map.set("value", value.as_str());
    map.set("stability", "stable");
    map.into()
}

fn annotate(map: &mut MapValue, own: MapValue) {
    if own.is_empty() {
        return;
    }
    let mut annotations = MapValue::new();
    annotations.set(ANNOTATION, own);
    map.set("annotations", annotations);
}

fn metric(pack: &Pack, metric: &Metric, attributes: &Attributes<'_>) -> Value {
    let instrument = match metric.kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge | MetricKind::Info | MetricKind::StateSet => "gauge",
        MetricKind::Histogram | MetricKind::NativeHistogram | MetricKind::Summary => "histogram",
    };
    let mut map = MapValue::new();
    map.set("name", metric.name.value.as_str());
    map.set("brief", metric.help.as_str());
    map.set_if("note", metric.note.as_str());
    map.set("instrument", instrument);
    map.set("unit", units::to_ucum(&metric.unit));
    let is_new = metric.stability == Stability::Experimental;
    map.set("stability", if is_new { "development" } else { "stable" });
    if metric.stability == Stability::Deprecated {
        map.set("deprecated", deprecated(metric));
    }
    let refs = metric.labels.iter().map(|(name, label)| {
        let mut map = MapValue::new();
        map.set("ref", attributes.key(metric, &name.value));
        map.set("requirement_level", if label.optional { "recommended" } else { "required" });
        Value::from(map)
    });
    map.set_if("attributes", Value::List(refs.collect()));
    annotate(&mut map, own_words(pack, metric));
    map.into()
}

fn deprecated(metric: &Metric) -> MapValue {
    let until = metric.until.as_ref().map(|until| format!("Goes away in {until}.")).unwrap_or_default();
    let mut map = MapValue::new();
    if let Some(name) = &metric.replaced_by {
        map.set("reason", "renamed");
        map.set("renamed_to", name.value.as_str());
        map.set("note", format!("Replaced by {name}. {until}").trim());
    } else {
        map.set("reason", "obsoleted");
        map.set("note", if until.is_empty() { "Goes away." } else { &until });
    }
    map
}

/// What a registry has no words for, in those of packs.
fn own_words(pack: &Pack, metric: &Metric) -> MapValue {
    let mut map = MapValue::new();
    map.set("type", metric.kind.as_str());
    map.set_if("unit", metric.unit.as_str());
    map.set_if("group", metric.group.as_str());
    map.set_if("until", metric.until.as_deref().unwrap_or_default());
    let numbers = |numbers: &[f64]| Value::FlowList(numbers.iter().map(|number| (*number).into()).collect());
    map.set_if("buckets", numbers(pack.bounds(metric).unwrap_or_default()));
    map.set_if("quantiles", numbers(&metric.quantiles));
    map.set_if("states", Value::strings(&metric.states));
    let aliases = metric.aliases.iter().map(|alias| {
        let mut map = MapValue::new();
        map.set("name", alias.name.value.as_str());
        map.set_if("labels", Value::string_map(&alias.labels));
        Value::from(map)
    });
    map.set_if("aliases", Value::List(aliases.collect()));
    map.set("multiprocess", metric.multiprocess.as_str());
    map.set_if("observed", metric.observed);
    if let Some(max) = metric.max_series {
        map.set("max_series", max);
    }
    if let Some(init) = metric.init {
        map.set("init", init);
    }
    map.set_if("python", metric.python.as_deref().unwrap_or_default());
    map.set_if("allow", Value::string_map(&metric.allow));
    map
}

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::format::{float_general, print};
use crate::json::to_json;
use crate::value::{Record, Value};

/// One sample of a query result, as templates see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The labels, the metric name included.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: SampleValue,
}

/// The value of a [`Sample`].
#[derive(Debug, Clone, PartialEq)]
pub enum SampleValue {
    /// A float.
    Float(f64),
    /// A native histogram, as text.
    Histogram(String),
}

impl SampleValue {
    /// The value for templates.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Float(v) => Value::Float(*v),
            Self::Histogram(text) => text.as_str().into(),
        }
    }
}

impl Record for Sample {
    fn type_name(&self) -> &'static str {
        "*template.sample"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Labels" => Some(Value::string_map(self.labels.iter().map(|(k, v)| (k.as_str(), v)))),
            "Value" => Some(self.value.to_value()),
            _ => None,
        }
    }

    fn parts(&self) -> Vec<Value> {
        ["Labels", "Value"].into_iter().filter_map(|name| self.field(name)).collect()
    }

    fn json(&self) -> Cow<'_, str> {
        let labels = Value::string_map(self.labels.iter().map(|(k, v)| (k.as_str(), v)));
        let value = Value::map([("Labels", labels), ("Value", self.value.to_value())]);
        to_json(&value).map_or_else(|_| "null".into(), Cow::Owned)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn print(&self) -> String {
        let labels: Vec<String> = self.labels.iter().map(|(k, v)| format!("{k}:{v}")).collect();
        let value = match &self.value {
            SampleValue::Float(v) => float_general(*v, None),
            SampleValue::Histogram(text) => text.clone(),
        };
        format!("&{{map[{}] {value}}}", labels.join(" "))
    }
}

/// What a template of a rule is about: a struct, so a field that it does not have is an error.
#[derive(Debug, Clone)]
pub struct RuleData {
    /// The labels of the element.
    pub labels: Value,
    /// The labels that the server gives to all that it sends.
    pub external_labels: Value,
    /// The URL under which users reach the server.
    pub external_url: Value,
    /// The value of the element.
    pub value: Value,
}

impl RuleData {
    fn fields(&self) -> [(&'static str, &Value); 4] {
        [
            ("Labels", &self.labels),
            ("ExternalLabels", &self.external_labels),
            ("ExternalURL", &self.external_url),
            ("Value", &self.value),
        ]
    }
}

impl Record for RuleData {
    fn type_name(&self) -> &'static str {
        "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone())
    }

    fn parts(&self) -> Vec<Value> {
        self.fields().map(|(_, value)| value.clone()).into()
    }

    fn json(&self) -> Cow<'_, str> {
        let fields = self.fields().map(|(name, value)| (name, value.clone()));
        to_json(&Value::map(fields)).map_or_else(|_| "null".into(), Cow::Owned)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn print(&self) -> String {
        format!("{{{}}}", self.fields().map(|(_, value)| print(value)).join(" "))
    }
}

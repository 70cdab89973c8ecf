use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::format::float_general;
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

use std::borrow::Cow;

use crate::decode::Decode;
use crate::error::{Errors, Reported};
use crate::node::{Kind, Node};
use crate::scalar::Resolved;
use crate::secret::Secret;
use crate::write;

/// A tree to be written as YAML: what the program runs on, for people to read.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Text; quoted where it would be read as something else.
    Str(String),
    /// A list, one element per line.
    List(Vec<Value>),
    /// A list on one line.
    FlowList(Vec<Value>),
    /// Keys with values, in this order.
    Map(MapValue),
}

impl Value {
    /// Text.
    pub fn str(text: impl Into<String>) -> Self {
        Self::Str(text.into())
    }

    /// A list of texts.
    pub fn strings<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Self {
        Self::List(items.into_iter().map(|s| Self::str(s.as_ref())).collect())
    }

    /// A map of texts.
    pub fn string_map<K: AsRef<str>, V: AsRef<str>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut map = MapValue::new();
        for (key, value) in entries {
            map.set(key.as_ref(), Self::str(value.as_ref()));
        }
        Self::Map(map)
    }

    /// The value as a YAML document, in the style of go-yaml: two spaces per level, lists not indented.
    pub fn to_yaml(&self) -> String {
        write::document(self)
    }

    /// Whether there is nothing to show: `null`, `false`, zero, or an empty text, list or map.
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(b) => !b,
            Self::Int(n) => *n == 0,
            Self::Float(v) => *v == 0.0,
            Self::Str(s) => s.is_empty(),
            Self::List(items) | Self::FlowList(items) => items.is_empty(),
            Self::Map(map) => map.entries.is_empty(),
        }
    }
}

/// Any value, as it was written: for sections that are passed on and not interpreted.
impl<'d> Decode<'d> for Value {
    fn type_name() -> Cow<'static, str> {
        "interface {}".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        match node.kind() {
            Kind::Scalar(scalar) => match scalar.resolve() {
                Resolved::Null => Ok(Self::Null),
                Resolved::Bool(b) => Ok(Self::Bool(b)),
                Resolved::Int(n) => Ok(Self::Int(n)),
                Resolved::Float(v) => Ok(Self::Float(v)),
                _ => String::decode(node, errors).map(Self::Str),
            },
            Kind::Sequence => Vec::decode(node, errors).map(Self::List),
            Kind::Mapping => {
                let mut map = MapValue::new();
                for entry in node.entries() {
                    map.set(String::decode(entry.key, errors)?, Self::decode(entry.value, errors)?);
                }
                Ok(Self::Map(map))
            }
        }
    }
}

macro_rules! value_from_integer {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Value {
            fn from(n: $integer) -> Self {
                Self::Int(i128::from(n))
            }
        }
    )*};
}

value_from_integer!(i32, i64, u16, u32, u64);

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Self::Float(v)
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::str(s)
    }
}

impl From<usize> for Value {
    fn from(n: usize) -> Self {
        Self::Int(n as i128)
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Self::Str(s)
    }
}

impl From<&std::path::Path> for Value {
    fn from(path: &std::path::Path) -> Self {
        Self::str(path.to_string_lossy())
    }
}

impl From<&Secret> for Value {
    fn from(secret: &Secret) -> Self {
        secret.to_value()
    }
}

impl From<MapValue> for Value {
    fn from(map: MapValue) -> Self {
        Self::Map(map)
    }
}

/// Keys with values in the order in which they were added.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MapValue {
    pub(crate) entries: Vec<(String, Value)>,
}

impl MapValue {
    /// No key yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) -> &mut Self {
        self.entries.push((key.into(), value.into()));
        self
    }

    /// Adds a key unless its value says nothing (see [`Value::is_zero`]).
    pub fn set_if(&mut self, key: impl Into<String>, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        if !value.is_zero() {
            self.entries.push((key.into(), value));
        }
        self
    }

    /// Adds the entries of another map.
    pub fn extend(&mut self, other: Self) -> &mut Self {
        self.entries.extend(other.entries);
        self
    }

    /// The entries themselves, in their order.
    pub fn into_entries(self) -> Vec<(String, Value)> {
        self.entries
    }

    /// The entries in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

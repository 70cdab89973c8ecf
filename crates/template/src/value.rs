use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::functions::FunctionError;

/// A value as templates see it.
#[derive(Clone)]
pub enum Value {
    /// Go's untyped nil; also what a missing key of a map with values of any type yields.
    Nil,
    /// `bool`
    Bool(bool),
    /// Any signed integer type.
    Int(i64),
    /// Any unsigned integer type.
    Uint(u64),
    /// `float64`
    Float(f64),
    /// `string`
    Str(Arc<str>),
    /// A string that is HTML already and is not escaped again.
    SafeHtml(Arc<str>),
    /// A string that is an address already and is not escaped again inside of one.
    SafeUrl(Arc<str>),
    /// A slice.
    List(Arc<[Value]>),
    /// A map with string keys.
    Map(Arc<Map>),
    /// Something with fields and methods.
    Record(Arc<dyn Record>),
}

/// A map with string keys, in the order of the keys, as Go ranges over and prints maps.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// The entries.
    pub entries: BTreeMap<String, Value>,
    /// Whether the values are all strings: then a missing key is the empty string, else it is nothing.
    pub of_strings: bool,
}

impl Map {
    /// What a key that is not there yields.
    pub(crate) fn missing(&self) -> Value {
        if self.of_strings { Value::from("") } else { Value::Nil }
    }
}

/// A value with fields and methods: a Go struct.
pub trait Record: Send + Sync {
    /// The type as Go names it in messages, for instance `*template.sample`.
    fn type_name(&self) -> &'static str;

    /// The field `name`, or `None` if there is no such field.
    fn field(&self, name: &str) -> Option<Value>;

    /// The keys and elements over which `range` goes, and which `len` and `index` know; `None` if it is no list or map. An empty one is not true.
    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        None
    }

    /// The fields of a struct in their order, for `printf` writes each of them with the same verb; none if it writes the whole text.
    fn parts(&self) -> Vec<Value> {
        Vec::new()
    }

    /// Calls the method `name`, or `None` if there is no such method.
    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, FunctionError>> {
        let _ = (name, args);
        None
    }

    /// The text that an action writes for it.
    fn print(&self) -> String;

    /// What the function `toJson` makes of it.
    fn json(&self) -> Cow<'_, str>;

    /// The value itself, for functions that know its type.
    fn as_any(&self) -> &dyn Any;
}

impl Value {
    /// A map with values of any type.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        let entries = entries.into_iter().map(|(k, v)| (k.into(), v)).collect();
        Self::Map(Arc::new(Map { entries, of_strings: false }))
    }

    /// A map of strings, such as a label set.
    pub fn string_map<K: Into<String>, V: AsRef<str>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let entries = entries.into_iter().map(|(k, v)| (k.into(), Self::from(v.as_ref()))).collect();
        Self::Map(Arc::new(Map { entries, of_strings: true }))
    }

    /// A list.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// Whether `if` takes the first branch: not nothing, zero, or empty.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(b) => *b,
            Self::Int(n) => *n != 0,
            Self::Uint(n) => *n != 0,
            Self::Float(v) => *v != 0.0,
            Self::Str(s) | Self::SafeHtml(s) | Self::SafeUrl(s) => !s.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(map) => !map.entries.is_empty(),
            Self::Record(record) => record.entries().is_none_or(|entries| !entries.is_empty()),
        }
    }

    /// A list or a map with methods as a plain one; any other value as it is.
    pub(crate) fn plain(&self) -> Cow<'_, Self> {
        let entries = match self {
            Self::Record(record) => record.entries(),
            _ => None,
        };
        let Some(entries) = entries else { return Cow::Borrowed(self) };
        let is_map = entries.iter().all(|(key, _)| key.as_str().is_some());
        if !is_map || entries.is_empty() {
            return Cow::Owned(Self::list(entries.into_iter().map(|(_, element)| element)));
        }
        let of_strings = entries.iter().all(|(_, element)| matches!(element, Self::Str(_)));
        let entries =
            entries.into_iter().map(|(key, element)| (key.as_str().unwrap_or_default().to_owned(), element));
        Cow::Owned(Self::Map(Arc::new(Map { entries: entries.collect(), of_strings })))
    }

    /// The text, if the value is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(s) | Self::SafeHtml(s) | Self::SafeUrl(s) => Some(s),
            _ => None,
        }
    }

    /// The type as Go names it in messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Float(_) => "float64",
            Self::Str(_) => "string",
            Self::SafeHtml(_) => "template.HTML",
            Self::SafeUrl(_) => "template.URL",
            Self::List(_) => "[]interface {}",
            Self::Map(map) if map.of_strings => "map[string]string",
            Self::Map(_) => "map[string]interface {}",
            Self::Record(record) => record.type_name(),
        }
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::Str(Arc::from(s))
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Self::Str(Arc::from(s))
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Self {
        Self::Uint(n)
    }
}

impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Self::Float(v)
    }
}

impl<R: Record + 'static> From<Arc<R>> for Value {
    fn from(record: Arc<R>) -> Self {
        Self::Record(record)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.type_name(), crate::format::print(self))
    }
}

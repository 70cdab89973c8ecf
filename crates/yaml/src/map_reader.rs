use std::error::Error as StdError;

use crate::decode::Decode;
use crate::document::Dialect;
use crate::error::{Error, ErrorKind, Errors, Reported};
use crate::node::{Entry, Kind, Node};
use crate::suggest::nearest;

/// Sections with at most this many fields list them all when a key is unknown and nothing is near it.
const LIST_FIELDS: usize = 12;

/// Reads the fields of one section.
///
/// Ask for each field that the section has, then call [`finish`](Self::finish): it complains about the keys that nobody asked
/// for and says whether every field could be read. Until then a field that could not be read has its default.
#[must_use = "`finish` reports unknown keys"]
pub struct MapReader<'d, 'e> {
    node: Node<'d>,
    type_name: &'static str,
    entries: Vec<Entry<'d>>,
    asked: Vec<&'static str>,
    failed: Option<Reported>,
    errors: &'e mut Errors,
}

impl<'d, 'e> MapReader<'d, 'e> {
    /// A reader of the mapping `node`; `null` is a mapping without keys. `type_name` is what Prometheus calls the section in messages.
    pub fn new(node: Node<'d>, type_name: &'static str, errors: &'e mut Errors) -> Result<Self, Reported> {
        if !matches!(node.kind(), Kind::Mapping) && !node.is_null() {
            return Err(errors.push(node.wrong_type(type_name)));
        }
        let entries = node.entries().collect();
        Ok(Self { node, type_name, entries, asked: Vec::new(), failed: None, errors })
    }

    /// The section itself.
    pub fn node(&self) -> Node<'d> {
        self.node
    }

    /// The problems found so far, for checks between two fields. What is added here makes [`finish`](Self::finish) fail only through
    /// [`fail`](Self::fail).
    pub fn errors(&mut self) -> &mut Errors {
        self.errors
    }

    /// Remembers that the section cannot be used.
    pub fn fail(&mut self, reported: Reported) {
        self.failed = Some(reported);
    }

    /// Adds that the value at `node` is refused, and remembers that the section cannot be used.
    pub fn reject(&mut self, node: Node<'_>, reason: impl Into<Box<dyn StdError + Send + Sync>>) {
        self.failed = Some(self.errors.reject(node, reason));
    }

    /// Whether a field could not be read or was refused.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// The place to complain about the field `name`; see [`Node::place`].
    pub fn place(&self, name: &str) -> Node<'d> {
        self.node.place(name)
    }

    /// The value of the field `name`, unread; `None` if the section has no such key.
    pub fn get(&mut self, name: &'static str) -> Option<Node<'d>> {
        let asked_before = self.asked.contains(&name);
        self.asked.push(name);
        let mut found: Option<Entry<'d>> = None;
        for entry in &self.entries {
            if entry.key.scalar().is_none_or(|key| key.text != name) {
                continue;
            }
            let kind = match (&found, self.node.dialect()) {
                (None, _) | (_, Dialect::Json) => {
                    found = Some(*entry);
                    continue;
                }
                (Some(_), Dialect::V2) => {
                    ErrorKind::FieldAlreadySet { field: name.to_owned(), type_name: self.type_name }
                }
                (Some(first), Dialect::V3) => ErrorKind::KeyAlreadyDefined {
                    key: name.to_owned(),
                    first_line: first.key.position().line,
                },
            };
            if !asked_before {
                self.failed = Some(self.errors.push(Error::at(entry.key, kind)));
            }
        }
        found.map(|entry| entry.value)
    }

    /// The field `name`, or `None` if it is absent, `null` or cannot be read.
    pub fn optional<T: Decode<'d>>(&mut self, name: &'static str) -> Option<T> {
        let node = self.get(name).filter(|node| !node.is_null())?;
        self.read(node)
    }

    /// The field `name`, or the default of its type if it is absent, `null` or cannot be read.
    pub fn or_default<T: Decode<'d> + Default>(&mut self, name: &'static str) -> T {
        self.optional(name).unwrap_or_default()
    }

    /// The field `name`, or `default` if it is absent. For `null` see [`Dialect`].
    pub fn or<T: Decode<'d> + Default>(&mut self, name: &'static str, default: T) -> T {
        match self.get(name) {
            None => default,
            Some(node) if node.is_null() => self.null_value(default),
            Some(node) => self.read(node).unwrap_or(default),
        }
    }

    /// The field `name`, which must be there; `None` if it is not or cannot be read, and then [`finish`](Self::finish) fails.
    pub fn required<T: Decode<'d>>(&mut self, name: &'static str) -> Option<T> {
        match self.get(name) {
            Some(node) if !node.is_null() => self.read(node),
            _ => {
                let missing = Error::at(self.node, ErrorKind::MissingField { field: name });
                self.failed = Some(self.errors.push(missing));
                None
            }
        }
    }

    /// A field that is written as text with a syntax of its own, such as a duration. For `null` see [`Dialect`].
    pub fn parse_or<T, E>(
        &mut self,
        name: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> T
    where
        T: Default,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        match self.get(name) {
            None => default,
            Some(node) if node.is_null() => self.null_value(default),
            Some(node) => self.parse_node(node, parse).unwrap_or(default),
        }
    }

    /// Like [`parse_or`](Self::parse_or), for a field without a default.
    pub fn parse_optional<T, E>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let node = self.get(name).filter(|node| !node.is_null())?;
        self.parse_node(node, parse)
    }

    /// A list of sections. An element that is `null` is refused with the sentence `if_null`.
    pub fn list<T: Decode<'d>>(&mut self, name: &'static str, if_null: &'static str) -> Vec<T> {
        let Some(node) = self.get(name) else { return Vec::new() };
        if !matches!(node.kind(), Kind::Sequence) {
            if !node.is_null() {
                let wrong = node.wrong_type(&Vec::<T>::type_name());
                self.failed = Some(self.errors.push(wrong));
            }
            return Vec::new();
        }
        let mut items = Vec::with_capacity(node.items().len());
        for item in node.items() {
            if item.is_null() {
                self.reject(item, if_null);
            } else {
                items.extend(self.read(item));
            }
        }
        items
    }

    /// Reports unknown keys. `Err` if there are any, or if a field could not be read.
    pub fn finish(mut self) -> Result<(), Reported> {
        for entry in std::mem::take(&mut self.entries) {
            let key = match entry.key.decode_text("string", self.errors) {
                Ok(key) => key,
                Err(reported) => {
                    self.failed = Some(reported);
                    continue;
                }
            };
            if self.asked.contains(&&*key) {
                continue;
            }
            if self.errors.is_full() {
                self.failed = Some(self.errors.count());
                continue;
            }
            let remedy = self.remedy(&key);
            let kind = ErrorKind::UnknownField { field: key.into_owned(), type_name: self.type_name };
            let mut error = Error::at(entry.key, kind);
            if let Some(remedy) = remedy {
                error = error.with_remedy(remedy);
            }
            self.failed = Some(self.errors.push(error));
        }
        self.failed.map_or(Ok(()), Err)
    }

    /// Like [`finish`](Self::finish), for a section that may have keys which are not known here.
    pub fn finish_open(self) -> Result<(), Reported> {
        self.failed.map_or(Ok(()), Err)
    }

    fn remedy(&self, unknown: &str) -> Option<String> {
        if let Some(near) = nearest(unknown, self.asked.iter().copied()) {
            return Some(format!("did you mean {near:?}?"));
        }
        if self.asked.len() > LIST_FIELDS {
            return None;
        }
        Some(format!("known fields: {}", self.asked.join(", ")))
    }

    fn read<T: Decode<'d>>(&mut self, node: Node<'d>) -> Option<T> {
        T::decode(node, self.errors).map_err(|reported| self.failed = Some(reported)).ok()
    }

    fn parse_node<T, E>(&mut self, node: Node<'d>, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let text = node.decode_text("string", self.errors).map_err(|r| self.failed = Some(r)).ok()?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.reject(node, reason);
                None
            }
        }
    }

    fn null_value<T: Default>(&self, default: T) -> T {
        match self.node.dialect() {
            Dialect::V2 => T::default(),
            Dialect::V3 | Dialect::Json => default,
        }
    }
}

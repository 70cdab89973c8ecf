use std::fmt::Write as _;
use std::sync::Arc;

use crate::document::{Dialect, Document};
use crate::position::Position;
use crate::scalar::Scalar;
use crate::tree::{Content, EntryData, NodeId};

/// One node of a [`Document`]: a cheap handle.
#[derive(Clone, Copy)]
pub struct Node<'d> {
    document: &'d Document,
    id: NodeId,
}

/// What a node is.
#[derive(Debug, Clone, Copy)]
pub enum Kind<'d> {
    /// A single value.
    Scalar(Scalar<'d>),
    /// A list; see [`Node::items`].
    Sequence,
    /// Keys with values; see [`Node::entries`].
    Mapping,
}

/// One key of a mapping with its value.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'d> {
    /// The key, usually a scalar.
    pub key: Node<'d>,
    /// The value.
    pub value: Node<'d>,
    /// Whether the entry was taken over from another mapping by `<<`.
    pub merged: bool,
}

impl<'d> Node<'d> {
    pub(crate) fn new(document: &'d Document, id: NodeId) -> Self {
        Self { document, id }
    }

    /// What the node is.
    pub fn kind(self) -> Kind<'d> {
        let data = self.document.tree().get(self.id);
        match &data.content {
            Content::Scalar { text, style } => {
                Kind::Scalar(Scalar { text, style: *style, tag: data.tag.as_deref() })
            }
            Content::Sequence(_) => Kind::Sequence,
            Content::Mapping(_) => Kind::Mapping,
            Content::Open => unreachable!("BUG: a loaded document has an open node"),
        }
    }

    /// Where the node starts. What an alias refers to is where its anchor is.
    pub fn position(self) -> Position {
        self.document.tree().get(self.id).position
    }

    /// The document that the node is part of.
    pub fn document(self) -> &'d Document {
        self.document
    }

    /// Whose semantics apply.
    pub fn dialect(self) -> Dialect {
        self.document.dialect()
    }

    /// The name of the file.
    pub fn source(self) -> &'d Arc<str> {
        self.document.name()
    }

    /// The scalar, or `None` for lists and mappings.
    pub fn scalar(self) -> Option<Scalar<'d>> {
        match self.kind() {
            Kind::Scalar(scalar) => Some(scalar),
            Kind::Sequence | Kind::Mapping => None,
        }
    }

    /// Whether the node is `null`, `~` or left out.
    pub fn is_null(self) -> bool {
        self.scalar().is_some_and(|s| s.is_null())
    }

    /// The elements of a list; none for other nodes.
    pub fn items(self) -> impl ExactSizeIterator<Item = Node<'d>> {
        let items: &'d [NodeId] = match &self.document.tree().get(self.id).content {
            Content::Sequence(items) => items,
            _ => &[],
        };
        items.iter().map(move |id| Node::new(self.document, *id))
    }

    /// The entries of a mapping, merged ones last; none for other nodes.
    pub fn entries(self) -> impl ExactSizeIterator<Item = Entry<'d>> {
        let entries: &'d [EntryData] = match &self.document.tree().get(self.id).content {
            Content::Mapping(entries) => entries,
            _ => &[],
        };
        entries.iter().map(move |e| Entry {
            key: Node::new(self.document, e.key),
            value: Node::new(self.document, e.value),
            merged: e.merged,
        })
    }

    /// The place to complain about the field `name`: its value, its key if it has none, or this node if there is no such key.
    #[must_use]
    pub fn place(self, name: &str) -> Self {
        let entry = self.entries().find(|e| e.key.scalar().is_some_and(|key| key.text == name));
        entry.map_or(self, |e| if e.value.is_null() { e.key } else { e.value })
    }

    /// The way from the root to this node, for instance `scrape_configs[2].relabel_configs[0].regex`.
    pub fn path(self) -> String {
        let tree = self.document.tree();
        let mut segments = Vec::new();
        let mut id = self.id;
        while let Some((parent, place)) = tree.get(id).parent {
            segments.push(match &tree.get(parent).content {
                Content::Mapping(entries) => {
                    match Node::new(self.document, entries[place as usize].key).scalar() {
                        Some(key) => key_segment(key.text),
                        None => "[?]".to_owned(),
                    }
                }
                _ => format!("[{place}]"),
            });
            id = parent;
        }
        segments.reverse();
        let path = segments.concat();
        path.strip_prefix('.').map(str::to_owned).unwrap_or(path)
    }
}

/// `.name`, or `["some name"]` if the key would be unreadable otherwise.
fn key_segment(key: &str) -> String {
    let mut segment = String::new();
    let plain =
        !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '<' | '/'));
    let written = if plain { write!(segment, ".{key}") } else { write!(segment, "[{key:?}]") };
    written.expect("BUG: writing to a string cannot fail");
    segment
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The content may be a secret.
        write!(f, "Node({}:{} {})", self.source(), self.position(), self.path())
    }
}

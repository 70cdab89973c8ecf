//! The nodes of a document in one vector. Aliases are shared children, so a document that repeats an anchor a thousand times is not
//! a thousand times larger; what it would unfold to is counted and bounded.

use crate::error::ErrorKind;
use crate::position::Position;
use crate::scalar::Style;

/// Deepest nesting that is read. Real configurations stay below 20; decoding recurses once per level.
pub(crate) const MAX_DEPTH: u32 = 100;
/// Most nodes that one document may have, after aliases and merge keys are unfolded: 80,000 target groups with ten labels each. A
/// node takes about a hundred bytes.
pub(crate) const MAX_NODES: u64 = 2_000_000;

/// The index of a node in its [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeId(u32);

/// All nodes of one document.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<NodeData>,
}

#[derive(Debug)]
pub(crate) struct NodeData {
    pub(crate) position: Position,
    /// The collection in which the node was written, and its place there; an alias does not change it. `None` for the root.
    pub(crate) parent: Option<(NodeId, u32)>,
    /// The explicit tag in its short form, for instance `!!binary`.
    pub(crate) tag: Option<Box<str>>,
    pub(crate) content: Content,
    /// The number of nodes in this subtree with all aliases unfolded.
    unfolded: u64,
    /// The levels below this node.
    height: u32,
}

#[derive(Debug)]
pub(crate) enum Content {
    Scalar {
        text: Box<str>,
        style: Style,
    },
    Sequence(Vec<NodeId>),
    Mapping(Vec<EntryData>),
    /// A sequence or mapping whose end has not been seen yet.
    Open,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryData {
    pub(crate) key: NodeId,
    pub(crate) value: NodeId,
    /// Whether the entry came from another mapping through a `<<` key.
    pub(crate) merged: bool,
}

impl Tree {
    pub(crate) fn get(&self, id: NodeId) -> &NodeData {
        &self.nodes[id.0 as usize]
    }

    pub(crate) fn is_open(&self, id: NodeId) -> bool {
        matches!(self.get(id).content, Content::Open)
    }

    pub(crate) fn add(
        &mut self,
        position: Position,
        tag: Option<Box<str>>,
        content: Content,
    ) -> Result<NodeId, ErrorKind> {
        if self.nodes.len() as u64 >= MAX_NODES {
            return Err(ErrorKind::TooManyNodes { limit: MAX_NODES });
        }
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(NodeData { position, parent: None, tag, content, unfolded: 1, height: 0 });
        Ok(id)
    }

    /// Gives an open node its children and checks what it unfolds to.
    pub(crate) fn close(&mut self, id: NodeId, content: Content) -> Result<(), ErrorKind> {
        let mut unfolded = 1_u64;
        let mut height = 0;
        let mut take = |tree: &mut Self, child: NodeId, place: usize| {
            let data = &mut tree.nodes[child.0 as usize];
            data.parent.get_or_insert((id, place as u32));
            unfolded = unfolded.saturating_add(data.unfolded);
            height = height.max(data.height + 1);
        };
        match &content {
            Content::Sequence(items) => {
                for (place, item) in items.iter().enumerate() {
                    take(self, *item, place);
                }
            }
            Content::Mapping(entries) => {
                for (place, entry) in entries.iter().enumerate() {
                    take(self, entry.key, place);
                    take(self, entry.value, place);
                }
            }
            Content::Scalar { .. } | Content::Open => {}
        }
        if height > MAX_DEPTH {
            return Err(ErrorKind::TooDeep { limit: MAX_DEPTH });
        }
        if unfolded > MAX_NODES {
            return Err(ErrorKind::ExcessiveAliasing { limit: MAX_NODES });
        }
        let data = &mut self.nodes[id.0 as usize];
        data.content = content;
        data.unfolded = unfolded;
        data.height = height;
        Ok(())
    }
}

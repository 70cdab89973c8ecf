use std::sync::Arc;

use crate::decode::Decode;
use crate::error::{Error, ErrorKind, Errors};
use crate::node::Node;
use crate::position::Position;
use crate::tree::{NodeId, Tree};
use crate::{json, load};

/// Largest text that is read. The largest target files seen in the field have a few megabytes.
const MAX_BYTES: usize = 64 << 20;

/// Whose meaning of `null`, repeated keys and types a document follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// go-yaml v2, strict: server configuration and target files. A `null` sets a field to the zero of its type.
    V2,
    /// go-yaml v3 with known fields only: rule files and rule unit tests. A `null` leaves the default in place.
    V3,
    /// Go's `encoding/json` without unknown fields: target files and discovery answers in JSON. A number is no string,
    /// and the last of several equal keys counts.
    Json,
}

/// One document: a tree of nodes that know where they were written.
#[derive(Debug)]
pub struct Document {
    name: Arc<str>,
    dialect: Dialect,
    tree: Tree,
    root: NodeId,
    has_more: bool,
}

impl Document {
    /// Reads the first YAML document of `bytes`; `name` is the file name for messages. An empty text is a `null`.
    pub fn parse(name: impl Into<Arc<str>>, bytes: &[u8], dialect: Dialect) -> Result<Self, Error> {
        let name = name.into();
        let text = check_text(&name, bytes)?;
        let (tree, root, has_more) = load::load_first(&name, text)?;
        Ok(Self { name, dialect, tree, root, has_more })
    }

    /// Reads all YAML documents of `bytes`. A text without any has one, which is a `null`.
    pub fn parse_all(name: impl Into<Arc<str>>, bytes: &[u8], dialect: Dialect) -> Result<Vec<Self>, Error> {
        let name = name.into();
        let text = check_text(&name, bytes)?;
        let loaded = load::load_all(&name, text)?;
        let n_documents = loaded.len();
        let document = |(number, (tree, root))| {
            let has_more = number + 1 < n_documents;
            Self { name: Arc::clone(&name), dialect, tree, root, has_more }
        };
        Ok(loaded.into_iter().enumerate().map(document).collect())
    }

    /// Reads a JSON text.
    pub fn parse_json(name: impl Into<Arc<str>>, bytes: &[u8]) -> Result<Self, Error> {
        let name = name.into();
        let text = check_text(&name, bytes)?;
        let (tree, root) = json::load(&name, text)?;
        Ok(Self { name, dialect: Dialect::Json, tree, root, has_more: false })
    }

    /// The file name, as given to [`parse`](Self::parse).
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whose semantics apply.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether the text has further documents after this one. They are not read.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// The outermost node.
    pub fn root(&self) -> Node<'_> {
        Node::new(self, self.root)
    }

    /// Decodes the whole document. Every problem found is in the error, in the order of discovery.
    pub fn decode<'d, T: Decode<'d>>(&'d self) -> Result<T, Errors> {
        let mut errors = Errors::new();
        match T::decode(self.root(), &mut errors) {
            Ok(value) if errors.is_empty() => Ok(value),
            _ => Err(errors),
        }
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }
}

/// The text without a byte order mark, if it is not too large and UTF-8.
fn check_text<'b>(name: &Arc<str>, bytes: &'b [u8]) -> Result<&'b str, Error> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::new(name, Position::START, ErrorKind::TooLarge { limit: MAX_BYTES }));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let before = String::from_utf8_lossy(&bytes[..e.valid_up_to()]);
        let line = before.matches('\n').count() as u32 + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() as u32 + 1;
        Error::new(name, Position { line, column }, ErrorKind::NotUtf8)
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

use std::fmt;
use std::sync::Arc;

use crate::node::Node;
use crate::position::Position;

/// Most problems that are kept; a file in the wrong format would otherwise produce one per line.
const MAX_ERRORS: usize = 100;

/// What is wrong. The sentences are those of the Go libraries, so that people find them where they searched before.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not YAML, or not JSON.
    #[error("{0}")]
    Syntax(String),
    /// The text is not UTF-8.
    #[error("yaml: invalid UTF-8")]
    NotUtf8,
    /// The text is too large to be read.
    #[error("yaml: more than {limit} bytes")]
    TooLarge {
        /// The largest size in bytes.
        limit: usize,
    },
    /// An alias refers to no anchor.
    #[error("yaml: unknown anchor")]
    UnknownAnchor,
    /// An alias refers to the collection that it is part of.
    #[error("yaml: anchor value contains itself")]
    RecursiveAnchor,
    /// What follows `<<` cannot be merged.
    #[error("yaml: map merge requires map or sequence of maps as the value")]
    BadMerge,
    /// Too many levels.
    #[error("yaml: nested deeper than {limit} levels")]
    TooDeep {
        /// The largest depth.
        limit: u32,
    },
    /// Too many nodes.
    #[error("yaml: more than {limit} values")]
    TooManyNodes {
        /// The largest number of nodes.
        limit: u64,
    },
    /// Too many documents in a file.
    #[error("yaml: more than {limit} documents")]
    TooManyDocuments {
        /// The largest number of documents.
        limit: usize,
    },
    /// Aliases that unfold to far more than was written.
    #[error("yaml: document contains excessive aliasing (more than {limit} values)")]
    ExcessiveAliasing {
        /// The largest number of nodes.
        limit: u64,
    },
    /// A `!!binary` that is not base64.
    #[error("yaml: !!binary value contains invalid base64 data")]
    InvalidBinary,
    /// A `!!binary` that holds no text where text is needed.
    #[error("yaml: !!binary value is not UTF-8 text")]
    BinaryNotText,
    /// An explicit tag that the text does not fit.
    #[error("yaml: cannot decode !!str `{text}` as a {tag}")]
    TagMismatch {
        /// The text, shortened.
        text: String,
        /// The tag.
        tag: String,
    },
    /// A key that the section does not have.
    #[error("yaml: unmarshal errors: field {field} not found in type {type_name}")]
    UnknownField {
        /// The key.
        field: String,
        /// The section, as Prometheus names its type.
        type_name: &'static str,
    },
    /// A key that occurs twice in a section.
    #[error("yaml: unmarshal errors: field {field} already set in type {type_name}")]
    FieldAlreadySet {
        /// The key.
        field: String,
        /// The section, as Prometheus names its type.
        type_name: &'static str,
    },
    /// A key that occurs twice in a map.
    #[error("yaml: unmarshal errors: key {key:?} already set in map")]
    KeyAlreadySet {
        /// The key.
        key: String,
    },
    /// A key that occurs twice, as go-yaml v3 puts it.
    #[error("yaml: unmarshal errors: mapping key {key:?} already defined at line {first_line}")]
    KeyAlreadyDefined {
        /// The key.
        key: String,
        /// The line of the first occurrence.
        first_line: u32,
    },
    /// A value of the wrong type.
    #[error("yaml: unmarshal errors: cannot unmarshal {found} into {expected}")]
    WrongType {
        /// The tag of what is there, with the start of its text.
        found: String,
        /// The type that is needed, as Prometheus names it.
        expected: String,
    },
    /// A field that must be there and is not.
    #[error("field {field} is missing")]
    MissingField {
        /// The key.
        field: &'static str,
    },
    /// The value has the right form, and the section refuses it.
    #[error(transparent)]
    Rejected(Arc<dyn std::error::Error + Send + Sync>),
}

/// One problem with its place.
///
/// Written as `FILE:LINE:COLUMN: sentence; remedy`.
#[derive(Debug, Clone)]
pub struct Error(Box<Details>);

/// Boxed, because results carry errors around and rarely have one.
#[derive(Debug, Clone)]
struct Details {
    source_name: Arc<str>,
    position: Option<Position>,
    path: String,
    kind: ErrorKind,
    remedy: Option<String>,
}

impl Error {
    pub(crate) fn new(source_name: &Arc<str>, position: Position, kind: ErrorKind) -> Self {
        Self::build(Arc::clone(source_name), Some(position), String::new(), kind)
    }

    /// A problem at `node`.
    pub fn at(node: Node<'_>, kind: ErrorKind) -> Self {
        Self::build(Arc::clone(node.source()), Some(node.position()), node.path(), kind)
    }

    /// A problem with the file as a whole, for instance that it cannot be read.
    pub fn in_file(
        source_name: impl Into<Arc<str>>,
        reason: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let kind = ErrorKind::Rejected(Arc::from(reason.into()));
        Self::build(source_name.into(), None, String::new(), kind)
    }

    /// A problem at a place whose node is no longer at hand.
    pub fn in_place(
        source_name: impl Into<Arc<str>>,
        position: Position,
        reason: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let kind = ErrorKind::Rejected(Arc::from(reason.into()));
        Self::build(source_name.into(), Some(position), String::new(), kind)
    }

    fn build(source_name: Arc<str>, position: Option<Position>, path: String, kind: ErrorKind) -> Self {
        Self(Box::new(Details { source_name, position, path, kind, remedy: None }))
    }

    /// The same problem with a hint what to do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// The file name.
    pub fn source_name(&self) -> &str {
        &self.0.source_name
    }

    /// The place in the file; `None` if the file as a whole is meant.
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// The way from the root of the document to the field, for instance `scrape_configs[2].job_name`; empty for the root.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// What to do about it.
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.0.source_name)?;
        if let Some(position) = self.0.position {
            write!(f, "{position}:")?;
        }
        write!(f, " {}", self.0.kind)?;
        if let Some(remedy) = &self.0.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            ErrorKind::Rejected(reason) => reason.source(),
            _ => None,
        }
    }
}

/// All problems found so far.
///
/// Written one per line.
#[derive(Debug, Clone, Default)]
pub struct Errors {
    list: Vec<Error>,
    dropped: usize,
}

/// The proof that the reason for a failure has been added to the [`Errors`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported(());

impl Errors {
    /// No problem.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem.
    pub fn push(&mut self, error: Error) -> Reported {
        if self.is_full() {
            return self.count();
        }
        self.list.push(error);
        Reported(())
    }

    /// Adds a problem that nobody will read.
    pub(crate) fn count(&mut self) -> Reported {
        self.dropped += 1;
        Reported(())
    }

    /// Whether further problems are only counted. Whoever finds many need not word them then.
    pub fn is_full(&self) -> bool {
        self.list.len() >= MAX_ERRORS
    }

    /// Adds that the value at `node` is refused.
    pub fn reject(
        &mut self,
        node: Node<'_>,
        reason: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Reported {
        self.push(Error::at(node, ErrorKind::Rejected(Arc::from(reason.into()))))
    }

    /// Adds the problems of another list.
    pub fn append(&mut self, other: Self) {
        self.dropped += other.dropped;
        for error in other.list {
            self.push(error);
        }
    }

    /// Whether there is no problem.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The number of problems, those that were not kept included.
    pub fn len(&self) -> usize {
        self.list.len() + self.dropped
    }

    /// The problems in the order of discovery; at most a hundred.
    pub fn iter(&self) -> std::slice::Iter<'_, Error> {
        self.list.iter()
    }
}

impl<'a> IntoIterator for &'a Errors {
    type Item = &'a Error;
    type IntoIter = std::slice::Iter<'a, Error>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self { list: vec![error], dropped: 0 }
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, error) in self.list.iter().enumerate() {
            if idx > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        if self.dropped > 0 {
            write!(f, "\n... and {} more", self.dropped)?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

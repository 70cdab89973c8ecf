use std::fmt;
use std::sync::Arc;

use bellwether_yaml::{Node, Position};

/// Something in a valid configuration that will surprise its author.
///
/// Displayed as `FILE:LINE:COLUMN: sentence`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The file.
    pub source_name: Arc<str>,
    /// The place in the file.
    pub position: Position,
    /// What to know.
    pub message: String,
}

impl Warning {
    pub(super) fn at(node: Node<'_>, message: impl Into<String>) -> Self {
        Place::of(node).warning(message)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.source_name, self.position, self.message)
    }
}

/// A place that is remembered after its document is gone.
#[derive(Debug, Clone)]
pub(super) struct Place {
    source_name: Arc<str>,
    position: Position,
}

impl Place {
    pub(super) fn of(node: Node<'_>) -> Self {
        Self { source_name: Arc::clone(node.source()), position: node.position() }
    }

    pub(super) fn warning(self, message: impl Into<String>) -> Warning {
        Warning { source_name: self.source_name, position: self.position, message: message.into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source_name, self.position)
    }
}

use std::io;
use std::path::Path;

use bellwether_model::StorageError;

use crate::coding::DecodeError;

/// Why a part, or something in it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PartError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        path: String,
        #[source]
        source: io::Error,
    },
    /// The bytes are not what was written.
    #[error("{path}: {what}")]
    Damaged { path: String, what: String },
    /// A newer program wrote the part.
    #[error("{path}: {what}; use the program that wrote it")]
    Newer { path: String, what: String },
}

impl PartError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.display().to_string(), source }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.display().to_string(), what: what.into() }
    }

    /// For `map_err` on what was decoded from `path`.
    pub(crate) fn decoding(path: &Path) -> impl Fn(DecodeError) -> Self {
        move |e| Self::damaged(path, e.to_string())
    }
}

impl From<PartError> for StorageError {
    fn from(e: PartError) -> Self {
        match e {
            PartError::Io { path, source } => Self::Io { what: path, source },
            PartError::Damaged { path, what } | PartError::Newer { path, what } => {
                Self::Corrupt { place: path, what }
            }
        }
    }
}

use std::io;
use std::path::Path;

use bellwether_disk::LockError;
use bellwether_model::StorageError;

/// Why a store cannot be opened or looked after. Appending and querying have their own errors in `bellwether-model`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TsdbError {
    /// Another process works on the folder, or the lock cannot be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// What was worked on.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file is whole but of a newer version or of another store. Nothing was changed.
    #[error("{0}")]
    NotOurs(String),
    /// A name that the store needs stands for something else.
    #[error("{path} {what}; move it out of the folder")]
    InTheWay {
        /// The name.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// A part that should be merged or was just written cannot be read.
    #[error("part {id}: {what}")]
    Part {
        /// The number of the part.
        id: u64,
        /// What is wrong.
        what: String,
    },
    /// The log takes no writes.
    #[error("log: {0}")]
    Log(String),
    /// There is no room for what has to be written.
    #[error("storage is full: {0}")]
    Full(String),
    /// What was asked for could not be read or was interrupted.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl TsdbError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full(format!("{}: {source}", path.display()))
            }
            _ => Self::Io { path: path.display().to_string(), source },
        }
    }
}

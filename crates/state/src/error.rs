use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why something is not kept, or cannot be read. Those who share a commit share its error.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The folder cannot be made, or no thread be started.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: Arc<io::Error>,
    },
    /// What is there is no database, or one with damage.
    #[error(
        "{} is damaged ({source}): restore it from a backup, or move it away together with the files {}-wal and {}-shm \
         to go on without silences, alerts and what was told",
        path.display(), path.display(), path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The file is a database of something else.
    #[error("{} is a database, but not one of Bellwether (application {found:#x}): move it away", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The number in its header that says whose it is.
        found: i64,
    },
    /// The file comes from a newer version.
    #[error(
        "{} has schema {found}, and this version knows those up to {known}: start the version that wrote it, or a newer one",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest one that can be read.
        known: i64,
    },
    /// There is no room for what is written.
    #[error("{}: the disk is full: make room on the file system of this file", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// SQLite refuses, because the disk cannot be written for instance.
    #[error("{}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// More than may be kept.
    #[error("{what} has {bytes} bytes, and may have {limit}")]
    TooLarge {
        /// What.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// More waits to be written than there is room for, and whoever had this to write does not wait.
    #[error("{}: too much waits to be written already: is the disk slow, or full?", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The thread of the database has ended.
    #[error("BUG: the thread of {} has ended before the store", path.display())]
    Stopped {
        /// The file.
        path: PathBuf,
    },
}

/// SQLite's primary result codes for a file with damage, for a full disk, and for a file that is no database.
const SQLITE_CORRUPT: u32 = 11;
const SQLITE_FULL: u32 = 13;
const SQLITE_NOTADB: u32 = 26;
/// The primary code is in the low byte of an extended one.
const PRIMARY_CODE: u32 = 0xff;

impl StateError {
    pub(crate) fn database(path: &std::path::Path, source: sqlx::Error) -> Self {
        let code = source.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
        let (path, source) = (path.to_owned(), Arc::new(source));
        match code.map(|code| code & PRIMARY_CODE) {
            Some(SQLITE_CORRUPT | SQLITE_NOTADB) => Self::Damaged { path, source },
            Some(SQLITE_FULL) => Self::DiskFull { path },
            _ => Self::Database { path, source },
        }
    }
}

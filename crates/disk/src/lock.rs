use std::io;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::fs::{Fs, FsLock, read_file};

/// The name of the lock file in a data folder.
const FILE_NAME: &str = "LOCK";
/// A lock file holds one short line; more is not read.
const MAX_BYTES: u64 = 4096;

/// Why a data folder could not be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process works on the folder.
    #[error("{dir} is in use by {holder}; stop it first or choose another folder")]
    Held {
        /// The folder.
        dir: String,
        /// What the lock file says about the holder.
        holder: String,
    },
    /// The lock file could not be opened or written.
    #[error("lock file {path}: {source}")]
    Io {
        /// The lock file.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// Exclusive use of a data folder, until dropped.
///
/// The lock is the operating system's and ends with the process, so a lock file that a crash left behind never has to be removed by hand.
/// Its text only tells people who holds the lock.
#[derive(Debug)]
pub struct DirLock {
    path: PathBuf,
    _lock: Box<dyn FsLock>,
}

impl DirLock {
    /// Locks `dir`, which must exist. `now_ms` is the time in milliseconds since the Unix epoch; it is written into the lock file beside the
    /// process id.
    ///
    /// A full disk is no reason to fail: the lock is held even if nothing could be written into the file.
    pub fn acquire(fs: &dyn Fs, dir: &Path, now_ms: i64) -> Result<Self, LockError> {
        let path = dir.join(FILE_NAME);
        let io_error = |source| LockError::Io { path: path.display().to_string(), source };
        let Some(lock) = fs.lock(&path).map_err(io_error)? else {
            return Err(LockError::Held { dir: dir.display().to_string(), holder: holder(fs, &path) });
        };
        let text = format!("pid {} since {}\n", std::process::id(), rfc3339(now_ms));
        if let Err(error) = lock.write(&text) {
            tracing::warn!(path = %path.display(), %error, "lock is held but could not be labelled");
        }
        Ok(Self { path, _lock: lock })
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn holder(fs: &dyn Fs, path: &Path) -> String {
    let text = read_file(fs, path, MAX_BYTES).unwrap_or_default();
    match String::from_utf8_lossy(&text).trim() {
        "" => "another process".to_owned(),
        text => format!("another process ({text})"),
    }
}

fn rfc3339(ts_ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(ts_ms.div_euclid(1000)).ok();
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_else(|| format!("{ts_ms} ms"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{Fault, Injection, RealFs, SimFs};

    fn check(fs: &dyn Fs, dir: &Path) {
        let first = DirLock::acquire(fs, dir, 1000).expect("free");
        let err = DirLock::acquire(fs, dir, 2000).expect_err("held").to_string();
        assert!(err.contains("is in use by another process (pid "), "{err}");
        assert!(err.contains("since 1970-01-01T00:00:01Z)"), "{err}");
        drop(first);
        // The file is still there, with the text of the holder before: it is taken over.
        DirLock::acquire(fs, dir, 3000).expect("free again");
    }

    #[test]
    fn one_holder_at_a_time() {
        let fs = SimFs::new();
        fs.create_dir_all(Path::new("data")).expect("no faults");
        check(&fs, Path::new("data"));
        let dir = tempfile::tempdir().expect("a place for temporary files");
        check(&RealFs::new(), dir.path());
    }

    #[test]
    fn a_full_disk_does_not_keep_the_owner_out() {
        let fs = SimFs::new();
        fs.create_dir_all(Path::new("data")).expect("no faults");
        drop(DirLock::acquire(&fs, Path::new("data"), 1).expect("free"));
        fs.inject(Injection { op: fs.ops(), times: 100, fault: Fault::NoSpace });
        DirLock::acquire(&fs, Path::new("data"), 2).expect("the lock itself needs no room");
    }
}

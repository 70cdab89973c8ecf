//! What could not be handed over, in files for the next one who can.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// More files than this are not kept: the oldest go.
const MAX_FILES: usize = 1_000;
/// As many bytes are kept, all files together.
const MAX_BYTES: u64 = 64 << 20;

/// A folder with bodies of requests. Several processes may use it, also for different targets: each target has its own files.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    /// What the names of this target's files begin with.
    prefix: String,
}

/// How many files this process has written. Two pushes of the same millisecond must not share one.
static N_WRITTEN: AtomicU64 = AtomicU64::new(0);

impl Spool {
    /// `target` tells the files of this one from those of others.
    pub(super) fn new(folder: &Path, target: &str) -> Self {
        // FNV-1a, which other versions of this crate compute in the same way.
        let hash = target.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { folder: folder.to_owned(), prefix: format!("{hash:016x}-") }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files of this target, the oldest first.
    pub(super) fn files(&self) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            let is_finished = path.extension().is_some_and(|extension| extension == "push");
            if is_finished && name.to_str().is_some_and(|name| name.starts_with(&self.prefix)) {
                files.push(path);
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    /// Keeps bodies behind those that are there.
    pub(super) fn keep(&self, bodies: &[Vec<u8>], now_ms: u64) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        for body in bodies {
            let n = N_WRITTEN.fetch_add(1, Ordering::Relaxed);
            let name = format!("{}{now_ms:014}-{}-{n:08}", self.prefix, std::process::id());
            let (unfinished, file) =
                (self.folder.join(format!("{name}.tmp")), self.folder.join(format!("{name}.push")));
            fs::write(&unfinished, body)?;
            publish(&unfinished, &file)?;
        }
        self.shrink()
    }

    fn shrink(&self) -> io::Result<()> {
        let files = self.files()?;
        let mut bytes = 0;
        for (idx, file) in files.iter().rev().enumerate() {
            bytes += fs::metadata(file).map_or(0, |metadata| metadata.len());
            if idx >= MAX_FILES || bytes > MAX_BYTES {
                remove(file)?;
            }
        }
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a spooled request is worth less than waiting for the disk when a job ends"
)]
fn publish(unfinished: &Path, file: &Path) -> io::Result<()> {
    fs::rename(unfinished, file)
}

/// Removes a file that another process may have removed meanwhile.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_in_order() {
        let folder = tempfile::tempdir().expect("made");
        let spool = Spool::new(&folder.path().join("new"), "a");
        assert!(spool.files().expect("read").is_empty());
        spool.keep(&vec![b"x".to_vec(); MAX_FILES], 1).expect("written");
        Spool::new(spool.folder(), "a").keep(&[b"y".to_vec(), b"z".to_vec()], 1).expect("written");
        let files = spool.files().expect("read");
        assert_eq!(files.len(), MAX_FILES);
        let last_two = files[MAX_FILES - 2..].iter().map(|file| fs::read(file).expect("read"));
        assert_eq!(last_two.collect::<Vec<_>>(), [b"y", b"z"]);
        assert!(
            Spool::new(spool.folder(), "b").files().expect("read").is_empty(),
            "those are of another target"
        );
    }
}

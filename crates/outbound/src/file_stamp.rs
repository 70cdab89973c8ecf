use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What changes about a file whenever its content does: replaced files have another inode, rewritten ones another change time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStamp {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileStamp {
    /// The stamp of the file at `path`, links followed; `None` if it cannot be looked at.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|m| Self::from_metadata(&m))
    }

    fn from_metadata(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Reads a small file; a larger one than `max_bytes` is an error, so that a wrong path cannot fill the memory.
pub(crate) fn read_small_file(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    use std::io::Read as _;

    let file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    file.take(max_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("the file has more than {max_bytes} bytes"),
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_follow_the_content() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("secret");
        assert_eq!(FileStamp::of(&path), None);
        std::fs::write(&path, "one").expect("writable");
        let first = FileStamp::of(&path).expect("exists");
        assert_eq!(FileStamp::of(&path), Some(first));
        std::fs::write(&path, "longer").expect("writable");
        assert_ne!(FileStamp::of(&path), Some(first));
    }

    #[test]
    fn large_files_are_refused() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("secret");
        std::fs::write(&path, "12345").expect("writable");
        assert_eq!(read_small_file(&path, 5).expect("fits"), b"12345");
        assert_eq!(
            read_small_file(&path, 4).expect_err("too large").to_string(),
            "the file has more than 4 bytes"
        );
    }
}

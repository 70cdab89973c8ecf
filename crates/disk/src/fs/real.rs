use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FallocateFlags, SeekFrom};
use rustix::io::Errno;

use super::{DirEntry, EntryKind, Fs, FsFile, FsLock, Mapped, Metadata, Space};

/// `ENODEV`: what `mmap` says on a file system without mappings.
const NO_MAPPINGS: i32 = Errno::NODEV.raw_os_error();

/// A file with more stretches of data than this counts as full: looking for the last one would take longer than reading zeroes.
const MAX_EXTENTS: usize = 1 << 10;

/// The file system of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFs;

impl RealFs {
    /// The file system of the operating system.
    pub fn new() -> Self {
        Self
    }
}

fn kind_of(metadata: &std::fs::Metadata) -> EntryKind {
    if metadata.is_file() {
        EntryKind::File
    } else if metadata.is_dir() {
        EntryKind::Dir
    } else {
        EntryKind::Other
    }
}

impl Fs for RealFs {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn FsFile>> {
        Ok(Arc::new(RealFile(Arc::new(File::open(path)?))))
    }

    fn open_write(&self, path: &Path) -> io::Result<Arc<dyn FsFile>> {
        Ok(Arc::new(RealFile(Arc::new(OpenOptions::new().read(true).write(true).open(path)?))))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn FsFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Arc::new(RealFile(Arc::new(file))))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    #[expect(clippy::disallowed_methods, reason = "this is what `publish` stands on")]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        match std::fs::hard_link(from, to) {
            // What file systems without links say, and some kernels if the file belongs to somebody else.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                Err(io::Error::new(io::ErrorKind::Unsupported, e))
            }
            linked => linked,
        }
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir_all(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            // A link that points nowhere, or a file that vanished since, must not hide the rest of the folder.
            let kind = std::fs::metadata(entry.path()).map_or(EntryKind::Other, |m| kind_of(&m));
            entries.push(DirEntry { name: entry.file_name(), kind });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let metadata = std::fs::metadata(path)?;
        Ok(Metadata { kind: kind_of(&metadata), len: metadata.len() })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(Space {
            available: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
        })
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn FsLock>>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(RealLock(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }
}

#[derive(Debug)]
struct RealFile(Arc<File>);

impl FsFile for RealFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(buf, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        match rustix::io::retry_on_intr(|| {
            rustix::fs::fallocate(self.0.as_ref(), FallocateFlags::empty(), 0, len)
        }) {
            // Some network and overlay file systems cannot reserve room. The log works without, only later in noticing a full disk.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            result => Ok(result?),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn map(&self) -> io::Result<Option<Mapped>> {
        match Mapped::file(Arc::clone(&self.0)) {
            Ok(mapped) => Ok(Some(mapped)),
            // Some file systems have no mappings.
            Err(e) if e.kind() == io::ErrorKind::Unsupported || e.raw_os_error() == Some(NO_MAPPINGS) => {
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn data_len(&self) -> io::Result<u64> {
        let len = self.len()?;
        let mut end = 0;
        // The cursor of the file moves, which nobody uses.
        for _ in 0..MAX_EXTENTS {
            let extent_end = match rustix::fs::seek(self.0.as_ref(), SeekFrom::Data(end)) {
                Ok(start) => rustix::fs::seek(self.0.as_ref(), SeekFrom::Hole(start)),
                Err(Errno::NXIO) => return Ok(end.min(len)),
                Err(e) => Err(e),
            };
            match extent_end {
                Ok(extent_end) => end = extent_end,
                // Some file systems do not know.
                Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(len),
                Err(e) => return Err(e.into()),
            }
        }
        Ok(len)
    }
}

/// The lock is `flock` on the open file; closing the file gives it up.
#[derive(Debug)]
struct RealLock(File);

impl FsLock for RealLock {
    fn write(&self, text: &str) -> io::Result<()> {
        let mut file = &self.0;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_ends_before_room_that_was_only_allocated() {
        let scratch = tempfile::tempdir().expect("a folder");
        let file = RealFs::new().create(&scratch.path().join("f")).expect("created");
        assert_eq!(file.data_len().expect("known"), 0);
        file.allocate(8 << 20).expect("room");
        crate::write_all_at(file.as_ref(), &[1; 5000], 0).expect("written");
        let data_len = file.data_len().expect("known");
        assert!((5000..=8 << 20).contains(&data_len), "{data_len}");
        crate::write_all_at(file.as_ref(), &[1], 5 << 20).expect("written");
        let data_len = file.data_len().expect("known");
        assert!(((5 << 20) + 1..=8 << 20).contains(&data_len), "{data_len}");
    }
}

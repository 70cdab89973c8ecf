//! The file system as the engines see it.

mod mapped;
mod real;
#[cfg(any(test, feature = "sim"))]
mod sim;

use std::ffi::OsString;
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use mapped::Mapped;
pub use real::RealFs;
#[cfg(any(test, feature = "sim"))]
pub use sim::{Fault, Injection, SimFs};

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// Anything else, for instance a socket.
    Other,
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// The name without the folder.
    pub name: OsString,
    /// What it stands for; symbolic links are followed.
    pub kind: EntryKind,
}

/// Facts about a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: EntryKind,
    /// Length in bytes.
    pub len: u64,
}

/// The room on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that an ordinary process may still take.
    pub available: u64,
    /// Size of the file system in bytes.
    pub total: u64,
}

/// A file system. Nothing is durable until it was synced: contents by [`FsFile::sync`], names by [`Fs::sync_dir`].
pub trait Fs: Send + Sync + Debug {
    /// Opens an existing file for reading.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn FsFile>>;

    /// Opens an existing file for reading and writing.
    fn open_write(&self, path: &Path) -> io::Result<Arc<dyn FsFile>>;

    /// Creates a file for reading and writing; fails with `AlreadyExists` if the name is taken.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn FsFile>>;

    /// Creates a folder and those above it that are missing.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Gives a file or folder another name, replacing a file of that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name. Whoever replaces one of the two does not touch the other.
    ///
    /// Fails with `Unsupported` or `CrossesDevices` where that is not possible.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Those who have it open can still read it.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a folder and all that is in it.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>>;

    /// Facts about a file or folder.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;

    /// Makes creations, renames and removals in this folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// The room on the file system that `path` is on.
    fn space(&self, path: &Path) -> io::Result<Space>;

    /// Takes the exclusive lock on the file `path`, which is created if need be, or returns `None` if another process or another
    /// caller holds it. The lock ends when the value is dropped or the process dies.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn FsLock>>>;
}

/// An open file. All reads and writes say where; there is no cursor, so `&self` is enough and threads can share it.
pub trait FsFile: Send + Sync + Debug {
    /// Reads up to `buf.len()` bytes at `offset` and returns how many; 0 at the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes up to `buf.len()` bytes at `offset` and returns how many.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes the contents and the length durable (`fdatasync`).
    ///
    /// After a failure the state of what was written is unknown, and a second call on the same file proves nothing.
    fn sync(&self) -> io::Result<()>;

    /// Reserves room for the first `len` bytes and makes the file at least that long. Not reserving anything is allowed where the file system cannot.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Cuts or extends the file.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// The whole file as memory, `None` where that is not possible. Only for files that are complete: nobody writes to them or cuts them any more.
    fn map(&self) -> io::Result<Option<Mapped>>;

    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Behind this offset the file has nothing but zeroes, as far as the file system can tell without reading it: where the data of a file ends of which more was
    /// [allocated](Self::allocate). At most the length.
    fn data_len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// A lock that is held. The file behind it can be read and replaced, to say who holds it.
pub trait FsLock: Send + Sync + Debug {
    /// Replaces what the lock file says.
    fn write(&self, text: &str) -> io::Result<()>;
}

/// Fills `buf` from `offset` on. Fails with `UnexpectedEof` if the file ends before.
pub fn read_exact_at(file: &dyn FsFile, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        match file.read_at(buf, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                buf = &mut buf[n..];
                offset += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Writes all of `buf` at `offset`. After a failure any part of it may have been written.
pub fn write_all_at(file: &dyn FsFile, mut buf: &[u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        match file.write_at(buf, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                buf = &buf[n..];
                offset += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Reads a whole file. Fails with `FileTooLarge` if it has more than `max_bytes`, before anything is allocated.
pub fn read_file(fs: &dyn Fs, path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let file = fs.open(path)?;
    let len = file.len()?;
    if len > max_bytes {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("the file has {len} bytes, more than the {max_bytes} expected at most"),
        ));
    }
    let mut buf = vec![0; len as usize];
    read_exact_at(file.as_ref(), &mut buf, 0)?;
    Ok(buf)
}

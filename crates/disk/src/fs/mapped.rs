use std::fmt;
use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use memmap2::{Advice, Mmap};
use rustix::io::Errno;

/// How much is read at a time only to see whether it can be read.
const PROBE: usize = 64 << 10;

/// The bytes of a file as memory, for files that nobody changes or cuts any more. Clones share the memory, which stays as long as one of them does, even if the
/// file is removed.
#[derive(Clone)]
pub struct Mapped(Source);

#[derive(Clone)]
enum Source {
    File {
        map: Arc<Mmap>,
        file: Arc<File>,
    },
    #[cfg(any(test, feature = "sim"))]
    Copy {
        bytes: Arc<[u8]>,
        load: Arc<dyn Fn() -> io::Result<()> + Send + Sync>,
    },
}

impl Mapped {
    /// Maps the whole file as it is now.
    #[expect(unsafe_code, reason = "there is no other way to map a file")]
    pub(super) fn file(file: Arc<File>) -> io::Result<Self> {
        // SAFETY: the bytes behind the slice must not change while it is borrowed. `FsFile::map` is only for files that are complete and published: nothing in the
        // program opens such a file for writing or changes its length, it can only be unlinked, which leaves the mapping alone. The map is private to this type and
        // only handed out as `&[u8]`. A foreign process that writes to the file changes what is read, as it does with `read`: all content is checked against a
        // checksum before it is believed, and each decoder survives any bytes, whether they change under it or not. A foreign process that cuts the file, or a device
        // that fails when memory was short and pages come back from it, ends the process with SIGBUS; `load` finds what cannot be read before it is touched the first time.
        let map = unsafe { Mmap::map(&*file)? };
        Ok(Self(Source::File { map: Arc::new(map), file }))
    }

    /// A copy instead of a mapping. `load` is asked whenever something should be loaded.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn copy(bytes: Arc<[u8]>, load: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Source::Copy { bytes, load: Arc::new(load) })
    }

    /// Brings a range into memory, so that a device that cannot deliver it makes an error here and not a signal where the bytes are first touched.
    pub fn load(&self, range: Range<usize>) -> io::Result<()> {
        if range.start > range.end || range.end > self.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &self.0 {
            Source::File { map, file } => {
                let advised = map.advise_range(Advice::PopulateRead, range.start, range.len());
                match advised.map_err(|e| (Errno::from_io_error(&e), e)) {
                    Ok(()) => Ok(()),
                    // What the kernel says where touching the bytes would have made a signal.
                    Err((Some(Errno::FAULT), _)) => Err(Errno::IO.into()),
                    // Kernels before 5.14 do not know the advice.
                    Err((Some(Errno::INVAL | Errno::NOSYS), _)) => probe(file, range),
                    Err((_, e)) => Err(e),
                }
            }
            #[cfg(any(test, feature = "sim"))]
            Source::Copy { load, .. } => load(),
        }
    }
}

/// Reads a range for nothing but to see that it can be read.
fn probe(file: &File, range: Range<usize>) -> io::Result<()> {
    let mut buf = vec![0; range.len().min(PROBE)];
    let mut at = range.start;
    while at < range.end {
        let n = buf.len().min(range.end - at);
        file.read_exact_at(&mut buf[..n], at as u64)?;
        at += n;
    }
    Ok(())
}

impl Deref for Mapped {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Source::File { map, .. } => map,
            #[cfg(any(test, feature = "sim"))]
            Source::Copy { bytes, .. } => bytes,
        }
    }
}

impl fmt::Debug for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapped").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Fs, RealFs, write_all_at};
    use super::*;

    fn mapped(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> Mapped {
        let file = fs.create(path).expect("created");
        write_all_at(file.as_ref(), bytes, 0).expect("written");
        fs.open(path).expect("there").map().expect("mapped").expect("can be mapped")
    }

    #[test]
    fn real_files_are_mapped_and_outlive_their_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        let bytes: Vec<u8> = (0..200_000).map(|i| (i % 251) as u8).collect();
        let map = mapped(&RealFs::new(), &path, &bytes);
        map.load(0..bytes.len()).expect("in memory");
        map.load(70_001..70_002).expect("in memory");
        map.load(5..5).expect("nothing to do");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(*map, *bytes);
        assert_eq!(map.load(0..bytes.len() + 1).expect_err("too far").kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_cannot_be_loaded_is_an_error_and_no_signal() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        let map = mapped(&RealFs::new(), &path, &vec![1; 200_000]);
        std::fs::OpenOptions::new().write(true).open(&path).expect("there").set_len(10).expect("cut");
        assert!(map.load(100_000..100_010).is_err());
        let Source::File { file, .. } = &map.0 else { panic!("a real file") };
        assert!(probe(file, 100_000..100_010).is_err(), "without the advice too");
        assert!(probe(file, 0..10).is_ok());
    }

    #[test]
    fn an_empty_file_is_an_empty_map() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(mapped(&RealFs::new(), &dir.path().join("a"), b"").is_empty());
    }
}

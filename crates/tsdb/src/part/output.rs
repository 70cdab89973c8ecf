use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_disk::{Crc32c, Fs, FsFile, write_all_at};

use super::meta::FileMeta;

/// Written to the file when it has grown to this many bytes.
const BUFFER: usize = 256 << 10;

/// A file that is written from the beginning to the end.
#[derive(Debug)]
pub(super) struct Output {
    file: Arc<dyn FsFile>,
    path: PathBuf,
    buffer: Vec<u8>,
    /// Bytes that are in the file already.
    written: u64,
    crc: Crc32c,
}

impl Output {
    pub(super) fn create(fs: &dyn Fs, path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: fs.create(path)?,
            path: path.to_owned(),
            buffer: Vec::new(),
            written: 0,
            crc: Crc32c::new(),
        })
    }

    /// How many bytes were put so far.
    pub(super) fn len(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        write_all_at(self.file.as_ref(), &self.buffer, self.written)?;
        self.crc = self.crc.update(&self.buffer);
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes what is left. The caller syncs the folder's files before it is published.
    pub(super) fn finish(mut self) -> io::Result<FileMeta> {
        self.flush()?;
        let name = self.path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        Ok(FileMeta { name, len: self.written, crc32c: self.crc.value() })
    }
}

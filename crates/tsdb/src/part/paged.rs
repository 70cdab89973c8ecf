use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bellwether_disk::{Crc32c, Fs, FsFile, Mapped, read_exact_at};

use crate::coding::Cursor;
use crate::options::ReadMode;

use super::error::PartError;
use super::file_header::{self, FileHeader, FileKind, HeaderError};
use super::meta::FileMeta;
use super::output::Output;

/// Bytes of data that share a checksum.
const PAGE: u64 = 64 << 10;
const FOOTER: u64 = 24;

/// Writes a file whose data is checked page by page.
#[derive(Debug)]
pub(super) struct PagedWriter {
    output: Output,
    /// Checksums of the full pages.
    checksums: Vec<u32>,
    /// The page that is not full yet.
    page: Crc32c,
    page_len: u64,
    data_len: u64,
}

impl PagedWriter {
    pub(super) fn create(fs: &dyn Fs, path: &Path, kind: FileKind, part: u64) -> io::Result<Self> {
        let mut output = Output::create(fs, path)?;
        output.put(&FileHeader { kind, page_size: PAGE as u32, part }.encode())?;
        Ok(Self { output, checksums: Vec::new(), page: Crc32c::new(), page_len: 0, data_len: 0 })
    }

    /// Appends data and returns its offset.
    pub(super) fn put(&mut self, data: &[u8]) -> io::Result<u64> {
        let offset = self.data_len;
        let mut rest = data;
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(rest.len().min((PAGE - self.page_len) as usize));
            self.page = self.page.update(head);
            self.page_len += head.len() as u64;
            if self.page_len == PAGE {
                self.end_page();
            }
            rest = tail;
        }
        self.output.put(data)?;
        self.data_len += data.len() as u64;
        Ok(offset)
    }

    fn end_page(&mut self) {
        self.checksums.push(self.page.value());
        self.page = Crc32c::new();
        self.page_len = 0;
    }

    pub(super) fn finish(mut self) -> io::Result<FileMeta> {
        if self.page_len > 0 {
            self.end_page();
        }
        let mut tail: Vec<u8> = self.checksums.iter().flat_map(|c| c.to_le_bytes()).collect();
        tail.extend_from_slice(&self.data_len.to_le_bytes());
        tail.extend_from_slice(&(self.checksums.len() as u64).to_le_bytes());
        tail.extend_from_slice(&0_u32.to_le_bytes());
        let crc = Crc32c::of(&tail);
        tail.extend_from_slice(&crc.to_le_bytes());
        self.output.put(&tail)?;
        self.output.finish()
    }
}

/// Reads from a file that [`PagedWriter`] wrote. A page is verified when something in it is first read.
#[derive(Debug)]
pub(super) struct PagedFile {
    file: Arc<dyn FsFile>,
    /// The same file as memory; `None`: pages are read.
    map: Option<Mapped>,
    path: PathBuf,
    data_len: u64,
    checksums: Vec<u32>,
    /// One bit per page.
    verified: Vec<AtomicU64>,
}

impl PagedFile {
    /// Opens the file and verifies everything but the data.
    pub(super) fn open(
        fs: &dyn Fs,
        path: &Path,
        kind: FileKind,
        part: u64,
        mode: ReadMode,
    ) -> Result<Self, PartError> {
        let io = |e| PartError::io(path, e);
        let file = fs.open(path).map_err(io)?;
        let len = file.len().map_err(io)?;
        let Some(data_end) = len.checked_sub(FOOTER).filter(|end| *end >= file_header::LEN as u64) else {
            return Err(PartError::damaged(path, "the file is shorter than its header and footer"));
        };
        let mut head = [0; file_header::LEN];
        read_exact_at(file.as_ref(), &mut head, 0).map_err(io)?;
        let header = FileHeader { kind, page_size: PAGE as u32, part };
        header.check(&head).map_err(|e| match e {
            HeaderError::Newer(_) => {
                PartError::Newer { path: path.display().to_string(), what: e.to_string() }
            }
            HeaderError::Damaged(_) => PartError::damaged(path, e.to_string()),
        })?;
        let mut footer = [0; FOOTER as usize];
        read_exact_at(file.as_ref(), &mut footer, data_end).map_err(io)?;
        let mut fields = Cursor::new(&footer);
        let decoding = PartError::decoding(path);
        let data_len = fields.u64().map_err(&decoding)?;
        let n_pages = fields.u64().map_err(&decoding)?;
        fields.u32().map_err(&decoding)?;
        let crc = fields.u32().map_err(&decoding)?;
        // All sizes must add up to the length of the file before any of them is believed.
        let table_len = n_pages.checked_mul(4);
        let adds_up = n_pages == data_len.div_ceil(PAGE)
            && table_len
                .and_then(|table| table.checked_add(data_len))
                .and_then(|sum| sum.checked_add(file_header::LEN as u64))
                == Some(data_end);
        if !adds_up {
            return Err(PartError::damaged(path, "the footer does not fit the length of the file"));
        }
        let mut table = vec![0; n_pages as usize * 4];
        read_exact_at(file.as_ref(), &mut table, file_header::LEN as u64 + data_len).map_err(io)?;
        if Crc32c::new().update(&table).update(&footer[..FOOTER as usize - 4]).value() != crc {
            return Err(PartError::damaged(path, "checksum of the footer"));
        }
        let mut entries = Cursor::new(&table);
        let checksums =
            (0..n_pages).map(|_| entries.u32()).collect::<Result<Vec<_>, _>>().map_err(&decoding)?;
        let verified = (0..n_pages.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let map = match mode {
            ReadMode::Map => file.map().map_err(io)?,
            ReadMode::Read => None,
        };
        if map.as_ref().is_some_and(|map| map.len() as u64 != len) {
            return Err(PartError::damaged(path, "the file changes its length"));
        }
        Ok(Self { file, map, path: path.to_owned(), data_len, checksums, verified })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// `len` bytes of data from `offset` on. `scratch` is used where they have to be copied.
    pub(super) fn read<'a>(
        &'a self,
        offset: u64,
        len: usize,
        scratch: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], PartError> {
        let end = offset.checked_add(len as u64).filter(|end| *end <= self.data_len);
        let Some(end) = end else {
            return Err(PartError::damaged(&self.path, format!("nothing is stored at {offset}+{len}")));
        };
        if len == 0 {
            return Ok(&[]);
        }
        for page in offset / PAGE..end.div_ceil(PAGE) {
            if !self.is_verified(page) {
                self.verify(page)?;
            }
        }
        if let Some(map) = &self.map {
            let start = file_header::LEN + offset as usize;
            return Ok(&map[start..start + len]);
        }
        // Every byte is overwritten; only what the buffer grows by is filled first.
        scratch.resize(len, 0);
        read_exact_at(self.file.as_ref(), scratch, file_header::LEN as u64 + offset)
            .map_err(|e| PartError::io(&self.path, e))?;
        Ok(scratch)
    }

    fn is_verified(&self, page: u64) -> bool {
        self.verified[(page / 64) as usize].load(Ordering::Relaxed) & (1 << (page % 64)) != 0
    }

    #[cold]
    fn verify(&self, page: u64) -> Result<(), PartError> {
        let io = |e| PartError::io(&self.path, e);
        let offset = file_header::LEN as u64 + page * PAGE;
        let len = (self.data_len - page * PAGE).min(PAGE) as usize;
        let crc = if let Some(map) = &self.map {
            let range = offset as usize..offset as usize + len;
            map.load(range.clone()).map_err(io)?;
            Crc32c::of(&map[range])
        } else {
            let mut bytes = vec![0; len];
            read_exact_at(self.file.as_ref(), &mut bytes, offset).map_err(io)?;
            Crc32c::of(&bytes)
        };
        if crc != self.checksums[page as usize] {
            let what = format!("checksum of page {page}, {len} bytes at offset {offset}");
            return Err(PartError::damaged(&self.path, what));
        }
        self.verified[(page / 64) as usize].fetch_or(1 << (page % 64), Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bellwether_disk::{Fault, Injection, SimFs};

    use super::*;

    const PATH: &str = "val.bin";

    fn file(len: usize) -> (SimFs, Vec<u8>) {
        let fs = SimFs::new();
        let data: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
        let mut writer = PagedWriter::create(&fs, Path::new(PATH), FileKind::Floats, 3).expect("no faults");
        for piece in data.chunks(10_007) {
            writer.put(piece).expect("no faults");
        }
        let meta = writer.finish().expect("no faults");
        assert_eq!(meta.len, fs.metadata(Path::new(PATH)).expect("there").len);
        (fs, data)
    }

    const MODES: [ReadMode; 2] = [ReadMode::Map, ReadMode::Read];

    fn open(fs: &SimFs, mode: ReadMode) -> Result<PagedFile, PartError> {
        PagedFile::open(fs, Path::new(PATH), FileKind::Floats, 3, mode)
    }

    #[test]
    fn reads_any_range() {
        for (len, mode) in [0, 1, PAGE as usize, 200_000].into_iter().flat_map(|len| MODES.map(|m| (len, m)))
        {
            let (fs, data) = file(len);
            let file = open(&fs, mode).expect("whole");
            let mut out = Vec::new();
            for (from, to) in [(0, len), (len / 3, len / 2), (len, len), (len.saturating_sub(1), len)] {
                assert_eq!(file.read(from as u64, to - from, &mut out).expect("in range"), &data[from..to]);
            }
            assert!(file.read(len as u64, 1, &mut out).is_err());
            assert!(file.read(u64::MAX, 2, &mut out).is_err());
        }
    }

    #[test]
    fn a_bad_page_costs_only_itself() {
        let (fs, data) = file(200_000);
        fs.tamper(Path::new(PATH), |bytes| bytes[32 + 70_000] ^= 1).expect("there");
        for mode in MODES {
            let file = open(&fs, mode).expect("the page is only looked at when it is needed");
            let mut out = Vec::new();
            assert_eq!(file.read(0, 1000, &mut out).expect("page 0 is good"), &data[..1000]);
            file.read(140_000, 60_000, &mut out).expect("pages 2 and 3 are good");
            for _ in 0..2 {
                let err = file.read(60_000, 10_000, &mut out).expect_err("page 1 is bad").to_string();
                assert_eq!(err, "val.bin: checksum of page 1, 65536 bytes at offset 65568");
            }
        }
    }

    #[test]
    fn a_page_that_cannot_be_read_costs_only_itself() {
        for mode in MODES {
            let (fs, data) = file(200_000);
            let file = open(&fs, mode).expect("whole");
            let mut out = Vec::new();
            fs.inject_read(Injection { op: fs.reads(), times: 1, fault: Fault::Io });
            assert!(matches!(file.read(70_000, 10, &mut out), Err(PartError::Io { .. })), "{mode:?}");
            assert_eq!(
                file.read(70_000, 10, &mut out).expect("the disk is well again"),
                &data[70_000..70_010]
            );
        }
    }

    #[test]
    fn damage_around_the_data_is_noticed_at_once() {
        let (fs, _) = file(200_000);
        let len = fs.metadata(Path::new(PATH)).expect("there").len as usize;
        for at in (0..32).chain(len - 40..len) {
            let (fs, _) = file(200_000);
            fs.tamper(Path::new(PATH), |bytes| bytes[at] ^= 1).expect("there");
            assert!(MODES.iter().all(|mode| open(&fs, *mode).is_err()), "byte {at}");
        }
        for keep in [0, 31, 55, 1000, len - 1] {
            let (fs, _) = file(200_000);
            fs.tamper(Path::new(PATH), |bytes| bytes.truncate(keep)).expect("there");
            assert!(MODES.iter().all(|mode| open(&fs, *mode).is_err()), "cut to {keep}");
        }
    }
}

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bellwether_disk::{Crc32c, Fs, read_file};

use crate::coding::Cursor;

use super::error::PartError;
use super::file_header::{self, FileHeader, FileKind, HeaderError};
use super::meta::FileMeta;
use super::output::Output;

/// A file of sections is read whole; more than this is not believed.
const MAX_BYTES: u64 = 16 << 30;
/// Bytes per section in the table at the end.
const ENTRY: usize = 24;
/// The number of sections and the checksum behind the table.
const TAIL: usize = 8;

/// Writes a file that consists of sections.
#[derive(Debug)]
pub(super) struct SectionWriter {
    output: Output,
    table: Vec<u8>,
    n_sections: u32,
}

impl SectionWriter {
    pub(super) fn create(fs: &dyn Fs, path: &Path, kind: FileKind, part: u64) -> io::Result<Self> {
        let mut output = Output::create(fs, path)?;
        output.put(&FileHeader { kind, page_size: 0, part }.encode())?;
        Ok(Self { output, table: Vec::new(), n_sections: 0 })
    }

    /// Appends a section.
    pub(super) fn put(&mut self, section: u32, bytes: &[u8]) -> io::Result<()> {
        self.table.extend_from_slice(&section.to_le_bytes());
        self.table.extend_from_slice(&Crc32c::of(bytes).to_le_bytes());
        self.table.extend_from_slice(&self.output.len().to_le_bytes());
        self.table.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.n_sections += 1;
        self.output.put(bytes)
    }

    pub(super) fn finish(mut self) -> io::Result<FileMeta> {
        self.table.extend_from_slice(&self.n_sections.to_le_bytes());
        let crc = Crc32c::of(&self.table);
        self.table.extend_from_slice(&crc.to_le_bytes());
        self.output.put(&self.table)?;
        self.output.finish()
    }
}

/// A file of sections in memory, verified.
#[derive(Debug)]
pub(super) struct SectionFile {
    path: PathBuf,
    bytes: Vec<u8>,
    sections: Vec<(u32, Range<usize>)>,
}

impl SectionFile {
    /// Reads the file and verifies all of it. `known` are the sections that this code understands; all of them must be there.
    pub(super) fn open(
        fs: &dyn Fs,
        path: &Path,
        kind: FileKind,
        part: u64,
        known: &[u32],
    ) -> Result<Self, PartError> {
        let bytes = read_file(fs, path, MAX_BYTES).map_err(|e| PartError::io(path, e))?;
        FileHeader { kind, page_size: 0, part }.check(&bytes).map_err(|e| match e {
            HeaderError::Newer(_) => {
                PartError::Newer { path: path.display().to_string(), what: e.to_string() }
            }
            HeaderError::Damaged(_) => PartError::damaged(path, e.to_string()),
        })?;
        let sections = read_table(&bytes).map_err(|what| PartError::damaged(path, what))?;
        if let Some((unknown, _)) = sections.iter().find(|(section, _)| !known.contains(section)) {
            let what = format!("unknown section {unknown}");
            return Err(PartError::Newer { path: path.display().to_string(), what });
        }
        if let Some(missing) = known.iter().find(|k| sections.iter().all(|(section, _)| section != *k)) {
            return Err(PartError::damaged(path, format!("section {missing} is missing")));
        }
        Ok(Self { path: path.to_owned(), bytes, sections })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes of memory the file takes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The content of a section, which was asked for when the file was opened.
    pub(super) fn section(&self, section: u32) -> &[u8] {
        let found = self.sections.iter().find(|(s, _)| *s == section);
        let (_, range) = found.expect("BUG: the section was checked when the file was opened");
        &self.bytes[range.clone()]
    }
}

fn read_table(bytes: &[u8]) -> Result<Vec<(u32, Range<usize>)>, String> {
    let too_short = || "the file is shorter than its table of sections".to_owned();
    let tail_at = bytes.len().checked_sub(TAIL).filter(|at| *at >= file_header::LEN).ok_or_else(too_short)?;
    let mut tail = Cursor::new(&bytes[tail_at..]);
    let n = tail.u32().map_err(|e| e.to_string())? as usize;
    let crc = tail.u32().map_err(|e| e.to_string())?;
    let table_at = n
        .checked_mul(ENTRY)
        .and_then(|len| tail_at.checked_sub(len))
        .filter(|at| *at >= file_header::LEN)
        .ok_or_else(too_short)?;
    if Crc32c::of(&bytes[table_at..tail_at + 4]) != crc {
        return Err("checksum of the table of sections".to_owned());
    }
    let mut entries = Cursor::new(&bytes[table_at..tail_at]);
    let mut sections = Vec::with_capacity(n);
    while !entries.is_empty() {
        let mut entry = || {
            Ok::<_, crate::coding::DecodeError>((
                entries.u32()?,
                entries.u32()?,
                entries.u64()?,
                entries.u64()?,
            ))
        };
        let (section, crc, offset, len) = entry().map_err(|e| e.to_string())?;
        let end = offset
            .checked_add(len)
            .filter(|end| offset >= file_header::LEN as u64 && *end <= table_at as u64);
        let Some(end) = end else { return Err(format!("section {section} lies outside of the file")) };
        let range = offset as usize..end as usize;
        if Crc32c::of(&bytes[range.clone()]) != crc {
            return Err(format!("checksum of section {section}"));
        }
        sections.push((section, range));
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use bellwether_disk::SimFs;

    use super::*;

    const PATH: &str = "index.bin";

    fn file() -> SimFs {
        let fs = SimFs::new();
        let mut writer = SectionWriter::create(&fs, Path::new(PATH), FileKind::Index, 1).expect("no faults");
        writer.put(1, b"first").expect("no faults");
        writer.put(2, b"").expect("no faults");
        writer.put(3, &[7; 1000]).expect("no faults");
        writer.finish().expect("no faults");
        fs
    }

    fn open(fs: &SimFs, known: &[u32]) -> Result<SectionFile, PartError> {
        SectionFile::open(fs, Path::new(PATH), FileKind::Index, 1, known)
    }

    #[test]
    fn sections_read_back() {
        let file = open(&file(), &[1, 2, 3]).expect("whole");
        assert_eq!(
            (file.section(1), file.section(2), file.section(3).len()),
            (&b"first"[..], &b""[..], 1000)
        );
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let len = file().metadata(Path::new(PATH)).expect("there").len as usize;
        for at in 0..len {
            let fs = file();
            fs.tamper(Path::new(PATH), |bytes| bytes[at] ^= 4).expect("there");
            assert!(open(&fs, &[1, 2, 3]).is_err(), "byte {at}");
            let fs = file();
            fs.tamper(Path::new(PATH), |bytes| bytes.truncate(at)).expect("there");
            assert!(open(&fs, &[1, 2, 3]).is_err(), "cut to {at}");
        }
    }

    #[test]
    fn unknown_and_missing_sections() {
        let err = open(&file(), &[1, 2]).expect_err("unknown").to_string();
        assert!(err.contains("unknown section 3; use the program that wrote it"), "{err}");
        let err = open(&file(), &[1, 2, 3, 4]).expect_err("missing").to_string();
        assert!(err.contains("section 4 is missing"), "{err}");
    }
}

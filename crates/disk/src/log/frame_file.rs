use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::fs::{Fs, FsFile, write_all_at};

use super::frame;
use super::group::Group;
use super::segment::SegmentHeader;

/// A file of frames that is written once, from the beginning to the end, and then never changed, for instance a checkpoint.
#[derive(Debug)]
pub struct FrameFile {
    file: Arc<dyn FsFile>,
    header: SegmentHeader,
    len: u64,
    next_seq: u64,
}

impl FrameFile {
    /// Creates the file and writes its header. The frames are numbered from the header's `first_seq` on.
    pub fn create(fs: &dyn Fs, path: &Path, header: SegmentHeader) -> io::Result<Self> {
        let file = fs.create(path)?;
        write_all_at(file.as_ref(), &header.encode(), 0)?;
        Ok(Self { file, header, len: SegmentHeader::LEN as u64, next_seq: header.first_seq })
    }

    /// Writes a group of frames and returns it empty, for the next ones.
    pub fn append(&mut self, mut group: Group) -> io::Result<Group> {
        self.next_seq += frame::stamp(&mut group.bytes, self.next_seq, self.header.seed());
        write_all_at(self.file.as_ref(), &group.bytes, self.len)?;
        self.len += group.bytes.len() as u64;
        group.clear();
        Ok(group)
    }

    /// Makes everything durable and returns the length of the file in bytes.
    pub fn finish(self) -> io::Result<u64> {
        self.file.sync()?;
        Ok(self.len)
    }
}

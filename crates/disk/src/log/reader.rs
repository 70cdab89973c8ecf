use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Crc32c;
use crate::fs::{Fs, FsFile};

use super::ALIGN;
use super::frame::{Frame, FrameHeader, HEADER_LEN, MAGIC};
use super::segment::{HeaderError, SegmentHeader, StoreId, frame_seed};

/// How much is read at a time. A longer frame is read whole, so the buffer has at most the size of a frame and this.
const WINDOW: usize = 1 << 20;
/// After a read error the range is read again in pieces of this size, to lose as little as possible.
const PAGE: usize = 4096;

/// What a reader came across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A frame; [`FrameFileReader::frame`] returns it.
    Frame,
    /// No frame starts in this range, and one follows it.
    Damage {
        /// Where the range starts.
        offset: u64,
        /// How long it is in bytes.
        len: u64,
    },
    /// There are no more frames.
    End {
        /// Where the last frame ends.
        offset: u64,
        /// How many bytes behind it are not just zeroes, counted up to the last byte that is not zero.
        torn: u64,
    },
}

/// Reads the frames of one file, one after the other, in bounded memory, and steps over damage.
#[derive(Debug)]
pub struct FrameFileReader {
    file: Arc<dyn FsFile>,
    path: PathBuf,
    len: u64,
    /// Behind this there are only zeroes.
    data_len: u64,
    segment: u64,
    seed: Crc32c,
    /// Where the next frame is looked for.
    at: u64,
    /// The part of the file from `window_start` on.
    window: Vec<u8>,
    window_start: u64,
    /// The frame that [`Step::Frame`] stood for.
    current: Option<(u64, FrameHeader)>,
    unreadable: u64,
    ended: bool,
}

impl FrameFileReader {
    /// Opens a file and reads its header.
    ///
    /// `number` is the one in the file's name. A damaged header is no error: it is returned beside the reader, and the frames
    /// are read with the checksums that they should have.
    pub fn open(
        fs: &dyn Fs,
        path: &Path,
        store_id: StoreId,
        number: u64,
    ) -> io::Result<(Self, Result<SegmentHeader, HeaderError>)> {
        let file = fs.open(path)?;
        let len = file.len()?;
        // Segments are preallocated. If it is not known how much of one was used, all of it is read.
        let data_len = file.data_len().unwrap_or(len).min(len);
        let mut reader = Self {
            file,
            path: path.to_owned(),
            len,
            data_len,
            segment: number,
            seed: frame_seed(store_id, number),
            at: (SegmentHeader::LEN as u64).min(len),
            window: Vec::new(),
            window_start: 0,
            current: None,
            unreadable: 0,
            ended: false,
        };
        let head = (SegmentHeader::LEN as u64).min(len) as usize;
        reader.load(0, head);
        let header = SegmentHeader::decode(&reader.window[..head], store_id);
        if let Ok(header) = &header {
            reader.seed = header.seed();
        }
        Ok((reader, header))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Length of the file in bytes.
    pub fn file_len(&self) -> u64 {
        self.len
    }

    /// Where the data of the file ends at the latest; zeroes may follow. At most [`file_len`](Self::file_len).
    pub fn data_len(&self) -> u64 {
        self.data_len
    }

    /// How many bytes could not be read so far. They count as zeroes.
    pub fn unreadable_bytes(&self) -> u64 {
        self.unreadable
    }

    /// Whether the first bytes, where the header should be, are all zero: the file was created and nothing reached the disk.
    pub fn starts_with_zeroes(&mut self) -> bool {
        let head = (SegmentHeader::LEN as u64).min(self.len) as usize;
        self.load(0, head);
        self.window[..head].iter().all(|b| *b == 0)
    }

    /// Copies a range of the file, at most `len` bytes.
    pub fn copy_range(
        &self,
        offset: u64,
        len: u64,
        mut sink: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut buf = vec![0; WINDOW];
        let end = offset.saturating_add(len).min(self.len);
        let mut at = offset;
        while at < end {
            let n = (end - at).min(WINDOW as u64) as usize;
            read_what_is_readable(self.file.as_ref(), &mut buf[..n], at);
            sink(&buf[..n])?;
            at += n as u64;
        }
        Ok(())
    }

    /// Goes on to the next frame, damage or the end. After the end it stays there.
    pub fn step(&mut self) -> Step {
        self.current = None;
        if self.ended {
            return Step::End { offset: self.at, torn: 0 };
        }
        let start = self.at;
        if let Some(header) = self.frame_at(start) {
            self.at = start + header.frame_len() as u64;
            self.current = Some((start, header));
            return Step::Frame;
        }
        let (next, last_nonzero) = self.resynchronise(start);
        if let Some(next) = next {
            self.at = next;
            return Step::Damage { offset: start, len: next - start };
        }
        self.ended = true;
        Step::End { offset: start, torn: last_nonzero.map_or(0, |last| last + 1 - start) }
    }

    /// The frame after [`Step::Frame`], else `None`.
    pub fn frame(&mut self) -> Option<Frame<'_>> {
        let (offset, header) = self.current?;
        self.load(offset, HEADER_LEN + header.payload_len);
        let from = (offset - self.window_start) as usize;
        Some(Frame {
            segment: self.segment,
            offset,
            codec: header.codec,
            shard: header.shard,
            seq: header.seq,
            payload: &self.window[from + HEADER_LEN..from + HEADER_LEN + header.payload_len],
        })
    }

    /// Whether the frame after [`Step::Frame`] has a version that this code knows; a whole frame of another version comes from a newer program.
    pub fn is_known(&self) -> bool {
        self.current.is_none_or(|(_, header)| header.is_known())
    }

    /// The valid frame at `offset`, if there is one.
    fn frame_at(&mut self, offset: u64) -> Option<FrameHeader> {
        if offset + HEADER_LEN as u64 > self.len {
            return None;
        }
        self.load(offset, HEADER_LEN);
        let header = FrameHeader::decode(&self.window[(offset - self.window_start) as usize..])?;
        let needed = HEADER_LEN + header.payload_len;
        if offset + needed as u64 > self.len {
            return None;
        }
        self.load(offset, needed);
        let frame = &self.window[(offset - self.window_start) as usize..][..needed];
        header.is_valid(frame, self.seed).then_some(header)
    }

    /// Looks for the next valid frame after `start`. Returns it, and the last byte on the way that is not zero.
    fn resynchronise(&mut self, start: u64) -> (Option<u64>, Option<u64>) {
        let mut last_nonzero = None;
        let mut at = start;
        while at < self.data_len {
            let n = (self.data_len - at).min(WINDOW as u64) as usize;
            self.load(at, n);
            let from = (at - self.window_start) as usize;
            let bytes = &self.window[from..from + n];
            if let Some(last) = last_nonzero_of(bytes) {
                // The position in front of a frame must not count bytes behind it; callers use it only if there is no frame.
                last_nonzero = Some(at + last as u64);
                let candidates: Vec<u64> = (0..n.saturating_sub(MAGIC.len() - 1))
                    .step_by(ALIGN)
                    .filter(|i| bytes[*i..*i + MAGIC.len()] == MAGIC)
                    .map(|i| at + i as u64)
                    .collect();
                let found = candidates.into_iter().find(|c| *c > start && self.frame_at(*c).is_some());
                if found.is_some() {
                    return (found, last_nonzero);
                }
            }
            at += n as u64;
        }
        (None, last_nonzero)
    }

    /// Makes the window hold `len` bytes from `offset` on; they must be in the file.
    fn load(&mut self, offset: u64, len: usize) {
        let end = offset + len as u64;
        let window_end = self.window_start + self.window.len() as u64;
        if self.window_start <= offset && end <= window_end {
            return;
        }
        let wanted = (len.max(WINDOW) as u64).min(self.len - offset) as usize;
        self.window.resize(wanted, 0);
        self.window_start = offset;
        self.unreadable += read_what_is_readable(self.file.as_ref(), &mut self.window, offset);
    }
}

/// The place of the last byte that is not zero.
fn last_nonzero_of(bytes: &[u8]) -> Option<usize> {
    // Most of what is looked through is zeroes, so they are compared many at a time.
    let (blocks, rest) = bytes.as_chunks::<64>();
    if rest.iter().all(|b| *b == 0) && blocks.iter().all(|block| *block == [0; 64]) {
        return None;
    }
    bytes.iter().rposition(|b| *b != 0)
}

/// Fills `buf`; what cannot be read becomes zero. Returns how many bytes that were.
fn read_what_is_readable(file: &dyn FsFile, buf: &mut [u8], offset: u64) -> u64 {
    if crate::fs::read_exact_at(file, buf, offset).is_ok() {
        return 0;
    }
    let mut lost = 0;
    for (idx, page) in buf.chunks_mut(PAGE).enumerate() {
        if crate::fs::read_exact_at(file, page, offset + (idx * PAGE) as u64).is_err() {
            page.fill(0);
            lost += page.len() as u64;
        }
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::super::{FrameFile, Group, SegmentKind};
    use super::*;
    use crate::fs::{Fault, Injection, SimFs};

    const ID: StoreId = StoreId([1; 16]);
    const PATH: &str = "f";

    /// A file with one frame per payload.
    fn file(payloads: &[&[u8]]) -> SimFs {
        let fs = SimFs::new();
        let header = SegmentHeader { kind: SegmentKind::Log, store_id: ID, number: 3, first_seq: 10 };
        let mut file = FrameFile::create(&fs, Path::new(PATH), header).expect("no faults");
        for payload in payloads {
            let mut group = Group::new();
            group.frame(0, 0, |out| out.extend_from_slice(payload)).expect("short");
            file.append(group).expect("no faults");
        }
        file.finish().expect("no faults");
        fs
    }

    fn steps(fs: &SimFs) -> Vec<String> {
        let (mut reader, header) = FrameFileReader::open(fs, Path::new(PATH), ID, 3).expect("there");
        let mut seen: Vec<String> = header.err().map(|e| e.to_string()).into_iter().collect();
        loop {
            let step = reader.step();
            match step {
                Step::Frame => {
                    let frame = reader.frame().expect("just found");
                    seen.push(format!("{}:{}", frame.seq, String::from_utf8_lossy(frame.payload)));
                }
                Step::Damage { offset, len } => seen.push(format!("damage {offset}+{len}")),
                Step::End { offset, torn } => {
                    seen.push(format!("end {offset}, torn {torn}"));
                    assert_eq!(reader.step(), Step::End { offset, torn: 0 });
                    break seen;
                }
            }
        }
    }

    #[test]
    fn reads_frames_up_to_the_zeroes() {
        let fs = file(&[b"a", b"", b"cc"]);
        fs.tamper(Path::new(PATH), |bytes| bytes.resize(5000, 0)).expect("there");
        assert_eq!(steps(&fs), ["10:a", "11:", "12:cc", "end 152, torn 0"]);
    }

    #[test]
    fn room_that_was_not_used_is_not_read() {
        let fs = file(&[b"a"]);
        fs.tamper(Path::new(PATH), |bytes| bytes.resize(64 * WINDOW, 0)).expect("there");
        let before = fs.reads();
        assert_eq!(steps(&fs), ["10:a", "end 96, torn 0"]);
        assert!(fs.reads() - before < 8, "{} reads", fs.reads() - before);
        // A byte far behind the last frame is data, and found.
        fs.tamper(Path::new(PATH), |bytes| bytes[9 * WINDOW] = 1).expect("there");
        assert_eq!(steps(&fs), ["10:a", &format!("end 96, torn {}", 9 * WINDOW - 95)]);
    }

    #[test]
    fn steps_over_damage_in_the_middle() {
        let fs = file(&[b"aaaa", b"bbbb", b"cccc"]);
        fs.tamper(Path::new(PATH), |bytes| bytes[64 + 32 + 25] ^= 1).expect("there");
        assert_eq!(steps(&fs), ["10:aaaa", "damage 96+32", "12:cccc", "end 160, torn 0"]);
        // A page that was lost reads as zeroes; that is not the end of the log either.
        fs.tamper(Path::new(PATH), |bytes| bytes[96..128].fill(0)).expect("there");
        assert_eq!(steps(&fs), ["10:aaaa", "damage 96+32", "12:cccc", "end 160, torn 0"]);
    }

    #[test]
    fn a_torn_tail_is_measured() {
        let fs = file(&[b"aaaa", b"bbbb"]);
        fs.tamper(Path::new(PATH), |bytes| bytes.truncate(108)).expect("there");
        assert_eq!(steps(&fs), ["10:aaaa", "end 96, torn 12"]);
    }

    #[test]
    fn a_payload_that_looks_like_a_frame_is_not_taken_for_one() {
        let mut fake = MAGIC.to_vec();
        fake.resize(HEADER_LEN + 8, 0);
        let fs = file(&[b"aaaa", &fake, b"cccc"]);
        fs.tamper(Path::new(PATH), |bytes| bytes[96 + 5] ^= 1).expect("there");
        assert_eq!(steps(&fs), ["10:aaaa", "damage 96+56", "12:cccc", "end 184, torn 0"]);
    }

    #[test]
    fn a_damaged_header_does_not_cost_the_frames() {
        let fs = file(&[b"aaaa"]);
        fs.tamper(Path::new(PATH), |bytes| bytes[20] ^= 1).expect("there");
        let seen = steps(&fs);
        assert!(seen[0].starts_with("checksum of the header"), "{seen:?}");
        assert_eq!(seen[1..], ["10:aaaa", "end 96, torn 0"]);
    }

    #[test]
    fn unreadable_pages_cost_only_themselves() {
        let big = vec![b'x'; 10_000];
        let fs = file(&[b"aaaa", &big, b"cccc"]);
        // The first read (the header's window) fails, then the second page of it.
        fs.inject_read(Injection { op: fs.reads() + 2, times: 1, fault: Fault::Io });
        fs.inject_read(Injection { op: fs.reads() + 4, times: 1, fault: Fault::Io });
        let seen = steps(&fs);
        assert_eq!(seen, ["10:aaaa", "damage 96+10024", "12:cccc", "end 10152, torn 0"]);
    }

    #[test]
    fn frames_longer_than_the_window() {
        let big = vec![b'x'; 3 * WINDOW];
        let fs = file(&[&big, b"b"]);
        let seen = steps(&fs);
        assert_eq!(seen.len(), 3);
        assert_eq!(seen[1], "11:b");
    }
}

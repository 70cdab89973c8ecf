use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::fs::{EntryKind, Fs, write_all_at};

use super::frame::Frame;
use super::reader::{FrameFileReader, Step};
use super::segment::{HeaderError, SegmentHeader, SegmentKind, segment_number, segment_path};
use super::writer::LogOptions;

/// The end of the names of torn tails in the quarantine folder. What damage leaves there has another one.
pub const TORN_EXTENSION: &str = "torn";

/// Why a log could not be read at all. Nothing on disk was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError<E: std::error::Error + 'static> {
    /// A file is whole but not ours.
    #[error("{path}: {source}")]
    NotOurs {
        /// The file.
        path: String,
        /// What is wrong with it.
        #[source]
        source: HeaderError,
    },
    /// A frame is whole but was written by a newer program.
    #[error("{path} offset {offset}: frame of a newer version; use the program that wrote it")]
    NewerFrame {
        /// The file.
        path: String,
        /// Where the frame starts.
        offset: u64,
    },
    /// A name that belongs to a segment stands for something else.
    #[error("{path} is not a regular file; move it out of the folder")]
    NotAFile {
        /// The name.
        path: String,
    },
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// What was looked at.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Whoever took the frames gave up.
    #[error(transparent)]
    Consumer(E),
}

/// Why a range of a log could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkippedReason {
    /// Incomplete frames at the end of the log, as a crash leaves them. They were never acknowledged under `Always`.
    TornTail,
    /// Bytes in the middle that are no frames.
    Damage,
    /// The header of a segment.
    Header,
    /// Pages that the disk could not read.
    Unreadable,
    /// Frames that are not there at all, for instance because a segment was deleted. `len` counts frames.
    Missing,
}

impl SkippedReason {
    /// A word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TornTail => "torn tail",
            Self::Damage => "damage",
            Self::Header => "header",
            Self::Unreadable => "unreadable",
            Self::Missing => "missing",
        }
    }
}

/// A range of a log that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// Where the range starts.
    pub offset: u64,
    /// Its length in bytes; of [`SkippedReason::Missing`] in frames.
    pub len: u64,
    /// What is wrong.
    pub reason: SkippedReason,
    /// Where the bytes were copied to, if they were.
    pub quarantined: Option<PathBuf>,
}

/// Where a log goes on after recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPosition {
    /// The number of the next segment.
    pub segment: u64,
    /// The sequence number of the next frame.
    pub seq: u64,
    /// The segments that are there, with their length in bytes.
    pub segments: BTreeMap<u64, u64>,
}

/// What recovery found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// How many frames were handed out.
    pub frames: u64,
    /// How many bytes of payload they had.
    pub payload_bytes: u64,
    /// How many frames were there twice.
    pub duplicates: u64,
    /// What could not be used.
    pub skipped: Vec<Skipped>,
    /// Where the log goes on.
    pub next: LogPosition,
}

/// Reads the log from segment `from_segment` on and hands out every frame that is whole, in order.
///
/// Segments of other stores and of newer versions are an error before any frame is handed out. Damage is none: what cannot be used is copied to the
/// quarantine folder, reported and passed over; a torn tail is then cut off. If the copy cannot be made, for instance on a full disk, the file
/// stays as it is.
pub fn recover<E: std::error::Error + 'static>(
    fs: &dyn Fs,
    options: &LogOptions,
    from_segment: u64,
    mut on_frame: impl FnMut(Frame<'_>) -> Result<(), E>,
) -> Result<Recovery, RecoveryError<E>> {
    let numbers = segments(fs, &options.dir)?;
    for number in numbers.range(from_segment..) {
        check_header(fs, options, *number)?;
    }
    let mut run = Run {
        fs,
        options,
        expected_seq: None,
        explained: false,
        recovery: Recovery {
            frames: 0,
            payload_bytes: 0,
            duplicates: 0,
            skipped: Vec::new(),
            next: LogPosition {
                segment: numbers.last().map_or(1, |n| n + 1),
                seq: 1,
                segments: BTreeMap::new(),
            },
        },
    };
    for number in &numbers {
        let path = segment_path(&options.dir, *number);
        if *number < from_segment {
            let len = fs.metadata(&path).map_or(0, |m| m.len);
            run.recovery.next.segments.insert(*number, len);
            continue;
        }
        let is_last = Some(number) == numbers.last();
        run.segment(*number, &path, is_last, &mut on_frame)?;
    }
    run.recovery.next.seq = run.expected_seq.unwrap_or(1);
    Ok(run.recovery)
}

/// The numbers of the segments in `dir`; none if the folder is missing.
fn segments<E: std::error::Error>(
    fs: &dyn Fs,
    dir: &Path,
) -> Result<std::collections::BTreeSet<u64>, RecoveryError<E>> {
    let entries = match fs.list(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(RecoveryError::Io { path: dir.display().to_string(), source }),
    };
    let mut numbers = std::collections::BTreeSet::new();
    for entry in entries {
        let path = dir.join(&entry.name);
        match entry.name.to_str().and_then(segment_number) {
            Some(_) if entry.kind != EntryKind::File => {
                return Err(RecoveryError::NotAFile { path: path.display().to_string() });
            }
            Some(number) if segment_path(dir, number) == path => {
                numbers.insert(number);
            }
            _ => tracing::warn!(path = %path.display(), "unknown file in the log folder is ignored"),
        }
    }
    Ok(numbers)
}

fn check_header<E: std::error::Error>(
    fs: &dyn Fs,
    options: &LogOptions,
    number: u64,
) -> Result<(), RecoveryError<E>> {
    let path = segment_path(&options.dir, number);
    let (_, header) = FrameFileReader::open(fs, &path, options.store_id, number)
        .map_err(|source| RecoveryError::Io { path: path.display().to_string(), source })?;
    let problem = match header {
        Ok(header) if header.kind != SegmentKind::Log => {
            Some(HeaderError::UnknownKind { tag: header.kind.into() })
        }
        Ok(_) => None,
        Err(e) => Some(e).filter(|e| !e.is_damage()),
    };
    match problem {
        Some(source) => Err(RecoveryError::NotOurs { path: path.display().to_string(), source }),
        None => Ok(()),
    }
}

struct Run<'a> {
    fs: &'a dyn Fs,
    options: &'a LogOptions,
    /// The sequence number that the next frame should have; unknown before the first.
    expected_seq: Option<u64>,
    /// Whether a range was skipped since the last frame. It may explain a gap, which is then not reported a second time.
    explained: bool,
    recovery: Recovery,
}

impl Run<'_> {
    fn segment<E: std::error::Error>(
        &mut self,
        number: u64,
        path: &Path,
        is_last: bool,
        on_frame: &mut impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<(), RecoveryError<E>> {
        let io_error = |source| RecoveryError::Io { path: path.display().to_string(), source };
        let (mut reader, header) =
            FrameFileReader::open(self.fs, path, self.options.store_id, number).map_err(io_error)?;
        match header {
            Ok(header) => self.expected_seq = self.expected_seq.or(Some(header.first_seq)),
            Err(_) if reader.starts_with_zeroes() => {}
            Err(_) => {
                self.skip(
                    &reader,
                    0,
                    (SegmentHeader::LEN as u64).min(reader.file_len()),
                    SkippedReason::Header,
                );
            }
        }
        let end = loop {
            match reader.step() {
                Step::Frame if !reader.is_known() => {
                    let offset = reader.frame().map_or(0, |f| f.offset);
                    return Err(RecoveryError::NewerFrame { path: path.display().to_string(), offset });
                }
                Step::Frame => {
                    let frame = reader.frame().expect("BUG: a step to a frame has a frame");
                    let expected = self.expected_seq.unwrap_or(frame.seq);
                    if frame.seq < expected {
                        self.recovery.duplicates += 1;
                        continue;
                    }
                    if frame.seq > expected && !self.explained {
                        self.recovery.skipped.push(Skipped {
                            path: path.to_owned(),
                            offset: frame.offset,
                            len: frame.seq - expected,
                            reason: SkippedReason::Missing,
                            quarantined: None,
                        });
                    }
                    self.explained = false;
                    self.expected_seq = Some(frame.seq + 1);
                    self.recovery.frames += 1;
                    self.recovery.payload_bytes += frame.payload.len() as u64;
                    on_frame(frame).map_err(RecoveryError::Consumer)?;
                }
                Step::Damage { offset, len } => {
                    self.skip(&reader, offset, len, SkippedReason::Damage);
                }
                Step::End { offset, torn } => break (offset, torn),
            }
        };
        let (offset, torn) = end;
        let mut safe_to_cut = true;
        if torn > 0 {
            let reason = if is_last { SkippedReason::TornTail } else { SkippedReason::Damage };
            safe_to_cut = self.skip(&reader, offset, torn, reason);
        }
        if reader.unreadable_bytes() > 0 {
            self.recovery.skipped.push(Skipped {
                path: path.to_owned(),
                offset: 0,
                len: reader.unreadable_bytes(),
                reason: SkippedReason::Unreadable,
                quarantined: None,
            });
            safe_to_cut = false;
        }
        let mut len = reader.file_len();
        if safe_to_cut && offset < len && (is_last || torn == 0) {
            // Not cutting only costs room, so a read-only or full disk is no reason to fail.
            match self.fs.open_write(path).and_then(|file| file.set_len(offset)) {
                Ok(()) => len = offset,
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "segment could not be cut to its frames");
                }
            }
        }
        self.recovery.next.segments.insert(number, len);
        Ok(())
    }

    /// Reports a range and copies it to the quarantine folder. Returns whether the copy was made.
    fn skip(&mut self, reader: &FrameFileReader, offset: u64, len: u64, reason: SkippedReason) -> bool {
        let extension = if reason == SkippedReason::TornTail { TORN_EXTENSION } else { "bin" };
        let range = (offset, len, extension);
        let quarantined = match quarantine(self.fs, &self.options.quarantine_dir, reader, range) {
            Ok(path) => Some(path),
            Err(error) => {
                tracing::warn!(path = %reader.path().display(), offset, len, %error, "damaged range could not be quarantined");
                None
            }
        };
        let copied = quarantined.is_some();
        self.explained = true;
        self.recovery.skipped.push(Skipped {
            path: reader.path().to_owned(),
            offset,
            len,
            reason,
            quarantined,
        });
        copied
    }
}

/// Copies a range of a segment, from an offset on so many bytes, to a file of its own whose name has this end. A copy from an earlier start is kept.
fn quarantine(
    fs: &dyn Fs,
    dir: &Path,
    reader: &FrameFileReader,
    (offset, len, extension): (u64, u64, &str),
) -> io::Result<PathBuf> {
    let stem = reader.path().file_stem().and_then(|s| s.to_str()).unwrap_or("unknown");
    let path = dir.join(format!("log-{stem}-{offset}-{len}.{extension}"));
    fs.create_dir_all(dir)?;
    if fs.metadata(&path).is_ok_and(|m| m.len == len) {
        return Ok(path);
    }
    if fs.metadata(&path).is_ok() {
        fs.remove_file(&path)?;
    }
    let file = fs.create(&path)?;
    let mut at = 0;
    reader.copy_range(offset, len, |bytes| {
        write_all_at(file.as_ref(), bytes, at)?;
        at += bytes.len() as u64;
        Ok(())
    })?;
    file.sync()?;
    fs.sync_dir(dir)?;
    Ok(path)
}

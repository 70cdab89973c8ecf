//! Everything that keeps bytes on a disk safe, and nothing that knows what the bytes mean.
//!
//! - [`Fs`] and [`FsFile`] are the file system as the engines see it: positioned reads and writes, explicit syncs, no hidden state. [`RealFs`] is
//!   the operating system's; `SimFs` (feature `sim`) lives in memory, fails where a test wants it to and loses what a power cut would lose.
//! - [`Log`] is the segmented, checksummed log that metrics and traces share. Writers put [`Group`]s of frames into it; after a crash
//!   [`recover`] hands every frame back that survived and says what did not. The bytes are described in `docs/formats/log.md`.
//! - [`publish`] and [`publish_dir`] are the only way in which a finished file or folder appears: written aside, synced, renamed, and the folder synced.
//! - [`DirLock`] makes sure that one process works on a data folder.
//!
//! ```
//! use std::sync::Arc;
//! use bellwether_disk::{Group, Log, LogOptions, RealFs, StoreId, recover};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = tempfile::tempdir()?;
//! # let dir = scratch.path();
//! let fs = Arc::new(RealFs::new());
//! let options = LogOptions::new(dir.join("log"), dir.join("quarantine"), StoreId([7; 16]));
//! let found = recover(fs.as_ref(), &options, 0, |_| Ok::<_, std::io::Error>(()))?;
//!
//! let log = Log::start(fs.clone(), options.clone(), found.next);
//! let mut group = Group::new();
//! group.frame(0, 0, |payload| payload.extend_from_slice(b"hello"))?;
//! let written = log.append(group)?;
//! log.commit(written.last_seq)?;
//! log.close()?;
//!
//! let mut seen = Vec::new();
//! recover(fs.as_ref(), &options, 0, |frame| {
//!     seen.push(frame.payload.to_vec());
//!     Ok::<_, std::io::Error>(())
//! })?;
//! assert_eq!(seen, [b"hello"]);
//! # Ok(())
//! # }
//! ```
mod checksum;
mod fs;
mod lock;
mod log;
mod publish;

pub use checksum::Crc32c;
pub use fs::{
    DirEntry, EntryKind, Fs, FsFile, FsLock, Mapped, Metadata, RealFs, Space, read_exact_at, read_file,
    write_all_at,
};
#[cfg(any(test, feature = "sim"))]
pub use fs::{Fault, Injection, SimFs};
pub use lock::{DirLock, LockError};
pub use log::{
    Appended, Frame, FrameError, FrameFile, FrameFileReader, Group, HeaderError, Log, LogError, LogOptions,
    LogPosition, LogStatus, MAX_FRAME_BYTES, Recovery, RecoveryError, SegmentHeader, SegmentKind, Skipped,
    SkippedReason, Step, StoreId, SyncPolicy, TORN_EXTENSION, recover, segment_path,
};
pub use publish::{publish, publish_dir, publish_file, sync_tree};

//! The segmented, checksummed log. The bytes are described in `docs/formats/log.md`.

mod frame;
mod frame_file;
mod group;
mod reader;
mod recover;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

pub use frame::{Frame, MAX_FRAME_BYTES};
pub use frame_file::FrameFile;
pub use group::{FrameError, Group};
pub use reader::{FrameFileReader, Step};
pub use recover::{LogPosition, Recovery, RecoveryError, Skipped, SkippedReason, TORN_EXTENSION, recover};
pub use segment::{HeaderError, SegmentHeader, SegmentKind, StoreId, segment_path};
pub use writer::{Appended, Log, LogError, LogOptions, LogStatus, SyncPolicy};

/// Frames start at multiples of this.
const ALIGN: usize = 8;

/// `len` rounded up to the next frame boundary.
const fn aligned(len: usize) -> usize {
    len.next_multiple_of(ALIGN)
}

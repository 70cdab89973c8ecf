//! Replaying in little memory: what was read of the log is moved into parts before the rest is read.

use std::path::Path;
use std::sync::Arc;

use bellwether_disk::{FrameFileReader, Fs, Step, StoreId};

use crate::error::TsdbError;
use crate::head::Head;
use crate::part::Part;
use crate::records::has_deletions;

use super::Upkeep;
use super::cut::PartMaker;
use super::manifest::Manifest;
use super::replay::Replay;

/// Timestamps end long before this.
const END: i64 = i64::MAX;

/// Moves samples into parts while the log is replayed. The log stays as it is: MANIFEST says up to which frame its samples are in parts.
pub(super) struct Spill<'a> {
    pub(super) maker: PartMaker<'a>,
    pub(super) parts_dir: &'a Path,
    /// So many bytes of the log are replayed in memory.
    pub(super) every_bytes: u64,
    /// The last frame that deletes samples. They are looked for in the head, so nothing may leave it before that.
    pub(super) last_deletion: u64,
    pub(super) bytes: u64,
    /// The parts that were made.
    pub(super) parts: Vec<Arc<Part>>,
}

impl Spill<'_> {
    /// After the frame `seq` with so many bytes was replayed. When it cannot move anything, it says so and the replay goes on in memory.
    pub(super) fn after_frame(
        &mut self,
        replay: &mut Replay<'_>,
        head: &Head,
        (manifest, upkeep): (&mut Manifest, &mut Upkeep),
        seq: u64,
        bytes: usize,
    ) {
        self.bytes += bytes as u64;
        if self.bytes < self.every_bytes || seq < self.last_deletion || !replay.is_between_batches() {
            return;
        }
        self.bytes = 0;
        replay.settle();
        if let Err(error) = self.spill(head, manifest, upkeep, seq) {
            tracing::warn!(%error, "the log cannot be moved into parts while it is read");
            self.every_bytes = u64::MAX;
        }
    }

    fn spill(
        &mut self,
        head: &Head,
        manifest: &mut Manifest,
        upkeep: &mut Upkeep,
        log_seq: u64,
    ) -> Result<(), TsdbError> {
        let mark = head.ranges.mark();
        let mut series = head.read_for_cut(END, u64::MAX);
        if series.is_empty() {
            return Ok(());
        }
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        let mut cut = self.maker.write_cut(self.parts_dir, upkeep, &series)?;
        let edit = cut.edit(END, log_seq);
        manifest.change(self.maker.fs, &edit).map_err(|e| TsdbError::io(manifest.path(), e))?;
        cut.mark(head, &series, END, u64::MAX);
        drop(series);
        head.drop_cut();
        head.ranges.cut(END, &mark);
        tracing::info!(log_seq, parts = cut.parts.len(), "moved what was read of the log into parts");
        self.parts.append(&mut cut.parts);
        Ok(())
    }
}

/// The number of the last frame in these segments that deletes samples; 0 without one.
pub(super) fn last_deletion(
    fs: &dyn Fs,
    store_id: StoreId,
    segments: impl Iterator<Item = (u64, std::path::PathBuf)>,
) -> u64 {
    let mut last = 0;
    for (number, path) in segments {
        // What cannot be read deletes nothing either.
        let Ok((mut reader, _)) = FrameFileReader::open(fs, &path, store_id, number) else { continue };
        loop {
            match reader.step() {
                Step::Frame => {
                    let deleting = reader.frame().filter(|frame| has_deletions(frame.payload));
                    last = deleting.map_or(last, |frame| frame.seq.max(last));
                }
                Step::Damage { .. } => {}
                Step::End { .. } => break,
            }
        }
    }
    last
}

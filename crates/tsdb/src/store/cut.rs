//! From the head into parts.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bellwether_disk::{Fs, publish_dir};
use bellwether_model::{Clock, ColumnBuffer, TimeRange, Value};

use crate::counters::{Counters, add};
use crate::error::TsdbError;
use crate::head::{CutSeries, Head, value_at};
use crate::part::{Dictionary, Part, PartMeta, PartWriter, Provenance, Reading, folder_name};

use super::manifest::{Cut, Edit, PartEntry};
use super::open::PARTS_DIR;
use super::{Store, Upkeep};

/// A day, the largest stretch that parts are merged to.
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A part that is cut goes on into the next day as long as it has fewer samples: an import of little data over a long time must not make a
/// part of every day.
const MIN_SAMPLES_PER_DAY: u64 = 10_000;

/// What a cut did.
#[derive(Debug, Default)]
pub(super) struct CutOutcome {
    pub(super) parts: usize,
    pub(super) samples: u64,
}

impl Store {
    /// Moves the samples before `end` into parts. What is appended meanwhile stays.
    pub(super) fn cut(&self, upkeep: &mut Upkeep, end: i64) -> Result<CutOutcome, TsdbError> {
        let mark = self.head.ranges.mark();
        // At this moment every frame up to `log_seq` is in the head, and the reader sees exactly what these frames brought.
        let epoch = self.part_set().epoch;
        let (snapshot, log_seq) =
            self.head.between_batches(|| (self.head.commits.open_newest(epoch), self.log.last_seq()));
        self.head.commits.wait_for(snapshot);
        let mut series = self.head.read_for_cut(end, snapshot.commit);
        self.head.commits.close(snapshot);
        if series.is_empty() {
            self.head.ranges.cut(end, &mark);
            return Ok(CutOutcome::default());
        }
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        let mut cut = self.part_maker().write_cut(&self.dir.join(PARTS_DIR), upkeep, &series)?;
        let outcome =
            CutOutcome { parts: cut.parts.len(), samples: cut.parts.iter().map(|p| p.meta().samples).sum() };
        let edit = cut.edit(end, log_seq);
        let mut manifest = self.manifest.lock();
        manifest.change(self.fs.as_ref(), &edit).map_err(|e| TsdbError::io(manifest.path(), e))?;
        drop(manifest);
        self.change_parts(std::mem::take(&mut cut.parts), &[]);
        cut.mark(&self.head, &series, end, snapshot.commit);
        self.head.ranges.cut(end, &mark);
        add(&self.counters.cuts, 1);
        Ok(outcome)
    }

    /// Replaces the set of parts. Readers that are opened from now on see the change.
    pub(super) fn change_parts(&self, add: Vec<Arc<Part>>, drop: &[u64]) {
        let mut parts = self.parts.write();
        *parts = Arc::new(parts.changed(add, drop));
    }

    /// Frees the samples that are in parts, unless a reader relies on finding them in the head.
    pub(super) fn free_cut_samples(&self) {
        if !self.head.commits.has_reader_before(self.part_set().epoch) {
            self.head.drop_cut();
        }
    }

    /// What writes parts for this store.
    pub(super) fn part_maker(&self) -> PartMaker<'_> {
        PartMaker {
            fs: self.fs.as_ref(),
            clock: self.clock.as_ref(),
            reading: &self.reading,
            counters: &self.counters,
            is_closed: &self.is_closed,
        }
    }
}

/// Writes parts.
pub(super) struct PartMaker<'a> {
    pub(super) fs: &'a dyn Fs,
    pub(super) clock: &'a dyn Clock,
    pub(super) reading: &'a Reading,
    pub(super) counters: &'a Counters,
    /// Whether nobody waits for the parts any more.
    pub(super) is_closed: &'a AtomicBool,
}

impl PartMaker<'_> {
    /// Writes samples as parts below `parts_dir`. The series are in the order of their labels.
    pub(super) fn write_cut(
        &self,
        parts_dir: &Path,
        upkeep: &mut Upkeep,
        series: &[CutSeries],
    ) -> Result<WrittenCut, TsdbError> {
        let unreadable =
            |e: crate::coding::DecodeError| TsdbError::Part { id: 0, what: format!("head: {e}") };
        let mut through = Vec::with_capacity(series.len());
        let mut mint = i64::MAX;
        // How many samples each day has, to decide where the parts end.
        let mut days: BTreeMap<i64, u64> = BTreeMap::new();
        let mut late_days: BTreeSet<i64> = BTreeSet::new();
        let mut samples = ColumnBuffer::default();
        for s in series {
            if let Some(late) = &s.late {
                mint = late.ts.first().copied().unwrap_or(mint).min(mint);
                late_days.extend(late.ts.iter().map(|ts| ts.div_euclid(DAY_MS)));
            }
            samples.clear();
            s.samples.read(&mut samples).map_err(unreadable)?;
            let (Some(first), Some(last)) = (samples.ts.first(), samples.ts.last()) else { continue };
            mint = mint.min(*first);
            through.push((s.id, s.log_id, *last));
            for ts in &samples.ts {
                *days.entry(ts.div_euclid(DAY_MS)).or_default() += 1;
            }
        }
        let mut written = WrittenCut { parts: Vec::new(), entries: Vec::new(), through, mint };
        // Late samples overlap with what was cut before: they get parts of their own, one for each day, so that they are merged into it.
        let of_day = |day: i64| TimeRange::new(day * DAY_MS, (day + 1) * DAY_MS - 1);
        let in_order = part_ranges(&days).into_iter().map(|range| (range, false));
        for (range, is_late) in in_order.chain(late_days.into_iter().map(|day| (of_day(day), true))) {
            let id = upkeep.next_part;
            upkeep.next_part += 1;
            let provenance =
                Provenance { id, level: 0, order: id, sources: Vec::new(), created_ms: self.clock.now_ms() };
            let dictionary: Dictionary = series.iter().map(|s| &s.labels).collect();
            let part = self.write_part(parts_dir, provenance, &dictionary, |writer| {
                for s in series {
                    if self.is_closed.load(Ordering::Acquire) {
                        return Err(io::ErrorKind::Interrupted.into());
                    }
                    samples.clear();
                    match &s.late {
                        Some(late) if is_late => copy_range(late, range, &mut samples),
                        None if is_late => {}
                        _ => s.samples.read_range(range, &mut samples).map_err(io::Error::other)?,
                    }
                    writer.add(&s.labels, &samples)?;
                }
                Ok(())
            })?;
            if let Some((part, meta)) = part {
                written.entries.push(PartEntry::from(&meta));
                written.parts.push(Arc::new(part));
            }
        }
        Ok(written)
    }

    /// Writes and publishes a part below `parts_dir`, and opens it. It is not part of the store yet. `None` if there is nothing to write.
    pub(super) fn write_part(
        &self,
        parts_dir: &Path,
        provenance: Provenance,
        dictionary: &Dictionary,
        fill: impl FnOnce(&mut PartWriter<'_>) -> io::Result<()>,
    ) -> Result<Option<(Part, PartMeta)>, TsdbError> {
        let id = provenance.id;
        let dir = parts_dir.join(folder_name(id));
        let temporary = parts_dir.join(format!("{}.tmp", folder_name(id)));
        let fs = self.fs;
        let write = || -> io::Result<Option<PartMeta>> {
            fs.create_dir_all(&temporary)?;
            let mut writer = PartWriter::create(fs, &temporary, dictionary, provenance)?;
            fill(&mut writer)?;
            if writer.is_empty() {
                return Ok(None);
            }
            let meta = writer.finish()?;
            publish_dir(fs, &temporary, &dir)?;
            Ok(Some(meta))
        };
        let meta = write().inspect_err(|_| remove_quietly(fs, &temporary)).map_err(|e| {
            if self.is_closed.load(Ordering::Acquire) { TsdbError::Closed } else { TsdbError::io(&dir, e) }
        })?;
        let Some(meta) = meta else {
            remove_quietly(fs, &temporary);
            return Ok(None);
        };
        // Reading it back now, while the samples are still in the head, is the last chance to notice that the disk did not keep it.
        let part = Part::open(fs, &dir, id, self.reading)
            .map_err(|e| TsdbError::Part { id, what: e.to_string() })?;
        add(&self.counters.part_bytes_written, meta.bytes());
        Ok(Some((part, meta)))
    }
}

/// Parts that were written and are not part of the store yet.
pub(super) struct WrittenCut {
    pub(super) parts: Vec<Arc<Part>>,
    pub(super) entries: Vec<PartEntry>,
    /// Of each series: up to when its samples were written.
    through: Vec<(crate::head::SeriesId, u64, i64)>,
    mint: i64,
}

impl WrittenCut {
    /// The change of MANIFEST that makes the parts those of the store: what frames up to `log_seq` brought before `end` is in them.
    pub(super) fn edit(&mut self, end: i64, log_seq: u64) -> Edit {
        Edit {
            add: std::mem::take(&mut self.entries),
            cut: vec![Cut { mint: self.mint, maxt: end - 1, log_seq }],
            ..Edit::default()
        }
    }

    /// Notes in the head that the samples are in parts, as far as a reader of `commit` saw them.
    pub(super) fn mark(&self, head: &Head, series: &[CutSeries], end: i64, commit: u64) {
        head.mark_cut(&self.through);
        let with_late = series.iter().filter(|s| s.late.is_some()).map(|s| (s.id, s.log_id));
        head.mark_late_cut(with_late, end, commit);
    }
}

/// Appends the samples in the range to `out`.
fn copy_range(from: &ColumnBuffer, range: TimeRange, out: &mut ColumnBuffer) {
    for row in (0..from.len()).filter(|row| range.contains(from.ts[*row])) {
        let start = from.start_ts.get(row).copied().unwrap_or(0);
        match value_at(from, row) {
            Value::Float(v) => out.push_float(from.ts[row], start, v),
            Value::Histogram(h) => out.push_histogram(from.ts[row], start, h),
        }
    }
}

fn remove_quietly(fs: &dyn Fs, dir: &Path) {
    // What cannot be removed now is removed at the next start.
    if fs.metadata(dir).is_ok() {
        let _ = fs.remove_dir_all(dir);
    }
}

/// Divides days with samples into stretches, each for one part: every day on its own, but days with few samples together with the next ones.
fn part_ranges(days: &BTreeMap<i64, u64>) -> Vec<TimeRange> {
    let mut ranges = Vec::new();
    let mut open: Option<(i64, u64)> = None;
    let mut last_day = None;
    for (day, samples) in days {
        if let Some((first, n)) = open
            && n >= MIN_SAMPLES_PER_DAY
        {
            ranges.push(TimeRange::new(first * DAY_MS, *day * DAY_MS - 1));
            open = None;
        }
        let (first, n) = open.unwrap_or((*day, 0));
        open = Some((first, n + samples));
        last_day = Some(*day);
    }
    if let (Some((first, _)), Some(last)) = (open, last_day) {
        ranges.push(TimeRange::new(first * DAY_MS, (last + 1) * DAY_MS - 1));
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_with_few_samples_share_a_part() {
        let check = |days: &[(i64, u64)], want: &[(i64, i64)]| {
            let got: Vec<(i64, i64)> = part_ranges(&days.iter().copied().collect())
                .iter()
                .map(|r| (r.mint / DAY_MS, (r.maxt + 1) / DAY_MS))
                .collect();
            assert_eq!(got, want, "{days:?}");
        };
        check(&[], &[]);
        check(&[(3, 1)], &[(3, 4)]);
        check(&[(3, 10_000), (4, 20_000)], &[(3, 4), (4, 5)]);
        check(&[(0, 1), (100, 5), (200, 10_000), (201, 7)], &[(0, 201), (201, 202)]);
    }
}

//! Reading all of a store that nobody uses, and changing nothing.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use bellwether_disk::{FrameFileReader, Fs, LockError, SegmentKind, Step, StoreId, segment_path};
use bellwether_model::{ColumnBuffer, Exemplar, Labels, MetricMetadata, TimeRange, Value};

use crate::coding::DecodeError;
use crate::error::TsdbError;
use crate::options::ReadMode;
use crate::part::{Part, PartError, Reading, SeriesBlock, Tombstones, folder_name};
use crate::records::{CheckpointHead, CheckpointSeries, RecordSink, read_records};
use crate::snapshot::file_checksum;

use super::checkpoint;
use super::manifest::{Manifest, PartEntry};
use super::open::{LOG_DIR, PARTS_DIR};

/// Something that is wrong with a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The file or folder.
    pub path: PathBuf,
    /// Where in the file, in bytes, if that is known.
    pub offset: Option<u64>,
    /// What is wrong, for people.
    pub what: String,
    /// From when to when samples are lost by it, as far as that is known.
    pub lost: Option<TimeRange>,
    /// Whether it is damage. If not, it is what a crash leaves behind, or what the next start tidies up.
    pub is_damage: bool,
}

/// What was read of a store, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Parts.
    pub parts: usize,
    /// Samples in parts, deleted ones included.
    pub part_samples: u64,
    /// Segments of the log and checkpoints.
    pub frame_files: usize,
    /// Frames in them.
    pub frames: u64,
    /// Samples in them.
    pub frame_samples: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl VerifyReport {
    /// Whether nothing is damaged.
    pub fn is_whole(&self) -> bool {
        self.findings.iter().all(|f| !f.is_damage)
    }

    fn note(&mut self, path: &Path, what: impl Into<String>) {
        let (path, what) = (path.to_owned(), what.into());
        self.findings.push(Finding { path, offset: None, what, lost: None, is_damage: false });
    }

    fn damage(&mut self, path: &Path, offset: Option<u64>, what: impl Into<String>, lost: Option<TimeRange>) {
        let (path, what) = (path.to_owned(), what.into());
        self.findings.push(Finding { path, offset, what, lost, is_damage: true });
    }
}

/// Reads everything in the folder of a store: the list of parts, each file of them, each sample, the checkpoint and the log. Nothing is changed.
///
/// Fails if another process uses the folder, if it is not that of a store, or of a newer version.
pub fn verify_store(fs: &dyn Fs, dir: &Path) -> Result<VerifyReport, TsdbError> {
    let _lock = lock(fs, dir)?;
    let mut report = VerifyReport::default();
    let loaded = Manifest::load(fs, dir, 0, || StoreId([0; 16]))?;
    if loaded.is_new {
        let path = loaded.manifest.path().display().to_string();
        return Err(TsdbError::NotOurs(format!("{path} is missing, so the folder is not that of a store")));
    }
    for what in &loaded.damage {
        report.damage(loaded.manifest.path(), None, what, None);
    }
    let manifest = loaded.manifest;
    for entry in manifest.parts().values() {
        verify_part(fs, &dir.join(PARTS_DIR).join(folder_name(entry.id)), entry, &mut report);
    }
    for name in names(fs, &dir.join(PARTS_DIR))? {
        let is_listed = manifest.parts().keys().any(|id| folder_name(*id) == name);
        if !is_listed {
            report.note(
                &dir.join(PARTS_DIR).join(name),
                "not listed in MANIFEST; the next start removes it or puts it aside",
            );
        }
    }
    verify_frame_files(fs, dir, manifest.store_id(), &mut report)?;
    Ok(report)
}

/// The lock of the folder, taken without writing anything. `None` if nobody ever locked it.
fn lock(fs: &dyn Fs, dir: &Path) -> Result<Option<Box<dyn bellwether_disk::FsLock>>, TsdbError> {
    let path = dir.join("LOCK");
    if fs.metadata(&path).is_err() {
        return Ok(None);
    }
    match fs.lock(&path).map_err(|e| TsdbError::io(&path, e))? {
        Some(lock) => Ok(Some(lock)),
        None => Err(TsdbError::Lock(LockError::Held {
            dir: dir.display().to_string(),
            holder: "another process".to_owned(),
        })),
    }
}

fn names(fs: &dyn Fs, dir: &Path) -> Result<Vec<String>, TsdbError> {
    match fs.list(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => Ok(entries
            .map_err(|e| TsdbError::io(dir, e))?
            .into_iter()
            .map(|e| e.name.to_string_lossy().into_owned())
            .collect()),
    }
}

fn verify_part(fs: &dyn Fs, dir: &Path, entry: &PartEntry, report: &mut VerifyReport) {
    report.parts += 1;
    let all = Some(TimeRange::new(entry.mint, entry.maxt));
    for file in &entry.files {
        let path = dir.join(&file.name);
        match file_checksum(fs, &path) {
            Ok((len, _)) if len != file.len => {
                report.damage(&path, None, format!("the file has {len} bytes instead of {}", file.len), all);
            }
            // Which samples that costs is found out below.
            Ok((_, crc)) if crc != file.crc32c => report.damage(&path, None, "checksum of the file", None),
            Ok(_) => {}
            Err(e) => report.damage(&path, None, e.to_string(), all),
        }
    }
    let part = match Part::open(fs, dir, entry.id, &Reading::new(ReadMode::Read, 0)) {
        Ok(part) => part,
        Err(e) => return report.damage(dir, None, format!("the part cannot be opened: {e}"), all),
    };
    match Tombstones::read(fs, dir, entry.id, part.n_series()) {
        Ok(found) => {
            let path = dir.join(crate::part::TOMBSTONE_FILE);
            for what in &found.damage {
                report.damage(&path, None, format!("{what}; deleted samples may be back"), None);
            }
            let (there, listed) = (found.tombstones.deletions(), entry.deletions);
            if found.damage.is_empty() && there < listed {
                let what = format!("{there} deletions instead of {listed}; deleted samples may be back");
                report.damage(&path, None, what, None);
            }
        }
        Err(e) => report.damage(dir, None, e.to_string(), None),
    }
    if let Err(e) = verify_series(&part, report) {
        report.damage(dir, None, e.to_string(), all);
    }
}

/// What cannot be read of a part: in how many places, and from when to when samples are lost by it.
#[derive(Default)]
struct Bad(BTreeMap<String, (u64, TimeRange)>);

impl Bad {
    fn note(&mut self, what: String, range: TimeRange) {
        let (places, lost) = self.0.entry(what).or_insert((0, range));
        *places += 1;
        *lost = TimeRange::new(lost.mint.min(range.mint), lost.maxt.max(range.maxt));
    }
}

/// Decodes everything in a part. What hits several series is told once.
fn verify_series(part: &Part, report: &mut VerifyReport) -> Result<(), PartError> {
    let mut bad = Bad::default();
    let (mut blocks, mut labels) = (part.blocks(), part.labels()?);
    let mut before: Option<Labels> = None;
    let (mut samples, mut count) = (ColumnBuffer::default(), 0);
    for ordinal in 0..part.n_series() {
        let (number, series) = SeriesBlock::locate(ordinal);
        let block = match blocks.block(number) {
            Ok(block) => block,
            Err(e) => {
                bad.note(e.to_string(), part.range());
                continue;
            }
        };
        match labels.read(ordinal) {
            Ok(found) => {
                if before.as_ref().is_some_and(|before| *before >= found) {
                    bad.note(
                        format!("{}: series {ordinal} is out of order", part.dir().display()),
                        part.range(),
                    );
                }
                before = Some(found);
            }
            Err(e) => bad.note(e.to_string(), part.range()),
        }
        samples.clear();
        part.check_series(&block, series, &mut samples, |range, e| bad.note(e.to_string(), range));
        if samples.ts.windows(2).any(|w| w[0] >= w[1]) {
            bad.note(
                format!("{}: times of series {ordinal} are out of order", part.dir().display()),
                part.range(),
            );
        }
        count += samples.len() as u64;
    }
    if bad.0.is_empty() && count != part.meta().samples {
        let what = format!("{}: {count} samples instead of {}", part.dir().display(), part.meta().samples);
        bad.note(what, part.range());
    }
    report.part_samples += count;
    for (what, (places, lost)) in bad.0 {
        report.damage(part.dir(), None, format!("{what}; in {places} places"), Some(lost));
    }
    Ok(())
}

fn verify_frame_files(
    fs: &dyn Fs,
    dir: &Path,
    store_id: StoreId,
    report: &mut VerifyReport,
) -> Result<(), TsdbError> {
    let mut files: Vec<(PathBuf, u64, SegmentKind)> = Vec::new();
    for number in checkpoint::list(fs, dir).map_err(|e| TsdbError::io(dir, e))? {
        files.push((checkpoint::path(dir, number), number, SegmentKind::Checkpoint));
    }
    let log_dir = dir.join(LOG_DIR);
    for name in names(fs, &log_dir)? {
        let path = log_dir.join(&name);
        let number = name.strip_suffix(".log").and_then(|n| n.parse().ok());
        match number.filter(|n| segment_path(&log_dir, *n) == path) {
            Some(number) => files.push((path, number, SegmentKind::Log)),
            None => report.note(&path, "unknown file; it is ignored"),
        }
    }
    let last = files.iter().filter(|f| f.2 == SegmentKind::Log).map(|f| f.1).max();
    // The checkpoints come first, the newest before the others.
    let (mut goes_on_with, mut expected) = (None, None);
    let has_checkpoint = files.iter().any(|f| f.2 == SegmentKind::Checkpoint);
    for (path, number, kind) in files {
        report.frame_files += 1;
        let is_last = kind == SegmentKind::Log && Some(number) == last;
        if kind == SegmentKind::Checkpoint {
            let found = verify_frames(fs, &path, (store_id, number, kind), is_last, &mut None, report);
            goes_on_with = goes_on_with.or(found);
        } else {
            // Without a checkpoint the log starts with its first frame; one that does not say where the log goes on is damaged, and that has been told.
            expected = expected.or(goes_on_with).or((!has_checkpoint).then_some(1));
            verify_frames(fs, &path, (store_id, number, kind), is_last, &mut expected, report);
        }
    }
    Ok(())
}

/// Reads the frames of a file. `expected` is the number that the next frame of the log should have. Returns, of a checkpoint, the number of the frame with which the
/// log goes on behind it.
fn verify_frames(
    fs: &dyn Fs,
    path: &Path,
    (store_id, number, kind): (StoreId, u64, SegmentKind),
    is_last: bool,
    expected: &mut Option<u64>,
    report: &mut VerifyReport,
) -> Option<u64> {
    let (mut reader, header) = match FrameFileReader::open(fs, path, store_id, number) {
        Ok(opened) => opened,
        Err(e) => {
            report.damage(path, None, e.to_string(), None);
            return None;
        }
    };
    match header {
        Ok(header) if header.kind != kind => {
            report.damage(path, Some(0), "it is another kind of file", None);
            return None;
        }
        // A segment under another name has nothing but frames that are known, or the only copy of them.
        Ok(header) if header.number != number && kind == SegmentKind::Checkpoint => {
            report.damage(path, Some(0), checkpoint::misnamed(header.number), None);
            return None;
        }
        Ok(_) => {}
        Err(_) if is_last && reader.starts_with_zeroes() => {}
        Err(e) => report.damage(path, Some(0), e.to_string(), None),
    }
    // Damage whose end is not known yet, and the newest sample before it.
    let (mut open, mut newest): (Option<(u64, u64)>, Option<i64>) = (None, None);
    let (mut times, mut goes_on_with) = (Times::default(), None);
    loop {
        match reader.step() {
            Step::Frame => {
                let frame = reader.frame().expect("BUG: a step to a frame has a frame");
                let (seq, offset) = (frame.seq, frame.offset);
                times = Times::default();
                let read = read_records(frame.payload, &mut times);
                goes_on_with = goes_on_with.or(times.goes_on_with);
                report.frames += 1;
                report.frame_samples += times.samples;
                if let Some((offset, len)) = open.take() {
                    let lost = newest
                        .zip(times.range.map(|r| r.mint))
                        .map(|(from, to)| TimeRange::new(from.min(to), from.max(to)));
                    report.damage(path, Some(offset), format!("{len} bytes are no frames"), lost);
                } else if expected.is_some_and(|expected| seq > expected) {
                    let missing = seq - expected.unwrap_or(seq);
                    report.damage(
                        path,
                        Some(offset),
                        format!("{missing} frames are missing before frame {seq}"),
                        None,
                    );
                }
                if let Err(e) = read {
                    report.damage(path, Some(offset), format!("records of frame {seq}: {e}"), times.range);
                }
                newest = times.range.map(|r| r.maxt).or(newest);
                *expected = Some(expected.map_or(seq + 1, |expected| expected.max(seq + 1)));
            }
            Step::Damage { offset, len } => open = Some((offset, len)),
            Step::End { offset, torn } => {
                if torn > 0 && is_last {
                    let what = format!("torn tail of {torn} bytes at offset {offset}, as a crash leaves it");
                    report.note(path, what);
                } else if torn > 0 {
                    report.damage(path, Some(offset), format!("{torn} bytes are no frames"), None);
                }
                break;
            }
        }
    }
    if kind == SegmentKind::Checkpoint && !times.has_end {
        report.damage(path, None, "its end is missing", None);
    }
    if reader.unreadable_bytes() > 0 {
        report.damage(path, None, format!("{} bytes cannot be read", reader.unreadable_bytes()), None);
    }
    goes_on_with
}

/// From when to when the samples of a frame are.
#[derive(Debug, Default)]
struct Times {
    range: Option<TimeRange>,
    samples: u64,
    /// What the head of a checkpoint says about the log behind it.
    goes_on_with: Option<u64>,
    has_end: bool,
}

impl Times {
    fn add(&mut self, range: TimeRange, samples: u64) {
        let known = self.range.unwrap_or(range);
        self.range = Some(TimeRange::new(known.mint.min(range.mint), known.maxt.max(range.maxt)));
        self.samples += samples;
    }
}

impl RecordSink for Times {
    fn series(&mut self, _id: u64, _labels: Labels) {}

    fn sample(&mut self, _id: u64, ts_ms: i64, _start_ts_ms: i64, _value: Value) {
        self.add(TimeRange::new(ts_ms, ts_ms), 1);
    }

    fn late_sample(&mut self, _id: u64, ts_ms: i64, _start_ts_ms: i64, _value: Value) {
        self.add(TimeRange::new(ts_ms, ts_ms), 1);
    }

    fn exemplar(&mut self, _series: Labels, _exemplar: Exemplar) {}

    fn metadata(&mut self, _tenant: &str, _family: &str, _metadata: MetricMetadata) {}

    fn deletion(&mut self, _id: u64, _range: TimeRange) {}

    fn checkpoint_head(&mut self, head: CheckpointHead) {
        self.goes_on_with = Some(head.next_seq);
    }

    fn checkpoint_series(&mut self, series: CheckpointSeries) -> Result<(), DecodeError> {
        for chunk in &series.chunks {
            self.add(chunk.range(), u64::from(chunk.rows));
        }
        Ok(())
    }

    fn checkpoint_end(&mut self, _n_series: u64) {
        self.has_end = true;
    }
}

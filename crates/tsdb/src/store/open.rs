//! From a folder to a running store.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use bellwether_disk::{
    Crc32c, DirLock, EntryKind, FrameFileReader, Fs, Log, LogOptions, LogPosition, RecoveryError,
    SegmentHeader, SkippedReason, StoreId, read_exact_at, read_file, recover, write_all_at,
};
use bellwether_model::Clock;
use parking_lot::{Mutex, RwLock};

use crate::counters::{Counters, add};
use crate::error::TsdbError;
use crate::head::Head;
use crate::options::Options;
use crate::part::{
    FileMeta, FoundTombstones, META_FILE, Part, PartError, Reading, TOMBSTONE_FILE, Tombstones, folder_name,
};
use crate::records::RecordError;
use crate::report::{Problem, ProblemKind, RecoveryReport};

use super::cut::PartMaker;
use super::fill::Fillers;
use super::limits::{Refusals, SeriesCounts};
use super::manifest::{Loaded, Manifest, PartEntry};
use super::part_set::PartSet;
use super::progress::ReplayProgress;
use super::replay::Replay;
use super::space::SpaceGuard;
use super::spill::{Spill, last_deletion};
use super::starts::Starts;
use super::{Store, Upkeep, checkpoint};

pub(super) const LOG_DIR: &str = "log";
pub(super) const PARTS_DIR: &str = "parts";
pub(super) const SNAPSHOTS_DIR: &str = "snapshots";
pub(super) const QUARANTINE_DIR: &str = "quarantine";
/// The end of the names of unfinished files and folders.
const UNFINISHED: &str = ".tmp";
/// `meta.json` has at most this many bytes.
const MAX_META_BYTES: u64 = 1 << 20;
/// More is not copied of a damaged `tomb.bin`.
const MAX_TOMBSTONE_BYTES: u64 = 1 << 30;

/// Opens the store in `dir`, which is created if it is not there.
pub(super) fn open(
    dir: &Path,
    options: Options,
    fs: Arc<dyn Fs>,
    clock: Arc<dyn Clock>,
    progress: &ReplayProgress,
) -> Result<(Store, RecoveryReport), TsdbError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |e| TsdbError::io(&path, e)
    };
    fs.create_dir_all(dir).map_err(at(dir))?;
    let lock = DirLock::acquire(fs.as_ref(), dir, clock.now_ms())?;
    let mut opening = Opening {
        fs: fs.as_ref(),
        dir,
        quarantine: dir.join(QUARANTINE_DIR),
        reading: Reading::new(options.read_mode, options.part_cache_bytes),
        report: RecoveryReport::default(),
        progress,
    };
    let loaded = Manifest::load(fs.as_ref(), dir, clock.now_ms(), || {
        existing_store_id(fs.as_ref(), dir).unwrap_or_else(random_store_id)
    })?;
    let files = check_log(&opening, &loaded)?;
    opening.remove_unfinished()?;
    let FoundParts { mut manifest, mut parts, unlisted, next_part } = opening.parts(loaded)?;
    if let Err(error) = manifest.settle(fs.as_ref()) {
        // A new store cannot do without it; an old one, on a full disk, can.
        if opening.report.problems.is_empty() {
            return Err(TsdbError::io(manifest.path(), error));
        }
        tracing::warn!(%error, "MANIFEST could not be written anew; it will be with the next change");
    }
    let starts = if options.count_starts {
        Starts::note(opening.fs, dir, clock.now_ms())
    } else {
        Starts::uncounted(dir)
    };
    let head = Head::new(options.max_exemplars);
    let space = SpaceGuard::new(fs.as_ref(), dir, options.min_free_bytes, options.reserve_bytes);
    let log_options = LogOptions {
        segment_bytes: options.segment_bytes,
        sync: options.sync,
        min_free_bytes: space.min_free_bytes(),
        ..LogOptions::new(dir.join(LOG_DIR), opening.quarantine.clone(), manifest.store_id())
    };
    let (counters, mut upkeep, reading) =
        (Counters::default(), Upkeep { next_part }, opening.reading.clone());
    let (parts_dir, is_closed) = (dir.join(PARTS_DIR), AtomicBool::new(false));
    let mut spill = starts.status().is_safe_mode.then(|| Spill {
        maker: PartMaker {
            fs: fs.as_ref(),
            clock: clock.as_ref(),
            reading: &reading,
            counters: &counters,
            is_closed: &is_closed,
        },
        parts_dir: &parts_dir,
        every_bytes: options.segment_bytes,
        last_deletion: 0,
        bytes: 0,
        parts: Vec::new(),
    });
    let (position, has_gap) = opening.replay(
        &head,
        (&mut manifest, &mut upkeep),
        (&log_options, &files),
        spill.as_mut(),
        clock.monotonic(),
    )?;
    let spilled = spill.map_or_else(Vec::new, |spill| spill.parts);
    let has_spilled = !spilled.is_empty();
    if has_spilled {
        // Parts that are not listed are compared with the head, which has not all of the log now; the next start does that.
        parts.extend(spilled);
    } else {
        opening.settle_unlisted(unlisted, &parts, &head);
    }
    let log_synced = opening.sync_log(&log_options.dir, &position);
    let report = opening.report;
    manifest.forget_cuts_before(first_seq_in_log(&position));
    head.raise_log_id(position.segment << 32);
    let log = Log::start(Arc::clone(&fs), log_options, position);
    if let Some(number) = report.checkpoint {
        // Left over if the process died right after it published the checkpoint.
        if let Err(error) = log.drop_before(number) {
            tracing::warn!(%error, "segments that a checkpoint replaced could not be removed");
        }
    }
    add(&counters.samples_replayed, report.samples);
    let damaged = report.problems.iter().filter(|p| p.kind != ProblemKind::TornTail).count();
    add(&counters.corruptions, damaged as u64);
    for problem in &report.problems {
        let (path, quarantined) = (problem.path.display(), problem.quarantined.as_deref().map(Path::display));
        let quarantined = quarantined.map(|q| q.to_string());
        if problem.kind == ProblemKind::TornTail {
            tracing::info!(%path, quarantined, "{}", problem.what);
        } else {
            tracing::error!(%path, kind = problem.kind.as_str(), quarantined, "{}", problem.what);
        }
    }
    let series_counts = SeriesCounts::default();
    head.for_each_series(|series| series_counts.count(&series.labels));
    let store = Store {
        dir: dir.to_owned(),
        limits: RwLock::new(options.limits()),
        tenant_limits: RwLock::new(options.tenants.clone()),
        series_counts,
        refusals: Refusals::default(),
        options,
        fs,
        clock,
        head,
        log,
        reading,
        parts: RwLock::new(Arc::new(PartSet::new(0, parts))),
        manifest: Mutex::new(manifest),
        maintenance: Mutex::new(upkeep),
        counters,
        space,
        starts,
        upkeep_status: Mutex::default(),
        recovery: report.clone(),
        scratch: Mutex::default(),
        is_closed,
        n_waiting: AtomicUsize::new(0),
        _lock: lock,
    };
    if let Err(error) = &log_synced {
        // The log may not keep what was just read from it, so that is written to another place.
        tracing::error!(%error, "the log could not be synced; writing a checkpoint of what it holds");
    }
    // A jump in the numbers would look like lost frames at the next start, so the log begins anew behind a checkpoint.
    // What a careful start moved into parts is not needed in the log.
    if (log_synced.is_err() || has_gap || has_spilled)
        && let Err(error) = store.write_checkpoint()
    {
        tracing::error!(%error, "the checkpoint could not be written");
    }
    store.space.reserve().keep(store.fs.as_ref(), store.space.min_free_bytes());
    Ok((store, report))
}

/// The lowest number that a frame in the log may have: none that has been dropped can come back.
fn first_seq_in_log(position: &LogPosition) -> u64 {
    if position.segments.is_empty() { position.seq } else { 0 }
}

/// 16 bytes from the random keys of the operating system.
fn random_store_id() -> StoreId {
    let half = |salt: u8| RandomState::new().hash_one(salt).to_le_bytes();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&half(0));
    id[8..].copy_from_slice(&half(1));
    StoreId(id)
}

/// The identity that the log or a checkpoint has, for a store that lost its MANIFEST.
fn existing_store_id(fs: &dyn Fs, dir: &Path) -> Option<StoreId> {
    let log_dir = dir.join(LOG_DIR);
    let segments = fs.list(&log_dir).unwrap_or_default().into_iter().map(|e| log_dir.join(e.name));
    let checkpoints = checkpoint::list(fs, dir).unwrap_or_default();
    let files = segments.chain(checkpoints.into_iter().map(|n| checkpoint::path(dir, n)));
    files.into_iter().find_map(|path| {
        let mut header = [0; SegmentHeader::LEN];
        read_exact_at(fs.open(&path).ok()?.as_ref(), &mut header, 0).ok()?;
        SegmentHeader::store_id_of(&header)
    })
}

/// The files that a replay may read, with the bytes that are in use of each.
#[derive(Debug, Default)]
struct ReplayFiles {
    segments: BTreeMap<u64, u64>,
    checkpoints: BTreeMap<u64, u64>,
}

impl ReplayFiles {
    /// Tells what there is to read if the replay starts with this checkpoint, or without any.
    fn announce(&self, checkpoint: Option<u64>, progress: &ReplayProgress) {
        let segments = self.segments.range(checkpoint.unwrap_or(0)..);
        let checkpoint = checkpoint.and_then(|number| self.checkpoints.get(&number));
        let bytes = segments.clone().map(|(_, len)| len).chain(checkpoint).sum();
        let ends = segments.clone().next().zip(segments.clone().next_back());
        progress.begin(ends.map(|((first, _), (last, _))| (*first, *last)), bytes);
    }
}

/// Refuses a log of another store or of a newer version before anything is changed.
fn check_log(opening: &Opening<'_>, loaded: &Loaded) -> Result<ReplayFiles, TsdbError> {
    let store_id = loaded.manifest.store_id();
    let log_dir = opening.dir.join(LOG_DIR);
    let mut files = ReplayFiles::default();
    let check = |path: &Path| match FrameFileReader::open(opening.fs, path, store_id, 0) {
        Ok((_, Err(e))) if !e.is_damage() => Err(TsdbError::NotOurs(format!("{}: {e}", path.display()))),
        Ok((reader, _)) => Ok(reader.data_len()),
        // Whoever reads it tells why that is not possible.
        Err(_) => Ok(0),
    };
    for entry in opening.fs.list(&log_dir).unwrap_or_default() {
        let number = entry.name.to_str().and_then(|name| name.strip_suffix(".log"));
        if entry.kind == EntryKind::File
            && let Some(number) = number
        {
            let len = check(&log_dir.join(&entry.name))?;
            files.segments.extend(number.parse::<u64>().ok().map(|number| (number, len)));
        }
    }
    for number in checkpoint::list(opening.fs, opening.dir).map_err(|e| TsdbError::io(opening.dir, e))? {
        files.checkpoints.insert(number, check(&checkpoint::path(opening.dir, number))?);
    }
    Ok(files)
}

/// What the folder of the parts holds.
struct FoundParts {
    /// With what is wrong corrected.
    manifest: Manifest,
    /// Those that belong to the store.
    parts: Vec<Arc<Part>>,
    /// Whole ones that do not.
    unlisted: Vec<Part>,
    /// The number of the next one.
    next_part: u64,
}

/// A part with what was deleted of it, or why it cannot be used.
type OpenedPart = Result<(Part, FoundTombstones), PartError>;

struct Opening<'a> {
    fs: &'a dyn Fs,
    dir: &'a Path,
    quarantine: PathBuf,
    reading: Reading,
    report: RecoveryReport,
    progress: &'a ReplayProgress,
}

impl Opening<'_> {
    fn problem(
        &mut self,
        kind: ProblemKind,
        path: &Path,
        what: impl Into<String>,
        quarantined: Option<PathBuf>,
    ) {
        self.report.problems.push(Problem { kind, path: path.to_owned(), what: what.into(), quarantined });
    }

    /// Removes what a crash left unfinished.
    fn remove_unfinished(&self) -> Result<(), TsdbError> {
        for dir in [self.dir.to_owned(), self.dir.join(PARTS_DIR), self.dir.join(SNAPSHOTS_DIR)] {
            let entries = match self.fs.list(&dir) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) if e.kind() == io::ErrorKind::NotADirectory => {
                    return Err(TsdbError::InTheWay {
                        path: dir.display().to_string(),
                        what: "is not a folder",
                    });
                }
                entries => entries.map_err(|e| TsdbError::io(&dir, e))?,
            };
            for entry in entries {
                if !entry.name.to_str().is_some_and(|n| n.ends_with(UNFINISHED)) {
                    continue;
                }
                let path = dir.join(&entry.name);
                let removed = match entry.kind {
                    EntryKind::Dir => self.fs.remove_dir_all(&path),
                    _ => self.fs.remove_file(&path),
                };
                if let Err(error) = removed {
                    tracing::warn!(path = %path.display(), %error, "unfinished file could not be removed");
                }
            }
        }
        Ok(())
    }

    /// Moves a folder to the quarantine. Returns where it is now, or `None` if it could not be moved.
    fn quarantine_dir(&self, path: &Path, suffix: &str) -> Option<PathBuf> {
        quarantine_part(self.fs, &self.quarantine, path, suffix)
    }

    /// Opens the parts.
    fn parts(&mut self, loaded: Loaded) -> Result<FoundParts, TsdbError> {
        let Loaded { mut manifest, damage, dropped, is_new } = loaded;
        let parts_dir = self.dir.join(PARTS_DIR);
        let on_disk = self.part_folders(&parts_dir)?;
        let next_part =
            on_disk.iter().chain(manifest.parts().keys()).chain(&dropped).max().map_or(1, |id| id + 1);
        let list_is_whole = damage.is_empty() && (!is_new || on_disk.is_empty());
        // Everything is looked at before anything is changed: a store of a newer version stays as it is.
        let listed: Vec<PartEntry> = manifest.parts().values().cloned().collect();
        let mut opened: Vec<(u64, PathBuf, OpenedPart)> = Vec::new();
        for entry in &listed {
            let dir = parts_dir.join(folder_name(entry.id));
            let part = open_listed(self.fs, &dir, entry, &self.reading);
            let part = part.and_then(|part| self.read_tombstones(part));
            opened.push((entry.id, dir, part));
        }
        for id in on_disk.into_iter().filter(|id| !manifest.parts().contains_key(id)) {
            let dir = parts_dir.join(folder_name(id));
            let part = Part::open(self.fs, &dir, id, &self.reading);
            let part = part.and_then(|part| self.read_tombstones(part));
            opened.push((id, dir, part));
        }
        for (_, _, part) in &opened {
            if let Some(e) = part.as_ref().err().and_then(refusal) {
                return Err(e);
            }
        }
        if !list_is_whole {
            self.damaged_manifest(&manifest, &damage, is_new);
        }
        let mut superseded: BTreeSet<u64> = dropped.into_iter().collect();
        for (id, _, part) in &opened {
            if let Ok((part, _)) = part
                && manifest.parts().contains_key(id)
            {
                superseded.extend(&part.meta().sources);
            }
        }
        let (mut parts, mut unlisted) = (Vec::new(), Vec::new());
        for (id, dir, part) in opened {
            let is_listed = manifest.parts().contains_key(&id);
            match part {
                Ok((part, found)) if is_listed => {
                    parts.push(Arc::new(self.with_tombstones(&part, found, &mut manifest)));
                }
                _ if !is_listed && superseded.contains(&id) => {
                    if let Err(error) = self.fs.remove_dir_all(&dir) {
                        tracing::warn!(path = %dir.display(), %error, "part that was replaced could not be removed");
                    }
                }
                Ok((part, found)) if !list_is_whole => {
                    let mut entry = PartEntry::from(part.meta());
                    entry.files.extend(self.meta_file(&dir));
                    manifest.adopt(entry);
                    parts.push(Arc::new(self.with_tombstones(&part, found, &mut manifest)));
                }
                Ok((part, _)) => unlisted.push(part),
                Err(e) => {
                    let moved = self.quarantine_dir(&dir, "damaged");
                    self.problem(ProblemKind::Part, &dir, e.to_string(), moved);
                    manifest.forget(id);
                }
            }
        }
        if !list_is_whole {
            drop_superseded(&mut manifest, &mut parts);
        }
        Ok(FoundParts { manifest, parts, unlisted, next_part })
    }

    /// Reads what was deleted of a part. What cannot be read is no reason to do without the part, unless it comes from a newer version.
    fn read_tombstones(&self, part: Part) -> OpenedPart {
        match Tombstones::read(self.fs, part.dir(), part.meta().id, part.n_series()) {
            Ok(found) => Ok((part, found)),
            Err(e) if refusal(&e).is_some() => Err(e),
            Err(e) => {
                Ok((part, FoundTombstones { damage: vec![e.to_string()], ..FoundTombstones::default() }))
            }
        }
    }

    /// Lets a part pass over what was deleted of it, and reports what of that is lost.
    fn with_tombstones(&mut self, part: &Part, found: FoundTombstones, manifest: &mut Manifest) -> Part {
        let FoundTombstones { tombstones, mut damage } = found;
        let id = part.meta().id;
        let path = part.dir().join(TOMBSTONE_FILE);
        let expected = manifest.parts().get(&id).map_or(0, |entry| entry.deletions);
        if damage.is_empty() && tombstones.deletions() < expected {
            damage.push(format!("{} deletions instead of {expected}", tombstones.deletions()));
        }
        if !damage.is_empty() {
            let copy = read_file(self.fs, &path, MAX_TOMBSTONE_BYTES)
                .and_then(|bytes| self.keep(&format!("part-{}-{TOMBSTONE_FILE}", folder_name(id)), &bytes));
            // With a copy of what was there, the file can be made whole again.
            if copy.is_ok()
                && let Err(error) = tombstones.write(self.fs, part.dir(), id)
            {
                tracing::warn!(path = %path.display(), %error, "deletions could not be written anew");
            }
            let what = format!("{}; deleted samples may be back", damage.join("; "));
            self.problem(ProblemKind::Tombstones, &path, what, copy.ok());
        }
        manifest.set_deletions(id, tombstones.deletions());
        part.with_tombstones(tombstones)
    }

    /// Removes whole parts that are not listed but whose samples are all where they came from: a crash came between their publication and
    /// the list. Others are put aside.
    fn settle_unlisted(&mut self, unlisted: Vec<Part>, parts: &[Arc<Part>], head: &Head) {
        for part in unlisted {
            let dir = part.dir().to_owned();
            let is_left_over = if part.meta().level > 0 {
                has_sources(&part, parts)
            } else {
                head.holds(&part).unwrap_or(false)
            };
            drop(part);
            if is_left_over {
                tracing::info!(path = %dir.display(), "removing a part that was finished and not listed when the process ended");
                if let Err(error) = self.fs.remove_dir_all(&dir) {
                    tracing::warn!(path = %dir.display(), %error, "part that is not listed could not be removed");
                }
                continue;
            }
            let moved = self.quarantine_dir(&dir, "unlisted");
            self.problem(ProblemKind::UnlistedPart, &dir, "not listed in MANIFEST; ignored", moved);
        }
    }

    fn meta_file(&self, dir: &Path) -> Option<FileMeta> {
        let bytes = read_file(self.fs, &dir.join(META_FILE), MAX_META_BYTES).ok()?;
        let (len, crc32c) = (bytes.len() as u64, Crc32c::of(&bytes));
        Some(FileMeta { name: META_FILE.to_owned(), len, crc32c })
    }

    /// The ids of the folders of parts.
    fn part_folders(&mut self, dir: &Path) -> Result<Vec<u64>, TsdbError> {
        let entries = match self.fs.list(dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|e| TsdbError::io(dir, e))?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry.name.to_str().unwrap_or_default();
            let id = name.parse::<u64>().ok().filter(|id| folder_name(*id) == name);
            match id {
                Some(id) if entry.kind == EntryKind::Dir => ids.push(id),
                _ => {
                    tracing::warn!(path = %dir.join(&entry.name).display(), "unknown file among the parts is ignored");
                }
            }
        }
        Ok(ids)
    }

    fn damaged_manifest(&mut self, manifest: &Manifest, damage: &[String], is_new: bool) {
        let path = manifest.path().to_owned();
        if is_new {
            self.problem(
                ProblemKind::Manifest,
                &path,
                "missing although there are parts; made again from them",
                None,
            );
            return;
        }
        let copy = read_file(self.fs, &path, 1 << 30).and_then(|bytes| self.keep("MANIFEST", &bytes));
        self.problem(ProblemKind::Manifest, &path, damage.join("; "), copy.ok());
    }

    /// Keeps bytes in the quarantine under a name of their own.
    fn keep(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.quarantine.join(format!("{name}-{:08x}", Crc32c::of(bytes)));
        self.fs.create_dir_all(&self.quarantine)?;
        if self.fs.metadata(&path).is_ok_and(|m| m.len == bytes.len() as u64) {
            return Ok(path);
        }
        let file = self.fs.create(&path)?;
        write_all_at(file.as_ref(), bytes, 0)?;
        file.sync()?;
        self.fs.sync_dir(&self.quarantine)?;
        Ok(path)
    }

    /// Replays checkpoint and log, and returns where the log goes on, and whether its numbers jump there: a power cut took frames whose samples are in parts
    /// or in the checkpoint.
    fn replay(
        &mut self,
        head: &Head,
        manifest: (&mut Manifest, &mut Upkeep),
        (options, files): (&LogOptions, &ReplayFiles),
        spill: Option<&mut Spill<'_>>,
        now: std::time::Duration,
    ) -> Result<(LogPosition, bool), TsdbError> {
        files.announce(files.checkpoints.keys().next_back().copied(), self.progress);
        std::thread::scope(|scope| {
            let fillers = Fillers::start(scope, head).map_err(|e| TsdbError::io(self.dir, e))?;
            self.replay_with(fillers, head, manifest, (options, files), spill, now)
        })
    }

    fn replay_with(
        &mut self,
        fillers: Fillers<'_>,
        head: &Head,
        (manifest, upkeep): (&mut Manifest, &mut Upkeep),
        (options, files): (&LogOptions, &ReplayFiles),
        mut spill: Option<&mut Spill<'_>>,
        now: std::time::Duration,
    ) -> Result<(LogPosition, bool), TsdbError> {
        let progress = self.progress;
        // Those that are added on the way concern frames that were read by then.
        let cuts = manifest.cuts().to_vec();
        let mut replay = Replay::new(head, &cuts, now, fillers);
        self.replay_checkpoint(&mut replay, manifest.store_id())?;
        let from = self.report.checkpoint.unwrap_or(0);
        files.announce(self.report.checkpoint, progress);
        if let Some(spill) = &mut spill {
            let segments = files
                .segments
                .range(from..)
                .map(|(n, _)| (*n, bellwether_disk::segment_path(&options.dir, *n)));
            spill.last_deletion = last_deletion(self.fs, manifest.store_id(), segments);
        }
        let mut bad_records = Vec::new();
        let mut first_seq = None;
        let recovered = recover(self.fs, options, from, |frame| {
            first_seq.get_or_insert(frame.seq);
            progress.at_segment(frame.segment);
            progress.add(frame.payload.len() as u64);
            let replayed = replay.log_frame(frame.seq, frame.payload);
            if let Some(spill) = &mut spill {
                let store = (&mut *manifest, &mut *upkeep);
                spill.after_frame(&mut replay, head, store, frame.seq, frame.payload.len());
            }
            match replayed {
                Ok(()) => Ok(()),
                Err(RecordError::Newer(e)) => {
                    let path = bellwether_disk::segment_path(&options.dir, frame.segment);
                    Err(TsdbError::NotOurs(format!("{} offset {}: {e}", path.display(), frame.offset)))
                }
                Err(RecordError::Damaged(e)) => {
                    bad_records.push((frame.segment, frame.offset, e.to_string()));
                    Ok(())
                }
            }
        });
        let mut recovery = recovered.map_err(not_opened)?;
        progress.end();
        for (segment, offset, what) in bad_records {
            let path = bellwether_disk::segment_path(&options.dir, segment);
            self.problem(ProblemKind::Log, &path, format!("records of the frame at {offset}: {what}"), None);
        }
        for skipped in std::mem::take(&mut recovery.skipped) {
            let (kind, unit) = match skipped.reason {
                SkippedReason::TornTail => (ProblemKind::TornTail, "bytes"),
                SkippedReason::Missing => {
                    self.report.frames_missing += skipped.len;
                    (ProblemKind::Log, "frames")
                }
                _ => (ProblemKind::Log, "bytes"),
            };
            let what =
                format!("{}: {} {unit} at offset {}", skipped.reason.as_str(), skipped.len, skipped.offset);
            self.problem(kind, &skipped.path, what, skipped.quarantined);
        }
        let replayed = replay.finish();
        let first_seq = first_seq.unwrap_or(recovery.next.seq);
        self.check_start_of_log(&options.dir, replayed.checkpoint.map(|c| c.next_seq), first_seq);
        self.report.log_frames = recovery.frames;
        self.report.samples = replayed.samples;
        self.report.samples_known = replayed.known;
        self.report.samples_orphaned = replayed.orphaned;
        self.report.series = head.n_series();
        let mut position = recovery.next;
        position.segment = position.segment.max(from).max(1);
        let log_seq = position.seq;
        let checkpoint_seq = replayed.checkpoint.map_or(1, |c| c.next_seq);
        let cut_seq = manifest.cuts().iter().map(|c| c.log_seq).max().unwrap_or(0);
        // A number that a checkpoint has or a cut passes over must not be given to a new frame, whatever happened to the log.
        position.seq = log_seq.max(checkpoint_seq).max(cut_seq + 1);
        let has_frames = position.segments.range(from..).next().is_some();
        let has_gap = position.seq > if has_frames { log_seq } else { log_seq.max(checkpoint_seq) };
        Ok((position, has_gap))
    }

    /// Makes durable what the process before only wrote. Samples that a query returned, or that are acknowledged because the store has them already, must
    /// not be lost later.
    fn sync_log(&self, dir: &Path, position: &LogPosition) -> Result<(), TsdbError> {
        for number in position.segments.keys() {
            let path = bellwether_disk::segment_path(dir, *number);
            self.fs.open_write(&path).and_then(|file| file.sync()).map_err(|e| TsdbError::io(&path, e))?;
        }
        if !position.segments.is_empty() {
            self.fs.sync_dir(dir).map_err(|e| TsdbError::io(dir, e))?;
        }
        Ok(())
    }

    /// Reports that the log does not go on where the checkpoint ends, or does not start at the beginning although there is no checkpoint.
    fn check_start_of_log(&mut self, dir: &Path, checkpoint_seq: Option<u64>, first_seq: u64) {
        let expected = checkpoint_seq.unwrap_or(1);
        let is_explained =
            self.report.problems.iter().any(|p| matches!(p.kind, ProblemKind::Checkpoint | ProblemKind::Log));
        if first_seq <= expected || is_explained {
            return;
        }
        self.report.frames_missing += first_seq - expected;
        let kind = if checkpoint_seq.is_some() { ProblemKind::Log } else { ProblemKind::Checkpoint };
        let what = match checkpoint_seq {
            Some(seq) => {
                format!("the log starts with frame {first_seq}, the checkpoint ends before frame {seq}")
            }
            None => format!(
                "the log starts with frame {first_seq}, and there is no checkpoint of what was before"
            ),
        };
        self.problem(kind, dir, what, None);
    }

    /// Replays the newest checkpoint of which anything is readable.
    fn replay_checkpoint(&mut self, replay: &mut Replay<'_>, store_id: StoreId) -> Result<(), TsdbError> {
        let numbers = checkpoint::list(self.fs, self.dir).map_err(|e| TsdbError::io(self.dir, e))?;
        for number in numbers {
            let path = checkpoint::path(self.dir, number);
            let mut bad_records = Vec::new();
            let read = checkpoint::read(self.fs, &path, store_id, number, |payload| {
                self.progress.add(payload.len() as u64);
                match replay.checkpoint_frame(payload) {
                    Err(RecordError::Newer(e)) => Err(TsdbError::NotOurs(format!("{}: {e}", path.display()))),
                    Err(RecordError::Damaged(e)) => {
                        bad_records.push(e.to_string());
                        Ok(())
                    }
                    Ok(()) => Ok(()),
                }
            });
            let problems = read.map_err(|e| TsdbError::io(&path, e))??;
            if let Some(what) = problems.not_ours {
                return Err(TsdbError::NotOurs(format!("{}: {what}", path.display())));
            }
            let mut damage = problems.damage;
            damage.append(&mut bad_records);
            if !replay.replayed.checkpoint_ended {
                damage.push("its end is missing".to_owned());
            }
            if !damage.is_empty() {
                let copy = read_file(self.fs, &path, 1 << 40)
                    .and_then(|b| self.keep(&format!("checkpoint-{number:08}"), &b));
                self.problem(ProblemKind::Checkpoint, &path, damage.join("; "), copy.ok());
            }
            if replay.replayed.checkpoint.is_some() || replay.replayed.samples > 0 {
                self.report.checkpoint = Some(number);
                break;
            }
        }
        Ok(())
    }
}

/// Moves the folder of a part to the quarantine, under a name that is free and says why. `None` if that is not possible; it stays where it is then.
pub(super) fn quarantine_part(fs: &dyn Fs, quarantine: &Path, path: &Path, why: &str) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let mut target = quarantine.join(format!("part-{name}.{why}"));
    let mut n = 1;
    while fs.metadata(&target).is_ok() {
        n += 1;
        target = quarantine.join(format!("part-{name}.{why}-{n}"));
    }
    let moved = fs
        .create_dir_all(quarantine)
        .and_then(|()| fs.rename(path, &target))
        .and_then(|()| fs.sync_dir(quarantine));
    match moved {
        Ok(()) => Some(target),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "folder could not be moved to the quarantine");
            None
        }
    }
}

/// Why the store is not opened because of a part: it is of a newer version, or cannot be looked at for lack of permission. Any other bad part
/// goes to the quarantine.
fn refusal(e: &PartError) -> Option<TsdbError> {
    match e {
        PartError::Newer { .. } => Some(TsdbError::NotOurs(e.to_string())),
        PartError::Io { path, source } if source.kind() == io::ErrorKind::PermissionDenied => {
            Some(TsdbError::Io { path: path.clone(), source: io::ErrorKind::PermissionDenied.into() })
        }
        _ => None,
    }
}

/// Opens a part and compares its files with the list.
fn open_listed(fs: &dyn Fs, dir: &Path, entry: &PartEntry, reading: &Reading) -> Result<Part, PartError> {
    for file in &entry.files {
        let path = dir.join(&file.name);
        let len = fs.metadata(&path).map_err(|e| PartError::io(&path, e))?.len;
        if len != file.len {
            return Err(PartError::damaged(
                &path,
                format!("the file has {len} bytes instead of {}", file.len),
            ));
        }
        if file.name == META_FILE {
            let bytes = read_file(fs, &path, MAX_META_BYTES).map_err(|e| PartError::io(&path, e))?;
            if Crc32c::of(&bytes) != file.crc32c {
                return Err(PartError::damaged(&path, "checksum of the file"));
            }
        }
    }
    Part::open(fs, dir, entry.id, reading)
}

/// Whether the store has everything that a part was merged from.
fn has_sources(merged: &Part, parts: &[Arc<Part>]) -> bool {
    let is_source = |p: &&Arc<Part>| merged.meta().sources.contains(&p.meta().id);
    let sources = parts.iter().filter(is_source).map(|p| p.meta());
    let mut known: BTreeSet<u64> = BTreeSet::new();
    for source in sources {
        known.insert(source.id);
        known.extend(&source.sources);
    }
    merged.meta().sources.iter().all(|id| known.contains(id))
}

/// Leaves out the parts that others were made from: they were dropped by a line that is lost.
fn drop_superseded(manifest: &mut Manifest, parts: &mut Vec<Arc<Part>>) {
    let sources: BTreeSet<u64> = parts.iter().flat_map(|p| p.meta().sources.iter().copied()).collect();
    parts.retain(|part| {
        let id = part.meta().id;
        if sources.contains(&id) {
            manifest.forget(id);
        }
        !sources.contains(&id)
    });
}

fn not_opened(e: RecoveryError<TsdbError>) -> TsdbError {
    match e {
        RecoveryError::Consumer(e) => e,
        RecoveryError::Io { path, source } => TsdbError::Io { path, source },
        RecoveryError::NotAFile { path } => TsdbError::InTheWay { path, what: "is not a regular file" },
        e => TsdbError::NotOurs(e.to_string()),
    }
}

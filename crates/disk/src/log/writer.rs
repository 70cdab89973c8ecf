use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::fs::{Fs, FsFile, write_all_at};

use super::frame;
use super::group::Group;
use super::recover::LogPosition;
use super::segment::{SegmentHeader, SegmentKind, StoreId, frame_seed, segment_path};

/// What is not synced is kept in memory; above this many bytes the next [`Log::commit`] syncs, whatever the policy.
const MAX_UNSYNCED_BYTES: usize = 32 << 20;
/// A sync that takes longer is worth a word to the operator.
const SLOW_SYNC: Duration = Duration::from_secs(5);
/// From this many on, the thread of [`SyncPolicy::Interval`] syncs before its time.
const EARLY_SYNC_BYTES: usize = 8 << 20;
/// A segment gets at least this much room, if its regular size is not smaller.
const MIN_SEGMENT_BYTES: u64 = 1 << 20;
/// How many buffers are kept for the next groups.
const SPARE_BUFFERS: usize = 4;
/// A larger buffer is given back to the allocator.
const SPARE_BUFFER_BYTES: usize = 4 << 20;

/// When what was written is made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncPolicy {
    /// At most this long after it was written, by a thread of the log; sooner if much was written.
    Interval(Duration),
    /// Before [`Log::commit`] returns; one sync serves all that wait.
    Always,
    /// When a segment is finished.
    Segment,
}

/// How a log is kept.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// The folder of the segments. It is created when the first segment is.
    pub dir: PathBuf,
    /// Where recovery copies what it cannot use.
    pub quarantine_dir: PathBuf,
    /// The store that the log belongs to.
    pub store_id: StoreId,
    /// Size of a segment in bytes. A group that is longer gets a segment of its own.
    pub segment_bytes: u64,
    /// When to sync.
    pub sync: SyncPolicy,
    /// A new segment must leave this many bytes of the file system free.
    pub min_free_bytes: u64,
}

impl LogOptions {
    /// Segments of 128 MiB, synced once a second, no free space kept.
    pub fn new(dir: PathBuf, quarantine_dir: PathBuf, store_id: StoreId) -> Self {
        Self {
            dir,
            quarantine_dir,
            store_id,
            segment_bytes: 128 << 20,
            sync: SyncPolicy::Interval(Duration::from_secs(1)),
            min_free_bytes: 0,
        }
    }
}

/// Why something was not written to a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// There is no room for another segment. The log takes writes again as soon as there is.
    #[error("no room for the log: {0}")]
    Full(String),
    /// The disk failed and a second attempt on a new segment failed as well. Stays so until the log is opened again.
    #[error("the log is read-only: {0}")]
    ReadOnly(String),
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

/// Where a group was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The sequence number of the first frame.
    pub first_seq: u64,
    /// The sequence number of the last frame.
    pub last_seq: u64,
    /// The segment.
    pub segment: u64,
}

/// What a log is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogStatus {
    /// Bytes in all segments, without what is only allocated.
    pub bytes: u64,
    /// How many segments there are.
    pub segments: usize,
    /// The sequence number of the last frame that was written; 0 if there is none.
    pub last_seq: u64,
    /// The sequence number up to which everything is durable.
    pub synced_seq: u64,
    /// Bytes that are written and not durable.
    pub unsynced_bytes: usize,
    /// How often the log was synced.
    pub syncs: u64,
    /// How long that took, all together.
    pub sync_time: Duration,
    /// How often a sync or write failed.
    pub failures: u64,
    /// Why the log takes no writes any more, if so.
    pub read_only: Option<String>,
}

/// A log that takes writes.
///
/// Group commit is driven by the callers: of those that wait in [`commit`](Self::commit), one syncs for all. Only the policy
/// [`SyncPolicy::Interval`] has a thread, and it does nothing but sync. Dropping the log writes and syncs nothing.
#[derive(Debug)]
pub struct Log {
    shared: Arc<Shared>,
    syncer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    fs: Arc<dyn Fs>,
    options: LogOptions,
    state: Mutex<State>,
    /// Signalled when a sync ends, when there is something to sync, and when the log is closed.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// The segment that is written to. Created when it is needed, so that a full disk does not keep a log from being opened.
    active: Option<Active>,
    next_segment: u64,
    next_seq: u64,
    /// Finished segments that are not synced.
    unsynced_files: Vec<(u64, Arc<dyn FsFile>)>,
    /// Groups that are written and not synced, with their last sequence number.
    unsynced: VecDeque<(u64, Vec<u8>)>,
    unsynced_bytes: usize,
    synced_seq: u64,
    syncing: bool,
    /// Lengths of the finished segments.
    finished: BTreeMap<u64, u64>,
    spare: Vec<Vec<u8>>,
    syncs: u64,
    sync_time: Duration,
    failures: u64,
    read_only: Option<String>,
    closed: bool,
}

#[derive(Debug)]
struct Active {
    number: u64,
    file: Arc<dyn FsFile>,
    len: u64,
    capacity: u64,
}

impl Log {
    /// Starts to write behind what recovery found. Nothing is created before the first frame comes.
    pub fn start(fs: Arc<dyn Fs>, options: LogOptions, at: LogPosition) -> Self {
        assert!(at.seq > 0, "BUG: frames are counted from 1");
        let state = State {
            active: None,
            next_segment: at.segment,
            next_seq: at.seq,
            unsynced_files: Vec::new(),
            unsynced: VecDeque::new(),
            unsynced_bytes: 0,
            synced_seq: at.seq - 1,
            syncing: false,
            finished: at.segments,
            spare: Vec::new(),
            syncs: 0,
            sync_time: Duration::ZERO,
            failures: 0,
            read_only: None,
            closed: false,
        };
        let shared = Arc::new(Shared { fs, options, state: Mutex::new(state), changed: Condvar::new() });
        let syncer = match shared.options.sync {
            SyncPolicy::Interval(every) => {
                let shared = Arc::clone(&shared);
                let thread = std::thread::Builder::new().name("log-sync".to_owned());
                match thread.spawn(move || shared.sync_every(every)) {
                    Ok(handle) => Some(handle),
                    Err(error) => {
                        tracing::error!(%error, "no thread to sync the log; it is synced when much has been written");
                        None
                    }
                }
            }
            SyncPolicy::Always | SyncPolicy::Segment => None,
        };
        Self { shared, syncer: Mutex::new(syncer) }
    }

    /// An empty group, if possible with the memory of an earlier one.
    pub fn group(&self) -> Group {
        self.shared.state.lock().spare.pop().map_or_else(Group::new, Group::reuse)
    }

    /// Writes a group. When this returns, the frames survive the death of the process; [`commit`](Self::commit) says when they survive more.
    ///
    /// A failed write is tried once more on a new segment. After [`LogError::Full`] nothing of the group is in the log.
    pub fn append(&self, group: Group) -> Result<Appended, LogError> {
        assert!(!group.is_empty(), "BUG: a group without frames");
        let mut state = self.shared.state.lock();
        state.check_open()?;
        let before = state.unsynced_bytes;
        let appended = self.shared.write_group(&mut state, group)?;
        let begins_to_wait = before == 0 && state.unsynced_bytes > 0;
        let is_much = before < EARLY_SYNC_BYTES && state.unsynced_bytes >= EARLY_SYNC_BYTES;
        if (begins_to_wait || is_much) && matches!(self.shared.options.sync, SyncPolicy::Interval(_)) {
            self.shared.changed.notify_all();
        }
        Ok(appended)
    }

    /// Does for the frames up to `seq` what the policy promises: waits for the sync under [`SyncPolicy::Always`], else usually nothing.
    pub fn commit(&self, seq: u64) -> Result<(), LogError> {
        let state = self.shared.state.lock();
        let must_sync = match self.shared.options.sync {
            SyncPolicy::Always => true,
            SyncPolicy::Interval(_) => state.unsynced_bytes > MAX_UNSYNCED_BYTES,
            SyncPolicy::Segment => {
                state.unsynced_bytes > MAX_UNSYNCED_BYTES || !state.unsynced_files.is_empty()
            }
        };
        if must_sync { self.shared.sync_through(state, seq) } else { Ok(()) }
    }

    /// Makes everything durable that was written so far.
    pub fn sync(&self) -> Result<(), LogError> {
        let state = self.shared.state.lock();
        let last = state.next_seq - 1;
        self.shared.sync_through(state, last)
    }

    /// Finishes the segment that is written to. All frames so far are in segments below the returned number, all later ones in that segment or above.
    pub fn roll(&self) -> u64 {
        let mut state = self.shared.state.lock();
        state.finish_active();
        state.next_segment
    }

    /// The sequence number of the last frame that was written; 0 if there is none.
    pub fn last_seq(&self) -> u64 {
        self.shared.state.lock().next_seq - 1
    }

    /// The number of the segment that is written to, or will be created next.
    pub fn segment(&self) -> u64 {
        let state = self.shared.state.lock();
        state.active.as_ref().map_or(state.next_segment, |active| active.number)
    }

    /// Removes the segments below `number`, which nobody needs any more.
    ///
    /// The segment that is written to must not be below; [`roll`](Self::roll) sees to that.
    pub fn drop_before(&self, number: u64) -> io::Result<usize> {
        let mut state = self.shared.state.lock();
        assert!(state.active.as_ref().is_none_or(|a| a.number >= number), "BUG: segment in use is dropped");
        let numbers: Vec<u64> = state.finished.range(..number).map(|(n, _)| *n).collect();
        state.unsynced_files.retain(|(n, _)| *n >= number);
        for n in &numbers {
            match self.shared.fs.remove_file(&segment_path(&self.shared.options.dir, *n)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => state.finished.remove(n),
            };
        }
        drop(state);
        if !numbers.is_empty() {
            self.shared.fs.sync_dir(&self.shared.options.dir)?;
        }
        Ok(numbers.len())
    }

    /// What the log is doing.
    pub fn status(&self) -> LogStatus {
        let state = self.shared.state.lock();
        LogStatus {
            bytes: state.finished.values().sum::<u64>() + state.active.as_ref().map_or(0, |a| a.len),
            segments: state.finished.len() + usize::from(state.active.is_some()),
            last_seq: state.next_seq - 1,
            synced_seq: state.synced_seq,
            unsynced_bytes: state.unsynced_bytes,
            syncs: state.syncs,
            sync_time: state.sync_time,
            failures: state.failures,
            read_only: state.read_only.clone(),
        }
    }

    /// Syncs, gives back what is only allocated, and takes no more writes.
    pub fn close(&self) -> Result<(), LogError> {
        self.stop();
        let mut state = self.shared.state.lock();
        state.finish_active();
        let last = state.next_seq - 1;
        self.shared.sync_through(state, last)
    }

    fn stop(&self) {
        self.shared.state.lock().closed = true;
        self.shared.changed.notify_all();
        let thread = self.syncer.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that syncs the log panicked");
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.stop();
    }
}

impl State {
    fn check_open(&self) -> Result<(), LogError> {
        match &self.read_only {
            Some(reason) => Err(LogError::ReadOnly(reason.clone())),
            None if self.closed => Err(LogError::Closed),
            None => Ok(()),
        }
    }

    /// Cuts the active segment to what was written and puts it to those that wait for a sync.
    fn finish_active(&mut self) {
        let Some(active) = self.active.take() else { return };
        if let Err(error) = active.file.set_len(active.len) {
            // Only room is lost, until the next start cuts it.
            tracing::warn!(segment = active.number, %error, "finished segment could not be cut");
        }
        self.finished.insert(active.number, active.len);
        self.unsynced_files.push((active.number, active.file));
    }

    fn mark_synced(&mut self, seq: u64) {
        self.synced_seq = self.synced_seq.max(seq);
        while self.unsynced.front().is_some_and(|(last, _)| *last <= seq) {
            let (_, bytes) = self.unsynced.pop_front().expect("BUG: there is a first group");
            self.unsynced_bytes -= bytes.len();
            if self.spare.len() < SPARE_BUFFERS && bytes.capacity() <= SPARE_BUFFER_BYTES {
                self.spare.push(bytes);
            }
        }
    }
}

impl Shared {
    /// Writes a group behind what is there, in a new segment if need be.
    fn write_group(&self, state: &mut State, group: Group) -> Result<Appended, LogError> {
        let frames = group.frames();
        let mut bytes = group.bytes;
        let active = match self.room_for(state, bytes.len() as u64) {
            Ok(active) => active,
            Err(e) if is_full(&e) => return Err(LogError::Full(e.to_string())),
            Err(e) => return Err(self.give_up(state, &format!("creating a segment: {e}"))),
        };
        let number = active.number;
        let (first_seq, last_seq) = (state.next_seq, state.next_seq + frames - 1);
        frame::stamp(&mut bytes, first_seq, frame_seed(self.options.store_id, number));
        let active = state.active.as_mut().expect("BUG: room was made in the active segment");
        let written = write_all_at(active.file.as_ref(), &bytes, active.len);
        let mut segment = number;
        match written {
            Ok(()) => {
                active.len += bytes.len() as u64;
                state.next_seq = last_seq + 1;
                state.unsynced_bytes += bytes.len();
                state.unsynced.push_back((last_seq, bytes));
            }
            Err(e) => {
                state.failures += 1;
                let removed = active.file.set_len(active.len).is_ok();
                if is_full(&e) && removed {
                    state.finish_active();
                    return Err(LogError::Full(e.to_string()));
                }
                // The numbers are used up in any case: frames of the failed write may be found later.
                state.next_seq = last_seq + 1;
                state.unsynced_bytes += bytes.len();
                state.unsynced.push_back((last_seq, bytes));
                segment = self.start_over(state, &format!("writing segment {number}: {e}"))?;
            }
        }
        Ok(Appended { first_seq, last_seq, segment })
    }

    /// The active segment with room for `len` more bytes.
    fn room_for<'a>(&self, state: &'a mut State, len: u64) -> io::Result<&'a mut Active> {
        if state.active.as_ref().is_none_or(|a| a.len + len > a.capacity) {
            let active = self.create_segment(state, len)?;
            state.finish_active();
            state.active = Some(active);
        }
        Ok(state.active.as_mut().expect("BUG: the segment was created above"))
    }

    /// Creates the next segment with room for `frames_len` bytes of frames.
    fn create_segment(&self, state: &mut State, frames_len: u64) -> io::Result<Active> {
        let dir = &self.options.dir;
        let needed = SegmentHeader::LEN as u64 + frames_len;
        let wanted = self.options.segment_bytes.max(needed);
        let smallest = MIN_SEGMENT_BYTES.min(wanted).max(needed);
        self.fs.create_dir_all(dir)?;
        let available = self.fs.space(dir).map_or(u64::MAX, |s| s.available);
        let room = available.saturating_sub(self.options.min_free_bytes);
        if room < smallest {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                format!(
                    "{available} bytes are available on the file system of {}, {} must stay free",
                    dir.display(),
                    self.options.min_free_bytes
                ),
            ));
        }
        let number = state.next_segment;
        let path = segment_path(dir, number);
        // A number is never used twice, so what a failed attempt leaves behind is in nobody's way.
        state.next_segment += 1;
        let header = SegmentHeader {
            kind: SegmentKind::Log,
            store_id: self.options.store_id,
            number,
            first_seq: state.next_seq,
        };
        let create = || {
            let file = self.fs.create(&path)?;
            let capacity = allocate(file.as_ref(), wanted.min(room), smallest)?;
            write_all_at(file.as_ref(), &header.encode(), 0)?;
            self.fs.sync_dir(dir)?;
            Ok(Active { number, file, len: SegmentHeader::LEN as u64, capacity })
        };
        create().inspect_err(|_| {
            let _ = self.fs.remove_file(&path);
        })
    }

    /// Waits until the frames up to `seq` are durable; syncs for all that wait if nobody does yet.
    fn sync_through(&self, mut state: MutexGuard<'_, State>, seq: u64) -> Result<(), LogError> {
        loop {
            if state.synced_seq >= seq {
                return Ok(());
            }
            if let Some(reason) = &state.read_only {
                return Err(LogError::ReadOnly(reason.clone()));
            }
            if state.syncing {
                self.changed.wait(&mut state);
                continue;
            }
            state.syncing = true;
            let target = state.next_seq - 1;
            let mut files = state.unsynced_files.clone();
            let finished = files.len();
            files.extend(state.active.as_ref().map(|a| (a.number, Arc::clone(&a.file))));
            let began = Instant::now();
            let result = MutexGuard::unlocked(&mut state, || sync_all(&files));
            let took = began.elapsed();
            if took >= SLOW_SYNC {
                tracing::warn!(seconds = took.as_secs_f64(), "the disk is slow: syncing the log took long");
            }
            state.syncing = false;
            state.syncs += 1;
            state.sync_time += took;
            match result {
                Ok(()) => {
                    // A segment that was finished while the sync ran may have got frames that the sync did not see.
                    state
                        .unsynced_files
                        .retain(|(n, _)| files[..finished].iter().all(|(synced, _)| synced != n));
                    state.mark_synced(target);
                }
                Err((number, e)) => {
                    state.failures += 1;
                    let outcome = self.start_over(&mut state, &format!("syncing segment {number}: {e}"));
                    self.changed.notify_all();
                    outcome?;
                }
            }
            self.changed.notify_all();
        }
    }

    /// Writes everything that is not durable once more, to new segments, and syncs them. Gives the log up if that fails too.
    fn start_over(&self, state: &mut State, cause: &str) -> Result<u64, LogError> {
        tracing::error!(
            cause,
            unsynced_bytes = state.unsynced_bytes,
            "the log failed; writing again to a new segment"
        );
        if let Some(active) = state.active.take() {
            state.finished.insert(active.number, active.len);
        }
        state.unsynced_files.clear();
        match self.write_again(state) {
            Ok(number) => Ok(number),
            Err(e) => Err(self.give_up(state, &format!("{cause}; writing again: {e}"))),
        }
    }

    fn write_again(&self, state: &mut State) -> io::Result<u64> {
        let mut groups = std::mem::take(&mut state.unsynced);
        let result = groups.iter_mut().try_for_each(|(last_seq, bytes)| {
            // The header of the new segment names the first frame in it, which is an old one here.
            let next_seq = state.next_seq;
            state.next_seq = first_seq(bytes);
            let room = self.room_for(state, bytes.len() as u64);
            let number = room.map(|active| active.number);
            state.next_seq = next_seq;
            let first = first_seq(bytes);
            let count = frame::stamp(bytes, first, frame_seed(self.options.store_id, number?));
            debug_assert_eq!(first + count - 1, *last_seq, "BUG: a group lost frames");
            let active = state.active.as_mut().expect("BUG: room was made in the active segment");
            write_all_at(active.file.as_ref(), bytes, active.len)?;
            active.len += bytes.len() as u64;
            Ok::<_, io::Error>(())
        });
        state.unsynced = groups;
        result?;
        for (_, file) in &state.unsynced_files {
            file.sync()?;
        }
        state.unsynced_files.clear();
        let Some(active) = &state.active else { return Ok(state.next_segment) };
        active.file.sync()?;
        let number = active.number;
        let last = state.next_seq - 1;
        state.mark_synced(last);
        Ok(number)
    }

    fn give_up(&self, state: &mut State, reason: &str) -> LogError {
        tracing::error!(reason, "the log is read-only from now on");
        state.read_only = Some(reason.to_owned());
        self.changed.notify_all();
        LogError::ReadOnly(reason.to_owned())
    }

    fn sync_every(&self, every: Duration) {
        let mut state = self.state.lock();
        while !state.closed && state.read_only.is_none() {
            if state.unsynced_bytes == 0 {
                self.changed.wait(&mut state);
                continue;
            }
            let deadline = Instant::now() + every;
            while !state.closed
                && state.unsynced_bytes < EARLY_SYNC_BYTES
                && !self.changed.wait_until(&mut state, deadline).timed_out()
            {}
            if state.closed {
                break;
            }
            let last = state.next_seq - 1;
            if self.sync_through(state, last).is_err() {
                // Logged where it happened; whoever appends next gets the error.
                return;
            }
            state = self.state.lock();
        }
    }
}

fn first_seq(group: &[u8]) -> u64 {
    frame::FrameHeader::decode(group).expect("BUG: a group starts with a frame").seq
}

/// Reserves `wanted` bytes, or halves of it as long as `smallest` fits, and returns how many.
fn allocate(file: &dyn FsFile, wanted: u64, smallest: u64) -> io::Result<u64> {
    let mut len = wanted.max(smallest);
    loop {
        match file.allocate(len) {
            Err(e) if is_full(&e) && len > smallest => len = (len / 2).max(smallest),
            Err(e) => return Err(e),
            Ok(()) => return Ok(len),
        }
    }
}

fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn sync_all(files: &[(u64, Arc<dyn FsFile>)]) -> Result<(), (u64, io::Error)> {
    files.iter().try_for_each(|(number, file)| file.sync().map_err(|e| (*number, e)))
}

//! A file system in memory that fails on demand and forgets what was not synced.
//!
//! Contents and names exist twice, as the running program sees them and as the disk has them. A sync carries the first over to the second.
//! [`SimFs::power_cut`] shows what a machine finds after the plug was pulled: what was synced, and of the rest any sectors and any first part of the
//! renames. [`SimFs::kill`] shows what the next process finds after `kill -9`: everything that was written.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{DirEntry, EntryKind, Fs, FsFile, FsLock, Mapped, Metadata, Space};

/// A power cut keeps or loses this many bytes at a time.
const SECTOR: usize = 512;

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `EIO`, and nothing is changed.
    Io,
    /// `ENOSPC`, and nothing is changed.
    NoSpace,
    /// A write stores half of the bytes and says so; any other operation works.
    ShortWrite,
    /// A write stores half of the bytes and reports `EIO`; any other operation fails with `EIO`.
    TornWrite,
    /// A sync reports `EIO` and the kernel forgets which pages were dirty; any other operation works.
    FailedSync,
    /// A read returns one bit that is not the stored one; any other operation works.
    FlippedBit,
    /// This operation and all later ones fail with `EIO`, as if the device had been unplugged.
    Unplug,
}

/// Which operation fails, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Injection {
    /// The operation, counted as [`SimFs::ops`] counts: the first one has number 0.
    pub op: u64,
    /// How many operations in a row fail, from that one on.
    pub times: u64,
    /// How they fail.
    pub fault: Fault,
}

/// The file system. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct SimFs {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Dir,
    File(usize),
}

/// A change of names that is not durable yet.
#[derive(Debug, Clone)]
enum NameChange {
    Put(PathBuf, Node),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

#[derive(Debug, Clone, Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors of `live` that differ, or may differ, from `durable`.
    dirty: BTreeSet<usize>,
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    pending: Vec<NameChange>,
    contents: Vec<Content>,
    capacity: Option<u64>,
    locks: BTreeSet<PathBuf>,
    ops: u64,
    reads: u64,
    write_faults: Vec<Injection>,
    read_faults: Vec<Injection>,
    unplugged: bool,
}

fn eio() -> io::Error {
    io::Error::other("simulated I/O error")
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no such file or folder: {}", path.display()))
}

fn apply(names: &mut BTreeMap<PathBuf, Node>, change: &NameChange) {
    match change {
        NameChange::Put(path, node) => {
            names.insert(path.clone(), *node);
        }
        NameChange::Remove(path) => names.retain(|p, _| !p.starts_with(path)),
        NameChange::Rename(from, to) => {
            let moved: Vec<_> =
                names.iter().filter(|(p, _)| p.starts_with(from)).map(|(p, n)| (p.clone(), *n)).collect();
            names.retain(|p, _| !p.starts_with(from) && !p.starts_with(to));
            for (path, node) in moved {
                let rest = path.strip_prefix(from).expect("BUG: filtered by this prefix");
                let target = if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) };
                names.insert(target, node);
            }
        }
    }
}

/// What a read that works returns.
#[derive(Debug)]
#[must_use]
struct ReadOutcome {
    /// The operation that gets one bit wrong, if it does. Which bit depends on it.
    flipped_by: Option<u64>,
}

impl ReadOutcome {
    fn apply(&self, bytes: &mut [u8]) {
        if let Some(op) = self.flipped_by.filter(|_| !bytes.is_empty()) {
            let bit = Random(op).next() % (bytes.len() as u64 * 8);
            bytes[bit as usize / 8] ^= 1 << (bit % 8);
        }
    }
}

impl Content {
    fn write(&mut self, buf: &[u8], offset: usize) {
        let end = offset + buf.len();
        if self.live.len() < end {
            self.live.resize(end, 0);
        }
        self.live[offset..end].copy_from_slice(buf);
        self.dirty.extend(offset / SECTOR..end.div_ceil(SECTOR));
    }

    fn sync(&mut self) {
        self.durable.resize(self.live.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(self.live.len());
            if start < end {
                self.durable[start..end].copy_from_slice(&self.live[start..end]);
            }
        }
    }

    /// What the disk has after a power cut: each dirty sector is there or not.
    fn after_power_cut(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        if self.live.len() != bytes.len() && random.flip() {
            bytes.resize(self.live.len(), 0);
        }
        for sector in &self.dirty {
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(self.live.len()).min(bytes.len());
            if start < end && random.flip() {
                bytes[start..end].copy_from_slice(&self.live[start..end]);
            }
        }
        bytes
    }
}

impl State {
    /// Counts an operation that changes something and returns how it is to fail.
    fn begin(&mut self) -> io::Result<Option<Fault>> {
        if self.unplugged {
            return Err(eio());
        }
        let op = self.ops;
        self.ops += 1;
        let hit = self.write_faults.iter().find(|i| (i.op..i.op.saturating_add(i.times)).contains(&op));
        match hit.map(|i| i.fault) {
            Some(Fault::Unplug) => {
                self.unplugged = true;
                Err(eio())
            }
            Some(Fault::Io) => Err(eio()),
            Some(Fault::NoSpace) => Err(io::ErrorKind::StorageFull.into()),
            fault => Ok(fault),
        }
    }

    /// As [`begin`](Self::begin), for operations that neither write nor sync.
    fn begin_plain(&mut self) -> io::Result<()> {
        match self.begin()? {
            Some(Fault::TornWrite) => Err(eio()),
            _ => Ok(()),
        }
    }

    fn begin_read(&mut self) -> io::Result<ReadOutcome> {
        if self.unplugged {
            return Err(eio());
        }
        let op = self.reads;
        self.reads += 1;
        let hit = self.read_faults.iter().find(|i| (i.op..i.op.saturating_add(i.times)).contains(&op));
        match hit.map(|i| i.fault) {
            None => Ok(ReadOutcome { flipped_by: None }),
            Some(Fault::FlippedBit) => Ok(ReadOutcome { flipped_by: Some(op) }),
            Some(_) => Err(eio()),
        }
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.names.get(path) {
            Some(Node::File(id)) => Ok(*id),
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(not_found(path)),
        }
    }

    fn parent_exists(&self, path: &Path) -> io::Result<()> {
        match path.parent() {
            None => Ok(()),
            Some(parent) if parent.as_os_str().is_empty() || self.names.get(parent) == Some(&Node::Dir) => {
                Ok(())
            }
            Some(parent) => Err(not_found(parent)),
        }
    }

    fn change(&mut self, change: NameChange) {
        apply(&mut self.names, &change);
        self.pending.push(change);
    }

    fn used(&self) -> u64 {
        let ids: BTreeSet<usize> = self
            .names
            .values()
            .filter_map(|n| if let Node::File(id) = n { Some(*id) } else { None })
            .collect();
        ids.iter().map(|id| self.contents[*id].live.len() as u64).sum()
    }

    fn check_room(&self, id: usize, new_len: u64) -> io::Result<()> {
        let Some(capacity) = self.capacity else { return Ok(()) };
        let grows = new_len.saturating_sub(self.contents[id].live.len() as u64);
        if grows > 0 && self.used() + grows > capacity {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

/// SplitMix64: small, seeded, good enough to tear files.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn flip(&mut self) -> bool {
        self.next() & 1 == 1
    }
}

impl SimFs {
    /// An empty file system without limits and faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many operations that change something were tried so far.
    pub fn ops(&self) -> u64 {
        self.state.lock().ops
    }

    /// How many reads were tried so far.
    pub fn reads(&self) -> u64 {
        self.state.lock().reads
    }

    /// Makes operations that change something fail. Injections add up; the first that covers an operation counts.
    pub fn inject(&self, injection: Injection) {
        self.state.lock().write_faults.push(injection);
    }

    /// Makes reads return a wrong bit, with [`Fault::FlippedBit`], or fail with `EIO`, with any other fault; they are counted as [`SimFs::reads`] counts.
    pub fn inject_read(&self, injection: Injection) {
        self.state.lock().read_faults.push(injection);
    }

    /// Removes all injections.
    pub fn heal(&self) {
        let mut state = self.state.lock();
        state.write_faults.clear();
        state.read_faults.clear();
        state.unplugged = false;
    }

    /// Sets how many bytes all files together may have; `None` for no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state.lock().capacity = bytes;
    }

    /// Bytes in all files.
    pub fn used(&self) -> u64 {
        self.state.lock().used()
    }

    /// Pulls the plug: every later operation here fails, and the result is the file system that the machine finds when it is
    /// switched on again. The same seed tears the same way.
    #[must_use]
    pub fn power_cut(&self, seed: u64) -> Self {
        let mut old = self.state.lock();
        let mut random = Random(seed);
        let mut names = old.durable_names.clone();
        let survive = random.next() as usize % (old.pending.len() + 1);
        for change in &old.pending[..survive] {
            apply(&mut names, change);
        }
        // A name whose folder did not survive cannot be found.
        let dirs = names.clone();
        names.retain(|path, _| {
            path.ancestors().skip(1).all(|a| a.as_os_str().is_empty() || dirs.contains_key(a))
        });
        let contents = old
            .contents
            .iter()
            .map(|content| {
                let bytes = content.after_power_cut(&mut random);
                Content { live: bytes.clone(), durable: bytes, dirty: BTreeSet::new() }
            })
            .collect();
        let state = State {
            durable_names: names.clone(),
            names,
            contents,
            capacity: old.capacity,
            ..State::default()
        };
        old.unplugged = true;
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Kills the process: every later operation here fails, and the result is the file system that the next process finds.
    #[must_use]
    pub fn kill(&self) -> Self {
        let mut old = self.state.lock();
        let state = State {
            names: old.names.clone(),
            durable_names: old.durable_names.clone(),
            pending: old.pending.clone(),
            contents: old.contents.clone(),
            capacity: old.capacity,
            ..State::default()
        };
        old.unplugged = true;
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Changes the bytes of a file behind everybody's back, on the disk as well.
    pub fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut state = self.state.lock();
        let id = state.file(path)?;
        let content = &mut state.contents[id];
        change(&mut content.live);
        content.durable.clone_from(&content.live);
        content.dirty.clear();
        Ok(())
    }

    /// All files, sorted.
    pub fn files(&self) -> Vec<PathBuf> {
        let state = self.state.lock();
        state.names.iter().filter(|(_, n)| matches!(n, Node::File(_))).map(|(p, _)| p.clone()).collect()
    }

    fn handle(&self, id: usize) -> Arc<dyn FsFile> {
        Arc::new(SimFile { state: Arc::clone(&self.state), id })
    }
}

impl Fs for SimFs {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn FsFile>> {
        let mut state = self.state.lock();
        let _ = state.begin_read()?;
        let id = state.file(path)?;
        drop(state);
        Ok(self.handle(id))
    }

    fn open_write(&self, path: &Path) -> io::Result<Arc<dyn FsFile>> {
        let mut state = self.state.lock();
        state.begin_plain()?;
        let id = state.file(path)?;
        drop(state);
        Ok(self.handle(id))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn FsFile>> {
        let mut state = self.state.lock();
        state.begin_plain()?;
        state.parent_exists(path)?;
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = state.contents.len();
        state.contents.push(Content::default());
        state.change(NameChange::Put(path.to_owned(), Node::File(id)));
        drop(state);
        Ok(self.handle(id))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.begin_plain()?;
        let mut missing: Vec<&Path> = path.ancestors().filter(|a| !a.as_os_str().is_empty()).collect();
        missing.reverse();
        for dir in missing {
            match state.names.get(dir) {
                Some(Node::Dir) => {}
                Some(Node::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                None => state.change(NameChange::Put(dir.to_owned(), Node::Dir)),
            }
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.begin_plain()?;
        state.parent_exists(to)?;
        let node = *state.names.get(from).ok_or_else(|| not_found(from))?;
        match (node, state.names.get(to)) {
            (Node::File(_), Some(Node::Dir)) => return Err(io::ErrorKind::IsADirectory.into()),
            (Node::Dir, Some(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
            _ => {}
        }
        state.change(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.begin_plain()?;
        let id = state.file(from)?;
        state.parent_exists(to)?;
        if state.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.change(NameChange::Put(to.to_owned(), Node::File(id)));
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.begin_plain()?;
        state.file(path)?;
        state.change(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.begin_plain()?;
        if state.names.get(path) != Some(&Node::Dir) {
            return Err(not_found(path));
        }
        state.change(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let mut state = self.state.lock();
        let _ = state.begin_read()?;
        if state.names.get(dir) != Some(&Node::Dir) {
            return Err(not_found(dir));
        }
        let children = state.names.iter().filter(|(path, _)| path.parent() == Some(dir));
        Ok(children
            .filter_map(|(path, node)| {
                let kind = if *node == Node::Dir { EntryKind::Dir } else { EntryKind::File };
                Some(DirEntry { name: path.file_name()?.to_owned(), kind })
            })
            .collect())
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let mut state = self.state.lock();
        let _ = state.begin_read()?;
        match state.names.get(path) {
            Some(Node::Dir) => Ok(Metadata { kind: EntryKind::Dir, len: 0 }),
            Some(Node::File(id)) => {
                Ok(Metadata { kind: EntryKind::File, len: state.contents[*id].live.len() as u64 })
            }
            None => Err(not_found(path)),
        }
    }

    /// A journal commits in order, so syncing one folder makes all earlier changes of names durable, as ext4 and XFS do.
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        if matches!(state.begin()?, Some(Fault::FailedSync | Fault::TornWrite)) {
            return Err(eio());
        }
        if state.names.get(dir) != Some(&Node::Dir) {
            return Err(not_found(dir));
        }
        state.pending.clear();
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn space(&self, _path: &Path) -> io::Result<Space> {
        let mut state = self.state.lock();
        let _ = state.begin_read()?;
        let total = state.capacity.unwrap_or(1 << 50);
        Ok(Space { available: total.saturating_sub(state.used()), total })
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn FsLock>>> {
        let exists = {
            let mut state = self.state.lock();
            if state.locks.contains(path) {
                return Ok(None);
            }
            let _ = state.begin_read()?;
            state.names.contains_key(path)
        };
        if !exists {
            self.create(path)?;
        }
        let mut state = self.state.lock();
        if !state.locks.insert(path.to_owned()) {
            return Ok(None);
        }
        drop(state);
        Ok(Some(Box::new(SimLock { fs: self.clone(), path: path.to_owned() })))
    }
}

#[derive(Debug)]
struct SimLock {
    fs: SimFs,
    path: PathBuf,
}

impl FsLock for SimLock {
    fn write(&self, text: &str) -> io::Result<()> {
        let file = self.fs.open_write(&self.path)?;
        file.set_len(0)?;
        super::write_all_at(file.as_ref(), text.as_bytes(), 0)?;
        file.sync()
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.fs.state.lock().locks.remove(&self.path);
    }
}

#[derive(Debug)]
struct SimFile {
    state: Arc<Mutex<State>>,
    id: usize,
}

impl FsFile for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.state.lock();
        let outcome = state.begin_read()?;
        let live = &state.contents[self.id].live;
        let start = (offset as usize).min(live.len());
        let n = buf.len().min(live.len() - start);
        buf[..n].copy_from_slice(&live[start..start + n]);
        outcome.apply(&mut buf[..n]);
        Ok(n)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.state.lock();
        let fault = state.begin()?;
        let n = match fault {
            Some(Fault::ShortWrite) if buf.len() > 1 => buf.len() / 2,
            Some(Fault::TornWrite) => buf.len() / 2,
            _ => buf.len(),
        };
        state.check_room(self.id, offset + n as u64)?;
        state.contents[self.id].write(&buf[..n], offset as usize);
        if fault == Some(Fault::TornWrite) { Err(eio()) } else { Ok(n) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        match state.begin()? {
            Some(Fault::FailedSync) => {
                state.contents[self.id].dirty.clear();
                Err(eio())
            }
            Some(Fault::TornWrite) => Err(eio()),
            _ => {
                state.contents[self.id].sync();
                Ok(())
            }
        }
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.begin_plain()?;
        state.check_room(self.id, len)?;
        let live = &mut state.contents[self.id].live;
        if (live.len() as u64) < len {
            live.resize(len as usize, 0);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.begin_plain()?;
        state.check_room(self.id, len)?;
        state.contents[self.id].live.resize(len as usize, 0);
        Ok(())
    }

    /// A copy as it is now; loading counts as a read.
    fn map(&self) -> io::Result<Option<Mapped>> {
        let mut state = self.state.lock();
        let outcome = state.begin_read()?;
        let mut bytes = state.contents[self.id].live.clone();
        drop(state);
        outcome.apply(&mut bytes);
        let state = Arc::clone(&self.state);
        Ok(Some(Mapped::copy(Arc::from(bytes), move || state.lock().begin_read().map(drop))))
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.state.lock();
        let _ = state.begin_read()?;
        Ok(state.contents[self.id].live.len() as u64)
    }

    fn data_len(&self) -> io::Result<u64> {
        let state = self.state.lock();
        let live = &state.contents[self.id].live;
        // Whole sectors, as file systems know of nothing smaller.
        let end = live.iter().rposition(|b| *b != 0).map_or(0, |last| (last / SECTOR + 1) * SECTOR);
        Ok(end.min(live.len()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{read_file, write_all_at};
    use super::*;

    fn with_file(path: &str, bytes: &[u8]) -> (SimFs, Arc<dyn FsFile>) {
        let fs = SimFs::new();
        fs.create_dir_all(Path::new("d")).expect("no faults");
        let file = fs.create(Path::new(path)).expect("no faults");
        write_all_at(file.as_ref(), bytes, 0).expect("no faults");
        (fs, file)
    }

    #[test]
    fn a_power_cut_keeps_what_was_synced() {
        let (fs, file) = with_file("d/a", &[1; 4000]);
        file.sync().expect("no faults");
        fs.sync_dir(Path::new("d")).expect("no faults");
        write_all_at(file.as_ref(), &[2; 4000], 4000).expect("no faults");
        let (mut kept, mut lost) = (0, 0);
        for seed in 0..20 {
            let after = fs.power_cut(seed);
            let bytes = read_file(&after, Path::new("d/a"), 1 << 20).expect("durable");
            assert!(bytes[..4000].iter().all(|b| *b == 1), "synced bytes survive");
            kept += usize::from(bytes[4000..].contains(&2));
            lost += usize::from(bytes[4000..].contains(&0) || bytes.len() < 8000);
        }
        assert!(kept > 0 && lost > 0, "what was not synced is torn: {kept} kept, {lost} lost");
        assert!(file.len().is_err(), "the machine is off");
    }

    #[test]
    fn a_name_is_durable_after_the_folder_was_synced() {
        let (fs, file) = with_file("d/a", b"x");
        file.sync().expect("no faults");
        let found = (0..20).filter(|seed| fs.power_cut(*seed).files().len() == 1).count();
        assert!(0 < found && found < 20, "{found}");
    }

    #[test]
    fn a_kill_keeps_what_was_written() {
        let (fs, _) = with_file("d/a", b"abc");
        let after = fs.kill();
        assert_eq!(read_file(&after, Path::new("d/a"), 9).expect("readable"), b"abc");
    }

    #[test]
    fn a_failed_sync_forgets_the_dirty_pages() {
        let (fs, file) = with_file("d/a", &[1; 600]);
        fs.sync_dir(Path::new("d")).expect("no faults");
        fs.inject(Injection { op: fs.ops(), times: 1, fault: Fault::FailedSync });
        assert!(file.sync().is_err());
        assert!(file.sync().is_ok(), "the second sync lies, as real ones do");
        let bytes = read_file(&fs.power_cut(1), Path::new("d/a"), 1 << 20).expect("the name is durable");
        assert!(bytes.iter().all(|b| *b == 0), "nothing reached the disk");
    }

    #[test]
    fn room_is_limited() {
        let (fs, file) = with_file("d/a", &[1; 100]);
        fs.set_capacity(Some(200));
        let err = file.allocate(201).expect_err("too much");
        assert_eq!(err.kind(), io::ErrorKind::StorageFull);
        file.allocate(200).expect("fits");
        assert_eq!(fs.space(Path::new("d")).expect("known").available, 0);
    }

    #[test]
    fn a_flipped_bit_is_there_once() {
        let (fs, file) = with_file("d/a", &[0; 100]);
        fs.inject_read(Injection { op: fs.reads(), times: 1, fault: Fault::FlippedBit });
        let bits = || {
            let mut buf = [0; 100];
            assert_eq!(file.read_at(&mut buf, 0).expect("readable"), 100);
            buf.iter().map(|byte: &u8| byte.count_ones()).sum::<u32>()
        };
        assert_eq!((bits(), bits()), (1, 0));
        fs.inject_read(Injection { op: fs.reads(), times: 1, fault: Fault::FlippedBit });
        let map = file.map().expect("readable").expect("possible");
        assert_eq!(map.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
    }

    #[test]
    fn faults_hit_the_operation_they_name() {
        let (fs, file) = with_file("d/a", b"");
        fs.inject(Injection { op: fs.ops() + 1, times: 1, fault: Fault::TornWrite });
        fs.inject(Injection { op: fs.ops() + 2, times: 1, fault: Fault::ShortWrite });
        assert_eq!(file.write_at(&[1; 8], 0).expect("not yet"), 8);
        assert!(file.write_at(&[2; 8], 8).is_err());
        assert_eq!(file.len().expect("readable"), 12, "half of it was written");
        assert_eq!(file.write_at(&[3; 8], 12).expect("short"), 4);
    }
}

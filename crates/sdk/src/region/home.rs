//! The directory where the regions of an application are.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::contents::{Contents, Owner};
use super::folded::{self, Folded};
use super::image::Image;
use super::layout::{self, Damage, Header};
use super::process;
use super::settle::{Source, Unsettled, settle};
use crate::LabelValue;
use crate::arena::{MAX_FILE, WordFile, to_words};
use crate::clock;

const FOLDED: &str = "folded";
const FOLDED_ASIDE: &str = "folded.tmp";
const FOLDED_DAMAGED: &str = "folded.damaged";
const FOLD_LOCK: &str = "fold.lock";
const LEADER_LOCK: &str = "leader.lock";
const REGION: &str = "region";
const NEW: &str = "new";
/// A larger file is not read: no region grows beyond it.
const MAX_BYTES: u64 = MAX_FILE as u64;
/// How often a directory is read that changes all the time, before the changes are kept out.
const TRIES: usize = 8;
/// How long a region may take to come to life before it is taken for one whose process ended meanwhile.
const BIRTH_NS: u64 = 60_000_000_000;

/// Why a file was left out of an exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, LabelValue)]
#[non_exhaustive]
pub enum SkipReason {
    /// A part is missing, or not what it was when it was written.
    Torn,
    /// It is no region.
    Foreign,
    /// A later version of the SDK wrote it.
    NewerVersion,
    /// It is from before the machine was started, and only parts of it may have reached the disk.
    OtherBoot,
    /// It is larger than what a process can count.
    TooLarge,
    /// It could not be opened or read.
    Unreadable,
    /// It has a family of the same name that is another one.
    OtherSchema,
    /// The cells of a histogram or summary in it do not fit together. Only such series are left out.
    Incomplete,
}

/// A file that was left out of an exposition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SkippedRegion {
    /// The file.
    pub path: PathBuf,
    /// Why it was left out.
    pub reason: SkipReason,
}

/// Where a region is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RegionName {
    pub(crate) directory: &'static Path,
    pub(crate) id: u64,
}

impl RegionName {
    pub(crate) fn path(self) -> PathBuf {
        let Self { directory, id } = self;
        directory.join(format!("{id:016x}.{REGION}"))
    }
}

/// A region in which nothing is counted yet.
#[derive(Debug)]
pub(crate) struct NewRegion {
    pub(crate) id: u64,
    pub(crate) file: WordFile,
    pub(crate) n_backed: usize,
}

/// A step of folding, after each of which the process may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The regions are added up in memory.
    Added,
    /// The sums are written aside.
    Written,
    /// They are published.
    Published,
    /// One of the files that are in them is removed.
    Removed,
}

/// See the module. The locks are those of the process: whoever has it in his hands is alone.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) path: &'static Path,
    pub(crate) boot: [u64; 2],
    pub(crate) epoch: u64,
    /// Whether what was counted stays when the application starts anew.
    keeps: bool,
    fold_lock: LockFile,
    leader_lock: LockFile,
}

/// A file that is only there to be locked. It stays open: closing it would give the lock back.
#[derive(Debug)]
struct LockFile {
    path: PathBuf,
    file: WordFile,
}

impl LockFile {
    fn open(path: PathBuf) -> io::Result<Self> {
        Ok(Self { file: WordFile::new(options().create(true).open(&path)?, None)?, path })
    }

    /// Returns whether the lock is ours now.
    fn lock(&mut self, operation: FlockOperation) -> io::Result<bool> {
        if self.file.get().is_err() {
            self.file = Self::open(self.path.clone())?.file;
        }
        lock(self.file.get()?, operation)
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn lock(file: &File, operation: FlockOperation) -> io::Result<bool> {
    loop {
        match fcntl_lock(file, operation) {
            Ok(()) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}

/// What the regions of a directory add up to.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) contents: Contents,
    pub(crate) skipped: Vec<SkippedRegion>,
}

/// What is found in a region that can be read.
struct Found {
    words: Vec<u64>,
    owner: Owner,
    /// Whether series are left out.
    is_incomplete: bool,
}

/// Why nothing is.
enum Missing {
    /// It was removed meanwhile: what was in it is elsewhere by now.
    Removed,
    /// It has nothing to say yet.
    Unborn,
    /// It is written while it is read.
    Changing,
    Skipped(SkipReason),
}

impl From<Damage> for Missing {
    fn from(damage: Damage) -> Self {
        match damage {
            Damage::Unborn => Self::Unborn,
            Damage::Foreign => Self::Skipped(SkipReason::Foreign),
            Damage::Newer => Self::Skipped(SkipReason::NewerVersion),
            Damage::Torn => Self::Skipped(SkipReason::Torn),
        }
    }
}

impl From<io::Error> for Missing {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Removed,
            _ => Self::Skipped(SkipReason::Unreadable),
        }
    }
}

impl Home {
    /// Opens a directory and joins the start of the application that is under way there. The directory stays locked against those who fold or start, until
    /// [`unlock`](Self::unlock).
    pub(crate) fn open(path: &Path, epoch: Option<u64>, keeps: bool) -> io::Result<Self> {
        let mut home = Self {
            path: path.to_owned().leak(),
            boot: process::boot(),
            epoch: 0,
            keeps,
            fold_lock: LockFile::open(path.join(FOLD_LOCK))?,
            leader_lock: LockFile::open(path.join(LEADER_LOCK))?,
        };
        home.fold_lock.lock(FlockOperation::LockExclusive)?;
        let (live, gone) = home.epochs()?;
        home.epoch = epoch.or(live).unwrap_or_else(unix_ns);
        let is_start = live.is_none() && !gone.contains(&home.epoch);
        if is_start && !keeps {
            home.remove_leftovers()?;
        }
        Ok(home)
    }

    /// Lets others fold and start.
    pub(crate) fn unlock(&mut self) -> io::Result<()> {
        self.fold_lock.lock(FlockOperation::Unlock).map(drop)
    }

    /// Whether this process is the one that leads, which it stays until it ends.
    pub(crate) fn lead(&mut self) -> bool {
        self.leader_lock.lock(FlockOperation::NonBlockingLockExclusive).unwrap_or(false)
    }

    /// The latest start of the application of which a process lives, and all those of which something is left.
    fn epochs(&self) -> io::Result<(Option<u64>, BTreeSet<u64>)> {
        let mut live = None;
        let mut left: BTreeSet<u64> = self.read_folded().map(|folded| folded.epoch).into_iter().collect();
        for (_, path) in self.regions()? {
            if let Ok(file) = File::open(&path)
                && let Ok(header) = read_header(&file)
            {
                left.insert(header.epoch);
                if self.owner(&file, &header)? == Owner::Lives {
                    live = live.max(Some(header.epoch));
                }
            }
        }
        Ok((live, left))
    }

    /// Removes what earlier starts of the application left, also what cannot be read.
    fn remove_leftovers(&self) -> io::Result<()> {
        for (_, path) in self.regions()? {
            let Ok(file) = options().open(&path) else { continue };
            let is_earlier = match read_header(&file) {
                Ok(header) => header.epoch < self.epoch && self.owner(&file, &header)? == Owner::IsGone,
                Err(Missing::Unborn) => is_stillborn(&file)?,
                Err(_) => !is_locked(&file)?,
            };
            if is_earlier {
                remove(&path)?;
            }
        }
        match self.read_folded() {
            Ok(folded) if folded.epoch >= self.epoch => Ok(()),
            _ => remove(&self.folded()),
        }
    }

    /// Makes the file for a region, with memory for some words, and says how many. It says of itself that it is unborn; whoever is to count there locks it first.
    pub(crate) fn create_region(&self) -> io::Result<NewRegion> {
        loop {
            let mut id = [0; 8];
            rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty())?;
            let id = u64::from_ne_bytes(id);
            let (pid, start) = (std::process::id(), process::own_start());
            let (path, aside) = (self.region(id), self.path.join(format!("{id:016x}.{pid}.{start}.{NEW}")));
            let mut file = options().create_new(true).open(&aside)?;
            file.write_all(&layout::unborn_chunk(pid, start))?;
            match rustix::fs::rename(&aside, &path) {
                // Somebody who does not see this process took the file for one that was left.
                Err(rustix::io::Errno::NOENT) if self.path.is_dir() => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    return Ok(NewRegion {
                        id,
                        file: WordFile::new(file, Some(RegionName { directory: self.path, id }))?,
                        n_backed: layout::CHUNK_WORDS,
                    });
                }
            }
        }
    }

    /// Removes files of which a process was killed while it made them.
    fn remove_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.path)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let parts: Vec<&str> = name.split('.').collect();
            if let [_, pid, start, NEW] = parts[..]
                && let (Ok(pid), Ok(start)) = (pid.parse(), start.parse())
                && !process::lives(pid, start)
            {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// Where the sums are.
    pub(crate) fn folded(&self) -> PathBuf {
        self.path.join(FOLDED)
    }

    pub(crate) fn region(&self, id: u64) -> PathBuf {
        RegionName { directory: self.path, id }.path()
    }

    /// The files that are regions by their names, with the numbers in them.
    fn regions(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.path)? {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            if let Ok(id) = u64::from_str_radix(stem, 16)
                && path == self.region(id)
            {
                found.push((id, path));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Whether somebody counts in a region. The lock says so; if the program closed all files it did not know, so that the lock is gone, its start does.
    fn owner(&self, file: &File, header: &Header) -> io::Result<Owner> {
        if is_locked(file)? {
            return Ok(Owner::Lives);
        }
        // What has the number of this process is of one before, or of this one before it became another program.
        let may_live = !header.is_clean && header.boot == self.boot && header.pid != std::process::id();
        let lives = may_live && process::lives(header.pid, header.start);
        Ok(if lives { Owner::Lives } else { Owner::IsGone })
    }

    /// Reads a region of another process.
    fn read_region(&self, path: &Path) -> Result<Found, Missing> {
        // What is copied while its process writes may not fit together.
        for _ in 0..TRIES {
            match self.copy_region(path) {
                Err(Missing::Changing) => {}
                result => return result,
            }
        }
        Err(Missing::Skipped(SkipReason::Torn))
    }

    fn copy_region(&self, path: &Path) -> Result<Found, Missing> {
        let file = File::open(path)?;
        let header = match read_header(&file) {
            Err(Missing::Skipped(SkipReason::Torn)) if is_locked(&file)? => return Err(Missing::Changing),
            header => header?,
        };
        // Before it is read: of a process that is gone all is read then.
        let owner = self.owner(&file, &header)?;
        if owner == Owner::IsGone && header.boot != self.boot {
            return Err(Missing::Skipped(SkipReason::OtherBoot));
        }
        let mut words = read_words(&file)?;
        let mut again = |at: usize, n: usize| {
            let mut bytes = vec![0; n * size_of::<u64>()];
            file.read_exact_at(&mut bytes, (at * size_of::<u64>()) as u64)?;
            Ok(to_words(&bytes))
        };
        let source: Option<Source<'_>> = if owner == Owner::Lives { Some(&mut again) } else { None };
        match settle(&mut words, source) {
            Ok(n_left_out) => Ok(Found { words, owner, is_incomplete: n_left_out > 0 }),
            Err(Unsettled::Damage(Damage::Torn)) if owner == Owner::Lives => Err(Missing::Changing),
            Err(Unsettled::Damage(damage)) => Err(damage.into()),
            Err(Unsettled::Source(error)) => Err(error.into()),
        }
    }

    fn read_folded(&self) -> Result<Folded, Missing> {
        let file = match File::open(self.folded()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Folded { epoch: self.epoch, boot: self.boot, ..Folded::default() });
            }
            file => file?,
        };
        let mut folded = Folded::from_bytes(&read_bytes(&file)?)?;
        if folded.boot != self.boot {
            folded.contents.forget_times();
            folded.boot = self.boot;
        }
        Ok(folded)
    }

    /// What tells whether the published sums are still the same, whether they can be read or not.
    fn folded_identity(&self) -> Option<(u64, u64, i64, [u8; folded::HEAD])> {
        let file = File::open(self.folded()).ok()?;
        let meta = file.metadata().ok()?;
        let mut head = [0; folded::HEAD];
        let _ = file.read_at(&mut head, 0);
        Some((meta.ino(), meta.len(), meta.mtime_nsec(), head))
    }

    /// Adds up what all processes counted, but for the one whose region is `own`, which is this one: opening and closing its file would give its lock back.
    pub(crate) fn read(&mut self, own: Option<u64>) -> io::Result<Reading> {
        self.read_while(own, &mut || ())
    }

    /// Reads, while others do something between the sums and the regions.
    pub(crate) fn read_while(&mut self, own: Option<u64>, others: &mut dyn FnMut()) -> io::Result<Reading> {
        for _ in 0..TRIES {
            if let Some(reading) = self.try_read(own, others)? {
                return Ok(reading);
            }
        }
        self.fold_lock.lock(FlockOperation::LockExclusive)?;
        let reading = self.try_read(own, others);
        self.unlock()?;
        reading?.ok_or_else(|| io::Error::other("the files in the directory change all the time"))
    }

    /// `None` if somebody folded meanwhile.
    fn try_read(&self, own: Option<u64>, others: &mut dyn FnMut()) -> io::Result<Option<Reading>> {
        let mut reading = Reading::default();
        let mut skip = |path, reason| reading.skipped.push(SkippedRegion { path, reason });
        let identity = self.folded_identity();
        let folded = match self.read_folded() {
            Ok(folded) => folded,
            Err(Missing::Skipped(reason)) => {
                skip(self.path.join(FOLDED), reason);
                Folded::default()
            }
            Err(_) => return Ok(None),
        };
        let is_ours = |epoch| self.keeps || epoch == self.epoch;
        if is_ours(folded.epoch) {
            reading.contents.merge(&folded.contents);
        }
        others();
        for (id, path) in self.regions()? {
            if Some(id) == own || folded.ids.contains(&id) {
                continue;
            }
            match self.read_region(&path) {
                Ok(found) => {
                    let image = Image::read(&found.words).map_err(|_| io::ErrorKind::InvalidData)?;
                    if is_ours(image.header.epoch) {
                        reading.contents.add(&image, found.owner);
                        if found.is_incomplete {
                            skip(path, SkipReason::Incomplete);
                        }
                    }
                }
                Err(Missing::Unborn) => {}
                Err(Missing::Removed | Missing::Changing) => return Ok(None),
                Err(Missing::Skipped(reason)) => skip(path, reason),
            }
        }
        Ok((self.folded_identity() == identity).then_some(reading))
    }

    /// Adds the regions of processes that are gone to the sums, and removes their files. Does nothing if somebody else is at it.
    pub(crate) fn fold(&mut self, own: Option<u64>) -> io::Result<()> {
        self.fold_until(own, &mut |_| ControlFlow::Continue(()))
    }

    /// Folds until `after` says that the process ends.
    pub(crate) fn fold_until(
        &mut self,
        own: Option<u64>,
        after: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> io::Result<()> {
        if !self.fold_lock.lock(FlockOperation::NonBlockingLockExclusive)? {
            return Ok(());
        }
        let result = self.fold_locked(own, after);
        self.unlock()?;
        result
    }

    fn fold_locked(
        &self,
        own: Option<u64>,
        after: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let mut folded = match self.read_folded() {
            Ok(folded) => folded,
            // It is kept for who wants to know, and counting goes on.
            Err(Missing::Skipped(SkipReason::Torn | SkipReason::Foreign)) => {
                rustix::fs::rename(self.path.join(FOLDED), self.path.join(FOLDED_DAMAGED))?;
                Folded { epoch: self.epoch, boot: self.boot, ..Folded::default() }
            }
            Err(_) => return Ok(()),
        };
        if folded.epoch > self.epoch && !self.keeps {
            // The application was started anew since this process joined: it has nothing to say any more.
            return Ok(());
        }
        if folded.epoch < self.epoch && !self.keeps {
            (folded.contents, folded.epoch) = (Contents::default(), self.epoch);
        }
        folded.epoch = folded.epoch.max(self.epoch);
        // Of those that are in the sums already, only the ones are kept whose files are still there.
        let ids = std::mem::take(&mut folded.ids);
        let (mut done, mut is_new) = (Vec::new(), false);
        for (id, path) in self.regions()? {
            if Some(id) == own {
                continue;
            }
            if ids.contains(&id) {
                folded.ids.insert(id);
                done.push(path);
                continue;
            }
            let Ok(file) = options().open(&path) else { continue };
            match self.take(&file)? {
                Taken::No => {}
                Taken::Forgotten => done.push(path),
                Taken::Words(words) => {
                    let image = Image::read(&words).map_err(|_| io::ErrorKind::InvalidData)?;
                    folded.contents.add(&image, Owner::IsGone);
                    folded.ids.insert(id);
                    done.push(path);
                    is_new = true;
                }
            }
        }
        if is_new {
            if after(Step::Added).is_break() {
                return Ok(());
            }
            folded.generation += 1;
            let aside = self.path.join(FOLDED_ASIDE);
            // Not made durable: what is here is of one start of the machine.
            options().create(true).truncate(true).open(&aside)?.write_all(&folded.to_bytes())?;
            if after(Step::Written).is_break() {
                return Ok(());
            }
            rustix::fs::rename(&aside, self.folded())?;
            if after(Step::Published).is_break() {
                return Ok(());
            }
        }
        self.remove_unfinished()?;
        for path in &done {
            remove(path)?;
            if after(Step::Removed).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes what is in a region if its process is gone, which it stays. That nobody else does the same, the lock of those who fold sees to.
    fn take(&self, file: &File) -> io::Result<Taken> {
        let header = match read_header(file) {
            Ok(header) => header,
            Err(Missing::Unborn) if is_stillborn(file)? => return Ok(Taken::Forgotten),
            Err(_) => return Ok(Taken::No),
        };
        let is_gone = self.owner(file, &header)? == Owner::IsGone;
        if !is_gone || header.boot != self.boot {
            return Ok(Taken::No);
        }
        if header.epoch != self.epoch && !self.keeps {
            return Ok(if header.epoch < self.epoch { Taken::Forgotten } else { Taken::No });
        }
        let Ok(mut words) = read_words(file) else { return Ok(Taken::No) };
        Ok(if settle(&mut words, None).is_ok_and(|n| n == 0) { Taken::Words(words) } else { Taken::No })
    }
}

enum Taken {
    /// It is somebody's, or cannot be read.
    No,
    /// It is nobody's and does not count.
    Forgotten,
    /// It is nobody's, and this is what was counted.
    Words(Vec<u64>),
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Whether another process has the lock.
fn is_locked(file: &File) -> io::Result<bool> {
    let mut whole = Flock::from(FlockType::WriteLock);
    (whole.start, whole.length) = (0, 0);
    Ok(fcntl_getlk(file.as_fd(), &whole)?.is_some_and(|lock| lock.typ != FlockType::Unlocked))
}

/// Whether nobody will count in a region that is unborn: whoever made it is gone, or had time enough. If it is so the lock is taken, so that whoever was to count there all the same does not begin while
/// the file is removed.
fn is_stillborn(file: &File) -> io::Result<bool> {
    let words = read_up_to(file, layout::HEADER_BYTES).map(|bytes| to_words(&bytes));
    let has_maker =
        words.is_ok_and(|words| layout::maker(&words).is_some_and(|(pid, start)| process::lives(pid, start)));
    Ok((!has_maker || is_old(file)) && lock(file, FlockOperation::NonBlockingLockExclusive)?)
}

fn unix_ns() -> u64 {
    clock::nanoseconds(clock::wall())
}

fn is_old(file: &File) -> bool {
    let changed = file.metadata().map(|m| m.mtime().max(0) as u64 * 1_000_000_000 + m.mtime_nsec() as u64);
    changed.is_ok_and(|changed| unix_ns().saturating_sub(changed) > BIRTH_NS)
}

fn read_header(file: &File) -> Result<Header, Missing> {
    Ok(Header::read(&to_words(&read_up_to(file, layout::HEADER_BYTES)?))?)
}

/// Reads a file from the beginning. It is copied and not mapped: whoever makes a file shorter that is mapped ends the process that reads behind its new end.
fn read_bytes(file: &File) -> Result<Vec<u8>, Missing> {
    let len = file.metadata()?.len();
    if len > MAX_BYTES {
        return Err(Missing::Skipped(SkipReason::TooLarge));
    }
    read_up_to(file, len as usize)
}

fn read_up_to(file: &File, n: usize) -> Result<Vec<u8>, Missing> {
    let mut bytes = vec![0; n];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn read_words(file: &File) -> Result<Vec<u64>, Missing> {
    read_bytes(file).map(|bytes| to_words(&bytes))
}

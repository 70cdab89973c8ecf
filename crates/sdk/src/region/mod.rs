//! Memory that the processes of an application share, so that any of them can expose what all count.
//!
//! Each process has a file of its own, a *region*, behind the addresses of its cells: counting costs what it costs without, and what a process counted outlives it, however it ends. Who answers a
//! scrape reads all regions, which keeps nobody from counting, and adds up what is in those of processes that are gone, so that there are never more files than processes. How the files look is in
//! `docs/formats/region.md`.
//!
//! An increment that returned is in the region, and never lost. One that is under way when its process is killed happened or did not. Nothing is counted twice.
pub(crate) mod contents;
#[cfg(test)]
mod damage_tests;
mod distribution;
mod expose;
#[cfg(test)]
mod fold_tests;
mod folded;
pub(crate) mod fork;
#[cfg(test)]
mod fork_tests;
mod home;
pub(crate) mod image;
pub(crate) mod layout;
pub(crate) mod process;
pub(crate) mod schema;
mod settle;
#[cfg(test)]
mod testkit;

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{FlockOperation, fcntl_lock};

use self::contents::{Family, Owner};
use self::expose::{Scratch, Set};
pub(crate) use self::home::RegionName;
use self::home::{Home, Reading};
pub use self::home::{SkipReason, SkippedRegion};
use self::image::Image;
use self::layout::{Header, List};
pub use self::schema::GaugeMerge;
use self::schema::{Cell, Schema};
use self::settle::settle;
use crate::arena::{Arena, Memory, WordFile};
use crate::core::{Core, lock_all};
use crate::counter::{Counter, add_f64};
use crate::error::RegisterError;
use crate::gate::Gate;
use crate::labels::{LabelValue, Labels};
use crate::registry::{Opts, Registry};
use crate::slices;

/// Names of variables of the environment that name the directory; the first one that is set counts.
const VARIABLES: [&str; 2] = ["BELLWETHER_REGION_DIR", "PROMETHEUS_MULTIPROC_DIR"];

/// How the processes of an application share what they count. See [`Registry::share`].
#[derive(Debug, Clone)]
pub struct Sharing {
    directory: PathBuf,
    /// Whether the directory was derived from names that others know too.
    is_derived: bool,
    epoch: Option<u64>,
    keeps_totals: bool,
}

impl Sharing {
    /// In the directory that `BELLWETHER_REGION_DIR` or `PROMETHEUS_MULTIPROC_DIR` names, else in one in memory that is derived from the name of the application and the user:
    /// `/dev/shm/bellwether-1000/shop`.
    pub fn new(application: &str) -> Self {
        let named =
            VARIABLES.into_iter().find_map(|name| std::env::var_os(name).filter(|dir| !dir.is_empty()));
        Self::from_variable(named.map(PathBuf::from), application)
    }

    fn from_variable(named: Option<PathBuf>, application: &str) -> Self {
        let is_derived = named.is_none();
        let directory = named.unwrap_or_else(|| {
            let memory = Path::new("/dev/shm");
            let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
            let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let name: String = application.chars().map(|c| if is_safe(c) { c } else { '_' }).collect();
            let name = if name.is_empty() { "application" } else { &name };
            parent.join(format!("bellwether-{}", rustix::process::geteuid().as_raw())).join(name)
        });
        Self { directory, is_derived, epoch: None, keeps_totals: false }
    }

    /// In this directory, which is made if it is not there. It should be in memory (tmpfs), and belong to this application alone.
    #[must_use]
    pub fn directory(self, directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), is_derived: false, ..self }
    }

    /// Keeps what was counted when the application starts anew. Else counters begin from zero then, as those of a single process do.
    #[must_use]
    pub fn keep_totals(self) -> Self {
        Self { keeps_totals: true, ..self }
    }

    /// Which start of the application this process is of, as a number that grows from start to start. If nothing is said, a process belongs to the same start as those that live
    /// when it joins, and begins a new one if none does: so a master that forks workers should share before, or say the number.
    #[must_use]
    pub fn epoch(self, epoch: u64) -> Self {
        Self { epoch: Some(epoch), ..self }
    }
}

impl Sharing {
    /// Makes the directory if it is not there.
    fn make_directory(&self) -> Result<(), ShareError> {
        let directory = |source| ShareError::Directory { path: self.directory.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory).map_err(directory)?;
        // Anybody may make what is next to it, so also a directory with its name.
        for path in self.directory.ancestors().take(if self.is_derived { 2 } else { 0 }) {
            let owner = fs::symlink_metadata(path).map_err(directory)?.uid();
            if owner != rustix::process::geteuid().as_raw() {
                return Err(ShareError::NotOurs { path: path.to_owned() });
            }
        }
        Ok(())
    }
}

/// Why a registry cannot be shared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// The directory or a file in it cannot be used.
    #[error("{path}: {source}; name another directory with BELLWETHER_REGION_DIR")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Somebody else made the directory whose name was derived.
    #[error("{path} belongs to another user; name a directory with BELLWETHER_REGION_DIR")]
    NotOurs {
        /// The directory.
        path: PathBuf,
    },
    /// A process shares one registry.
    #[error("another registry of this process is shared already")]
    Taken,
    /// The memory that is counted in cannot be exchanged.
    #[error("the system gives no anonymous files (memfd_create), which sharing needs")]
    Unsupported,
    /// The families that tell about regions cannot be registered.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

/// The state of sharing. There is one, as there is one arena.
struct Shared {
    registry: &'static Registry,
    home: Home,
    /// The region of this process. `None` if it has none, as a child of a fork for which there was no room: then it is tried again at the next exposition.
    region: Option<u64>,
    /// How often the process forked since it shares.
    n_forks: u32,
    skips: Counter<Skip>,
    /// What was left out of the last exposition.
    skipped: Vec<SkippedRegion>,
    scratch: Scratch,
}

#[derive(Clone, Copy)]
struct Skip {
    reason: SkipReason,
}

impl Labels for Skip {
    const FIELDS: &'static [crate::labels::Field] =
        &[crate::labels::Field { name: "reason", values: crate::labels::Values::Closed(SkipReason::VALUES) }];
    type At<'a> = Self;
    type Open<'s> = [&'s str; 0];

    fn closed_index(&self) -> u32 {
        self.reason.index() as u32
    }

    fn open_values(&self) -> [&str; 0] {
        []
    }
}

static SHARED: Mutex<Option<Shared>> = Mutex::new(None);

fn lock() -> MutexGuard<'static, Option<Shared>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Called in the child of a fork, where nothing may be allocated.
    fn begin_in_child(&mut self, region: Option<u64>) {
        self.region = region;
    }

    /// Called before a fork. Now and then it removes what children left behind, which may have become other programs at once: also if nobody scrapes.
    fn note_fork(&mut self) {
        const EVERY: u32 = 64;
        self.n_forks = self.n_forks.wrapping_add(1);
        if self.n_forks.is_multiple_of(EVERY) {
            let _ = self.home.fold(self.region);
        }
    }

    /// Gives the process a region if it has none.
    fn attach(&mut self) -> io::Result<()> {
        if self.region.is_none() {
            let contents = self.registry.lock();
            self.region = Some(move_in(&self.home, contents.families())?);
        }
        Ok(())
    }

    /// Reads what all processes counted.
    fn read(&mut self) -> io::Result<Reading> {
        self.attach()?;
        // What cannot be folded now is tried again the next time; it counts either way.
        let _ = self.home.fold(self.region);
        let mut reading = self.home.read(self.region)?;
        let arena = Arena::global();
        let mut words = {
            let _all = lock_all();
            arena.copy(&arena.lock())
        };
        let wrong = || io::Error::other("BUG: this process cannot read what it wrote itself");
        let mut again = |at: usize, n: usize| Ok(arena.copy_of(at, n));
        if settle(&mut words, Some(&mut again)).map_err(|_| wrong())? > 0 {
            let path = self.home.path.to_owned();
            reading.skipped.push(SkippedRegion { path, reason: SkipReason::Incomplete });
        }
        let own = Image::read(&words).map_err(|_| wrong())?;
        reading.contents.add(&own, Owner::Lives);
        Ok(reading)
    }

    /// Counts the files that were left out for the first time.
    fn note_skipped(&mut self, mut skipped: Vec<SkippedRegion>) {
        skipped.sort_unstable();
        skipped.dedup();
        for new in skipped.iter().filter(|file| !self.skipped.contains(file)) {
            self.skips.with(Skip { reason: new.reason }).inc();
        }
        self.skipped = skipped;
    }
}

/// Lets a registry be shared.
pub(crate) fn share(registry: &Registry, sharing: &Sharing) -> Result<(), ShareError> {
    let mut shared = lock();
    if let Some(shared) = &*shared {
        return if shared.registry.is_same(registry) { Ok(()) } else { Err(ShareError::Taken) };
    }
    if !Arena::global().lock().is_exchangeable() {
        return Err(ShareError::Unsupported);
    }
    sharing.make_directory()?;
    let help = "Files of regions that were left out of an exposition, once for each process that noticed.";
    let skips = registry.counter(Opts::new("bellwether_sdk_region_files_skipped", help))?;
    let path = &sharing.directory;
    let directory = |source| ShareError::Directory { path: path.clone(), source };
    let mut home = Home::open(path, sharing.epoch, sharing.keeps_totals).map_err(directory)?;
    let mut contents = registry.lock();
    let region = move_in(&home, contents.families());
    // Only now: before, nobody would see that this start of the application is under way.
    home.unlock().map_err(directory)?;
    let region = Some(region.map_err(directory)?);
    contents.set_shared(true);
    drop(contents);
    let registry = Box::leak(Box::new(registry.clone()));
    let (skipped, scratch) = (Vec::new(), Scratch::default());
    // Who comes and goes without ever exposing leaves no more behind than was there.
    let _ = home.fold(region);
    *shared = Some(Shared { registry, home, region, n_forks: 0, skips, skipped, scratch });
    Ok(())
}

/// Lets the process count for itself again, from zero. What it counted stays with the others.
pub(crate) fn leave(registry: &Registry) -> io::Result<()> {
    let mut shared = lock();
    let Some(left) = shared.as_ref().filter(|shared| shared.registry.is_same(registry)) else {
        return Ok(());
    };
    let has_region = left.region.is_some();
    let mut contents = registry.lock();
    let all = lock_all();
    let arena = Arena::global();
    let mut memory = arena.lock();
    let (file, n_backed) = arena.anonymous_file()?;
    let quiet = Quiet::new(&all);
    let copy = cleared_copy(arena, &memory, &all, |cell| matches!(cell, Cell::Own | Cell::Gate));
    file.write(&copy)?;
    let region = arena.exchange(&mut memory, file, n_backed)?;
    // What is not shared is not left behind.
    catch_up(arena, &memory, &region, &copy, &all, |core, cell| !core.is_listed() || cell == Cell::Gate);
    drop(quiet);
    all.iter().for_each(|core| core.unlist());
    contents.set_shared(false);
    // Without a region what it had was memory of its own already.
    *shared = None;
    if has_region { region.write_at(layout::CLEAN_AT) } else { Ok(()) }
}

/// Keeps everybody out of the series whose cells change their meaning, so that a copy is of one moment and no gate is passed in one memory and left in another.
struct Quiet {
    gates: Vec<Gate>,
}

impl Quiet {
    fn new(all: &[&'static Core]) -> Self {
        let gates: Vec<Gate> = all.iter().flat_map(|core| core.gates()).collect();
        for gate in &gates {
            gate.close();
        }
        Self { gates }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        self.gates.iter().for_each(|gate| gate.open());
    }
}

/// What is in the words, but without what the process counted in families that are shared; of those only the cells that `keeps` names stay.
fn cleared_copy(
    arena: &Arena,
    memory: &Memory,
    all: &[&'static Core],
    keeps: impl Fn(Cell) -> bool,
) -> Vec<u64> {
    let mut words = arena.copy(memory);
    layout::unborn(&mut words, std::process::id(), process::own_start());
    for core in all.iter().filter(|core| core.is_listed()) {
        core.each_cell(|at, cell| {
            if !keeps(cell) {
                words[at] = 0;
            }
        });
    }
    words
}

/// Puts a region behind the addresses of the arena, with what was counted so far, and lists families in it. Nothing is lost that other threads count meanwhile.
fn move_in(home: &Home, families: &[&'static Core]) -> io::Result<u64> {
    let all = lock_all();
    let arena = Arena::global();
    all.iter().for_each(|core| core.unlist());
    List::FAMILIES.begin(arena);
    if !families.iter().all(|core| core.list()) {
        all.iter().for_each(|core| core.unlist());
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    let result = exchange(home, arena, &all);
    if result.is_err() {
        all.iter().for_each(|core| core.unlist());
    }
    result
}

fn exchange(home: &Home, arena: &Arena, all: &[&'static Core]) -> io::Result<u64> {
    let mut region = home.create_region()?;
    let id = region.id;
    fcntl_lock(region.file.get()?, FlockOperation::NonBlockingLockExclusive)?;
    let mut memory = arena.lock();
    let n_backed = region.file.grow(memory.used(), region.n_backed)?;
    let quiet = Quiet::new(all);
    let mut copy = arena.copy(&memory);
    layout::unborn(&mut copy, std::process::id(), process::own_start());
    region.file.write(&copy)?;
    let before = arena.exchange(&mut memory, region.file, n_backed)?;
    catch_up(arena, &memory, &before, &copy, all, |_, _| true);
    drop(quiet);
    let (boot, epoch) = (home.boot, home.epoch);
    let (pid, start) = (std::process::id(), process::own_start());
    Header { id, boot, pid, start, epoch, is_clean: false }.write(arena.from(0));
    Ok(id)
}

/// Adds to those cells of families that `is_meant` what was counted between a copy of them and the moment when the copy took the place of what was there before. If the program closed that file
/// meanwhile, it is lost.
fn catch_up(
    arena: &Arena,
    memory: &Memory,
    before: &WordFile,
    copy: &[u64],
    families: &[&'static Core],
    is_meant: impl Fn(&Core, Cell) -> bool,
) {
    let Ok(last) = memory.left_in(before) else { return };
    for core in families {
        core.each_cell(|at, kind| {
            if is_meant(core, kind) {
                catch_up_cell(&arena.from(at as u32)[0], kind, copy[at], last[at]);
            }
        });
    }
}

fn catch_up_cell(cell: &AtomicU64, kind: Cell, copied: u64, last: u64) {
    if copied == last || cell.compare_exchange(copied, last, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        return;
    }
    // It was counted before and after.
    match kind {
        // Of a gate, who came to it and waits or went away.
        Cell::Count | Cell::Gate => drop(cell.fetch_add(last.wrapping_sub(copied), Ordering::Relaxed)),
        Cell::Amount | Cell::Level => add_f64(cell, f64::from_bits(last) - f64::from_bits(copied)),
        Cell::Slice => {
            let _ = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
                Some(slices::caught_up(now, copied, last))
            });
        }
        // What was set after is what holds; sketches do not change meanwhile.
        Cell::Latest | Cell::Stamp | Cell::Own | Cell::Exemplar | Cell::Sketch => {}
    }
}

/// Lists a family that was registered after its registry was shared. Returns false if there is no memory for that.
pub(crate) fn list(core: &Core) -> bool {
    let _all = lock_all();
    core.list()
}

/// Whether this process is the one of all that share that collects what is the same for all.
pub(crate) fn leads() -> bool {
    lock().as_mut().is_none_or(|shared| shared.home.lead())
}

/// What was left out of the last exposition.
pub(crate) fn skipped() -> Vec<SkippedRegion> {
    lock().as_ref().map(|shared| shared.skipped.clone()).unwrap_or_default()
}

/// The families of all processes, and those of this one, `own`, that cannot be added up. If the directory cannot be read they are those of this process alone. Families are what they are as long as the lease
/// is held.
pub(crate) fn of_all_processes(own: Vec<&'static Core>) -> (Vec<&'static Core>, Option<Lease>) {
    let mut guard = lock();
    let Some(shared) = guard.as_mut() else { return (own, None) };
    let path = shared.home.path.to_owned();
    let Ok(reading) = shared.read() else {
        shared.note_skipped(vec![SkippedRegion { path, reason: SkipReason::Unreadable }]);
        return (own, None);
    };
    let Reading { contents, mut skipped } = reading;
    let mut set = shared.scratch.take(shared.registry.clock());
    let (mut families, left_out) = set.families(&contents, &own);
    skipped.extend(left_out.into_iter().map(|id| SkippedRegion {
        path: id.map_or_else(|| shared.home.folded(), |id| shared.home.region(id)),
        reason: SkipReason::OtherSchema,
    }));
    shared.note_skipped(skipped);
    families.extend(own.into_iter().filter(|core| !core.is_listed()));
    families.sort_unstable_by_key(|core| core.description.name);
    (families, Some(Lease(Some(set))))
}

/// What all processes count in families that this one has as well. `None` if the directory cannot be read.
pub(crate) fn sums<const N: usize>(families: [&'static Core; N]) -> Option<[Family; N]> {
    let mut guard = lock();
    let reading = guard.as_mut()?.read().ok()?;
    Some(families.map(|core| reading.contents.sum(Schema::of(&core.description))))
}

/// The use of families that are made anew for each exposition.
pub(crate) struct Lease(Option<Set>);

impl Drop for Lease {
    fn drop(&mut self) {
        if let (Some(set), Some(shared)) = (self.0.take(), lock().as_mut()) {
            shared.scratch.give_back(set);
        }
    }
}

impl WordFile {
    fn write_at(&self, (at, bytes): (u64, [u8; 8])) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self.get()?, &bytes, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_named_or_derived() {
        let named = Sharing::from_variable(Some("/somewhere".into()), "shop");
        assert_eq!((named.directory.as_path(), named.is_derived), (Path::new("/somewhere"), false));
        let derived = Sharing::from_variable(None, "my/../shop");
        let user = format!("bellwether-{}", rustix::process::geteuid().as_raw());
        assert!(derived.directory.ends_with(Path::new(&user).join("my____shop")), "{derived:?}");
        assert!(derived.is_derived && !derived.clone().directory("x").is_derived);
    }

    #[test]
    fn what_was_counted_before_and_after_a_copy_is_added_up() {
        let float = f64::to_bits;
        let caught_up = |kind, [copied, last, now]: [u64; 3]| {
            let cell = AtomicU64::new(now);
            catch_up_cell(&cell, kind, copied, last);
            cell.into_inner()
        };
        assert_eq!(caught_up(Cell::Count, [5, 5, 9]), 9);
        assert_eq!(caught_up(Cell::Count, [5, 7, 5]), 7);
        assert_eq!(caught_up(Cell::Count, [5, 7, 9]), 11);
        assert_eq!(caught_up(Cell::Amount, [1.0, 1.5, 3.0].map(float)), float(3.5));
        assert_eq!(caught_up(Cell::Level, [1.0, 0.0, 3.0].map(float)), float(2.0));
        assert_eq!(caught_up(Cell::Latest, [1, 2, 3]), 3, "what was set last holds");
        assert_eq!(caught_up(Cell::Latest, [1, 2, 1]), 2);
        let slice = |number: u64, n: u64| number << 32 | n;
        assert_eq!(caught_up(Cell::Slice, [slice(7, 5), slice(7, 6), slice(7, 9)]), slice(7, 10));
    }
}

//! What is done when the process forks, so that the child counts for itself.
//!
//! The memory behind handles is a file that parent and child would share. So before a fork the parent prepares another file, with the same series and with nothing counted where other processes
//! add up, and the child puts it behind the same addresses before anything else of it runs: handles that it inherited count there. Everything that takes memory or could wait is done by the parent
//! before; the child, in which no other thread is, maps, locks, and writes a few words.
//!
//! The locks of the crate that a thread could hold in the middle of a change are taken before and given back after, by both.
//!
//! A child that is made without the C library knowing (a bare `clone`) counts into the region of its parent: sums stay right, gauges of the two are one. One that is replaced by another program
//! at once (`posix_spawn`, `vfork`) counts nothing.

use std::cell::RefCell;
use std::io;
use std::sync::MutexGuard;

use rustix::fs::{FlockOperation, fcntl_lock, fstat};

use super::layout::Header;
use super::schema::Cell;
use super::{Quiet, Shared, cleared_copy, process};
use crate::arena::{Arena, Memory, WordFile};
use crate::core::{Core, lock_all};
use crate::registry::Contents;

/// What is held while the process forks, in the order in which it is taken.
struct Fork {
    memory: MutexGuard<'static, Memory>,
    _all: MutexGuard<'static, Vec<&'static Core>>,
    _contents: Option<MutexGuard<'static, Contents>>,
    shared: MutexGuard<'static, Option<Shared>>,
    /// The memory of the child. `None` if there is none to be had: then the child counts where its parent does.
    child: Option<Child>,
}

struct Child {
    file: WordFile,
    n_backed: usize,
    /// If it is a region.
    header: Option<Header>,
}

thread_local! {
    static FORK: RefCell<Option<Fork>> = const { RefCell::new(None) };
}

/// Called before a fork, by the thread that forks.
pub(crate) extern "C" fn before() {
    let mut shared = super::lock();
    if let Some(shared) = shared.as_mut() {
        shared.note_fork();
    }
    let contents = shared.as_ref().map(|shared| shared.registry.lock());
    let all = lock_all();
    let arena = Arena::global();
    let memory = arena.lock();
    let child = shared
        .as_ref()
        .and_then(|shared| Child::in_region(shared, arena, &memory, &all).ok())
        .or_else(|| Child::apart(arena, &memory, &all).ok());
    let fork = Fork { memory, _all: all, _contents: contents, shared, child };
    // A thread that is just ending has no such place any more; it holds nothing then while it forks.
    let _ = FORK.try_with(|place| place.replace(Some(fork)));
}

/// Called after a fork in the parent.
pub(crate) extern "C" fn in_parent() {
    let _ = FORK.try_with(|place| place.replace(None));
}

/// Called after a fork in the child.
pub(crate) extern "C" fn in_child() {
    let fork = FORK.try_with(|place| place.replace(None)).ok().flatten();
    let Some(Fork { mut memory, mut shared, child: Some(child), .. }) = fork else { return };
    let arena = Arena::global();
    let region = child.header.filter(|_| child.take().unwrap_or(false));
    // What was there before is the parent's; this closes what the child has of it.
    if arena.exchange(&mut memory, child.file, child.n_backed).is_err() {
        *shared = None;
        return;
    }
    if let Some(header) = region {
        Header { pid: std::process::id(), start: process::own_start(), ..header }.write(arena.from(0));
    }
    if let Some(shared) = shared.as_mut() {
        shared.begin_in_child(region.map(|header| header.id));
    }
}

/// What a child begins with. Nobody is in it who could be at a gate or in the middle of an exemplar.
fn words_of_child(arena: &Arena, memory: &Memory, all: &[&'static Core]) -> Vec<u64> {
    let quiet = Quiet::new(all);
    let mut words = cleared_copy(arena, memory, all, |cell| cell == Cell::Own);
    drop(quiet);
    for core in all {
        core.each_cell(|at, cell| {
            if matches!(cell, Cell::Gate | Cell::Exemplar) {
                words[at] = 0;
            }
        });
    }
    words
}

impl Child {
    fn in_region(shared: &Shared, arena: &Arena, memory: &Memory, all: &[&'static Core]) -> io::Result<Self> {
        let home = &shared.home;
        let mut region = home.create_region()?;
        let n_backed = region.file.grow(memory.used(), region.n_backed)?;
        region.file.write(&words_of_child(arena, memory, all))?;
        let (id, boot, epoch) = (region.id, home.boot, home.epoch);
        let header = Some(Header { id, boot, pid: 0, start: 0, epoch, is_clean: false });
        Ok(Self { file: region.file, n_backed, header })
    }

    fn apart(arena: &Arena, memory: &Memory, all: &[&'static Core]) -> io::Result<Self> {
        let (file, n_backed) = arena.anonymous_file()?;
        file.write(&words_of_child(arena, memory, all))?;
        Ok(Self { file, n_backed, header: None })
    }

    /// Takes the lock that tells that somebody counts. Returns false if the file was removed meanwhile, because nobody seemed to want it.
    fn take(&self) -> io::Result<bool> {
        let file = self.file.get()?;
        fcntl_lock(file, FlockOperation::LockExclusive)?;
        Ok(fstat(file)?.st_nlink > 0)
    }
}

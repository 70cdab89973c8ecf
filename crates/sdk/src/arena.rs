//! The memory that cells and the label values of series live in.
//!
//! One stretch of addresses is reserved for the whole process and never given back, so that a handle is a plain reference that stays valid for ever, and so that
//! the memory behind the addresses can be exchanged without anybody noticing: against a file that other processes read (see [`region`](crate::region)), and in the child of a fork
//! against memory of its own.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt as _;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::fs::{FlockOperation, MemfdFlags, Stat, fcntl_lock, fstat, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous};
use rustix::process::{Resource, getrlimit};

use crate::region::{RegionName, fork};

/// How many words are reserved, at most: 4 GiB of addresses. Memory is taken as it is touched.
pub(crate) const MAX_WORDS: usize = if cfg!(target_pointer_width = "64") { 1 << 29 } else { 1 << 23 };
/// With less than this the platform has no memory map worth speaking of.
const MIN_WORDS: usize = 1 << 13;
/// Words in front that are never handed out: the header of a region. So 0 can stand for "none".
pub(crate) const HEADER_WORDS: usize = 512;
/// A file of words grows by this many bytes.
pub(crate) const CHUNK: usize = 1 << 16;
/// And not beyond this.
pub(crate) const MAX_FILE: usize = 1 << 30;

/// Words that are handed out once and stay where they are.
pub(crate) struct Arena {
    words: &'static [AtomicU64],
    memory: Mutex<Memory>,
}

/// What the words of an arena are kept in.
pub(crate) struct Memory {
    /// How many words are handed out.
    used: usize,
    /// How many words there is memory for.
    n_backed: usize,
    /// The file that is mapped. `None` if it is none: then it cannot be exchanged.
    file: Option<WordFile>,
}

/// A file of words, which can be mapped.
///
/// Programs that become daemons close all files they do not know; what is opened later may get the number that was ours. So nothing is written to or read from a file that is not the one that was opened.
#[derive(Debug)]
pub(crate) struct WordFile {
    /// Taken only when this is dropped.
    file: Option<File>,
    device_and_inode: (u64, u64),
    /// Where it is found again, if it has a name.
    name: Option<RegionName>,
}

#[expect(clippy::useless_conversion, reason = "the width of the fields depends on the platform")]
fn device_and_inode(stat: &Stat) -> (u64, u64) {
    (stat.st_dev.into(), stat.st_ino.into())
}

impl WordFile {
    pub(crate) fn new(file: File, name: Option<RegionName>) -> io::Result<Self> {
        let device_and_inode = device_and_inode(&fstat(&file)?);
        Ok(Self { file: Some(file), device_and_inode, name })
    }

    /// Opens it again if it was closed, and takes its lock again, which is gone by that.
    fn keep_open(&mut self) -> io::Result<()> {
        if let Some(name) = self.name
            && self.get().is_err()
        {
            let file = File::options().read(true).write(true).open(name.path())?;
            fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive)?;
            *self = Self::new(file, Some(name))?;
        }
        Ok(())
    }

    /// A file without a name, for words that nobody else reads.
    fn anonymous(n_words: usize) -> io::Result<Self> {
        let len = (n_words * size_of::<u64>()) as u64;
        check_limit(len)?;
        // Some systems refuse files that could be executed, older ones do not know what that is.
        let sealed = memfd_create("bellwether-cells", MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL);
        let file = sealed.or_else(|_| memfd_create("bellwether-cells", MemfdFlags::CLOEXEC))?;
        ftruncate(&file, len)?;
        Self::new(File::from(file), None)
    }

    /// The file, if it is still open.
    pub(crate) fn get(&self) -> io::Result<&File> {
        let is_it = |file: &&File| fstat(file).is_ok_and(|s| device_and_inode(&s) == self.device_and_inode);
        let closed = || io::Error::other("the program closed a file that is not its own");
        self.file.as_ref().filter(is_it).ok_or_else(closed)
    }

    /// Makes the file longer, with memory or disk behind every byte, so that touching it through a map cannot fail later. Returns how many words there are then.
    pub(crate) fn grow(&mut self, n_words: usize, n_backed: usize) -> io::Result<usize> {
        static ZEROS: [u8; CHUNK] = [0; CHUNK];
        self.keep_open()?;
        let file = self.get()?;
        let end = (n_words * size_of::<u64>()).next_multiple_of(CHUNK);
        if end > MAX_FILE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        check_limit(end as u64)?;
        for at in (n_backed * size_of::<u64>()..end).step_by(CHUNK) {
            file.write_all_at(&ZEROS, at as u64)?;
        }
        Ok(end / size_of::<u64>())
    }

    /// Writes words from the beginning on.
    pub(crate) fn write(&self, words: &[u64]) -> io::Result<()> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        self.get()?.write_all_at(&bytes, 0)
    }

    /// Reads `n` words from the beginning.
    fn read(&self, n: usize) -> io::Result<Vec<u64>> {
        let mut bytes = vec![0; n * size_of::<u64>()];
        self.get()?.read_exact_at(&mut bytes, 0)?;
        Ok(to_words(&bytes))
    }
}

impl Drop for WordFile {
    fn drop(&mut self) {
        if self.get().is_err() {
            // What has the number now is not ours to close.
            std::mem::forget(self.file.take());
        }
    }
}

/// A process that makes a file longer than its limit gets a signal that ends it.
fn check_limit(len: u64) -> io::Result<()> {
    match getrlimit(Resource::Fsize).current {
        Some(limit) if limit < len => Err(io::ErrorKind::FileTooLarge.into()),
        _ => Ok(()),
    }
}

/// The words whose bytes these are; what is behind the last whole word is left out.
pub(crate) fn to_words(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_ne_bytes(*bytes)).collect()
}

impl Arena {
    /// The arena of the process.
    pub(crate) fn global() -> &'static Self {
        static ARENA: OnceLock<Arena> = OnceLock::new();
        ARENA.get_or_init(|| {
            let arena = Self::shareable();
            arena
                .inspect(|_| around_forks(fork::before, fork::in_parent, fork::in_child))
                .unwrap_or_else(Self::private)
        })
    }

    /// An arena whose memory can be exchanged. `None` where the system has none.
    fn shareable() -> Option<Self> {
        let mut n = MAX_WORDS;
        while n >= MIN_WORDS {
            if let Ok(file) = WordFile::anonymous(n)
                && let Ok(opened) = file.get()
                && let Ok(words) = map(Some(opened), n)
            {
                return Some(Self::new(words, Some(file)));
            }
            n /= 2;
        }
        None
    }

    /// An arena that stays what it is. Where the system refuses to reserve addresses, the words are those of a vector.
    pub(crate) fn private() -> Self {
        let mut n = MAX_WORDS;
        while n >= MIN_WORDS {
            if let Ok(words) = map(None, n) {
                return Self::new(words, None);
            }
            n /= 2;
        }
        Self::new(Vec::leak((0..MIN_WORDS).map(|_| AtomicU64::new(0)).collect()), None)
    }

    fn new(words: &'static [AtomicU64], file: Option<WordFile>) -> Self {
        Self { words, memory: Mutex::new(Memory { used: HEADER_WORDS, n_backed: words.len(), file }) }
    }

    /// Hands out `n` words, all zero, and says where they are. `None` if there are no more.
    pub(crate) fn allocate(&self, n: usize) -> Option<u32> {
        let mut memory = self.lock();
        let end = memory.used.checked_add(n).filter(|end| *end <= self.words.len())?;
        if end > memory.n_backed {
            let n_backed = memory.n_backed;
            memory.n_backed = memory.file.as_mut()?.grow(end, n_backed).ok()?;
        }
        let start = std::mem::replace(&mut memory.used, end);
        Some(start as u32)
    }

    /// The words from `at` on.
    #[inline]
    pub(crate) fn from(&self, at: u32) -> &'static [AtomicU64] {
        &self.words[at as usize..]
    }

    /// The words as they are: what is handed out, and the header.
    pub(crate) fn copy(&self, memory: &Memory) -> Vec<u64> {
        self.words[..memory.used].iter().map(|word| word.load(Ordering::Acquire)).collect()
    }

    /// `n` of the words as they are, from `at` on, which must have been handed out.
    pub(crate) fn copy_of(&self, at: usize, n: usize) -> Vec<u64> {
        self.words[at..at + n].iter().map(|word| word.load(Ordering::Acquire)).collect()
    }

    /// Takes everything back. Nobody may count on what was handed out.
    pub(crate) fn clear(&self) {
        let mut memory = self.lock();
        self.words[..memory.used].iter().for_each(|word| word.store(0, Ordering::Relaxed));
        memory.used = HEADER_WORDS;
    }

    /// What the words are kept in. Whoever holds it keeps others from taking words.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file without a name for [`exchange`](Self::exchange).
    pub(crate) fn anonymous_file(&self) -> io::Result<(WordFile, usize)> {
        Ok((WordFile::anonymous(self.words.len())?, self.words.len()))
    }

    /// Puts a file, in which there is memory for `n_backed` words, behind the addresses, and returns the one that was there. What is in the file is what the words are from then
    /// on; what others wrote meanwhile is in the file before.
    pub(crate) fn exchange(
        &self,
        memory: &mut Memory,
        file: WordFile,
        n_backed: usize,
    ) -> io::Result<WordFile> {
        if memory.file.is_none() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        map_over(file.get()?, self.words)?;
        memory.n_backed = n_backed.min(self.words.len());
        memory.file.replace(file).ok_or_else(|| io::ErrorKind::Unsupported.into())
    }
}

impl Memory {
    /// Whether another file can take the place of what the words are kept in.
    pub(crate) fn is_exchangeable(&self) -> bool {
        self.file.is_some()
    }

    /// How many words are handed out, those of the header included.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// The words that a file had in the end which is not mapped any more.
    pub(crate) fn left_in(&self, file: &WordFile) -> io::Result<Vec<u64>> {
        file.read(self.used)
    }
}

/// A part of the addresses of the process that stays reserved.
#[expect(unsafe_code, reason = "there is no other way to reserve addresses")]
fn map(file: Option<&File>, n: usize) -> io::Result<&'static [AtomicU64]> {
    let (len, access) = (n * size_of::<AtomicU64>(), ProtFlags::READ | ProtFlags::WRITE);
    // SAFETY: the system chooses addresses where nothing is.
    let start = unsafe {
        match file {
            Some(file) => {
                mmap(ptr::null_mut(), len, access, MapFlags::SHARED | MapFlags::NORESERVE, file.as_fd(), 0)?
            }
            None => mmap_anonymous(ptr::null_mut(), len, access, MapFlags::PRIVATE | MapFlags::NORESERVE)?,
        }
    };
    // A page of 2 MiB for a handful of counters would be most of what they cost.
    #[cfg(target_os = "linux")]
    // SAFETY: this changes how memory is provided and nothing that is in it.
    let _ = unsafe { rustix::mm::madvise(start, len, rustix::mm::Advice::LinuxNoHugepage) };
    // SAFETY: the mapping is never taken away, only another one put in its place, of the same length and with the same access, so it lives as long as the process. It is zero at first, which
    // is a valid `AtomicU64`, as every other content is, and aligned to a page. Nothing but atomics refers to it, here and in other processes.
    Ok(unsafe { std::slice::from_raw_parts(start.cast::<AtomicU64>(), n) })
}

/// Maps a file to where the words are.
///
/// The file may be shorter than the addresses; what is behind its end must not be touched, which [`Arena::allocate`] sees to.
#[expect(unsafe_code, reason = "only a map over the addresses changes what is behind all handles at once")]
fn map_over(file: &File, words: &'static [AtomicU64]) -> io::Result<()> {
    let flags = MapFlags::SHARED | MapFlags::NORESERVE | MapFlags::FIXED;
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: the addresses are those of a mapping that `map` made and nobody but the arena owns, so nothing else is overwritten. References to them are to atomics, which others may change at any
    // time, so that they change all at once is nothing new; the system lets no access see neither the one nor the other mapping.
    unsafe { mmap(words.as_ptr().cast_mut().cast(), size_of_val(words), access, flags, file.as_fd(), 0)? };
    Ok(())
}

/// Has functions called around each fork: before it, and after it in the parent and in the child.
#[expect(unsafe_code, reason = "only the C library knows when somebody forks")]
pub(crate) fn around_forks(before: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
    type Handler = unsafe extern "C" fn();
    // SAFETY: the functions live as long as the program, take nothing, and do not unwind. That the child does only what is allowed there is told where it is written.
    let _ = unsafe {
        libc::pthread_atfork(Some(before as Handler), Some(parent as Handler), Some(child as Handler))
    };
}

/// Forks, as an application would. `None` in the child.
#[cfg(test)]
#[expect(unsafe_code, reason = "the fork of the C library, which calls what waits for forks")]
pub(crate) fn fork() -> Option<rustix::process::Pid> {
    // SAFETY: the child does what any child may do with a C library that sees to its own locks, and ends itself.
    rustix::process::Pid::from_raw(unsafe { libc::fork() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_handed_out_once() {
        let arena = Arena::global();
        let (a, b) = (arena.allocate(3).expect("there is room"), arena.allocate(2).expect("there is room"));
        assert!(a as usize >= HEADER_WORDS && b >= a + 3);
        arena.from(a)[2].store(7, Ordering::Relaxed);
        assert_eq!(arena.from(b)[0].load(Ordering::Relaxed), 0);
        assert_eq!(arena.from(a)[2].load(Ordering::Relaxed), 7);
        assert!(arena.lock().used() >= HEADER_WORDS + 5);
        assert_eq!(arena.allocate(usize::MAX), None);
    }

    #[test]
    fn an_arena_can_be_full() {
        let words = Vec::leak((0..HEADER_WORDS + 3).map(|_| AtomicU64::new(0)).collect());
        let arena = Arena::new(words, None);
        let first = HEADER_WORDS as u32;
        assert_eq!(
            (arena.allocate(3), arena.allocate(1), arena.allocate(0)),
            (Some(first), None, Some(first + 3))
        );
        arena.from(first)[1].store(9, Ordering::Relaxed);
        arena.clear();
        assert_eq!(arena.allocate(3), Some(first));
        assert_eq!(arena.from(first)[1].load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_full_disk_is_the_end_of_the_arena_and_not_of_the_process() {
        let words = Vec::leak((0..HEADER_WORDS + 3).map(|_| AtomicU64::new(0)).collect());
        let arena = Arena::new(words, None);
        let full = File::options().write(true).open("/dev/full").expect("a device that is always full");
        let mut memory = arena.lock();
        memory.file = Some(WordFile::new(full, None).expect("is open"));
        memory.n_backed = HEADER_WORDS + 1;
        drop(memory);
        assert_eq!(arena.allocate(2), None);
        assert_eq!(arena.allocate(1), Some(HEADER_WORDS as u32));
    }

    #[test]
    fn a_file_that_the_program_closed_is_opened_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let name = RegionName { directory: directory.keep().leak(), id: 7 };
        let options = || File::options().read(true).write(true).create(true).truncate(false).clone();
        let ours = options().open(name.path()).expect("can be made");
        let mut file = WordFile::new(ours, Some(name)).expect("is open");
        // Somebody closed it and opened another one, which has its number now.
        let other = options().open(name.directory.join("other")).expect("can be made");
        file.file = Some(other.try_clone().expect("can be copied"));
        assert!(file.write(&[1]).is_err());
        assert_eq!(file.grow(3, 0).expect("there is room"), CHUNK / 8);
        file.write(&[1]).expect("there is room");
        assert_eq!(other.metadata().expect("is open").len(), 0, "the other one is left alone");
        assert_eq!(std::fs::metadata(name.path()).expect("is there").len(), CHUNK as u64);
        std::fs::remove_dir_all(name.directory).expect("can be removed");
    }

    #[test]
    fn the_memory_is_exchanged_behind_the_back_of_references() {
        let arena = Arena::shareable().expect("a system with anonymous files");
        let at = arena.allocate(2).expect("there is room");
        let words = arena.from(at);
        words[0].store(5, Ordering::Relaxed);
        let mut file = WordFile::new(tempfile::tempfile().expect("a file"), None).expect("is open");
        let n_backed = file.grow(arena.lock().used(), 0).expect("there is room");
        let mut copy = arena.copy(&arena.lock());
        copy[at as usize + 1] = 6;
        file.write(&copy).expect("there is room");
        words[0].store(50, Ordering::Relaxed);
        let before = arena.exchange(&mut arena.lock(), file, n_backed).expect("it can be exchanged");
        assert_eq!((words[0].load(Ordering::Relaxed), words[1].load(Ordering::Relaxed)), (5, 6));
        words[0].store(7, Ordering::Relaxed);
        let memory = arena.lock();
        let left = memory.left_in(&before).expect("it is open");
        assert_eq!(left[at as usize..], [50, 0], "what was written late is found");
        let now = memory.left_in(memory.file.as_ref().expect("it has one")).expect("it is open");
        assert_eq!(now[at as usize..], [7, 6], "others see what is written");
        drop(memory);
        let many = arena.allocate(100_000).expect("the file grows");
        arena.from(many)[99_999].store(1, Ordering::Relaxed);
    }
}

//! Which batches can be seen. A batch becomes visible as a whole: it gets a number before it is applied, and readers see the batches up to a number.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::{Condvar, Mutex};

/// Numbers batches and remembers who reads what.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    state: Mutex<State>,
    /// Signalled when a batch is done.
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the newest batch.
    last: u64,
    /// Batches that have a number and are not done.
    open: BTreeSet<u64>,
    readers: BTreeMap<u64, Reader>,
    last_reader: u64,
}

#[derive(Debug, Clone, Copy)]
struct Reader {
    snapshot: u64,
    epoch: u64,
}

impl State {
    /// All batches up to this one are done.
    fn visible(&self) -> u64 {
        self.open.first().map_or(self.last, |open| open - 1)
    }
}

/// What a reader may see, until it is handed back to [`Commits::close`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The newest batch that is visible.
    pub(crate) commit: u64,
    reader: u64,
}

/// A batch that has a number and is not done. When it is dropped it is done, whether it was stored or not.
#[derive(Debug)]
pub(crate) struct OpenCommit<'a> {
    commits: &'a Commits,
    number: u64,
}

impl OpenCommit<'_> {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The batch is stored. Returns when it is visible, that is when all batches before it are done as well.
    pub(crate) fn end(self) {
        let (commits, number) = (self.commits, self.number);
        drop(self);
        let mut state = commits.state.lock();
        while state.visible() < number {
            commits.done.wait(&mut state);
        }
    }
}

impl Drop for OpenCommit<'_> {
    fn drop(&mut self) {
        self.commits.state.lock().open.remove(&self.number);
        self.commits.done.notify_all();
    }
}

impl Commits {
    /// Gives a batch its number. Called under the locks of all shards that the batch touches, so numbers rise with time in every series.
    pub(crate) fn begin(&self) -> OpenCommit<'_> {
        let mut state = self.state.lock();
        state.last += 1;
        let number = state.last;
        state.open.insert(number);
        OpenCommit { commits: self, number }
    }

    /// Opens a reader that sees all batches which are visible now. `epoch` is computed while no other reader can be opened or asked for.
    pub(crate) fn open<T>(&self, epoch: impl FnOnce() -> (u64, T)) -> (Snapshot, T) {
        let mut state = self.state.lock();
        let (epoch, value) = epoch();
        let commit = state.visible();
        (state.register(commit, epoch), value)
    }

    /// Opens a reader that sees exactly the batches so far, which are not all visible yet; [`wait_for`](Self::wait_for) waits for them. Called while
    /// no batch is between being numbered and being applied.
    pub(crate) fn open_newest(&self, epoch: u64) -> Snapshot {
        let mut state = self.state.lock();
        let commit = state.last;
        state.register(commit, epoch)
    }

    /// Waits until everything that a reader sees is visible to all.
    pub(crate) fn wait_for(&self, snapshot: Snapshot) {
        let mut state = self.state.lock();
        while state.visible() < snapshot.commit {
            self.done.wait(&mut state);
        }
    }

    pub(crate) fn close(&self, snapshot: Snapshot) {
        self.state.lock().readers.remove(&snapshot.reader);
    }

    /// No reader, now or later, distinguishes batches up to this one.
    pub(crate) fn low_water(&self) -> u64 {
        let state = self.state.lock();
        let oldest = state.readers.values().map(|r| r.snapshot).min();
        oldest.unwrap_or(u64::MAX).min(state.visible())
    }

    /// A mark that all readers opened so far are below or at.
    pub(crate) fn reader_mark(&self) -> u64 {
        self.state.lock().last_reader
    }

    /// The mark of the oldest reader that is open; if there is none, one that no reader has yet.
    pub(crate) fn oldest_reader(&self) -> u64 {
        let state = self.state.lock();
        state.readers.keys().next().copied().unwrap_or(state.last_reader + 1)
    }

    /// Whether a reader is open that was opened in an epoch before `epoch`.
    pub(crate) fn has_reader_before(&self, epoch: u64) -> bool {
        self.state.lock().readers.values().any(|r| r.epoch < epoch)
    }
}

impl State {
    fn register(&mut self, commit: u64, epoch: u64) -> Snapshot {
        self.last_reader += 1;
        self.readers.insert(self.last_reader, Reader { snapshot: commit, epoch });
        Snapshot { commit, reader: self.last_reader }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_become_visible_in_order() {
        let commits = Commits::default();
        let (a, b) = (commits.begin(), commits.begin());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| b.end());
            let (before, ()) = commits.open(|| (0, ()));
            assert_eq!(before.commit, 0, "the second is not visible before the first");
            drop(a);
            waiting.join().expect("no panic");
        });
        let (after, ()) = commits.open(|| (0, ()));
        assert_eq!(after.commit, 2);
    }

    #[test]
    fn the_low_water_mark_is_that_of_the_oldest_reader() {
        let commits = Commits::default();
        commits.begin().end();
        let (reader, ()) = commits.open(|| (3, ()));
        commits.begin().end();
        assert_eq!(commits.low_water(), 1);
        assert!(commits.has_reader_before(4) && !commits.has_reader_before(3));
        assert_eq!((commits.reader_mark(), commits.oldest_reader()), (1, 1));
        commits.close(reader);
        assert_eq!((commits.reader_mark(), commits.oldest_reader()), (1, 2));
        assert_eq!(commits.low_water(), 2);
        assert!(!commits.has_reader_before(u64::MAX));
        let open = commits.begin();
        assert_eq!(commits.low_water(), 2, "an open batch is above");
        open.end();
        assert_eq!(commits.low_water(), 3);
    }
}

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;

use crate::change::checked_bytes;
use crate::database::{self, FILE_NAME};
use crate::queue::{Command, Queue, Reply};
use crate::{Change, EventQuery, Keep, KeptEvent, Record, StateError};

/// The database, shared by its clones. All calls block; the last clone that is dropped waits until what was queued is durable.
#[derive(Clone)]
pub struct StateStore(Arc<Shared>);

struct Shared {
    path: PathBuf,
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl StateStore {
    /// Opens `state.db` in the folder, or makes it. A file that is damaged, foreign or newer is refused and left as it is.
    ///
    /// The folder must be used by nobody else: whoever holds the lock of the data folder may open it.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        let path = folder.join(FILE_NAME);
        let io = |source: std::io::Error| StateError::Io { path: path.clone(), source: Arc::new(source) };
        std::fs::create_dir_all(folder).map_err(io)?;
        let queue = Arc::new(Queue::default());
        let (opened, is_open) = sync_channel(1);
        let thread = thread::Builder::new().name("state".to_owned());
        let (queue_of_thread, path_of_thread) = (Arc::clone(&queue), path.clone());
        let thread =
            thread.spawn(move || database::run(&path_of_thread, &queue_of_thread, &opened)).map_err(io)?;
        let shared = Shared { path, queue, thread: Mutex::new(Some(thread)) };
        // On failure this waits for the thread as well.
        let store = Self(Arc::new(shared));
        is_open.recv().unwrap_or_else(|_| Err(store.stopped()))?;
        Ok(store)
    }

    /// All records of a kind, in the order of their keys.
    pub fn records(&self, kind: &str) -> Result<Vec<Record>, StateError> {
        self.ask(|reply| Command::Records { kind: kind.to_owned(), reply })
    }

    /// Makes the changes, all of them or none. They are durable when this returns `Ok`.
    pub fn write(&self, changes: Vec<Change>) -> Result<(), StateError> {
        if changes.is_empty() {
            return Ok(());
        }
        let bytes = checked_bytes(&changes)?;
        self.ask(|reply| Command::Write { changes, bytes, reply: Some(reply) })
    }

    /// Makes the changes soon, before anything that is written later. Waits if much waits already. What the database then refuses is told in the log.
    pub fn queue(&self, changes: Vec<Change>) {
        enqueue(changes, |command| self.0.queue.push(command).map_err(|_| self.stopped()));
    }

    /// The same without waiting: if too much waits already, they are not made, and that is told in the log. For what is worth less than going on.
    pub fn offer(&self, changes: Vec<Change>) {
        let busy = || StateError::Busy { path: self.0.path.clone() };
        enqueue(changes, |command| self.0.queue.offer(command).map_err(|_| busy()));
    }

    /// Events, the newest first; of the same time those that came last.
    pub fn events(&self, query: &EventQuery) -> Result<Vec<KeptEvent>, StateError> {
        self.ask(|reply| Command::Events { query: query.clone(), reply })
    }

    /// Forgets events of a kind, but not those to keep. Returns how many.
    pub fn forget_events(&self, kind: &str, keep: Keep) -> Result<u64, StateError> {
        let mut forgotten = 0;
        loop {
            // A part at a time, so that nobody waits for long.
            let kind = kind.to_owned();
            match self.ask(|reply| Command::Forget { kind, keep, reply })? {
                0 => return Ok(forgotten),
                some => forgotten += some,
            }
        }
    }

    /// Writes what is kept at one moment to `file`, a new database, which is not synced. Nobody waits for that meanwhile.
    pub fn copy_to(&self, file: &Path) -> Result<(), StateError> {
        database::copy(&self.0.path, file)
    }

    fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, StateError> {
        let (reply, answer) = sync_channel(1);
        let pushed = self.0.queue.push(command(reply));
        let answer = pushed.ok().and_then(|()| answer.recv().ok());
        answer.unwrap_or_else(|| Err(self.stopped()))
    }

    fn stopped(&self) -> StateError {
        StateError::Stopped { path: self.0.path.clone() }
    }
}

/// Adds changes for which nobody waits to the queue. What comes in the way is told in the log.
fn enqueue(changes: Vec<Change>, add: impl FnOnce(Command) -> Result<(), StateError>) {
    let added = match checked_bytes(&changes) {
        Ok(0) => Ok(()),
        Ok(bytes) => add(Command::Write { changes, bytes, reply: None }),
        Err(error) => Err(error),
    };
    if let Err(error) = added {
        database::tell_lost(&error);
    }
}

impl fmt::Debug for StateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StateStore").field(&self.0.path).finish()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.lock().take() {
            // A panic there has been told where it happened.
            let _ = thread.join();
        }
    }
}

//! What waits for the thread of the database.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::{Change, EventQuery, Keep, KeptEvent, Record, StateError, WRITE_BYTES_MAX};

/// So many bytes of changes wait at most; who has more waits for room.
const WAITING_BYTES_MAX: usize = WRITE_BYTES_MAX;

/// Where an answer goes.
pub(crate) type Reply<T> = SyncSender<Result<T, StateError>>;

/// Something for the database to do.
pub(crate) enum Command {
    Write {
        changes: Vec<Change>,
        bytes: usize,
        /// `None` if nobody waits for it.
        reply: Option<Reply<()>>,
    },
    Records {
        kind: String,
        reply: Reply<Vec<Record>>,
    },
    Events {
        query: EventQuery,
        reply: Reply<Vec<KeptEvent>>,
    },
    Forget {
        kind: String,
        keep: Keep,
        reply: Reply<u64>,
    },
}

impl Command {
    fn bytes(&self) -> usize {
        match self {
            Self::Write { bytes, .. } => *bytes,
            _ => 0,
        }
    }
}

#[derive(Default)]
struct Waiting {
    commands: VecDeque<Command>,
    bytes: usize,
    is_closed: bool,
}

impl Waiting {
    fn has_room(&self, command: &Command) -> bool {
        self.bytes == 0 || self.bytes + command.bytes() <= WAITING_BYTES_MAX
    }
}

/// First in, first out, bounded by bytes.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    came: Condvar,
    room: Condvar,
}

impl Queue {
    /// Adds a command, when there is room. Returns it if nobody takes it any more.
    pub(crate) fn push(&self, command: Command) -> Result<(), Command> {
        let mut waiting = self.waiting.lock();
        while !waiting.has_room(&command) && !waiting.is_closed {
            self.room.wait(&mut waiting);
        }
        self.add(waiting, command)
    }

    /// Adds a command if there is room, and waits for nobody. Returns it if it is not added.
    pub(crate) fn offer(&self, command: Command) -> Result<(), Command> {
        let waiting = self.waiting.lock();
        if waiting.has_room(&command) { self.add(waiting, command) } else { Err(command) }
    }

    fn add(&self, mut waiting: MutexGuard<'_, Waiting>, command: Command) -> Result<(), Command> {
        if waiting.is_closed {
            return Err(command);
        }
        waiting.bytes += command.bytes();
        waiting.commands.push_back(command);
        drop(waiting);
        self.came.notify_one();
        Ok(())
    }

    /// All that waits, once there is something; empty when it is closed and nothing is left.
    pub(crate) fn take_all(&self) -> VecDeque<Command> {
        let mut waiting = self.waiting.lock();
        while waiting.commands.is_empty() && !waiting.is_closed {
            self.came.wait(&mut waiting);
        }
        waiting.bytes = 0;
        let commands = std::mem::take(&mut waiting.commands);
        drop(waiting);
        self.room.notify_all();
        commands
    }

    /// Nothing more is taken; what waits is done.
    pub(crate) fn close(&self) {
        self.waiting.lock().is_closed = true;
        self.came.notify_all();
        self.room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_offers_does_not_wait_for_room() {
        let queue = Queue::default();
        let write = |bytes| Command::Write { changes: Vec::new(), bytes, reply: None };
        assert!(queue.offer(write(WAITING_BYTES_MAX - 1)).is_ok());
        assert!(queue.offer(write(2)).is_err());
        assert!(queue.offer(write(1)).is_ok());
        assert_eq!(queue.take_all().len(), 2);
        assert!(queue.offer(write(2)).is_ok(), "there is room again");
        queue.close();
        assert!(queue.offer(write(0)).is_err(), "nobody takes it any more");
    }
}

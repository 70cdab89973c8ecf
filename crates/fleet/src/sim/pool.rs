use std::collections::VecDeque;

/// How many callers may wait; the next one is turned away as if its wait had timed out.
const WAITING_MAX: usize = 200;
/// Unused connections are closed one per this many seconds.
const SHRINK_EVERY_S: u32 = 20;

/// A connection pool: it opens connections up to its size, then lets callers wait in line, but not for ever.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    size: usize,
    open_min: usize,
    open: usize,
    active: usize,
    peak: usize,
    waiting: VecDeque<(u64, T)>,
    tickets: u64,
    idle_s: u32,
}

/// What a caller got.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Acquired {
    /// A connection, to be given back with [`Pool::release`].
    Connection,
    /// A place in the line; [`Pool::give_up`] with this ticket ends the wait.
    Wait(u64),
    /// The line is full.
    Refused,
}

impl<T> Pool<T> {
    pub(crate) fn new(size: usize) -> Self {
        let open_min = size / 5 + 1;
        let waiting = VecDeque::new();
        Self { size, open_min, open: open_min, active: 0, peak: 0, waiting, tickets: 0, idle_s: 0 }
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn active(&self) -> usize {
        self.active
    }

    /// The most connections that were in use at a time.
    pub(crate) fn peak(&self) -> usize {
        self.peak
    }

    pub(crate) fn idle(&self) -> usize {
        self.open - self.active
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn acquire(&mut self, caller: T) -> Acquired {
        if self.active < self.size {
            self.active += 1;
            self.open = self.open.max(self.active);
            self.peak = self.peak.max(self.active);
            Acquired::Connection
        } else if self.waiting.len() < WAITING_MAX {
            self.tickets += 1;
            self.waiting.push_back((self.tickets, caller));
            Acquired::Wait(self.tickets)
        } else {
            Acquired::Refused
        }
    }

    /// Gives a connection back. If somebody waited, they have it now and are returned.
    pub(crate) fn release(&mut self) -> Option<T> {
        assert!(self.active > 0, "BUG: released more connections than were acquired");
        if self.active <= self.size
            && let Some((_, next)) = self.waiting.pop_front()
        {
            return Some(next);
        }
        self.active -= 1;
        None
    }

    /// Ends a wait: the caller comes back unless it was served meanwhile.
    pub(crate) fn give_up(&mut self, ticket: u64) -> Option<T> {
        let idx = self.waiting.iter().position(|(it, _)| *it == ticket)?;
        self.waiting.remove(idx).map(|(_, caller)| caller)
    }

    /// Once per second: connections that nobody uses are closed one by one.
    pub(crate) fn second(&mut self) {
        self.idle_s += 1;
        if self.idle_s >= SHRINK_EVERY_S {
            self.idle_s = 0;
            if self.open > self.active.max(self.open_min) {
                self.open -= 1;
            }
        }
    }

    /// Forgets everything, as the restarted process does.
    pub(crate) fn reset(&mut self) {
        let tickets = self.tickets;
        *self = Self { tickets, ..Self::new(self.size) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lends_then_queues_then_refuses() {
        let mut pool = Pool::new(2);
        assert_eq!(pool.acquire('a'), Acquired::Connection);
        assert_eq!(pool.acquire('b'), Acquired::Connection);
        assert_eq!(pool.acquire('c'), Acquired::Wait(1));
        assert_eq!(pool.acquire('d'), Acquired::Wait(2));
        assert_eq!((pool.active(), pool.idle(), pool.waiting()), (2, 0, 2));
        assert_eq!(pool.give_up(1), Some('c'));
        assert_eq!(pool.give_up(1), None);
        assert_eq!(pool.release(), Some('d'));
        assert_eq!(pool.release(), None);
        assert_eq!(pool.release(), None);
        assert_eq!((pool.active(), pool.peak(), pool.idle()), (0, 2, 2));
        for _ in 0..2 + WAITING_MAX {
            pool.acquire('x');
        }
        assert_eq!(pool.acquire('y'), Acquired::Refused);
    }
}

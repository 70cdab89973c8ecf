use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Why a query must stop before it is done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryInterrupt {
    /// The client left or an operator killed the query.
    #[error("query was canceled")]
    Cancelled,
    /// The query's time is used up.
    #[error("query timed out after {0:?}")]
    TimedOut(Duration),
    /// The query would need more memory than one query may use.
    #[error("query would use more than {limit} bytes of memory")]
    Memory {
        /// The limit in bytes.
        limit: usize,
    },
    /// The query and the others that run now would together need more memory than all queries may use.
    #[error("the queries that run now would together use more than {limit} bytes of memory")]
    SharedMemory {
        /// The limit in bytes.
        limit: usize,
    },
}

/// A budget of bytes that several holders draw on.
#[derive(Debug)]
struct Budget {
    used: AtomicUsize,
    limit: usize,
}

impl Budget {
    fn new(limit: usize) -> Self {
        Self { used: AtomicUsize::new(0), limit }
    }

    /// Whether so many bytes were left, and are taken now.
    fn take(&self, bytes: usize) -> bool {
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|total| *total <= self.limit)
        });
        taken.is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// How much memory queries may use: each of them, and all that run at the same time together. Clones share the state.
#[derive(Debug, Clone)]
pub struct QueryMemory {
    per_query_bytes: usize,
    together: Arc<Budget>,
}

impl QueryMemory {
    /// Budgets of so many bytes.
    pub fn new(per_query_bytes: usize, together_bytes: usize) -> Self {
        Self { per_query_bytes, together: Arc::new(Budget::new(together_bytes)) }
    }

    /// Bytes that the running queries have set aside now.
    pub fn reserved_bytes(&self) -> usize {
        self.together.used.load(Ordering::Relaxed)
    }
}

/// What one running query shares with everything that works for it: the deadline, the cancel flag and the memory budget.
///
/// Whoever loops over samples or series calls [`check`](Self::check) at least once per 64 series or 64 k samples; whoever is about to
/// allocate in proportion to the data calls [`reserve`](Self::reserve) first. Clones share the state.
#[derive(Debug, Clone)]
pub struct QueryContext {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    cancelled: AtomicBool,
    started: Instant,
    timeout: Option<Duration>,
    memory: Budget,
    /// What the query shares with the others that run.
    together: Option<Arc<Budget>>,
}

impl State {
    fn take(&self, bytes: usize) -> Result<(), QueryInterrupt> {
        if !self.memory.take(bytes) {
            return Err(QueryInterrupt::Memory { limit: self.memory.limit });
        }
        if let Some(together) = &self.together
            && !together.take(bytes)
        {
            self.memory.give_back(bytes);
            return Err(QueryInterrupt::SharedMemory { limit: together.limit });
        }
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        self.memory.give_back(bytes);
        if let Some(together) = &self.together {
            together.give_back(bytes);
        }
    }
}

impl QueryContext {
    /// A context without deadline and limits.
    pub fn unbounded() -> Self {
        Self::new(None, usize::MAX)
    }

    /// A context whose time starts now.
    ///
    /// `memory_limit_bytes` bounds what [`reserve`](Self::reserve) hands out.
    pub fn new(timeout: Option<Duration>, memory_limit_bytes: usize) -> Self {
        Self::with(timeout, memory_limit_bytes, None)
    }

    /// A context whose time starts now, of a query that has its share of `memory`.
    pub fn sharing(timeout: Option<Duration>, memory: &QueryMemory) -> Self {
        Self::with(timeout, memory.per_query_bytes, Some(Arc::clone(&memory.together)))
    }

    fn with(timeout: Option<Duration>, memory_limit_bytes: usize, together: Option<Arc<Budget>>) -> Self {
        Self {
            state: Arc::new(State {
                cancelled: AtomicBool::new(false),
                started: Instant::now(),
                timeout,
                memory: Budget::new(memory_limit_bytes),
                together,
            }),
        }
    }

    /// Asks everybody who works for the query to stop.
    pub fn cancel(&self) {
        self.state.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the query may go on.
    pub fn check(&self) -> Result<(), QueryInterrupt> {
        if self.state.cancelled.load(Ordering::Relaxed) {
            return Err(QueryInterrupt::Cancelled);
        }
        match self.state.timeout {
            Some(timeout) if self.state.started.elapsed() > timeout => Err(QueryInterrupt::TimedOut(timeout)),
            _ => Ok(()),
        }
    }

    /// Time since the query started.
    pub fn elapsed(&self) -> Duration {
        self.state.started.elapsed()
    }

    /// Sets `bytes` of the budget aside until the reservation is dropped.
    pub fn reserve(&self, bytes: usize) -> Result<MemoryReservation, QueryInterrupt> {
        self.state.take(bytes)?;
        Ok(MemoryReservation { state: Arc::clone(&self.state), bytes })
    }

    /// Bytes that are set aside now.
    pub fn reserved_bytes(&self) -> usize {
        self.state.memory.used.load(Ordering::Relaxed)
    }
}

/// Bytes of a query's memory budget, given back on drop.
#[derive(Debug)]
pub struct MemoryReservation {
    state: Arc<State>,
    bytes: usize,
}

impl MemoryReservation {
    /// Sets more bytes aside.
    pub fn grow(&mut self, bytes: usize) -> Result<(), QueryInterrupt> {
        self.state.take(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Sets as many bytes aside once more, for the time in which something is copied to a larger place.
    pub fn copying(&self) -> Result<Self, QueryInterrupt> {
        self.state.take(self.bytes)?;
        Ok(Self { state: Arc::clone(&self.state), bytes: self.bytes })
    }
}

impl Drop for MemoryReservation {
    fn drop(&mut self) {
        self.state.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserves_and_gives_back() {
        let cx = QueryContext::new(None, 100);
        let mut a = cx.reserve(60).expect("fits");
        assert_eq!(cx.reserve(50).err(), Some(QueryInterrupt::Memory { limit: 100 }));
        assert!(a.copying().is_err());
        a.grow(40).expect("fits");
        assert!(a.grow(1).is_err());
        drop(a);
        assert_eq!(cx.reserved_bytes(), 0);
    }

    #[test]
    fn queries_share_what_there_is() {
        let memory = QueryMemory::new(80, 100);
        let (a, b) = (QueryContext::sharing(None, &memory), QueryContext::sharing(None, &memory));
        let of_a = a.reserve(70).expect("fits");
        assert_eq!(a.reserve(20).err(), Some(QueryInterrupt::Memory { limit: 80 }));
        assert_eq!(b.reserve(40).err(), Some(QueryInterrupt::SharedMemory { limit: 100 }));
        // What was refused is not held against anybody.
        let of_b = b.reserve(30).expect("fits");
        assert_eq!(memory.reserved_bytes(), 100);
        drop((of_a, of_b, a));
        assert_eq!((memory.reserved_bytes(), b.reserved_bytes()), (0, 0));
    }

    #[test]
    fn stops_on_cancel_and_deadline() {
        let cx = QueryContext::unbounded();
        assert_eq!(cx.check(), Ok(()));
        cx.clone().cancel();
        assert_eq!(cx.check(), Err(QueryInterrupt::Cancelled));
        let late = QueryContext::new(Some(Duration::ZERO), 0);
        assert_eq!(late.check(), Err(QueryInterrupt::TimedOut(Duration::ZERO)));
    }
}

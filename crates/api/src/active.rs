//! The queries that wait or run now.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether_model::{Clock, QueryContext};
use tokio::sync::watch;

use crate::memory::ProcessMemory;
use crate::query_journal::{JournalGuard, QueryJournal};
use crate::requester::Requester;

/// The longest text of a query that the list keeps; the parser takes no longer ones.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// What a query asks, for the list.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// The endpoint, for instance `query_range`.
    pub(crate) kind: &'static str,
    /// The expression, or the selectors of a listing.
    pub(crate) text: String,
    /// About which time.
    pub(crate) window: Window,
    /// Who asks.
    pub(crate) requester: Requester,
}

/// The time that a query is about, wherever on the time line it lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Window {
    /// From the start to the end; 0 for an instant.
    pub(crate) length_ms: i64,
    /// 0 where there are no steps.
    pub(crate) step_ms: i64,
}

/// The queries that wait or run now. A query is in the list until its thread has really stopped.
#[derive(Debug, Default)]
pub struct ActiveQueries {
    next_id: AtomicU64,
    queries: Mutex<BTreeMap<u64, Arc<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    question: Question,
    started_at_ms: i64,
    is_running: AtomicBool,
    cx: QueryContext,
    /// Why, once it is.
    killed: watch::Sender<Option<KillReason>>,
}

/// Why a query is ended before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KillReason {
    /// Somebody wanted it.
    Operator,
    /// Memory ran out; what the client is told.
    Memory(String),
}

/// What a query does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueryState {
    /// It waits for a place among the running ones.
    Queued,
    /// It runs.
    Running,
    /// It was killed, and its thread has not noticed yet.
    Cancelled,
}

impl QueryState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One query of the list.
#[derive(Debug, Clone)]
pub(crate) struct ActiveQuery {
    pub(crate) id: u64,
    pub(crate) question: Question,
    /// In milliseconds since the Unix epoch.
    pub(crate) started_at_ms: i64,
    pub(crate) duration: Duration,
    pub(crate) state: QueryState,
    /// What the query has reserved now.
    pub(crate) memory_bytes: usize,
}

impl Entry {
    fn kill(&self, reason: KillReason) {
        self.cx.cancel();
        self.killed.send_replace(Some(reason));
    }
}

impl ActiveQueries {
    /// Puts a query into the list, until the guard is dropped.
    pub(crate) fn enter(
        self: &Arc<Self>,
        question: Question,
        cx: QueryContext,
        clock: &dyn Clock,
    ) -> ActiveGuard {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed) + 1;
        let Question { kind, mut text, window, requester } = question;
        if text.len() > MAX_TEXT_BYTES {
            text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
            text.push_str("...");
        }
        let entry = Arc::new(Entry {
            question: Question { kind, text, window, requester },
            started_at_ms: clock.now_ms(),
            is_running: AtomicBool::new(false),
            cx,
            killed: watch::Sender::new(None),
        });
        self.lock().insert(id, Arc::clone(&entry));
        ActiveGuard { list: Arc::clone(self), id, entry }
    }

    /// All queries, the oldest first.
    pub(crate) fn list(&self) -> Vec<ActiveQuery> {
        let queries = self.lock();
        let describe = |(id, entry): (&u64, &Arc<Entry>)| ActiveQuery {
            id: *id,
            question: entry.question.clone(),
            started_at_ms: entry.started_at_ms,
            duration: entry.cx.elapsed(),
            state: match (entry.killed.borrow().is_some(), entry.is_running.load(Ordering::Relaxed)) {
                (true, _) => QueryState::Cancelled,
                (false, true) => QueryState::Running,
                (false, false) => QueryState::Queued,
            },
            memory_bytes: entry.cx.reserved_bytes(),
        };
        queries.iter().map(describe).collect()
    }

    /// Kills a query; `false` if there is none with this id.
    pub(crate) fn kill(&self, id: u64) -> bool {
        let Some(entry) = self.lock().get(&id).cloned() else { return false };
        entry.kill(KillReason::Operator);
        true
    }

    /// Kills the query that has set aside the most memory, unless one that was killed is on its way out. Returns its number and what it had set aside.
    pub fn kill_largest(&self, memory: &ProcessMemory) -> Option<(u64, usize)> {
        let queries = self.lock();
        let is_dying = |entry: &&Arc<Entry>| entry.killed.borrow().is_some() && entry.cx.reserved_bytes() > 0;
        if queries.values().any(|entry| is_dying(&entry)) {
            return None;
        }
        let sizes = queries.iter().map(|(id, entry)| (entry.cx.reserved_bytes(), *id, Arc::clone(entry)));
        let (bytes, id, entry) =
            sizes.max_by_key(|(bytes, id, _)| (*bytes, *id)).filter(|largest| largest.0 > 0)?;
        drop(queries);
        entry.kill(KillReason::Memory(memory.cancelled_query(bytes)));
        Some((id, bytes))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Entry>>> {
        self.queries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a query in the list.
#[derive(Debug)]
pub(crate) struct ActiveGuard {
    list: Arc<ActiveQueries>,
    id: u64,
    entry: Arc<Entry>,
}

impl ActiveGuard {
    /// Says that the query waits no longer.
    pub(crate) fn set_running(&self) {
        self.entry.is_running.store(true, Ordering::Relaxed);
    }

    /// Notes in the journal that the query runs, until the guard is dropped.
    pub(crate) fn note_in(&self, journal: &Arc<dyn QueryJournal>) -> JournalGuard {
        let Question { kind, text, .. } = &self.entry.question;
        JournalGuard::new(journal, kind, text, self.entry.started_at_ms)
    }

    /// Tells when and why the query is killed; never, if it is not.
    pub(crate) fn killed(&self) -> impl Future<Output = KillReason> + Send + use<> {
        let mut killed = self.entry.killed.subscribe();
        async move {
            let reason = killed.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
            match reason {
                Some(reason) => reason,
                None => std::future::pending().await,
            }
        }
    }
}

impl Drop for ActiveGuard {
    fn drop(&mut self) {
        self.list.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use bellwether_model::{MemoryReservation, SystemClock};
    use http::Method;

    use super::*;

    fn enter(list: &Arc<ActiveQueries>, bytes: usize) -> (ActiveGuard, QueryContext, MemoryReservation) {
        let requester =
            Requester { peer: ([127, 0, 0, 1], 9).into(), method: Method::GET, path: String::new() };
        let question =
            Question { kind: "query", text: "up".to_owned(), window: Window::default(), requester };
        let cx = QueryContext::unbounded();
        let reserved = cx.reserve(bytes).expect("unbounded");
        (list.enter(question, cx.clone(), &SystemClock::new()), cx, reserved)
    }

    #[tokio::test]
    async fn the_largest_query_goes_first_and_one_at_a_time() {
        let (list, memory) = (Arc::<ActiveQueries>::default(), ProcessMemory::new(1 << 30));
        let (small, large, none) = (enter(&list, 10 << 20), enter(&list, 20 << 20), enter(&list, 0));
        assert_eq!(list.kill_largest(&memory), Some((2, 20 << 20)));
        assert!(large.1.check().is_err() && small.1.check().is_ok());
        let KillReason::Memory(why) = large.0.killed().await else { panic!("nobody asked for it") };
        assert!(why.contains("with 20MiB set aside") && why.contains("--memory.limit"), "{why}");
        assert_eq!(list.kill_largest(&memory), None, "its memory is not free yet");
        drop(large);
        assert_eq!(list.kill_largest(&memory), Some((1, 10 << 20)));
        drop(small);
        assert_eq!(list.kill_largest(&memory), None, "a query without memory is not to blame");
        assert!(none.1.check().is_ok());
    }
}

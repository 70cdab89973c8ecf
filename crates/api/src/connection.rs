//! What each connection does at the moment, and how long it may do so.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How often it is tried again to find a connection that can be closed for a new one.
const EVICTION_INTERVAL: Duration = Duration::from_millis(50);

/// What a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Everything was answered, and no byte of another request has come.
    Idle,
    /// The head of a request is on its way; so it is from the start.
    Head,
    /// A request is being answered.
    Busy,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Since when the client has taken nothing of what is ready for it.
    blocked_since: Option<Instant>,
    /// Whether the connection should make room for another one.
    is_evicted: bool,
}

/// How long a connection may wait for its client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Without a request.
    pub(crate) idle: Duration,
    /// From the first byte of a request to the end of its head.
    pub(crate) head: Duration,
    /// For room to write an answer.
    pub(crate) write: Duration,
}

impl Connection {
    fn new() -> Self {
        let state =
            State { phase: Phase::Head, since: Instant::now(), blocked_since: None, is_evicted: false };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// Says that a request is being answered, until the guard is dropped.
    pub(crate) fn busy(self: &Arc<Self>) -> BusyGuard {
        self.enter(Phase::Busy);
        BusyGuard(Arc::clone(self))
    }

    /// Says that bytes have come.
    fn bytes_came(&self) {
        let is_first = self.lock().phase == Phase::Idle;
        if is_first {
            self.enter(Phase::Head);
        }
    }

    /// Says whether the client has no room for more of its answer.
    fn set_blocked(&self, is_blocked: bool) {
        let mut state = self.lock();
        if state.blocked_since.is_some() == is_blocked {
            return;
        }
        state.blocked_since = is_blocked.then(Instant::now);
        drop(state);
        self.changed.notify_one();
    }

    fn enter(&self, phase: Phase) {
        let mut state = self.lock();
        state.phase = phase;
        state.since = Instant::now();
        drop(state);
        self.changed.notify_one();
    }

    /// Returns, with the reason, when the connection has to be closed. While a request is being answered, that is only if the client does not take
    /// the answer.
    pub(crate) async fn out_of_patience(&self, patience: Patience) -> &'static str {
        loop {
            let (phase, since, blocked_since, is_evicted) = {
                let state = self.lock();
                (state.phase, state.since, state.blocked_since, state.is_evicted)
            };
            let (since, limit, why) = match (phase, blocked_since) {
                (_, Some(since)) => (since, patience.write, "the client does not take its answer"),
                (Phase::Busy, None) => {
                    self.changed.notified().await;
                    continue;
                }
                (_, None) if is_evicted => return "closed to make room for another one",
                (Phase::Idle, None) => (since, patience.idle, "idle for too long"),
                (Phase::Head, None) => (since, patience.head, "the head of the request took too long"),
            };
            if since.elapsed() >= limit {
                return why;
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(since + limit) => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request is being answered while this lives.
#[derive(Debug)]
pub(crate) struct BusyGuard(Arc<Connection>);

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.enter(Phase::Idle);
    }
}

/// All open connections, of which there may only be so many.
#[derive(Debug)]
pub(crate) struct Connections {
    slots: Arc<Semaphore>,
    open: Mutex<BTreeMap<u64, Arc<Connection>>>,
}

impl Connections {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { slots: Arc::new(Semaphore::new(max)), open: Mutex::default() })
    }

    /// Waits until one more connection may be open. If there are too many, those that nobody uses make room, the longest unused first:
    /// otherwise a few clients that keep connections for later would shut out everybody, health checks included.
    pub(crate) async fn open(self: &Arc<Self>) -> io::Result<OpenConnection> {
        let slot = loop {
            if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
                break slot;
            }
            self.evict_one();
            let slot = Arc::clone(&self.slots).acquire_owned();
            if let Ok(slot) = tokio::time::timeout(EVICTION_INTERVAL, slot).await {
                break slot.map_err(io::Error::other)?;
            }
        };
        let connection = Arc::new(Connection::new());
        let mut open = self.lock();
        let id = open.last_key_value().map_or(0, |(last, _)| last + 1);
        open.insert(id, Arc::clone(&connection));
        drop(open);
        Ok(OpenConnection { connection, connections: Arc::clone(self), id, _slot: slot })
    }

    fn evict_one(&self) {
        let open = self.lock();
        let unused = open.values().filter_map(|connection| {
            let state = connection.lock();
            let is_candidate =
                state.phase != Phase::Busy && state.blocked_since.is_none() && !state.is_evicted;
            is_candidate.then_some((state.phase == Phase::Head, state.since, connection))
        });
        if let Some((_, _, connection)) = unused.min_by_key(|(is_sending, since, _)| (*is_sending, *since)) {
            connection.lock().is_evicted = true;
            connection.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that counts as open while this lives.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    pub(crate) connection: Arc<Connection>,
    connections: Arc<Connections>,
    id: u64,
    _slot: OwnedSemaphorePermit,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.id);
    }
}

/// A socket that tells its connection when bytes come.
#[derive(Debug)]
pub(crate) struct WatchedStream<S> {
    pub(crate) stream: S,
    pub(crate) connection: Arc<Connection>,
}

impl<S: AsyncRead + Unpin> AsyncRead for WatchedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.connection.bytes_came();
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WatchedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.connection.set_blocked(outcome.is_pending());
        outcome
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.connection.set_blocked(outcome.is_pending());
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// The body of an answer; when it is sent, its connection is idle.
#[derive(Debug)]
pub(crate) struct BusyBody {
    pub(crate) body: axum::body::Body,
    pub(crate) _busy: BusyGuard,
}

impl Body for BusyBody {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

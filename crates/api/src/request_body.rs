//! Bodies of requests: how slowly they may come, and how large they may be.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use http::header;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

/// How much of a body that is too large is read and forgotten, so that its sender gets to read the answer instead of a reset.
const MAX_DRAINED_BYTES: usize = 64 << 20;
/// How long that may take.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a body may come slower than [`MIN_WINDOW_BYTES`] in that time.
const WINDOW: Duration = Duration::from_mins(1);
/// A kibibyte per second.
const MIN_WINDOW_BYTES: usize = 60 << 10;

/// Whether the body of a request came too slowly; an extension of the request.
#[derive(Debug, Clone)]
pub(crate) struct BodyWatch {
    is_stalled: Arc<AtomicBool>,
    idle_timeout: Duration,
}

impl BodyWatch {
    pub(crate) fn new(idle_timeout: Duration) -> Self {
        Self { is_stalled: Arc::default(), idle_timeout }
    }

    /// What to tell the client, if its body came too slowly.
    pub(crate) fn complaint(&self) -> Option<String> {
        self.is_stalled.load(Ordering::Relaxed).then(|| {
            format!(
                "the body of the request came too slowly: no byte for {:?}, or less than {} KiB in {WINDOW:?}\n",
                self.idle_timeout,
                MIN_WINDOW_BYTES >> 10
            )
        })
    }
}

/// A body that ends with an error if it comes too slowly.
#[derive(Debug)]
pub(crate) struct WatchedBody {
    body: Incoming,
    watch: BodyWatch,
    /// Set while the body is waited for.
    timer: Option<Pin<Box<Sleep>>>,
    window_start: Option<Instant>,
    window_bytes: usize,
}

impl WatchedBody {
    pub(crate) fn new(body: Incoming, watch: BodyWatch) -> Self {
        Self { body, watch, timer: None, window_start: None, window_bytes: 0 }
    }

    /// Counts bytes that came; `false` if there were too few for too long.
    fn count(&mut self, n: usize) -> bool {
        let now = Instant::now();
        let start = *self.window_start.get_or_insert(now);
        self.window_bytes += n;
        if now.duration_since(start) < WINDOW {
            return true;
        }
        let is_enough = self.window_bytes >= MIN_WINDOW_BYTES;
        self.window_start = Some(now);
        self.window_bytes = 0;
        is_enough
    }

    fn stall(&self) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.watch.is_stalled.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new("the body came too slowly"))))
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.timer = None;
                let n = frame.data_ref().map_or(0, Bytes::len);
                if self.count(n) { Poll::Ready(Some(Ok(frame))) } else { self.stall() }
            }
            Poll::Ready(end) => Poll::Ready(end.map(|frame| frame.map_err(axum::Error::new))),
            Poll::Pending => {
                let idle_timeout = self.watch.idle_timeout;
                let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle_timeout)));
                if timer.as_mut().poll(cx).is_ready() { self.stall() } else { Poll::Pending }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It has more bytes than allowed.
    TooLarge,
    /// The connection broke, the body came too slowly, or there was no room for it.
    CutOff,
}

/// Reads a body of at most `limit` bytes.
///
/// Of one that is larger, some more is read: a client that still writes when the server closes the connection gets a reset, and never sees why.
pub(crate) async fn read_body(request: Request, limit: usize) -> Result<Bytes, BodyError> {
    read_body_within(request, limit, |_| true).await
}

/// The same for a body whose bytes count: `make_room` is asked before each piece is kept whether there is room for so
/// many more, and knows why not.
pub(crate) async fn read_body_within(
    request: Request,
    limit: usize,
    mut make_room: impl FnMut(usize) -> bool,
) -> Result<Bytes, BodyError> {
    let waits_for_consent = request.headers().contains_key(header::EXPECT);
    let mut body = request.into_body();
    if body.size_hint().lower() > limit as u64 {
        if !waits_for_consent {
            drain(body).await;
        }
        return Err(BodyError::TooLarge);
    }
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::CutOff)?.into_data() else { continue };
        if read.len() + data.len() > limit {
            drop(read);
            drain(body).await;
            return Err(BodyError::TooLarge);
        }
        if !make_room(data.len()) {
            drop(read);
            drain(body).await;
            return Err(BodyError::CutOff);
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

async fn drain(mut body: axum::body::Body) {
    let drain = async {
        let mut n_bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            n_bytes += frame.data_ref().map_or(0, Bytes::len);
            if n_bytes > MAX_DRAINED_BYTES {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, drain).await;
}

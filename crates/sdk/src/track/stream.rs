use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;

use super::Status;
use super::active::{self, Entered};

/// What happens to a stream that is tracked.
#[derive(Debug, Clone, Copy)]
pub enum Event<'i, T> {
    /// It is polled for the first time.
    Begin,
    /// It gave an item.
    Item(&'i T),
    /// It is over.
    End {
        /// How it ended.
        status: Status,
        /// The time since it was polled first.
        elapsed: Duration,
    },
}

/// A stream as a run of an operation, from when it is polled first to its end.
///
/// `on` says of an item what the run is from then on; usually it stays a success unless an item is an error.
pub fn stream<S: Stream, O: FnMut(Event<'_, S::Item>) -> Option<Status>>(
    operation: u64,
    stream: S,
    on: O,
) -> Tracked<S, O> {
    Tracked { stream: Box::pin(stream), operation, on, phase: Phase::New }
}

/// See [`stream`].
pub struct Tracked<S: Stream, O: FnMut(Event<'_, S::Item>) -> Option<Status>> {
    stream: Pin<Box<S>>,
    operation: u64,
    on: O,
    phase: Phase,
}

enum Phase {
    /// Not polled yet.
    New,
    /// Part of a run of the same operation that counts already.
    Nested,
    Running {
        started: Instant,
        status: Status,
        /// Whether it is polled just now.
        is_polled: bool,
    },
    Over,
}

impl<S: Stream, O: FnMut(Event<'_, S::Item>) -> Option<Status>> Tracked<S, O> {
    fn end(&mut self, status: Status, started: Instant) {
        self.phase = Phase::Over;
        (self.on)(Event::End { status, elapsed: started.elapsed() });
    }
}

// The stream is pinned in its box, and nothing else is pinned.
impl<S: Stream, O: FnMut(Event<'_, S::Item>) -> Option<Status>> Unpin for Tracked<S, O> {}

impl<S: Stream, O: FnMut(Event<'_, S::Item>) -> Option<Status>> Stream for Tracked<S, O> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.get_mut();
        if matches!(this.phase, Phase::New) {
            this.phase = if active::is_active(this.operation) {
                Phase::Nested
            } else {
                (this.on)(Event::Begin);
                Phase::Running { started: Instant::now(), status: Status::Success, is_polled: false }
            };
        }
        let Phase::Running { started, status, is_polled } = &mut this.phase else {
            return this.stream.as_mut().poll_next(context);
        };
        *is_polled = true;
        let polled = {
            let _entered = Entered::new(this.operation);
            this.stream.as_mut().poll_next(context)
        };
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(item)) => *status = (this.on)(Event::Item(item)).unwrap_or(*status),
            Poll::Ready(None) => {
                let (status, started) = (*status, *started);
                this.end(status, started);
                return polled;
            }
        }
        *is_polled = false;
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl<S: Stream, O: FnMut(Event<'_, S::Item>) -> Option<Status>> Drop for Tracked<S, O> {
    fn drop(&mut self) {
        if let Phase::Running { started, is_polled, .. } = self.phase {
            self.end(if is_polled { Status::Panic } else { Status::Cancelled }, started);
        }
    }
}

impl<S: Stream, O: FnMut(Event<'_, S::Item>) -> Option<Status>> fmt::Debug for Tracked<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracked").finish_non_exhaustive()
    }
}

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::exchange::{Exchange, Told};
use super::names::Names;

pin_project! {
    /// The body of a request, whose bytes are counted as they are read.
    #[derive(Debug)]
    pub struct RequestBody<B> {
        #[pin]
        inner: B,
        // `None` if nobody wants to know.
        told: Option<Arc<Told>>,
    }
}

impl<B> RequestBody<B> {
    pub(super) fn new(inner: B, told: Option<Arc<Told>>) -> Self {
        Self { inner, told }
    }
}

impl<B: Body> Body for RequestBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(context));
        if let (Some(told), Some(Ok(frame))) = (this.told, &frame)
            && let Some(data) = frame.data_ref()
        {
            told.received.fetch_add(data.remaining() as u64, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

pin_project! {
    /// The body of a response, with whose end the request is over.
    pub struct ResponseBody<B, N: Names> {
        #[pin]
        inner: B,
        // `None` if nothing is counted, or all of it is.
        exchange: Option<Exchange<N>>,
    }
}

impl<B, N: Names> ResponseBody<B, N> {
    pub(super) fn new(inner: B, exchange: Option<Exchange<N>>) -> Self {
        Self { inner, exchange }
    }
}

impl<B: Body, N: Names> Body for ResponseBody<B, N> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(exchange) = this.exchange else { return this.inner.poll_frame(context) };
        let frame = ready!(exchange.polling(|| this.inner.as_mut().poll_frame(context)));
        if let Some(Ok(frame)) = &frame {
            let n = frame.data_ref().map_or(0, bytes::Buf::remaining);
            exchange.gave(n, this.inner.is_end_stream());
        } else {
            match &frame {
                Some(_) => exchange.body_failed(),
                None => exchange.complete(),
            }
            *this.exchange = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

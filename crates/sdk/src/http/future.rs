use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::ResponseBody;
use super::exchange::{Exchange, Nested};
use super::names::Names;

pin_project! {
    /// The response that a service is going to return.
    pub struct ResponseFuture<F, N: Names> {
        #[pin]
        inner: F,
        part: Part<N>,
    }
}

/// The part that a layer has in a request.
pub(super) enum Part<N: Names> {
    Counts(Box<Option<Exchange<N>>>),
    Tells(Option<Nested>),
    None,
}

impl<F, N: Names> ResponseFuture<F, N> {
    pub(super) fn new(inner: F, part: Part<N>) -> Self {
        Self { inner, part }
    }
}

impl<F, B, E, N> Future for ResponseFuture<F, N>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    N: Names,
{
    type Output = Result<Response<ResponseBody<B, N>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let place = match this.part {
            Part::Counts(exchange) => &mut **exchange,
            Part::Tells(nested) => {
                let result = ready!(this.inner.poll(context));
                *nested = None;
                return Poll::Ready(
                    result.map(|response| response.map(|body| ResponseBody::new(body, None))),
                );
            }
            Part::None => &mut None,
        };
        let Some(exchange) = place else {
            let result = ready!(this.inner.poll(context));
            return Poll::Ready(result.map(|response| response.map(|body| ResponseBody::new(body, None))));
        };
        let result = ready!(exchange.polling(|| this.inner.poll(context)));
        match &result {
            Ok(response) => exchange.answered(response, response.body().is_end_stream()),
            Err(_) => exchange.failed(),
        }
        let exchange = place.take();
        Poll::Ready(result.map(|response| response.map(|body| ResponseBody::new(body, exchange))))
    }
}

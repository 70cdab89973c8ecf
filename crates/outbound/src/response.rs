use http::header::AsHeaderName;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::body_decode::BodyDecoder;
use crate::error::{OutboundError, beginning};

/// The body of an error page is read up to this size, so that the connection can be used again.
pub(crate) const DRAIN_BYTES: usize = 64 << 10;

/// A response whose body has not been read yet.
#[derive(Debug)]
pub struct Response {
    parts: http::response::Parts,
    body: Incoming,
    deadline: Instant,
}

impl Response {
    pub(crate) fn new(response: http::Response<Incoming>, deadline: Instant) -> Self {
        let (parts, body) = response.into_parts();
        Self { parts, body, deadline }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.parts.status
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The value of a header if it is there and is text.
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.parts.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The response if its status is exactly 200, otherwise [`OutboundError::Status`].
    pub async fn require_ok(self) -> Result<Self, OutboundError> {
        if self.parts.status == StatusCode::OK {
            return Ok(self);
        }
        let status = self.parts.status;
        let spoken =
            self.parts.extensions.get::<hyper::ext::ReasonPhrase>().map(hyper::ext::ReasonPhrase::as_bytes);
        let reason = match spoken {
            Some(bytes) => beginning(&String::from_utf8_lossy(bytes)),
            None => status.canonical_reason().unwrap_or_default().to_owned(),
        };
        self.drain().await;
        Err(OutboundError::Status { status, reason })
    }

    /// Reads the body, decoding it, to the end of `out`. It may have at most `limit_bytes` bytes when decoded.
    ///
    /// After an error `out` holds what had been decoded before.
    pub async fn read_into(mut self, out: &mut Vec<u8>, limit_bytes: usize) -> Result<(), OutboundError> {
        let encoding =
            self.parts.headers.get(header::CONTENT_ENCODING).map(|v| String::from_utf8_lossy(v.as_bytes()));
        let mut decoder = BodyDecoder::new(encoding.as_deref(), out, limit_bytes)?;
        loop {
            match timeout_at(self.deadline, self.body.frame()).await {
                Err(_) => return Err(OutboundError::BodyDeadline),
                Ok(None) => break,
                Ok(Some(Err(e))) => return Err(OutboundError::BodyRead(e)),
                Ok(Some(Ok(frame))) => {
                    if let Some(chunk) = frame.data_ref() {
                        decoder.push(chunk)?;
                    }
                }
            }
        }
        Ok(decoder.finish()?)
    }

    /// Reads and throws away a short body; a longer one costs the connection.
    pub(crate) async fn drain(mut self) {
        let mut left = DRAIN_BYTES;
        while let Ok(Some(Ok(frame))) = timeout_at(self.deadline, self.body.frame()).await {
            let len = frame.data_ref().map_or(0, bytes::Bytes::len);
            match left.checked_sub(len) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    }
}

//! Asking the same question again and again.

mod chunked;
mod connection;
mod head;

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, StatusCode, header};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use connection::{Connection, NoBody, NoHead};
use head::Head;

use crate::client::{HttpClient, in_time};
use crate::dial::dial;
use crate::error::{OutboundError, RequestError, connection_text, hung_up_text, malformed_text};
use crate::proxy::bare_host;
use crate::redirect::is_redirect;
use crate::request::{Destination, Request};
use crate::response::DRAIN_BYTES;

/// A GET request that is sent again and again, such as a scrape. To be used by one caller at a time.
///
/// The way to a server that speaks HTTP without TLS and is not behind a proxy or a redirect is a short one: a connection of its own, the bytes
/// of the request kept, and the response read to where it is wanted, on the thread that waits for it. A scrape of a small target costs half as much
/// then. All other requests go through the client.
pub struct RepeatedGet {
    client: HttpClient,
    request: Request,
    /// Where the short way leads, if there is one.
    origin: Option<Origin>,
    /// The server redirects, so the short way is none.
    redirected: AtomicBool,
    kept: Mutex<Kept>,
}

struct Origin {
    host: String,
    port: u16,
}

/// What is left of one request for the next.
#[derive(Default)]
struct Kept {
    /// The request as it is sent; empty before the first.
    message: Vec<u8>,
    connection: Option<Connection>,
}

/// Shows nothing of the request, which holds secrets.
impl fmt::Debug for RepeatedGet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepeatedGet").finish_non_exhaustive()
    }
}

impl RepeatedGet {
    /// Prepares to send this GET request, which has no body, by this client.
    pub fn new(client: HttpClient, request: Request) -> Self {
        let origin = origin(&client, &request);
        Self { client, request, origin, redirected: AtomicBool::new(false), kept: Mutex::default() }
    }

    /// Sends the request and reads the body of the response, which must have the status 200, decoded to the end of `out`. It may have at most
    /// `limit_bytes` bytes when decoded. Returns its `Content-Type`, empty if there is none.
    ///
    /// `deadline` covers everything. After an error, what is left in `out` behind its former end has no meaning.
    pub async fn read_into(
        &self,
        out: &mut Vec<u8>,
        limit_bytes: usize,
        deadline: Instant,
    ) -> Result<String, OutboundError> {
        if let Some(origin) = &self.origin
            && !self.redirected.load(Ordering::Relaxed)
            && let Some(content_type) = self.read_directly(origin, out, limit_bytes, deadline).await?
        {
            return Ok(content_type);
        }
        let response = self.client.send(self.request.clone(), deadline).await?.require_ok().await?;
        let content_type = response.header(header::CONTENT_TYPE).unwrap_or_default().to_owned();
        response.read_into(out, limit_bytes).await?;
        Ok(content_type)
    }

    /// The same on the short way; `None` if it turns out to be none.
    async fn read_directly(
        &self,
        origin: &Origin,
        out: &mut Vec<u8>,
        limit_bytes: usize,
        deadline: Instant,
    ) -> Result<Option<String>, OutboundError> {
        let start = out.len();
        let mut kept = std::mem::take(&mut *self.kept.lock());
        let asked = in_time(deadline, self.ask(origin, &mut kept, out, deadline)).await;
        let (mut connection, head) = asked.map_err(|source| OutboundError::Request {
            operation: self.request.operation(),
            url: self.request.url_text(),
            source,
        })?;
        let settings = self.client.settings();
        if head.status == StatusCode::UNAUTHORIZED {
            settings.credentials.refused();
        }
        if settings.follow_redirects && is_redirect(head.status) {
            self.redirected.store(true, Ordering::Relaxed);
            out.truncate(start);
            return Ok(None);
        }
        let wanted = head.status == StatusCode::OK;
        let limit_bytes = if wanted { limit_bytes } else { DRAIN_BYTES };
        let read = timeout_at(deadline, connection.read_body(&head, out, start, limit_bytes)).await;
        if matches!(read, Ok(Ok(true))) {
            kept.connection = Some(connection);
        }
        *self.kept.lock() = kept;
        if !wanted {
            return Err(OutboundError::Status { status: head.status, reason: head.reason });
        }
        match read {
            Ok(Ok(_)) => Ok(Some(head.content_type)),
            Ok(Err(NoBody::Broken(error))) => Err(OutboundError::BodyBroken(error)),
            Ok(Err(NoBody::Refused(error))) => Err(error.into()),
            Err(_) => Err(OutboundError::BodyDeadline),
        }
    }

    /// Sends the request and waits for the head of the response, behind which there may be some of the body in `out`.
    async fn ask(
        &self,
        origin: &Origin,
        kept: &mut Kept,
        out: &mut Vec<u8>,
        deadline: Instant,
    ) -> Result<(Connection, Head), RequestError> {
        let credentials = &self.client.settings().credentials;
        if kept.message.is_empty() || !credentials.are_fixed() {
            self.write_message(&credentials.headers(deadline).await?, &mut kept.message)?;
        }
        let start = out.len();
        let idle_timeout = self.client.options().idle_timeout;
        let mut reused = kept.connection.take().filter(|connection| connection.is_usable(idle_timeout));
        loop {
            let is_reused = reused.is_some();
            let mut connection = match reused.take() {
                Some(connection) => connection,
                None => self.connect(origin).await?,
            };
            match connection.ask(&kept.message, out).await {
                Ok(head) => return Ok((connection, head)),
                // A server may hang up between two requests whenever it likes, and this one learnt of it too late.
                Err(NoHead::Broken(_)) if is_reused && out.len() == start => {}
                Err(NoHead::Broken(error)) => return Err(RequestError::Protocol(broken_text(&error))),
                Err(NoHead::Malformed(what)) => return Err(RequestError::Protocol(malformed_text(&what))),
            }
        }
    }

    async fn connect(&self, origin: &Origin) -> Result<Connection, RequestError> {
        let policy = match self.request.destination {
            Destination::Configured => None,
            Destination::Foreign => Some(&self.client.options().policy),
        };
        let stream = dial(&origin.host, origin.port, policy).await;
        Ok(Connection::new(stream.map_err(|error| RequestError::Connect(error.into()))?))
    }

    /// Writes the bytes of the request in place of what is in `message`.
    fn write_message(&self, credentials: &HeaderMap, message: &mut Vec<u8>) -> Result<(), RequestError> {
        let (parts, _) = self.client.message(&self.request, credentials)?.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        message.clear();
        message.extend_from_slice(format!("GET {path} HTTP/1.1\r\n").as_bytes());
        let mut line = |name: &[u8], value: &[u8]| {
            for part in [name, b": ", value, b"\r\n"] {
                message.extend_from_slice(part);
            }
        };
        if !parts.headers.contains_key(header::HOST) {
            line(b"host", parts.uri.authority().map_or("", |authority| authority.as_str()).as_bytes());
        }
        for (name, value) in &parts.headers {
            line(name.as_str().as_bytes(), value.as_bytes());
        }
        message.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// Where a request can be sent on a connection of its own.
fn origin(client: &HttpClient, request: &Request) -> Option<Origin> {
    let url = &request.url;
    let (host, port) = (bare_host(url)?, url.port_or_known_default()?);
    let is_direct =
        url.scheme() == "http" && client.settings().proxies.proxy_for(false, &host, port).is_none();
    is_direct.then_some(Origin { host, port })
}

fn broken_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => hung_up_text(),
        _ => connection_text(error),
    }
}

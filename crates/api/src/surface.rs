//! What is answered on every connection, from the first moment on.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use tower::ServiceExt as _;

use crate::envelope;
use crate::error::{ApiError, ErrorKind};
use crate::protection::{Protection, ProtectionInForce};
use crate::readiness::Readiness;
use crate::request_body::{BodyWatch, WatchedBody};
use crate::requester::Requester;
use crate::server::ConnectionLimits;

/// The surface of the server, empty until the store is open: until then every request but the health check is told to wait.
#[derive(Clone)]
pub struct Surface {
    router: Arc<OnceLock<Router>>,
    readiness: Arc<Readiness>,
    protection: Arc<ProtectionInForce>,
}

impl Surface {
    /// A surface without content.
    pub fn new(readiness: Arc<Readiness>, protection: Arc<ProtectionInForce>) -> Self {
        Self { router: Arc::default(), readiness, protection }
    }

    /// Fills the surface; only the first call counts.
    pub fn open(&self, router: Router) {
        let _ = self.router.set(router);
    }

    /// Answers a request of whoever may ask.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        limits: &ConnectionLimits,
    ) -> Response {
        let protection = self.protection();
        let mut response = match protection.admit(request.headers()).await {
            Ok(()) => self.answer_admitted(request, peer, limits).await,
            Err(refusal) => refusal,
        };
        protection.add_headers(response.headers_mut());
        response
    }

    /// What new connections meet.
    pub(crate) fn protection(&self) -> Arc<Protection> {
        self.protection.get()
    }

    async fn answer_admitted(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        limits: &ConnectionLimits,
    ) -> Response {
        if head_bytes(&request) > limits.max_header_bytes {
            let limit = limits.max_header_bytes;
            let why = format!("the head of the request exceeds the {limit} bytes allowed (header size)\n");
            return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, why);
        }
        let Some(router) = self.router.get() else { return self.not_yet(request.uri().path()) };
        let watch = BodyWatch::new(limits.body_idle_timeout);
        let mut request = request.map(|body| Body::new(WatchedBody::new(body, watch.clone())));
        let requester =
            Requester { peer, method: request.method().clone(), path: request.uri().path().to_owned() };
        request.extensions_mut().insert(requester);
        let response = match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(impossible) => match impossible {},
        };
        // Whatever the handler made of it, that is what went wrong.
        watch.complaint().map_or(response, |why| refuse(StatusCode::REQUEST_TIMEOUT, why))
    }

    /// The answer while the store is being opened. The prefix of the routes is not known here, so paths are known by their ends.
    fn not_yet(&self, path: &str) -> Response {
        if path.ends_with("/-/healthy") {
            return Response::new(Body::from("Bellwether is healthy.\n"));
        }
        if path.ends_with("/api/v1/status/walreplay") {
            return envelope::success(&self.readiness.wal_replay());
        }
        let why = self.readiness.check().err().unwrap_or_else(|| "starting".to_owned());
        let why = format!("Bellwether is not ready: {why}");
        let mut response = if path.contains("/api/v1/") {
            envelope::failure(&ApiError { kind: ErrorKind::Unavailable, message: why })
        } else if path.contains("/api/v2/") {
            envelope::json(StatusCode::SERVICE_UNAVAILABLE, serde_json::json!(why).to_string())
        } else {
            let mut response = Response::new(Body::from(why + "\n"));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            // A browser that shows this text asks again.
            headers.insert(header::REFRESH, HeaderValue::from_static("1"));
            response
        };
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(self.readiness.retry_after_s()));
        response
    }
}

/// The size of a head as it came, nearly: spaces that mean nothing are not counted.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let uri = request.uri();
    let target = uri.path().len() + uri.query().map_or(0, |q| q.len() + 1);
    let line = request.method().as_str().len() + target + " HTTP/1.1\r\n ".len();
    let headers = request.headers().iter().map(|(n, v)| n.as_str().len() + v.len() + ": \r\n".len());
    line + headers.sum::<usize>() + "\r\n".len()
}

/// An answer behind which the connection is closed.
fn refuse(status: StatusCode, why: String) -> Response {
    let mut response = Response::new(Body::from(why));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::readiness::Replay;

    /// While the log is being read.
    pub(crate) fn replaying() -> Arc<Readiness> {
        let replay = Replay { first_segment: 1, last_segment: 4, segment: 2, bytes: 100, bytes_read: 62 };
        let clock = Arc::new(bellwether_model::ManualClock::new(0));
        Arc::new(Readiness::replaying(clock, Box::new(move || replay)))
    }

    #[tokio::test]
    async fn while_the_log_is_replayed_everybody_is_told_how_far_it_is() {
        let surface = Surface::new(replaying(), Arc::default());
        let ask = async |path: &str| {
            let response = surface.not_yet(path);
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = axum::body::to_bytes(response.into_body(), 1 << 10).await.expect("short");
            let retry = headers.get(header::RETRY_AFTER).map(|v| v.to_str().expect("a number").to_owned());
            (status, retry, String::from_utf8(body.to_vec()).expect("text"))
        };
        let why = "Bellwether is not ready: starting: replay 62%, 0s left";
        assert_eq!(ask("/-/healthy").await, (200, None, "Bellwether is healthy.\n".to_owned()));
        let again = Some("1".to_owned());
        for path in ["/-/ready", "/x/-/ready", "/metrics", "/"] {
            assert_eq!(ask(path).await, (503, again.clone(), format!("{why}\n")), "{path}");
        }
        let error = format!(r#"{{"status":"error","errorType":"unavailable","error":"{why}"}}"#);
        for path in ["/api/v1/query", "/x/api/v1/write", "/api/v1/status/storage"] {
            assert_eq!(ask(path).await, (503, again.clone(), error.clone()), "{path}");
        }
        let (status, retry, body) = ask("/x/api/v1/status/walreplay").await;
        assert_eq!((status, retry), (200, None));
        let data: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let replay = serde_json::json!({"min": 1, "max": 4, "current": 2, "state": "in progress"});
        assert_eq!(data, serde_json::json!({"status": "success", "data": replay}));
    }
}

//! Scrapes and probes that come through the server of the application.

use std::borrow::Cow;

#[cfg(feature = "axum")]
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;
#[cfg(feature = "axum")]
use http::{HeaderValue, StatusCode};

#[cfg(feature = "axum")]
use crate::Exposition;
use crate::Request;
#[cfg(feature = "axum")]
use crate::health::Answer;

impl<'r> Request<'r> {
    /// What the head of a request asks for.
    #[cfg_attr(
        feature = "axum",
        doc = r#"
```
use axum::extract::State;
use axum::http::request::Parts;
use axum::{Router, routing::get};
use bellwether_sdk::{Exposition, Registry, Request};

async fn metrics(State(registry): State<Registry>, head: Parts) -> Exposition {
    registry.expose(&Request::from_parts(&head))
}

let app: Router = Router::new().route("/metrics", get(metrics)).with_state(Registry::new());
```"#
    )]
    pub fn from_parts(head: &'r Parts) -> Self {
        let accept = all(&head.headers, &header::ACCEPT);
        let accept_encoding = all(&head.headers, &header::ACCEPT_ENCODING);
        Self { accept, accept_encoding, ..Self::new("", "", head.uri.query().unwrap_or_default()) }
    }
}

/// The values of a header that may be given several times, which means the same as a list.
fn all<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Cow<'h, str> {
    let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let first = values.next().unwrap_or_default();
    values.fold(Cow::Borrowed(first), |list, value| list + "," + value)
}

#[cfg(feature = "axum")]
impl IntoResponse for Exposition {
    fn into_response(self) -> Response {
        let vary = HeaderValue::from_static("Accept, Accept-Encoding");
        let coding =
            self.content_encoding.map(|coding| (header::CONTENT_ENCODING, HeaderValue::from_static(coding)));
        let coding: HeaderMap = coding.into_iter().collect();
        ([(header::CONTENT_TYPE, self.content_type)], [(header::VARY, vary)], coding, self.body)
            .into_response()
    }
}

#[cfg(feature = "axum")]
impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, self.content_type)], self.body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_out_of_its_head() {
        let request = http::Request::get("/metrics?name[]=jobs&x=1");
        let request = request.header("accept", "text/plain;q=0.5").header("accept", "text/html");
        let (head, ()) = request.header("accept-encoding", "gzip").body(()).expect("a request").into_parts();
        let want = Request::new("text/plain;q=0.5,text/html", "gzip", "name[]=jobs");
        assert_eq!(Request::from_parts(&head), want);
        let (head, ()) = http::Request::get("/metrics").body(()).expect("a request").into_parts();
        assert_eq!(Request::from_parts(&head), Request::default());
    }

    #[cfg(feature = "axum")]
    #[test]
    fn answers_have_their_headers() {
        let header = |response: &Response, name: HeaderName| {
            response.headers().get(name).map(|value| value.to_str().expect("text").to_owned())
        };
        let exposition = Exposition {
            content_type: "text/plain; version=0.0.4".to_owned(),
            content_encoding: Some("gzip"),
            body: vec![0x1f, 0x8b],
        };
        let plain = Exposition { content_encoding: None, ..exposition.clone() }.into_response();
        assert_eq!(header(&plain, header::CONTENT_ENCODING), None);
        let response = exposition.into_response();
        assert_eq!(header(&response, header::CONTENT_TYPE).as_deref(), Some("text/plain; version=0.0.4"));
        assert_eq!(header(&response, header::CONTENT_ENCODING).as_deref(), Some("gzip"));
        assert_eq!(header(&response, header::VARY).as_deref(), Some("Accept, Accept-Encoding"));

        let answer = Answer { status: 503, content_type: "application/json", body: "{}".to_owned() };
        let response = answer.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(header(&response, header::CONTENT_TYPE).as_deref(), Some("application/json"));
    }
}

use bellwether_outbound::Request;
use http::HeaderValue;
use tokio::time::Instant;

use crate::server::{Server, header, redirect, reply};
use crate::{FAR, client, error, fetch};

/// Answers `/to?URL` with a redirect and everything else with the credentials that came along.
async fn redirecting() -> Server {
    Server::start(|request| async move {
        match (request.uri().path(), request.uri().query()) {
            ("/to", Some(target)) => redirect(302, target),
            ("/loop", _) => redirect(307, "/loop"),
            _ => reply(format!("{} {}", header(&request, "authorization"), header(&request, "x-key"))),
        }
    })
    .await
}

const WITH_CREDENTIALS: &str = "\
authorization: {credentials: abc}
http_headers: {X-Key: {values: [def]}}";

#[tokio::test]
async fn follows_within_the_host_with_credentials() {
    let server = redirecting().await;
    let client = client(WITH_CREDENTIALS);
    assert_eq!(fetch(&client, &server.url("/to?/end")).await, (200, "Bearer abc def".to_owned()));
}

#[tokio::test]
async fn another_host_gets_no_credentials() {
    let (first, second) = (redirecting().await, redirecting().await);
    let client = client(WITH_CREDENTIALS);
    let url = first.url(&format!("/to?{}", second.url("/end")));
    assert_eq!(fetch(&client, &url).await, (200, "- -".to_owned()));
    // And nobody gets them back on a detour through a stranger.
    let back = format!("/to?{}", first.url("/end"));
    let url = first.url(&format!("/to?{}", second.url(&back)));
    assert_eq!(fetch(&client, &url).await, (200, "- -".to_owned()));
}

#[tokio::test]
async fn another_host_gets_no_secrets_of_the_request() {
    let (first, second) = (redirecting().await, redirecting().await);
    let ask = async |target: String| {
        let url = first.url(&format!("/to?{target}")).parse().expect("valid URL");
        let mut request = Request::get(url);
        let mut key = HeaderValue::from_static("ghi");
        key.set_sensitive(true);
        request.headers.insert("x-key", key);
        let response = client("{}").send(request, Instant::now() + FAR).await.expect("a response");
        let mut body = Vec::new();
        response.read_into(&mut body, 1 << 10).await.expect("a body");
        String::from_utf8(body).expect("text")
    };
    assert_eq!(ask("/end".to_owned()).await, "- ghi");
    assert_eq!(ask(second.url("/end")).await, "- -");
}

#[tokio::test]
async fn stops_somewhere() {
    let server = redirecting().await;
    let url = server.url("/loop");
    assert_eq!(error(&client("{}"), &url).await, format!("Get \"{url}\": stopped after 5 redirects"));
}

#[tokio::test]
async fn does_not_follow_when_told_so_or_to_another_scheme() {
    let server = redirecting().await;
    assert_eq!(fetch(&client("follow_redirects: false"), &server.url("/to?/end")).await.0, 302);
    let text = error(&client("{}"), &server.url("/to?https://a.test/")).await;
    assert!(
        text.ends_with("refused the redirect from http to https; if it is wanted, set scheme: https"),
        "{text}"
    );
}

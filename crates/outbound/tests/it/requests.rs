use crate::server::{Server, header, reply};
use crate::{client, fetch};

#[tokio::test]
async fn sends_what_was_asked_and_keeps_the_connection() {
    let server = Server::start(|request| async move {
        let uri = request.uri().to_string();
        reply(format!("{uri} {} {}", header(&request, "host"), header(&request, "user-agent")))
    })
    .await;
    let client = client("{}");
    let agent = concat!("Bellwether/", env!("CARGO_PKG_VERSION"));
    for _ in 0..3 {
        let want = format!("/metrics?a=b%20c {} {agent}", server.address);
        assert_eq!(fetch(&client, &server.url("/metrics?a=b%20c#part")).await, (200, want));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn clones_share_connections() {
    let server = Server::start(|_| async { reply("") }).await;
    let client = client("{}");
    fetch(&client, &server.url("/")).await;
    fetch(&client.clone(), &server.url("/")).await;
    assert_eq!(server.connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_can_be_sent_from_any_thread() {
    let server = Server::start(|_| async { reply("ok") }).await;
    let (client, url) = (client("{}"), server.url("/"));
    let fetched = tokio::spawn(async move { fetch(&client, &url).await }).await;
    assert_eq!(fetched.expect("no panic"), (200, "ok".to_owned()));
}

#[tokio::test]
async fn an_unread_error_page_keeps_the_connection() {
    let server = Server::start(|_| async { crate::server::status(500) }).await;
    let client = client("{}");
    for _ in 0..2 {
        let response = crate::get(&client, &server.url("/")).await.expect("a response");
        let error = response.require_ok().await.expect_err("no 200");
        assert_eq!(error.to_string(), "server returned HTTP status 500 Internal Server Error");
    }
    assert_eq!(server.connections(), 1);
}

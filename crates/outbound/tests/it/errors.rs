use std::time::Duration;

use bellwether_outbound::{RepeatedGet, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;
use url::Url;

use crate::{client, error};

/// A server that reads the beginning of one request, writes `answer` and then does nothing more, or hangs up.
async fn raw_server(answer: &'static [u8], hang_up: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 16];
            let _ = stream.read_exact(&mut request).await;
            let _ = stream.write_all(answer).await;
            if hang_up {
                // All of the request has to be read, or the reset would race with the answer.
                let _ = stream.shutdown().await;
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
            } else {
                kept.push(stream);
            }
        }
    });
    format!("http://{address}/metrics")
}

#[tokio::test]
async fn a_closed_port_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    assert_eq!(
        error(&client("{}"), &format!("http://{address}/metrics")).await,
        format!("Get \"http://{address}/metrics\": dial tcp {address}: connect: connection refused")
    );
}

#[tokio::test]
async fn secrets_of_the_url_are_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let text = error(&client("{}"), &format!("http://admin:hunter2@{address}/m?token=hunter3&x=1")).await;
    assert!(text.starts_with(&format!("Get \"http://{address}/m?token=<secret>&x=1\": dial tcp")), "{text}");
}

#[tokio::test]
async fn a_silent_server_ends_with_the_deadline() {
    let soon = || Instant::now() + Duration::from_millis(20);
    let client = client("{}");

    let url = raw_server(b"", false).await;
    let request = Request::get(Url::parse(&url).expect("valid"));
    let error = client.send(request, soon()).await.expect_err("no answer");
    assert!(error.is_deadline());
    assert_eq!(error.to_string(), format!("Get \"{url}\": context deadline exceeded"));

    let url = raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false).await;
    let request = Request::get(Url::parse(&url).expect("valid"));
    let deadline = Instant::now() + Duration::from_millis(500);
    let response = client.send(request, deadline).await.expect("headers came");
    let error = response.read_into(&mut Vec::new(), 100).await.expect_err("the body stops");
    assert!(error.is_deadline());
    assert_eq!(error.to_string(), "context deadline exceeded");
}

#[tokio::test]
async fn nonsense_is_not_http() {
    let check = async |answer, want: &str| {
        let url = raw_server(answer, true).await;
        let text = error(&client("{}"), &url).await;
        assert!(text.starts_with(&format!("Get \"{url}\": {want}")), "{text}");
    };
    check(b"SSH-2.0-OpenSSH_9.6\r\n", "malformed HTTP response").await;
    check(b"", "EOF: the server closed the connection without a response").await;
    check(b"HTTP/1.1 200 O", "EOF: the server closed the connection without a response").await;
}

#[tokio::test]
async fn of_what_a_server_says_only_the_beginning_is_told() {
    let answer = format!("HTTP/1.1 503 {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(5000)).into_bytes();
    let url = raw_server(answer.leak(), true).await;
    let want = format!("server returned HTTP status 503 {}…", "x".repeat(200));
    let response = crate::get(&client("{}"), &url).await.expect("headers came");
    assert_eq!(response.require_ok().await.expect_err("not ok").to_string(), want);
    let repeated = RepeatedGet::new(client("{}"), Request::get(Url::parse(&url).expect("valid")));
    let error = repeated.read_into(&mut Vec::new(), 100, Instant::now() + crate::FAR).await;
    assert_eq!(error.expect_err("not ok").to_string(), want);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let url = raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true).await;
    let response = crate::get(&client("{}"), &url).await.expect("headers came");
    let error = response.read_into(&mut Vec::new(), 100).await.expect_err("cut");
    let text = error.to_string();
    // The system may notice that the other side is gone before hyper does.
    assert!(text.starts_with("read body: ") && !text.contains("error reading a body"), "{text}");
}

#[tokio::test]
async fn only_http_is_spoken() {
    assert_eq!(
        error(&client("{}"), "ftp://a.test/metrics").await,
        "Get \"ftp://a.test/metrics\": unsupported protocol scheme \"ftp\""
    );
}

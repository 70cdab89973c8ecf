use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bellwether_outbound::{Destination, HttpClient, OutboundError, RepeatedGet, Request};
use flate2::Compression;
use flate2::write::GzEncoder;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use url::Url;

use crate::server::{Server, header, redirect, reply, status};
use crate::{FAR, client};

const LIMIT: usize = 200_000;

fn repeated(client: HttpClient, url: &str) -> RepeatedGet {
    RepeatedGet::new(client, Request::get(Url::parse(url).expect("valid URL")))
}

/// The `Content-Type` and the body, or the words of the error.
async fn read(get: &RepeatedGet) -> Result<(String, String), String> {
    let mut body = b"kept".to_vec();
    let content_type =
        get.read_into(&mut body, LIMIT, Instant::now() + FAR).await.map_err(|e| e.to_string())?;
    let body = String::from_utf8(body).expect("text");
    Ok((content_type, body.strip_prefix("kept").expect("only appended to").to_owned()))
}

/// The same by a client that does not know that the request will be repeated.
async fn read_once(client: &HttpClient, url: &str) -> Result<(String, String), String> {
    let mut body = Vec::new();
    let read = async {
        let response = crate::get(client, url).await?.require_ok().await?;
        let content_type = response.header("content-type").unwrap_or_default().to_owned();
        response.read_into(&mut body, LIMIT).await?;
        Ok(content_type)
    };
    let content_type = read.await.map_err(|error: OutboundError| error.to_string())?;
    Ok((content_type, String::from_utf8(body).expect("text")))
}

/// What becomes of a connection after an answer.
#[derive(Clone, Copy)]
enum Then {
    Keep,
    HangUp,
}

/// Reads a request to its end. `None` if the client is gone.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(request).expect("text"))
}

/// A server that answers with these bytes, whatever it is asked.
async fn raw_server(answer: Vec<u8>, then: Then) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                while request(&mut stream).await.is_some() {
                    // In pieces, so that no reader may count on their borders.
                    for piece in answer.chunks(7.max(answer.len() / 9)) {
                        let _ = stream.write_all(piece).await;
                        tokio::task::yield_now().await;
                    }
                    if matches!(then, Then::HangUp) {
                        let _ = stream.shutdown().await;
                        return;
                    }
                }
            });
        }
    });
    format!("http://{address}/metrics")
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).expect("in memory");
    encoder.finish().expect("in memory")
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [b"HTTP/1.1 ", head.as_bytes(), b"\r\n\r\n", body].concat()
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for chunk in body.chunks(1000) {
        text.extend([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    text.extend(b"0\r\n\r\n");
    text
}

/// The short way must make of every answer what the client makes of it.
#[tokio::test]
async fn a_repeated_request_reads_what_a_single_one_reads() {
    use Then::{HangUp, Keep};

    let text = "metric{label=\"value\"} 1\n".repeat(6000);
    let body = text.as_bytes();
    let length =
        |len: usize| format!("200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {len}");
    let packed = gzip(body);
    let with = |headers: &str| format!("200 OK\r\nContent-Type: text/plain\r\n{headers}");
    let packed_length = format!("Content-Encoding: gzip\r\nContent-Length: {}", packed.len());
    let answers = [
        (answer(&length(body.len()), body), Keep),
        (answer(&length(3), b"a 1"), Keep),
        (answer(&length(0), b""), Keep),
        (answer(&with("Transfer-Encoding: chunked"), &chunked(body)), Keep),
        (answer(&with("Transfer-Encoding: chunked\r\nContent-Encoding: gzip"), &chunked(&packed)), Keep),
        (answer(&with(&packed_length), &packed), Keep),
        (answer(&with("Content-Encoding: identity\r\nContent-Length: 3"), b"a 1"), Keep),
        (answer(&with("X-Other: y"), body), HangUp),
        (answer(&with("Content-Encoding: x-gzip"), &packed), HangUp),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\na 1".to_vec(), HangUp),
        (
            [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".as_slice(), &answer(&length(3), b"a 1")].concat(),
            Keep,
        ),
        // What goes wrong.
        (answer("404 Not Found\r\nContent-Length: 4", b"gone"), Keep),
        (answer("503 Come Back Later\r\nContent-Length: 0", b""), Keep),
        (answer("304 Not Modified\r\nContent-Length: 5", b""), Keep),
        (answer("204 No Content", b""), Keep),
        (answer("302 Found\r\nContent-Length: 0", b""), Keep),
        (answer("302 Found\r\nLocation: https://a.test/\r\nContent-Length: 0", b""), Keep),
        (answer(&length(10), b"half"), HangUp),
        (answer(&with("Transfer-Encoding: chunked"), b"a\r\nhalf"), HangUp),
        (
            answer(
                &with("Transfer-Encoding: chunked\r\nContent-Encoding: gzip"),
                &chunked(&packed[..packed.len() / 2]),
            ),
            Keep,
        ),
        (answer(&length(LIMIT + 1), &vec![b'a'; LIMIT + 1]), HangUp),
        (answer(&with("Transfer-Encoding: chunked"), &chunked(&vec![b'a'; LIMIT + 1])), HangUp),
        (answer(&with("Content-Encoding: gzip"), &gzip(&vec![0; 16 << 20])), HangUp),
        (answer(&with("Content-Encoding: br\r\nContent-Length: 1"), b"x"), Keep),
        (answer(&with("Content-Encoding: gzip\r\nContent-Length: 4"), b"text"), Keep),
        (answer(&with("Content-Length: 1\r\nContent-Length: 2"), b"ab"), HangUp),
        (b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), HangUp),
        (b"HTTP/1.1 200 O".to_vec(), HangUp),
        (Vec::new(), HangUp),
    ];
    for (bytes, then) in answers {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned();
        let url = raw_server(bytes, then).await;
        let (once, get) = (client("{}"), repeated(client("{}"), &url));
        // Which part of an answer that makes no sense is named is not promised.
        let comparable = |outcome: Result<_, String>| {
            outcome.map_err(|text| match text.split_once("malformed HTTP response") {
                Some((before, _)) => format!("{before}malformed HTTP response"),
                None => text,
            })
        };
        let want = comparable(read_once(&once, &url).await);
        for n in 0..3 {
            assert_eq!(comparable(read(&get).await), want, "{shown:?}, request {n}");
        }
    }
}

#[tokio::test]
async fn a_repeated_request_keeps_its_connection_and_its_headers() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&seen);
    let server = Server::start(move |request| {
        let headers =
            ["host", "user-agent", "authorization", "x-own", "accept"].map(|name| header(&request, name));
        requests.lock().push(format!("{} {}", request.uri(), headers.join(" | ")));
        async move {
            match request.uri().path() {
                "/503" => status(503),
                _ => reply("a 1\n".repeat(10_000)),
            }
        }
    })
    .await;
    let credentials =
        client("{authorization: {credentials: hunter2}, http_headers: {X-Own: {values: [mine]}}}");
    let url = format!("http://{}/metrics?a=b#c", server.address);
    let mut request = Request::get(Url::parse(&url).expect("valid URL"));
    request.headers.insert("accept", "text/plain".parse().expect("a header value"));
    let get = RepeatedGet::new(credentials, request);
    for _ in 0..3 {
        assert_eq!(read(&get).await.expect("a response").1.len(), 40_000);
    }
    assert_eq!(server.connections(), 1);
    let agent = concat!("Bellwether/", env!("CARGO_PKG_VERSION"));
    let want = format!("/metrics?a=b {} | {agent} | Bearer hunter2 | mine | text/plain", server.address);
    assert_eq!(*seen.lock(), vec![want; 3]);

    // An error page is read, so that the connection can be used again.
    let failing = repeated(client("{}"), &server.url("/503"));
    for _ in 0..3 {
        assert_eq!(
            read(&failing).await.expect_err("refused"),
            "server returned HTTP status 503 Service Unavailable"
        );
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_was_closed_in_between_is_replaced() {
    let url = raw_server(answer("200 OK\r\nContent-Length: 3", b"a 1"), Then::HangUp).await;
    let get = repeated(client("{}"), &url);
    for _ in 0..5 {
        assert_eq!(read(&get).await.expect("a response").1, "a 1");
    }
}

/// The server takes the request and hangs up, which is its right between two requests; only then there is a second try.
#[tokio::test]
async fn a_request_is_sent_again_only_on_a_connection_that_was_used_before() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let get = repeated(client("{}"), &url);
    let server = async {
        let mut n_requests = 0;
        for n_answered in [1, 0] {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            for _ in 0..n_answered {
                n_requests += usize::from(request(&mut stream).await.is_some());
                let _ = stream.write_all(&answer("200 OK\r\nContent-Length: 3", b"a 1")).await;
            }
            n_requests += usize::from(request(&mut stream).await.is_some());
        }
        n_requests
    };
    let client = async { (read(&get).await, read(&get).await) };
    let (n_requests, (first, second)) = tokio::join!(server, client);
    assert_eq!(first.expect("answered").1, "a 1");
    let error = second.expect_err("hung up on twice");
    assert!(error.ends_with("EOF: the server closed the connection without a response"), "{error}");
    assert_eq!(n_requests, 3);
}

#[tokio::test]
async fn redirects_are_followed_as_ever() {
    let server = Server::start(|request| async move {
        match request.uri().path() {
            "/old" => redirect(301, "/new"),
            path => reply(path.to_owned()),
        }
    })
    .await;
    let get = repeated(client("{}"), &server.url("/old"));
    for _ in 0..2 {
        assert_eq!(read(&get).await.expect("followed").1, "/new");
    }
    let strict = repeated(client("{follow_redirects: false}"), &server.url("/old"));
    assert_eq!(
        read(&strict).await.expect_err("not followed"),
        "server returned HTTP status 301 Moved Permanently"
    );
}

#[tokio::test]
async fn proxies_and_the_address_policy_hold() {
    let proxy = Server::start(|request| async move { reply(format!("asked for {}", request.uri())) }).await;
    let proxied = client(&format!("{{proxy_url: '{}'}}", proxy.url("")));
    let get = repeated(proxied, "http://a.test/metrics");
    assert_eq!(read(&get).await.expect("by the proxy").1, "asked for http://a.test/metrics");

    let mut request = Request::get(Url::parse("http://169.254.169.254/metrics").expect("valid URL"));
    request.destination = Destination::Foreign;
    let error = read(&RepeatedGet::new(client("{}"), request)).await.expect_err("denied");
    assert!(error.contains("only if the configuration file itself names them"), "{error}");
}

#[tokio::test]
async fn the_deadline_covers_head_and_body() {
    let error = async |bytes: &[u8], wait| {
        let url = raw_server(bytes.to_vec(), Then::Keep).await;
        let get = repeated(client("{}"), &url);
        let error = get.read_into(&mut Vec::new(), LIMIT, Instant::now() + wait).await;
        let error = error.expect_err("not all of it came");
        assert!(error.is_deadline());
        error.to_string().replace(&url, "URL")
    };
    assert_eq!(
        error(b"HTTP/1.1 200", Duration::from_millis(20)).await,
        "Get \"URL\": context deadline exceeded"
    );
    // Long enough for the head on a busy machine.
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    assert_eq!(error(half, Duration::from_secs(2)).await, "context deadline exceeded");
}

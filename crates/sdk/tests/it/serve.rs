//! Scrapes over HTTP, and what any server would answer them with.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bellwether_exposition::NativeHistograms;
use bellwether_sdk::{Labels, Opts, Registry, Request};

use crate::protobuf::read_body;

const PROTOBUF: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.9";

#[derive(Labels)]
struct Job<'a> {
    job: &'a str,
}

fn registry() -> Registry {
    let registry = Registry::new();
    let jobs = registry.counter::<Job<'static>>(Opts::new("jobs", "Jobs.")).expect("is right");
    for i in 0..100 {
        jobs.with(Job { job: &format!("nightly-{i}") }).inc_by(i);
    }
    registry.gauge::<()>(Opts::new("queue", "Queue.")).expect("is right").set(3.0);
    registry
}

/// Sends a request and returns the head and the body of the answer.
fn ask(addr: SocketAddr, request: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("the head ends");
    let body = answer.split_off(end + 4);
    (String::from_utf8(answer).expect("it is text"), body)
}

#[test]
fn a_scrape_gets_what_it_asks_for() {
    let registry = registry();
    let server = registry.serve("127.0.0.1:0").expect("there is a port");
    let get = |headers: &str| ask(server.addr(), &format!("GET /metrics HTTP/1.1\r\n{headers}\r\n"));
    let (head, body) = get("");
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("Content-Type: text/plain; version=0.0.4"),
        "{head}"
    );
    assert_eq!(String::from_utf8(body).expect("it is text"), registry.text());
    let (head, body) = get(&format!("Host: x\r\nACCEPT: {PROTOBUF}\r\nAccept: text/plain;q=0.1\r\n"));
    assert!(head.contains("Content-Type: application/vnd.google.protobuf; proto=io.prometheus"), "{head}");
    let lines = read_body(&body, NativeHistograms::Instead).lines;
    assert!(lines.contains(&"__name__=queue 3.0".to_owned()), "{lines:?}");
    assert_eq!(lines.len(), 103);
    let (head, body) = ask(server.addr(), "HEAD /metrics HTTP/1.1\r\n\r\n");
    assert!(head.contains(&format!("Content-Length: {}\r\n", registry.text().len())) && body.is_empty());
    let (head, _) = ask(server.addr(), "GET / HTTP/1.1\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    let (head, _) = ask(server.addr(), "POST /metrics HTTP/1.1\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 405 ") && head.contains("Allow: GET, HEAD\r\n"), "{head}");
    let (head, _) = ask(server.addr(), "\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    let addr = server.addr();
    drop(server);
    // The port is free again when the threads have seen it.
    while let Err(error) = registry.serve(addr) {
        assert!(error.to_string().starts_with(&format!("cannot serve metrics on {addr}: ")), "{error}");
        std::thread::yield_now();
    }
}

#[test]
fn a_port_in_use_is_named() {
    let registry = registry();
    let server = registry.serve("127.0.0.1:0").expect("there is a port");
    let error = registry.serve(server.addr()).expect_err("it is in use").to_string();
    assert!(error.contains(&server.addr().to_string()) && error.contains("choose another port"), "{error}");
    let idle: Vec<_> = (0..2).map(|_| TcpStream::connect(server.addr()).expect("it listens")).collect();
    drop(idle);
    assert!(
        ask(server.addr(), "GET /metrics HTTP/1.0\r\n\r\n").0.contains("200 OK"),
        "who says nothing is no harm"
    );
}

#[test]
fn a_panic_is_not_the_end_of_the_server() {
    let is_broken = Arc::new(AtomicBool::new(true));
    let clock = Arc::clone(&is_broken);
    let registry = Registry::with_clock(move || {
        assert!(!clock.load(Ordering::Relaxed), "on purpose");
        Duration::from_secs(1)
    });
    registry.summary::<()>(Opts::new("wait", "W.")).expect("is right");
    let server = registry.serve("127.0.0.1:0").expect("there is a port");
    for _ in 0..3 {
        let mut stream = TcpStream::connect(server.addr()).expect("it listens");
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").expect("it reads");
        assert_eq!(stream.read_to_end(&mut Vec::new()).expect("it hangs up"), 0);
    }
    is_broken.store(false, Ordering::Relaxed);
    assert!(ask(server.addr(), "GET /metrics HTTP/1.1\r\n\r\n").0.contains("200 OK"));
}

#[test]
fn names_choose_families() {
    let registry = registry();
    let text = |query: &str| {
        let body = registry.expose(&Request::new("", "", query)).body;
        String::from_utf8(body).expect("it is text")
    };
    assert_eq!(text("name[]=queue"), "# HELP queue Queue.\n# TYPE queue gauge\nqueue 3\n");
    assert!(text("name[]=jobs_total").starts_with("# HELP jobs_total Jobs.\n"));
    assert_eq!(text("name[]=jobs_total&name%5B%5D=queue"), registry.text());
    assert_eq!(text("name[]=other"), "");
}

#[cfg(feature = "gzip")]
#[test]
fn bodies_are_compressed_for_those_who_take_it() {
    let registry = registry();
    let exposition = registry.expose(&Request::new("", "gzip", ""));
    assert_eq!(exposition.content_encoding, Some("gzip"));
    assert!(exposition.body.len() < registry.text().len() / 3);
    let mut text = String::new();
    flate2::read::GzDecoder::new(exposition.body.as_slice()).read_to_string(&mut text).expect("it is gzip");
    assert_eq!(text, registry.text());
    assert_eq!(registry.expose(&Request::new("", "gzip;q=0", "")).content_encoding, None);
    #[cfg(feature = "zstd")]
    {
        let exposition = registry.expose(&Request::new("", "gzip;q=0.5, zstd", ""));
        assert_eq!(exposition.content_encoding, Some("zstd"));
        let text = zstd::decode_all(exposition.body.as_slice()).expect("it is zstd");
        assert_eq!(text, registry.text().as_bytes());
        assert_eq!(registry.expose(&Request::new("", "gzip, zstd;q=0.5", "")).content_encoding, Some("gzip"));
    }
    let small = registry.expose(&Request::new("", "gzip", "name[]=queue"));
    assert_eq!(small.content_encoding, None, "compressing what fits into a packet gains nothing");
}

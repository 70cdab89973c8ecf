use std::net::SocketAddr;
use std::sync::Arc;

use bellwether_outbound::{ClientOptions, ProxyEnvironment};
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::server::{Server, header, reply};
use crate::tls::{Authority, server_config};
use crate::{client, client_with, error, fetch};

/// A proxy for CONNECT that notes the requests it gets; it tunnels to wherever it is asked to.
struct Proxy {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(tunnel(stream, Arc::clone(&noted)));
            }
        });
        Self { address, requests }
    }
}

async fn tunnel(stream: TcpStream, noted: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    noted.lock().push(head.clone());
    let target = head.split(' ').nth(1).expect("a request line").to_owned();
    let Ok(mut upstream) = TcpStream::connect(target).await else {
        let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
        return;
    };
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("the client waits");
    let _ = copy_bidirectional(&mut stream, &mut upstream).await;
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let authority = Authority::new();
    let server = Server::start_tls(server_config(&authority.issue("localhost"), &[]), |request| async move {
        reply(header(&request, "proxy-authorization"))
    })
    .await;
    let proxy = Proxy::start().await;
    let client = client(&format!(
        "proxy_url: http://u:p@{}\nproxy_connect_header: {{X-Team: [infra]}}\ntls_config: {{ca: {:?}}}",
        proxy.address, authority.pem
    ));
    let url = format!("https://localhost:{}/", server.address.port());
    // The proxy's password stays with the proxy.
    assert_eq!(fetch(&client, &url).await, (200, "-".to_owned()));
    assert_eq!(fetch(&client, &url).await, (200, "-".to_owned()));
    let requests = proxy.requests.lock().clone();
    assert_eq!(requests.len(), 1, "{requests:?}");
    let head = requests[0].to_ascii_lowercase();
    assert!(head.starts_with(&format!("connect localhost:{} http/1.1\r\n", server.address.port())), "{head}");
    assert!(head.contains("x-team: infra\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: basic dtpw\r\n"), "{head}");
}

#[tokio::test]
async fn http_is_forwarded() {
    // A server that is given the whole URL is what a proxy looks like to the client.
    let proxy = Server::start(|request| async move {
        reply(format!("{} {}", request.uri(), header(&request, "proxy-authorization")))
    })
    .await;
    let client = client(&format!("proxy_url: http://u:p@{}", proxy.address));
    let want = "http://a.test:9100/metrics?x=1 Basic dTpw".to_owned();
    assert_eq!(fetch(&client, "http://a.test:9100/metrics?x=1").await, (200, want));
}

#[tokio::test]
async fn no_proxy_goes_direct() {
    let proxy = Server::start(|_| async { reply("proxied") }).await;
    let server = Server::start(|_| async { reply("direct") }).await;
    let rules = client(&format!("proxy_url: http://{}\nno_proxy: b.test", proxy.address));
    // With `no_proxy` set, loopback is never proxied, as in Go.
    assert_eq!(fetch(&rules, &server.url("/")).await.1, "direct");
    assert_eq!(fetch(&rules, "http://a.test/").await.1, "proxied");
    let always = client(&format!("proxy_url: http://{}", proxy.address));
    assert_eq!(fetch(&always, &server.url("/")).await.1, "proxied");
}

#[tokio::test]
async fn the_environment_is_asked_only_when_told_so() {
    let proxy = Server::start(|_| async { reply("proxied") }).await;
    let environment = ProxyEnvironment { http: Some(proxy.address.to_string()), ..Default::default() };
    let options = ClientOptions { environment, ..Default::default() };
    let client = client_with("proxy_from_environment: true", &options);
    assert_eq!(fetch(&client, "http://a.test/").await.1, "proxied");
    let server = Server::start(|_| async { reply("direct") }).await;
    assert_eq!(fetch(&client_with("{}", &options), &server.url("/")).await.1, "direct");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    let proxy = Proxy::start().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("bound");
    let client = client(&format!("proxy_url: http://{}", proxy.address));
    let text = error(&client, &format!("https://{closed}/")).await;
    assert!(text.ends_with(&format!("proxyconnect tcp: {}: 502 Bad Gateway", proxy.address)), "{text}");
}

#[tokio::test]
async fn a_proxy_over_tls_is_spoken_to_over_tls() {
    let authority = Authority::new();
    let inner = authority.issue("localhost");
    let server = Server::start_tls(server_config(&inner, &[b"h2"]), |request| async move {
        reply(format!("{:?}", request.version()))
    })
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let acceptor =
        tokio_rustls::TlsAcceptor::from(Arc::new(server_config(&authority.issue("127.0.0.1"), &[])));
    let target = server.address;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = acceptor.accept(stream).await.expect("a TLS client");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("a request"));
            }
            assert!(head.starts_with(b"CONNECT localhost:"));
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("the client waits");
            let mut upstream = TcpStream::connect(target).await.expect("the server listens");
            let _ = copy_bidirectional(&mut stream, &mut upstream).await;
        }
    });
    let client = client(&format!("proxy_url: https://{address}\ntls_config: {{ca: {:?}}}", authority.pem));
    let url = format!("https://localhost:{}/", server.address.port());
    assert_eq!(fetch(&client, &url).await, (200, "HTTP/2.0".to_owned()));
}

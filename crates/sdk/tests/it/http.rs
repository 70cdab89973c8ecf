//! The layer around real servers, over loopback.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use bellwether_sdk::Registry;
use bellwether_sdk::http::{MetricsLayer, Names, Route, SocketGuard};
use bytes::Bytes;
use futures_util::StreamExt as _;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower_layer::Layer as _;

/// Starts a server for one test.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Sends a request and reads the answer until the server closes. What is not said in `head` is `Connection: close`.
async fn ask(address: SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!(
        "{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    // A server that panics does not end its answer.
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

/// Waits until a line is exposed. What is counted when an answer was sent may be counted after it was read.
async fn wait_for(registry: &Registry, line: &str) {
    let is_there = async {
        while !registry.text().lines().any(|l| l == line) {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), is_there).await;
    assert!(waited.is_ok(), "no line {line} in\n{}", registry.text());
}

fn lines(registry: &Registry, family: &str) -> Vec<String> {
    registry.text().lines().filter(|line| line.starts_with(family)).map(str::to_owned).collect()
}

#[tokio::test]
async fn routes_are_those_of_the_router_through_all_nests() {
    let registry = Registry::new();
    let layer = MetricsLayer::new(&registry).expect("is right");
    let deep = Router::new().route("/parts/{part}", get(|| async { "part" }));
    let api = Router::new()
        .route("/items/{item}", post(|body: String| async move { body + "!" }))
        .nest("/deep", deep);
    let service = Router::new().route("/{thing}", get(|| async { "thing" })).layer(layer.clone());
    let app = Router::new()
        .route("/users/{id}", get(|| async { "user" }))
        .merge(Router::new().route("/merged", get(|| async { "merged" })))
        .nest("/api", api)
        .nest_service("/service", service)
        .route("/named", get(|| async { named() }))
        .route("/metrics", get(|| async { "not counted" }))
        .fallback(|| async { (axum::http::StatusCode::NOT_FOUND, "nothing") })
        .layer(layer);
    let address = serve(app).await;
    for (head, body) in [
        ("GET /users/1", ""),
        ("GET /users/2?a=b", ""),
        ("GET /merged", ""),
        ("POST /api/items/7", "four"),
        ("GET /api/deep/parts/8", ""),
        ("GET /service/9", ""),
        ("GET /named", ""),
        ("GET /made/up/1", ""),
        ("GET /made/up/2", ""),
        ("BREW /users/3", ""),
        ("GET /metrics", ""),
    ] {
        let answer = ask(address, head, body).await;
        assert!(answer.starts_with("HTTP/1.1 "), "{head}: {answer}");
    }
    let expected = [
        r#"http_requests_total{method="GET",route="/users/{id}",status="200"} 2"#,
        r#"http_requests_total{method="GET",route="/merged",status="200"} 1"#,
        r#"http_requests_total{method="POST",route="/api/items/{item}",status="200"} 1"#,
        r#"http_requests_total{method="GET",route="/api/deep/parts/{part}",status="200"} 1"#,
        r#"http_requests_total{method="GET",route="/service/{thing}",status="200"} 1"#,
        r#"http_requests_total{method="GET",route="by its handler",status="200"} 1"#,
        r#"http_requests_total{method="GET",route="_unmatched",status="404"} 2"#,
        r#"http_requests_total{method="_other",route="/users/{id}",status="405"} 1"#,
    ];
    for line in expected {
        wait_for(&registry, line).await;
    }
    assert_eq!(lines(&registry, "http_requests_total{").len(), expected.len(), "/metrics is not among them");
    let of_items = r#"_bytes_sum{method="POST",route="/api/items/{item}"}"#;
    wait_for(&registry, &format!("http_request_size{of_items} 4")).await;
    wait_for(&registry, &format!("http_response_size{of_items} 5")).await;
    wait_for(&registry, r#"http_request_duration_seconds_count{method="GET",route="/users/{id}"} 2"#).await;
    wait_for(&registry, r#"http_requests_in_flight{method="GET"} 0"#).await;
    assert_eq!(lines(&registry, "http_request_ttfb_seconds"), [""; 0]);
}

fn named() -> Response {
    let mut response = "named".into_response();
    response.extensions_mut().insert(Route("by its handler".into()));
    response
}

#[tokio::test]
async fn names_and_buckets_can_be_those_of_a_dashboard() {
    struct Ours;
    impl Names for Ours {
        const REQUESTS: &'static str = "requests";
        const IN_FLIGHT: &'static str = "http_requests_inprogress";
        const ROUTE: &'static str = "handler";
        const STATUS: &'static str = "code";
        const STATUS_IS_CLASS: bool = true;
        const DURATION: &'static str = "latency";
    }
    let registry = Registry::new();
    let layer = MetricsLayer::builder()
        .names::<Ours>()
        .buckets(&[3_600.0])
        .first_byte(true)
        .sizes(false)
        .skip(["/-/ready"])
        .register(&registry)
        .expect("is right");
    let ready = Router::new().route("/-/ready", any(|| async {})).route("/a", any(|| async {}));
    let address = serve(ready.layer(layer)).await;
    let _ = (ask(address, "GET /-/ready", "").await, ask(address, "GET /a", "").await);
    wait_for(&registry, r#"requests_total{method="GET",handler="/a",code="2xx"} 1"#).await;
    wait_for(&registry, r#"latency_bucket{method="GET",handler="/a",le="3600"} 1"#).await;
    wait_for(&registry, r#"http_request_ttfb_seconds_count{method="GET",handler="/a"} 1"#).await;
    wait_for(&registry, r#"http_requests_inprogress{method="GET"} 0"#).await;
    assert_eq!(lines(&registry, "requests_total{").len(), 1);
    assert_eq!(lines(&registry, "http_request_size"), [""; 0]);
}

#[tokio::test]
async fn a_client_that_leaves_is_a_499() {
    let registry = Registry::new();
    let layer = MetricsLayer::new(&registry).expect("is right");
    let endless = || async {
        let first = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"first"))]);
        Body::from_stream(first.chain(futures_util::stream::pending()))
    };
    let app = Router::new()
        .route("/never", get(std::future::pending::<()>))
        .route("/endless", get(endless))
        .route("/whole", get(|| async { Body::from_stream(futures_util::stream::iter(whole())) }))
        .route(
            "/upload",
            post(|body: Request| async {
                axum::body::to_bytes(body.into_body(), 3).await.map_or("too large", |_| "ok")
            }),
        );
    let address = serve(app.layer(layer)).await;

    let mut never = TcpStream::connect(address).await.expect("it listens");
    never.write_all(b"GET /never HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("it reads");
    wait_for(&registry, r#"http_requests_in_flight{method="GET"} 1"#).await;
    drop(never);
    wait_for(&registry, r#"http_requests_total{method="GET",route="/never",status="499"} 1"#).await;

    let mut endless = TcpStream::connect(address).await.expect("it listens");
    endless.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("it reads");
    let mut read = Vec::new();
    while !read.ends_with(b"first\r\n") {
        assert!(endless.read_buf(&mut read).await.expect("it answers") > 0);
    }
    drop(endless);
    wait_for(&registry, r#"http_requests_total{method="GET",route="/endless",status="499"} 1"#).await;
    wait_for(&registry, r#"http_response_size_bytes_sum{method="GET",route="/endless"} 5"#).await;

    assert!(ask(address, "GET /whole", "").await.contains("one"));
    assert!(ask(address, "HEAD /whole", "").await.starts_with("HTTP/1.1 200"));
    wait_for(&registry, r#"http_requests_total{method="GET",route="/whole",status="200"} 1"#).await;
    wait_for(&registry, r#"http_requests_total{method="HEAD",route="/whole",status="200"} 1"#).await;
    wait_for(&registry, r#"http_response_size_bytes_sum{method="GET",route="/whole"} 6"#).await;
    wait_for(&registry, r#"http_requests_in_flight{method="GET"} 0"#).await;

    assert!(ask(address, "POST /upload", "ab").await.contains("ok"));
    wait_for(&registry, r#"http_request_size_bytes_sum{method="POST",route="/upload"} 2"#).await;
}

fn whole() -> [Result<&'static str, Infallible>; 2] {
    [Ok("one"), Ok("two")]
}

#[tokio::test]
async fn what_breaks_is_counted() {
    let registry = Registry::new();
    let layer = MetricsLayer::new(&registry).expect("is right");
    let broken = || async { Body::from_stream(futures_util::stream::iter([Ok("a"), Err("on purpose")])) };
    let torn = || async {
        let items = futures_util::stream::iter([1, 2]).map(|n| {
            assert!(n < 2, "on purpose");
            Ok::<_, Infallible>("a")
        });
        Body::from_stream(items)
    };
    let panics = || async {
        assert!(!std::hint::black_box(true), "on purpose");
    };
    let app =
        Router::new().route("/broken", get(broken)).route("/torn", get(torn)).route("/panics", get(panics));
    let address = serve(app.layer(layer)).await;
    for path in ["/broken", "/torn", "/panics"] {
        ask(address, &format!("GET {path}"), "").await;
    }
    for (route, status, exception) in
        [("/broken", "200", "body_error"), ("/torn", "200", "panic"), ("/panics", "500", "panic")]
    {
        let labels = format!(r#"route="{route}""#);
        wait_for(&registry, &format!(r#"http_exceptions_total{{{labels},exception_type="{exception}"}} 1"#))
            .await;
        wait_for(&registry, &format!(r#"http_requests_total{{method="GET",{labels},status="{status}"}} 1"#))
            .await;
    }
    wait_for(&registry, r#"http_requests_in_flight{method="GET"} 0"#).await;
}

#[tokio::test]
async fn web_sockets_are_open_as_long_as_they_are_held() {
    let registry = Registry::new();
    let layer = MetricsLayer::new(&registry).expect("is right");
    let socket = |guard: SocketGuard, request: Request| async move {
        if request.uri().query() == Some("refused") {
            return axum::http::StatusCode::FORBIDDEN.into_response();
        }
        let upgrade = hyper::upgrade::on(request);
        tokio::spawn(guard.hold(async move {
            let mut socket = TokioIo::new(upgrade.await.expect("it is upgraded"));
            let mut echo = [0; 4];
            while socket.read_exact(&mut echo).await.is_ok() {
                socket.write_all(&echo).await.expect("it reads");
            }
        }));
        let head =
            Response::builder().status(101).header("connection", "upgrade").header("upgrade", "websocket");
        head.body(Body::empty()).expect("is right")
    };
    let address = serve(Router::new().route("/ws/{room}", get(socket)).layer(layer)).await;
    let open = async |path: &str| {
        let mut client = TcpStream::connect(address).await.expect("it listens");
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: WebSocket\r\n\r\n");
        client.write_all(head.as_bytes()).await.expect("it reads");
        client
    };
    let mut clients = [open("/ws/1").await, open("/ws/2").await];
    for client in &mut clients {
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            assert!(client.read_buf(&mut read).await.expect("it answers") > 0);
        }
        client.write_all(b"ping").await.expect("it reads");
        let mut echo = [0; 4];
        client.read_exact(&mut echo).await.expect("it answers");
    }
    wait_for(&registry, r#"http_websocket_connections{route="/ws/{room}"} 2"#).await;
    wait_for(&registry, r#"http_requests_total{method="GET",route="/ws/{room}",status="101"} 2"#).await;
    drop(clients);
    wait_for(&registry, r#"http_websocket_connections{route="/ws/{room}"} 0"#).await;
    let _refused = open("/ws/3?refused").await;
    wait_for(&registry, r#"http_requests_total{method="GET",route="/ws/{room}",status="403"} 1"#).await;
    assert_eq!(lines(&registry, "http_websocket"), [r#"http_websocket_connections{route="/ws/{room}"} 0"#]);
}

/// A service of `hyper` without a router.
#[derive(Clone)]
struct Plain;

impl<B: http_body::Body<Data = Bytes, Error: std::fmt::Debug> + Send + Unpin + 'static>
    tower_service::Service<http::Request<B>> for Plain
{
    type Response = http::Response<http_body_util::Full<Bytes>>;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        Box::pin(async move {
            if request.uri().path() == "/fails" {
                return Err("on purpose");
            }
            let body =
                http_body_util::BodyExt::collect(request.into_body()).await.expect("it is read").to_bytes();
            Ok(http::Response::new(http_body_util::Full::new(body)))
        })
    }
}

#[tokio::test]
async fn hyper_needs_no_router() {
    let registry = Registry::new();
    let layer = MetricsLayer::builder()
        .route_of(|request| Some(bellwether_sdk::http::normalise_path(request.uri.path())))
        .register(&registry)
        .expect("is right");
    let service = TowerToHyperService::new(layer.layer(Plain));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service.clone()));
        }
    });
    assert!(ask(address, "PUT /orders/17", "some bytes").await.ends_with("some bytes"));
    ask(address, "GET /fails", "").await;
    wait_for(&registry, r#"http_requests_total{method="PUT",route="/orders/{id}",status="200"} 1"#).await;
    wait_for(&registry, r#"http_request_size_bytes_sum{method="PUT",route="/orders/{id}"} 10"#).await;
    wait_for(&registry, r#"http_response_size_bytes_sum{method="PUT",route="/orders/{id}"} 10"#).await;
    wait_for(&registry, r#"http_requests_total{method="GET",route="/fails",status="500"} 1"#).await;
    wait_for(&registry, r#"http_exceptions_total{route="/fails",exception_type="service_error"} 1"#).await;
}

#[tokio::test]
async fn paths_that_were_taken_for_routes_are_bounded() {
    let registry = Registry::new();
    let layer =
        MetricsLayer::builder().route_of(|request| Some(request.uri.path().into())).register(&registry);
    let mut service = layer.expect("is right").layer(Plain);
    for n in 0..300 {
        let request = http::Request::get(format!("/{n}")).body(http_body_util::Full::new(Bytes::new()));
        tower_service::Service::call(&mut service, request.expect("is right")).await.expect("it answers");
    }
    assert_eq!(lines(&registry, "http_request_duration_seconds_count").len(), 201);
    wait_for(&registry, r#"http_request_duration_seconds_count{method="GET",route="_overflow"} 100"#).await;
}

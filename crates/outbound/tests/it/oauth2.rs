use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use parking_lot::Mutex;

use crate::server::{Reply, Server, header, redirect, reply, status};
use crate::{client, error, fetch};

/// A token server that numbers its tokens and notes what it is asked.
struct TokenServer {
    server: Server,
    requests: Arc<Mutex<Vec<String>>>,
}

impl TokenServer {
    async fn start(answer: impl Fn(usize, &str, &str) -> Reply + Clone + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&requests);
        let server = Server::start(move |request: Request<Incoming>| {
            let (noted, answer) = (Arc::clone(&noted), answer.clone());
            async move {
                let authorization = header(&request, "authorization");
                let body = request.into_body().collect().await.expect("a body").to_bytes();
                let body = String::from_utf8(body.to_vec()).expect("text");
                let number = {
                    let mut noted = noted.lock();
                    noted.push(format!("{authorization} {body}"));
                    noted.len()
                };
                answer(number, &authorization, &body)
            }
        })
        .await;
        Self { server, requests }
    }

    fn section(&self, more: &str) -> String {
        let url = self.server.url("/token");
        format!("oauth2: {{client_id: me, client_secret: 's:cret', token_url: '{url}'{more}}}")
    }
}

fn token(number: usize, expires_in: u32) -> Reply {
    reply(format!(r#"{{"access_token":"t{number}","token_type":"bearer","expires_in":{expires_in}}}"#))
}

async fn echo() -> Server {
    Server::start(|request| async move { reply(header(&request, "authorization")) }).await
}

#[tokio::test]
async fn fetches_a_token_once() {
    let tokens = TokenServer::start(|number, _, _| token(number, 3600)).await;
    let target = echo().await;
    let client = client(&tokens.section(", scopes: [a, b], endpoint_params: {audience: x y}"));
    for _ in 0..3 {
        assert_eq!(fetch(&client, &target.url("/")).await.1, "Bearer t1");
    }
    // `s:cret` is form-encoded before it is joined with the id.
    let want = "Basic bWU6cyUzQWNyZXQ= grant_type=client_credentials&scope=a+b&audience=x+y";
    assert_eq!(*tokens.requests.lock(), [want]);
}

#[tokio::test]
async fn many_requests_ask_for_one_token() {
    let tokens = TokenServer::start(|number, _, _| token(number, 3600)).await;
    let target = echo().await;
    let client = client(&tokens.section(""));
    let url = target.url("/");
    let all = futures_util::future::join_all((0..20).map(|_| fetch(&client, &url))).await;
    assert!(all.iter().all(|(_, body)| body == "Bearer t1"), "{all:?}");
    assert_eq!(tokens.requests.lock().len(), 1);
}

#[tokio::test]
async fn an_expiring_token_is_replaced() {
    // Tokens are replaced ten seconds before they expire.
    let tokens = TokenServer::start(|number, _, _| token(number, 9)).await;
    let target = echo().await;
    let client = client(&tokens.section(""));
    assert_eq!(fetch(&client, &target.url("/")).await.1, "Bearer t1");
    assert_eq!(fetch(&client, &target.url("/")).await.1, "Bearer t2");
}

#[tokio::test]
async fn a_refused_token_is_replaced() {
    let tokens = TokenServer::start(|number, _, _| token(number, 3600)).await;
    let served = Arc::new(AtomicUsize::new(0));
    let target = Server::start(move |request| {
        let first = served.fetch_add(1, Ordering::SeqCst) == 0;
        async move { if first { status(401) } else { reply(header(&request, "authorization")) } }
    })
    .await;
    let client = client(&tokens.section(""));
    assert_eq!(fetch(&client, &target.url("/")).await.0, 401);
    assert_eq!(fetch(&client, &target.url("/")).await.1, "Bearer t2");
}

#[tokio::test]
async fn servers_that_want_the_secret_in_the_form_get_it_there() {
    let tokens = TokenServer::start(
        |number, authorization, _| {
            if authorization == "-" { token(number, 1) } else { status(401) }
        },
    )
    .await;
    let target = echo().await;
    let client = client(&tokens.section(""));
    assert_eq!(fetch(&client, &target.url("/")).await.1, "Bearer t2");
    assert_eq!(fetch(&client, &target.url("/")).await.1, "Bearer t3");
    let form = "- grant_type=client_credentials&client_id=me&client_secret=s%3Acret";
    assert_eq!(tokens.requests.lock()[1..], [form, form]);
}

#[tokio::test]
async fn failures_name_the_token_server_and_no_secret() {
    let target = echo().await;
    let refusing = TokenServer::start(|_, _, _| {
        let mut response = reply(Bytes::from_static(br#"{"error":"invalid_client"}"#));
        *response.status_mut() = http::StatusCode::BAD_REQUEST;
        response
    })
    .await;
    let url = target.url("/");
    assert_eq!(
        error(&client(&refusing.section("")), &url).await,
        format!(
            "Get \"{url}\": oauth2: cannot fetch token: the token server answered 400: \"invalid_client\""
        )
    );
    let closed =
        "oauth2: {client_id: me, client_secret: hunter2, token_url: 'http://127.0.0.1:1/t?key=hunter3'}";
    let text = error(&client(closed), &url).await;
    assert!(
        text.contains("oauth2: cannot fetch token: Post \"http://127.0.0.1:1/t?key=<secret>\": dial tcp"),
        "{text}"
    );
    assert!(!text.contains("hunter"), "{text}");
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn the_secret_does_not_follow_a_redirect_to_another_host() {
    // It asks for the secret in the form, as some servers do.
    let stranger =
        TokenServer::start(
            |_, _, body| {
                if body.contains("client_secret") { token(1, 3600) } else { status(401) }
            },
        )
        .await;
    let elsewhere = stranger.server.url("/token");
    let tokens = TokenServer::start(move |_, _, _| redirect(307, &elsewhere)).await;
    let target = echo().await;
    let text = error(&client(&tokens.section("")), &target.url("/")).await;
    assert!(text.contains("would take a secret in the body to another host"), "{text}");
    assert_eq!(*stranger.requests.lock(), [""; 0]);
}

#[tokio::test]
async fn the_secret_may_lie_in_a_file_that_changes() {
    let tokens = TokenServer::start(|number, _, _| token(number, 3600)).await;
    let target = echo().await;
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("secret");
    std::fs::write(&path, "one\n").expect("writable");
    let client = client(&format!(
        "oauth2: {{client_id: me, client_secret_file: {}, token_url: '{}'}}",
        path.display(),
        tokens.server.url("/token")
    ));
    assert_eq!(fetch(&client, &target.url("/")).await.1, "Bearer t1");
    assert_eq!(fetch(&client, &target.url("/")).await.1, "Bearer t1");
    std::fs::write(&path, "another\n").expect("writable");
    assert_eq!(fetch(&client, &target.url("/")).await.1, "Bearer t2");
}

#[tokio::test]
async fn a_signed_assertion_can_stand_for_the_secret() {
    let tokens = TokenServer::start(|number, _, _| token(number, 3600)).await;
    let target = echo().await;
    let client = client(&format!(
        "oauth2: {{client_id: me, token_url: '{}', grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', \
         client_certificate_key_file: {}/src/credentials/testdata/rsa-key.pem}}",
        tokens.server.url("/token"),
        env!("CARGO_MANIFEST_DIR")
    ));
    assert_eq!(fetch(&client, &target.url("/")).await.1, "Bearer t1");
    let request = tokens.requests.lock()[0].clone();
    let form = "- grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    let assertion = request.strip_prefix(form).unwrap_or_else(|| panic!("{request}"));
    assert_eq!(assertion.split('.').count(), 3, "{assertion}");
}

use crate::server::{Server, header, reply};
use crate::{client, error, fetch};

async fn echo(name: &'static str) -> Server {
    Server::start(move |request| async move { reply(header(&request, name)) }).await
}

#[tokio::test]
async fn sends_each_kind() {
    let server = echo("authorization").await;
    let check = async |yaml: &str, want: &str| {
        assert_eq!(fetch(&client(yaml), &server.url("/")).await.1, want, "{yaml}");
    };
    check("{}", "-").await;
    check("basic_auth: {username: user, password: pass}", "Basic dXNlcjpwYXNz").await;
    check("basic_auth: {username: user}", "Basic dXNlcjo=").await;
    check("authorization: {credentials: abc}", "Bearer abc").await;
    check("authorization: {type: Token, credentials: abc}", "Token abc").await;
    check("bearer_token: abc", "Bearer abc").await;
}

#[tokio::test]
async fn user_info_of_the_url_is_basic_auth() {
    let server = echo("authorization").await;
    let url = server.url("/").replace("http://", "http://us%40er:pass@");
    assert_eq!(fetch(&client("{}"), &url).await.1, "Basic dXNAZXI6cGFzcw==");
    assert_eq!(fetch(&client("bearer_token: abc"), &url).await.1, "Bearer abc");
}

#[tokio::test]
async fn files_are_read_again_when_they_change() {
    let server = echo("authorization").await;
    let dir = tempfile::tempdir().expect("temporary folder");
    let (user, token) = (dir.path().join("user"), dir.path().join("token"));
    std::fs::write(&user, "user\n").expect("writable");
    let basic = client(&format!(
        "basic_auth: {{username_file: {}, password_file: {}}}",
        user.display(),
        token.display()
    ));
    let bearer = client(&format!("authorization: {{credentials_file: {}}}", token.display()));

    let text = error(&bearer, &server.url("/")).await;
    assert!(text.contains(": unable to read credentials_file "), "{text}");
    assert!(text.ends_with("token: no such file or directory"), "{text}");

    std::fs::write(&token, " pass\n").expect("writable");
    assert_eq!(fetch(&bearer, &server.url("/")).await.1, "Bearer pass");
    assert_eq!(fetch(&basic, &server.url("/")).await.1, "Basic dXNlcjpwYXNz");
    std::fs::write(&token, "another").expect("writable");
    assert_eq!(fetch(&bearer, &server.url("/")).await.1, "Bearer another");
    assert_eq!(fetch(&basic, &server.url("/")).await.1, "Basic dXNlcjphbm90aGVy");
}

#[tokio::test]
async fn custom_headers_come_from_all_sources() {
    let server = Server::start(|request| async move {
        let all: Vec<_> =
            request.headers().get_all("x-key").iter().map(|v| v.to_str().expect("text")).collect();
        reply(all.join(","))
    })
    .await;
    let dir = tempfile::tempdir().expect("temporary folder");
    let file = dir.path().join("key");
    std::fs::write(&file, "three\n").expect("writable");
    let yaml =
        format!("http_headers: {{X-Key: {{values: [one], secrets: [two], files: [{}]}}}}", file.display());
    assert_eq!(fetch(&client(&yaml), &server.url("/")).await.1, "one,two,three");
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let config =
        crate::config("basic_auth: {username: user, password: hunter2}\nproxy_url: http://u:hunter3@p.test");
    let client =
        client("basic_auth: {username: user, password: hunter2}\nproxy_url: http://u:hunter3@p.test");
    let shown = format!("{config:?} {client:?}");
    assert!(!shown.contains("hunter"), "{shown}");
}

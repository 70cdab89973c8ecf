use bellwether_outbound::{AddressPolicy, ClientOptions, Destination, Request};
use tokio::time::Instant;
use url::Url;

use crate::server::{Server, redirect, reply};
use crate::{FAR, client_with, fetch};

fn no_loopback() -> ClientOptions {
    let deny = ["127.0.0.0/8", "::1"].map(|n| n.parse().expect("a network")).to_vec();
    ClientOptions { policy: AddressPolicy::new(deny, Vec::new()), ..Default::default() }
}

#[tokio::test]
async fn foreign_destinations_meet_the_policy() {
    let server = Server::start(|_| async { reply("ok") }).await;
    let client = client_with("{}", &no_loopback());
    assert_eq!(fetch(&client, &server.url("/")).await.1, "ok");
    // The name is checked by the address that it has.
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let mut request =
            Request::get(Url::parse(&format!("http://{host}:{}/", server.address.port())).expect("valid"));
        request.destination = Destination::Foreign;
        let error = client.send(request, Instant::now() + FAR).await.expect_err("refused").to_string();
        assert!(error.contains("only if the configuration file itself names them"), "{error}");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_redirect_to_another_host_meets_the_policy() {
    let inner = Server::start(|_| async { reply("secret") }).await;
    let target = inner.url("/");
    let outer = Server::start(move |_| {
        let target = target.clone();
        async move { redirect(302, &target) }
    })
    .await;
    let error = crate::error(&client_with("{}", &no_loopback()), &outer.url("/")).await;
    assert!(error.contains("only if the configuration file itself names them"), "{error}");
    assert_eq!(inner.connections(), 0);
}

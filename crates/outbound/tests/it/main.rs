//! What a user of the client relies on, against real local servers.
mod body;
mod credentials;
mod errors;
mod oauth2;
mod policy;
mod proxy;
mod redirects;
mod repeated;
mod requests;
mod server;
mod tls;

use std::time::Duration;

use bellwether_outbound::{ClientOptions, HttpClient, HttpClientConfig, OutboundError, Request, Response};
use bellwether_yaml::{Dialect, Document};
use tokio::time::Instant;
use url::Url;

/// Long enough for any machine; a test that waits for it has failed.
const FAR: Duration = Duration::from_mins(1);

/// A client for a section of a configuration file.
fn client(yaml: &str) -> HttpClient {
    client_with(yaml, &ClientOptions::default())
}

fn client_with(yaml: &str, options: &ClientOptions) -> HttpClient {
    HttpClient::new(&config(yaml), options).expect("the section is valid")
}

fn config(yaml: &str) -> HttpClientConfig {
    let document = Document::parse("test.yml", yaml.as_bytes(), Dialect::V2).expect("valid YAML");
    document.decode().expect("a valid section")
}

async fn get(client: &HttpClient, url: &str) -> Result<Response, OutboundError> {
    client.send(Request::get(Url::parse(url).expect("valid URL")), Instant::now() + FAR).await
}

/// Status and body of a GET request.
async fn fetch(client: &HttpClient, url: &str) -> (u16, String) {
    let response = get(client, url).await.expect("a response");
    let status = response.status().as_u16();
    let mut body = Vec::new();
    response.read_into(&mut body, 1 << 20).await.expect("a body");
    (status, String::from_utf8(body).expect("text"))
}

/// The error of a GET request.
async fn error(client: &HttpClient, url: &str) -> String {
    get(client, url).await.expect_err("an error").to_string()
}

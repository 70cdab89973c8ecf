//! Messages over real connections, to services that take them, fail, refuse or hang.
use std::time::Duration;

use bellwether_alerts::config::{Config, ConfigOptions, Integration};
use bellwether_alerts::message::{Call, Message};
use bellwether_alerts::send::{Backoff, Sender};
use bellwether_outbound::ClientOptions;
use bellwether_yaml::Secret;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::service::Service;

fn integration(fields: &str) -> Integration {
    let yaml = format!(
        "route: {{receiver: r}}\nreceivers: [{{name: r, webhook_configs: [{{url: 'http://h/'{fields}}}]}}]"
    );
    let config = Config::parse("alertmanager.yml", yaml.as_bytes(), ConfigOptions::default());
    config.unwrap_or_else(|errors| panic!("{errors}")).receivers[0].integrations[0].clone()
}

fn call(service: &Service) -> Call {
    let token = ("authorization".to_owned(), Secret::new("Bearer t"));
    Call {
        method: "POST",
        url: Secret::new(service.url.as_str()),
        headers: vec![token],
        body: "{\"a\":1}".to_owned(),
        secrets: Vec::new(),
    }
}

fn sender(fields: &str) -> Sender {
    let backoff = Backoff { first: Duration::from_millis(1), max: Duration::from_millis(4) };
    Sender::new(&integration(fields), &ClientOptions::default(), backoff).expect("a client")
}

/// What came of sending to the service, with waits too short to wait for.
async fn send(service: &Service, fields: &str, within: Duration) -> Result<(), String> {
    let sent = sender(fields).send(&[Message::Call(call(service))], Instant::now() + within, || 0.5).await;
    sent.map(drop).map_err(|error| error.to_string())
}

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_service_that_recovers_is_told_once() {
    let service = Service::start(&["500 Oops", "429 Slow down\r\nretry-after: 0", "", "200 OK"]).await;
    send(&service, "", LONG).await.expect("told at last");
    let got = service.got();
    assert_eq!(got.len(), 4);
    let last = got[3].to_ascii_lowercase();
    assert!(last.starts_with("post /hook/secret http/1.1\r\n") && last.ends_with("{\"a\":1}"), "{last}");
    assert!(last.contains("authorization: bearer t\r\n"), "{last}");
}

#[tokio::test]
async fn what_is_refused_is_not_sent_again() {
    let service = Service::start(&["400 Bad Request"]).await;
    let error = send(&service, "", LONG).await.expect_err("refused");
    assert_eq!(error, "1 attempts, the last one: the service answered 400 Bad Request: because");
    assert_eq!(service.got().len(), 1);
}

#[tokio::test]
async fn trying_ends_when_something_newer_is_due() {
    let service = Service::start(&["503 Unavailable"]).await;
    let error = send(&service, "", Duration::from_millis(200)).await.expect_err("never taken");
    assert!(error.contains("the service answered 503"), "{error}");
    assert!(service.got().len() > 1, "it was tried again");
    let patient = Service::start(&["503 Unavailable\r\nretry-after: 3600"]).await;
    send(&patient, "", LONG).await.expect_err("not before an hour");
    assert_eq!(patient.got().len(), 1, "it wants to be left alone");
}

#[tokio::test]
async fn a_service_that_hangs_is_given_up_and_tried_again() {
    // It takes the connection and says nothing for ever, because nobody accepts a second one.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let service = Service::at(&listener);
    let error = send(&service, ", timeout: 20ms", Duration::from_millis(300)).await.expect_err("no answer");
    let attempts: u32 = error.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(attempts > 1 && error.contains("context deadline exceeded"), "{error}");
    assert!(!error.contains("Bearer"), "{error}");
}

#[tokio::test]
async fn errors_do_not_show_where_a_hook_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let service = Service::at(&listener);
    drop(listener);
    let error = sender("").send_once(&[Message::Call(call(&service))]).await.expect_err("nobody is there");
    let error = error.to_string();
    assert!(error.contains("connection refused") && !error.contains("secret\""), "{error}");
    assert!(!error.contains("/hook/secret"), "{error}");
}

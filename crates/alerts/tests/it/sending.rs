//! Messages over real connections, to services that take them, fail, refuse or hang.
use std::sync::Arc;
use std::time::Duration;

use bellwether_alerts::config::{Config, ConfigOptions, Integration};
use bellwether_alerts::library::functions;
use bellwether_alerts::message::{Call, Message, Templates};
use bellwether_alerts::send::{Backoff, Circuit, SendError, Sender, Sent};
use bellwether_alerts::test_message::test_receiver;
use bellwether_alerts::way_out::WayOut;
use bellwether_model::{Alert, Labels, ManualClock};
use bellwether_outbound::{ClientOptions, Destination};
use bellwether_yaml::Secret;
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::service::{Answer, Service};

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
        destination: Destination::Configured,
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
    let sent = tell(&sender(fields), service, Instant::now() + within).await;
    sent.map(drop).map_err(|error| error.to_string())
}

async fn tell(sender: &Sender, service: &Service, deadline: Instant) -> Result<Sent, SendError> {
    let place = sender.enter(0, deadline).await.map_err(|last| SendError { attempts: 0, last })?;
    sender.send(&[Message::Call(call(service))], place, deadline, || 0.5).await
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
    // The wait decides, not the time that the attempts take.
    let service = Service::start(&["503 Unavailable", "503 Unavailable\r\nretry-after: 3600"]).await;
    let error = send(&service, "", LONG).await.expect_err("never taken");
    assert!(error.contains("the service answered 503"), "{error}");
    assert_eq!(service.got().len(), 2, "it was tried again, and not after something newer");
    let patient = Service::start(&["503 Unavailable\r\nretry-after: 3600"]).await;
    send(&patient, "", LONG).await.expect_err("not before an hour");
    assert_eq!(patient.got().len(), 1, "it wants to be left alone");
    let absurd = Service::start(&["429 Slow down\r\nretry-after: 18446744073709551615"]).await;
    send(&absurd, "", LONG).await.expect_err("not before the end of the world");
    let dated = Service::start(&["503 Unavailable\r\ndate: Wed, 21 Oct 2015 07:28:00 GMT\r\nretry-after: Wed, 21 Oct 2015 07:30:00 GMT"]).await;
    send(&dated, "", LONG).await.expect_err("not before two minutes");
    assert_eq!(dated.got().len(), 1);
}

#[tokio::test]
async fn a_service_that_hangs_is_given_up_and_tried_again() {
    // It takes the connection and says nothing for ever, because nobody accepts a second one.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let service = Service::at(&listener);
    // After so many failures it would be tried again behind this.
    let error = send(&service, ", timeout: 20ms", Duration::from_secs(10)).await.expect_err("no answer");
    assert!(error.starts_with("5 attempts, ") && error.contains("context deadline exceeded"), "{error}");
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

#[tokio::test]
async fn credentials_do_not_follow_to_another_host() {
    let there = Service::start(&["200 OK"]).await;
    let url = there.url.clone();
    let here = Service::start_with(move |n, _| {
        let to = if n == 0 { "/hook/again" } else { &url };
        Answer::Say(format!("307 Elsewhere\r\nlocation: {to}"), String::new())
    })
    .await;
    for fields in [
        ", http_config: {authorization: {credentials: s3cret}}",
        ", http_config: {basic_auth: {username: u, password: s3cret}}",
        ", http_config: {http_headers: {X-Custom: {values: [s3cret]}}}",
        "",
    ] {
        let mut call = call(&here);
        call.headers = vec![("X-Api-Key".to_owned(), Secret::new("s3cret-too"))];
        sender(fields).send_once(&[Message::Call(call)]).await.expect("taken in the end");
    }
    let (here, there) = (here.got(), there.got());
    assert_eq!((here.len(), there.len()), (5, 4));
    for request in here {
        assert!(request.contains("s3cret-too"), "it stays where it was sent to: {request}");
    }
    for request in there {
        let request = request.to_ascii_lowercase();
        assert!(!request.contains("s3cret") && !request.contains("authorization"), "{request}");
        assert!(request.ends_with("{\"a\":1}"), "{request}");
    }
}

#[tokio::test]
async fn a_redirect_that_loses_the_message_or_gives_away_a_secret_is_no_delivery() {
    let there = Service::start(&["200 OK"]).await;
    let refused = async |status: &'static str, secrets: Vec<Secret>| {
        let url = there.url.clone();
        let here = Service::start_with(move |_, _| {
            Answer::Say(format!("{status}\r\nlocation: {url}"), String::new())
        })
        .await;
        let call = Call { secrets, ..call(&here) };
        let sent = sender("").send_once(&[Message::Call(call)]).await;
        sent.map_err(|error| error.to_string())
    };
    let error = refused("302 Found", Vec::new()).await.expect_err("nothing would arrive");
    assert!(error.contains("would leave the body of the request behind"), "{error}");
    let error = refused("307 Elsewhere", vec![Secret::new("key")]).await.expect_err("it has a key");
    assert!(error.contains("would take a secret in the body to another host"), "{error}");
    assert!(there.got().is_empty());
    refused("307 Elsewhere", Vec::new()).await.expect("it arrives as it is");
    assert_eq!(there.got().len(), 1);
}

#[tokio::test]
async fn a_host_that_alerts_choose_may_not_be_any() {
    let metadata = Alert {
        labels: Labels::from_pairs([("host", "169.254.169.254")]),
        annotations: Labels::empty(),
        starts_at_ms: 0,
        ends_at_ms: None,
        generator_url: String::new(),
    };
    for url in ["http://{{ .CommonLabels.host }}/x", "{{ printf \"http://%s/\" .CommonLabels.host }}"] {
        let hook = |kind: &str| {
            way_out(&format!(
                "route: {{receiver: r}}\nreceivers: [{{name: r, {kind}: [{{url: '{url}', timeout: 1s}}]}}]"
            ))
        };
        for kind in ["webhook_configs", "http_configs"] {
            let results =
                test_receiver(&hook(kind), "r", Some(metadata.clone()), "", 0).await.expect("there");
            let error = results[0].result.as_ref().expect_err("refused").to_string();
            assert!(error.contains("only if the configuration file itself names them"), "{url}: {error}");
        }
    }
    // A path that alerts choose leads to where the configuration says.
    let service = Service::start(&["200 OK"]).await;
    let base = service.url.trim_end_matches("/hook/secret");
    let yaml = format!(
        "route: {{receiver: r}}\nreceivers: [{{name: r, webhook_configs: [{{url: '{base}/{{{{ .Status }}}}'}}]}}]"
    );
    let way_out = way_out(&yaml);
    let made = way_out.receiver("r").expect("there");
    test_receiver(&way_out, "r", None, "", 0).await.expect("there")[0].result.as_ref().expect("taken");
    assert_eq!((made.len(), service.got().len()), (1, 1));
}

#[tokio::test]
async fn a_service_that_fails_is_left_alone_and_that_is_shown() {
    let service = Service::start(&["500 Oops"]).await;
    let sender = sender("");
    // It would be tried again after this.
    let deadline = Instant::now() + Duration::from_secs(10);
    let error = tell(&sender, &service, deadline).await.expect_err("it fails").to_string();
    assert_eq!(sender.circuit(), Circuit::Open);
    assert_eq!(service.got().len(), 5, "{error}");
    let error = tell(&sender, &service, deadline).await.expect_err("it is not tried").to_string();
    assert_eq!(
        error,
        "not tried, because the last attempts failed: the service answered 500 Internal Server Error: because"
    );
    assert_eq!(service.got().len(), 5);
}

fn way_out(yaml: &str) -> WayOut {
    let config = Config::parse("alertmanager.yml", yaml.as_bytes(), ConfigOptions::default());
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    let templates = Templates::new(functions(Arc::new(ManualClock::new(0)), ""), []).expect("right");
    let backoff = Backoff { first: Duration::from_millis(1), max: Duration::from_millis(4) };
    WayOut::new(&config, templates, &ClientOptions::default(), backoff).expect("senders")
}

#[test]
fn who_cannot_be_told_is_named() {
    let proxy = "http_config: {proxy_url: 'socks5://p.test:1'}";
    let yaml = format!(
        "route: {{receiver: r}}\nreceivers: [{{name: r, webhook_configs: [{{url: 'http://h/'}}, {{url: 'http://h/', {proxy}}}]}}]"
    );
    let config = Config::parse("alertmanager.yml", yaml.as_bytes(), ConfigOptions::default());
    let templates = Templates::new(functions(Arc::new(ManualClock::new(0)), ""), []).expect("right");
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    let error = WayOut::new(&config, templates, &ClientOptions::default(), Backoff::default());
    let error = error.expect_err("no such proxies").to_string();
    assert!(error.starts_with("receiver \"r\" cannot be told by webhook[1]: proxy_url: "), "{error}");
}

/// A receiver with these webhooks, that wants so many messages per minute.
fn limited(hooks: &str, per_minute: u32) -> String {
    format!(
        "route: {{receiver: r}}\nreceivers: [{{name: r, webhook_configs: {hooks}}}]\nbellwether: {{receivers: {{r: {{max_per_minute: {per_minute}}}}}}}"
    )
}

fn sender_of(way_out: &WayOut, idx: usize) -> &Sender {
    &way_out.receiver("r").expect("there")[idx].1
}

#[tokio::test]
async fn another_configuration_knows_what_the_one_before_knew_of_services() {
    let (bad, good) = (Service::start(&["500 Oops"]).await, Service::start(&["200 OK"]).await);
    let hooks = |first: &Service| format!("[{{url: '{}'}}, {{url: '{}'}}]", first.url, good.url);
    let before = way_out(&limited(&hooks(&bad), 2));
    let deadline = Instant::now() + Duration::from_secs(10);
    tell(sender_of(&before, 0), &bad, deadline).await.expect_err("it fails");
    // Another one has come first, and a service that fails is left alone all the same.
    let more = format!("[{{url: 'http://h/'}}, {}", hooks(&bad).trim_start_matches('['));
    let after = way_out(&limited(&more, 2)).continuing(&before);
    assert_eq!(
        [0, 1, 2].map(|idx| sender_of(&after, idx).circuit()),
        [Circuit::Closed, Circuit::Open, Circuit::Closed]
    );
    tell(sender_of(&after, 2), &good, deadline).await.expect("the limit is two");
    let error = tell(sender_of(&after, 2), &good, deadline).await.expect_err("two were sent in all");
    assert!(error.to_string().contains("max_per_minute"), "{error}");
    // What has changed begins anew.
    let changed = way_out(&limited(&hooks(&good), 3)).continuing(&after);
    assert_eq!(sender_of(&changed, 0).circuit(), Circuit::Closed);
    tell(sender_of(&changed, 1), &good, deadline).await.expect("another limit");
}

#[tokio::test]
async fn a_receiver_gets_no_more_than_it_wants_in_all_ways_together() {
    let service = Service::start(&["200 OK"]).await;
    let url = &service.url;
    let way_out = way_out(&limited(&format!("[{{url: '{url}'}}, {{url: '{url}'}}]"), 2));
    let ways = way_out.receiver("r").expect("it is there");
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut results = Vec::new();
    for (_, sender) in [&ways[0], &ways[1], &ways[0]] {
        let sent = tell(sender, &service, deadline).await;
        results.push(sent.map(|sent| sent.attempts).map_err(|error| error.to_string()));
    }
    let refused = "not tried: the receiver gets no more messages per minute (max_per_minute)";
    assert_eq!(results, [Ok(1), Ok(1), Err(refused.to_owned())]);
    assert_eq!(service.got().len(), 2);
}

#[tokio::test]
async fn a_test_message_goes_through_each_integration_once() {
    let (good, bad) = (Service::start(&["200 OK"]).await, Service::start(&["500 Oops"]).await);
    let yaml = format!(
        "route: {{receiver: r}}\nreceivers:\n- name: r\n  webhook_configs: [{{url: '{}'}}, {{url: '{}'}}]\n  sns_configs: [{{topic_arn: a}}]",
        good.url, bad.url
    );
    let way_out = way_out(&yaml);
    let results = test_receiver(&way_out, "r", None, "http://bw", 1_700_000_000_000).await.expect("there");
    let shown: Vec<_> = results
        .iter()
        .map(|it| (it.kind, it.index, it.result.as_ref().map_err(ToString::to_string).copied()))
        .collect();
    assert_eq!(
        shown,
        [
            ("webhook", 0, Ok(())),
            ("webhook", 1, Err("the service answered 500 Internal Server Error: because".to_owned())),
            ("sns", 0, Err("sns is not supported".to_owned())),
        ]
    );
    assert_eq!((good.got().len(), bad.got().len()), (1, 1), "nothing is tried again");
    let got = &good.got()[0];
    let message: Json = serde_json::from_str(got.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    assert_eq!(message["alerts"][0]["labels"]["bellwether_test"], "true");
    assert_eq!(message["alerts"][0]["labels"]["alertname"], "TestAlert");
    // An alert without a name gets one, and keeps what it has.
    let nameless = Alert {
        labels: Labels::from_pairs([("team", "a")]),
        annotations: Labels::empty(),
        starts_at_ms: 0,
        ends_at_ms: None,
        generator_url: String::new(),
    };
    test_receiver(&way_out, "r", Some(nameless), "http://bw", 1_000).await.expect("there");
    let got = &good.got()[1];
    let message: Json = serde_json::from_str(got.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    let labels = serde_json::json!({"alertname": "TestAlert", "team": "a", "bellwether_test": "true"});
    assert_eq!(message["commonLabels"], labels);
    let unknown = test_receiver(&way_out, "nobody", None, "", 0).await.expect_err("not there");
    assert_eq!(unknown.to_string(), "there is no receiver \"nobody\" in the configuration");
}

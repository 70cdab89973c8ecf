//! The router with its memory: what one run knew the next one knows.
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bellwether_alerts::alertmanager::{
    Alertmanager, ChangeSilenceError, NotificationKind, NotificationQuery, NotificationRecord,
    NotificationStatus,
};
use bellwether_alerts::config::{Config, ConfigOptions};
use bellwether_alerts::library::functions;
use bellwether_alerts::matcher::{Matcher, MatcherSyntax};
use bellwether_alerts::message::Templates;
use bellwether_alerts::runner::Surroundings;
use bellwether_alerts::send::{Backoff, FailureReason};
use bellwether_alerts::silence::{Mute, Silence, SilenceError, SilenceId, SilenceSpec};
use bellwether_alerts::time_interval::Recurrence;
use bellwether_model::{Alert, Clock, Labels, ManualClock, SystemClock};
use bellwether_outbound::ClientOptions;
use bellwether_state::StateStore;

use crate::service::Service;

const HOUR_MS: i64 = 3_600_000;

fn config(text: &str) -> Arc<Config> {
    let config = Config::parse("alertmanager.yml", text.as_bytes(), ConfigOptions::default());
    Arc::new(config.unwrap_or_else(|errors| panic!("{errors}")))
}

fn templates() -> Templates {
    Templates::new(functions(Arc::new(SystemClock::new()), "http://bw"), []).expect("they are right")
}

pub(crate) fn start(folder: &Path, text: &str, clock: Arc<dyn Clock>) -> Alertmanager {
    let surroundings = Surroundings {
        clock,
        external_url: "http://bw".to_owned(),
        client: ClientOptions::default(),
        backoff: Backoff { first: Duration::from_millis(1), max: Duration::from_millis(10) },
    };
    let state = StateStore::open(folder).expect("it opens");
    Alertmanager::start(config(text), templates(), state, surroundings).expect("it starts")
}

fn hook(service: &Service) -> String {
    let url = &service.url;
    format!(
        "route: {{receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s}}\n\
         receivers: [{{name: hook, webhook_configs: [{{url: '{url}'}}]}}]\n"
    )
}

fn alert(alertmanager: &Alertmanager, name: &str, ends_in_ms: i64) -> Alert {
    let now_ms = alertmanager.read(|_, now_ms| now_ms);
    Alert {
        labels: Labels::from_pairs([("alertname", name), ("job", "db")]),
        annotations: Labels::from_pairs([("summary", "It is slow.")]),
        starts_at_ms: now_ms,
        ends_at_ms: Some(now_ms + ends_in_ms),
        generator_url: "http://bw/graph".to_owned(),
    }
}

pub(crate) fn matchers(text: &str) -> Vec<Matcher> {
    MatcherSyntax::Utf8.parse(text).expect("valid")
}

fn spec(now_ms: i64) -> SilenceSpec {
    SilenceSpec {
        matchers: matchers("{job=~\"d.\", env!=\"dev\"}"),
        starts_at_ms: now_ms,
        ends_at_ms: now_ms + HOUR_MS,
        created_by: "ann".to_owned(),
        comment: "upgrade".to_owned(),
        annotations: [("ticket".to_owned(), "OPS-1".to_owned())].into(),
        mute: Mute::Firing,
        recurs: Some(Recurrence::parse("[{weekdays: ['monday:friday']}]").expect("valid")),
    }
}

fn silences(alertmanager: &Alertmanager) -> Vec<Silence> {
    alertmanager.read(|router, _| router.silences.iter().cloned().collect())
}

/// The notifications, once there are so many.
async fn notifications(alertmanager: &Alertmanager, n: usize) -> Vec<NotificationRecord> {
    loop {
        let found = alertmanager.notifications(&NotificationQuery::default()).expect("readable").records;
        if found.len() >= n {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn silences_and_alerts_outlive_the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";
    let clock = Arc::new(ManualClock::new(1_700_438_400_000));
    let first = start(folder.path(), text, Arc::clone(&clock) as Arc<dyn Clock>);
    let now_ms = clock.now_ms();
    let id = first.set_silence(None, spec(now_ms)).expect("valid");
    let other = first.set_silence(None, spec(now_ms)).expect("valid");
    first.expire_silence(other).expect("active");
    first.insert(vec![alert(&first, "Slow", 60_000), alert(&first, "Down", 10 * HOUR_MS)]);
    let (want, alerts) =
        (silences(&first), first.read(|router, _| router.alerts().cloned().collect::<Vec<_>>()));
    drop(first);
    clock.advance_ms(HOUR_MS);
    let second = start(folder.path(), text, Arc::clone(&clock) as Arc<dyn Clock>);
    assert_eq!(silences(&second), want);
    let back = second.read(|router, _| router.alerts().cloned().collect::<Vec<_>>());
    assert_eq!(back.len(), 2);
    for (back, before) in back.iter().zip(&alerts) {
        assert_eq!(back.alert.labels, before.alert.labels);
        assert_eq!(back.alert.annotations, before.alert.annotations);
        assert_eq!(back.alert.generator_url, before.alert.generator_url);
        assert!(!back.alert.is_resolved(clock.now_ms()), "its sender could not say more: {back:?}");
    }
    let slow = back.iter().find(|known| known.alert.labels.get("alertname") == Some("Slow")).expect("there");
    assert_eq!(slow.alert.ends_at_ms, Some(clock.now_ms() + 60_000), "as long as it still had");
    second.expire_silence(id).expect("known");
    assert_eq!(silences(&second), want, "it is over by itself");
}

#[tokio::test]
async fn a_silence_that_is_refused_is_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\nbellwether: {silences: {comment: 'OPS-\\d+'}}\n";
    let alertmanager = start(folder.path(), text, Arc::new(SystemClock::new()));
    let now_ms = alertmanager.read(|_, now_ms| now_ms);
    let refused = alertmanager.set_silence(None, spec(now_ms)).expect_err("no ticket");
    assert!(matches!(refused, ChangeSilenceError::Refused(SilenceError::Comment { .. })), "{refused}");
    let unknown = SilenceId::from_random(1);
    let refused = alertmanager.expire_silence(unknown).expect_err("not there");
    assert!(matches!(refused, ChangeSilenceError::Refused(SilenceError::NotFound(_))), "{refused}");
    assert_eq!(silences(&alertmanager), []);
    let no_policy = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";
    alertmanager.set_config(config(no_policy), templates()).expect("it can be used");
    alertmanager.set_silence(None, spec(now_ms)).expect("nobody asks for a ticket any more");
}

#[tokio::test]
async fn what_was_told_is_not_told_again_and_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start(&["200 OK"]).await;
    let first = start(folder.path(), &hook(&service), Arc::new(SystemClock::new()));
    first.insert(vec![alert(&first, "Slow", HOUR_MS)]);
    let told = notifications(&first, 1).await;
    assert_eq!(service.got().len(), 1);
    let told = &told[0];
    assert_eq!((told.receiver.as_str(), told.integration.as_str()), ("hook", "webhook[0]"));
    assert_eq!((told.status, told.attempts, told.error.as_str()), (NotificationStatus::Sent, 1, ""));
    assert_eq!(told.reason, "first notification");
    assert_eq!(told.group_key, "{}:{alertname=\"Slow\"}");
    assert_eq!(told.alerts[0].labels["job"], "db");
    assert!(told.body.contains("It is slow."), "{}", told.body);
    assert!(service.url.starts_with("http://") && !told.url.contains("/hook"), "{}", told.url);
    let status = &first.receivers()[0].integrations[0];
    assert_eq!((status.kind, status.sent, status.failed.len()), ("webhook", 1, 0));
    assert_eq!(status.last_success_ms, Some(told.at_ms));
    drop(first);
    let second = start(folder.path(), &hook(&service), Arc::new(SystemClock::new()));
    let status = &second.receivers()[0].integrations[0];
    assert_eq!((status.sent, status.last_success_ms), (0, Some(told.at_ms)), "the log knows");
    // Another group is told after all that is due at the start.
    second.insert(vec![alert(&second, "Slow", HOUR_MS), alert(&second, "Other", HOUR_MS)]);
    let told = notifications(&second, 2).await;
    let keys: Vec<&str> = told.iter().map(|it| it.group_key.as_str()).collect();
    assert_eq!(keys, ["{}:{alertname=\"Other\"}", "{}:{alertname=\"Slow\"}"]);
    assert_eq!(service.got().len(), 2);
}

#[tokio::test]
async fn a_stop_waits_for_who_is_being_told_but_not_for_who_hangs() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start(&["200 OK"]).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let hanging = Service::at(&listener);
    let text = format!(
        "route: {{receiver: both, group_by: [alertname], group_wait: 0s}}\n\
         receivers: [{{name: both, webhook_configs: [{{url: '{}'}}, {{url: '{}'}}]}}]\n",
        service.url, hanging.url
    );
    let first = start(folder.path(), &text, Arc::new(SystemClock::new()));
    first.insert(vec![alert(&first, "Slow", HOUR_MS)]);
    // It has the message, and whoever sent it may not know that yet.
    service.wait_for(1).await;
    first.stop(Duration::from_millis(200)).await;
    drop(first);
    let second = start(folder.path(), &text, Arc::new(SystemClock::new()));
    // What is due is told to the one that hung, and not to the other; a new group is told to both.
    let (mut stream, _) = listener.accept().await.expect("the first run");
    let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1]).await;
    listener.accept().await.expect("told again");
    second.insert(vec![alert(&second, "Other", HOUR_MS)]);
    let got = service.wait_for(2).await;
    assert!(got[1].contains("Other"), "{got:?}");
}

#[tokio::test]
async fn what_failed_is_found_by_its_status() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start(&["400 Bad Request"]).await;
    let alertmanager = start(folder.path(), &hook(&service), Arc::new(SystemClock::new()));
    alertmanager.insert(vec![alert(&alertmanager, "Slow", HOUR_MS)]);
    notifications(&alertmanager, 1).await;
    let find = |status| {
        let query = NotificationQuery { status: Some(status), ..NotificationQuery::default() };
        alertmanager.notifications(&query).expect("readable").records
    };
    assert_eq!(find(NotificationStatus::Sent), []);
    let failed = find(NotificationStatus::Failed);
    assert!(failed[0].error.contains("400 Bad Request: because"), "{}", failed[0].error);
    let status = &alertmanager.receivers()[0].integrations[0];
    assert!(
        status.failed[&FailureReason::ClientError] >= 1 && status.last_error.contains("400"),
        "{status:?}"
    );
}

#[tokio::test]
async fn the_others_learn_that_a_receiver_fails_and_that_it_does_not_any_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let failing = Service::start(&["400 Bad Request", "400 Bad Request", "200 OK"]).await;
    let other = Service::start(&["200 OK"]).await;
    // Another way to the same receiver that goes well says nothing about the one that fails.
    let beside = Service::start(&["200 OK"]).await;
    let text = format!(
        "route: {{receiver: pager, group_by: [alertname], group_wait: 0s, group_interval: 50ms}}\n\
         receivers:\n- {{name: pager, webhook_configs: [{{url: '{}'}}, {{url: '{}'}}]}}\n- {{name: chat, webhook_configs: [{{url: '{}'}}]}}\n",
        failing.url, beside.url, other.url
    );
    let alertmanager = start(folder.path(), &text, Arc::new(SystemClock::new()));
    alertmanager.insert(vec![alert(&alertmanager, "Slow", HOUR_MS)]);
    let got = other.wait_for(2).await;
    let told: Vec<(String, String, String)> = got
        .iter()
        .map(|request| {
            let (_, body) = request.split_once("\r\n\r\n").expect("a body");
            let message: serde_json::Value = serde_json::from_str(body).expect("JSON");
            let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
            let alert = &message["alerts"][0];
            assert!(text(&alert["annotations"]["description"]).contains("400 Bad Request"), "{alert}");
            (
                text(&message["status"]),
                text(&alert["labels"]["alertname"]),
                text(&alert["labels"]["receiver"]),
            )
        })
        .collect();
    let want = |status: &str| (status.to_owned(), "NotificationsFailing".to_owned(), "pager".to_owned());
    assert_eq!(told, [want("firing"), want("resolved")], "once, though it failed twice");
    assert_eq!(failing.got().len(), 3);
}

#[tokio::test]
async fn another_run_knows_what_the_others_were_told_of_a_receiver() {
    let folder = tempfile::tempdir().expect("a folder");
    let failing = Service::start(&["400 Bad Request"]).await;
    let other = Service::start(&["200 OK"]).await;
    let text = |pager: &Service| {
        format!(
            "route: {{receiver: pager, group_by: [alertname], group_wait: 0s, group_interval: 50ms}}\n\
             receivers:\n- {{name: pager, webhook_configs: [{{url: '{}'}}]}}\n- {{name: chat, webhook_configs: [{{url: '{}'}}]}}\n",
            pager.url, other.url
        )
    };
    let first = start(folder.path(), &text(&failing), Arc::new(SystemClock::new()));
    first.insert(vec![alert(&first, "Slow", HOUR_MS)]);
    other.wait_for(1).await;
    first.stop(Duration::from_secs(5)).await;
    drop(first);
    let second = start(folder.path(), &text(&failing), Arc::new(SystemClock::new()));
    let failures = failing.got().len();
    failing.wait_for(failures + 1).await;
    second.stop(Duration::from_secs(5)).await;
    drop(second);
    assert_eq!(other.got().len(), 1, "that was told less than an hour ago");
    let well = Service::start(&["200 OK"]).await;
    let _third = start(folder.path(), &text(&well), Arc::new(SystemClock::new()));
    let got = other.wait_for(2).await;
    assert!(got[1].contains("\"status\":\"resolved\"") && got[1].contains("NotificationsFailing"), "{got:?}");
}

#[tokio::test]
async fn who_hangs_refuses_or_fails_delays_nobody_and_is_told_in_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let hanging = Service::at(&listener);
    let refusing = Service::at(&tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port"));
    let failing = Service::start(&["500 Oops", "500 Oops", "500 Oops", "200 OK"]).await;
    let well = Service::start(&["200 OK"]).await;
    let services = [("hangs", &hanging), ("refuses", &refusing), ("fails", &failing), ("well", &well)];
    let mut text = "route:\n  receiver: well\n  group_by: [alertname]\n  group_wait: 0s\n  group_interval: 1s\n  routes:\n".to_owned();
    for (name, _) in services {
        writeln!(text, "  - {{receiver: {name}, continue: true}}").expect("a string");
    }
    text.push_str("bellwether: {tell_failures: false}\nreceivers:\n");
    for (name, service) in services {
        writeln!(text, "- {{name: {name}, webhook_configs: [{{url: '{}'}}]}}", service.url)
            .expect("a string");
    }
    let alertmanager = start(folder.path(), &text, Arc::new(SystemClock::new()));
    for n in 0..20 {
        alertmanager.insert(vec![alert(&alertmanager, &format!("Slow{n}"), HOUR_MS)]);
        well.wait_for(n + 1).await;
    }
    // The one that fails is told of all that it missed, the others are still tried.
    while failing.got().len() < 23 {
        tokio::task::yield_now().await;
    }
    let find = |name: &str, status| {
        let query = NotificationQuery {
            receiver: Some(name.to_owned()),
            status: Some(status),
            ..NotificationQuery::default()
        };
        alertmanager.notifications(&query).expect("readable").records
    };
    while find("fails", NotificationStatus::Sent).len() < 20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(well.got().len(), 20, "nobody is told twice");
    // The others are still being tried.
    for name in ["hangs", "refuses"] {
        assert_eq!(find(name, NotificationStatus::Sent), []);
    }
}

#[tokio::test]
async fn the_others_learn_that_a_receiver_that_failed_is_gone() {
    let (failing, other) = (Service::start(&["400 Bad Request"]).await, Service::start(&["200 OK"]).await);
    let folder = tempfile::tempdir().expect("a folder");
    let other_only = format!(
        "route: {{receiver: other, group_by: [alertname], group_wait: 0s, group_interval: 1s}}\nreceivers:\n\
         - {{name: other, webhook_configs: [{{url: '{}'}}]}}\n",
        other.url
    );
    let both = format!("{}- {{name: fails, webhook_configs: [{{url: '{}'}}]}}\n", other_only, failing.url)
        .replace("receiver: other", "receiver: fails");
    let router = start(folder.path(), &both, Arc::new(SystemClock::new()));
    router.insert(vec![alert(&router, "Slow", HOUR_MS)]);
    assert!(other.wait_for(1).await[0].contains("NotificationsFailing"));
    router.set_config(config(&other_only), templates()).expect("it can be used");
    let is_over =
        |text: &&String| text.contains("NotificationsFailing") && text.contains("\"status\":\"resolved\"");
    let mut n = 2;
    // The alert itself is told as well.
    while !other.wait_for(n).await.iter().any(|text| is_over(&text)) {
        n += 1;
    }
}

#[tokio::test]
async fn who_sent_a_test_message_by_hand_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start(&["200 OK", "400 Bad Request"]).await;
    let alertmanager = start(folder.path(), &hook(&service), Arc::new(SystemClock::new()));
    let find = |kind| NotificationQuery { kind: Some(kind), ..NotificationQuery::default() };
    for n in 1..=2 {
        alertmanager.test_receiver("hook", None, "192.0.2.7").await.expect("there");
        notifications(&alertmanager, n).await;
    }
    let tests = alertmanager.notifications(&find(NotificationKind::Test)).expect("readable").records;
    let shown: Vec<_> = tests
        .iter()
        .map(|it| (it.asked_by.as_str(), it.integration.as_str(), it.status, it.error.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (
                "192.0.2.7",
                "webhook[0]",
                NotificationStatus::Failed,
                "the service answered 400 Bad Request: because"
            ),
            ("192.0.2.7", "webhook[0]", NotificationStatus::Sent, ""),
        ]
    );
    assert!(tests[0].body.contains("bellwether_test") && tests[0].reason.contains("192.0.2.7"), "{tests:?}");
    assert_eq!(tests[0].alerts[0].labels["alertname"], "TestAlert");
    assert_eq!(alertmanager.notifications(&find(NotificationKind::Alert)).expect("readable").records, []);
    drop(alertmanager);
    // Another run does not take it for news of how alerts are told.
    let second = start(folder.path(), &hook(&service), Arc::new(SystemClock::new()));
    assert_eq!(second.receivers()[0].integrations[0].last_success_ms, None);
    assert!(second.test_receiver("nobody", None, "192.0.2.7").await.is_err());
}

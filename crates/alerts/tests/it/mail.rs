//! Mails, as a mail server takes them and a mail client shows them.
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bellwether_alerts::config::{Config, ConfigOptions};
use bellwether_alerts::dedup::Reason;
use bellwether_alerts::library::functions;
use bellwether_alerts::message::{Notification, Templates, messages};
use bellwether_alerts::notification::{Data, Kv};
use bellwether_alerts::send::{Backoff, Sender, Sent};
use bellwether_model::{Alert, Clock as _, Labels, ManualClock};
use bellwether_outbound::ClientOptions;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::mail_server::{MailServer, PASSWORD, Plan, Tls, USER};

/// Noon, so that it is the same day nearly everywhere.
const NOON_MS: i64 = 1_700_049_600_000;
const DAY_MS: i64 = 86_400_000;
const PLAIN: Plan = Plan { tls: Tls::Never, auth: "", answers: &[] };
const SECURE: Plan = Plan { tls: Tls::Start, auth: "PLAIN LOGIN", answers: &[] };

/// One receiver of mails.
struct Mailer {
    config: Config,
    clock: Arc<ManualClock>,
    sender: Sender,
}

impl Mailer {
    /// `fields` are those of the section beside sender, recipient and server.
    fn new(port: u16, fields: &str) -> Self {
        let yaml = format!(
            "route: {{receiver: r}}\nreceivers: [{{name: r, email_configs: [{{to: 'ann@bw.test, Bob Ä <bob@bw.test>', from: 'Bell <alerts@bw.test>', hello: bw.test, smarthost: '127.0.0.1:{port}', {fields}}}]}}]"
        );
        let config = Config::parse("alertmanager.yml", yaml.as_bytes(), ConfigOptions::default());
        let config = config.unwrap_or_else(|errors| panic!("{errors}\n{yaml}"));
        let clock = Arc::new(ManualClock::new(NOON_MS));
        let options = ClientOptions { clock: Arc::clone(&clock) as Arc<_>, ..ClientOptions::default() };
        let backoff = Backoff { first: Duration::from_millis(1), max: Duration::from_millis(4) };
        let sender = Sender::new(&config.receivers[0].integrations[0], &options, backoff).expect("a sender");
        Self { config, clock, sender }
    }

    /// Tells of an alert with this job.
    async fn tell(&self, job: &str) -> Result<Sent, String> {
        let labels = [("alertname", "Slow"), ("job", job)];
        let alert = Alert {
            labels: Labels::from_pairs(labels),
            annotations: Labels::from_pairs([("summary", "p99 > 1 s — zu hoch")]),
            starts_at_ms: NOON_MS,
            ends_at_ms: None,
            generator_url: "http://bw/graph".to_owned(),
        };
        let group = Kv(labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        let functions = functions(Arc::clone(&self.clock) as Arc<_>, "http://bw");
        let templates = Templates::new(functions, []).expect("they are right");
        let notification = Notification {
            data: Arc::new(Data::new("r", group, &[alert], "http://bw", NOON_MS)),
            group_key: "{}:{alertname=\"Slow\"}",
            idempotency_key: &format!("news.{}", self.clock.now_ms()),
            reason: Reason::FirstNotification,
            templates: &templates,
            posted: None,
        };
        let messages =
            messages(&self.config.receivers[0].integrations[0], &notification).expect("it can be made");
        let deadline = Instant::now() + Duration::from_mins(1);
        let place = self.sender.enter(0, deadline).await.expect("there is room");
        self.sender.send(&messages, place, deadline, || 0.5).await.map_err(|error| error.to_string())
    }
}

/// Fields for a server over TLS whose certificate is for another name.
fn trusting(server: &MailServer, more: &str) -> String {
    let authority = server.authority.replace('\n', "\\n");
    format!("tls_config: {{ca: \"{authority}\", server_name: mx.test}}, {more}")
}

/// A mail as Python's library for mails reads it.
fn read_by_client(mail: &str) -> Json {
    const CLIENT: &str = "
import email, email.policy, json, sys
mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
parts = [part for part in mail.walk() if not part.is_multipart()]
json.dump({
    'headers': [[name, str(value)] for name, value in mail.items()],
    'to': [[a.display_name, a.addr_spec] for a in mail['to'].addresses],
    'type': mail.get_content_type(),
    'date': mail['date'].datetime.timestamp(),
    'parts': [[part.get_content_type(), part.get_content()] for part in parts],
    'defects': [str(defect) for part in mail.walk() for defect in part.defects],
}, sys.stdout)";
    let mut python = Command::new("python3")
        .args(["-c", CLIENT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python is there");
    python.stdin.take().expect("piped").write_all(mail.as_bytes()).expect("it reads");
    let output = python.wait_with_output().expect("it ends");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn header<'m>(mail: &'m Json, name: &str) -> Vec<&'m str> {
    let headers = mail["headers"].as_array().expect("a list").iter();
    headers.filter(|header| header[0] == name).filter_map(|header| header[1].as_str()).collect()
}

#[tokio::test]
async fn a_mail_over_starttls_as_a_client_shows_it() {
    let server = MailServer::start(SECURE).await;
    let fields = trusting(
        &server,
        "auth_username: bell, auth_password: hunter2, text: 'job {{ .CommonLabels.job }}: {{ .CommonAnnotations.summary }}', html: '<b>{{ .CommonLabels.job }}</b>', headers: {Subject: 'Störung: {{ .CommonLabels.alertname }}', X-Team: core}",
    );
    let mailer = Mailer::new(server.port, &fields);
    mailer.tell("a&b").await.expect("it is taken");
    let had = &server.wait_for(1).await[0];
    assert_eq!(
        had.commands,
        [
            "EHLO bw.test",
            "STARTTLS",
            "EHLO bw.test",
            "AUTH PLAIN *",
            "MAIL FROM:<alerts@bw.test>",
            "RCPT TO:<ann@bw.test>",
            "RCPT TO:<bob@bw.test>",
            "DATA",
            "QUIT",
        ]
    );
    let mail = read_by_client(&had.mails[0]);
    assert_eq!(mail["defects"], json!([]));
    assert_eq!(mail["type"], "multipart/alternative");
    assert_eq!(
        mail["parts"],
        json!([["text/plain", "job a&b: p99 > 1 s — zu hoch"], ["text/html", "<b>a&amp;b</b>"]])
    );
    assert_eq!(header(&mail, "Subject"), ["Störung: Slow"]);
    assert_eq!(header(&mail, "X-Team"), ["core"]);
    assert_eq!(header(&mail, "From"), ["Bell <alerts@bw.test>"]);
    assert_eq!(mail["to"], json!([["", "ann@bw.test"], ["Bob Ä", "bob@bw.test"]]));
    assert_eq!(mail["date"], json!(NOON_MS as f64 / 1000.0));
    let id = header(&mail, "Message-ID")[0];
    assert_eq!(
        id,
        format!("<news.{NOON_MS}@bw.test>"),
        "the same mail has the same name, should it come twice"
    );
    assert!(header(&mail, "References").is_empty(), "no thread unless it is wanted");
}

#[tokio::test]
async fn what_is_there_by_default_is_a_page() {
    let server = MailServer::start(PLAIN).await;
    Mailer::new(server.port, "require_tls: false").tell("<script>").await.expect("it is taken");
    let mail = read_by_client(&server.wait_for(1).await[0].mails[0]);
    assert_eq!((&mail["type"], &mail["defects"]), (&json!("text/html"), &json!([])));
    assert_eq!(header(&mail, "Subject"), ["[FIRING:1] Slow <script>"]);
    let page = mail["parts"][0][1].as_str().expect("text");
    assert!(page.contains("<b>job</b> = &lt;script&gt;<br>") && page.contains("zu hoch"), "{page}");
}

#[tokio::test]
async fn tls_from_the_beginning() {
    let server = MailServer::start(Plan { tls: Tls::Implicit, ..SECURE }).await;
    let fields = trusting(&server, "force_implicit_tls: true, auth_username: bell, auth_password: hunter2");
    Mailer::new(server.port, &fields).tell("a").await.expect("it is taken");
    let had = &server.wait_for(1).await[0];
    assert_eq!(had.commands[..2], ["EHLO bw.test", "AUTH PLAIN *"]);
    assert_eq!(had.mails.len(), 1);
}

#[tokio::test]
async fn nothing_is_told_without_the_tls_that_is_required() {
    let server = MailServer::start(PLAIN).await;
    let error = Mailer::new(server.port, "html: x").tell("a").await.expect_err("it must not be sent");
    assert!(error.starts_with("1 attempts, the last one: require_tls is true"), "{error}");
    let had = server.wait_for(1).await;
    assert_eq!(had[0].commands, ["EHLO bw.test"]);
    // A certificate that nobody vouches for is no better, but may be exchanged until the next attempt.
    let server = MailServer::start(SECURE).await;
    let mailer = Mailer::new(server.port, "timeout: 5s");
    let attempt = tokio::time::timeout(Duration::from_secs(5), mailer.tell("a"));
    let had = async {
        server.wait_for(2).await;
    };
    tokio::select! {
        told = attempt => panic!("it gave up, or was taken: {told:?}"),
        () = had => {}
    }
    assert_eq!(server.wait_for(2).await[0].commands, ["EHLO bw.test", "STARTTLS"]);
}

#[tokio::test]
async fn every_mechanism_with_secrets_from_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    for (auth, field, identity) in [
        ("PLAIN LOGIN", "auth_password_file", ""),
        ("PLAIN", "auth_password_file", "auth_identity: boss,"),
        ("LOGIN", "auth_password_file", ""),
        ("CRAM-MD5", "auth_secret_file", ""),
        // Who has both uses what the server offers.
        ("CRAM-MD5", "auth_password: unused, auth_secret_file", ""),
        ("PLAIN", "auth_secret: unused, auth_password_file", ""),
    ] {
        std::fs::write(&file, "wrong\n").expect("it can be written");
        let server = MailServer::start(Plan { auth, ..SECURE }).await;
        let fields =
            trusting(&server, &format!("auth_username: {USER}, {identity} {field}: {}", file.display()));
        let mailer = Mailer::new(server.port, &fields);
        let error = mailer.tell("a").await.expect_err("the password is wrong");
        assert!(error.contains("535") && error.starts_with("1 attempts"), "{auth}: {error}");
        assert!(!error.contains("wrong"), "{error}");
        // Somebody corrects the file, and nobody reloads anything.
        std::fs::write(&file, format!("{PASSWORD}\n")).expect("it can be written");
        mailer.tell("a").await.unwrap_or_else(|error| panic!("{auth}: {error}"));
        let first = auth.split(' ').next().expect("one");
        let had = &server.wait_for(2).await[1];
        assert!(had.commands.iter().any(|it| it.starts_with(&format!("AUTH {first}"))), "{:?}", had.commands);
        assert_eq!(had.mails.len(), 1);
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_does_not_is_not() {
    let again = |answers| MailServer::start(Plan { answers, ..PLAIN });
    for answers in [
        &[("greeting", "421 too busy")],
        &[("MAIL", "452 no room")],
        &[("RCPT", "450 greylisted")],
        &[("DATA", "451 later")],
    ] {
        let server = again(answers).await;
        let sent = Mailer::new(server.port, "require_tls: false").tell("a").await;
        assert_eq!(sent.expect("taken at last").attempts, 2, "{answers:?}");
        let mails: usize = server.wait_for(2).await.iter().map(|it| it.mails.len()).sum();
        assert_eq!(mails, 1, "{answers:?}");
    }
    for answers in [&[("MAIL", "550 not you")], &[("RCPT", "550 no such user")], &[("DATA", "554 spam")]] {
        let server = again(answers).await;
        let error = Mailer::new(server.port, "require_tls: false").tell("a").await.expect_err("refused");
        assert!(error.starts_with("1 attempts") && error.contains(&answers[0].1[4..]), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_silent_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let mailer = Mailer::new(port, "timeout: 20ms");
    let silent = async {
        // It is tried again, with another connection.
        let _first = listener.accept().await.expect("a connection");
        listener.accept().await.expect("a connection")
    };
    tokio::select! {
        told = mailer.tell("a") => panic!("it gave up, or was taken: {told:?}"),
        _ = silent => {}
    }
}

#[tokio::test]
async fn what_alerts_say_makes_no_headers() {
    let server = MailServer::start(PLAIN).await;
    Mailer::new(server.port, "require_tls: false").tell("a\r\nBcc: eve@bw.test").await.expect("it is taken");
    let had = &server.wait_for(1).await[0];
    let mail = read_by_client(&had.mails[0]);
    assert!(header(&mail, "Bcc").is_empty(), "{mail}");
    assert_eq!(header(&mail, "Subject"), ["[FIRING:1] Slow a  Bcc: eve@bw.test"]);
    assert!(had.commands.iter().all(|command| !command.contains("eve")), "{:?}", had.commands);
}

#[tokio::test]
async fn mails_of_a_group_follow_each_other() {
    let server = MailServer::start(PLAIN).await;
    let mut threads = Vec::new();
    for (n, by_date) in ["daily", "none"].into_iter().enumerate() {
        let fields = format!("require_tls: false, threading: {{enabled: true, thread_by_date: {by_date}}}");
        let mailer = Mailer::new(server.port, &fields);
        for day in 0..3 {
            mailer.clock.jump_to_ms(NOON_MS + [0, 60_000, DAY_MS][day]);
            mailer.tell("a").await.expect("it is taken");
            let mail = read_by_client(&server.wait_for(n * 3 + day + 1).await[n * 3 + day].mails[0]);
            assert_eq!(header(&mail, "References"), header(&mail, "In-Reply-To"));
            threads
                .push((header(&mail, "References")[0].to_owned(), header(&mail, "Message-ID")[0].to_owned()));
        }
    }
    let same = |a: usize, b: usize| threads[a].0 == threads[b].0;
    assert!(same(0, 1) && !same(0, 2), "a thread for each day: {threads:?}");
    assert!(same(3, 4) && same(3, 5), "one thread for ever: {threads:?}");
    assert!(threads[0].0.contains("2023-11-15"), "{threads:?}");
    assert_ne!(threads[0].1, threads[1].1, "other mails have other names");
}

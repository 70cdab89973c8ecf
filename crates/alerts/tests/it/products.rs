//! Each service as its documentation describes it: it takes what is right, refuses what is not, and now and then is not well.
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bellwether_alerts::config::{Config, ConfigOptions};
use bellwether_alerts::dedup::Reason;
use bellwether_alerts::library::functions;
use bellwether_alerts::message::{Notification, Posted, Templates};
use bellwether_alerts::notification::{Data, Kv};
use bellwether_alerts::send::Backoff;
use bellwether_alerts::way_out::{Told, WayOut};
use bellwether_model::{Alert, Labels, ManualClock};
use bellwether_outbound::ClientOptions;
use serde_json::Value as Json;
use tokio::time::Instant;

use crate::product_rules::{self as rules, Rule};
use crate::service::{Answer, Service};

const NOW_MS: i64 = 1_700_000_000_000;

/// A service: how the receiver is written, with `URL` for where the service is; what is right; and how it says that it took a message.
struct Product {
    name: &'static str,
    section: &'static str,
    rule: Rule,
    taken: (&'static str, &'static str),
}

const PRODUCTS: [Product; 11] = [
    Product {
        name: "webhook",
        section: "webhook_configs: [{url: 'URL/hook'}]",
        rule: rules::webhook,
        taken: ("200 OK", ""),
    },
    Product {
        name: "webhook with a payload",
        section: "webhook_configs: [{url: 'URL/hook', payload: {version: '4', groupKey: x, status: firing, receiver: team, alerts: '{{ toJson .Alerts }}'}}]",
        rule: rules::webhook,
        taken: ("204 No Content", ""),
    },
    Product {
        name: "http",
        section: "http_configs: [{url: 'URL/any', method: PUT}]",
        rule: rules::any_json,
        taken: ("201 Created", ""),
    },
    Product {
        name: "slack hook",
        section: "slack_configs: [{api_url: 'URL/services/T0/B0/XXX', send_resolved: true, channel: '#ops', text: LIST, fields: [{title: n, value: LIST}], actions: [{type: button, text: Look, url: 'http://bw'}]}]",
        rule: rules::slack_hook,
        taken: ("200 OK", "ok"),
    },
    Product {
        name: "slack bot",
        section: "slack_configs: [{app_token: xoxb-1-2, app_url: 'URL/api/chat.postMessage', send_resolved: true, channel: '#ops', text: LIST, update_message: true}]",
        rule: rules::slack_method,
        taken: ("200 OK", r#"{"ok":true,"channel":"C012AB3CD","ts":"1503435956.000247"}"#),
    },
    Product {
        name: "pagerduty",
        section: "pagerduty_configs: [{routing_key: 0123456789abcdef0123456789abcdef, url: 'URL/v2/enqueue', severity: '{{ .CommonLabels.severity }}', description: '{{ .CommonAnnotations.summary }} LONG'}]",
        rule: rules::pagerduty,
        taken: ("202 Accepted", r#"{"status":"success"}"#),
    },
    Product {
        name: "opsgenie",
        section: "opsgenie_configs: [{api_key: eb243592-faa2-4ba2-a551q-1afdf565c889, api_url: 'URL/', update_alerts: true, tags: 'a,b,LONG', priority: P2, entity: LONG, note: LONG, details: {all: LONG}, responders: [{name: ops, type: team}]}]",
        rule: rules::opsgenie,
        taken: ("202 Accepted", r#"{"result":"Request will be processed"}"#),
    },
    Product {
        name: "msteams",
        section: "msteams_configs: [{webhook_url: 'URL/webhookb2/x'}]",
        rule: rules::teams_connector,
        taken: ("200 OK", "1"),
    },
    Product {
        name: "msteamsv2",
        section: "msteamsv2_configs: [{webhook_url: 'URL/workflows/x'}]",
        rule: rules::teams_workflow,
        taken: ("202 Accepted", ""),
    },
    Product {
        name: "discord",
        section: "discord_configs: [{webhook_url: 'URL/api/webhooks/1/x', content: LIST, username: Bell}]",
        rule: rules::discord,
        taken: ("204 No Content", ""),
    },
    Product {
        name: "telegram",
        section: "telegram_configs: [{bot_token: '123:abc', chat_id: -100123, api_url: 'URL', message: '<b>{{ .Status }}</b> <i>LIST</i>'}]",
        rule: rules::telegram,
        taken: ("200 OK", r#"{"ok":true,"result":{"message_id":7}}"#),
    },
];

fn alert(n: usize, resolved: bool) -> Alert {
    let job = format!("job-{n}");
    Alert {
        labels: Labels::from_pairs([("alertname", "Slow"), ("job", job.as_str()), ("severity", "Critical")]),
        annotations: Labels::from_pairs([("summary", "p99 is <high> & \"rising\" 'now' \\ \n\t😀")]),
        starts_at_ms: NOW_MS - 60_000,
        ends_at_ms: resolved.then_some(NOW_MS - 1_000),
        generator_url: "http://bw/graph?g0.expr=a%3Cb&x=1".to_owned(),
    }
}

impl Product {
    /// What comes of telling the service, which does one after the other what it is told, and then takes what is right.
    async fn tell(
        &self,
        before: Vec<Answer>,
        alerts: &[Alert],
        posted: Option<Posted>,
    ) -> (Told, Vec<String>) {
        let (rule, (status, body)) = (self.rule, self.taken);
        let mut before = before.into_iter();
        let service = Service::start_with(move |_, request| {
            // A request is right however the service feels.
            match rule(&Request::parse(request)) {
                Ok(()) => before.next().unwrap_or_else(|| Answer::Say(status.to_owned(), body.to_owned())),
                Err(error) => Answer::Say("400 Bad Request".to_owned(), error),
            }
        })
        .await;
        let base = service.url.strip_suffix("/hook/secret").expect("it ends so");
        let list = "'{{ range .Alerts }}{{ .Labels.job }}: {{ .Annotations.summary }} {{ end }}'";
        let section = self.section.replace(
            "'<b>{{ .Status }}</b> <i>LIST</i>'",
            &format!("'<b>{{{{ .Status }}}}</b> <i>{}</i>'", list.trim_matches('\'')),
        );
        let long = "long ".repeat(if alerts.len() > 1 { 6000 } else { 1 });
        let section = section.replace("LIST", list).replace("URL", base).replace("LONG", long.trim());
        // A service that hangs is not waited for long.
        let section = section.replacen('{', "{timeout: 2s, ", 1);
        let yaml = format!("route: {{receiver: team}}\nreceivers:\n- name: team\n  {section}");
        let config = Config::parse("alertmanager.yml", yaml.as_bytes(), ConfigOptions::default());
        let config = config.unwrap_or_else(|errors| panic!("{}: {errors}", self.name));
        let functions = functions(Arc::new(ManualClock::new(NOW_MS)), "http://bw");
        let templates = Templates::new(functions, []).expect("they are right");
        let backoff = Backoff { first: Duration::from_millis(1), max: Duration::from_millis(4) };
        let way_out = WayOut::new(&config, templates, &ClientOptions::default(), backoff).expect("senders");
        let group = Kv([("alertname".to_owned(), "Slow".to_owned())].into());
        let notification = Notification {
            data: Arc::new(Data::new("team", group, alerts, "http://bw", NOW_MS)),
            group_key: "{}:{alertname=\"Slow\"}",
            idempotency_key: "news",
            reason: Reason::NewAlerts,
            templates: way_out.templates(),
            posted,
        };
        let deadline = Instant::now() + Duration::from_mins(1);
        let (id, _) = config.receivers[0].integrations_by_id().next().expect("there is one");
        let told = way_out.tell(("team", &id), &notification, NOW_MS, deadline, || 0.5).await;
        (told, service.got())
    }

    fn expect(&self, told: &Told) {
        if let Err(error) = &told.result {
            panic!("{}: {error}", self.name);
        }
    }
}

/// A request as a service reads it.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    head: String,
    pub(crate) body: String,
}

impl Request {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut first = head.split(' ');
        let mut next = || first.next().unwrap_or("").to_owned();
        Self { method: next(), path: next(), head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let line = self
            .head
            .lines()
            .find(|line| line.split_once(':').is_some_and(|(there, _)| there.eq_ignore_ascii_case(name)));
        line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
    }

    pub(crate) fn json(&self) -> Result<Json, String> {
        if !self.header("content-type").starts_with("application/json") {
            return Err("not application/json".to_owned());
        }
        serde_json::from_str(&self.body).map_err(|error| error.to_string())
    }
}

#[tokio::test]
async fn what_fires_and_what_is_over_is_taken() {
    for product in &PRODUCTS {
        for resolved in [false, true] {
            let (told, got) = product.tell(Vec::new(), &[alert(1, resolved)], None).await;
            product.expect(&told);
            assert_eq!(told.attempts as usize, got.len(), "{}", product.name);
        }
    }
}

#[tokio::test]
async fn services_that_are_not_well_get_the_same_message_again() {
    let at_once = PRODUCTS.iter().map(async |product| {
        let say = |status: &str| Answer::Say(status.to_owned(), String::new());
        let ill = vec![
            say("429 Too Many Requests\r\nretry-after: 0"),
            say("500 Oops"),
            Answer::Close,
            Answer::Hang,
        ];
        let (told, got) = product.tell(ill, &[alert(1, true)], None).await;
        product.expect(&told);
        assert_eq!((told.attempts, got.len()), (5, 5), "{}", product.name);
        assert!(got.iter().all(|request| *request == got[0]), "{}: {got:?}", product.name);
    });
    futures_util::future::join_all(at_once).await;
}

#[tokio::test]
async fn who_asks_to_be_left_alone_is() {
    for product in &PRODUCTS {
        let busy = Answer::Say("429 Too Many Requests\r\nretry-after: 3600".to_owned(), String::new());
        let (told, got) = product.tell(vec![busy], &[alert(1, false)], None).await;
        let error = told.result.expect_err("not before an hour").to_string();
        assert!(error.contains("429"), "{}: {error}", product.name);
        assert_eq!(got.len(), 1, "{}", product.name);
    }
}

#[tokio::test]
async fn what_is_refused_is_not_sent_again_and_no_secret_is_told() {
    for product in &PRODUCTS {
        let refused = Answer::Say(
            "403 Forbidden".to_owned(),
            "bad /services/T0/B0/XXX xoxb-1-2 0123456789abcdef0123456789abcdef eb243592-faa2-4ba2-a551q-1afdf565c889 /webhookb2/x /workflows/x /api/webhooks/1/x /bot123:abc/sendMessage".to_owned(),
        );
        let (told, got) = product.tell(vec![refused], &[alert(1, false)], None).await;
        let error = told.result.expect_err("refused").to_string();
        assert!(error.contains("403 Forbidden: bad "), "{}: {error}", product.name);
        assert_eq!(got.len(), 1, "{}", product.name);
        let mut shown = error;
        for message in &told.messages {
            write!(shown, " {} {}", message.shown_url(), message.shown_body()).expect("it can be written");
        }
        let secrets = match product.name {
            "slack hook" => "/services/T0/B0/XXX",
            "slack bot" => "xoxb-1-2",
            "pagerduty" => "0123456789abcdef0123456789abcdef",
            "opsgenie" => "eb243592-faa2-4ba2-a551q-1afdf565c889",
            "msteams" => "/webhookb2/x",
            "msteamsv2" => "/workflows/x",
            "discord" => "/api/webhooks/1/x",
            "telegram" => "123:abc",
            _ => continue,
        };
        assert!(!shown.contains(secrets), "{}: {shown}", product.name);
    }
}

#[tokio::test]
async fn more_than_a_service_takes_is_cut_and_told() {
    let many: Vec<Alert> = (0..3000).map(|n| alert(n, false)).collect();
    for product in &PRODUCTS {
        let (told, got) = product.tell(Vec::new(), &many, None).await;
        product.expect(&told);
        let says_so = match product.name {
            // They take messages of any size.
            "webhook" | "webhook with a payload" | "http" => continue,
            "pagerduty" => "the details were too large",
            _ => " more characters",
        };
        assert!(got.iter().any(|request| request.contains(says_so)), "{}", product.name);
    }
}

#[tokio::test]
async fn more_alerts_than_templates_may_go_through_are_told_of_and_not_lost() {
    // What is over comes first.
    let mut many: Vec<Alert> = (0..12_000).map(|n| alert(n, true)).collect();
    many.push(alert(12_001, false));
    let discord = Product {
        section: "discord_configs: [{webhook_url: 'URL/api/webhooks/1/x', message: '{{ range .Alerts }}{{ range .Labels.SortedPairs }}{{ if eq .Value \"job-12001\" }}{{ .Value }}{{ end }}{{ end }}{{ end }}'}]",
        ..PRODUCTS[9]
    };
    let (told, got) = discord.tell(Vec::new(), &many, None).await;
    discord.expect(&told);
    let body: Json = serde_json::from_str(&Request::parse(&got[0]).body).expect("JSON");
    let text = body["embeds"][0]["description"].as_str().expect("a text");
    assert!(text.starts_with("job-12001\n… ") && text.ends_with(" more alerts"), "{text}");
}

#[tokio::test]
async fn slack_is_asked_to_change_a_message_and_told_anew_if_that_is_gone() {
    let bot = &PRODUCTS[4];
    let (told, got) = bot.tell(Vec::new(), &[alert(1, false)], None).await;
    let posted = told.result.expect("taken").expect("the service names it");
    assert_eq!((posted.channel.as_str(), posted.id.as_str()), ("C012AB3CD", "1503435956.000247"));
    assert!(got[0].starts_with("POST /api/chat.postMessage "), "{}", got[0]);

    let (told, got) = bot.tell(Vec::new(), &[alert(1, false), alert(2, false)], Some(posted.clone())).await;
    assert_eq!(told.result.expect("taken"), Some(posted.clone()), "the same message");
    assert!(
        got[0].starts_with("POST /api/chat.update ") && got[0].contains("\"ts\":\"1503435956.000247\""),
        "{}",
        got[0]
    );

    let (told, _) = bot.tell(Vec::new(), &[alert(1, true)], Some(posted.clone())).await;
    assert_eq!(told.result.expect("taken"), None, "what fires after is told anew");

    let gone = Answer::Say("200 OK".to_owned(), r#"{"ok":false,"error":"message_not_found"}"#.to_owned());
    let old = Posted { id: "1.0".to_owned(), ..posted.clone() };
    let (told, got) = bot.tell(vec![gone], &[alert(1, false)], Some(old)).await;
    assert_eq!(told.result.expect("taken"), Some(posted), "another message");
    assert!(got[1].starts_with("POST /api/chat.postMessage "), "{}", got[1]);
}

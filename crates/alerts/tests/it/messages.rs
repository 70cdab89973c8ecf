//! Each service gets what its documentation asks for.
use std::sync::Arc;

use bellwether_alerts::config::{Config, ConfigOptions};
use bellwether_alerts::dedup::Reason;
use bellwether_alerts::library::functions;
use bellwether_alerts::message::{Call, Message, MessageError, Notification, Posted, Templates, messages};
use bellwether_alerts::notification::{Data, Kv};
use bellwether_model::{Alert, Labels, ManualClock};
use serde_json::{Value as Json, json};

const NOW_MS: i64 = 1_700_000_000_000;
const KEY: &str = "{}:{alertname=\"Slow\"}";

fn alert(job: &str, resolved: bool) -> Alert {
    Alert {
        labels: Labels::from_pairs([("alertname", "Slow"), ("job", job), ("severity", "page")]),
        annotations: Labels::from_pairs([("summary", "p99 is <high> & rising")]),
        starts_at_ms: NOW_MS - 60_000,
        ends_at_ms: resolved.then_some(NOW_MS - 1_000),
        generator_url: "http://bw/graph?g0.expr=x".to_owned(),
    }
}

fn templates(files: &[&str]) -> Templates {
    let functions = functions(Arc::new(ManualClock::new(NOW_MS)), "http://bw");
    Templates::new(functions, files.iter().map(|file| ("own.tmpl", *file))).expect("they are right")
}

fn told(alerts: &[Alert]) -> Arc<Data> {
    let group = Kv([("alertname".to_owned(), "Slow".to_owned())].into());
    Arc::new(Data::new("team", group, alerts, "http://bw", NOW_MS))
}

/// What the first integration of a receiver sends, which is written as in a configuration.
fn send(section: &str, alerts: &[Alert]) -> Result<Vec<Call>, MessageError> {
    send_after(section, alerts, None)
}

/// The same for a group that has a message already.
fn send_after(section: &str, alerts: &[Alert], posted: Option<Posted>) -> Result<Vec<Call>, MessageError> {
    let yaml = format!("route: {{receiver: team}}\nreceivers:\n- name: team\n  {section}");
    let config = Config::parse("alertmanager.yml", yaml.as_bytes(), ConfigOptions::default());
    let config = config.unwrap_or_else(|errors| panic!("{errors}\n{yaml}"));
    let templates = templates(&[]);
    let notification = Notification {
        data: told(alerts),
        group_key: KEY,
        idempotency_key: "news",
        reason: Reason::NewAlerts,
        templates: &templates,
        posted,
    };
    let messages = messages(&config.receivers[0].integrations[0], &notification)?;
    let call = |message| match message {
        Message::Call(call) => call,
        Message::Mail(mail) => panic!("a mail: {mail:?}"),
    };
    Ok(messages.into_iter().map(call).collect())
}

fn one(section: &str, alerts: &[Alert]) -> (Call, Json) {
    let calls = send(section, alerts).unwrap_or_else(|error| panic!("{error}"));
    let [call] = calls.try_into().expect("one request");
    let body = serde_json::from_str(&call.body).expect("JSON");
    (call, body)
}

fn header<'c>(call: &'c Call, name: &str) -> &'c str {
    call.headers.iter().find(|(there, _)| there == name).map_or("", |(_, value)| value.reveal())
}

#[test]
fn webhook_version_4() {
    let (call, body) = one(
        "webhook_configs: [{url: 'http://h/{{ .Status }}', max_alerts: 1}]",
        &[alert("a", false), alert("b", true)],
    );
    assert_eq!((call.method, call.url.reveal()), ("POST", "http://h/firing"));
    assert_eq!(header(&call, "content-type"), "application/json");
    assert_eq!(header(&call, "idempotency-key"), "news");
    assert_eq!(
        body,
        json!({
            "version": "4", "groupKey": KEY, "truncatedAlerts": 1, "status": "firing", "receiver": "team",
            "notificationReason": "new_alerts_in_group",
            "groupLabels": {"alertname": "Slow"},
            // Of what is told, and not of all that there is.
            "commonLabels": {"alertname": "Slow", "job": "a", "severity": "page"},
            "commonAnnotations": {"summary": "p99 is <high> & rising"},
            "externalURL": "http://bw",
            "alerts": [{
                "status": "firing",
                "labels": {"alertname": "Slow", "job": "a", "severity": "page"},
                "annotations": {"summary": "p99 is <high> & rising"},
                "startsAt": "2023-11-14T22:12:20Z", "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://bw/graph?g0.expr=x",
                "fingerprint": alert("a", false).fingerprint().to_string(),
            }],
        })
    );
}

#[test]
fn a_payload_of_ones_own() {
    let section = "webhook_configs: [{url: 'http://h/', payload: {state: '{{ .Status | toUpper }}', n: 3, labels: '{{ toJson .CommonLabels }}', list: ['{{ len .Alerts }}']}}]";
    let (_, body) = one(section, &[alert("a", false)]);
    let labels = json!({"alertname": "Slow", "job": "a", "severity": "page"});
    assert_eq!(body, json!({"state": "FIRING", "n": 3, "labels": labels, "list": ["1"]}));
}

#[test]
fn any_request() {
    let section = "http_configs: [{url: 'http://h/', method: PUT, headers: {Content-Type: text/plain, X-Status: '{{ .Status }}'}, body: '{{ range .Alerts }}{{ .Labels.job }};{{ end }}'}]";
    let calls = send(section, &[alert("a", false), alert("b", false)]).expect("it can be made");
    assert_eq!((calls[0].method, calls[0].body.as_str()), ("PUT", "a;b;"));
    assert_eq!((header(&calls[0], "Content-Type"), header(&calls[0], "X-Status")), ("text/plain", "firing"));
    assert_eq!(header(&calls[0], "idempotency-key"), "news");
    assert_eq!(calls[0].headers.len(), 3);
    let unsendable = "route: {receiver: a}\nreceivers:\n- name: a\n  http_configs:\n  - url: http://h/\n    headers:\n      X Team: a\n";
    let refused =
        Config::parse("a.yml", unsendable.as_bytes(), ConfigOptions::default()).expect_err("no header");
    assert!(refused.to_string().contains("a.yml:7:15: \"X Team\" is not the name of a header"), "{refused}");
}

#[test]
fn slack_by_hook_and_by_bot() {
    let section = "slack_configs: [{api_url: 'http://h/hook', channel: '#{{ .CommonLabels.severity }}', text: 'see {{ .ExternalURL }}', fields: [{title: job, value: '{{ .CommonLabels.job }}', short: true}], actions: [{type: button, text: Look, url: 'http://bw'}]}]";
    let (call, body) = one(section, &[alert("a", false)]);
    assert_eq!(call.url.reveal(), "http://h/hook");
    assert_eq!(
        body,
        json!({
            "channel": "#page", "username": "Bellwether",
            "attachments": [{
                "title": "[FIRING:1] Slow (a page)",
                "title_link": "http://bw/#/alerts?receiver=team",
                "text": "see http://bw",
                "fallback": "[FIRING:1] Slow (a page) | http://bw/#/alerts?receiver=team",
                "color": "danger",
                "mrkdwn_in": ["fallback", "pretext", "text"],
                "fields": [{"title": "job", "value": "a", "short": true}],
                "actions": [{"type": "button", "text": "Look", "url": "http://bw"}],
            }],
        })
    );
    let (call, body) = one("slack_configs: [{app_token: xoxb-1, channel: c}]", &[alert("a", true)]);
    assert_eq!(call.url.reveal(), "https://slack.com/api/chat.postMessage");
    assert_eq!(header(&call, "authorization"), "Bearer xoxb-1");
    assert_eq!(body["attachments"][0]["title"], "[RESOLVED] Slow (a page)");
    assert_eq!(body["attachments"][0]["color"], "good");
}

#[test]
fn alerts_that_are_left_out_are_counted_where_people_read() {
    let templates = templates(&[]);
    let data = Data { truncated_alerts: 5, ..(*told(&[alert("a", false)])).clone() };
    let body = |section: &str| {
        let yaml = format!("route: {{receiver: team}}\nreceivers:\n- name: team\n  {section}");
        let config = Config::parse("alertmanager.yml", yaml.as_bytes(), ConfigOptions::default());
        let config = config.unwrap_or_else(|errors| panic!("{errors}\n{yaml}"));
        let notification = Notification {
            data: Arc::new(data.clone()),
            group_key: KEY,
            idempotency_key: "news",
            reason: Reason::NewAlerts,
            templates: &templates,
            posted: None,
        };
        let messages = messages(&config.receivers[0].integrations[0], &notification);
        messages.expect("it can be made")[0].shown_body()
    };
    for section in [
        "slack_configs: [{api_url: 'http://h/'}]",
        "discord_configs: [{webhook_url: 'http://h/'}]",
        "telegram_configs: [{bot_token: '1:t', chat_id: 1}]",
        "msteamsv2_configs: [{webhook_url: 'http://h/'}]",
        "opsgenie_configs: [{api_key: k}]",
        "email_configs: [{to: a@b.test, from: c@b.test, smarthost: 'h:25'}]",
        "email_configs: [{to: a@b.test, from: c@b.test, smarthost: 'h:25', html: '', text: hello}]",
        "discord_configs: [{webhook_url: 'http://h/', message: 'only {{ .TruncatedAlerts }} more alerts'}]",
    ] {
        let body = body(section);
        assert_eq!(body.matches("5 more alerts").count(), 1, "{body}");
    }
    let hook: Json = serde_json::from_str(&body("webhook_configs: [{url: 'http://h/'}]")).expect("JSON");
    assert_eq!(hook["truncatedAlerts"], 5);
}

#[test]
fn slack_changes_and_answers_the_first_message_of_a_group() {
    let posted = || Some(Posted { channel: "C1".to_owned(), id: "17.5".to_owned() });
    let bot = |more: &str| {
        format!("slack_configs: [{{app_token: xoxb-1, channel: '#c', send_resolved: true{more}}}]")
    };
    let sent = |more: &str| {
        let calls = send_after(&bot(more), &[alert("a", true)], posted()).expect("it can be made");
        let part = |call: &Call| {
            let body: Json = serde_json::from_str(&call.body).expect("JSON");
            let method = call.url.reveal().strip_prefix("https://slack.com/api/").unwrap_or("").to_owned();
            let text = |name: &str| body[name].as_str().unwrap_or("").to_owned();
            (method, text("channel"), text("ts"), text("thread_ts"))
        };
        calls.iter().map(part).collect::<Vec<_>>()
    };
    let parts = |all: [&str; 4]| {
        let [method, channel, ts, thread] = all.map(str::to_owned);
        (method, channel, ts, thread)
    };
    let (new, change, answer) = (
        parts(["chat.postMessage", "#c", "", ""]),
        parts(["chat.update", "C1", "17.5", ""]),
        parts(["chat.postMessage", "C1", "", "17.5"]),
    );
    assert_eq!(sent(", update_message: true, thread_replies: true"), [change.clone(), answer.clone()]);
    assert_eq!(
        [sent(""), sent(", update_message: true"), sent(", thread_replies: true")].concat(),
        [new, change, answer]
    );
}

#[test]
fn pagerduty_events() {
    let section = "pagerduty_configs: [{routing_key: k, severity: '{{ if eq .CommonLabels.severity \"page\" }}critical{{ end }}', component: '{{ .CommonLabels.job }}', details: {job: '{{ .CommonLabels.job }}'}, links: [{href: 'http://bw', text: here}, {href: ''}]}]";
    let (call, body) = one(section, &[alert("a", false)]);
    assert_eq!(call.url.reveal(), "https://events.pagerduty.com/v2/enqueue");
    let details = &body["payload"]["custom_details"];
    assert_eq!(
        (&details["job"], &details["num_firing"], &details["resolved"]),
        (&json!("a"), &json!("1"), &json!([]))
    );
    assert_eq!(details["firing"][0]["labels"]["job"], "a");
    let dedup_key = body["dedup_key"].as_str().expect("a text").to_owned();
    assert!(dedup_key.len() == 64 && dedup_key.bytes().all(|b| b.is_ascii_hexdigit()), "{dedup_key}");
    assert_eq!(
        (&body["routing_key"], &body["event_action"], &body["client"], &body["links"]),
        (
            &json!("k"),
            &json!("trigger"),
            &json!("Bellwether"),
            &json!([{"href": "http://bw", "text": "here"}])
        )
    );
    let payload = &body["payload"];
    assert_eq!(
        (&payload["summary"], &payload["severity"], &payload["component"], &payload["source"]),
        (&json!("[FIRING:1] Slow (a page)"), &json!("critical"), &json!("a"), &json!("Bellwether"))
    );
    let (_, resolved) = one("pagerduty_configs: [{routing_key: k}]", &[alert("a", true)]);
    assert_eq!(resolved["event_action"], "resolve");
    assert_eq!(resolved["dedup_key"], dedup_key.as_str(), "the same incident");
    assert_eq!(resolved["payload"]["severity"], "error");
    let many: Vec<Alert> = (0..3000).map(|n| alert(&n.to_string(), false)).collect();
    let (call, body) = one("pagerduty_configs: [{routing_key: k}]", &many);
    assert!(call.body.len() < 512_000, "{}", call.body.len());
    assert!(body["payload"]["custom_details"]["error"].is_string());
    let mut long = alert("a", false);
    long.annotations = Labels::from_pairs([("long", "x".repeat(515_000))]);
    let section =
        "pagerduty_configs: [{routing_key: k, details: {firing: '', long: '{{ .CommonAnnotations.long }}'}}]";
    assert!(one(section, &[long]).0.body.len() <= 512_000, "a thousand bytes are a kilobyte");
}

#[test]
fn nothing_that_a_template_makes_has_a_pager_refuse_an_alert() {
    let section =
        "pagerduty_configs: [{routing_key: k, description: '{{ .CommonLabels.nope }}', source: ' '}]";
    let (_, event) = one(section, &[alert("a", false)]);
    assert_eq!((&event["payload"]["summary"], &event["payload"]["source"]), (&json!(KEY), &json!(KEY)));
    let section = "opsgenie_configs: [{api_key: k, message: '{{ .CommonLabels.nope }}', priority: '{{ .CommonLabels.severity }}', details: {job: mine}, responders: [{name: '{{ .CommonLabels.nope }}', type: team}, {name: ops, type: team}]}]";
    let (_, body) = one(section, &[alert("a", false)]);
    assert_eq!((&body["message"], &body["priority"]), (&json!(KEY), &Json::Null));
    assert_eq!(body["responders"], json!([{"type": "team", "name": "ops"}]));
    assert_eq!(body["details"], json!({"job": "mine", "alertname": "Slow", "severity": "page"}));
    let (_, body) = one("opsgenie_configs: [{api_key: k, priority: ' p2'}]", &[alert("a", false)]);
    assert_eq!(body["priority"], "P2");
}

#[test]
fn opsgenie_opens_changes_and_closes() {
    let section = "opsgenie_configs: [{api_key: k, api_url: 'http://h/', update_alerts: true, tags: 'a, b', priority: P1, responders: [{name: 'x,y', type: teams}, {username: ann, type: User}]}]";
    let opened = send(section, &[alert("a", false)]).expect("it can be made");
    let urls: Vec<&str> = opened.iter().map(|call| call.url.reveal()).collect();
    let body: Json = serde_json::from_str(&opened[0].body).expect("JSON");
    let alias = body["alias"].as_str().expect("a text");
    assert_eq!(urls[0], "http://h/v2/alerts");
    assert_eq!(
        urls[1..],
        [
            format!("http://h/v2/alerts/{alias}/message?identifierType=alias"),
            format!("http://h/v2/alerts/{alias}/description?identifierType=alias")
        ]
    );
    assert_eq!((opened[0].method, opened[1].method), ("POST", "PUT"));
    assert_eq!(header(&opened[0], "authorization"), "GenieKey k");
    assert_eq!(body["message"], "[FIRING:1] Slow (a page)");
    assert_eq!((&body["tags"], &body["priority"]), (&json!(["a", "b"]), &json!("P1")));
    assert_eq!(body["details"]["job"], "a");
    let responders = json!([{"type": "team", "name": "x"}, {"type": "team", "name": "y"}, {"type": "user", "username": "ann"}]);
    assert_eq!(body["responders"], responders);
    let closed = send(section, &[alert("a", true)]).expect("it can be made");
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].url.reveal(), format!("http://h/v2/alerts/{alias}/close?identifierType=alias"));
}

#[test]
fn teams_by_connector_and_by_workflow() {
    let (_, card) = one("msteams_configs: [{webhook_url: 'https://h/1'}]", &[alert("a", false)]);
    assert_eq!(
        (&card["@type"], &card["title"], &card["themeColor"]),
        (&json!("MessageCard"), &json!("[FIRING:1] Slow (a page)"), &json!("b00020"))
    );
    let (_, message) =
        one("msteamsv2_configs: [{webhook_url: 'https://h/1', text: hello}]", &[alert("a", true)]);
    let content = &message["attachments"][0]["content"];
    assert_eq!(
        (&message["type"], &content["type"], &content["version"]),
        (&json!("message"), &json!("AdaptiveCard"), &json!("1.4"))
    );
    assert_eq!(
        (&content["body"][0]["color"], &content["body"][1]["text"]),
        (&json!("Good"), &json!("hello"))
    );
}

#[test]
fn discord_and_telegram() {
    let (_, body) = one(
        "discord_configs: [{webhook_url: 'https://h/1', username: Bell, message: '{{ range $i, $a := .Alerts }}0123456789{{ end }}'}]",
        &vec![alert("a", false); 500],
    );
    assert_eq!((&body["username"], &body["embeds"][0]["color"]), (&json!("Bell"), &json!(0x00b0_0020)));
    let text = body["embeds"][0]["description"].as_str().expect("a text");
    assert!(text.chars().count() <= 4096 && text.ends_with(" more characters"), "cut at what Discord takes");
    let (call, body) = one(
        "telegram_configs: [{bot_token: '1:t', chat_id: -100, message: '<b>{{ .CommonAnnotations.summary }}</b>', message_thread_id: 7}]",
        &[alert("a", false)],
    );
    assert_eq!(call.url.reveal(), "https://api.telegram.org/bot1:t/sendMessage");
    assert_eq!(
        body,
        json!({
            "chat_id": -100, "message_thread_id": 7, "parse_mode": "HTML", "disable_notification": false,
            "disable_web_page_preview": true, "text": "<b>p99 is &lt;high&gt; &amp; rising</b>",
        })
    );
    let nowhere =
        "route: {receiver: a}\nreceivers: [{name: a, telegram_configs: [{bot_token: '1:t', chat_id: 0}]}]\n";
    let refused = Config::parse("a.yml", nowhere.as_bytes(), ConfigOptions::default()).expect_err("no chat");
    assert!(refused.to_string().contains("missing chat_id"), "{refused}");
}

#[test]
fn templates_of_users_win_and_mistakes_are_told() {
    let own = templates(&["{{ define \"slack.default.title\" }}own {{ .Status }}{{ end }}"]);
    let data = told(&[alert("a", false)]);
    assert_eq!(
        own.text("{{ template \"slack.default.title\" . }}", &data, false).expect("right"),
        "own firing"
    );
    let functions = functions(Arc::new(ManualClock::new(NOW_MS)), "");
    assert!(Templates::new(functions, [("own.tmpl", "{{ define \"x\" }}{{ nope }}{{ end }}")]).is_err());
    let error = send("webhook_configs: [{url: 'http://h/{{ template \"nope\" . }}'}]", &[alert("a", false)])
        .expect_err("no such template");
    assert!(
        error.to_string().starts_with("url: template: ") && error.to_string().contains("nope"),
        "{error}"
    );
    let error = send("http_configs: [{url: '{{ .Status }}'}]", &[alert("a", false)]).expect_err("no URL");
    assert_eq!(error.to_string(), "url: not an http or https URL: \"<secret>\"");
}

#[test]
fn the_mail_escapes_what_alerts_say() {
    let data = told(&[alert("<script>", false), alert("b", true)]);
    let html = templates(&[]).text("{{ template \"email.default.html\" . }}", &data, true).expect("right");
    assert!(
        html.contains("<b>job</b> = &lt;script&gt;<br>") && html.contains("p99 is &lt;high&gt; &amp; rising"),
        "{html}"
    );
    assert!(
        html.contains("<a href=\"http://bw/graph?g0.expr=x\">Source</a>") && html.contains("1 firing</h2>"),
        "{html}"
    );
}
